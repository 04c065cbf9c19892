"""Risk and return metrics of one price series: the front door of the scan kernel.

Conventions, the same for every caller: prices oldest to newest; 252 periods a year; simple
returns r_t = p_t / p_(t-1) - 1; rates are fractions (0.11 = 11 %); drawdowns are negative.
A metric is None when the series is shorter than its minimum, when the result is not a finite
number, or when any price is not a positive finite number: a missing value stays missing.
"""

import math
from typing import NamedTuple

import numpy as np

from kernels.checks import Floats, require_array, require_number
from kernels.choose import RiskKernel, choose

PERIODS = 252
MONTHS = 12
MIN_VOLATILITY = 30
MIN_SHARPE = 50
MIN_DRAWDOWN = 30
MIN_CAGR = 252
MIN_CAGR_MONTHS = 12
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
    cagr                growth per year between the first and the last price, from 252 closes on
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
    prices: Floats,
    *,
    risk_free: float = 0.0,
    mar: float = 0.0,
    years: float | None = None,
    kernel: RiskKernel | None = None,
) -> RiskSummary:
    """All metrics in one pass over daily prices, float64 (n,).

    risk_free is a rate per year, mar (minimum acceptable return) one per period.  `years` is the
    exact span between the first and the last date; without it a year counts as 252 periods.
    """
    require_array("prices", prices, dtype=np.float64, ndim=1)
    closes = len(prices)
    if closes < MIN_CLOSES:
        return RiskSummary(closes=closes)
    first, last = float(prices[0]), float(prices[-1])
    if not (0.0 < first < math.inf and 0.0 < last < math.inf):
        return RiskSummary(closes=closes)
    raw = np.empty(SCAN_FIELDS)
    shift = (last / first) ** (1.0 / (closes - 1)) - 1.0
    used = choose("risk") if kernel is None else kernel
    if not (math.isfinite(shift) and used.scan(prices, shift, mar, raw)):
        return RiskSummary(closes=closes)
    span = (closes - 1) / PERIODS if years is None else years
    growth = _growth(first, last, years=span) if closes >= MIN_CAGR else None
    return _finish(
        raw.tolist(),
        closes=closes,
        shift=shift,
        total_return=last / first - 1.0,
        growth=growth,
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


def simple_returns(prices: Floats, *, kernel: RiskKernel | None = None) -> Floats | None:
    """The n-1 simple returns of n prices, None when there are none or a price is no price."""
    require_array("prices", prices, dtype=np.float64, ndim=1)
    if len(prices) < MIN_CLOSES:
        return None
    out = np.empty(len(prices) - 1)
    used = choose("risk") if kernel is None else kernel
    return out if used.simple_returns(prices, out) else None


def annual_volatility(prices: Floats) -> float | None:
    """std of the returns x sqrt(252), from 30 closes on."""
    return summary(prices).volatility


def sharpe_ratio(prices: Floats, *, risk_free: float = 0.0) -> float | None:
    """From 50 closes on; risk_free is a rate per year."""
    return summary(prices, risk_free=risk_free).sharpe


def sortino_ratio(prices: Floats, *, mar: float = 0.0) -> float | None:
    """From 2 closes on; mar is a return per period."""
    return summary(prices, mar=mar).sortino


def max_drawdown(prices: Floats) -> float | None:
    """Deepest fall from a peak, zero or negative, from 30 closes on."""
    return summary(prices).max_drawdown


def cagr_monthly(closes: Floats, *, months: int = 60) -> float | None:
    """Growth per year over the last `months` monthly closes, or all when there are fewer.

    m closes span m - 1 months; below a quarter of a year the growth is not annualised.  None when
    there are fewer than 12 closes in all or an end of the span is no price.
    """
    require_array("closes", closes, dtype=np.float64, ndim=1)
    require_number("months", months, low=2, high=math.inf)
    if len(closes) < MIN_CAGR_MONTHS:
        return None
    used = min(months, len(closes))
    first, last = float(closes[-used]), float(closes[-1])
    if not (0.0 < first < math.inf and 0.0 < last < math.inf):
        return None
    return _growth(first, last, years=(used - 1) / MONTHS)
