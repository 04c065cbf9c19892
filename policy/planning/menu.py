"""What sequences are composed from: candidates by kind, and exactly what can be paid for.

Patterns and generators see only this. Every combination they hold is ascending, and both payable
and allowed at every prefix, because `plus` and `fill` hand out nothing else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from ledger.order import Side
from policy.funding import Funded
from policy.planning.candidates import Candidate, Kind, Scene
from policy.planning.constraints import Constraints
from policy.planning.filters import Gaps, country_gaps, industry_gaps
from policy.planning.space import Combo, Space, walk

UNAFFORDABLE: Final = "unaffordable"


@dataclass(frozen=True, slots=True, eq=False)
class Menu:
    """The numbers of the candidates that may stand in a sequence, each list by priority, and of one
    security's sizes the largest first.

    A trade that several calculators want stands in the list of each: its kind names the first, its
    tags the others. Those of weight alone go with rebalancing. `regime` is the state of the market
    to plan by; `countries` and `industries` say how far groups are from target. `verdicts` keeps
    what was found of every combination looked at, `purses` the money after it.
    """

    where: Space
    bounds: Constraints
    regime: str
    countries: Gaps
    industries: Gaps
    profit_taking: Combo
    rebalance_sells: Combo
    averaging_down: Combo
    rebalance_buys: Combo
    opportunity_buys: Combo
    verdicts: dict[Combo, str | None]
    purses: dict[Combo, Funded | None]

    @property
    def sells(self) -> Combo:
        """Profits first, then what is overweight; each once."""
        return tuple(dict.fromkeys(self.profit_taking + self.rebalance_sells))

    @property
    def buys(self) -> Combo:
        """The purchases of all kinds, the strongest first."""
        return self.by_priority(self.averaging_down + self.rebalance_buys + self.opportunity_buys)

    @property
    def everything(self) -> Combo:
        return self.by_priority(self.sells + self.buys)

    def by_priority(self, numbers: Iterable[int]) -> Combo:
        """Each once, the strongest first, of equals the largest, then the one that comes first
        anyway."""
        return _by_priority(self.where.candidates, numbers)

    def candidate(self, number: int) -> Candidate:
        return self.where.candidates[number]

    def obstacle(self, combo: Combo) -> str | None:
        """The rule that an ascending combination breaks; None when there is none."""
        if combo not in self.verdicts:
            cause = self.bounds.obstacle(combo)
            if cause is None and walk(self.where, combo, self.purses) is None:
                cause = UNAFFORDABLE
            self.verdicts[combo] = cause
        return self.verdicts[combo]

    def plus(self, combo: Combo, number: int) -> Combo | None:
        """The combination with one more; None when a rule or the money is against it."""
        longer = joined(combo, number)
        return longer if self.obstacle(longer) is None else None

    def fill(self, begin: Combo, numbers: Iterable[int], depth: int) -> Combo:
        """Walk down the list and keep what is possible beside what is kept, up to `depth` trades
        in all."""
        combo = begin
        for number in numbers:
            if len(combo) >= depth:
                break
            combo = self.plus(combo, number) or combo
        return combo

    def fill_strictly(self, begin: Combo, numbers: Iterable[int], depth: int) -> Combo:
        """As `fill`, but only down to the first that cannot be paid for."""
        combo = begin
        for number in numbers:
            if len(combo) >= depth:
                break
            longer = joined(combo, number)
            cause = self.obstacle(longer)
            if cause == UNAFFORDABLE:
                break
            combo = longer if cause is None else combo
        return combo

    def refusals(self) -> Counter[str]:
        """How many of the combinations looked at broke which rule."""
        return Counter(cause for cause in self.verdicts.values() if cause is not None)


def make_menu(where: Space, scene: Scene, bounds: Constraints, *, regime: str) -> Menu:
    """The menu of a space, without what a rule keeps out of every sequence."""
    numbers = range(len(where.candidates))
    barred: dict[Combo, str | None] = {
        (n,): cause for n in numbers if (cause := bounds.obstacle((n,))) is not None
    }

    def of(side: Side, tag: str, *kinds: Kind) -> Combo:
        found = [
            n
            for n, c in enumerate(where.candidates)
            if c.side == side
            and (c.kind in kinds or tag in c.tags)
            and c.executable
            and (n,) not in barred
        ]
        return _by_priority(where.candidates, found)

    return Menu(
        where=where,
        bounds=bounds,
        regime=regime,
        countries=country_gaps(scene),
        industries=industry_gaps(scene),
        profit_taking=of("SELL", "profit_taking", "profit_taking"),
        rebalance_sells=of("SELL", "rebalance", "rebalance_sells", "weight_based"),
        averaging_down=of("BUY", "averaging_down", "averaging_down"),
        rebalance_buys=of("BUY", "rebalance", "rebalance_buys", "weight_based"),
        opportunity_buys=of("BUY", "opportunity", "opportunity_buys"),
        verdicts=barred,
        purses={(): Funded(where.purse, ())},
    )


def joined(combo: Combo, number: int) -> Combo:
    """Both together, ascending: sales stay before purchases."""
    return tuple(sorted((*combo, number)))


def _by_priority(candidates: Sequence[Candidate], numbers: Iterable[int]) -> Combo:
    def place(number: int) -> tuple[float, int, int]:
        one = candidates[number]
        return -one.priority, -one.value_eur.minor, number

    return tuple(sorted(set(numbers), key=place))
