"""The numpy twin of the risk scan: the readable reference, and what serves uncompiled.

Sums are correctly rounded (`math.fsum`); the compiled scan compensates instead, and both agree
to about 1e-15. A move is a difference over a price, because the difference of prices that are close
is exact: a quotient less 1 would leave a calm fund with half its digits.
"""

import math

import numpy as np

from kernels.checks import Floats

LOWEST_PRICE, HIGHEST_PRICE = 1e-30, 1e30
"""Outside this a number is no price, and squares of returns could overflow."""


def _valid(prices: Floats) -> bool:
    return bool(((prices > LOWEST_PRICE) & (prices < HIGHEST_PRICE)).all())


def simple_returns(prices: Floats, out: Floats, /) -> bool:
    """Fill the n-1 returns; False when a price is no price, and `out` is then undefined."""
    if not _valid(prices):
        return False
    np.subtract(prices[1:], prices[:-1], out=out)
    out /= prices[:-1]
    return True


def scan(prices: Floats, shift: float, least: float, out: Floats, /) -> bool:
    """Fill the eight sums of the series, two prices or more; False when a price is no price.

    Σ(r - shift), Σ(r - shift)², Σ min(0, r - least)², deepest drawdown, current drawdown,
    bars since the last peak, best return, worst return.
    """
    returns = np.empty(len(prices) - 1)
    if not simple_returns(prices, returns):
        return False
    moved = returns - shift
    missed = np.minimum(0.0, returns - least)
    peaks = np.maximum.accumulate(prices)
    drawdowns = (prices - peaks) / peaks
    last_peak = int(np.flatnonzero(prices == peaks)[-1])
    out[0] = math.fsum(moved.tolist())
    out[1] = math.fsum((moved * moved).tolist())
    out[2] = math.fsum((missed * missed).tolist())
    out[3] = drawdowns.min()
    out[4] = drawdowns[-1]
    out[5] = len(prices) - 1 - last_peak
    out[6] = returns.max()
    out[7] = returns.min()
    return True
