"""Prices as they are drawn: which span, how many points, and which of them to keep.

Every point drawn is a real close on its own day; nothing is averaged or interpolated.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import numpy as np

from kernels.checks import Bools, Floats, Ints
from kernels.series import Series
from ledger.bar import Coverage
from ledger.chart import ChartInterval, ChartRange
from policy.market_hours import LONGEST_CLOSURE_DAYS, Calendars

MAX_POINTS = 1500
JUMP = 0.5
"""A close this far (a fraction) from the one before it is suspicious."""

RANGE_DAYS: Mapping[ChartRange, int | None] = {
    "1M": 30,
    "3M": 90,
    "6M": 180,
    "1Y": 365,
    "5Y": 1825,
    "10Y": 3650,
    "all": None,
}
_DEFAULT_INTERVAL: Mapping[ChartRange, ChartInterval] = {
    "5Y": "week",
    "10Y": "month",
    "all": "month",
}
# The ordinal of a Monday is 1 modulo 7.
_MONDAY = 1


def first_day(span: ChartRange, today: date) -> date | None:
    """The calendar day on which `span` begins, itself included; None for all there is."""
    days = RANGE_DAYS[span]
    return None if days is None else today - timedelta(days=days)


def interval_of(span: ChartRange, asked: ChartInterval | None = None) -> ChartInterval:
    """What a point stands for: as asked, else days up to a year, weeks up to five, then months."""
    return asked or _DEFAULT_INTERVAL.get(span, "day")


def price_line(close: Series, *, first: date | None, interval: ChartInterval) -> Series:
    """The chart of `close` from the day `first` on, at most MAX_POINTS points.

    Its last point is always the newest close, however little of its week or month has passed.
    """
    shown = valid(close)
    if first is not None and len(shown):
        shown = shown.between(first.toordinal(), int(shown.days[-1]))
    return downsampled(last_of_each(shown, interval), MAX_POINTS)


def sparkline(close: Series, *, first: date, points: int) -> Series:
    """The small line of `close` from the day `first` on: without suspicious closes, at most
    `points` (2 or more) points.
    """
    sound = without_jumps(valid(close))
    if not len(sound):
        return sound
    return downsampled(sound.between(first.toordinal(), int(sound.days[-1])), points)


def valid(close: Series) -> Series:
    """The closes above zero."""
    return _where(close, close.values > 0)


def of_days(close: Series, days: Ints) -> Series:
    """The closes on `days`, ascending ordinals of which some may have none."""
    return _where(close, np.isin(close.days, days, assume_unique=True))


def newest_session(calendars: Calendars, mic: str, today: date) -> date | None:
    """The last day before `today` on which `mic` was open; None for an exchange unknown to us.

    The bar of a day is not expected before the day is over.
    """
    days = (today - timedelta(days=back) for back in range(1, LONGEST_CLOSURE_DAYS))
    return next((day for day in days if calendars.session(mic, day) is not None), None)


def covered(coverage: Coverage | None, newest: date | None) -> bool:
    """There are bars, up to the session of the day `newest` when that is known.

    Nothing is missing before the first bar: what is read first is all the source has.
    """
    if coverage is None or coverage.last_day is None:
        return False
    return newest is None or coverage.last_day >= newest


def last_of_each(series: Series, interval: ChartInterval) -> Series:
    """The last figure of each day, ISO week or calendar month."""
    if interval == "day" or not len(series):
        return series
    spans = _weeks(series.days) if interval == "week" else _months(series.days)
    return _where(series, np.append(np.diff(spans) != 0, True))


def without_jumps(close: Series) -> Series:
    """`close` without the points that are more than JUMP away from the last sound one.

    What follows a jump and stays at its level is sound again: only the jump itself is left out, not
    the price that really moved. Splits are no jumps, as `close` is adjusted for them.
    """
    if not _jumps(close.values[:-1], close.values[1:]).any():
        return close
    sound = np.ones(len(close), np.bool_)
    level, doubted = float(close.values[0]), None
    for row, value in enumerate(close.values.tolist()):
        if _far(level, value) and (doubted is None or _far(doubted, value)):
            sound[row], doubted = False, value
        else:
            level, doubted = value, None
    return _where(close, sound)


def downsampled(series: Series, points: int) -> Series:
    """At most `points` of `series`, chosen so that its shape stays: largest triangle three buckets.

    The first and the last point are kept. The points between them are dealt into buckets of the
    same size, and of each bucket the one that spans the largest triangle with the point chosen
    before it and the mean of the next bucket (S. Steinarsson, Downsampling Time Series for Visual
    Representation, 2013). Raises ValueError for fewer than 2 points.
    """
    if points < 2:
        raise ValueError(f"points: {points}, expected 2 or more")
    rows = len(series)
    if rows <= points:
        return series
    edges = 1 + np.arange(points - 1) * (rows - 2) // max(points - 2, 1)
    sizes = np.diff(edges, append=rows)
    middles = np.add.reduceat(series.days.astype(np.float64), edges) / sizes
    levels = np.add.reduceat(series.values, edges) / sizes
    # Buckets are of a few points: plain numbers are faster than arrays here.
    days, values, starts = series.days.tolist(), series.values.tolist(), edges.tolist()
    kept = [0]
    for at, (day, level) in enumerate(zip(middles[1:], levels[1:], strict=True)):
        left = kept[-1]
        across, up = days[left] - float(day), float(level) - values[left]
        farthest, best = -1.0, starts[at]
        for row in range(starts[at], starts[at + 1]):
            area = abs(across * (values[row] - values[left]) - (days[left] - days[row]) * up)
            if area > farthest:
                farthest, best = area, row
        kept.append(best)
    kept.append(rows - 1)
    return Series(series.days[kept], series.values[kept])


def _where(series: Series, keep: Bools) -> Series:
    return series if keep.all() else Series(series.days[keep], series.values[keep])


def _weeks(days: Ints) -> Ints:
    return ((days - _MONDAY) // 7).astype(np.int32)


def _months(days: Ints) -> Ints:
    epoch = date(1970, 1, 1).toordinal()
    stamps = (days - epoch).astype("datetime64[D]")
    return stamps.astype("datetime64[M]").astype(np.int32)


def _jumps(before: Floats, after: Floats) -> Bools:
    return np.abs(after / before - 1) > JUMP


def _far(level: float, value: float) -> bool:
    return abs(value / level - 1) > JUMP
