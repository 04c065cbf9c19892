"""Target weights of securities, countries and industries, as fractions of the total value.

Until the owner or an optimizer says otherwise every security that may be bought weighs the same.
No target exceeds the largest allowed position; what does not fit stays cash.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from ledger.allocation import AllocationBook, Groups
from ledger.optimization import OptimizerRun
from ledger.security import Security
from policy.limits import Limits

UNTRADED = frozenset({"INDEX", "FX"})


@dataclass(frozen=True, slots=True)
class Targets:
    """`weights` by symbol. `countries` and `industries` are by the owner's group where the owner
    wants some, else by the label of the securities with the sums of their weights.
    """

    weights: Mapping[str, Decimal]
    countries: Mapping[str, Decimal]
    industries: Mapping[str, Decimal]


def is_buyable(security: Security) -> bool:
    """Whether the owner and the broker let this security be bought at all."""
    return (
        security.tradable
        and security.confirmed
        and security.allow_buy
        and security.instrument.product_type not in UNTRADED
    )


def equal_targets(universe: Iterable[Security], limits: Limits) -> Targets:
    """The same weight for every security that may be bought, capped."""
    members = sorted((s for s in universe if is_buyable(s)), key=lambda s: s.symbol)
    if not members:
        return Targets({}, {}, {})
    weight = min(Decimal(1) / len(members), limits.max_position_share)
    return _targets(members, {security.symbol: weight for security in members})


def optimized_targets(
    run: OptimizerRun, universe: Iterable[Security], book: AllocationBook
) -> Targets:
    """The weights of a run that succeeded, with the owner's groups as parts of what is invested.

    A weight that was held above the largest position stays there: it is not to be sold blindly.
    """
    members = sorted((s for s in universe if s.symbol in run.weights), key=lambda s: s.symbol)
    found = _targets(
        members, {security.symbol: run.weights[security.symbol] for security in members}
    )
    invested = sum(found.weights.values(), Decimal(0))
    return Targets(
        weights=found.weights,
        countries=_wanted(book.country, invested) or found.countries,
        industries=_wanted(book.industry, invested) or found.industries,
    )


def _targets(members: Iterable[Security], weights: Mapping[str, Decimal]) -> Targets:
    return Targets(
        weights=weights,
        countries=_groups(members, weights, lambda s: s.instrument.country),
        industries=_groups(members, weights, lambda s: s.instrument.industry),
    )


def _wanted(groups: Groups, invested: Decimal) -> dict[str, Decimal]:
    return {name: target * invested for name, target in groups.targets.items()}


def _groups(
    members: Iterable[Security],
    weights: Mapping[str, Decimal],
    label: Callable[[Security], str | None],
) -> dict[str, Decimal]:
    """One group per label; a security without one belongs to no group."""
    sums: dict[str, Decimal] = {}
    for security in members:
        name = label(security)
        if name:
            sums[name] = sums.get(name, Decimal(0)) + weights[security.symbol]
    return dict(sorted(sums.items()))
