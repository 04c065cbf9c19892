"""/api/system: headline status, jobs, runs and markets."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import Meta
from quart import Blueprint, Response

from ledger.halt import Latch
from ledger.run import RunRecord
from web.asking import query
from web.context import Web, here
from web.encode import amount
from web.errors import not_ready
from web.openapi import describe
from web.reply import from_boards, reply
from wire.health import Beat
from wire.messages import BrokerLink, JobView, MarketView, TradingState

bp = Blueprint("system", __name__, url_prefix="/api/system")
_BROKER_SAYS = {True: "open", False: "closed"}


class LatchRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    reason: str
    set_at: datetime


class ActorRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`late` when an actor that claims to be up has missed three beats."""

    actor: str
    rank: str
    state: str
    late: bool
    since: datetime
    restarts: int
    note: str


class LinkRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    connected: bool
    last_success_at: datetime | None
    last_error: str | None
    consecutive_failures: int


class Status(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Headline numbers. `status` is ok, degraded, halted or starting; money is EUR."""

    status: str
    broker: str
    paper: bool
    trading_mode: str | None
    halted: bool
    halted_reason: str | None
    latches: list[LatchRow]
    total_value: Decimal | None
    cash_balance: Decimal | None
    position_count: int
    active_positions: int
    security_count: int
    stock_universe_count: int
    last_sync: datetime | None
    stale: str | None
    link: LinkRow | None
    actors: list[ActorRow]
    recovery: list[str]
    market_time: datetime
    machine_time: datetime
    uptime_s: float
    version: str
    event_seq: int


class RunRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    run_id: str
    job: str
    trigger: str
    status: str
    reason: str | None
    requested_at: datetime
    market_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    duration_ms: int | None
    error: str | None
    result: str | None


class JobRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    schedule: str
    next_run: datetime | None
    status: str
    healthy: bool
    consecutive_failures: int
    progress: str
    last: RunRow | None


class Jobs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    total_jobs: int
    jobs: list[JobRow]


class RunsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


class Lunch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    starts_at: datetime
    ends_at: datetime


class MarketRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`opens_at`, `closes_at` and `lunch` are of the running session, else of the next one.

    `next_open` and `next_close` are the next bells, those of a lunch break included. `state` is
    closed, pre, open, lunch or early_closed; `broker_status` what the broker says: open, closed
    or null. A `strict` exchange takes no order while it is closed.
    """

    exchange: str
    code: str
    name: str
    session: str
    state: str
    is_open: bool
    opens_at: datetime | None
    closes_at: datetime | None
    next_open: datetime | None
    next_close: datetime | None
    lunch: Lunch | None
    timezone: str
    strict: bool
    early_close: bool
    has_securities: bool
    broker_status: str | None


class Markets(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    market_time: datetime
    last_updated: datetime
    open_count: int
    closed_count: int
    open_markets: list[str]
    markets: list[MarketRow]


@bp.get("/status")
@describe(answer=Status)
async def status() -> Response:
    """Overall state, headline figures, latches and the health of every actor."""
    return reply(_status(here()))


@bp.get("/jobs")
@describe(answer=Jobs)
async def jobs() -> Response:
    """Every job with its last run and its next one."""
    board = here().boards.jobs
    return from_boards("jobs", (board,), lambda: _jobs(board.value or ()))


@bp.get("/runs")
@describe(query=RunsQuery, answer=list[RunRow])
async def runs() -> Response:
    """The newest run records."""
    asked = query(RunsQuery)
    return reply([_run(run) for run in await here().views.runs(asked.limit)])


@bp.get("/markets")
@describe(answer=Markets)
async def markets() -> Response:
    """The exchanges in use and whether they are open."""
    web = here()
    views = web.boards.markets.value
    if views is None:
        raise not_ready("the state of the markets")
    opened = [view.name for view in views if view.is_open]
    return reply(
        Markets(
            market_time=web.clock.market_now(),
            last_updated=web.clock.machine_now(),
            open_count=len(opened),
            closed_count=len(views) - len(opened),
            open_markets=opened,
            markets=[_market(view) for view in views],
        )
    )


def latch_row(latch: Latch) -> LatchRow:
    return LatchRow(name=latch.name, reason=latch.reason, set_at=latch.set_at)


def _status(web: Web) -> Status:
    portfolio = web.boards.portfolio.value
    trading = web.boards.trading.value
    recovery = web.boards.recovery.value
    latches = () if trading is None else trading.latches
    held = 0 if portfolio is None else len(portfolio.positions)
    universe = 0 if portfolio is None else sum(one.active for one in portfolio.universe)
    return Status(
        status=overall(web),
        broker=web.broker,
        paper=web.paper,
        trading_mode=None if trading is None else trading.mode,
        halted=bool(latches),
        halted_reason="; ".join(f"{one.name}: {one.reason}" for one in latches) or None,
        latches=[latch_row(latch) for latch in latches],
        total_value=None if portfolio is None else amount(portfolio.total_eur),
        cash_balance=None if portfolio is None else amount(portfolio.cash_eur),
        position_count=held,
        active_positions=held,
        security_count=universe,
        stock_universe_count=universe,
        last_sync=None if portfolio is None else portfolio.as_of,
        stale=None if portfolio is None else portfolio.stale,
        link=_link(web.boards.link.value),
        actors=[_actor(beat, web.clock.monotonic_s()) for beat in web.health.all()],
        recovery=[] if recovery is None else list(recovery.lines),
        market_time=web.clock.market_now(),
        machine_time=web.clock.machine_now(),
        uptime_s=round(web.clock.monotonic_s() - web.started_s, 1),
        version=web.info.version,
        event_seq=web.events.last_seq,
    )


def overall(web: Web) -> str:
    """halted before degraded before starting before ok."""
    trading: TradingState | None = web.boards.trading.value
    if trading is not None and trading.halted:
        return "halted"
    now_s = web.clock.monotonic_s()
    beats = web.health.all()
    if any(beat.late(now_s) or beat.state in {"restarting", "failed"} for beat in beats):
        return "degraded"
    link = web.boards.link.value
    if link is not None and not link.connected:
        return "degraded"
    portfolio = web.boards.portfolio.value
    if trading is None or portfolio is None:
        return "starting"
    return "ok" if portfolio.stale is None else "degraded"


def _link(link: BrokerLink | None) -> LinkRow | None:
    if link is None:
        return None
    return LinkRow(
        connected=link.connected,
        last_success_at=link.last_success_at,
        last_error=link.last_error,
        consecutive_failures=link.consecutive_failures,
    )


def _actor(beat: Beat, now_s: float) -> ActorRow:
    return ActorRow(
        actor=beat.actor,
        rank=beat.rank,
        state=beat.state,
        late=beat.late(now_s),
        since=beat.since,
        restarts=beat.restarts,
        note=beat.note,
    )


def _jobs(views: tuple[JobView, ...]) -> Jobs:
    return Jobs(total_jobs=len(views), jobs=[_job(view) for view in views])


def _job(view: JobView) -> JobRow:
    last = None if view.last is None else _run(view.last)
    return JobRow(
        id=view.job,
        schedule=view.schedule,
        next_run=view.next_due,
        status="idle" if last is None else last.status,
        healthy=view.consecutive_failures == 0,
        consecutive_failures=view.consecutive_failures,
        progress=view.progress,
        last=last,
    )


def _run(run: RunRecord) -> RunRow:
    return RunRow(
        run_id=run.run_id,
        job=run.job,
        trigger=run.trigger,
        status=run.status.value,
        reason=run.reason,
        requested_at=run.requested_at,
        market_at=run.market_at,
        started_at=run.started_at,
        ended_at=run.ended_at,
        duration_ms=run.duration_ms,
        error=run.error,
        result=run.result,
    )


def _market(view: MarketView) -> MarketRow:
    return MarketRow(
        exchange=view.mic,
        code=view.mic,
        name=view.name,
        session=view.phase,
        state=view.phase,
        is_open=view.is_open,
        opens_at=view.opens_at,
        closes_at=view.closes_at,
        next_open=view.next_open,
        next_close=view.next_close,
        lunch=None if view.lunch is None else Lunch(*view.lunch),
        timezone=view.timezone,
        strict=view.strict,
        early_close=view.early_close,
        has_securities=view.has_securities,
        broker_status=None if view.broker_open is None else _BROKER_SAYS[view.broker_open],
    )
