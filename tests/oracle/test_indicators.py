"""Indicators of real prices are those that pandas gives, on both back ends.

pandas has no seed: it gets the mean of the first prices (or moves) in place of them.
"""

from __future__ import annotations

from typing import Any

import pytest

from kernels import indicators
from kernels.choose import IndicatorKernel, load
from tests.kernels.conftest import BACKENDS
from tests.oracle.real_prices import REL, SYMBOLS, closes, framed, returns, same

pandas: Any = pytest.importorskip("pandas")

of_each = pytest.mark.parametrize("symbol", SYMBOLS)


@pytest.fixture(params=BACKENDS)
def kernel(request: pytest.FixtureRequest) -> IndicatorKernel:
    return load(request.param).indicators


def seeded(line: Any, window: int) -> Any:
    """The line from its `window`-th figure on, which is the mean of those until then."""
    rest = line.iloc[window - 1 :].copy()
    rest.iloc[0] = line.iloc[:window].mean()
    return rest


def wilder(prices: Any, window: int) -> Any:
    """100 - 100 / (1 + RS), RS being the ratio of both averages smoothed by 1 / window."""
    moves = prices.diff().iloc[1:]
    gains, losses = (
        seeded(part, window).ewm(alpha=1 / window, adjust=False).mean()
        for part in (moves.clip(lower=0.0), -moves.clip(upper=0.0))
    )
    return 100.0 - 100.0 / (1.0 + gains / losses)


@of_each
@pytest.mark.parametrize("window", [12, 50, 200])
def test_exponential_average(symbol: str, window: int, kernel: IndicatorKernel) -> None:
    prices = closes(symbol)
    expected = seeded(framed(prices), window).ewm(span=window, adjust=False).mean()
    same(indicators.ema(prices, window, kernel=kernel), expected)
    assert indicators.last_ema(prices, window, kernel=kernel) == pytest.approx(
        expected.iloc[-1], rel=REL
    )


@of_each
@pytest.mark.parametrize("window", [7, 14])
def test_relative_strength(symbol: str, window: int, kernel: IndicatorKernel) -> None:
    prices = closes(symbol)
    expected = wilder(framed(prices), window)
    same(indicators.rsi(prices, window, kernel=kernel), expected)
    assert indicators.last_rsi(prices, window, kernel=kernel) == pytest.approx(
        expected.iloc[-1], rel=REL
    )


@of_each
@pytest.mark.parametrize("window", [20, 50])
def test_bollinger_bands_on_many_days(symbol: str, window: int) -> None:
    """Once a month; pandas is asked per window, because its running sums drift."""
    prices = closes(symbol)
    for end in range(window, len(prices), 21):
        first = int(prices.days[max(end - 2 * window, 0)])
        part = prices.between(first, int(prices.days[end - 1]))
        newest = framed(part).iloc[-window:].rolling(window)
        middle, deviation = newest.mean().iloc[-1], newest.std(ddof=0).iloc[-1]
        lower, upper = middle - 2.0 * deviation, middle + 2.0 * deviation
        bands = indicators.bollinger(part, window)
        assert bands is not None
        place = min(max((part.values[-1] - lower) / (upper - lower), 0.0), 1.0)
        assert bands[:3] == pytest.approx((lower, middle, upper), rel=REL)
        assert bands.position == pytest.approx(place, rel=REL, abs=REL)


@of_each
@pytest.mark.parametrize("sessions", [1, 30, 90, 252])
def test_momentum(symbol: str, sessions: int) -> None:
    expected = framed(closes(symbol)).pct_change(sessions).iloc[-1]
    assert indicators.momentum(closes(symbol), sessions) == pytest.approx(expected, rel=REL)


@of_each
def test_recent_volatility(symbol: str) -> None:
    for bars in (60, 365):
        expected = returns(closes(symbol)).iloc[-bars:].std() * 252**0.5
        found = indicators.recent_volatility(closes(symbol), bars)
        assert found == pytest.approx(expected, rel=REL)


@of_each
@pytest.mark.parametrize("bars", [20, 252])
def test_extremes(symbol: str, bars: int) -> None:
    prices = framed(closes(symbol)).rolling(bars)
    found = indicators.extremes(closes(symbol), closes(symbol), bars=bars)
    assert found == (prices.max().iloc[-1], prices.min().iloc[-1])
