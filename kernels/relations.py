"""How two series move together, on the days that both have.

Prices are brought onto their common days first and returns taken after that, so that both returns
of a day span the same stretch of time whatever holidays each market keeps.
"""

import numpy as np

from kernels.checks import Floats, require_number
from kernels.risk import NOISE, PERIODS, simple_returns
from kernels.series import Series

MIN_OBSERVATIONS = 60
LONGEST = 100_000


def align(first: Series, second: Series) -> tuple[Series, Series]:
    """Both series on the days they have in common; empty when there are none."""
    if np.array_equal(first.days, second.days):
        return first, second
    if not len(second):
        return second, second
    at = np.searchsorted(second.days, first.days)
    at[at == len(second)] = 0
    common = second.days[at] == first.days
    days = first.days[common]
    return Series(days, first.values[common]), Series(days, second.values[at[common]])


def common_returns(
    first: Series, second: Series, *, window: int | None = None
) -> tuple[Series, Series] | None:
    """The simple returns of two price series from one common day to the next, the last `window`.

    None when there are none or a price is not positive.
    """
    one, other = align(first, second)
    if window is not None:
        require_number("window", window, low=2, high=LONGEST)
        one, other = one.last(window + 1), other.last(window + 1)
    returns, others = simple_returns(one), simple_returns(other)
    return None if returns is None or others is None else (returns, others)


def beta(
    prices: Series, benchmark: Series, *, window: int = PERIODS, least: int = MIN_OBSERVATIONS
) -> float | None:
    """cov(r, b) / var(b), both with ddof 1, over the last `window` common returns.

    None below `least` of them or when the benchmark does not move.
    """
    moments = _moments(prices, benchmark, window=window, least=least)
    if moments is None:
        return None
    _, together, square, count = moments
    return together / square if square > NOISE * NOISE * count else None


def correlation(
    first: Series, second: Series, *, window: int = PERIODS, least: int = MIN_OBSERVATIONS
) -> float | None:
    """Pearson's r of the last `window` common returns, -1 to 1.

    None below `least` of them or when either does not move.
    """
    moments = _moments(first, second, window=window, least=least)
    if moments is None:
        return None
    square, together, other, count = moments
    if not min(square, other) > NOISE * NOISE * count:
        return None
    return float(max(-1.0, min(1.0, together / (square**0.5 * other**0.5))))


def _moments(
    first: Series, second: Series, *, window: int, least: int
) -> tuple[float, float, float, int] | None:
    """Σ x², Σ xy and Σ y² of the returns less their means, and how many there are."""
    require_number("least", least, low=2, high=LONGEST)
    pair = common_returns(first, second, window=window)
    if pair is None or len(pair[0]) < least:
        return None
    x, y = (_centred(returns.values) for returns in pair)
    return float(x @ x), float(x @ y), float(y @ y), len(x)


def _centred(values: Floats) -> Floats:
    centred: Floats = values - values.mean()
    return centred
