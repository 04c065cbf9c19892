"""Months of a daily series: the last close of each, derived anew whenever it is asked for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kernels.checks import Ints
from kernels.series import Series

_EPOCH = 719_163  # the ordinal of 1970-01-01, from which numpy counts


@dataclass(frozen=True, slots=True)
class Months:
    """`closes` of complete months, each under the day of its last bar, and of the `running` one.

    A month is complete once there is a bar of a later one; `running` has one row, or none for an
    empty series.
    """

    closes: Series
    running: Series


def months(series: Series) -> Months:
    """The last figure of every month of `series`."""
    ends = month_ends(series.days)
    if not len(series):
        return Months(series, series)
    last = len(series) - 1
    complete = ends[:-1]
    return Months(
        Series(series.days[complete], series.values[complete]),
        Series(series.days[last:], series.values[last:]),
    )


def month_ends(days: Ints) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """The rows of `days` (ascending ordinals) that are the last of their month; the last row is."""
    of_month = (days.astype(np.int64) - _EPOCH).astype("datetime64[D]").astype("datetime64[M]")
    return np.flatnonzero(np.append(of_month[1:] != of_month[:-1], len(days) > 0))
