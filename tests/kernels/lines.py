"""Series for the tests of the price kernels."""

from collections.abc import Sequence
from datetime import date

import numpy as np
from numpy.typing import NDArray

from kernels.series import Series

FIRST = date(2001, 1, 1).toordinal()


def daily(figures: Sequence[float] | NDArray[np.floating], *, first: int = FIRST) -> Series:
    """One figure a day from `first` on."""
    days = np.arange(first, first + len(figures), dtype=np.int32)
    return Series(days, np.array(figures, dtype=np.float64))


def wandering(rows: int, seed: int = 1) -> Series:
    """A price that wanders from about 100."""
    rng = np.random.default_rng(seed)
    return daily(100.0 * np.exp(np.cumsum(rng.normal(0.0003, 0.01, rows))))
