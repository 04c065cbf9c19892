"""Days on which the euro payment system works, the unit in which the age of a rate is counted.

The ECB publishes a reference rate on every TARGET day. A Friday's rate is one day old on Monday,
and four calendar days old but still the latest after Easter. Used by the FX rules and the gates.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache

import numpy as np

from kernels.checks import Ints

SATURDAY = 5
WEEK = 7
LABOUR_DAY_AND_EASTER_SINCE = 2000  # before, TARGET kept only 1 January and Christmas Day
SINGLE_CLOSURES = (date(1999, 12, 31), date(2001, 12, 31))  # change of millennium, euro notes


def western_easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar, after Butcher's algorithm (Meeus, 1991)."""
    golden = year % 19
    century, of_century = divmod(year, 100)
    leap_skips, century_rest = divmod(century, 4)
    lunar_drift = (century - (century + 8) // 25 + 1) // 3
    moon = (19 * golden + century - leap_skips - lunar_drift + 15) % 30
    leaps, rest = divmod(of_century, 4)
    weekday = (32 + 2 * century_rest + 2 * leaps - moon - rest) % 7
    late = (golden + 11 * moon + 22 * weekday) // 451
    month, day = divmod(moon + weekday - 7 * late + 114, 31)
    return date(year, month, day + 1)


def is_target_day(day: date) -> bool:
    """Whether TARGET settles on `day`, and so whether the ECB publishes rates."""
    return day.weekday() < SATURDAY and day not in _closures(day.year)


def target_days_between(a: date, b: date) -> int:
    """TARGET days after `a` up to and including `b`; 0 when `b` is not after `a`.

    The age, on day `b`, of a rate published on day `a`.
    """
    if b <= a:
        return 0
    closures = sum(a < day <= b for year in range(a.year, b.year + 1) for day in _closures(year))
    return _weekdays_until(b) - _weekdays_until(a) - closures


def target_days_after(published: Ints, days: Ints) -> Ints:
    """`target_days_between` for ordinals, (n,) each; no day is before its publication."""
    if not len(days):
        return np.zeros(0, dtype=np.int32)
    first, last = date.fromordinal(int(published.min())), date.fromordinal(int(days.max()))
    closed = np.array(
        sorted(
            day.toordinal() for year in range(first.year, last.year + 1) for day in _closures(year)
        ),
        dtype=np.int32,
    )
    closures = closed.searchsorted(days, "right") - closed.searchsorted(published, "right")
    return (_weekdays_before(days) - _weekdays_before(published) - closures).astype(np.int32)


def _weekdays_before(ordinals: Ints) -> Ints:
    weeks, rest = np.divmod(ordinals, WEEK)
    counted: Ints = weeks * 5 + np.minimum(rest, 5)
    return counted


def _weekdays_until(day: date) -> int:
    """Mondays to Fridays from the first day of the proleptic calendar, a Monday, to `day`."""
    weeks, rest = divmod(day.toordinal(), WEEK)
    return weeks * 5 + min(rest, 5)


@lru_cache(maxsize=64)
def _closures(year: int) -> frozenset[date]:
    """Closing days of TARGET that fall on a weekday."""
    easter = western_easter(year)
    days = {date(year, 1, 1), date(year, 12, 25)}
    if year >= LABOUR_DAY_AND_EASTER_SINCE:
        days |= {easter - timedelta(days=2), easter + timedelta(days=1)}
        days |= {date(year, 5, 1), date(year, 12, 26)}
    days |= {day for day in SINGLE_CLOSURES if day.year == year}
    return frozenset(day for day in days if day.weekday() < SATURDAY)
