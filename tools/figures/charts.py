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
    today, shown = world.dated("/api/charts/sparklines", days=WINDOW, points=points)
    pairs: list[Pair] = []
    for symbol, row in shown.items():
        theirs = _points(row["points"])
        whole = _without_jumps(world.market.closes(symbol, theirs[-1][0]))
        ours = [p for p in whole if p[0] >= today - timedelta(days=WINDOW)]
        pairs += _compared(symbol, ours, theirs, points)
    world.sheet.compare("GET /api/charts/sparklines", f"{points} points", pairs, absolute=1e-6)


def _range(world: World, span: str, days: int | None, interval: str | None) -> None:
    pairs: list[Pair] = []
    for symbol in world.market.securities:
        query = {"range": span, "meta": "true"} | ({"interval": interval} if interval else {})
        today, shown = world.dated(f"/api/charts/securities/{part(symbol)}", **query)
        theirs = _points(shown["points"])
        if not theirs:
            continue
        line = world.market.closes(symbol, theirs[-1][0])
        if days is not None:
            line = [p for p in line if p[0] >= today - timedelta(days=days)]
        ours = _last_of_each(line, SPANS[shown["interval"]])
        pairs += _compared(symbol, ours, theirs, MOST)
    name = f"{span} by {interval}" if interval else span
    world.sheet.compare("GET /api/charts/securities/{isin}", name, pairs, absolute=1e-6)


def _last_of_each(line: Line, span: Span) -> Line:
    grouped = groupby(line, lambda point: span(point[0]))
    return [list(group)[-1] for _, group in grouped]


def _points(rows: list[dict[str, Any]]) -> Line:
    return [(day_of(row["time"]), row["value"]) for row in rows]


def _compared(symbol: str, ours: Line, theirs: Line, most: int) -> list[Pair]:
    """Every close; of those that are left out for being too many, whether the right ones are."""
    mine, told = dict(ours), dict(theirs)
    fewer = len(ours) > most
    days = sorted(told.keys() if fewer else mine.keys() | told.keys())
    pairs: list[Pair] = [(f"{symbol} {day}", mine.get(day), told.get(day)) for day in days]
    if fewer:
        pairs.append((f"{symbol} points", most, len(theirs)))
        pairs += [(f"{symbol} first", str(ours[0][0]), str(theirs[0][0]))]
        pairs += [(f"{symbol} last", str(ours[-1][0]), str(theirs[-1][0]))]
        pairs += [(f"{symbol} {name}", best, area) for name, best, area in largest(ours, theirs)]
    return pairs


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


def largest(line: Line, told: Line) -> list[Pair]:
    """Largest triangle three buckets: of each bucket the largest area there is and that of `told`.

    Which of two equal triangles is taken is nobody's business, so that areas are compared and not
    days: every one with the point that was told before it and the mean of the following bucket.
    """
    rows, points = len(line), len(told)
    edges = [1 + i * (rows - 2) // (points - 2) for i in range(points - 1)] + [rows]
    found: list[Pair] = []
    for at, (low, high, after) in enumerate(zip(edges, edges[1:], edges[2:], strict=False)):
        mean = _mean(line[high:after])
        best = max(_area(told[at], point, mean) for point in line[low:high])
        chosen = told[at + 1]
        inside = line[low][0] <= chosen[0] < line[high][0]
        found.append((f"bucket {at}", best, _area(told[at], chosen, mean) if inside else None))
    return found


def _mean(bucket: Line) -> tuple[float, float]:
    day = math.fsum(day.toordinal() for day, _ in bucket) / len(bucket)
    return day, math.fsum(value for _, value in bucket) / len(bucket)


def _area(left: tuple[date, float], point: tuple[date, float], right: tuple[float, float]) -> float:
    """Of a triangle, twice: |(x1 - x3)(y2 - y1) - (x1 - x2)(y3 - y1)|."""
    x, y = left[0].toordinal(), left[1]
    return abs((x - right[0]) * (point[1] - y) - (x - point[0].toordinal()) * (right[1] - y))
