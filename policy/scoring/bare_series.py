"""The score of prices that somebody sends, with no security, dates or portfolio behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np

from kernels.risk import PERIODS
from kernels.series import DAYS_PER_YEAR, Series
from ledger.score import Score
from policy.limits import Limits
from policy.metric_registry import METRICS, Metrics, names_of
from policy.metrics import complete
from policy.price_history import PriceHistory
from policy.scoring.buy_score import score_figures
from policy.scoring.context import Subject
from policy.scoring.price_metrics import (
    FIVE_YEARS,
    ONE_YEAR,
    THREE_YEARS,
    cagr,
    cagr_beyond_five,
    from_prices,
)

NO_SECURITY = 0


def score_prices(
    symbol: str,
    daily: Sequence[float],
    monthly: Sequence[tuple[date, float]],
    given: Mapping[str, float],
    *,
    limits: Limits,
    today: date,
) -> Score:
    """The score of a company's daily closes, oldest first, as far as it is known.

    The closes are laid out evenly, 252 to a year, up to `today`. Growth per year is that of
    `monthly`, month ends with their closes, where there is any. `given` are further figures by name
    and win over computed ones. Without a portfolio there is no diversification, and dividends are
    known only from `given`. Raises ValueError for a figure of an unknown name.
    """
    unknown = sorted(set(given) - set(METRICS))
    if unknown:
        raise ValueError(f"given: {', '.join(unknown)}, expected names of metrics")
    series = _spread(daily, today)
    history = PriceHistory(
        security_id=NO_SECURITY,
        symbol=symbol,
        currency="",
        close=series,
        high=series,
        low=series,
        total=series,
        close_eur=None,
        total_eur=None,
        repaired=0,
        unusable=None,
    )
    found: Metrics = {
        **dict.fromkeys(names_of("dividends") | names_of("reported")),
        **from_prices(history, risk_free=float(limits.risk_free_rate)),
        **_growth(monthly),
        **given,
    }
    company = Subject(NO_SECURITY, symbol)
    return score_figures(
        company,
        complete(found, company),
        limits=limits,
        history_years=series.years,
        last_bar=None,
    )


def _spread(daily: Sequence[float], today: date) -> Series:
    back = np.arange(len(daily) - 1, -1, -1, dtype=np.float64) * (DAYS_PER_YEAR / PERIODS)
    days = (today.toordinal() - np.round(back)).astype(np.int32)
    return Series(days, np.asarray(daily, dtype=np.float64))


def _growth(monthly: Sequence[tuple[date, float]]) -> Metrics:
    if not monthly:
        return {}
    days = np.array([day.toordinal() for day, _ in monthly], dtype=np.int32)
    series = Series(days, np.array([close for _, close in monthly], dtype=np.float64))
    return {
        "CAGR_1Y": cagr(series, ONE_YEAR),
        "CAGR_3Y": cagr(series, THREE_YEARS),
        "CAGR_5Y": cagr(series, FIVE_YEARS),
        "CAGR_10Y": cagr_beyond_five(series),
    }
