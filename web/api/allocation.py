"""/api/trades/allocation: where the money is, where it should be, and where too much of it is.

Every share is a fraction of the total value, positions and cash together.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

import msgspec
from quart import Blueprint, Response

from ledger.allocation import AllocationBook
from ledger.placement import Placement
from ledger.portfolio import PortfolioSnapshot
from ledger.weights import (
    Concentration,
    Concern,
    Severity,
    concentrations,
)
from web.api.portfolio import current
from web.context import here
from web.encode import amount
from web.openapi import describe
from web.reply import from_boards
from wire.messages import TargetWeights

bp = Blueprint("allocation", __name__, url_prefix="/api/trades/allocation")

_PLACES = Decimal("0.0001")


class GroupRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One country or industry; `deviation` is current less target, both null before a plan."""

    name: str
    target_pct: Decimal | None
    current_pct: Decimal
    current_value: Decimal
    deviation: Decimal | None


class AlertRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A share that is near its limit (`warning`), all but at it (`critical`) or not below it
    (`breach`).
    """

    type: Concern
    name: str
    current_pct: Decimal
    limit_pct: Decimal
    alert_threshold_pct: Decimal
    severity: Severity


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
    boards = web.boards
    targets, book = boards.targets.value, boards.allocation.value or AllocationBook()
    return from_boards(
        "allocation",
        (boards.portfolio, boards.targets, boards.allocation, boards.trading),
        lambda: allocate(snapshot, targets, book, web.broker),
    )


def allocate(
    snapshot: PortfolioSnapshot, targets: TargetWeights | None, book: AllocationBook, broker: str
) -> Allocation:
    planned = None if targets is None else targets.weights
    return Allocation(
        total_value=amount(snapshot.total_eur),
        cash_balance=amount(snapshot.cash_eur),
        country=_rows(Placement("country", snapshot, book.country, planned)),
        industry=_rows(Placement("industry", snapshot, book.industry, planned)),
        alerts=alert_rows(snapshot, targets),
        broker=broker,
        paper=broker == "paper",
    )


def _rows(placement: Placement) -> list[GroupRow]:
    """Everything held or aimed at whose weight is known."""
    return [
        GroupRow(
            name=one.name,
            target_pct=share(one.target),
            current_pct=one.weight.quantize(_PLACES, ROUND_HALF_EVEN),
            current_value=one.value.amount,
            deviation=share(one.deviation),
        )
        for one in placement.by_member()
        if one.weight is not None and one.value is not None and (one.value.minor or one.target)
    ]


def alert_rows(snapshot: PortfolioSnapshot, targets: TargetWeights | None) -> list[AlertRow]:
    """The largest first within each type; the limit of a position is the setting's."""
    most = None if targets is None else targets.max_position_share
    found = concentrations(snapshot.positions, snapshot.total_eur, most)
    return [_alert(one) for one in found]


def _alert(one: Concentration) -> AlertRow:
    return AlertRow(
        type=one.concern,
        name=one.name,
        current_pct=one.weight.quantize(_PLACES, ROUND_HALF_EVEN),
        limit_pct=one.limit.quantize(_PLACES, ROUND_HALF_EVEN),
        alert_threshold_pct=one.told_from.quantize(_PLACES, ROUND_HALF_EVEN),
        severity=one.severity,
    )


def share(value: Decimal | None) -> Decimal | None:
    """A fraction to four decimals."""
    return None if value is None else value.quantize(_PLACES, ROUND_HALF_EVEN)
