"""The current recommendations, and sending the next of them through the gates."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import Meta
from quart import Blueprint, Response

from ledger.currency import BASE
from ledger.errors import ActorUnavailable, Unanswered
from ledger.money import Money
from ledger.order import Intent, OrderState
from ledger.plan import StoredPlan, StoredStep
from web.api.execute import DECIDE_DEADLINE_S, Executed, answered, pending
from web.api.planner import PLANNING
from web.asking import body
from web.context import Web, here
from web.encode import price, score
from web.guard import asked_by, check_order_pace
from web.idempotency import given_key
from web.openapi import describe
from web.reply import from_boards
from wire.messages import Decide, ProposeStep

# The planner may be in the middle of planning.
PROPOSE_DEADLINE_S = 30.0
bp = Blueprint("recommendations", __name__, url_prefix="/api/trades/recommendations")


class StepRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One step. Prices are in `currency`, values and cash in EUR, scores are 0–100."""

    step: int
    kind: str
    side: str
    symbol: str
    name: str
    quantity: Decimal
    currency: str
    estimated_price: Decimal | None
    estimated_value: Decimal
    estimated_fee: Decimal
    reason: str
    tags: list[str]
    portfolio_score_before: float | None
    portfolio_score_after: float | None
    score_change: float | None
    available_cash_before: Decimal
    available_cash_after: Decimal
    is_emergency: bool
    state: str
    intent_id: int | None


class Recommendations(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The current plan; without steps it says: hold. `state` is ready, planning, stale or none."""

    state: str
    depth: int
    steps: list[StepRow]
    total_score_improvement: float
    final_available_cash: Decimal
    evaluated_count: int
    plan_id: str | None
    bucket_id: str | None
    portfolio_hash: str | None
    objective: str | None
    generated_at: datetime | None
    narrative_summary: str | None
    current_score: float | None
    end_state_score: float | None
    feasible: bool
    cash_required: Decimal
    cash_generated: Decimal
    next_step: int | None
    broker: str
    paper: bool


@bp.get("")
@describe(answer=Recommendations)
async def recommendations() -> Response:
    """The last committed plan; reading it never plans."""
    web = here()
    boards = (web.boards.plan, web.boards.planner, web.boards.trading)
    return from_boards("recommendations", boards, lambda: _recommendations(web))


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
            intent = await _propose(asked)
        except Unanswered:
            return pending(key=key, plan_id=asked.plan_id, step=asked.step)
    if intent.state is OrderState.PROPOSED:
        intent = await _decide(intent)
    return await answered(intent, key=key, plan_id=asked.plan_id, step=asked.step)


async def _sent_before(key: str | None, asked: StepBody) -> Intent | None:
    """The order this very request became when it was sent before with the same key."""
    web = here()
    if key is None or not web.step_keys.known(key, asked.plan_id, asked.step):
        return None
    story = await web.views.order_of_step(asked.plan_id, asked.step)
    return None if story is None else story.intent


async def _propose(asked: StepBody) -> Intent:
    return await here().asks.planner.ask(
        ProposeStep(asked.plan_id, asked.step, asked_by()), deadline_s=PROPOSE_DEADLINE_S
    )


async def _decide(intent: Intent) -> Intent:
    """The intent after the gates; as it was when the trader is busy: it will take it by itself."""
    try:
        return await here().asks.trader.ask(Decide(intent.intent_id), deadline_s=DECIDE_DEADLINE_S)
    except ActorUnavailable:
        return intent


def _state(web: Web, stored: StoredPlan | None) -> str:
    planner = web.boards.planner.value
    if planner is not None and planner.state in PLANNING:
        return "planning"
    if stored is None:
        return "none"
    stale = stored.superseded or (
        planner is not None and planner.portfolio_hash != stored.plan.portfolio_hash
    )
    return "stale" if stale else "ready"


def _recommendations(web: Web) -> Recommendations:
    stored = web.boards.plan.value
    if stored is None:
        return _nothing(web)
    plan = stored.plan
    steps = stored.steps
    gain = steps[-1].step.score_after - steps[0].step.score_before if steps else 0.0
    following = stored.next_step
    return Recommendations(
        state=_state(web, stored),
        depth=len(steps),
        steps=[_step(step) for step in steps],
        total_score_improvement=round(gain, 2),
        final_available_cash=steps[-1].step.cash_after_eur.amount if steps else Decimal(0),
        evaluated_count=plan.evaluated,
        plan_id=plan.plan_id,
        bucket_id=plan.bucket_id,
        portfolio_hash=plan.portfolio_hash[:8],
        objective=plan.objective,
        generated_at=plan.created_at,
        narrative_summary=plan.narrative,
        current_score=score(plan.current_score),
        end_state_score=score(plan.end_score),
        feasible=True,
        cash_required=plan.cash_required_eur.amount,
        cash_generated=plan.cash_generated_eur.amount,
        next_step=None if following is None else following.step.number,
        broker=web.broker,
        paper=web.paper,
    )


def _nothing(web: Web) -> Recommendations:
    """The answer before the first plan."""
    zero = Money.zero(BASE).amount
    return Recommendations(
        state=_state(web, None),
        depth=0,
        steps=[],
        total_score_improvement=0.0,
        final_available_cash=zero,
        evaluated_count=0,
        plan_id=None,
        bucket_id=None,
        portfolio_hash=None,
        objective=None,
        generated_at=None,
        narrative_summary=None,
        current_score=None,
        end_state_score=None,
        feasible=False,
        cash_required=zero,
        cash_generated=zero,
        next_step=None,
        broker=web.broker,
        paper=web.paper,
    )


def _step(stored: StoredStep) -> StepRow:
    step = stored.step
    return StepRow(
        step=step.number,
        kind=step.kind,
        side=step.side,
        symbol=step.symbol,
        name=step.name,
        quantity=step.quantity.units,
        currency=step.price.currency,
        estimated_price=price(step.price),
        estimated_value=step.value_eur.amount,
        estimated_fee=step.fee_eur.amount,
        reason=step.reason,
        tags=list(step.tags),
        portfolio_score_before=score(step.score_before, 1),
        portfolio_score_after=score(step.score_after, 1),
        score_change=score(step.score_after - step.score_before),
        available_cash_before=step.cash_before_eur.amount,
        available_cash_after=step.cash_after_eur.amount,
        is_emergency="emergency" in step.tags,
        state=stored.state.value,
        intent_id=stored.intent_id,
    )
