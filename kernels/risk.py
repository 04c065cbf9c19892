"""Risk and return metrics of one price series: the front door of the scan kernel.

Conventions, the same for every caller: a series of one figure per trading day, prices or any other
index of value; 252 periods a year; simple returns r_t = p_t / p_(t-1) - 1; rates are fractions
(0.11 = 11 %); losses and drawdowns are negative. A metric is None when the series is shorter than
its minimum, when the result is not a finite number, or when any price is not a positive number: a
missing value stays missing.
"""

import math
from typing import NamedTuple

import numpy as np

from kernels.checks import require_number
from kernels.choose import RiskKernel, choose
from kernels.series import DAYS_PER_YEAR, Series

PERIODS = 252
MIN_VOLATILITY = 30
MIN_SHARPE = 50
MIN_DRAWDOWN = 30
MIN_CAGR = 252
MIN_CAGR_MONTHS = 12
MOST_YEARS = 1000.0
MIN_CLOSES = 2
"""Enough for everything that needs one return only."""

SHORT_SPAN_YEARS = 0.25
"""Below this a growth rate is not annualised."""

NOISE = 1e-14
"""A deviation of returns up to this is rounding, so a ratio over it is missing."""

SCAN_FIELDS = 8


class RiskSummary(NamedTuple):
    """All metrics of one series of `closes` prices.

    A named tuple because building a frozen dataclass of this size takes a third of the call.

    total_return        last / first - 1
    cagr                (last / first)^(1 / years) - 1, years being exact by the first and the last
                        day, from 252 closes on
    volatility          std(r, ddof 1) x sqrt(252), from 30 closes on
    sharpe              mean(r - risk_free / 252) / std(r, ddof 1) x sqrt(252), from 50 on
    downside_deviation  sqrt(mean over all observations of min(0, r - mar)²) x sqrt(252)
    sortino             mean(r - mar) x 252 / downside_deviation
    max_drawdown        min over t of p_t / (highest p so far) - 1, from 30 closes on
    current_drawdown    its last value
    days_in_drawdown    bars since it was last 0
    calmar              cagr / |max_drawdown|
    best_day, worst_day highest and lowest r
    """

    closes: int
    total_return: float | None = None
    cagr: float | None = None
    volatility: float | None = None
    sharpe: float | None = None
    downside_deviation: float | None = None
    sortino: float | None = None
    max_drawdown: float | None = None
    current_drawdown: float | None = None
    days_in_drawdown: int | None = None
    calmar: float | None = None
    best_day: float | None = None
    worst_day: float | None = None


def summary(
    prices: Series,
    *,
    risk_free: float = 0.0,
    mar: float = 0.0,
    kernel: RiskKernel | None = None,
) -> RiskSummary:
    """All metrics in one pass over daily prices.

    risk_free is a rate per year, mar (minimum acceptable return) one per period.
    """
    values = prices.values
    closes = len(values)
    if closes < MIN_CLOSES:
        return RiskSummary(closes=closes)
    first, last = float(values[0]), float(values[-1])
    if not (first > 0.0 and last > 0.0):
        return RiskSummary(closes=closes)
    raw = np.empty(SCAN_FIELDS)
    shift = (last / first) ** (1.0 / (closes - 1)) - 1.0
    used = choose("risk") if kernel is None else kernel
    if not (math.isfinite(shift) and used.scan(values, shift, mar, raw)):
        return RiskSummary(closes=closes)
    return _finish(
        raw.tolist(),
        closes=closes,
        shift=shift,
        total_return=(last - first) / first,
        growth=_growth(first, last, years=prices.years) if closes >= MIN_CAGR else None,
        risk_free=risk_free,
        mar=mar,
    )


def _finish(
    raw: list[float],
    *,
    closes: int,
    shift: float,
    total_return: float,
    growth: float | None,
    risk_free: float,
    mar: float,
) -> RiskSummary:
    """Turn the sums of the scan into metrics and drop those with too few observations."""
    moved, squares, below, deepest, current, days, best, worst = raw
    count = closes - 1
    mean = shift + moved / count
    variance = (squares - moved * moved / count) / (count - 1) if count > 1 else math.nan
    deviation = math.sqrt(variance) if variance > NOISE * NOISE else 0.0
    downside = math.sqrt(below / count)
    annual = math.sqrt(PERIODS)
    return RiskSummary(
        closes=closes,
        total_return=total_return,
        cagr=growth,
        volatility=deviation * annual if closes >= MIN_VOLATILITY else None,
        sharpe=_ratio((mean - risk_free / PERIODS) * annual, deviation)
        if closes >= MIN_SHARPE
        else None,
        downside_deviation=downside * annual,
        sortino=_ratio((mean - mar) * annual, downside),
        max_drawdown=deepest if closes >= MIN_DRAWDOWN else None,
        current_drawdown=current,
        days_in_drawdown=int(days),
        calmar=None if growth is None else _ratio(growth, -deepest),
        best_day=best,
        worst_day=worst,
    )


def _ratio(numerator: float, denominator: float) -> float | None:
    return numerator / denominator if denominator > NOISE else None


def _growth(first: float, last: float, *, years: float) -> float | None:
    """Growth per year, not annualised below a quarter of a year."""
    if not years > 0.0:
        return None
    ratio = last / first
    try:
        growth = ratio - 1.0 if years < SHORT_SPAN_YEARS else ratio ** (1.0 / years) - 1.0
    except OverflowError:
        return None
    return growth if math.isfinite(growth) else None


def simple_returns(prices: Series, *, kernel: RiskKernel | None = None) -> Series | None:
    """The n-1 simple returns of n prices, each on the day of its later price.

    None when there are none or a price is no price.
    """
    if len(prices) < MIN_CLOSES:
        return None
    out = np.empty(len(prices) - 1)
    used = choose("risk") if kernel is None else kernel
    return Series(prices.days[1:], out) if used.simple_returns(prices.values, out) else None


def annual_volatility(prices: Series) -> float | None:
    """std of the returns x sqrt(252), from 30 closes on."""
    return summary(prices).volatility


def sharpe_ratio(prices: Series, *, risk_free: float = 0.0) -> float | None:
    """From 50 closes on; risk_free is a rate per year."""
    return summary(prices, risk_free=risk_free).sharpe


def sortino_ratio(prices: Series, *, mar: float = 0.0) -> float | None:
    """From 2 closes on; mar is a return per period."""
    return summary(prices, mar=mar).sortino


def downside_deviation(prices: Series, *, mar: float = 0.0) -> float | None:
    """A year's worth of what fell short of mar, a return per period; from 2 closes on."""
    return summary(prices, mar=mar).downside_deviation


def max_drawdown(prices: Series) -> float | None:
    """Deepest fall from a peak, zero or negative, from 30 closes on."""
    return summary(prices).max_drawdown


def cagr(prices: Series, *, years: float | None = None) -> float | None:
    """Growth per year of daily or month-end prices, exact by the days between both ends.

    Over the last `years`: from the newest price that is at least that old, from the first when
    none is (and without `years`). Below a quarter of a year the growth is not annualised. None when
    the prices touch fewer than 12 calendar months or an end is no price.
    """
    if prices.months < MIN_CAGR_MONTHS:
        return None
    start = 0
    if years is not None:
        require_number("years", years, low=0.0, high=MOST_YEARS)
        since = float(prices.days[-1]) - years * DAYS_PER_YEAR
        start = max(int(np.searchsorted(prices.days, since, side="right")) - 1, 0)
    first, last = float(prices.values[start]), float(prices.values[-1])
    if not (first > 0.0 and last > 0.0):
        return None
    return _growth(first, last, years=float(prices.days[-1] - prices.days[start]) / DAYS_PER_YEAR)
