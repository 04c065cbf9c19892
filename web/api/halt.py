"""/api/system/halt and /resume: the latches that keep orders back."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta
from quart import Blueprint, Response

from ledger.halt import Latch, LatchName
from web.api.system import LatchRow, latch_row
from web.asking import body
from web.context import here
from web.errors import invalid
from web.guard import asked_by
from web.openapi import describe
from web.reply import reply
from wire.messages import RaiseLatch, Resume

ASK_DEADLINE_S = 10.0
bp = Blueprint("halt", __name__, url_prefix="/api/system")


class HaltBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    reason: Annotated[str, Meta(max_length=200)] = "asked for over HTTP"


class ResumeBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`reasons` are the latches to clear, by name; nothing else is cleared."""

    reasons: Annotated[list[LatchName], Meta(min_length=1, max_length=16)]
    confirm: bool


class Latches(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Every latch that stands after the request."""

    halted: bool
    latches: list[LatchRow]
    broker: str
    paper: bool


@bp.post("/halt")
@describe(body=HaltBody, answer=Latches)
async def halt() -> Response:
    """Stop all submissions until somebody resumes; syncing and cancelling go on."""
    asked = await body(HaltBody, optional=True)
    web = here()
    request = RaiseLatch("owner", asked.reason.strip() or "no reason given", asked_by())
    return _latches(await web.asks.schedule.ask(request, deadline_s=ASK_DEADLINE_S))


@bp.post("/resume")
@describe(body=ResumeBody, answer=Latches)
async def resume() -> Response:
    """Clear the named latches; the others keep standing."""
    asked = await body(ResumeBody)
    if not asked.confirm:
        raise invalid([{"field": "confirm", "value": False, "message": "resuming needs true"}])
    request = Resume(tuple(dict.fromkeys(asked.reasons)), confirm=True, by=asked_by())
    return _latches(await here().asks.schedule.ask(request, deadline_s=ASK_DEADLINE_S))


def _latches(latches: tuple[Latch, ...]) -> Response:
    web = here()
    return reply(
        Latches(
            halted=bool(latches),
            latches=[latch_row(latch) for latch in latches],
            broker=web.broker,
            paper=web.paper,
        )
    )
