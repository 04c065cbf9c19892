"""The current recommendations, and sending the next of them through the gates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta
from quart import Blueprint, Response

from ledger.emergency import EmergencySale
from ledger.errors import ActorUnavailable, Unanswered
from ledger.order import Intent, OrderState
from web.api.execute import DECIDE_DEADLINE_S, Executed, answered, pending
from web.api.plan_rows import Recommendations, behind, plan_rows
from web.asking import body
from web.context import Web, here
from web.guard import asked_by, check_order_pace
from web.idempotency import given_key
from web.openapi import describe
from web.reply import from_boards, reply
from wire.messages import Decide, ProposeStep

# The planner may be in the middle of planning.
PROPOSE_DEADLINE_S = 30.0
bp = Blueprint("recommendations", __name__, url_prefix="/api/trades/recommendations")


@bp.get("")
@describe(answer=Recommendations)
async def recommendations() -> Response:
    """The last committed plan, behind the sales that cover negative cash; reading never plans."""
    web = here()
    sales = await _emergency_sales(web)
    if sales:
        return reply(behind(sales, plan_rows(web)))
    boards = (web.boards.plan, web.boards.planner, web.boards.trading, web.boards.buckets)
    return from_boards("recommendations", boards, lambda: plan_rows(web))


async def _emergency_sales(web: Web) -> Sequence[EmergencySale]:
    """What a repair under way recommends; after its end nothing is pending any more."""
    run = web.boards.emergency.value
    return await web.views.pending_sales() if run is None or run.active else ()


class StepBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which step of which plan, numbered as the plan numbers it; only its next one can be sent."""

    plan_id: Annotated[str, Meta(min_length=1, max_length=64)]
    step: Annotated[int, Meta(ge=1, le=99)] = 1


@bp.post("/execute")
@describe(body=StepBody, answer=Executed, accepted=Executed, keyed=True)
async def execute_step() -> Response:
    """Send the next step of the current plan; a step becomes one order, however often it is asked.

    200 once the broker has it, 202 while that is not known or it waits for its turn.
    """
    check_order_pace()
    key = given_key()
    asked = await body(StepBody)
    intent = await _sent_before(key, asked)
    if intent is None:
        try:
            intent = await _propose(key, asked)
        except Unanswered:
            return pending(key=key, plan_id=asked.plan_id, step=asked.step)
    if intent.state is OrderState.PROPOSED:
        intent = await _decide(intent)
    return await answered(intent, key=key, plan_id=asked.plan_id, step=asked.step)


async def _sent_before(key: str | None, asked: StepBody) -> Intent | None:
    """The order this very request became when it was sent before, in this life or an earlier one.

    Only a request with a key can be a repeated one.
    """
    web = here()
    if key is None:
        return None
    web.step_keys.check(key, asked.plan_id, asked.step)
    story = await web.views.order_of_step(asked.plan_id, asked.step)
    return None if story is None else story.intent


async def _propose(key: str | None, asked: StepBody) -> Intent:
    request = ProposeStep(asked.plan_id, asked.step, asked_by(), key)
    return await here().asks.planner.ask(request, deadline_s=PROPOSE_DEADLINE_S)


async def _decide(intent: Intent) -> Intent:
    """The intent after the gates; as it was when the trader is busy: it will take it by itself."""
    try:
        return await here().asks.trader.ask(Decide(intent.intent_id), deadline_s=DECIDE_DEADLINE_S)
    except ActorUnavailable:
        return intent
