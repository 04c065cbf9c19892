"""Rolling metrics: each day is the metric of its window alone, on both back ends."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels import relations, risk, rolling
from kernels.choose import RollingKernel, load
from kernels.rolling_numpy import CELLS
from kernels.series import Series
from tests.kernels.conftest import needs_extension
from tests.kernels.lines import daily, wandering

EXAMPLES = settings(max_examples=40, deadline=None, derandomize=True)
PRICES = st.lists(st.floats(0.01, 1e6), min_size=2, max_size=80).map(daily)
WINDOW = 60


def windows(prices: Series) -> list[Series]:
    """What every full window holds."""
    return [
        Series(prices.days[end - WINDOW - 1 : end], prices.values[end - WINDOW - 1 : end])
        for end in range(WINDOW + 1, len(prices) + 1)
    ]


def test_each_day_is_the_metric_of_its_window(rolling_kernel: RollingKernel) -> None:
    prices = wandering(200)
    parts = windows(prices)
    volatility = rolling.rolling_volatility(prices, WINDOW, kernel=rolling_kernel)
    sharpe = rolling.rolling_sharpe(prices, WINDOW, risk_free=0.02, kernel=rolling_kernel)
    deepest = rolling.rolling_max_drawdown(prices, WINDOW, kernel=rolling_kernel)
    for line in (volatility, sharpe, deepest):
        assert line.days.tolist() == [int(part.days[-1]) for part in parts]
    expected = [risk.summary(part, risk_free=0.02) for part in parts]
    assert volatility.values.tolist() == pytest.approx([m.volatility for m in expected], rel=1e-12)
    assert sharpe.values.tolist() == pytest.approx([m.sharpe for m in expected], rel=1e-11)
    assert deepest.values.tolist() == [m.max_drawdown for m in expected]


def test_each_beta_is_that_of_its_window(rolling_kernel: RollingKernel) -> None:
    prices, benchmark = wandering(150, seed=1), wandering(150, seed=2)
    line = rolling.rolling_beta(prices, benchmark, WINDOW, kernel=rolling_kernel)
    expected = [
        relations.beta(one, other, window=WINDOW)
        for one, other in zip(windows(prices), windows(benchmark), strict=True)
    ]
    assert line.values.tolist() == pytest.approx(expected, rel=1e-11)
    assert line.days.tolist() == prices.days[WINDOW:].tolist()


@pytest.mark.parametrize("rows", [0, 1, WINDOW])
def test_series_below_one_window_gives_an_empty_one(
    rolling_kernel: RollingKernel, rows: int
) -> None:
    prices = wandering(rows)
    for line in (rolling.rolling_volatility, rolling.rolling_sharpe, rolling.rolling_max_drawdown):
        assert len(line(prices, WINDOW, kernel=rolling_kernel)) == 0
        assert len(line(wandering(WINDOW + 1), WINDOW, kernel=rolling_kernel)) == 1
    assert len(rolling.rolling_beta(prices, prices, WINDOW, kernel=rolling_kernel)) == 0


def test_price_that_is_none_gives_an_empty_series(rolling_kernel: RollingKernel) -> None:
    prices = daily([*wandering(90).values, 0.0])
    assert len(rolling.rolling_volatility(prices, WINDOW, kernel=rolling_kernel)) == 0
    assert len(rolling.rolling_max_drawdown(prices, WINDOW, kernel=rolling_kernel)) == 0
    assert len(rolling.rolling_beta(prices, prices, WINDOW, kernel=rolling_kernel)) == 0


def test_days_without_a_ratio_are_left_out(rolling_kernel: RollingKernel) -> None:
    still = daily([*[7.3] * 100, 8.0, *[7.3] * 10])
    sharpe = rolling.rolling_sharpe(still, WINDOW, kernel=rolling_kernel)
    assert sharpe.days.tolist() == still.days[100:].tolist()
    assert not rolling.rolling_volatility(still, WINDOW, kernel=rolling_kernel).values[:40].any()
    slope = rolling.rolling_beta(wandering(111), still, WINDOW, kernel=rolling_kernel)
    assert slope.days.tolist() == still.days[100:].tolist()


def test_steady_growth_has_no_ratio_out_of_rounding(rolling_kernel: RollingKernel) -> None:
    steady = daily(100.0 * 1.001 ** np.arange(200.0))
    assert len(rolling.rolling_sharpe(steady, WINDOW, kernel=rolling_kernel)) == 0
    assert len(rolling.rolling_beta(wandering(200), steady, WINDOW, kernel=rolling_kernel)) == 0


def test_chunks_of_the_twin_leave_no_seam() -> None:
    rows = 3 * CELLS // WINDOW + 17
    prices = wandering(rows)
    line = rolling.rolling_volatility(prices, WINDOW, kernel=load("numpy").rolling)
    assert len(line) == rows - WINDOW
    at = CELLS // WINDOW
    for end in (at - 1, at, at + 1):
        part = Series(prices.days[end : end + WINDOW + 1], prices.values[end : end + WINDOW + 1])
        assert line.values[end] == pytest.approx(risk.annual_volatility(part), rel=1e-12)


@needs_extension
@EXAMPLES
@given(prices=PRICES, window=st.integers(2, 40))
def test_twins_agree_to_rounding(prices: Series, window: int) -> None:
    ours, theirs = load("cython").rolling, load("numpy").rolling
    deepest = [
        rolling.rolling_max_drawdown(prices, window, kernel=kernel).values.tobytes()
        for kernel in (ours, theirs)
    ]
    assert deepest[0] == deepest[1]
    volatility = [
        rolling.rolling_volatility(prices, window, kernel=kernel).values.tolist()
        for kernel in (ours, theirs)
    ]
    assert volatility[0] == pytest.approx(volatility[1], rel=1e-9, abs=1e-12)


@needs_extension
def test_twins_agree_on_beta_and_sharpe_to_rounding() -> None:
    prices, benchmark = wandering(1260, seed=1), wandering(1260, seed=2)
    ours, theirs = load("cython").rolling, load("numpy").rolling
    assert rolling.rolling_beta(prices, benchmark, kernel=ours).values == pytest.approx(
        rolling.rolling_beta(prices, benchmark, kernel=theirs).values, rel=1e-11
    )
    assert rolling.rolling_sharpe(prices, kernel=ours).values == pytest.approx(
        rolling.rolling_sharpe(prices, kernel=theirs).values, rel=1e-12, abs=1e-14
    )


def test_windows_out_of_bounds_are_refused() -> None:
    for line in (rolling.rolling_volatility, rolling.rolling_sharpe):
        with pytest.raises(ValueError, match="window: value 1, expected 2"):
            line(wandering(30), 1)
    with pytest.raises(ValueError, match="window: value 0, expected 1"):
        rolling.rolling_max_drawdown(wandering(30), 0)
    with pytest.raises(ValueError, match="window: value 1, expected 2"):
        rolling.rolling_beta(wandering(30), wandering(30), 1)
