"""Prices that cannot be are replaced by what is beside them, and nothing else is touched."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.bar import Bar, Split
from policy.price_checks import (
    LOST_BARS,
    MEAN_BARS,
    Checked,
    Columns,
    check,
    live_price_verdict,
    mean_close,
    wrong_closes,
)
from tests.support.past import weekdays

DAYS = weekdays(60)
NAN = float("nan")
CALM = [100.0] * 40


def checked(
    close: list[float],
    *,
    opened: list[float] | None = None,
    high: list[float] | None = None,
    low: list[float] | None = None,
) -> Checked:
    made = check(Columns(*(np.array(close if c is None else c) for c in (opened, high, low, None))))
    assert made is not None
    return made


def wrong(close: list[float]) -> list[int]:
    return np.flatnonzero(wrong_closes(np.array(close))).tolist()


def test_a_calm_series_is_left_as_it_is() -> None:
    made = checked(CALM)
    assert not made.repaired.any()
    assert made.unusable is None
    assert list(made.columns.close) == CALM


@pytest.mark.parametrize(
    ("price", "is_wrong"),
    [(0.0, True), (-1.0, True), (1100.0, False), (1100.1, True), (10.0, False), (9.99, True)],
)
def test_a_close_must_be_near_the_one_before_it(price: float, is_wrong: bool) -> None:
    assert wrong([100.0, 100.0, price]) == ([2] if is_wrong else [])


def test_with_thirty_closes_before_it_a_close_must_be_near_their_mean_too() -> None:
    climb = [100.0] * MEAN_BARS + [600.0]
    assert wrong([*climb, 1160.0]) == []  # ten times 116.7, the mean with the 600
    assert wrong([*climb, 1170.0]) == [MEAN_BARS + 1]
    fall = [100.0] * MEAN_BARS + [11.0]
    assert wrong([*fall, 9.8]) == []
    assert wrong([*fall, 9.6]) == [MEAN_BARS + 1]


def test_with_fewer_than_thirty_closes_before_it_there_is_no_mean() -> None:
    short = [10.0] * (MEAN_BARS - 1)
    assert wrong([*short, 105.0]) == []
    assert wrong([10.0, *short, 105.0]) == [MEAN_BARS]


def test_a_close_is_judged_by_those_that_were_believed() -> None:
    assert wrong([100.0, 100.0, 5000.0, 101.0, 4900.0, 102.0]) == [2, 4]


@given(st.lists(st.floats(-1, 1e6), min_size=2, max_size=80))
def test_a_close_is_judged_by_what_was_before_it_alone(close: list[float]) -> None:
    judged = wrong_closes(np.array(close)).tolist()
    assert wrong_closes(np.array(close[:-1])).tolist() == judged[:-1]


def plain(close: list[float]) -> list[int]:
    """The rules again, one close after the other."""
    believed: list[float] = []
    found: list[int] = []
    for index, price in enumerate(close):
        last, mean = believed[-1:], believed[-30:]
        off = bool(last) and not last[0] * 0.1 <= price <= last[0] * 11
        far = len(mean) == 30 and not sum(mean) / 300 <= price <= sum(mean) / 3
        if price <= 0 or off or far:
            found.append(index)
        else:
            believed.append(price)
    return found


@given(st.lists(st.sampled_from([1.0, 2.0, 5.0, 30.0, 70.0, 400.0, 0.0]), max_size=120))
def test_the_fast_way_finds_what_the_plain_one_does(close: list[float]) -> None:
    if close:
        assert wrong(close) == plain(close)


def test_a_wrong_bar_is_half_way_between_its_neighbours_with_their_shape() -> None:
    made = checked(
        [100.0, 5000.0, 110.0],
        opened=[99.0, 1.0, 111.1],
        high=[102.0, 9000.0, 114.4],
        low=[98.0, 1.0, 105.6],
    )
    assert made.wrong_bars.tolist() == [False, True, False]
    assert made.columns.close == pytest.approx([100, 105, 110])
    assert made.columns.open[1] == pytest.approx(105 * (0.99 + 1.01) / 2)
    assert made.columns.high[1] == pytest.approx(105 * (1.02 + 1.04) / 2)
    assert made.columns.low[1] == pytest.approx(105 * (0.98 + 0.96) / 2)


def test_a_wrong_bar_at_either_end_is_carried() -> None:
    assert checked([0.0, 100.0, 101.0]).columns.close == pytest.approx([100, 100, 101])
    assert checked([100.0, 101.0, 9999.0]).columns.close == pytest.approx([100, 101, 101])


def test_a_high_or_low_that_does_not_fit_is_repaired_alone() -> None:
    made = checked(
        [100.0, 100.0, 100.0],
        high=[104.0, 99.0, 102.0],
        low=[98.0, 97.0, 96.0],
    )
    assert made.columns.high == pytest.approx([104, 103, 102])
    assert list(made.columns.low) == [98.0, 97.0, 96.0]
    assert (made.wrong_bars.any(), made.wrong_parts.tolist()) == (False, [False, True, False])


def test_a_high_below_the_low_takes_both() -> None:
    made = checked([100.0] * 3, high=[101.0, 90.0, 101.0], low=[99.0, 110.0, 99.0])
    assert made.columns.high == pytest.approx([101, 101, 101])
    assert made.columns.low == pytest.approx([99, 99, 99])


def test_without_a_neighbour_to_learn_from_the_usual_shape_is_taken() -> None:
    made = checked([100.0], high=[50.0], low=[150.0])
    assert made.columns.high == pytest.approx([102])
    assert made.columns.low == pytest.approx([98])


def test_what_is_missing_is_not_wrong() -> None:
    missing = [NAN] * 3
    made = checked([100.0, 101.0, 102.0], opened=[99.0, NAN, 103.0], high=missing, low=missing)
    assert not made.repaired.any()
    assert list(made.columns.high) == [100.0, 101.0, 103.0]
    assert list(made.columns.low) == [99.0, 101.0, 102.0]


def test_a_series_of_which_more_than_half_is_repaired_is_not_to_be_scored() -> None:
    half = checked([100.0, 100.0], high=[90.0, 101.0])
    assert half.unusable is None
    most = checked([100.0, 100.0, 100.0], high=[90.0, 91.0, 101.0])
    assert most.unusable == "2 of 3 bars had to be repaired"


def test_a_price_that_stays_at_another_level_is_not_repaired_away_silently() -> None:
    spiked = checked([*CALM, *[5000.0] * (LOST_BARS - 1)])
    assert spiked.unusable is None
    moved = checked([*CALM, *[5000.0] * LOST_BARS])
    assert moved.unusable is not None
    assert "another level" in moved.unusable


def test_nothing_can_be_made_of_closes_that_are_all_wrong() -> None:
    assert check(Columns(*(np.array([0.0, -1.0]),) * 4)) is None


@given(
    st.lists(
        st.tuples(*(st.sampled_from([-1.0, 0.0, 1e-6, 1.0, 8.0, 9.0, 10.0, 11.0, 500.0]),) * 4),
        min_size=1,
        max_size=20,
    ),
)
def test_repaired_days_are_in_order(rows: list[tuple[float, float, float, float]]) -> None:
    made = check(Columns(*(np.array(column) for column in zip(*rows, strict=True))))
    if made is not None:
        c = made.columns
        assert (c.low <= np.minimum(c.open, c.close)).all()
        assert (c.high >= np.maximum(c.open, c.close)).all()
        assert all(np.isfinite(column).all() for column in (c.open, c.high, c.low, c.close))
        assert (c.close > 0).all()


@pytest.mark.parametrize(
    ("price", "mean", "kind"),
    [
        ("0", 100.0, "block"),
        ("-1", None, "block"),
        ("1000", 100.0, "block"),
        ("999.99", 100.0, "ok"),
        ("10", 100.0, "warn"),
        ("10.01", 100.0, "ok"),
        ("5000", None, "ok"),
    ],
)
def test_a_price_of_now_is_compared_with_the_last_month(
    price: str, mean: float | None, kind: str
) -> None:
    verdict = live_price_verdict(round(float(price) * 1_000_000), mean)
    assert verdict.kind == kind
    assert bool(verdict.text) == (kind != "ok")


def month(count: int = MEAN_BARS, close: int = 100, last: date = DAYS[-1]) -> list[Bar]:
    micro = close * 1_000_000
    days = (last - timedelta(days=count - 1 - n) for n in range(count))
    return [Bar(day, micro, micro, micro, micro, 1) for day in days]


def test_a_month_of_bars_has_a_mean_in_todays_shares() -> None:
    bars = month()
    halved = [Split(bars[15].day, Decimal(2))]
    assert mean_close(bars, [], today=bars[-1].day) == pytest.approx(100)
    assert mean_close(bars, halved, today=bars[-1].day) == pytest.approx((15 * 50 + 15 * 100) / 30)


def test_bars_that_are_few_old_or_wrong_have_no_mean() -> None:
    bars = month()
    today = bars[-1].day
    assert mean_close(bars[1:], [], today=today) is None
    assert mean_close(bars, [], today=today + timedelta(days=45)) is not None
    assert mean_close(bars, [], today=today + timedelta(days=46)) is None
    assert mean_close([*bars[:-1], *month(1, 0)], [], today=today) is None
    assert mean_close(
        [*month(1, 900, bars[0].day - timedelta(days=1)), *bars], [], today=today
    ) == (pytest.approx(100))
