"""The TARGET calendar against facts of the ECB's own publications."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.target_days import (
    is_target_day,
    target_days_after,
    target_days_between,
    western_easter,
)

DAY = timedelta(days=1)
DATES = st.dates(min_value=date(1999, 1, 1), max_value=date(2060, 12, 31))

# Easter Sundays as the churches publish them, the earliest and latest of the century among them.
EASTERS = (
    date(2000, 4, 23),
    date(2008, 3, 23),
    date(2011, 4, 24),
    date(2019, 4, 21),
    date(2026, 4, 5),
    date(2027, 3, 28),
    date(2038, 4, 25),
)


@pytest.mark.parametrize("easter", EASTERS)
def test_easter_falls_on_the_published_sunday(easter: date) -> None:
    assert western_easter(easter.year) == easter


@pytest.mark.parametrize(
    "closed",
    [
        date(2026, 1, 1),
        date(2026, 4, 3),
        date(2026, 4, 6),
        date(2026, 5, 1),
        date(2025, 12, 25),
        date(2025, 12, 26),
        date(2001, 12, 31),
        date(2026, 11, 22),
    ],
)
def test_no_rate_is_published_on_a_closing_day(closed: date) -> None:
    assert not is_target_day(closed)


@pytest.mark.parametrize("day", [date(2026, 5, 14), date(2026, 6, 4), date(2026, 12, 24)])
def test_national_holidays_do_not_stop_target(day: date) -> None:
    assert is_target_day(day)


def test_fridays_rate_is_one_day_old_on_monday() -> None:
    assert target_days_between(date(2026, 11, 20), date(2026, 11, 20)) == 0
    assert target_days_between(date(2026, 11, 20), date(2026, 11, 22)) == 0
    assert target_days_between(date(2026, 11, 20), date(2026, 11, 23)) == 1


def test_the_longest_gap_of_the_ecb_is_one_target_day() -> None:
    """Easter: Thursday to Tuesday, five calendar days, and the rate has missed nothing."""
    assert target_days_between(date(2009, 4, 9), date(2009, 4, 13)) == 0
    assert target_days_between(date(2009, 4, 9), date(2009, 4, 14)) == 1


def test_no_two_rates_are_more_than_five_calendar_days_apart() -> None:
    days = [date(1999, 1, 4) + n * DAY for n in range(30 * 365)]
    published = [day for day in days if is_target_day(day)]
    gaps = {(b - a).days for a, b in pairwise(published)}
    assert gaps == {1, 2, 3, 4, 5}


def test_a_year_has_the_published_number_of_target_days() -> None:
    """The ECB's list for 2024 has 256 business days, that for 2026 has 256."""
    assert target_days_between(date(2023, 12, 31), date(2024, 12, 31)) == 256
    assert target_days_between(date(2025, 12, 31), date(2026, 12, 31)) == 256


def test_a_rate_from_the_future_has_no_age() -> None:
    assert target_days_between(date(2026, 11, 20), date(2026, 11, 2)) == 0


@given(DATES, st.integers(min_value=0, max_value=800))
def test_the_age_counts_every_target_day_once(start: date, length: int) -> None:
    end = start + length * DAY
    counted = sum(is_target_day(start + n * DAY) for n in range(1, length + 1))
    assert target_days_between(start, end) == counted


@given(DATES, DATES, DATES)
def test_ages_add_up(a: date, b: date, c: date) -> None:
    first, middle, last = sorted((a, b, c))
    parts = target_days_between(first, middle) + target_days_between(middle, last)
    assert target_days_between(first, last) == parts


@given(st.lists(st.tuples(DATES, DATES), max_size=8))
def test_ages_of_many_rates_at_once_are_those_of_each(pairs: list[tuple[date, date]]) -> None:
    ordered = [sorted(pair) for pair in pairs]
    published, days = (
        np.array([pair[side].toordinal() for pair in ordered], dtype=np.int32) for side in (0, 1)
    )
    expected = [target_days_between(a, b) for a, b in ordered]
    assert target_days_after(published, days).tolist() == expected
