"""The plan: the current recommendations, what the planner is doing, and both as streams."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import msgspec
from quart import Blueprint, Response, request

from ledger.currency import BASE
from ledger.money import Money
from ledger.plan import StoredPlan, StoredStep
from web.context import Web, here
from web.encode import price, score
from web.openapi import EVENT_STREAM, describe
from web.reply import from_boards
from web.sources import INVALIDATING, READY, PlannerReader, RingReader, recommendation
from web.sse import frame, stream
from wire.messages import PlannerStatus

bp = Blueprint("planner", __name__, url_prefix="/api")
NEVER_ISSUED = 2**62
_PLANNING = frozenset({"generating", "evaluating"})


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


class PlannerView(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Progress of the current planning run, counted in its own sequences."""

    state: str
    has_sequences: bool
    total_sequences: int
    evaluated_count: int
    is_finished: bool
    is_planning: bool
    progress_percentage: float
    portfolio_hash: str | None
    bucket_id: str | None
    best_score: float | None
    last_updated: datetime | None
    error: str | None


@bp.get("/trades/recommendations")
@describe(answer=Recommendations)
async def recommendations() -> Response:
    """The last committed plan; reading it never plans."""
    web = here()
    boards = (web.boards.plan, web.boards.planner, web.boards.trading)
    return from_boards("recommendations", boards, lambda: _recommendations(web))


@bp.get("/trades/recommendations/stream")
@describe(media=EVENT_STREAM)
async def recommendation_stream() -> Response:
    """`ready` when there is a new plan, `invalidated` when the old one may no longer hold."""
    web = here()

    def hello(seq: int) -> bytes:
        moment = web.clock.machine_now().timestamp()
        return frame({"connected": True, "seq": seq, "timestamp": moment}, seq=seq)

    reader = RingReader(
        web.events,
        last_seen=last_seen(),
        types=READY | INVALIDATING,
        show=recommendation(web.boards.plan),
        hello=hello,
    )
    return stream(reader, slots=web.streams, shutdown=web.shutdown)


@bp.get("/planner/status")
@describe(answer=PlannerView)
async def planner_status() -> Response:
    """What the planner is doing now."""
    board = here().boards.planner
    return from_boards("planner", (board,), lambda: planner_view(board.value))


@bp.get("/planner/status/stream")
@describe(media=EVENT_STREAM)
async def planner_stream() -> Response:
    """The planner's status now and after every change, at most four times a second."""
    web = here()
    reader = PlannerReader(web.boards.planner, planner_view)
    return stream(reader, slots=web.streams, shutdown=web.shutdown)


def last_seen() -> int | None:
    """The event a returning client saw last; a number we never issued when it is not one."""
    text = request.headers.get("Last-Event-ID")
    if text is None:
        return None
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else NEVER_ISSUED


def planner_view(status: PlannerStatus | None) -> PlannerView:
    total = 0 if status is None else status.total
    done = 0 if status is None else min(status.evaluated, total)
    state = "idle" if status is None else status.state
    return PlannerView(
        state=state,
        has_sequences=total > 0,
        total_sequences=total,
        evaluated_count=done,
        is_finished=total > 0 and done == total,
        is_planning=state in _PLANNING,
        progress_percentage=round(100 * done / total, 1) if total else 0.0,
        portfolio_hash=None if status is None else status.portfolio_hash[:8],
        bucket_id=None if status is None else status.bucket_id,
        best_score=None if status is None else score(status.best_score),
        last_updated=None if status is None else status.updated_at,
        error=None if status is None else status.error,
    )


def _state(web: Web, stored: StoredPlan | None) -> str:
    planner = web.boards.planner.value
    if planner is not None and planner.state in _PLANNING:
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
