"""What the planner is doing, and its plans and progress as streams."""

from __future__ import annotations

from datetime import datetime

import msgspec
from quart import Blueprint, Response, request

from web.context import here
from web.encode import score
from web.openapi import EVENT_STREAM, describe
from web.reply import from_boards
from web.sources import INVALIDATING, READY, PlannerReader, RingReader, recommendation
from web.sse import frame, stream
from wire.messages import PlannerStatus

bp = Blueprint("planner", __name__, url_prefix="/api")
NEVER_ISSUED = 2**62
PLANNING = frozenset({"generating", "evaluating"})


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
        is_planning=state in PLANNING,
        progress_percentage=round(100 * done / total, 1) if total else 0.0,
        portfolio_hash=None if status is None else status.portfolio_hash[:8],
        bucket_id=None if status is None else status.bucket_id,
        best_score=None if status is None else score(status.best_score),
        last_updated=None if status is None else status.updated_at,
        error=None if status is None else status.error,
    )
