"""/api/charts: lines of prices to draw, from what is stored; nothing is fetched for an answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Literal

import msgspec
import trio
from msgspec import Meta
from quart import Blueprint, Response, request

from ledger.chart import ChartInterval, ChartRange, ChartSource
from ledger.errors import Missing
from ledger.isin import is_isin
from web.asking import query
from web.context import here
from web.encode import encode
from web.errors import invalid
from web.openapi import describe
from web.reply import JSON
from wire.chart_asks import ChartView, PriceChart, PriceLine, Sparkline, Sparklines

ASK_DEADLINE_S = 30.0
_PLACES = 6
_ISIN_LENGTH = 12
bp = Blueprint("charts", __name__, url_prefix="/api/charts")


class SparklinesQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The last `days` calendar days, at most `points` points each."""

    days: Annotated[int, Meta(ge=30, le=730)] = 365
    points: Annotated[int, Meta(ge=10, le=366)] = 120
    key: Literal["symbol", "isin"] = "symbol"


class ChartQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`source` restricts the closes to one origin; `meta` asks for what they are besides."""

    range: ChartRange = "1Y"
    source: ChartSource = "auto"
    interval: ChartInterval | None = None
    meta: bool = False


class Point(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The close of a day, adjusted for later splits, in the currency of the security."""

    time: date
    value: float


class SparklineRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A small line, oldest point first, without closes that jump without a reason."""

    symbol: str
    isin: str
    currency: str
    points: list[Point]


class Chart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`source` is where the closes come from; `complete` that none is missing in the range."""

    isin: str
    symbol: str
    currency: str
    range: ChartRange
    interval: ChartInterval
    source: str
    complete: bool
    points: list[Point]


@bp.get("/sparklines")
@describe(query=SparklinesQuery, answer=dict[str, SparklineRow])
async def sparklines() -> Response:
    """A small line for every active security with prices, by symbol or by ISIN.

    Of several listings of one ISIN the first by symbol is shown under it.
    """
    asked = query(SparklinesQuery)
    found = await here().asks.analyst.ask(
        Sparklines(asked.days, asked.points), deadline_s=ASK_DEADLINE_S
    )
    tag = f'"{found.version}.{asked.key}"'
    if _is_known(tag):
        return _fresh(b"", tag, status=304, complete=found.complete)
    return _fresh(await _keyed(found.lines, asked.key), tag, complete=found.complete)


@bp.get("/securities/<isin>")
@describe(query=ChartQuery, answer=list[Point] | Chart)
async def chart(isin: str) -> Response:
    """The prices of one security, by ISIN or symbol, oldest first."""
    asked = query(ChartQuery)
    name = isin.strip().upper()
    found = await _ask(PriceChart(name, asked.range, asked.interval, asked.source))
    tag = f'"{found.version}.{"meta" if asked.meta else "bare"}"'
    if _is_known(tag):
        return _fresh(b"", tag, status=304, complete=found.complete)
    points = _points(found.line)
    shown = _chart(found, asked, points) if asked.meta else points
    return _fresh(encode(shown), tag, complete=found.complete)


async def _ask(asked: PriceChart) -> ChartView:
    """Raises Problem 422 for an ISIN with a wrong check digit, Missing for what is not known."""
    try:
        return await here().asks.analyst.ask(asked, deadline_s=ASK_DEADLINE_S)
    except Missing:
        if _mistyped(asked.name):
            wrong = {"field": "isin", "value": asked.name, "message": "the check digit is wrong"}
            raise invalid([wrong]) from None
        raise


def _mistyped(name: str) -> bool:
    looks = len(name) == _ISIN_LENGTH and name.isalnum() and name.isascii() and name[:2].isalpha()
    return looks and not is_isin(name.upper())


async def _keyed(lines: Sequence[Sparkline], key: Literal["symbol", "isin"]) -> bytes:
    """One security after the other, so that nobody waits for all of them."""
    rows: dict[str, msgspec.Raw] = {}
    for line in lines:
        name = line.symbol if key == "symbol" else line.isin
        if name and name not in rows:
            row = SparklineRow(line.symbol, line.isin, line.currency, _points(line.line))
            rows[name] = msgspec.Raw(encode(row))
            await trio.lowlevel.checkpoint()
    return encode(rows)


def _chart(found: ChartView, asked: ChartQuery, points: list[Point]) -> Chart:
    return Chart(
        isin=found.isin,
        symbol=found.symbol,
        currency=found.currency,
        range=asked.range,
        interval=found.interval,
        source=", ".join(found.sources) or asked.source,
        complete=found.complete,
        points=points,
    )


def _points(line: PriceLine) -> list[Point]:
    pairs = zip(line.days, line.closes, strict=True)
    return [Point(date.fromordinal(day), round(close, _PLACES)) for day, close in pairs]


def _is_known(tag: str) -> bool:
    return request.headers.get("If-None-Match") == tag


def _fresh(data: bytes, tag: str, *, complete: bool, status: int = 200) -> Response:
    response = Response(data, status=status, mimetype=JSON)
    response.headers["ETag"] = tag
    response.headers["Cache-Control"] = "max-age=300"
    response.headers["X-Data-Complete"] = "true" if complete else "false"
    return response
