"""Indicators: definitions, minimum lengths and bounds, on both back ends."""

import math
import statistics
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels import indicators, risk
from kernels.choose import IndicatorKernel, load
from kernels.series import Series
from tests.kernels.conftest import needs_extension
from tests.kernels.lines import daily, wandering

EXAMPLES = settings(max_examples=60, deadline=None, derandomize=True)
PRICES = st.lists(st.floats(0.01, 1e6), min_size=1, max_size=120).map(daily)


def test_ema_starts_with_the_mean_of_its_window(indicator_kernel: IndicatorKernel) -> None:
    prices = daily([1.0, 2.0, 6.0, 7.0, 1.0])
    line = indicators.ema(prices, 3, kernel=indicator_kernel)
    assert line.days.tolist() == prices.days[2:].tolist()
    assert line.values.tolist() == [3.0, 5.0, 3.0]
    assert indicators.last_ema(prices, 3, kernel=indicator_kernel) == 3.0


def test_ema_of_too_few_prices_is_their_mean(indicator_kernel: IndicatorKernel) -> None:
    prices = daily([1.0, 2.0, 6.0])
    assert len(indicators.ema(prices, 4, kernel=indicator_kernel)) == 0
    assert indicators.last_ema(prices, 4, kernel=indicator_kernel) == 3.0
    assert indicators.last_ema(daily([]), 4, kernel=indicator_kernel) is None


def wilder(figures: list[float], window: int) -> float:
    """The strength once more, from RS as it is defined."""
    moves = [after - before for before, after in pairwise(figures)]
    gain = statistics.fmean(max(move, 0.0) for move in moves[:window])
    loss = statistics.fmean(max(-move, 0.0) for move in moves[:window])
    for move in moves[window:]:
        gain = (gain * (window - 1) + max(move, 0.0)) / window
        loss = (loss * (window - 1) + max(-move, 0.0)) / window
    return 100.0 - 100.0 / (1.0 + gain / loss)


@pytest.mark.parametrize("rows", [15, 16, 200])
def test_rsi_is_wilders(indicator_kernel: IndicatorKernel, rows: int) -> None:
    prices = wandering(rows)
    line = indicators.rsi(prices, kernel=indicator_kernel)
    assert line.days.tolist() == prices.days[14:].tolist()
    assert line.values[-1] == pytest.approx(wilder(prices.values.tolist(), 14), rel=1e-12)
    assert indicators.last_rsi(prices, kernel=indicator_kernel) == line.values[-1]


def test_rsi_needs_one_price_more_than_its_window(indicator_kernel: IndicatorKernel) -> None:
    assert indicators.last_rsi(wandering(14), kernel=indicator_kernel) is None
    assert len(indicators.rsi(wandering(14), kernel=indicator_kernel)) == 0
    assert indicators.last_rsi(wandering(15), kernel=indicator_kernel) is not None


@pytest.mark.parametrize(("step", "strength"), [(1.0, 100.0), (-1.0, 0.0), (0.0, 50.0)])
def test_rsi_of_one_direction(
    indicator_kernel: IndicatorKernel, step: float, strength: float
) -> None:
    prices = daily(100.0 + step * np.arange(30.0))
    assert indicators.last_rsi(prices, kernel=indicator_kernel) == strength


@pytest.mark.parametrize("last", [41945.15846925955, 3.7, 1e5 / 3])
def test_a_price_that_only_rose_has_a_strength_of_a_hundred_and_no_more(
    indicator_kernel: IndicatorKernel, last: float
) -> None:
    assert indicators.last_rsi(daily([1.9, last]), 1, kernel=indicator_kernel) == 100.0


@EXAMPLES
@given(prices=PRICES, window=st.integers(1, 40))
def test_indicators_stay_within_their_bounds(
    indicator_kernel: IndicatorKernel, prices: Series, window: int
) -> None:
    low, high = prices.values.min() * (1 - 1e-12), prices.values.max() * (1 + 1e-12)
    average = indicators.last_ema(prices, window, kernel=indicator_kernel)
    assert average is not None
    assert low <= average <= high
    strength = indicators.rsi(prices, window, kernel=indicator_kernel).values
    assert ((strength >= 0.0) & (strength <= 100.0)).all()
    bands = indicators.bollinger(prices, window + 1)
    if bands is not None:
        assert bands.lower <= bands.middle <= bands.upper
        assert 0.0 <= bands.position <= 1.0


@needs_extension
@EXAMPLES
@given(prices=PRICES, window=st.integers(1, 40))
def test_twins_agree_to_the_last_bit(prices: Series, window: int) -> None:
    ours, theirs = load("cython").indicators, load("numpy").indicators
    for line in (indicators.ema, indicators.rsi):
        compiled, twin = line(prices, window, kernel=ours), line(prices, window, kernel=theirs)
        assert compiled.values.tobytes() == twin.values.tobytes()
    assert indicators.last_ema(prices, window, kernel=ours) == indicators.last_ema(
        prices, window, kernel=theirs
    )


def test_bands_stand_two_population_deviations_apart_from_the_mean() -> None:
    prices = wandering(50)
    newest = prices.values[-20:].tolist()
    bands = indicators.bollinger(prices)
    assert bands is not None
    middle, deviation = statistics.fmean(newest), statistics.pstdev(newest)
    assert bands.middle == pytest.approx(middle)
    assert (bands.lower, bands.upper) == pytest.approx(
        (middle - 2 * deviation, middle + 2 * deviation)
    )
    assert bands.position == pytest.approx((newest[-1] - bands.lower) / (4 * deviation))


def test_bands_need_their_window() -> None:
    assert indicators.bollinger(wandering(19)) is None
    assert indicators.bollinger(wandering(20)) is not None


def test_price_that_stands_still_is_in_the_middle_of_collapsed_bands() -> None:
    assert indicators.bollinger(daily([7.3] * 20)) == pytest.approx((7.3, 7.3, 7.3, 0.5))


@pytest.mark.parametrize(("last", "position"), [(500.0, 1.0), (1.0, 0.0)])
def test_price_outside_its_bands_is_at_their_edge(last: float, position: float) -> None:
    bands = indicators.bollinger(daily([*[100.0, 101.0] * 10, last]))
    assert bands is not None
    assert bands.position == position


def test_momentum_looks_that_many_sessions_back() -> None:
    prices = daily([100.0, 80.0, 90.0, 120.0])
    assert indicators.momentum(prices, 1) == pytest.approx(120 / 90 - 1)
    assert indicators.momentum(prices, 3) == pytest.approx(0.2)
    assert indicators.momentum(prices, 4) is None
    assert indicators.momentum(daily([0.0, 1.0]), 1) is None
    assert indicators.momentum(daily([1.0, 0.0]), 1) is None


def test_extremes_are_those_of_highs_and_lows_within_52_weeks() -> None:
    high = daily([999.0, *[50.0] * 200, 60.0, *[50.0] * 51])
    low = daily([0.1, *[40.0] * 251, 30.0])
    assert indicators.extremes(high, low) == (60.0, 30.0)
    assert indicators.extremes(high, low, bars=253) == (999.0, 0.1)
    assert indicators.extremes(high, low, bars=9999) == (999.0, 0.1)
    assert indicators.extremes(daily([]), low) is None


def test_distance_is_a_share_of_the_average() -> None:
    assert indicators.distance(110.0, 100.0) == pytest.approx(0.1)
    assert indicators.distance(110.0, 0.0) is None
    assert indicators.distance(110.0, -1.0) is None


def test_recent_volatility_is_that_of_the_last_returns() -> None:
    prices = wandering(300)
    returns = risk.simple_returns(prices)
    assert returns is not None
    expected = statistics.stdev(returns.values[-60:].tolist()) * math.sqrt(252)
    assert indicators.recent_volatility(prices, 60) == pytest.approx(expected)
    assert indicators.recent_volatility(prices, 9999) == risk.annual_volatility(prices)
    assert indicators.recent_volatility(prices, 28) is None


@pytest.mark.parametrize("window", [0, -5, 1_000_000])
def test_windows_out_of_bounds_are_refused(window: int) -> None:
    for indicator in (indicators.ema, indicators.last_ema, indicators.rsi, indicators.bollinger):
        with pytest.raises(ValueError, match="window: value"):
            indicator(wandering(30), window)
