"""Indicators and risk measures by their definitions, one figure after the other.

Returns are simple, a year has 252 of them, deviations are those of a sample (ddof 1).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from itertools import pairwise

from tools.figures.market import Line

YEAR = 252
DAYS_PER_YEAR = 365.25


def returns(values: Sequence[float]) -> list[float]:
    return [after / before - 1 for before, after in pairwise(values)]


def mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def deviation(values: Sequence[float], *, ddof: int = 1) -> float | None:
    """None for fewer than ddof + 1 values."""
    if len(values) <= ddof:
        return None
    middle = mean(values)
    return math.sqrt(math.fsum((v - middle) ** 2 for v in values) / (len(values) - ddof))


def volatility(daily: Sequence[float]) -> float | None:
    spread = deviation(daily)
    return None if spread is None else spread * math.sqrt(YEAR)


def sharpe(daily: Sequence[float], risk_free: float) -> float | None:
    spread = deviation(daily)
    if not spread:
        return None
    return (mean(daily) - risk_free / YEAR) / spread * math.sqrt(YEAR)


def downside(daily: Sequence[float], least: float = 0.0) -> float:
    """Per year: the root of the mean square of what falls short of `least`, over all returns."""
    return math.sqrt(math.fsum(min(0.0, r - least) ** 2 for r in daily) / len(daily) * YEAR)


def sortino(daily: Sequence[float], least: float = 0.0) -> float | None:
    below = downside(daily, least) if daily else 0.0
    return mean([r - least for r in daily]) * YEAR / below if below else None


def drawdowns(values: Sequence[float]) -> list[float]:
    """How far each value is below the highest until then, itself included; zero or negative."""
    highest, found = -math.inf, []
    for value in values:
        highest = max(highest, value)
        found.append(value / highest - 1)
    return found


def under_water(values: Sequence[float]) -> int:
    """Bars since the drawdown was last 0."""
    fallen = drawdowns(values)
    return next(back for back, fall in enumerate(reversed(fallen)) if fall == 0)


def growth(line: Line, years: float) -> float | None:
    """Per year from the newest figure that is `years` old or older, or the first, to the last.

    None for figures that span fewer than 12 calendar months.
    """
    if not line:
        return None
    (start, _), (end, last) = line[0], line[-1]
    if (end.year - start.year) * 12 + end.month - start.month + 1 < 12:
        return None
    cutoff = end.toordinal() - years * DAYS_PER_YEAR
    day, first = next((p for p in reversed(line) if p[0].toordinal() <= cutoff), line[0])
    span = (end - day).days / DAYS_PER_YEAR
    return (last / first) ** (1 / span) - 1 if span > 0 else None


def ema(values: Sequence[float], window: int) -> float:
    """Seeded with the mean of the first `window`; the plain mean of fewer."""
    if len(values) <= window:
        return mean(values)
    average, alpha = mean(values[:window]), 2 / (window + 1)
    for value in values[window:]:
        average += alpha * (value - average)
    return average


def rsi(values: Sequence[float], window: int) -> float | None:
    """Wilder's: gains and losses smoothed from the mean of the first `window` changes."""
    moves = [after - before for before, after in pairwise(values)]
    if len(moves) < window:
        return None
    up = mean([max(move, 0.0) for move in moves[:window]])
    down = mean([max(-move, 0.0) for move in moves[:window]])
    for move in moves[window:]:
        up = (up * (window - 1) + max(move, 0.0)) / window
        down = (down * (window - 1) + max(-move, 0.0)) / window
    if up + down == 0:
        return 50.0
    return 100 * up / (up + down)


def covariance(first: Sequence[float], second: Sequence[float]) -> float:
    a, b = mean(first), mean(second)
    pairs = zip(first, second, strict=True)
    return math.fsum((x - a) * (y - b) for x, y in pairs) / (len(first) - 1)


def correlation(first: Sequence[float], second: Sequence[float]) -> float | None:
    spread = math.sqrt(covariance(first, first) * covariance(second, second))
    return covariance(first, second) / spread if spread else None


def beta(of: Sequence[float], benchmark: Sequence[float]) -> float | None:
    spread = covariance(benchmark, benchmark)
    return covariance(of, benchmark) / spread if spread else None


def aligned(lines: Sequence[Line], last: int) -> list[list[float]]:
    """The newest `last` + 1 values of each of `lines` on the days that all have, as returns."""
    common = set[date].intersection(*({day for day, _ in line} for line in lines))
    days = sorted(common)[-(last + 1) :]
    tables = [dict(line) for line in lines]
    return [returns([table[day] for day in days]) for table in tables]
