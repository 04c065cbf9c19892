"""The numpy twin of the rolling kernel: the readable reference, and what serves uncompiled.

Every window is computed anew, so that no error is carried from one to the next. Windows are worked
off in chunks, because all of them side by side would need megabytes. Drawdowns agree with the
compiled ones to the last bit, means and sums to about 1e-15.
"""

import math
from collections.abc import Iterator

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from kernels.checks import Floats

CELLS = 65_536
"""Numbers side by side in one chunk, half a megabyte."""


def moments(values: Floats, window: int, means: Floats, deviations: Floats, /) -> None:
    """Fill mean and standard deviation (ddof 1) of every `window` values in a row."""
    for rows, chunk in _chunks(values, window):
        means[rows] = chunk.mean(axis=1)
        off = chunk - means[rows, None]
        deviations[rows] = np.sqrt((off * off).sum(axis=1) / (window - 1))


def drawdowns(prices: Floats, window: int, out: Floats, /) -> None:
    """Fill the deepest drawdown within every `window` prices in a row."""
    for rows, chunk in _chunks(prices, window):
        peaks = np.maximum.accumulate(chunk, axis=1)
        out[rows] = ((chunk - peaks) / peaks).min(axis=1)


def slopes(values: Floats, others: Floats, window: int, least: float, out: Floats, /) -> None:
    """Fill cov(value, other) / var(other) of every `window` pairs in a row.

    NaN where Σ (other - its mean)² is not more than `least`.
    """
    pairs = zip(_chunks(values, window), _chunks(others, window), strict=True)
    for (rows, chunk), (_, against) in pairs:
        base = against - against.mean(axis=1, keepdims=True)
        off = chunk - chunk.mean(axis=1, keepdims=True)
        squares = (base * base).sum(axis=1)
        squares[squares <= least] = math.nan
        out[rows] = (off * base).sum(axis=1) / squares


def _chunks(values: Floats, window: int) -> Iterator[tuple[slice, Floats]]:
    windows = sliding_window_view(values, window)
    step = max(CELLS // window, 1)
    for start in range(0, len(windows), step):
        yield slice(start, start + step), windows[start : start + step]
