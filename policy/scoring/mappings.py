"""From a figure to a score of 0 to 1: the one library of mappings.

Every mapping is continuous, so that a cent more or less never decides anything, and monotone
wherever more is plainly better. A missing figure has no score: nothing here takes or invents one.
Where a mapping is a chain of straight lines it is given by its corners, and stays at its first and
last value outside of them.
"""

from __future__ import annotations

import math
from typing import Final

Corners = tuple[tuple[float, float], ...]

GROWTH_FLOOR = 0.15
GROWTH_WIDTH_BELOW = 0.06
CAGR_WIDTH_ABOVE = 0.10
TOTAL_RETURN_TARGET = 0.12
TOTAL_RETURN_WIDTH_ABOVE = 0.12
# Between this loss a year and no growth at all, the floor passes into the curve.
FLAT = -0.02
# Earnings are negative or nil: there is no price of a year's earnings to compare.
LOSS_SCORE = 0.3

SHARPE: Final[Corners] = ((0.0, 0.0), (0.5, 0.4), (1.0, 0.7), (2.0, 1.0))
SORTINO: Final[Corners] = ((0.0, 0.0), (0.5, 0.4), (1.0, 0.6), (1.5, 0.8), (2.0, 1.0))
MARGIN: Final[Corners] = ((-0.25, 0.0), (0.0, 0.5), (0.2, 1.0))
LEVERAGE: Final[Corners] = ((0.0, 1.0), (2.0, 0.0))
LIQUIDITY: Final[Corners] = ((0.0, 0.0), (2.0, 1.0))
CONSISTENCY: Final[Corners] = ((0.02, 1.0), (0.05, 0.8), (0.15, 0.4))
BELOW_HIGH: Final[Corners] = ((0.0, 0.2), (0.10, 0.5), (0.20, 0.8), (0.30, 1.0))
# By how far a price-earnings ratio is from the market's, as a fraction of it.
CHEAPNESS: Final[Corners] = ((-0.20, 1.0), (-0.10, 0.7), (0.0, 0.5), (0.20, 0.2))
DIVIDEND_YIELD: Final[Corners] = ((0.0, 0.3), (0.01, 0.4), (0.03, 0.7), (0.06, 1.0))
PAYOUT: Final[Corners] = ((0.0, 0.5), (0.3, 1.0), (0.6, 1.0), (0.8, 0.7), (1.0, 0.4))
DIVIDEND_HABIT: Final[Corners] = ((0.0, 0.5), (0.10, 1.0))
DIVIDEND_GROWTH: Final[Corners] = ((-0.10, 0.0), (0.10, 1.0))
MOMENTUM: Final[Corners] = (
    (-0.40, 0.0), (-0.20, 0.2), (-0.10, 0.5), (0.0, 0.6),
    (0.05, 1.0), (0.15, 1.0), (0.30, 0.8), (0.45, 0.5),
)  # fmt: skip
DRAWDOWN: Final[Corners] = ((0.10, 1.0), (0.20, 0.8), (0.30, 0.6), (0.50, 0.2), (0.70, 0.0))
RSI: Final[Corners] = ((30.0, 1.0), (70.0, 0.0))
EMA_DISTANCE: Final[Corners] = ((-0.10, 1.0), (-0.05, 0.7), (0.0, 0.5), (0.10, 0.2))
PRICE_TARGET: Final[Corners] = ((-0.20, 0.0), (0.20, 1.0))
VOLATILITY: Final[Corners] = ((0.15, 1.0), (0.25, 0.7), (0.40, 0.3), (0.60, 0.1))
# More of what is good and cheap; by quality times opportunity.
AVERAGING: Final[Corners] = ((0.0, 0.3), (0.3, 0.5), (0.5, 0.7), (1.0, 1.0))
# By how far the price is below the average cost. Far below, something is wrong: no bonus is left.
COST_BONUS: Final[Corners] = ((0.0, 0.0), (0.20, 0.40), (0.40, 0.0))
# By the weight of the position.
CONCENTRATION: Final[Corners] = ((0.05, 1.0), (0.10, 0.9), (0.15, 0.7))


def along(corners: Corners, x: float) -> float:
    """The value at `x` on the chain of straight lines through `corners`, which ascend in x."""
    x0, y0 = corners[0]
    if x <= x0:
        return y0
    for x1, y1 in corners[1:]:
        if x < x1:
            return y0 + (y1 - y0) * (x - x0) / (x1 - x0)
        x0, y0 = x1, y1
    return y0


def clamp(value: float, low: float = 0.0, high: float = 1.0) -> float:
    return min(max(value, low), high)


def growth(rate: float, *, target: float, above: float) -> float:
    """A bell around `target` over a floor: 0.15 + 0.85 exp(-(rate - target)² / 2σ²).

    σ is 0.06 below the target and `above` from there on: growth far beyond it is not believed to
    last. Losses of 2 % a year and more get the floor; up to 0 the floor passes into the bell.
    """
    if rate <= FLAT:
        return GROWTH_FLOOR
    bell = _bell(max(rate, 0.0), target, above)
    if rate >= 0.0:
        return bell
    return GROWTH_FLOOR + (bell - GROWTH_FLOOR) * (rate - FLAT) / -FLAT


def _bell(rate: float, target: float, above: float) -> float:
    width = GROWTH_WIDTH_BELOW if rate < target else above
    return GROWTH_FLOOR + (1 - GROWTH_FLOOR) * math.exp(-((rate - target) ** 2) / (2 * width**2))


def cagr(rate: float, *, target: float) -> float:
    return growth(rate, target=target, above=CAGR_WIDTH_ABOVE)


def total_return(rate: float) -> float:
    """Of price growth and dividend yield together."""
    return growth(rate, target=TOTAL_RETURN_TARGET, above=TOTAL_RETURN_WIDTH_ABOVE)


def price_earnings(trailing: float, forward: float | None, *, market: float) -> float:
    """Cheap scores high, by the mean of the trailing ratio and a forward one above 0.

    A ratio of 0 or less is a loss and scores 0.3.
    """
    if trailing <= 0:
        return LOSS_SCORE
    ratio = (trailing + forward) / 2 if forward is not None and forward > 0 else trailing
    return along(CHEAPNESS, (ratio - market) / market)


def momentum(month: float, quarter: float | None) -> float:
    """0.6 of the last 30 sessions and 0.4 of the last 90, of the 30 alone when that is all."""
    blend = month if quarter is None else 0.6 * month + 0.4 * quarter
    return along(MOMENTUM, blend)


def drawdown(deepest: float) -> float:
    """`deepest` is zero or negative, as drawdowns are."""
    return along(DRAWDOWN, abs(deepest))


def leverage(debt_to_equity: float) -> float:
    """Without debt 1; where equity itself is negative 0."""
    return along(LEVERAGE, debt_to_equity) if debt_to_equity >= 0 else 0.0


def group_gap(target: float, current: float) -> float:
    """How much a group wants more: 0.5 + 0.4 × (target - current) / 0.10, within 0.1 and 0.9.

    Weights are fractions of the total value; ten points away is as far as it counts.
    """
    return clamp(0.5 + 0.4 * (target - current) / 0.10, 0.1, 0.9)


def averaging(quality: float, opportunity: float, *, weight: float, below_cost: float) -> float:
    """Whether to add to a position of `weight`, whose price is `below_cost` (a fraction) cheaper.

    `below_cost` is 0 or less at a profit.
    """
    wish = along(AVERAGING, quality * opportunity) + along(COST_BONUS, below_cost)
    return min(wish, 1.0) * along(CONCENTRATION, weight)


def dividend_record(rate: float, cut_penalty: float) -> float:
    """0.5 at no growth, 1 from 10 % a year on, less what a big cut costs."""
    return clamp(along(DIVIDEND_GROWTH, rate) - cut_penalty)
