"""Risk metrics of real prices are those of empyrical, scipy and numpy, on both back ends.

empyrical counts years by observations, we count them by the calendar: for growth and Calmar it is
told how many observations make one exact year of these prices. Its risk-free rate is one per
period, ours one per year.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kernels import relations, risk
from kernels.choose import load
from kernels.drawdown import deepest_drawdown, drawdown_series
from kernels.series import Series
from kernels.tail import tail_risk
from tests.kernels.conftest import BACKENDS
from tests.oracle.real_prices import (
    EPOCH,
    PAIRS,
    REL,
    SYMBOLS,
    changes,
    closes,
    framed,
    returns,
    same,
)

empyrical: Any = pytest.importorskip("empyrical.stats")
pandas: Any = pytest.importorskip("pandas")
stats: Any = pytest.importorskip("scipy.stats")

RISK_FREE, MAR = 0.03, 0.0002
of_each = pytest.mark.parametrize("symbol", SYMBOLS)
of_each_pair = pytest.mark.parametrize(("first", "second"), PAIRS)


def per_year(prices: Series) -> float:
    """Observations in one exact year."""
    return (len(prices) - 1) / prices.years


def date_of(ordinal: int) -> Any:
    return pandas.Timestamp(ordinal - EPOCH, unit="D")


@of_each
@pytest.mark.parametrize("backend", BACKENDS)
def test_summary_is_empyricals(symbol: str, backend: str) -> None:
    prices, moves = closes(symbol), returns(closes(symbol))
    found = risk.summary(prices, risk_free=RISK_FREE, mar=MAR, kernel=load(backend).risk)
    falls = empyrical.drawdown_series(moves)
    assert found._asdict() == pytest.approx(
        {
            "closes": len(prices),
            "total_return": empyrical.cum_returns_final(moves),
            "cagr": empyrical.cagr(moves, annualization=per_year(prices)),
            "volatility": empyrical.annual_volatility(moves),
            "sharpe": empyrical.sharpe_ratio(moves, risk_free=RISK_FREE / 252),
            "downside_deviation": empyrical.downside_risk(moves, required_return=MAR),
            "sortino": empyrical.sortino_ratio(moves, required_return=MAR),
            "max_drawdown": empyrical.max_drawdown(moves),
            "current_drawdown": falls.iloc[-1],
            "days_in_drawdown": len(prices) - 1 - int(np.argmax(prices.values)),
            "calmar": empyrical.calmar_ratio(moves, annualization=per_year(prices)),
            "best_day": moves.max(),
            "worst_day": moves.min(),
        },
        rel=REL,
    )


@of_each
@pytest.mark.parametrize("backend", BACKENDS)
def test_returns_are_empyricals(symbol: str, backend: str) -> None:
    prices = closes(symbol)
    found = risk.simple_returns(prices, kernel=load(backend).risk)
    assert found is not None
    assert found.days.tolist() == prices.days[1:].tolist()
    assert found.values == pytest.approx(empyrical.simple_returns(prices.values), rel=REL, abs=0.0)


@of_each
@pytest.mark.parametrize("years", [1.0, 5.0, None])
def test_growth_of_the_last_years_is_empyricals(symbol: str, years: float | None) -> None:
    prices = closes(symbol)
    since = prices.days[-1] - (years or 1000.0) * 365.25
    start = max(int((prices.days <= since).sum()) - 1, 0)
    part = prices.last(len(prices) - start)
    expected = empyrical.cagr(returns(part), annualization=per_year(part))
    assert risk.cagr(prices, years=years) == pytest.approx(expected, rel=REL)


@of_each
def test_falls_from_the_peak_are_empyricals(symbol: str) -> None:
    """A small fall is the rest of two prices, and empyrical compounds returns to get them."""
    prices = closes(symbol)
    line = drawdown_series(prices)
    assert line is not None
    assert line.values[0] == 0.0
    falls = empyrical.drawdown_series(returns(prices))
    same(line.last(len(line) - 1), falls, near_zero=1e-14)


@of_each
def test_deepest_fall_has_the_days_that_pandas_finds(symbol: str) -> None:
    found = deepest_drawdown(closes(symbol))
    assert found is not None
    prices = framed(closes(symbol))
    falls = prices / prices.cummax() - 1.0
    trough = falls.idxmin()
    peak = prices[:trough].idxmax()
    back = prices[trough:][prices[trough:] >= prices[peak]]
    end = back.index[0] if len(back) else None
    assert found.depth == pytest.approx(falls.min(), rel=REL)
    assert (date_of(found.peak), date_of(found.trough)) == (peak, trough)
    assert (found.recovered is None) == (end is None)
    assert found.recovered is None or date_of(found.recovered) == end
    assert found.days == ((prices.index[-1] if end is None else end) - peak).days


@of_each
@pytest.mark.parametrize("tail", [0.01, 0.05])
def test_what_the_worst_days_cost_is_empyricals(symbol: str, tail: float) -> None:
    found, moves = tail_risk(closes(symbol), tail=tail), returns(closes(symbol))
    assert found is not None
    assert found.value_at_risk == pytest.approx(empyrical.value_at_risk(moves, tail), rel=REL)
    assert found.expected_shortfall == pytest.approx(
        empyrical.conditional_value_at_risk(moves, tail), rel=REL
    )


@of_each_pair
@pytest.mark.parametrize("window", [60, 252, 5000])
def test_beta_and_correlation_of_common_days(first: str, second: str, window: int) -> None:
    """The common days by pandas' own inner join; beta by empyrical, Pearson's r by scipy."""
    joined = pandas.concat([framed(closes(first)), framed(closes(second))], axis=1, join="inner")
    moves = changes(joined).iloc[-window:]
    own, others = moves[0], moves[1]
    assert relations.beta(closes(first), closes(second), window=window) == pytest.approx(
        empyrical.beta(own, others), rel=REL
    )
    assert relations.correlation(closes(first), closes(second), window=window) == pytest.approx(
        stats.pearsonr(own, others).statistic, rel=REL
    )
