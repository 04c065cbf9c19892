"""/api/charts: closes by range, interval and number of points."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date, timedelta
from itertools import groupby
from typing import Any

from tools.figures.daemon import part
from tools.figures.market import Line
from tools.figures.sheet import Pair
from tools.figures.world import World, day_of

RANGES = {"1M": 30, "3M": 90, "6M": 180, "1Y": 365, "5Y": 1825, "10Y": 3650, "all": None}
MOST = 1500
FEW, MANY = 40, 366
WINDOW = 365
JUMP = 0.5

Span = Callable[[date], tuple[int, ...]]
SPANS: dict[str, Span] = {
    "day": lambda day: (day.toordinal(),),
    "week": lambda day: day.isocalendar()[:2],
    "month": lambda day: (day.year, day.month),
}


def check(world: World) -> None:
    """Sparklines with and without downsampling, and every range of every security."""
    for points in (FEW, MANY):
        world.attempt("GET /api/charts/sparklines", _sparklines, points)
    for span, days in RANGES.items():
        world.attempt("GET /api/charts/securities/{isin}", _range, span, days, None)
    for interval in SPANS:
        world.attempt("GET /api/charts/securities/{isin}", _range, "10Y", RANGES["10Y"], interval)


def _sparklines(world: World, points: int) -> None:
    today = world.today()
    shown = world.daemon.get("/api/charts/sparklines", days=WINDOW, points=points)
    pairs: list[Pair] = []
    for symbol, row in shown.items():
        theirs = _points(row["points"])
        whole = _without_jumps(world.market.closes(symbol, theirs[-1][0]))
        ours = [p for p in whole if p[0] >= today - timedelta(days=WINDOW)]
        pairs += _compared(symbol, fewer(ours, points), theirs)
    world.sheet.compare("GET /api/charts/sparklines", f"{points} points", pairs, absolute=1e-6)


def _range(world: World, span: str, days: int | None, interval: str | None) -> None:
    pairs: list[Pair] = []
    for symbol in world.market.securities:
        today = world.today()
        query = {"range": span, "meta": "true"} | ({"interval": interval} if interval else {})
        shown = world.daemon.get(f"/api/charts/securities/{part(symbol)}", **query)
        theirs = _points(shown["points"])
        if not theirs:
            continue
        line = world.market.closes(symbol, theirs[-1][0])
        if days is not None:
            line = [p for p in line if p[0] >= today - timedelta(days=days)]
        ours = fewer(_last_of_each(line, SPANS[shown["interval"]]), MOST)
        pairs += _compared(symbol, ours, theirs)
    name = f"{span} by {interval}" if interval else span
    world.sheet.compare("GET /api/charts/securities/{isin}", name, pairs, absolute=1e-6)


def _last_of_each(line: Line, span: Span) -> Line:
    grouped = groupby(line, lambda point: span(point[0]))
    return [list(group)[-1] for _, group in grouped]


def _points(rows: list[dict[str, Any]]) -> Line:
    return [(day_of(row["time"]), row["value"]) for row in rows]


def _compared(symbol: str, ours: Line, theirs: Line) -> list[Pair]:
    mine, told = dict(ours), dict(theirs)
    days = sorted(mine.keys() | told.keys())
    return [(f"{symbol} {day}", mine.get(day), told.get(day)) for day in days]


def _without_jumps(line: Line) -> Line:
    """Without what is more than half away from the last sound close, unless it lasts."""
    found: Line = []
    doubted: float | None = None
    for day, close in line:
        near = not found or abs(close / found[-1][1] - 1) <= JUMP
        lasts = doubted is not None and abs(close / doubted - 1) <= JUMP
        if near or lasts:
            found.append((day, close))
            doubted = None
        else:
            doubted = close
    return found


def fewer(line: Line, points: int) -> Line:
    """Largest triangle three buckets, with equal buckets between the first and the last point."""
    rows = len(line)
    if rows <= points:
        return line
    edges = [1 + i * (rows - 2) // (points - 2) for i in range(points - 1)] + [rows]
    kept = [line[0]]
    for low, high, after in zip(edges, edges[1:], edges[2:], strict=False):
        following = line[high:after]
        middle = math.fsum(day.toordinal() for day, _ in following) / len(following)
        level = math.fsum(value for _, value in following) / len(following)
        kept.append(_largest(kept[-1], line[low:high], middle, level))
    return [*kept, line[-1]]


def _largest(
    left: tuple[date, float], bucket: Line, middle: float, level: float
) -> tuple[date, float]:
    """Twice the area of a triangle is |(x1 - x3)(y2 - y1) - (x1 - x2)(y3 - y1)|."""
    x, y = left[0].toordinal(), left[1]

    def area(point: tuple[date, float]) -> float:
        return abs((x - middle) * (point[1] - y) - (x - point[0].toordinal()) * (level - y))

    return max(bucket, key=area)
