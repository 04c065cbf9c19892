"""Daily contributions made into ones of a whole period that still add up (Carino 1999)."""

from __future__ import annotations

import math

import numpy as np

from kernels.checks import Floats
from kernels.risk import PERIODS

MIN_ANNUAL = 3
"""Days below which a return is not scaled to a year."""


def linked(parts: Floats, returns: Floats) -> Floats | None:
    """The contributions (b,) over a period of daily `parts` (n, b) that add up to `returns` (n,).

    Every day is weighted with k_t / k, k_t = ln(1 + r_t) / r_t and k the same of the total return
    R = Π(1 + r_t) − 1, so that the result adds up to R. None when a day lost everything.
    """
    if (returns <= -1.0).any():
        return None
    logs = np.log1p(returns)
    weights = _ratio(logs, returns)
    total = math.fsum(logs)
    # ln(1 + R) / R with R = expm1(ln(1 + R)).
    whole = total / math.expm1(total) if total else 1.0
    result: Floats = weights @ parts / whole
    return result


def _ratio(logs: Floats, returns: Floats) -> Floats:
    """ln(1 + r) / r, and 1 where r is 0."""
    still = returns == 0.0
    ratio: Floats = np.where(still, 1.0, logs) / np.where(still, 1.0, returns)
    return ratio


def compounded(returns: Floats) -> float:
    """Π(1 + r) − 1; −1 after a day that lost everything."""
    if (returns <= -1.0).any():
        return -1.0
    return math.expm1(math.fsum(np.log1p(returns)))


def annual(total: float, days: int) -> float | None:
    """`total` of so many trading days as a return of 252; unchanged below three days.

    None when that is too large for a number.
    """
    if days < MIN_ANNUAL or total <= -1.0:
        return total
    try:
        return math.expm1(math.log1p(total) * PERIODS / days)
    except OverflowError:
        return None


def annual_scale(total: float, days: int) -> float | None:
    """What to multiply parts of `total` with so that they add up to its `annual`."""
    if not total:
        return PERIODS / days if days >= MIN_ANNUAL else 1.0
    year = annual(total, days)
    return None if year is None else year / total
