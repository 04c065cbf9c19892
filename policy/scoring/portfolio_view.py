"""The portfolio as scoring sees it: weights by group, and what each position gained."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from ledger.allocation import AllocationBook, GroupKind, Groups, industries_of
from ledger.money import Money
from ledger.portfolio import PortfolioSnapshot, Position
from policy.scoring.context import NO_PORTFOLIO, Axis, Holding, PortfolioContext

DAYS_PER_YEAR = 365


def context_of(
    snapshot: PortfolioSnapshot,
    book: AllocationBook,
    targets: Mapping[GroupKind, Mapping[str, Decimal]],
    *,
    oldest_buys: Mapping[str, date],
    today: date,
) -> PortfolioContext:
    """Weights are fractions of positions and cash. NO_PORTFOLIO while that total is not known.

    `targets` are those in force by group; where the owner has no groups each country and industry
    is one. `oldest_buys` is the purchase of the oldest open lot, by symbol.
    """
    total = snapshot.total_eur
    if total is None or total.minor <= 0:
        return NO_PORTFOLIO
    weights = {
        position.security.security_id: _weight(position, total) for position in snapshot.positions
    }
    return PortfolioContext(
        country=_axis(snapshot, "country", book.country, targets, weights),
        industry=_axis(snapshot, "industry", book.industry, targets, weights),
        holdings={
            position.security.security_id: Holding(
                weight=weights[position.security.security_id],
                gain=_gain(position),
                years_held=_years(oldest_buys.get(position.security.symbol), today),
            )
            for position in snapshot.positions
        },
    )


def labels_of(position: Position, kind: GroupKind) -> tuple[str, ...]:
    """The country, or the industries among which a position's weight is split equally."""
    told = position.security.instrument
    if kind == "industry":
        return industries_of(told.industry)
    return (told.country,) if told.country else ()


def _axis(
    snapshot: PortfolioSnapshot,
    kind: GroupKind,
    groups: Groups,
    targets: Mapping[GroupKind, Mapping[str, Decimal]],
    weights: Mapping[int, float],
) -> Axis:
    wanted = {name: float(weight) for name, weight in targets.get(kind, {}).items()}
    empty = Axis(groups, wanted)
    current: dict[str, float] = {}
    for position in snapshot.positions:
        labels = labels_of(position, kind)
        for label in labels:
            group = empty.group_of(label)
            share = weights[position.security.security_id] / len(labels)
            current[group] = current.get(group, 0.0) + share
    return Axis(groups, wanted, current)


def _weight(position: Position, total: Money) -> float:
    """A position without a value cannot be there while the total is known."""
    return 0.0 if position.value_eur is None else position.value_eur.minor / total.minor


def _gain(position: Position) -> float | None:
    cost, price = position.average_cost, position.price
    if cost is None or price is None or cost.currency != price.currency or cost.micro <= 0:
        return None
    return price.micro / cost.micro - 1


def _years(bought: date | None, today: date) -> float | None:
    return None if bought is None else (today - bought).days / DAYS_PER_YEAR
