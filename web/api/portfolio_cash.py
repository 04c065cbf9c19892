"""/api/portfolio: the money itself — cash by currency, and what came and went."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Literal

import msgspec
from quart import Blueprint, Response

from ledger.currency import BASE
from ledger.fact import FlowCategory
from ledger.money import Money
from ledger.portfolio import PortfolioSnapshot
from store.flow_views import CashFlowRow, FlowSummary
from web.api.portfolio import CashRow, cash_rows, current
from web.context import here
from web.encode import amount
from web.openapi import describe
from web.reply import from_boards, reply

MOST_FLOWS = 500
NOTE = (
    "Completed deposits and withdrawals from the journal, the newest 500; the totals are of all of"
    " them. Amounts are positive, and in EUR at the rates of their days."
)
bp = Blueprint("portfolio_cash", __name__, url_prefix="/api/portfolio")


class FlowEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One deposit or withdrawal; `amount_eur` is null when no rate of its day is known."""

    date: date
    amount: Decimal
    amount_eur: Decimal | None
    currency: str
    description: str | None


class Transactions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Newest first, with totals in EUR that are null when a rate is not known."""

    total_withdrawals: Decimal | None
    withdrawals: list[FlowEntry]
    total_deposits: Decimal | None
    deposits: list[FlowEntry]
    note: str
    broker: str
    paper: bool


class CashBreakdown(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Cash by currency as of the last look at the broker.

    `source` is `live` while the broker answers, else `last_known`, and `stale` says why. The total
    is null when a rate is not known.
    """

    balances: list[CashRow]
    total_eur: Decimal | None
    source: Literal["live", "last_known"]
    stale: str | None
    as_of: datetime
    broker: str
    paper: bool


@bp.get("/transactions")
@describe(answer=Transactions)
async def transactions() -> Response:
    """Money that came from and went to the owner."""
    web = here()
    rows = await web.views.flows.external(MOST_FLOWS)
    totals = await web.views.flows.summary()
    return reply(
        Transactions(
            total_withdrawals=_total(totals, "withdrawal", sign=-1),
            withdrawals=[_entry(row) for row in rows if row.flow.category == "withdrawal"],
            total_deposits=_total(totals, "deposit", sign=1),
            deposits=[_entry(row) for row in rows if row.flow.category == "deposit"],
            note=NOTE,
            broker=web.broker,
            paper=web.paper,
        )
    )


@bp.get("/cash-breakdown")
@describe(answer=CashBreakdown)
async def cash_breakdown() -> Response:
    """Cash by currency; 503 while nothing is known of it."""
    snapshot = current()
    web = here()
    return from_boards(
        "cash breakdown",
        (web.boards.portfolio, web.boards.trading),
        lambda: show_cash(snapshot, broker=web.broker),
    )


def show_cash(snapshot: PortfolioSnapshot, *, broker: str) -> CashBreakdown:
    return CashBreakdown(
        balances=cash_rows(snapshot),
        total_eur=amount(snapshot.cash_eur),
        source="live" if snapshot.stale is None else "last_known",
        stale=snapshot.stale,
        as_of=snapshot.as_of,
        broker=broker,
        paper=broker == "paper",
    )


def _total(totals: FlowSummary, category: FlowCategory, *, sign: int) -> Decimal | None:
    found = totals.by_category.get(category)
    if found is None:
        return Money.zero(BASE).amount
    return None if found.in_eur is None else sign * found.in_eur.amount


def _entry(row: CashFlowRow) -> FlowEntry:
    sign = -1 if row.flow.category == "withdrawal" else 1
    return FlowEntry(
        date=row.day,
        amount=sign * row.flow.money.amount,
        amount_eur=None if row.in_eur is None else sign * row.in_eur.amount,
        currency=row.flow.money.currency,
        description=row.flow.description or None,
    )
