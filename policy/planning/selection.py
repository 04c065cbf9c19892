"""The few of each kind that sequences are made of: the strongest, or the strongest that differ.

By priority alone the best of a kind may all stand in one country. Diverse selection takes them one
by one, each time the highest of

    (1 − w) × priority ÷ largest priority of the kind + w ÷ (1 + 0.5 × taken from its cluster)

A cluster is a country, for a security without one its first industry, else the security itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from ledger.allocation import folded, industries_of
from ledger.security import Security
from policy.planning.candidates import Candidate
from policy.planning.config import PlannerConfig

CROWDING: Final = 0.5

# All sizes of one security's trade in a kind, the largest first.
Sizes = tuple[Candidate, ...]


def select(candidates: Iterable[Candidate], config: PlannerConfig) -> tuple[Candidate, ...]:
    """Of each kind the trades of at most `max_opportunities_per_category` securities.

    Kinds in the order in which they first come; within one by priority, then by symbol and size.
    """
    kinds: dict[str, list[Candidate]] = {}
    for one in candidates:
        kinds.setdefault(one.kind, []).append(one)
    return tuple(
        one for found in kinds.values() for sizes in _strongest(found, config) for one in sizes
    )


def cluster_of(security: Security) -> str:
    """The name of what the security is likely to move with."""
    instrument = security.instrument
    industries = industries_of(instrument.industry)
    return folded(instrument.country or (industries[0] if industries else security.symbol))


def _strongest(found: list[Candidate], config: PlannerConfig) -> list[Sizes]:
    by_symbol: dict[str, list[Candidate]] = {}
    for one in sorted(found, key=lambda c: (-c.priority, c.symbol, -c.quantity.micro, c.key)):
        by_symbol.setdefault(one.symbol, []).append(one)
    ranked = [tuple(sizes) for sizes in by_symbol.values()]
    most = config.max_opportunities_per_category
    if not config.enable_diverse_selection or len(ranked) <= most:
        return ranked[:most]
    return _diverse(ranked, most, config.diversity_weight)


def _diverse(ranked: list[Sizes], most: int, weight: float) -> list[Sizes]:
    top = ranked[0][0].priority or 1.0
    taken: Counter[str] = Counter()
    kept: list[int] = []
    left = list(range(len(ranked)))

    def worth(number: int) -> float:
        first = ranked[number][0]
        alone = 1.0 / (1.0 + CROWDING * taken[cluster_of(first.security)])
        return (1.0 - weight) * first.priority / top + weight * alone

    while len(kept) < most:
        best = max(left, key=lambda number: (worth(number), -number))
        left.remove(best)
        kept.append(best)
        taken[cluster_of(ranked[best][0].security)] += 1
    return [ranked[number] for number in sorted(kept)]
