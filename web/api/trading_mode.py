"""/api/settings/trading-mode: whether orders may leave for the broker. Never a toggle."""

from __future__ import annotations

from typing import Literal

import msgspec
from quart import Blueprint, Response

from web.asking import body
from web.context import here
from web.errors import invalid, not_ready
from web.guard import asked_by
from web.openapi import describe
from web.reply import reply
from wire.messages import SetMode

ASK_DEADLINE_S = 10.0
bp = Blueprint("trading_mode", __name__, url_prefix="/api/settings")


class ModeView(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    trading_mode: str
    broker: str
    paper: bool


class ModeBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The mode wanted; `live` additionally needs `confirm` to be true."""

    trading_mode: Literal["live", "research"]
    confirm: bool = False


class ModeChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    trading_mode: str
    previous_mode: str | None
    broker: str
    paper: bool


@bp.get("/trading-mode")
@describe(answer=ModeView)
async def trading_mode() -> Response:
    """The mode in force."""
    web = here()
    trading = web.boards.trading.value
    if trading is None:
        raise not_ready("the trading mode")
    return reply(ModeView(trading_mode=trading.mode, broker=web.broker, paper=web.paper))


@bp.post("/trading-mode")
@describe(body=ModeBody, answer=ModeChange)
async def set_trading_mode() -> Response:
    """Set the mode. Asking for the mode in force changes nothing."""
    asked = await body(ModeBody)
    if asked.trading_mode == "live" and not asked.confirm:
        raise invalid([{"field": "confirm", "value": False, "message": "live needs true"}])
    web = here()
    before = web.boards.trading.value
    mode = await web.asks.schedule.ask(
        SetMode(asked.trading_mode, confirm=asked.confirm, by=asked_by()),
        deadline_s=ASK_DEADLINE_S,
    )
    return reply(
        ModeChange(
            trading_mode=mode,
            previous_mode=None if before is None else before.mode,
            broker=web.broker,
            paper=web.paper,
        )
    )
