"""Weekly returns in EUR: the common clock of markets that close at different hours and days.

A week's figure is the last close up to its Friday; a week without a bar has none. Nothing is
filled in from the weeks around it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import date

import numpy as np

from kernels.checks import Floats, Ints
from kernels.series import DAYS_PER_YEAR, Series, distinct

WEEKS = 261
"""Five years of returns."""
PER_YEAR = 52
OLD_DAYS = 31
"""Calendar days after which the newest bar says nothing of today."""
_FRIDAY = 5  # remainder of a Friday's ordinal by 7


def fridays(today: date, weeks: int = WEEKS) -> Ints:
    """The `weeks` + 1 newest Fridays before `today`, oldest first, as ordinals."""
    last = today.toordinal() - 1
    last -= (last - _FRIDAY) % 7
    return np.arange(last - 7 * weeks, last + 1, 7, dtype=np.int32)


def weekly(history: Series, today: date) -> Series:
    """The last bar of each of those weeks: all of a daily series that a run looks at."""
    grid = fridays(today)
    at = np.searchsorted(history.days, grid, side="right") - 1
    found = at[at >= 0].astype(np.int32)
    kept = distinct(found[history.days[found] > grid[at >= 0] - 7])
    return Series(history.days[kept], history.values[kept])


def weekly_returns(histories: Iterable[Series], columns: int, today: date) -> Floats:
    """(weeks, columns) simple returns, one series after the other, NaN where one is missing.

    Takes daily series or what `weekly` made of them.
    """
    grid = fridays(today)
    out = np.full((len(grid) - 1, columns), np.nan)
    for column, history in enumerate(histories):
        closes = _sampled(history, grid)
        out[:, column] = closes[1:] / closes[:-1] - 1.0
    return out


def _sampled(history: Series, grid: Ints) -> Floats:
    closes = np.full(len(grid), np.nan)
    if not len(history):
        return closes
    at = np.searchsorted(history.days, grid, side="right") - 1
    known = (at >= 0) & (history.days[np.maximum(at, 0)] > grid - 7)
    closes[known] = history.values[at[known]]
    closes[~(closes > 0.0)] = np.nan
    return closes


def growth(history: Series, today: date, *, years: float = 5.0, least: float = 1.0) -> float | None:
    """Growth per year over the last `years` up to `today`.

    None when they hold less than `least` years or the newest bar is more than a month old.
    """
    last = today.toordinal()
    span = history.between(last - round(years * DAYS_PER_YEAR), last)
    if span.years < least or last - int(span.days[-1]) > OLD_DAYS:
        return None
    if min(span.values[0], span.values[-1]) <= 0.0:
        return None
    found = float(span.values[-1] / span.values[0]) ** (1.0 / span.years) - 1.0
    return found if math.isfinite(found) else None
