"""A month counts once a later one has begun."""

from __future__ import annotations

from datetime import date

import numpy as np

from kernels.series import Series
from policy.monthly import month_ends, months


def series(*days: date) -> Series:
    ordinals = np.array([day.toordinal() for day in days], dtype=np.int32)
    return Series(ordinals, np.arange(len(days), dtype=np.float64))


def test_complete_months_end_with_their_last_bar_and_the_running_one_is_apart() -> None:
    made = months(
        series(date(2025, 11, 3), date(2025, 11, 28), date(2025, 12, 30), date(2026, 2, 2))
    )
    assert made.closes.values.tolist() == [1.0, 2.0]
    assert made.running.values.tolist() == [3.0]


def test_a_month_of_which_no_later_bar_is_known_is_running() -> None:
    made = months(series(date(2025, 11, 3), date(2025, 11, 28)))
    assert (len(made.closes), made.running.values.tolist()) == (0, [1.0])


def test_a_further_bar_of_the_month_changes_no_complete_one() -> None:
    days = [date(2025, 11, 28), date(2025, 12, 30), date(2025, 12, 31), date(2026, 1, 2)]
    counts = [months(series(*days[:n])).closes.values.tolist() for n in range(1, 5)]
    assert counts == [[], [0.0], [0.0], [0.0, 2.0]]


def test_nothing_has_no_months() -> None:
    assert (len(months(series()).closes), len(months(series()).running)) == (0, 0)
    assert month_ends(series().days).tolist() == []
