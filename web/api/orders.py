"""/api/trades/orders: every intent, what the gates said, what became of it; and withdrawing one."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta
from quart import Blueprint, Response

from ledger.order import OrderClass, OrderState
from store.order_views import OrderQuery
from web.api.order_rows import OrderDetail, OrderRow, detail, order_row
from web.asking import body, query
from web.context import here
from web.errors import Problem
from web.guard import asked_by
from web.openapi import describe
from web.reply import reply
from wire.order_asks import CancelOrder

CANCEL_DEADLINE_S = 30.0
LARGEST_ID = 2**53
bp = Blueprint("orders", __name__, url_prefix="/api/trades/orders")

Limit = Annotated[int, Meta(ge=1, le=1000)]
RowId = Annotated[int, Meta(ge=1, le=LARGEST_ID)]
Symbol = Annotated[str, Meta(min_length=1, max_length=40)]


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A request that carries nothing."""


class OrdersQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`symbol` may be an ISIN, `key` is the Idempotency-Key an order was sent with; `before_id` is
    the intent id of the last row of the page before.
    """

    limit: Limit = 50
    state: OrderState | None = None
    symbol: Symbol | None = None
    order_class: OrderClass | None = None
    key: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    before_id: RowId | None = None


@bp.get("")
@describe(query=OrdersQuery, answer=list[OrderRow])
async def orders() -> Response:
    """Intents with their state and the gates that stopped them, newest first."""
    asked = query(OrdersQuery)
    web = here()
    rows = await web.views.orders(
        OrderQuery(
            limit=asked.limit,
            state=asked.state,
            symbol=None if asked.symbol is None else asked.symbol.strip().upper(),
            order_class=asked.order_class,
            key=asked.key,
            before_id=asked.before_id,
        )
    )
    return reply([order_row(row, broker=web.broker) for row in rows])


@bp.get("/<int:client_order_id>")
@describe(answer=OrderDetail)
async def order(client_order_id: int) -> Response:
    """One order with every event, verdict and execution.

    An order that was never sent has no client order id; it is found by its intent id.
    """
    story = await here().views.order(_known(client_order_id))
    return reply(detail(story, broker=here().broker))


@bp.post("/<int:client_order_id>/cancel")
@describe(answer=OrderRow)
async def cancel(client_order_id: int) -> Response:
    """Ask the broker to withdraw an order; the row as it stands, the broker's word follows."""
    await body(Nothing, optional=True)
    web = here()
    intent = await web.asks.trader.ask(
        CancelOrder(_known(client_order_id), asked_by()), deadline_s=CANCEL_DEADLINE_S
    )
    return reply(order_row(intent, broker=web.broker))


def _known(number: int) -> int:
    if number > LARGEST_ID:
        raise Problem(404, "missing", f"there is no order {number}")
    return number
