"""Figures that the prices alone give, in the security's own currency.

What an owner gets (risk, drawdowns) is computed from the total return; what stands on the chart
(momentum, averages, highs, growth) from the prices without dividends, so that growth and dividend
yield can be added without counting a dividend twice.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from kernels import risk
from kernels.checks import Floats
from kernels.series import DAYS_PER_YEAR, Series
from policy.metric_registry import METRICS, Metrics, names_of
from policy.price_history import PriceHistory

PRODUCES = names_of("prices")
# The newest closes that risk is computed from, and those of 52 weeks.
RISK_CLOSES = 365
YEAR_CLOSES = 252
FIVE_YEARS, TEN_YEARS = 5.0, 10.0
# Growth over ten years says something of its own from this much more than five years on.
BEYOND_FIVE_DAYS = 31
LEAST_MONTHS = 12
BAND_WIDTH = 2.0


def from_prices(history: PriceHistory, *, risk_free: float) -> Metrics:
    """Every name of PRODUCES; None where there are too few closes. `risk_free` is per year."""
    close = history.close.values[-RISK_CLOSES:]
    if not len(close) or close.min() <= 0:
        return dict.fromkeys(PRODUCES)
    found = {
        **_risk(history.total.values, risk_free),
        **_trend(close),
        **_year(history),
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

    From the newest figure on or before the day `years` ago; exact by the days between both. None
    for figures that span fewer than 12 calendar months.
    """
    if months(series) < LEAST_MONTHS:
        return None
    first = _index_before(series, round(years * DAYS_PER_YEAR))
    start, end = float(series.values[first]), float(series.values[-1])
    span = float(series.days[-1] - series.days[first]) / DAYS_PER_YEAR
    if start <= 0 or end <= 0 or span <= 0:
        return None
    return float((end / start) ** (1 / span) - 1)


def cagr_beyond_five(series: Series) -> float | None:
    """Growth per year over up to ten years; None unless more than five are there."""
    if series.years * DAYS_PER_YEAR < FIVE_YEARS * DAYS_PER_YEAR + BEYOND_FIVE_DAYS:
        return None
    return cagr(series, TEN_YEARS)


def months(series: Series) -> int:
    """Calendar months from the first to the last figure, both counted."""
    if not len(series):
        return 0
    ends = np.array([series.days[0], series.days[-1]], dtype=np.int64) - _EPOCH_ORDINAL
    first, last = ends.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    return int(last - first) + 1


_EPOCH_ORDINAL = 719_163  # 1970-01-01 as a proleptic ordinal


def _index_before(series: Series, days: int) -> int:
    cutoff = int(series.days[-1]) - days
    return max(int(np.searchsorted(series.days, cutoff, side="right")) - 1, 0)


def _risk(total: Floats, risk_free: float) -> Metrics:
    whole = risk.summary(total[-RISK_CLOSES:], risk_free=risk_free)
    return {
        "VOLATILITY_30D": risk.annual_volatility(total[-31:]),
        "VOLATILITY_60D": risk.annual_volatility(total[-61:]),
        "VOLATILITY_ANNUAL": whole.volatility,
        "SHARPE": whole.sharpe,
        "SORTINO": whole.sortino,
        "MAX_DRAWDOWN": whole.max_drawdown,
        "CURRENT_DRAWDOWN": whole.current_drawdown,
        "DAYS_IN_DRAWDOWN": None if whole.days_in_drawdown is None else whole.days_in_drawdown,
    }


def _trend(close: Floats) -> Metrics:
    now = float(close[-1])
    average = ema(close, 200)
    newest = close[-20:]
    middle, deviation = float(newest.mean()), float(newest.std())
    lower, upper = middle - BAND_WIDTH * deviation, middle + BAND_WIDTH * deviation
    return {
        "RSI_14": rsi(close, 14),
        "RSI_30": rsi(close, 30),
        "EMA_50": ema(close, 50),
        "EMA_200": average,
        "DISTANCE_FROM_EMA_200": now / average - 1 if average > 0 else None,
        "BB_LOWER": lower,
        "BB_MIDDLE": middle,
        "BB_UPPER": upper,
        "BB_POSITION": _position(now, lower, upper),
        "MOMENTUM_30D": _change(close, 30),
        "MOMENTUM_90D": _change(close, 90),
    }


def _year(history: PriceHistory) -> Metrics:
    high = float(history.high.values[-YEAR_CLOSES:].max())
    low = float(history.low.values[-YEAR_CLOSES:].min())
    now = float(history.close.values[-1])
    return {
        "HIGH_52W": high,
        "LOW_52W": low,
        "DISTANCE_FROM_52W_HIGH": (high - now) / high if high > 0 else None,
    }


def _position(now: float, lower: float, upper: float) -> float | None:
    """Where a price is between its bands, 0 to 1; None while they have collapsed."""
    if upper - lower <= 1e-12 * upper:
        return None
    return min(max((now - lower) / (upper - lower), 0.0), 1.0)


def _change(close: Floats, sessions: int) -> float | None:
    return float(close[-1] / close[-1 - sessions]) - 1 if len(close) > sessions else None


def ema(values: Floats, window: int) -> float:
    """Exponential average with 2 / (window + 1), from the mean of the first `window` values on.

    The plain mean of all when there are fewer.
    """
    if len(values) <= window:
        return float(values.mean())
    return _smoothed(values, window, 2.0 / (window + 1))


def rsi(close: Floats, window: int) -> float | None:
    """Relative strength after Wilder, 0 to 100; 50 for a price that did not move at all."""
    if len(close) <= window:
        return None
    moves = np.diff(close)
    gain = _smoothed(np.maximum(moves, 0.0), window, 1.0 / window)
    loss = _smoothed(np.maximum(-moves, 0.0), window, 1.0 / window)
    return 100.0 * gain / (gain + loss) if gain + loss > 0 else 50.0


def _smoothed(values: Floats, window: int, alpha: float) -> float:
    """s = alpha x + (1 - alpha) s over what follows the first `window` values, from their mean."""
    weights = _weights(len(values) - window, alpha)
    seed = float(values[:window].mean()) * (1 - alpha) ** len(weights)
    return float(weights @ values[window:]) + seed


@lru_cache(maxsize=64)
def _weights(count: int, alpha: float) -> Floats:
    weights: Floats = alpha * (1 - alpha) ** np.arange(count - 1, -1, -1, dtype=np.float64)
    weights.setflags(write=False)
    return weights
