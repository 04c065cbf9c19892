"""/health, /health/ready, /version, /metrics: for supervisors, monitors and curious people."""

from __future__ import annotations

from datetime import datetime

import msgspec
import trio
from quart import Blueprint, Response

from ledger.errors import TrimtabError
from web.context import Web, here
from web.metrics import CONTENT_TYPE, Scrape
from web.openapi import describe
from web.reply import reply
from wire.health import Beat

PROBE_DEADLINE_S = 2.0
SILENT_S = 30.0
bp = Blueprint("probes", __name__)


class Liveness(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    status: str
    service: str
    version: str
    uptime_s: float


class Check(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`state` is ok, degraded or failed."""

    state: str
    detail: str
    since: datetime | None = None


class Readiness(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`status` is ok, degraded, or failed when the database or the scheduler is."""

    status: str
    checks: dict[str, Check]
    broker: str
    paper: bool


class Version(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: str
    commit: str | None
    python: str
    schema_version: int
    kernel: str


@bp.get("/health")
@describe(answer=Liveness)
async def health() -> Response:
    """Whether this process should be kept: 503 once a critical actor has been silent for 30 s."""
    web = here()
    now_s = web.clock.monotonic_s()
    alive = not any(_silent(beat, now_s) for beat in web.health.all())
    shown = Liveness(
        status="ok" if alive else "failed",
        service="trimtab",
        version=web.info.version,
        uptime_s=round(now_s - web.started_s, 1),
    )
    return reply(shown, status=200 if alive else 503)


@bp.get("/health/ready")
@describe(answer=Readiness)
async def ready() -> Response:
    """Whether everything works. Only the database and the scheduler make it fail."""
    web = here()
    checks = {
        "db": await _db(web),
        "broker": _broker(web),
        "market_data": _market_data(web),
        "calendars": _calendars(web),
        "scheduler": _actor(web, "schedule", worst="failed"),
        "display": _display(web),
        "disk": _actor(web, "upkeep", worst="degraded"),
    }
    states = {check.state for check in checks.values()}
    failed = "failed" in states
    status = "failed" if failed else "degraded" if "degraded" in states else "ok"
    shown = Readiness(status=status, checks=checks, broker=web.broker, paper=web.paper)
    return reply(shown, status=503 if failed else 200)


@bp.get("/version")
@describe(answer=Version)
async def version() -> Response:
    """What runs here."""
    info = here().info
    return reply(
        Version(
            version=info.version,
            commit=info.commit,
            python=info.python,
            schema_version=info.schema_version,
            kernel=info.kernel,
        )
    )


@bp.get("/metrics")
@describe(media="text/plain")
async def metrics() -> Response:
    """Prometheus text format."""
    web = here()
    now_s = web.clock.monotonic_s()
    scrape = Scrape(
        boards=web.boards,
        health=web.health,
        events=web.events,
        gauges=web.gauges,
        streams=web.streams.open,
        uptime_s=now_s - web.started_s,
        now_s=now_s,
        version=web.info.version,
        counts=await web.rows.get(now_s),
    )
    return Response(scrape.page(), content_type=CONTENT_TYPE)


def _silent(beat: Beat, now_s: float) -> bool:
    if beat.rank != "critical":
        return False
    patience_s = max(SILENT_S, 3 * beat.period_s)
    return beat.state == "failed" or (beat.state == "up" and now_s - beat.last_beat_s > patience_s)


async def _db(web: Web) -> Check:
    """One small read under a deadline."""
    try:
        with trio.fail_after(PROBE_DEADLINE_S):
            await web.views.runs(1)
    except trio.TooSlowError:
        return Check("failed", f"no answer within {PROBE_DEADLINE_S:g} s")
    except (TrimtabError, OSError) as error:
        return Check("failed", type(error).__name__)
    return Check("ok", "reads answer")


def _broker(web: Web) -> Check:
    link = web.boards.link.value
    if link is None:
        return Check("degraded", "not contacted yet")
    if link.connected:
        return Check("ok", "connected", link.last_success_at)
    return Check("degraded", f"{link.consecutive_failures} failures", link.last_success_at)


def _market_data(web: Web) -> Check:
    portfolio = web.boards.portfolio.value
    if portfolio is None:
        return Check("degraded", "no portfolio yet")
    if portfolio.stale is not None:
        return Check("degraded", portfolio.stale, portfolio.as_of)
    if portfolio.unvalued:
        return Check("degraded", f"{len(portfolio.unvalued)} without a price", portfolio.as_of)
    return Check("ok", "current", portfolio.as_of)


def _calendars(web: Web) -> Check:
    """Past its calendar an exchange counts as closed: the owner hears of it 60 days before.

    So does one without a calendar, all the time.
    """
    views = web.boards.markets.value or ()
    strangers = [view.mic for view in views if not view.known and view.calendar_ends is None]
    if strangers:
        names = ", ".join(strangers)
        return Check("degraded", f"counted as closed, their hours are not known: {names}")
    ends = {view.mic: view.calendar_ends for view in views}
    ending = [f"{mic} until {day}" for mic, day in sorted(ends.items()) if day is not None]
    if ending:
        return Check("degraded", f"update needed, hours are known only: {', '.join(ending)}")
    return Check("ok", "the hours of every exchange are known for more than 60 days")


def _actor(web: Web, name: str, *, worst: str) -> Check:
    beat = web.health.get(name)
    if beat is None or beat.state == "starting":
        return Check("degraded", "starting")
    if beat.state == "up" and not beat.late(web.clock.monotonic_s()):
        return Check("ok", beat.note or "up", beat.since)
    return Check(worst, beat.note or ("late" if beat.state == "up" else beat.state), beat.since)


def _display(web: Web) -> Check:
    display = web.boards.display.value
    if display is None:
        return Check("degraded", "no frame yet")
    if display.connected:
        return Check("ok", display.driver, display.since)
    return Check("degraded", display.last_error or "not connected", display.since)
