"""/api/trades: what was executed."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import Meta
from quart import Blueprint, Response

from ledger.money import Money
from ledger.order import Mode, OrderState, Side
from store.views import TradeQuery
from store.views import TradeRow as Trade
from web.api.order_rows import Fee
from web.api.orders import Limit, RowId, Symbol
from web.asking import query
from web.context import here
from web.encode import amount, price
from web.openapi import describe
from web.reply import reply

bp = Blueprint("trades", __name__, url_prefix="/api/trades")


class TradesQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`symbol` may be an ISIN; `state` is that of the whole order, `source` the kind of broker;
    `before_id` is the id of the last row of the page before.
    """

    limit: Limit = 50
    symbol: Symbol | None = None
    side: Side | None = None
    mode: Mode | None = None
    state: OrderState | None = None
    source: Annotated[str, Meta(min_length=1, max_length=40)] | None = None
    before_id: RowId | None = None


class TradeRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One execution. `price` per unit and `commission` are in `currency`.

    `commission` is null when fees were taken in another currency; `fees` always has them all.
    `state` is what became of the whole order, `source` the kind of broker it came from; `foreign`
    when no order of ours made it.
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
    source: str
    state: str
    foreign: bool
    broker: str
    paper: bool


@bp.get("")
@describe(query=TradesQuery, answer=list[TradeRow])
async def trades() -> Response:
    """Executions, newest first."""
    asked = query(TradesQuery)
    web = here()
    rows = await web.views.trades(
        TradeQuery(
            limit=asked.limit,
            symbol=None if asked.symbol is None else asked.symbol.strip().upper(),
            side=asked.side,
            mode=asked.mode,
            state=asked.state,
            source=asked.source,
            before_id=asked.before_id,
        )
    )
    return reply([_trade(row, broker=web.broker) for row in rows])


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
        source=row.source,
        state=row.state.value,
        foreign=row.foreign,
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
