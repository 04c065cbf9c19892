"""/api/display/state: what the LEDs show, pixel by pixel."""

from __future__ import annotations

from datetime import datetime

import msgspec
from quart import Blueprint, Response

from web.context import here
from web.errors import not_ready
from web.openapi import describe
from web.reply import from_boards
from wire.messages import DisplayState

bp = Blueprint("display", __name__, url_prefix="/api/display")


class Colour(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    r: int
    g: int
    b: int


class Driver(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kind: str
    connected: bool
    frames_sent: int
    last_error: str | None


class DisplayView(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`pixels` are rows × columns × RGB as hexadecimal text, row by row from the top left."""

    mode: str
    pool: str
    current_text: str
    error_text: str
    processing_text: str
    next_actions_text: str
    led3: Colour
    led4: Colour
    rows: int
    columns: int
    pixels: str
    driver: Driver
    since: datetime


@bp.get("/state")
@describe(answer=DisplayView)
async def state() -> Response:
    """The frame that was sent last, with the texts behind it.

    A scrolling text changes the frame up to 20 times a second. Those frames stay out of the event
    ring, where they would push out everything that matters within a minute; who wants to mirror
    the matrix asks here a few times a second with If-None-Match and gets 304 while nothing moves.
    """
    board = here().boards.display
    shown = board.value
    if shown is None:
        raise not_ready("the display")
    return from_boards("display", (board,), lambda: _view(shown))


def _colour(rgb: tuple[int, int, int]) -> Colour:
    return Colour(*rgb)


def _view(shown: DisplayState) -> DisplayView:
    return DisplayView(
        mode=shown.mode,
        pool=shown.pool,
        current_text=shown.text,
        error_text=shown.error_text,
        processing_text=shown.processing_text,
        next_actions_text=shown.next_actions_text,
        led3=_colour(shown.led3),
        led4=_colour(shown.led4),
        rows=shown.rows,
        columns=shown.columns,
        pixels=shown.pixels.hex(),
        driver=Driver(
            kind=shown.driver,
            connected=shown.connected,
            frames_sent=shown.frames_sent,
            last_error=shown.last_error,
        ),
        since=shown.since,
    )
