"""/api/trades: what was executed, and the orders behind it."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import Meta
from quart import Blueprint, Response

from ledger.money import Money
from ledger.order import Intent, Side, Verdict
from web.asking import query
from web.context import here
from web.encode import amount, price
from web.openapi import describe
from web.ports import Trade
from web.reply import reply

bp = Blueprint("trades", __name__, url_prefix="/api/trades")
Limit = Annotated[int, Meta(ge=1, le=1000)]


class TradesQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`before_id` is the id of the last row of the page before."""

    limit: Limit = 50
    symbol: Annotated[str, Meta(min_length=1, max_length=40)] | None = None
    side: Side | None = None
    before_id: Annotated[int, Meta(ge=1)] | None = None


class Fee(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    amount: Decimal
    currency: str


class TradeRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One execution. `price` per unit and `commission` are in `currency`.

    `commission` is null when fees were taken in another currency; `fees` always has them all.
    """

    id: int
    symbol: str
    name: str
    isin: str | None
    side: str
    quantity: Decimal
    price: Decimal | None
    currency: str
    value_eur: Decimal | None
    commission: Decimal | None
    fees: list[Fee]
    executed_at: datetime
    order_id: str
    bucket_id: str
    mode: str
    broker: str
    paper: bool


class OrdersQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    limit: Limit = 50


class VerdictRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    gate: str
    detail: str
    retry_after: datetime | None


class OrderRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An intent and what became of it. Money in `currency`, `value_eur` informational."""

    intent_id: int
    client_order_id: int | None
    broker_order_id: str | None
    order_class: str
    bucket_id: str
    symbol: str
    side: str
    quantity: Decimal
    filled: Decimal
    currency: str
    limit: Decimal | None
    value_eur: Decimal | None
    state: str
    in_flight: bool
    mode: str
    reason: str
    error: str | None
    blocked_by: list[VerdictRow]
    proposed_at: datetime
    submitted_at: datetime | None
    retry_after: datetime | None
    broker: str
    paper: bool


@bp.get("")
@describe(query=TradesQuery, answer=list[TradeRow])
async def trades() -> Response:
    """Executions, newest first."""
    asked = query(TradesQuery)
    web = here()
    rows = await web.views.trades(
        asked.limit, symbol=asked.symbol, side=asked.side, before_id=asked.before_id
    )
    return reply([_trade(row, broker=web.broker) for row in rows])


@bp.get("/orders")
@describe(query=OrdersQuery, answer=list[OrderRow])
async def orders() -> Response:
    """Intents with their state and the gates that stopped them, newest first."""
    asked = query(OrdersQuery)
    web = here()
    return reply([_order(row, broker=web.broker) for row in await web.views.orders(asked.limit)])


def _trade(row: Trade, *, broker: str) -> TradeRow:
    return TradeRow(
        id=row.id,
        symbol=row.symbol,
        name=row.name,
        isin=row.isin,
        side=row.side,
        quantity=row.quantity.units,
        price=price(row.price),
        currency=row.currency,
        value_eur=amount(row.value_eur),
        commission=amount(_commission(row)),
        fees=[Fee(amount=fee.amount, currency=fee.currency) for fee in row.commission],
        executed_at=row.executed_at,
        order_id=row.order_id,
        bucket_id=row.bucket_id,
        mode=row.mode,
        broker=broker,
        paper=broker == "paper",
    )


def _commission(row: Trade) -> Money | None:
    """The sum of the fees when all are in the currency of the trade."""
    total = Money.zero(row.currency)
    for fee in row.commission:
        if fee.currency != total.currency:
            return None
        total += fee
    return total


def _verdict(verdict: Verdict) -> VerdictRow:
    return VerdictRow(gate=verdict.gate, detail=verdict.detail, retry_after=verdict.retry_after)


def _order(intent: Intent, *, broker: str) -> OrderRow:
    proposal = intent.proposal
    return OrderRow(
        intent_id=intent.intent_id,
        client_order_id=intent.client_order_id,
        broker_order_id=intent.broker_order_id,
        order_class=proposal.order_class,
        bucket_id=proposal.bucket_id,
        symbol=proposal.symbol,
        side=proposal.side,
        quantity=proposal.quantity.units,
        filled=intent.filled.units,
        currency=proposal.currency,
        limit=price(intent.limit),
        value_eur=amount(proposal.value_eur),
        state=intent.state.value,
        in_flight=intent.in_flight,
        mode=intent.mode,
        reason=proposal.reason,
        error=intent.error,
        blocked_by=[_verdict(verdict) for verdict in intent.blocked_by],
        proposed_at=intent.proposed_at,
        submitted_at=intent.submitted_at,
        retry_after=intent.retry_after,
        broker=broker,
        paper=broker == "paper",
    )
