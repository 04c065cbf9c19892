"""/api/settings: the owner's settings, asked of schedule, which keeps and enforces them.

The trading mode stands among them to be read; it is set under its own address only.
"""

from __future__ import annotations

import re
from decimal import Decimal

import msgspec
from quart import Blueprint, Response

from ledger.errors import Missing, Refused
from web.asking import body, query
from web.context import here
from web.encode import Json
from web.errors import Problem, invalid
from web.guard import asked_by
from web.openapi import describe
from web.reply import reply
from wire.setting_asks import ListSettings, PutSetting, SettingView

ASK_DEADLINE_S = 10.0
LONGEST = 100
# Without an exponent: a few characters must not stand for a million digits.
_NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?")
# None of them can be read as a number; what they have to be is checked by their owner.
_SYMBOL = r"\^?[A-Za-z][A-Za-z0-9.-]*|[0-9]+\.[A-Za-z]+"
_SYMBOLS = re.compile(rf"({_SYMBOL})(, ?({_SYMBOL}))*")
bp = Blueprint("settings", __name__, url_prefix="/api/settings")

Value = int | float | bool | str


class SettingsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`meta` answers the catalogue instead: one row per setting."""

    meta: bool = False


class SettingRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A setting with its bounds, both inclusive and null where it has none."""

    key: str
    value: Value
    kind: str
    unit: str
    default: Value
    low: Value | None
    high: Value | None
    description: str


class PutBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A number, true, false, either of them as a text, or symbols with commas between them."""

    value: msgspec.Raw


@bp.get("")
@describe(query=SettingsQuery, answer=dict[str, Value] | list[SettingRow])
async def settings() -> Response:
    """Every setting by its key with the value in force."""
    asked = query(SettingsQuery)
    web = here()
    views = await web.asks.schedule.ask(ListSettings(), deadline_s=ASK_DEADLINE_S)
    if asked.meta:
        return reply([_row(view) for view in views])
    trading = web.boards.trading.value
    mode: dict[str, Json] = {} if trading is None else {"trading_mode": trading.mode}
    return reply({**mode, **{view.key: _shown(view, view.value) for view in views}})


@bp.put("/<key>")
@describe(body=PutBody, answer=dict[str, Value])
async def put(key: str) -> Response:
    """Change one setting; the answer is the value as it was stored."""
    text = _text((await body(PutBody)).value)
    try:
        view = await here().asks.schedule.ask(
            PutSetting(key, text, asked_by()), deadline_s=ASK_DEADLINE_S
        )
    except Missing as error:
        raise Problem(400, "unknown_setting", str(error)) from None
    except Refused as error:
        if error.code != "setting_value":
            raise
        raise _out_of_bounds(str(error), text) from None
    return reply({view.key: _shown(view, view.value)})


def _text(raw: msgspec.Raw) -> str:
    """What was sent as the text of a setting; raises Problem 422 for what none of them can be."""
    sent = bytes(raw).decode()
    text = msgspec.json.decode(raw, type=str).strip() if sent.startswith('"') else sent
    short = len(text) <= LONGEST and text != "null"
    if not short or not (_NUMBER.fullmatch(text) or _SYMBOLS.fullmatch(text)):
        raise _out_of_bounds("value: a number, true, false, or symbols", text)
    return text


def _out_of_bounds(message: str, text: str) -> Problem:
    problem = invalid([{"field": "value", "value": text[:LONGEST], "message": message}])
    problem.detail = message
    return problem


def _shown(view: SettingView, text: str) -> Json:
    if view.kind == "symbols":
        return text
    if view.kind == "bool":
        return text == "true"
    return int(text) if view.kind == "int" else Decimal(text)


def _row(view: SettingView) -> dict[str, Json]:
    return {
        "key": view.key,
        "value": _shown(view, view.value),
        "kind": view.kind,
        "unit": view.unit,
        "default": _shown(view, view.default),
        "low": None if view.low is None else _shown(view, view.low),
        "high": None if view.high is None else _shown(view, view.high),
        "description": view.description,
    }
