"""What the planner is doing, and its plans and progress as streams."""

from __future__ import annotations

from datetime import datetime

import msgspec
from quart import Blueprint, Response, request

from ledger.fact import CORE
from web.context import here
from web.encode import score
from web.openapi import EVENT_STREAM, describe
from web.reply import from_boards, reply
from web.sources import INVALIDATING, READY, PlannerReader, RecommendationNews, RingReader
from web.sse import frame, stream
from wire.messages import PlannerStatus
from wire.planner_asks import PlanAgain

bp = Blueprint("planner", __name__, url_prefix="/api")
NEVER_ISSUED = 2**62
PLANNING = frozenset({"generating", "evaluating"})
FINISHED = "complete"
PLAN_AGAIN_DEADLINE_S = 30.0


class PlannerView(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Progress of the current planning run, counted in its own sequences.

    `total_sequences` is the most it may look at; it may be finished with fewer. `best_score` is the
    score at the end of the best it found, 0 to 100, `gap` how far that may be from the best there
    is, in points; `notes` say what it plans without.
    """

    state: str
    has_sequences: bool
    total_sequences: int
    evaluated_count: int
    is_finished: bool
    is_planning: bool
    progress_percentage: float
    portfolio_hash: str | None
    bucket_id: str | None
    run_id: str | None
    phase: str | None
    best_score: float | None
    gap: float | None
    notes: list[str]
    last_updated: datetime | None
    error: str | None


@bp.get("/trades/recommendations/stream")
@describe(media=EVENT_STREAM)
async def recommendation_stream() -> Response:
    """`ready` when there is a new plan, `invalidated` when the old one may no longer hold."""
    web = here()

    portfolio = web.boards.portfolio.value
    known = None if portfolio is None else portfolio.ledger_seq
    show = RecommendationNews(web.boards.plan, web.events, ledger_seq=known)

    def hello(seq: int) -> bytes:
        moment = web.clock.machine_now().timestamp()
        shown = {"connected": True, "seq": seq, "timestamp": moment, **show.remembered(seq)}
        return frame(shown, seq=seq)

    reader = RingReader(
        web.events,
        last_seen=last_seen(),
        types=READY | INVALIDATING,
        show=show,
        hello=hello,
    )
    return stream(reader, slots=web.streams, shutdown=web.shutdown)


class Regenerated(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`portfolio_hash` is what was planned for last; null before the first plan."""

    status: str
    message: str
    portfolio_hash: str | None
    run_id: str


@bp.post("/planner/regenerate-sequences")
@describe(accepted=Regenerated)
async def regenerate() -> Response:
    """Forget the current plan and make a new one."""
    web = here()
    run_id = await web.asks.planner.ask(PlanAgain(CORE), deadline_s=PLAN_AGAIN_DEADLINE_S)
    status, stored = web.boards.planner.value, web.boards.plan.value
    known = (status.portfolio_hash if status else "") or (
        stored.plan.portfolio_hash if stored else ""
    )
    done = Regenerated("success", "a new plan is being made", known[:8] or None, run_id)
    return reply(done, status=202)


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
    if status is None:
        return _idle()
    total = status.total
    done = min(status.evaluated, total)
    finished = status.state == FINISHED
    share = 100.0 if finished else 100 * done / total if total else 0.0
    return PlannerView(
        state=status.state,
        has_sequences=total > 0,
        total_sequences=total,
        evaluated_count=done,
        is_finished=finished,
        is_planning=status.state in PLANNING,
        progress_percentage=round(share, 1),
        portfolio_hash=status.portfolio_hash[:8],
        bucket_id=status.bucket_id,
        run_id=status.run_id,
        phase=status.phase or None,
        best_score=score(status.best_score),
        gap=score(status.gap, 4),
        notes=list(status.notes),
        last_updated=status.updated_at,
        error=status.error,
    )


def _idle() -> PlannerView:
    """Before the planner has said anything."""
    return PlannerView(
        state="idle",
        has_sequences=False,
        total_sequences=0,
        evaluated_count=0,
        is_finished=False,
        is_planning=False,
        progress_percentage=0.0,
        portfolio_hash=None,
        bucket_id=None,
        run_id=None,
        phase=None,
        best_score=None,
        gap=None,
        notes=[],
        last_updated=None,
        error=None,
    )
