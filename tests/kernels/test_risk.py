"""Risk metrics: definitions, minimum lengths, gaps and identities, on both back ends."""

import itertools
import math
import statistics
from collections.abc import Sequence
from datetime import date, timedelta
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels import risk
from kernels.choose import RiskKernel, load
from kernels.risk import RiskSummary, simple_returns, summary
from kernels.series import Series
from tests.kernels.conftest import needs_extension
from tests.kernels.lines import daily, wandering

EXAMPLES = settings(max_examples=60, deadline=None, derandomize=True)
PRICES = st.lists(st.floats(0.01, 1e6), min_size=2, max_size=300).map(daily)


def spelled_out(
    prices: list[float], *, risk_free: float, mar: float, years: float
) -> dict[str, float]:
    """The definitions once more, one metric at a time, with the statistics module."""
    returns = [b / a - 1 for a, b in itertools.pairwise(prices)]
    below = [min(0.0, r - mar) ** 2 for r in returns]
    downside = math.sqrt(math.fsum(below) / len(below)) * math.sqrt(252)
    drawdowns = [p / max(prices[: i + 1]) - 1 for i, p in enumerate(prices)]
    mean, deviation = statistics.fmean(returns), statistics.stdev(returns)
    growth = (prices[-1] / prices[0]) ** (1 / years) - 1
    return {
        "closes": len(prices),
        "total_return": prices[-1] / prices[0] - 1,
        "cagr": growth,
        "volatility": deviation * math.sqrt(252),
        "sharpe": (mean - risk_free / 252) / deviation * math.sqrt(252),
        "downside_deviation": downside,
        "sortino": (mean - mar) * 252 / downside,
        "max_drawdown": min(drawdowns),
        "current_drawdown": drawdowns[-1],
        "days_in_drawdown": len(prices) - 1 - max(i for i, d in enumerate(drawdowns) if d == 0),
        "calmar": growth / -min(drawdowns),
        "best_day": max(returns),
        "worst_day": min(returns),
    }


@pytest.mark.parametrize("seed", range(5))
def test_summary_meets_every_definition(risk_kernel: RiskKernel, seed: int) -> None:
    prices = wandering(400, seed)
    found = summary(prices, risk_free=0.02, mar=0.0001, kernel=risk_kernel)
    years = 399 / 365.25
    expected = spelled_out(prices.values.tolist(), risk_free=0.02, mar=0.0001, years=years)
    assert found._asdict() == pytest.approx(expected, rel=1e-10)


def test_hand_computed_series(risk_kernel: RiskKernel) -> None:
    found = summary(daily([100.0, 110.0, 99.0, 99.0]), kernel=risk_kernel)
    assert found.total_return == pytest.approx(-0.01)
    assert found.current_drawdown == pytest.approx(-0.1)
    assert found.days_in_drawdown == 2
    assert found.best_day == pytest.approx(0.1)
    assert found.worst_day == pytest.approx(-0.1)
    assert found.downside_deviation == pytest.approx(math.sqrt(0.01 / 3 * 252))
    assert found.sortino == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("total_return", 2),
        ("sortino", 2),
        ("downside_deviation", 2),
        ("current_drawdown", 2),
        ("days_in_drawdown", 2),
        ("best_day", 2),
        ("worst_day", 2),
        ("volatility", 30),
        ("max_drawdown", 30),
        ("sharpe", 50),
        ("cagr", 252),
        ("calmar", 252),
    ],
)
def test_metric_is_missing_below_its_minimum(
    risk_kernel: RiskKernel, name: str, least: int
) -> None:
    prices = [100.0, 99.0, *wandering(400).values]
    assert getattr(summary(daily(prices[: least - 1]), kernel=risk_kernel), name) is None
    assert getattr(summary(daily(prices[:least]), kernel=risk_kernel), name) is not None


@pytest.mark.parametrize("bad", [0.0, -1.0, 1e-300, 1e300])
@pytest.mark.parametrize("where", [0, 30, 99])
def test_series_with_a_price_that_is_none_is_missing(
    risk_kernel: RiskKernel, bad: float, where: int
) -> None:
    figures = wandering(100).values.copy()
    figures[where] = bad
    prices = daily(figures)
    assert summary(prices, kernel=risk_kernel) == RiskSummary(closes=100)
    assert simple_returns(prices, kernel=risk_kernel) is None


@pytest.mark.parametrize("rows", [0, 1])
def test_series_without_a_return_is_missing(risk_kernel: RiskKernel, rows: int) -> None:
    prices = daily([5.0] * rows)
    assert summary(prices, kernel=risk_kernel) == RiskSummary(closes=rows)
    assert simple_returns(prices, kernel=risk_kernel) is None


def test_constant_series_has_no_ratios(risk_kernel: RiskKernel) -> None:
    found = summary(daily([7.3] * 300), kernel=risk_kernel)
    assert (found.volatility, found.max_drawdown, found.total_return) == (0.0, 0.0, 0.0)
    assert (found.sharpe, found.sortino, found.calmar) == (None, None, None)
    assert found.days_in_drawdown == 0


def test_steady_growth_has_no_sharpe_out_of_rounding(risk_kernel: RiskKernel) -> None:
    found = summary(daily(100.0 * 1.001 ** np.arange(300.0)), kernel=risk_kernel)
    assert found.sharpe is None
    assert found.cagr == pytest.approx(1.001**365.25 - 1, rel=1e-9)


def test_growth_per_year_is_exact_by_the_days(risk_kernel: RiskKernel) -> None:
    figures = np.linspace(100.0, 121.0, 400)
    days = np.arange(400, dtype=np.int32)
    days[-1] = round(2 * 365.25)
    assert summary(Series(days, figures), kernel=risk_kernel).cagr == pytest.approx(0.1, rel=1e-3)
    days[-1] = round(4 * 365.25)
    assert summary(Series(days, figures), kernel=risk_kernel).cagr == pytest.approx(1.21**0.25 - 1)


def test_volatility_keeps_its_digits_beside_one_huge_return(risk_kernel: RiskKernel) -> None:
    prices = daily([1.0, *(1000.0 * wandering(200).values)])
    expected = spelled_out(prices.values.tolist(), risk_free=0.0, mar=0.0, years=1.0)
    found = summary(prices, kernel=risk_kernel)
    assert found.volatility == pytest.approx(expected["volatility"], rel=1e-12)


def in_fractions(prices: Series) -> dict[str, float]:
    """What does not depend on the rounding of any step: rational numbers, rounded at the end."""
    exact = [Fraction(price) for price in prices.values.tolist()]
    returns = [(after - before) / before for before, after in itertools.pairwise(exact)]
    mean = sum(returns) / len(returns)
    variance = sum((r - mean) ** 2 for r in returns) / (len(returns) - 1)
    below = sum(min(r, Fraction(0)) ** 2 for r in returns) / len(returns)
    drawdowns = [price / max(exact[: row + 1]) - 1 for row, price in enumerate(exact)]
    return {
        "total_return": float(exact[-1] / exact[0] - 1),
        "volatility": math.sqrt(252 * variance),
        "sharpe": math.sqrt(252 * mean**2 / variance) * (1 if mean > 0 else -1),
        "downside_deviation": math.sqrt(252 * below),
        "max_drawdown": float(min(drawdowns)),
        "current_drawdown": float(drawdowns[-1]),
        "best_day": float(max(returns)),
        "worst_day": float(min(returns)),
    }


@pytest.mark.parametrize("step", [1.0, 1e-2, 1e-5, 1e-8])
def test_calm_prices_keep_their_digits(risk_kernel: RiskKernel, step: float) -> None:
    moves = np.random.default_rng(5).normal(0.1 * step, step, 60)
    prices = daily(100.0 * np.exp(np.cumsum(moves)))
    found = summary(prices, kernel=risk_kernel)._asdict()
    expected = in_fractions(prices)
    assert {name: found[name] for name in expected} == pytest.approx(expected, rel=1e-14, abs=0.0)


@EXAMPLES
@given(prices=PRICES)
def test_identities_hold_for_any_prices(risk_kernel: RiskKernel, prices: Series) -> None:
    found = summary(prices, kernel=risk_kernel)
    returns = simple_returns(prices, kernel=risk_kernel)
    assert returns is not None
    assert returns.days.tolist() == prices.days[1:].tolist()
    assert found.current_drawdown is not None
    assert found.days_in_drawdown is not None
    assert -1.0 <= found.current_drawdown <= 0.0
    assert 0 <= found.days_in_drawdown < len(prices)
    assert found.best_day == returns.values.max()
    assert found.worst_day == returns.values.min()
    assert found.downside_deviation is not None
    assert found.downside_deviation >= 0.0
    if found.max_drawdown is not None:
        assert -1.0 <= found.max_drawdown <= found.current_drawdown


def known(found: RiskSummary) -> dict[str, float]:
    """The metrics that are not missing."""
    return {name: value for name, value in found._asdict().items() if value is not None}


@needs_extension
@EXAMPLES
@given(prices=PRICES, mar=st.floats(-0.01, 0.01))
def test_twins_agree_to_rounding(prices: Series, mar: float) -> None:
    ours = summary(prices, mar=mar, kernel=load("cython").risk)
    theirs = summary(prices, mar=mar, kernel=load("numpy").risk)
    exact = ("max_drawdown", "current_drawdown", "days_in_drawdown", "best_day", "worst_day")
    assert all(getattr(ours, name) == getattr(theirs, name) for name in exact)
    assert known(ours) == pytest.approx(known(theirs), rel=1e-12, abs=1e-12)


@needs_extension
def test_returns_are_equal_to_the_last_bit() -> None:
    prices = wandering(1260)
    ours = simple_returns(prices, kernel=load("cython").risk)
    theirs = simple_returns(prices, kernel=load("numpy").risk)
    assert ours is not None
    assert theirs is not None
    assert ours.values.tobytes() == theirs.values.tobytes()


def test_single_metrics_are_those_of_the_summary() -> None:
    prices = wandering(300)
    whole = summary(prices, risk_free=0.01, mar=0.0002)
    assert risk.annual_volatility(prices) == whole.volatility
    assert risk.sharpe_ratio(prices, risk_free=0.01) == whole.sharpe
    assert risk.sortino_ratio(prices, mar=0.0002) == whole.sortino
    assert risk.downside_deviation(prices, mar=0.0002) == whole.downside_deviation
    assert risk.max_drawdown(prices) == whole.max_drawdown


def month_ends(figures: Sequence[float]) -> Series:
    """One figure on the last day of every month from January 2001 on."""
    firsts = [date(2001 + month // 12, month % 12 + 1, 1) for month in range(1, len(figures) + 1)]
    days = [(first - timedelta(days=1)).toordinal() for first in firsts]
    return Series(np.array(days, dtype=np.int32), np.array(figures))


def test_growth_of_month_ends_is_exact_by_their_days() -> None:
    doubling = month_ends((100.0 * 2.0 ** (np.arange(61.0) / 12)).tolist())
    assert risk.cagr(doubling) == pytest.approx(1.0, rel=1e-2)
    assert risk.cagr(doubling) == pytest.approx(32 ** (1 / doubling.years) - 1)
    assert risk.cagr(doubling, years=1.0) == pytest.approx(2 ** (365.25 / 365) - 1, rel=1e-2)


def test_growth_needs_twelve_months() -> None:
    figures = (100.0 * 2.0 ** (np.arange(12.0) / 12)).tolist()
    assert risk.cagr(month_ends(figures)) == pytest.approx(1.0, rel=1e-2)
    assert risk.cagr(month_ends(figures[:11])) is None
    assert risk.cagr(month_ends([])) is None


def test_growth_starts_at_the_newest_price_that_is_old_enough() -> None:
    day = date(2020, 1, 1).toordinal()
    days = np.array([day, day + 700, day + 735, day + 1100], dtype=np.int32)
    prices = Series(days, np.array([50.0, 100.0, 500.0, 121.0]))
    assert risk.cagr(prices, years=1.0) == pytest.approx(1.21 ** (365.25 / 400) - 1)
    assert risk.cagr(prices, years=9.0) == pytest.approx(2.42 ** (365.25 / 1100) - 1)


def test_growth_below_a_quarter_of_a_year_is_not_annualised() -> None:
    day = date(2020, 1, 1).toordinal()
    days = np.array([day, day + 350, day + 400], dtype=np.int32)
    prices = Series(days, np.array([50.0, 100.0, 110.0]))
    assert risk.cagr(prices, years=50 / 365.25) == pytest.approx(0.1)
    assert risk.cagr(prices, years=0.0) is None
    with pytest.raises(ValueError, match="years: value -1"):
        risk.cagr(prices, years=-1.0)


@pytest.mark.parametrize("bad", [0.0, -3.0])
def test_growth_from_no_price_is_missing(bad: float) -> None:
    assert risk.cagr(month_ends([bad, *[100.0] * 11])) is None
