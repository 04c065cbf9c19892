"""Menus in a few words: candidates of 1,000 EUR each by kind and priority, and cash in trades."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from ledger.allocation import industries_of
from ledger.correlation import Correlations
from ledger.order import Side
from ledger.security import Security
from policy.funding import Funded
from policy.limits import DEFAULTS, Limits
from policy.planning.candidates import Candidate, Idea, Kind, Scene, candidate
from policy.planning.config import DEFAULT_CONFIG, PATTERNS, Pattern, PlannerConfig
from policy.planning.constraints import Constraints, constraints
from policy.planning.menu import Menu, make_menu
from policy.planning.space import Combo, Space, Step, TradeSequence, space, walk
from policy.targets import Targets
from tests.policy.accounts import eur, scene, security, snapshot

SELLS = ("profit_taking", "rebalance_sells")
PRICE = "100"
LOTS = 10
HELD = 40
# What one purchase of a thousand takes at its worst, fee and all; a sale brings less than that.
BUY_COST = 1_010


@dataclass(frozen=True, slots=True)
class Want:
    """One candidate: the kind decides its side."""

    symbol: str
    kind: Kind
    priority: float = 0.5
    lots: int = LOTS
    country: str | None = "Germany"
    industry: str | None = "Software"
    side: Side | None = None
    group: str | None = None
    tags: tuple[str, ...] = ("tag",)
    executable: bool = True

    @property
    def taken(self) -> Side:
        return self.side or ("SELL" if self.kind in SELLS else "BUY")


@dataclass(frozen=True, slots=True)
class Stage:
    """An account, its candidates in canonical order, and what was set for both."""

    scene: Scene
    space: Space
    correlations: Correlations | None = None
    regime: str = "sideways"
    held: Mapping[str, int] = field(default_factory=dict[str, int])

    @property
    def bounds(self) -> Constraints:
        return constraints(self.space, self.scene, correlations=self.correlations)

    @property
    def menu(self) -> Menu:
        return make_menu(self.space, self.scene, self.bounds, regime=self.regime)

    def words(self, combo: Combo) -> str:
        """-A for a sale of A, +B for a purchase of B, in their order."""
        return " ".join(self.word(self.space.candidates[n]) for n in combo)

    @staticmethod
    def word(one: Candidate) -> str:
        return f"{'-' if one.side == 'SELL' else '+'}{one.symbol}"

    def combo(self, words: str) -> Combo:
        """The other way round; the largest of a symbol's sizes."""
        numbers: dict[str, int] = {}
        for n, one in enumerate(self.space.candidates):
            best = numbers.get(self.word(one))
            if best is None or one.quantity.micro > self.space.candidates[best].quantity.micro:
                numbers[self.word(one)] = n
        return tuple(sorted(numbers[word] for word in words.split()))


def stage(
    *wanted: Want,
    buys: float = 3,
    held: Mapping[str, int] | None = None,
    config: PlannerConfig = DEFAULT_CONFIG,
    limits: Limits | None = None,
    correlations: Correlations | None = None,
    regime: str = "sideways",
    barred: frozenset[tuple[str, Side]] = frozenset(),
    costs: Mapping[str, str] | None = None,
) -> Stage:
    """`buys`: how many purchases of a thousand the cash pays for. What is sold is held, forty lots
    of it, and so is what `held` says.
    """
    owned = {w.symbol: HELD for w in wanted if w.taken == "SELL"} | dict(held or {})
    labels = {w.symbol: (w.country, w.industry) for w in reversed(wanted)}
    universe = tuple(
        security(symbol, number=number, country=country, industry=industry)
        for number, symbol in enumerate(sorted({*labels, *owned}), start=1)
        for country, industry in (labels.get(symbol, ("Germany", "Software")),)
    )
    shot = snapshot(
        universe,
        prices={s.symbol: PRICE for s in universe},
        held={symbol: str(quantity) for symbol, quantity in owned.items()},
        costs=costs if costs is not None else dict.fromkeys(owned, PRICE),
        cash={"EUR": str(int(BUY_COST * buys) + 5)},
    )
    wide = replace(DEFAULTS, min_cash_reserve=eur(0))
    where = replace(scene(shot, limits=limits or wide, barred=barred), config=config)
    known = {s.symbol: s for s in universe}
    made = tuple(_made(where, known[w.symbol], w) for w in wanted)
    return Stage(where, _space(made, where), correlations, regime, owned)


def _made(where: Scene, one: Security, want: Want) -> Candidate:
    idea = Idea(want.kind, want.priority, lambda value: f"because of {value}", want.tags)
    made = candidate(where, one, want.taken, want.lots, idea)
    assert made is not None
    return replace(made, group=want.group, executable=want.executable)


def _space(candidates: tuple[Candidate, ...], where: Scene) -> Space:
    return space(candidates, where.purse, where.rules, max_depth=1)


def aimed(
    where: Stage,
    countries: Mapping[str, str],
    industries: Mapping[str, str],
    weights: Mapping[str, str] | None = None,
) -> Stage:
    """The same with these targets, as fractions of the total value."""
    universe = where.scene.snapshot.universe
    targets = Targets(
        weights={symbol: Decimal(t) for symbol, t in (weights or {}).items()},
        countries={name: Decimal(t) for name, t in countries.items()},
        industries={name: Decimal(t) for name, t in industries.items()},
        country_of={s.symbol: s.instrument.country or "" for s in universe},
        industries_of={s.symbol: industries_of(s.instrument.industry) for s in universe},
    )
    return replace(where, scene=replace(where.scene, targets=targets))


def configured(where: Stage, config: PlannerConfig) -> Stage:
    return replace(where, scene=replace(where.scene, config=config))


def sequence_of(where: Stage, combo: Combo) -> TradeSequence:
    """The steps of a combination with its conversions, as they are paid for one after another."""
    memo: dict[Combo, Funded | None] = {(): Funded(where.space.purse, ())}
    steps: list[Step] = []
    for depth, number in enumerate(combo, start=1):
        funded = walk(where.space, combo[:depth], memo)
        assert funded is not None
        steps += (*funded.conversions, where.space.candidates[number])
    return TradeSequence(combo, tuple(steps), eur(0), eur(0), b"")


def only(
    *patterns: str, config: PlannerConfig = DEFAULT_CONFIG, most: int = 10, **changes: object
) -> PlannerConfig:
    """Nothing enabled but these patterns; no generator and no diversity filter."""
    generators = config.generators
    return replace(
        config,
        patterns={name: Pattern(enabled=name in patterns, max_depth=most) for name in PATTERNS},
        generators=replace(
            generators,
            enhanced_combinatorial=replace(generators.enhanced_combinatorial, enabled=False),
        ),
        **changes,  # type: ignore[arg-type]
    )


def moving_alike(pairs: Iterable[tuple[str, str]], symbols: str, value: float) -> Correlations:
    """Correlations of the letters of `symbols`: `value` for the pairs, else none to speak of."""
    alike = {frozenset(pair) for pair in pairs}
    names = tuple(symbols)
    rows = tuple(
        tuple(value if frozenset((one, other)) in alike else 0.1 for other in names[:n])
        for n, one in enumerate(names)
    )
    return Correlations(date(2026, 3, 3), 252, names, rows)
