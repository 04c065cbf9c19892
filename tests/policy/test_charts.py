"""What is drawn is real, in order, and keeps the shape of what it stands for."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.paper_world import load_calendars
from kernels.series import Series
from ledger.bar import Coverage
from ledger.chart import ChartInterval, ChartRange
from policy import charts
from policy.charts import (
    MAX_POINTS,
    downsampled,
    first_day,
    interval_of,
    last_of_each,
    price_line,
    sparkline,
    valid,
    without_jumps,
)

START = date(2020, 1, 1).toordinal()
TODAY = date(2024, 2, 29)
CALENDARS = load_calendars()
QUICK = settings(max_examples=60, deadline=None)


def series(values: list[float], *, first: int = START, step: int = 1) -> Series:
    days = np.arange(first, first + step * len(values), step, dtype=np.int32)
    return Series(days[: len(values)], np.array(values, np.float64))


def pairs(line: Series) -> list[tuple[int, float]]:
    return list(zip(line.days.tolist(), line.values.tolist(), strict=True))


@st.composite
def lines(draw: st.DrawFn, least: int = 0, most: int = 300) -> Series:
    gaps = draw(st.lists(st.integers(1, 9), min_size=least, max_size=most))
    prices = st.floats(0.01, 1e6)
    values = draw(st.lists(prices, min_size=len(gaps), max_size=len(gaps)))
    days = START + np.cumsum(np.array(gaps, np.int32), dtype=np.int32)
    return Series(days, np.array(values, np.float64))


@QUICK
@given(line=lines(), points=st.integers(2, 120))
def test_downsampling_keeps_real_points_in_order_and_both_ends(line: Series, points: int) -> None:
    kept = downsampled(line, points)
    assert len(kept) == min(len(line), points)
    assert set(pairs(kept)) <= set(pairs(line))
    assert kept.days.tolist() == sorted(kept.days.tolist())
    if len(line):
        assert pairs(kept)[0] == pairs(line)[0]
        assert pairs(kept)[-1] == pairs(line)[-1]


@QUICK
@given(line=lines(most=80), more=st.integers(0, 50))
def test_enough_points_change_nothing(line: Series, more: int) -> None:
    assert downsampled(line, max(len(line) + more, 2)) is line


@QUICK
@given(
    rows=st.integers(50, 400),
    points=st.integers(10, 49),
    at=st.floats(0.05, 0.95),
    size=st.sampled_from([-60.0, -20.0, 20.0, 200.0]),
    seed=st.integers(0, 99),
)
def test_a_spike_survives_however_few_points_are_left(
    rows: int, points: int, at: float, size: float, seed: int
) -> None:
    values = 100 + np.random.default_rng(seed).uniform(-0.2, 0.2, rows)
    spike = int(at * (rows - 1)) or 1
    values[spike] += size
    kept = downsampled(series(values.tolist()), points)
    assert values[spike] in kept.values


def test_fewer_than_two_points_are_refused() -> None:
    with pytest.raises(ValueError, match="points: 1, expected 2 or more"):
        downsampled(series([1, 2, 3]), 1)


@pytest.mark.parametrize(
    ("span", "start", "interval"),
    [
        ("1M", date(2024, 1, 30), "day"),
        ("3M", date(2023, 12, 1), "day"),
        ("6M", date(2023, 9, 2), "day"),
        ("1Y", date(2023, 3, 1), "day"),
        ("5Y", date(2019, 3, 2), "week"),
        ("10Y", date(2014, 3, 3), "month"),
        ("all", None, "month"),
    ],
)
def test_a_range_has_its_start_and_its_interval(
    span: ChartRange, start: date | None, interval: ChartInterval
) -> None:
    assert first_day(span, TODAY) == start
    assert interval_of(span) == interval
    assert interval_of(span, "week") == "week"


def test_the_first_day_of_a_range_belongs_to_it() -> None:
    line = series([10, 11, 12, 13])
    shown = price_line(line, first=date.fromordinal(START + 1), interval="day")
    assert shown.values.tolist() == [11, 12, 13]


@QUICK
@given(line=lines(least=1))
def test_a_week_and_a_month_are_shown_by_their_last_close(line: Series) -> None:
    days = [date.fromordinal(day) for day in line.days.tolist()]
    weeks = {day.isocalendar()[:2]: day.toordinal() for day in days}
    months = {(day.year, day.month): day.toordinal() for day in days}
    assert last_of_each(line, "week").days.tolist() == list(weeks.values())
    assert last_of_each(line, "month").days.tolist() == list(months.values())
    assert last_of_each(line, "day") is line


@QUICK
@given(line=lines(least=1), interval=st.sampled_from(["day", "week", "month"]))
def test_the_last_point_is_the_newest_close(line: Series, interval: ChartInterval) -> None:
    assert pairs(price_line(line, first=None, interval=interval))[-1] == pairs(line)[-1]


def test_a_chart_has_at_most_so_many_points() -> None:
    line = series([100 + day % 7 for day in range(4000)])
    assert len(price_line(line, first=None, interval="day")) == MAX_POINTS
    assert len(price_line(line, first=None, interval="week")) < 600


def test_what_is_not_above_zero_is_never_drawn() -> None:
    line = series([10, 0, -3, 11])
    assert valid(line).values.tolist() == [10, 11]
    assert price_line(line, first=None, interval="day").values.tolist() == [10, 11]
    assert sparkline(line, first=date(2020, 1, 1), points=10).values.tolist() == [10, 11]


@pytest.mark.parametrize(
    ("closes", "sound"),
    [
        ([100, 149, 100, 51], [100, 149, 100, 51]),
        ([100, 250, 101, 102], [100, 101, 102]),
        ([100, 20, 101], [100, 101]),
        ([100, 250, 251, 252], [100, 251, 252]),
        ([100, 250, 251, 101, 102], [100, 251, 102]),
        ([100, 250, 20, 101], [100, 101]),
        ([100], [100]),
        ([], []),
    ],
)
def test_a_jump_is_left_out_and_a_new_level_is_not(closes: list[float], sound: list[float]) -> None:
    assert without_jumps(series(closes)).values.tolist() == sound


def test_a_jump_is_told_by_the_closes_before_the_window() -> None:
    line = series([100, 101, 900, 102])
    shown = sparkline(line, first=date.fromordinal(START + 2), points=10)
    assert shown.values.tolist() == [102]


def test_the_closes_of_some_days_are_told_from_the_others() -> None:
    line = series([10, 11, 12, 13])
    days = np.array([START - 1, START + 1, START + 3], np.int32)
    assert charts.of_days(line, days).values.tolist() == [11, 13]
    assert len(charts.of_days(line, days[:0])) == 0


def test_a_session_counts_from_the_day_after_it() -> None:
    friday, monday = date(2009, 3, 6), date(2009, 3, 9)
    for today in (date(2009, 3, 7), date(2009, 3, 8), monday):
        assert charts.newest_session(CALENDARS, "XETR", today) == friday
    assert charts.newest_session(CALENDARS, "XETR", date(2009, 3, 10)) == monday
    assert charts.newest_session(CALENDARS, "ELSEWHERE", monday) is None


@pytest.mark.parametrize(
    ("last", "newest", "enough"),
    [
        (None, date(2009, 3, 6), False),
        (date(2009, 3, 5), date(2009, 3, 6), False),
        (date(2009, 3, 6), date(2009, 3, 6), True),
        (date(2009, 3, 9), date(2009, 3, 6), True),
        (date(2001, 1, 2), None, True),
    ],
)
def test_bars_are_complete_when_they_reach_the_newest_session(
    last: date | None, newest: date | None, *, enough: bool
) -> None:
    looked = datetime(2009, 3, 9, tzinfo=UTC)
    assert charts.covered(Coverage(1, "EUR", last, last, 7, looked), newest) is enough
    assert not charts.covered(None, newest)


def test_nothing_stored_is_nothing_drawn() -> None:
    empty = series([])
    assert len(price_line(empty, first=TODAY, interval="week")) == 0
    assert len(sparkline(empty, first=TODAY - timedelta(days=365), points=10)) == 0
