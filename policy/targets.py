"""Target weights of securities, countries and industries, as fractions of the total value.

Until the owner or an optimizer says otherwise every security that may be bought weighs the same.
No target exceeds the largest allowed position; what does not fit stays cash.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from ledger.security import Security
from policy.limits import Limits

UNTRADED = frozenset({"INDEX", "FX"})


@dataclass(frozen=True, slots=True)
class Targets:
    """`weights` by symbol; the groups' targets are the sums of their members'."""

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
    return Targets(
        weights={security.symbol: weight for security in members},
        countries=_groups(members, weight, lambda s: s.instrument.country),
        industries=_groups(members, weight, lambda s: s.instrument.industry),
    )


def _groups(
    members: Iterable[Security], weight: Decimal, label: Callable[[Security], str | None]
) -> dict[str, Decimal]:
    """One group per label; a security without one belongs to no group."""
    sums: dict[str, Decimal] = {}
    for security in members:
        name = label(security)
        if name:
            sums[name] = sums.get(name, Decimal(0)) + weight
    return dict(sorted(sums.items()))
