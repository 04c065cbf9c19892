"""Indicators of one price series: averages, strength, bands, momentum and ranges.

An indicator is None (or its series empty) when there are fewer prices than it needs. Windows count
trading days: n sessions back is the price n returns ago.
"""

import math
from typing import NamedTuple

import numpy as np

from kernels.checks import require_number
from kernels.choose import IndicatorKernel, choose
from kernels.risk import PERIODS, annual_volatility
from kernels.series import Series

RSI_WINDOW = 14
BAND_WINDOW = 20
BAND_WIDTH = 2.0
LONGEST = 100_000
COLLAPSED = 1e-12
"""Bands no further apart than this share of the average are rounding."""


class Bands(NamedTuple):
    """Bollinger's bands at the last price.

    middle          mean of the last prices
    lower, upper    middle ∓ width x their standard deviation (of a population, ddof 0)
    position        (price - lower) / (upper - lower), kept within 0 to 1; 0.5 while the bands have
                    collapsed, because a price that stands still is in the middle of them
    """

    lower: float
    middle: float
    upper: float
    position: float


class Range(NamedTuple):
    """The highest high and the lowest low of some days."""

    high: float
    low: float


def ema(prices: Series, window: int, *, kernel: IndicatorKernel | None = None) -> Series:
    """Exponential average with alpha = 2 / (window + 1), on the `window`-th day and every later.

    Seeded with the mean of the first `window` prices.
    """
    require_number("window", window, low=1, high=LONGEST)
    count = max(len(prices) - window + 1, 0)
    out = np.empty(count)
    if count:
        (choose("indicators") if kernel is None else kernel).ema(prices.values, window, out)
    return Series(prices.days[len(prices) - count :], out)


def last_ema(prices: Series, window: int, *, kernel: IndicatorKernel | None = None) -> float | None:
    """The newest exponential average; with fewer than `window` prices their plain mean."""
    require_number("window", window, low=1, high=LONGEST)
    if not len(prices):
        return None
    used = min(window, len(prices))
    out = np.empty(len(prices) - used + 1)
    (choose("indicators") if kernel is None else kernel).ema(prices.values, used, out)
    return float(out[-1])


def rsi(
    prices: Series, window: int = RSI_WINDOW, *, kernel: IndicatorKernel | None = None
) -> Series:
    """Relative strength after Wilder, 0 to 100, on every day after the first `window`.

    100 - 100 / (1 + average gain / average loss); 50 when there was neither.
    """
    require_number("window", window, low=1, high=LONGEST)
    count = max(len(prices) - window, 0)
    out = np.empty(count)
    if count:
        (choose("indicators") if kernel is None else kernel).rsi(prices.values, window, out)
    return Series(prices.days[len(prices) - count :], out)


def last_rsi(
    prices: Series, window: int = RSI_WINDOW, *, kernel: IndicatorKernel | None = None
) -> float | None:
    """The newest relative strength, from `window` + 1 prices on."""
    line = rsi(prices, window, kernel=kernel)
    return float(line.values[-1]) if len(line) else None


def bollinger(
    prices: Series, window: int = BAND_WINDOW, *, width: float = BAND_WIDTH
) -> Bands | None:
    """The bands around the mean of the last `window` prices, None when there are fewer."""
    require_number("window", window, low=2, high=LONGEST)
    require_number("width", width, low=0.0, high=100.0)
    if len(prices) < window:
        return None
    newest: list[float] = prices.values[-window:].tolist()
    middle = math.fsum(newest) / window
    deviation = math.sqrt(math.fsum((price - middle) ** 2 for price in newest) / window)
    lower, upper = middle - width * deviation, middle + width * deviation
    apart = upper - lower
    if not apart > COLLAPSED * abs(middle):
        return Bands(lower, middle, upper, 0.5)
    return Bands(lower, middle, upper, min(max((newest[-1] - lower) / apart, 0.0), 1.0))


def momentum(prices: Series, sessions: int) -> float | None:
    """last / (price `sessions` returns ago) - 1, from `sessions` + 1 prices on.

    None when either is not positive.
    """
    require_number("sessions", sessions, low=1, high=LONGEST)
    if len(prices) <= sessions:
        return None
    before, now = float(prices.values[-1 - sessions]), float(prices.values[-1])
    return (now - before) / before if before > 0.0 and now > 0.0 else None


def extremes(high: Series, low: Series, *, bars: int = PERIODS) -> Range | None:
    """The highest of the last `bars` highs and the lowest of as many lows, of all when fewer.

    With the default that is the range of 52 weeks. None when either is empty.
    """
    require_number("bars", bars, low=1, high=LONGEST)
    if not (len(high) and len(low)):
        return None
    return Range(float(high.values[-bars:].max()), float(low.values[-bars:].min()))


def distance(price: float, average: float) -> float | None:
    """(price - average) / average, None from an average that is not positive."""
    return (price - average) / average if average > 0.0 else None


def recent_volatility(prices: Series, bars: int) -> float | None:
    """Volatility per year of the returns of the last `bars` days, of all when there are fewer.

    From 30 closes on, as every volatility.
    """
    require_number("bars", bars, low=2, high=LONGEST)
    return annual_volatility(prices.last(bars + 1))
