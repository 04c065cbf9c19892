"""/api/trades/allocation: where the money is, where it should be, and where too much of it is.

Every share is a fraction of the total value, positions and cash together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Literal

import msgspec
from quart import Blueprint, Response

from ledger.currency import BASE
from ledger.money import Money
from ledger.portfolio import PortfolioSnapshot, Position
from web.api.portfolio import current
from web.context import here
from web.encode import amount
from web.openapi import describe
from web.reply import from_boards
from wire.messages import TargetWeights

bp = Blueprint("allocation", __name__, url_prefix="/api/trades/allocation")

COUNTRY_LIMIT = Decimal("0.35")
INDUSTRY_LIMIT = Decimal("0.30")
# Told from this part of a limit on, and urgent from that part.
ALERT_FROM = Decimal("0.80")
CRITICAL_FROM = Decimal("0.90")
UNKNOWN = "unknown"
_PLACES = Decimal("0.0001")

AlertType = Literal["country", "sector", "position"]


class GroupRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One country or industry; `deviation` is current less target, both null before a plan."""

    name: str
    target_pct: Decimal | None
    current_pct: Decimal
    current_value: Decimal
    deviation: Decimal | None


class AlertRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A share that is near its limit (`warning`) or all but at it (`critical`)."""

    type: AlertType
    name: str
    current_pct: Decimal
    limit_pct: Decimal
    alert_threshold_pct: Decimal
    severity: Literal["warning", "critical"]


class Allocation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Totals in EUR; without a known total value there are no shares and no alerts."""

    total_value: Decimal | None
    cash_balance: Decimal | None
    country: list[GroupRow]
    industry: list[GroupRow]
    alerts: list[AlertRow]
    broker: str
    paper: bool


@bp.get("")
@describe(answer=Allocation)
async def allocation() -> Response:
    """Shares by country and industry beside their targets, and concentrations."""
    snapshot = current()
    web = here()
    boards = (web.boards.portfolio, web.boards.targets, web.boards.trading)
    targets = web.boards.targets.value
    return from_boards("allocation", boards, lambda: allocate(snapshot, targets, web.broker))


def allocate(snapshot: PortfolioSnapshot, targets: TargetWeights | None, broker: str) -> Allocation:
    total = snapshot.total_eur
    known = total is not None and total.minor > 0
    shares = _Shares(snapshot.positions, total) if known and total is not None else None
    return Allocation(
        total_value=amount(total),
        cash_balance=amount(snapshot.cash_eur),
        country=_groups(shares, _country, None if targets is None else targets.countries),
        industry=_groups(shares, _industry, None if targets is None else targets.industries),
        alerts=[] if shares is None else list(_alerts(shares, targets)),
        broker=broker,
        paper=broker == "paper",
    )


def _country(position: Position) -> str:
    return position.security.instrument.country or UNKNOWN


def _industry(position: Position) -> str:
    return position.security.instrument.industry or UNKNOWN


def _symbol(position: Position) -> str:
    return position.security.symbol


@dataclass(frozen=True, slots=True)
class _Shares:
    """The valued positions and the positive total they are measured against."""

    positions: tuple[Position, ...]
    total: Money

    def values(self, label: Callable[[Position], str]) -> dict[str, Money]:
        sums: dict[str, Money] = {}
        for position in self.positions:
            if position.value_eur is not None:
                name = label(position)
                sums[name] = sums.get(name, Money.zero(BASE)) + position.value_eur
        return sums

    def of(self, value: Money) -> Decimal:
        return Decimal(value.minor) / self.total.minor


def _groups(
    shares: _Shares | None,
    label: Callable[[Position], str],
    targets: Mapping[str, Decimal] | None,
) -> list[GroupRow]:
    """Everything held or aimed at, by name."""
    if shares is None:
        return []
    values = shares.values(label)
    names: set[str] = {*values, *(() if targets is None else targets)}
    zero = Money.zero(BASE)
    return [_group(name, values.get(name, zero), shares, targets=targets) for name in sorted(names)]


def _group(
    name: str, value: Money, shares: _Shares, *, targets: Mapping[str, Decimal] | None
) -> GroupRow:
    held = shares.of(value)
    target = None if targets is None else targets.get(name, Decimal(0))
    return GroupRow(
        name=name,
        target_pct=None if target is None else _rounded(target),
        current_pct=_rounded(held),
        current_value=value.amount,
        deviation=None if target is None else _rounded(held - target),
    )


def _alerts(shares: _Shares, targets: TargetWeights | None) -> Iterator[AlertRow]:
    """The largest first within each type; the limit of a position is the setting's."""
    yield from _over(shares, "country", _country, COUNTRY_LIMIT)
    yield from _over(shares, "sector", _industry, INDUSTRY_LIMIT)
    if targets is not None:
        yield from _over(shares, "position", _symbol, targets.max_position_share)


def _over(
    shares: _Shares, kind: AlertType, label: Callable[[Position], str], limit: Decimal
) -> Iterator[AlertRow]:
    threshold = limit * ALERT_FROM
    ranked = sorted(shares.values(label).items(), key=lambda item: (-item[1].minor, item[0]))
    for name, value in ranked:
        held = shares.of(value)
        if name != UNKNOWN and held >= threshold:
            yield AlertRow(
                type=kind,
                name=name,
                current_pct=_rounded(held),
                limit_pct=_rounded(limit),
                alert_threshold_pct=_rounded(threshold),
                severity="critical" if held >= limit * CRITICAL_FROM else "warning",
            )


def _rounded(share: Decimal) -> Decimal:
    return share.quantize(_PLACES, ROUND_HALF_EVEN)
