"""Sequences no pattern thinks of, and candidates no calculator makes.

    combinatorial           every set, the ones that reach least far down the lists first
    enhanced_combinatorial  weighted samples without replacement, unlike those just accepted
    partial_execution       each candidate in parts: `partial_candidates`
    constraint_relaxation   what a rule forbids, to see what the rule costs: `relaxed_candidates`

Everything is bounded by its settings and the same for the same seed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import islice
from math import fsum
from random import Random
from typing import Final

from ledger.allocation import industries_of
from ledger.money import Quantity
from ledger.security import Security
from policy.planning.candidates import Candidate, Idea, Scene, candidate, share_of
from policy.planning.config import Combinatorial
from policy.planning.menu import Menu
from policy.planning.space import Combo

# Sets that may be looked at for each that may be made.
COMBINATORIAL_TRIES: Final = 10
SAMPLING_TRIES: Final = 3
# A sample is compared with so many accepted before it; overlap is intersection ÷ union.
COMPARED: Final = 10
MOST_OVERLAP: Final = 0.8
# What even the weakest candidate weighs when samples are drawn; the strongest weighs 1 more.
LEAST_WEIGHT: Final = 0.1


def combinatorial(menu: Menu, rule: Combinatorial, depth: int) -> tuple[Combo, ...]:
    """Up to `max_combinations` possible sets of sales and purchases, of either side alone, too.

    Sets come by the sum of the ranks of their members on both sides, so that no strong sale uses up
    the number of sets before the next one is tried. At most ten times as many are looked at.
    """
    sells, buys = _sides(menu, rule)
    found: list[Combo] = []
    wanted = _by_rank(len(sells), len(buys), rule, min(rule.max_steps, depth))
    for sold, bought in islice(wanted, COMBINATORIAL_TRIES * rule.max_combinations):
        combo = tuple(sorted((*(sells[n] for n in sold), *(buys[n] for n in bought))))
        if menu.obstacle(combo) is None:
            found.append(combo)
        if len(found) == rule.max_combinations:
            break
    return tuple(found)


def enhanced_combinatorial(
    menu: Menu, rule: Combinatorial, depth: int, rng: Random
) -> tuple[Combo, ...]:
    """Up to `max_combinations` different samples of at most `depth` trades, in three times as many
    attempts. Half of the steps are for sales, as in the patterns.

    A sample is refused when, beside one of the last ten accepted, both its countries and its
    industries overlap by more than 0.8; where neither has a label there is no overlap.
    """
    sells, buys = (_weighted(menu, side) for side in _sides(menu, rule))
    most_sells = min(rule.max_sells, depth // 2, len(sells))
    most_buys = min(rule.max_buys, depth, len(buys))
    found: dict[Combo, _Labels] = {}
    for _ in range(SAMPLING_TRIES * rule.max_combinations):
        if len(found) == rule.max_combinations:
            break
        sold, bought = _some(most_sells, rng), _some(most_buys, rng)
        if sold + bought > min(rule.max_steps, depth):
            continue
        combo = _sample(sells, buys, (sold, bought), rng)
        if not combo or combo in found:
            continue
        labels = _labels(menu, combo)
        recent = list(found.values())[-COMPARED:]
        if any(_overlap(labels, other) for other in recent) or menu.obstacle(combo) is not None:
            continue
        found[combo] = labels
    return tuple(found)


def _sides(menu: Menu, rule: Combinatorial) -> tuple[Combo, Combo]:
    """The strongest sales and purchases."""

    def strongest(numbers: Combo) -> Combo:
        enough = [n for n in numbers if menu.candidate(n).priority >= rule.priority_threshold]
        return tuple(enough[: rule.max_candidates])

    return strongest(menu.by_priority(menu.sells)), strongest(menu.buys)


def _by_rank(
    sells: int, buys: int, rule: Combinatorial, longest: int
) -> Iterator[tuple[Combo, Combo]]:
    """Sets of up to `longest` places in both lists, by the sum of all ranks; the rank of place n is
    n + 1.
    """
    most_sells, most_buys = min(rule.max_sells, longest), min(rule.max_buys, longest)
    furthest = _largest_sum(sells, most_sells) + _largest_sum(buys, most_buys)
    for total in range(1, furthest + 1):
        for part in range(total + 1):
            for sold in _ranks(part, sells, most_sells):
                for bought in _ranks(total - part, buys, min(most_buys, longest - len(sold))):
                    yield sold, bought


def _ranks(total: int, places: int, most: int, first: int = 0) -> Iterator[Combo]:
    """Up to `most` ascending places from `first` on whose ranks sum up to `total`."""
    if total == 0:
        yield ()
    elif total <= _largest_sum(places, min(most, places - first)):
        for place in range(first, min(places, total)):
            for rest in _ranks(total - place - 1, places, most - 1, place + 1):
                yield (place, *rest)


def _largest_sum(places: int, most: int) -> int:
    """Of the ranks of up to `most` places."""
    count = max(0, min(most, places))
    return count * places - count * (count - 1) // 2


@dataclass(frozen=True, slots=True)
class _Weighted:
    number: int
    symbol: str
    weight: float


def _weighted(menu: Menu, numbers: Combo) -> list[_Weighted]:
    """Weight: ((p − smallest) ÷ (largest − smallest))² + 0.1; all alike when the priorities are."""
    priorities = [menu.candidate(number).priority for number in numbers]
    least, most = min(priorities, default=0.0), max(priorities, default=0.0)
    parts = [(p - least) / (most - least) if most > least else 1.0 for p in priorities]
    # A product is the same to the last bit on every machine; a power need not be.
    return [
        _Weighted(number, menu.candidate(number).symbol, part * part + LEAST_WEIGHT)
        for number, part in zip(numbers, parts, strict=True)
    ]


def _some(most: int, rng: Random) -> int:
    """Uniform in 1 … most; 0 when that is 0. Of `Random` only `random()` is the same for ever."""
    return 1 + int(rng.random() * most) if most > 0 else 0


def _sample(
    sells: list[_Weighted], buys: list[_Weighted], counts: tuple[int, int], rng: Random
) -> Combo:
    """So many sales and purchases by weight, without replacement; no symbol twice."""
    drawn: list[_Weighted] = []
    for side, count in zip((sells, buys), counts, strict=True):
        for _ in range(count):
            taken = {one.symbol for one in drawn}
            left = [one for one in side if one.symbol not in taken]
            if left:
                drawn.append(_one(left, rng))
    return tuple(sorted(one.number for one in drawn))


def _one(left: list[_Weighted], rng: Random) -> _Weighted:
    point = rng.random() * fsum(one.weight for one in left)
    for one in left:
        point -= one.weight
        if point < 0.0:
            return one
    return left[-1]


_Labels = tuple[frozenset[str], frozenset[str]]


def _labels(menu: Menu, combo: Combo) -> _Labels:
    instruments = [menu.candidate(number).security.instrument for number in combo]
    countries = frozenset(i.country for i in instruments if i.country)
    return countries, frozenset(name for i in instruments for name in industries_of(i.industry))


def _overlap(one: _Labels, other: _Labels) -> bool:
    return all(_share(a, b) > MOST_OVERLAP for a, b in zip(one, other, strict=True))


def _share(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / len(one | other) if one | other else 0.0


def partial_candidates(scene: Scene, candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Smaller sizes of candidates: each at every fill percentage, in whole lots.

    None below `min_shares` shares or the smallest worthwhile trade. A part has that part of the
    priority, so that it stands behind the whole; sizes of one security never stand together.
    """
    rule = scene.config.generators.partial_execution
    if not rule.enabled:
        return ()
    least = Quantity.of(rule.min_shares)
    found: dict[bytes, Candidate] = {}
    for whole in candidates:
        for share in rule.fill_percentages:
            part = _part(scene, whole, share)
            if part is not None and least.micro <= part.quantity.micro < whole.quantity.micro:
                found.setdefault(part.key, part)
    made = {whole.key for whole in candidates}
    return tuple(part for key, part in found.items() if key not in made)


def _part(scene: Scene, whole: Candidate, share: Decimal) -> Candidate | None:
    lot = whole.security.instrument.lot
    if lot is None:
        return None
    numerator, denominator = share.as_integer_ratio()
    lots = whole.quantity.micro * numerator // (denominator * lot.micro)
    idea = Idea(
        whole.kind,
        whole.priority * float(share),
        lambda value: f"{whole.reason}; in part, for {value}",
        (*whole.tags, "partial"),
    )
    part = candidate(scene, whole.security, whole.side, lots, idea)
    if part is None:
        return None
    return replace(part, group=whole.group, executable=whole.executable)


@dataclass(frozen=True, slots=True)
class _Relaxation:
    """One rule taken away: the scene without it, and which of its candidates break the rule."""

    name: str
    scene: Scene
    breaks: Callable[[Candidate], bool]


def relaxed_candidates(
    scene: Scene,
    candidates: Sequence[Candidate],
    *,
    find: Callable[[Scene], tuple[Candidate, ...]],
) -> tuple[Candidate, ...]:
    """What `find` would propose with each relaxed rule taken away, one rule at a time.

    Only what breaks the rule comes back, tagged with its name and never executable.
    """
    if not scene.config.generators.constraint_relaxation.enabled:
        return ()
    taken = {one.key for one in candidates}
    shot = scene.snapshot
    real = {s.symbol: s for s in (*(p.security for p in shot.positions), *shot.universe)}
    found: dict[bytes, Candidate] = {}
    for relaxation in _relaxations(scene, real):
        for one in find(relaxation.scene):
            if one.key not in taken and relaxation.breaks(one):
                tags = (*one.tags, "relaxed", relaxation.name)
                marked = replace(one, security=real[one.symbol], tags=tags, executable=False)
                found.setdefault(one.key, marked)
    return tuple(found.values())


def _relaxations(scene: Scene, real: Mapping[str, Security]) -> Iterator[_Relaxation]:
    rule = scene.config.generators.constraint_relaxation
    if rule.relax_allow_sell:
        yield _Relaxation(
            "relax_allow_sell",
            _with_securities(scene, lambda s: replace(s, allow_sell=True)),
            lambda c: c.side == "SELL" and not real[c.symbol].allow_sell,
        )
    if rule.relax_min_lot:
        yield _Relaxation(
            "relax_min_lot",
            _with_securities(scene, lambda s: _with_part_of_lot(s, rule.min_shares_relaxed)),
            lambda c: not _whole_lots(c, real[c.symbol]),
        )
    if rule.relax_max_position:
        most = share_of(scene.total, scene.limits.max_position_share)
        yield _Relaxation(
            "relax_max_position",
            _with_position_share(scene, Decimal(1)),
            lambda c: c.side == "BUY" and scene.value(c.security) + c.value_eur > most,
        )
    if rule.relax_cooldown:
        yield _Relaxation(
            "relax_cooldown",
            replace(scene, barred=frozenset()),
            lambda c: (c.symbol, c.side) in scene.barred,
        )


def _with_part_of_lot(security: Security, part: Decimal) -> Security:
    """Of a millionth at least; what has no lot stays untradable."""
    lot = security.instrument.lot
    if lot is None:
        return security
    smaller = Quantity(max(1, int(part * lot.micro)))
    return replace(security, instrument=replace(security.instrument, lot=smaller))


def _whole_lots(one: Candidate, real: Security) -> bool:
    lot = real.instrument.lot
    return lot is not None and one.quantity.is_multiple_of(lot)


def _with_securities(scene: Scene, change: Callable[[Security], Security]) -> Scene:
    shot = scene.snapshot
    universe = tuple(change(s) for s in shot.universe)
    positions = tuple(replace(p, security=change(p.security)) for p in shot.positions)
    return replace(scene, snapshot=replace(shot, universe=universe, positions=positions))


def _with_position_share(scene: Scene, share: Decimal) -> Scene:
    rules = scene.rules
    limits = replace(rules.fx.limits, max_position_share=share)
    return replace(scene, rules=replace(rules, fx=replace(rules.fx, limits=limits)))
