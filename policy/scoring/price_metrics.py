"""Figures that the prices alone give, in the security's own currency.

What an owner gets (risk, drawdowns) is computed from the total return; what stands on the chart
(momentum, averages, highs, growth) from the prices without dividends, so that growth and dividend
yield can be added without counting a dividend twice.
"""

from __future__ import annotations

import math

from kernels import indicators, risk
from kernels.series import DAYS_PER_YEAR, Series
from policy.metric_registry import METRICS, Metrics, names_of
from policy.price_history import PriceHistory

PRODUCES = names_of("prices")
# The newest closes that risk and trends are computed from.
RISK_CLOSES = 365
ONE_YEAR, THREE_YEARS, FIVE_YEARS, TEN_YEARS = 1.0, 3.0, 5.0, 10.0
# Growth over ten years says something of its own from this much more than five years on.
BEYOND_FIVE_DAYS = 31


def from_prices(history: PriceHistory, *, risk_free: float) -> Metrics:
    """Every name of PRODUCES; None where there are too few closes. `risk_free` is per year."""
    close = history.close.last(RISK_CLOSES)
    if not len(close) or close.values.min() <= 0:
        return dict.fromkeys(PRODUCES)
    found = {
        **_risk(history.total.last(RISK_CLOSES), risk_free),
        **_trend(close),
        **_year(history),
        "CAGR_1Y": cagr(history.close, ONE_YEAR),
        "CAGR_3Y": cagr(history.close, THREE_YEARS),
        "CAGR_5Y": cagr(history.close, FIVE_YEARS),
        "CAGR_10Y": cagr_beyond_five(history.close),
    }
    closes = len(history.close)
    return {
        name: value if _fit(value) and closes >= METRICS[name].closes else None
        for name, value in found.items()
    }


def _fit(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def cagr(series: Series, years: float) -> float | None:
    """Growth per year over the last `years`, over all there is when that is less.

    From the newest figure at least that old, exact by the days between both ends. None for figures
    that touch fewer than 12 calendar months.
    """
    return risk.cagr(series, years=years)


def cagr_beyond_five(series: Series) -> float | None:
    """Growth per year over up to ten years; None unless more than five are there."""
    if series.years * DAYS_PER_YEAR < FIVE_YEARS * DAYS_PER_YEAR + BEYOND_FIVE_DAYS:
        return None
    return cagr(series, TEN_YEARS)


def _risk(total: Series, risk_free: float) -> Metrics:
    whole = risk.summary(total, risk_free=risk_free)
    return {
        "VOLATILITY_30D": indicators.recent_volatility(total, 30),
        "VOLATILITY_60D": indicators.recent_volatility(total, 60),
        "VOLATILITY_ANNUAL": whole.volatility,
        "SHARPE": whole.sharpe,
        "SORTINO": whole.sortino,
        "MAX_DRAWDOWN": whole.max_drawdown,
        "CURRENT_DRAWDOWN": whole.current_drawdown,
        "DAYS_IN_DRAWDOWN": whole.days_in_drawdown,
    }


def _trend(close: Series) -> Metrics:
    average = indicators.last_ema(close, 200)
    bands = indicators.bollinger(close)
    return {
        "RSI_14": indicators.last_rsi(close, 14),
        "RSI_30": indicators.last_rsi(close, 30),
        "EMA_50": indicators.last_ema(close, 50),
        "EMA_200": average,
        "DISTANCE_FROM_EMA_200": None
        if average is None
        else indicators.distance(float(close.values[-1]), average),
        "BB_LOWER": None if bands is None else bands.lower,
        "BB_MIDDLE": None if bands is None else bands.middle,
        "BB_UPPER": None if bands is None else bands.upper,
        "BB_POSITION": None if bands is None else bands.position,
        "MOMENTUM_30D": indicators.momentum(close, 30),
        "MOMENTUM_90D": indicators.momentum(close, 90),
    }


def _year(history: PriceHistory) -> Metrics:
    found = indicators.extremes(history.high, history.low)
    if found is None:
        return dict.fromkeys(("HIGH_52W", "LOW_52W", "DISTANCE_FROM_52W_HIGH"))
    now = float(history.close.values[-1])
    return {
        "HIGH_52W": found.high,
        "LOW_52W": found.low,
        "DISTANCE_FROM_52W_HIGH": (found.high - now) / found.high if found.high > 0 else None,
    }
