"""Target weights of securities, countries and industries, as fractions of the total value.

Until the owner or an optimizer says otherwise every security that may be bought weighs the same.
No target exceeds the largest allowed position; what does not fit stays cash.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from ledger.allocation import AllocationBook, Groups, industries_of
from ledger.optimization import OptimizerRun
from ledger.security import Security
from policy.limits import Limits

UNTRADED = frozenset({"INDEX", "FX"})
NO_GROUPS = AllocationBook()


@dataclass(frozen=True, slots=True)
class Targets:
    """`weights` by symbol. `countries` and `industries` are by the owner's group where the owner
    wants some, else by the label of the securities with the sums of their weights.

    `country_of` and `industry_of` name the group of each symbol that has one. `optimized`: the
    weights are those of a run of the optimizer, not the equal ones that stand until it succeeds.
    """

    weights: Mapping[str, Decimal]
    countries: Mapping[str, Decimal]
    industries: Mapping[str, Decimal]
    country_of: Mapping[str, str] = field(default_factory=dict[str, str])
    industry_of: Mapping[str, str] = field(default_factory=dict[str, str])
    optimized: bool = False


def is_buyable(security: Security) -> bool:
    """Whether the owner and the broker let this security be bought at all."""
    return (
        security.tradable
        and security.confirmed
        and security.allow_buy
        and security.instrument.product_type not in UNTRADED
    )


def equal_targets(
    universe: Iterable[Security], limits: Limits, book: AllocationBook = NO_GROUPS
) -> Targets:
    """The same weight for every security that may be bought, capped."""
    securities = tuple(universe)
    members = sorted(s.symbol for s in securities if is_buyable(s))
    weight = min(Decimal(1) / len(members), limits.max_position_share) if members else Decimal(0)
    return _targets(securities, dict.fromkeys(members, weight), book)


def optimized_targets(
    run: OptimizerRun, universe: Iterable[Security], book: AllocationBook
) -> Targets:
    """The weights of a run that succeeded, with the owner's groups as parts of what is invested.

    A weight that was held above the largest position stays there: it is not to be sold blindly.
    """
    securities = tuple(universe)
    members = sorted(s.symbol for s in securities if s.symbol in run.weights)
    found = _targets(securities, {symbol: run.weights[symbol] for symbol in members}, book)
    return replace(found, optimized=True)


def _targets(
    securities: Iterable[Security], weights: Mapping[str, Decimal], book: AllocationBook
) -> Targets:
    by_country = {s.symbol: s.instrument.country or "" for s in securities}
    by_industry = {s.symbol: _first(industries_of(s.instrument.industry)) for s in securities}
    countries, country_of = _axis(weights, by_country, book.country)
    industries, industry_of = _axis(weights, by_industry, book.industry)
    return Targets(weights, countries, industries, country_of, industry_of)


def _first(names: tuple[str, ...]) -> str:
    """A security stands where its first industry puts it: it is bought and sold as a whole."""
    return names[0] if names else ""


def _axis(
    weights: Mapping[str, Decimal], labels: Mapping[str, str], groups: Groups
) -> tuple[Mapping[str, Decimal], Mapping[str, str]]:
    """Targets by group, and the group of each symbol; without the owner's word, one per label."""
    wanted = groups.targets
    if wanted:
        invested = sum(weights.values(), Decimal(0))
        placed = {symbol: groups.group_of(label) for symbol, label in labels.items() if label}
        return {name: target * invested for name, target in wanted.items()}, placed
    placed = {symbol: label for symbol, label in labels.items() if label}
    sums: dict[str, Decimal] = {}
    for symbol, weight in weights.items():
        name = placed.get(symbol)
        if name:
            sums[name] = sums.get(name, Decimal(0)) + weight
    return dict(sorted(sums.items())), placed
