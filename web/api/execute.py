"""/api/trades/execute: the owner's own order, through every gate; and what any order is answered.

What was handed to the trader is never answered as if it had not been: when no answer came in time
the reply says `pending` and names the key, and sending the same request again tells the rest.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import Meta
from quart import Blueprint, Response

from ledger.errors import Missing, Unanswered, Unavailable
from ledger.halt import Latch
from ledger.money import Quantity
from ledger.order import UNRESOLVED, Intent, OrderState, Side, Verdict
from web.api.orders import Symbol
from web.api.refusals import problem_of, refusal
from web.asking import body
from web.context import Web, here
from web.encode import amount, price
from web.errors import Problem, invalid
from web.guard import asked_by, check_order_pace
from web.idempotency import fresh_key, given_key
from web.openapi import describe
from web.reply import reply
from wire.order_asks import MOST_PRICE, MOST_UNITS, Forceable, PlaceOrder, fault_in

DECIDE_DEADLINE_S = 30.0
_PENDING = frozenset({OrderState.PROPOSED, *UNRESOLVED})
bp = Blueprint("execute", __name__, url_prefix="/api/trades")


class ExecuteBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`symbol` may be an ISIN; `limit_price` is the worst price accepted, in the security's
    currency; `force` names the gates that may be overruled, which is recorded.
    """

    symbol: Symbol
    side: Side
    quantity: Decimal
    limit_price: Decimal | None = None
    force: Annotated[list[Forceable], Meta(max_length=8)] = []


class Executed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What became of an order so far.

    `status` is its state; `simulated` in research; `unknown` while nobody can tell whether the
    broker has it; `pending` when the trader has not answered yet; `proposed` when it leaves by
    itself. `price` is the average over its executions, null before the first. `key` is what the
    same request must be sent with again, `intent_id` what GET /api/trades/orders knows it by.
    """

    status: str
    key: str | None
    plan_id: str | None
    step: int | None
    intent_id: int | None
    client_order_id: int | None
    order_id: str | None
    symbol: str | None
    side: str | None
    quantity: Decimal | None
    filled: Decimal
    price: Decimal | None
    limit_price: Decimal | None
    currency: str | None
    estimated_value: Decimal | None
    mode: str | None
    broker: str
    paper: bool


@bp.post("/execute")
@describe(body=ExecuteBody, answer=Executed, accepted=Executed, keyed=True)
async def execute() -> Response:
    """Place an order of the owner's own, once per Idempotency-Key.

    200 once the broker has it, 202 while that is not known; a refusal names every gate.
    """
    check_order_pace()
    key = given_key()
    order = placing(await body(ExecuteBody), key or fresh_key())
    web = here()
    try:
        intent = await web.asks.trader.ask(order, deadline_s=DECIDE_DEADLINE_S)
    except Unanswered:
        return pending(key=order.key, order=order)
    except Missing as error:
        raise refusal((Verdict("L7", passed=False, detail=str(error)),)) from None
    except Unavailable as error:
        raise _out_of_reach(web, str(error)) from None
    return await answered(intent, key=order.key)


def placing(asked: ExecuteBody, key: str) -> PlaceOrder:
    """The request to the trader; raises Problem 422 for numbers that no order can have."""
    _check("quantity", asked.quantity, MOST_UNITS)
    if asked.limit_price is not None:
        _check("limit_price", asked.limit_price, MOST_PRICE)
    return PlaceOrder(
        symbol=asked.symbol.strip().upper(),
        side=asked.side,
        quantity=Quantity.of(asked.quantity),
        limit=asked.limit_price,
        force=frozenset(asked.force),
        key=key,
        by=asked_by(),
    )


def _check(field: str, value: Decimal, most: Decimal) -> None:
    message = fault_in(value, most)
    if message is not None:
        shown = str(value)[:100]
        raise invalid([{"field": field, "value": shown, "message": message, "bound": int(most)}])


def _out_of_reach(web: Web, text: str) -> Problem:
    """Nothing could be read to decide on; a halt that stands would have stopped it anyway."""
    trading = web.boards.trading.value
    blocked = [Verdict("G9", passed=False, detail=f"no quote: {text}")]
    if trading is not None and trading.halted:
        blocked.insert(0, Verdict("G0b", passed=False, detail=_standing(trading.latches)))
    return refusal(blocked)


def _standing(latches: tuple[Latch, ...]) -> str:
    return "halted: " + ", ".join(f"{latch.name} ({latch.reason})" for latch in latches)


async def answered(
    intent: Intent, *, key: str | None = None, plan_id: str | None = None, step: int | None = None
) -> Response:
    """The answer for an order that was decided; raises its Problem when it was stopped."""
    problem = problem_of(intent)
    if problem is not None:
        raise problem
    web = here()
    proposal = intent.proposal
    paid = None
    if intent.filled.micro and intent.client_order_id is not None:
        paid = (await web.views.order(intent.client_order_id)).average_price
    done = Executed(
        status="unknown" if intent.state in UNRESOLVED else intent.state.value,
        key=key,
        plan_id=plan_id,
        step=step,
        intent_id=intent.intent_id,
        client_order_id=intent.client_order_id,
        order_id=intent.broker_order_id,
        symbol=proposal.symbol,
        side=proposal.side,
        quantity=proposal.quantity.units,
        filled=intent.filled.units,
        price=price(paid),
        limit_price=price(intent.limit),
        currency=proposal.currency,
        estimated_value=amount(proposal.value_eur),
        mode=intent.mode,
        broker=web.broker,
        paper=web.paper,
    )
    return reply(done, status=202 if intent.state in _PENDING else 200)


def pending(
    *,
    key: str | None = None,
    plan_id: str | None = None,
    step: int | None = None,
    order: PlaceOrder | None = None,
) -> Response:
    """202 for a request that was taken and whose outcome has to be looked up."""
    web = here()
    open_end = Executed(
        status="pending",
        key=key,
        plan_id=plan_id,
        step=step,
        intent_id=None,
        client_order_id=None,
        order_id=None,
        symbol=None if order is None else order.symbol,
        side=None if order is None else order.side,
        quantity=None if order is None else order.quantity.units,
        filled=Decimal(0),
        price=None,
        limit_price=None if order is None else order.limit,
        currency=None,
        estimated_value=None,
        mode=None,
        broker=web.broker,
        paper=web.paper,
    )
    return reply(open_end, status=202)
