"""What the worst days cost: historical value at risk and expected shortfall."""

from typing import NamedTuple

import numpy as np

from kernels.checks import require_number
from kernels.risk import simple_returns
from kernels.series import Series

TAIL = 0.05
"""The worst one in twenty: risk at 95 %."""

MIN_OBSERVATIONS = 60


class TailRisk(NamedTuple):
    """Returns of one day, so losses are negative.

    value_at_risk    the quantile at `tail` of the n returns in ascending order, interpolated
                     linearly between the two at position (n - 1) x tail (Hyndman and Fan's type 7)
    expected_shortfall  mean of the lowest returns up to and including the one at
                     floor((n - 1) x tail), also called conditional value at risk
    """

    value_at_risk: float
    expected_shortfall: float


def tail_risk(prices: Series, *, tail: float = TAIL) -> TailRisk | None:
    """Of the returns as they were, from 60 of them on; None when a price is not positive."""
    require_number("tail", tail, low=0.0, high=0.5)
    returns = simple_returns(prices)
    if returns is None or len(returns) < MIN_OBSERVATIONS:
        return None
    position = (len(returns) - 1) * tail
    at = int(position)
    lowest = np.partition(returns.values, (at, at + 1))[: at + 2].tolist()
    low, high = lowest[at], lowest[at + 1]
    return TailRisk(
        value_at_risk=low + (high - low) * (position - at),
        expected_shortfall=sum(lowest[:-1]) / (at + 1),
    )
