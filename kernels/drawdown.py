"""Falls from a peak: the whole line of them, and the deepest one with its days."""

from dataclasses import dataclass

import numpy as np

from kernels.risk import MIN_CLOSES, MIN_DRAWDOWN
from kernels.series import Series


@dataclass(frozen=True, slots=True)
class Drawdown:
    """One fall. All days are proleptic ordinals, as in `Series`.

    depth       trough / peak - 1, zero or negative
    peak        the last day at the peak before the fall
    trough      the first day at the lowest
    recovered   the first day at or above the peak again, None while it is not
    days        calendar days from the peak to the recovery, to the last day while there is none
    """

    depth: float
    peak: int
    trough: int
    recovered: int | None
    days: int


def drawdown_series(prices: Series) -> Series | None:
    """p_t / (highest p so far) - 1 for every day, the first price being the first peak.

    None when there are fewer than 2 prices or one is not positive.
    """
    values = prices.values
    if len(values) < MIN_CLOSES or not values.min() > 0.0:
        return None
    peaks = np.maximum.accumulate(values)
    return Series(prices.days, (values - peaks) / peaks)


def deepest_drawdown(prices: Series) -> Drawdown | None:
    """The deepest fall, the first of equal ones, from 30 closes on.

    Prices that never fell give a depth of 0 that starts, ends and is recovered on the first day.
    """
    line = drawdown_series(prices) if len(prices) >= MIN_DRAWDOWN else None
    if line is None:
        return None
    values, days = prices.values, prices.days
    trough = int(line.values.argmin())
    high = float(values[: trough + 1].max())
    peak = int(np.flatnonzero(values[: trough + 1] == high)[-1])
    back = np.flatnonzero(values[trough:] >= high)
    recovered = int(days[trough + back[0]]) if back.size else None
    end = int(days[-1]) if recovered is None else recovered
    return Drawdown(
        depth=float(line.values[trough]),
        peak=int(days[peak]),
        trough=int(days[trough]),
        recovered=recovered,
        days=end - int(days[peak]),
    )
