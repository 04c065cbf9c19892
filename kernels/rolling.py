"""Risk metrics of a window that moves along a price series, one figure per day.

A window is a number of returns, so it needs one price more. Every figure stands on the last day of
its window; a series shorter than one window, or with a price that is not positive, gives an empty
one, and a day without a figure (a ratio over nothing) is left out.
"""

import math

import numpy as np

from kernels.checks import Floats, Ints, require_number
from kernels.choose import RollingKernel, choose
from kernels.relations import LONGEST, common_returns
from kernels.risk import NOISE, PERIODS, simple_returns
from kernels.series import Series

YEAR = PERIODS


def rolling_volatility(
    prices: Series, window: int = YEAR, *, kernel: RollingKernel | None = None
) -> Series:
    """std(r, ddof 1) x sqrt(252) of the last `window` returns."""
    days, _, deviations = _moments(prices, window, kernel)
    deviations[deviations <= NOISE] = 0.0
    return Series(days, deviations * math.sqrt(PERIODS))


def rolling_sharpe(
    prices: Series,
    window: int = YEAR,
    *,
    risk_free: float = 0.0,
    kernel: RollingKernel | None = None,
) -> Series:
    """mean(r - risk_free / 252) / std(r, ddof 1) x sqrt(252); risk_free is a rate per year.

    Without the days on which the returns of the window did not differ.
    """
    days, means, deviations = _moments(prices, window, kernel)
    moved = deviations > NOISE
    ratios = (means[moved] - risk_free / PERIODS) / deviations[moved]
    return Series(days[moved], ratios * math.sqrt(PERIODS))


def rolling_max_drawdown(
    prices: Series, window: int = YEAR, *, kernel: RollingKernel | None = None
) -> Series:
    """The deepest fall from a peak within the last `window` returns, zero or negative."""
    require_number("window", window, low=1, high=LONGEST)
    count = len(prices) - window
    if count < 1 or not prices.values.min() > 0.0:
        return _empty()
    out = np.empty(count)
    used = choose("rolling") if kernel is None else kernel
    used.drawdowns(prices.values, window + 1, out)
    return Series(prices.days[window:], out)


def rolling_beta(
    prices: Series,
    benchmark: Series,
    window: int = YEAR,
    *,
    kernel: RollingKernel | None = None,
) -> Series:
    """cov(r, b) / var(b) of the last `window` common returns, ddof 1.

    Without the days on which the benchmark did not move within the window.
    """
    require_number("window", window, low=2, high=LONGEST)
    pair = common_returns(prices, benchmark)
    if pair is None or len(pair[0]) < window:
        return _empty()
    returns, others = pair
    out = np.empty(len(returns) - window + 1)
    used = choose("rolling") if kernel is None else kernel
    used.slopes(returns.values, others.values, window, NOISE * NOISE * window, out)
    known = np.isfinite(out)
    return Series(returns.days[window - 1 :][known], out[known])


def _moments(
    prices: Series, window: int, kernel: RollingKernel | None
) -> tuple[Ints, Floats, Floats]:
    """Day, mean and deviation of every window of returns."""
    require_number("window", window, low=2, high=LONGEST)
    returns = simple_returns(prices)
    if returns is None or len(returns) < window:
        return _empty().days, np.empty(0), np.empty(0)
    count = len(returns) - window + 1
    means, deviations = np.empty(count), np.empty(count)
    used = choose("rolling") if kernel is None else kernel
    used.moments(returns.values, window, means, deviations)
    return returns.days[window - 1 :], means, deviations


def _empty() -> Series:
    return Series(np.empty(0, dtype=np.int32), np.empty(0))
