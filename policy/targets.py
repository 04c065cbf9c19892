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

    `country_of` and `industry_of` name the group of each symbol that has one; `industries_of` the
    groups of all its industries, among which its value is split equally (a group may be named more
    than once). `optimized`: the weights are those of a run of the optimizer, not the equal ones
    that stand until it succeeds.
    """

    weights: Mapping[str, Decimal]
    countries: Mapping[str, Decimal]
    industries: Mapping[str, Decimal]
    country_of: Mapping[str, str] = field(default_factory=dict[str, str])
    industry_of: Mapping[str, str] = field(default_factory=dict[str, str])
    industries_of: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
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
    by_country = {s.symbol: _named(s.instrument.country) for s in securities}
    by_industry = {s.symbol: industries_of(s.instrument.industry) for s in securities}
    countries, country_of = _axis(weights, by_country, book.country)
    industries, parts = _axis(weights, by_industry, book.industry)
    return Targets(
        weights=weights,
        countries=countries,
        industries=industries,
        country_of={symbol: groups[0] for symbol, groups in country_of.items()},
        industry_of={symbol: groups[0] for symbol, groups in parts.items()},
        industries_of=parts,
    )


def _named(label: str | None) -> tuple[str, ...]:
    return (label,) if label else ()


def _axis(
    weights: Mapping[str, Decimal], labels: Mapping[str, tuple[str, ...]], groups: Groups
) -> tuple[Mapping[str, Decimal], Mapping[str, tuple[str, ...]]]:
    """Targets by group, and the groups of each symbol in the order of its labels; without the
    owner's word every label is a group, and a weight is split equally among those of its security.
    """
    named = {symbol: names for symbol, names in labels.items() if names}
    wanted = groups.targets
    if wanted:
        invested = sum(weights.values(), Decimal(0))
        placed = {s: tuple(groups.group_of(name) for name in names) for s, names in named.items()}
        return {name: target * invested for name, target in wanted.items()}, placed
    sums: dict[str, Decimal] = {}
    for symbol, weight in weights.items():
        names = named.get(symbol, ())
        for name in names:
            sums[name] = sums.get(name, Decimal(0)) + weight / len(names)
    return dict(sorted(sums.items())), named
