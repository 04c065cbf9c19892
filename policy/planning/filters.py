"""What speaks against a sequence: one pure function for every rule, its name as the cause.

`policy.planning.constraints` applies them to the whole space, so that patterns, generators and the
search obey the same rules. What is not known never counts against a trade here: the calculators
and the gates decide about missing figures, and they fail closed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import combinations
from math import floor, fsum
from typing import Final

from ledger.correlation import Correlations
from ledger.portfolio import Position
from policy.planning.candidates import Candidate, Scene
from policy.planning.config import Diversity

NOT_EXECUTABLE: Final = "not_executable"
SIDE_OFF: Final = "side_not_allowed"
INELIGIBLE: Final = "ineligible"
RECENTLY_TRADED: Final = "recently_traded"
REPEATED: Final = "repeated_symbol"
CORRELATED: Final = "correlated"
CORRELATED_HOLDING: Final = "correlated_holding"
GROUP_BUDGET: Final = "group_budget"
LOW_PRIORITY: Final = "mean_priority"
LOW_DIVERSITY: Final = "diversity"

# From so many trades on, more different tags make a sequence no more diverse.
MOST_TAGS: Final = 5


def barred_by(scene: Scene, wanted: Candidate) -> str | None:
    """Why a candidate may be in no sequence at all; None when it may.

    Holds, cool-downs and refusals of gates stand in `scene.barred` and candidates are made by
    them: this is the second line, with the switches of the two filters.
    """
    config = scene.config
    if not (config.allow_buy if wanted.side == "BUY" else config.allow_sell):
        return SIDE_OFF
    barred = (wanted.symbol, wanted.side) in scene.barred
    held = config.filters.eligibility
    if wanted.side == "SELL" and held.enabled:
        windows = held.enforce_min_hold or held.enforce_cooldown
        if (barred and windows) or (held.enforce_max_loss and _deep_loss(scene, wanted)):
            return INELIGIBLE
    recent = config.filters.recently_traded
    enforced = recent.enforce_buy_cooldown if wanted.side == "BUY" else recent.enforce_sell_cooldown
    return RECENTLY_TRADED if barred and recent.enabled and enforced else None


def _deep_loss(scene: Scene, sale: Candidate) -> bool:
    """Whether price ÷ average cost − 1 is below the threshold; a missing cost passes."""
    position = scene.snapshot.held(sale.symbol)
    cost = position.average_cost if position is not None else None
    if cost is None or cost.currency != sale.price.currency or cost.micro <= 0:
        return False
    own = scene.config.filters.eligibility.max_loss_threshold
    wanted = scene.config.max_loss_threshold if own is None else own
    threshold = max(wanted, -scene.limits.max_sell_loss)
    return Decimal(sale.price.micro - cost.micro) / cost.micro < threshold


def alike(
    purchases: Iterable[tuple[int, str]], correlations: Correlations, threshold: float
) -> Iterator[tuple[int, int]]:
    """The pairs of numbered purchases with |correlation| > threshold; an unknown one is none, and
    two sizes of one symbol are alike."""
    index = correlations.index()
    known = [(number, index[symbol]) for number, symbol in purchases if symbol in index]
    for (one, first), (other, second) in combinations(known, 2):
        value = correlations.between(first, second)
        if value is not None and abs(value) > threshold:
            yield one, other


def twins(scene: Scene, symbol: str, correlations: Correlations) -> tuple[str, ...]:
    """The holdings that speak against opening a position in `symbol`.

    A holding does when it moves like it (|correlation| > threshold) and is overweight: heavier than
    its target by more than rebalancing tolerates. There is enough of that risk already, unless the
    same sequence sells some of the holding. What is held anyway is a matter of its own target.
    """
    index = correlations.index()
    if symbol not in index or scene.snapshot.held(symbol) is not None:
        return ()
    threshold = scene.config.filters.correlation_aware.correlation_threshold
    found: list[str] = []
    for position in scene.snapshot.positions:
        other = position.security.symbol
        value = correlations.between(index[symbol], index[other]) if other in index else None
        if value is not None and abs(value) > threshold and _overweight(scene, position):
            found.append(other)
    return tuple(sorted(found))


def _overweight(scene: Scene, position: Position) -> bool:
    tolerated = scene.config.calculators.rebalance_sells.overweight_threshold
    target = scene.targets.weights.get(position.security.symbol, Decimal(0))
    return Decimal(_minor(position)) / scene.total.minor > target + tolerated


@dataclass(frozen=True, slots=True)
class Gaps:
    """How far groups are below target, as fractions of the total value; negative above it.

    `groups_of` are the groups of each symbol, among which its value is split equally.
    """

    below: Mapping[str, Fraction]
    groups_of: Mapping[str, tuple[str, ...]]


def country_gaps(scene: Scene) -> Gaps:
    targets = scene.targets
    groups_of = {symbol: (name,) for symbol, name in targets.country_of.items()}
    return _gaps(scene, targets.countries, groups_of)


def industry_gaps(scene: Scene) -> Gaps:
    return _gaps(scene, scene.targets.industries, scene.targets.industries_of)


def _gaps(
    scene: Scene, targets: Mapping[str, Decimal], groups_of: Mapping[str, tuple[str, ...]]
) -> Gaps:
    """target − what is held ÷ total value, of every group that has a target or a holding; one
    without a target has target 0. Exact.
    """
    held: dict[str, Fraction] = {}
    for position in scene.snapshot.positions:
        groups = groups_of.get(position.security.symbol, ())
        for name in groups:
            part = Fraction(_minor(position), len(groups))
            held[name] = held.get(name, Fraction(0)) + part
    below = {
        name: Fraction(targets.get(name, 0)) - held.get(name, Fraction(0)) / scene.total.minor
        for name in {**targets, **held}
    }
    return Gaps(below, groups_of)


def _minor(position: Position) -> int:
    return position.value_eur.minor if position.value_eur is not None else 0


def group_budgets(scene: Scene, candidates: Iterable[Candidate]) -> dict[str, int]:
    """What may be sold in the name of each group, in EUR cents: what is held of it − target × total
    value, rounded down, and not below 0.

    A group is one of countries when it is that of the seller's country, else one of industries; one
    that nothing of is held has no overweight.
    """
    named = [c for c in candidates if c.side == "SELL" and c.group is not None]
    if not named:
        return {}
    by_country, by_industry = country_gaps(scene).below, industry_gaps(scene).below
    budgets: dict[str, int] = {}
    for sale in named:
        assert sale.group is not None
        of_country = scene.targets.country_of.get(sale.symbol) == sale.group
        gap = (by_country if of_country else by_industry).get(sale.group, Fraction(0))
        budgets[sale.group] = max(0, floor(-gap * scene.total.minor))
    return budgets


def mean_priority(sequence: Sequence[Candidate]) -> float:
    """Of at least one candidate."""
    return fsum(c.priority for c in sequence) / len(sequence)


def diversity(sequence: Sequence[Candidate]) -> float:
    """0 to 1, of n ≥ 1 trades:

        0.4 · symbols ÷ n + 0.3 · (1 − largest country ÷ n) + 0.3 · min(1, tags ÷ min(n, 5))

    with the numbers of different symbols and tags. Tags count for their part and no more: most
    trades have several, and would otherwise hide what countries say. Those without a country count
    as one country: nobody knows that they differ.
    """
    count = len(sequence)
    symbols = len({c.symbol for c in sequence})
    largest = max(Counter(c.security.instrument.country for c in sequence).values())
    tags = len({tag for c in sequence for tag in c.tags})
    return (
        0.4 * symbols / count
        + 0.3 * (1.0 - largest / count)
        + 0.3 * min(1.0, tags / min(count, MOST_TAGS))
    )  # fmt: skip


def blended(sequence: Sequence[Candidate], rule: Diversity) -> float:
    """(1 − w) · mean priority + w · diversity: by what the sequences to begin with are chosen."""
    weight = rule.diversity_weight
    return (1.0 - weight) * mean_priority(sequence) + weight * diversity(sequence)
