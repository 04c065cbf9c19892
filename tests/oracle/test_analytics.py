"""Regressions, betas and risk shares agree with scipy and plain numpy on the same returns."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pytest

from kernels.checks import Floats
from kernels.series import Series
from policy.factor_attribution import least_squares
from policy.position_risk import Surroundings, position_risk
from policy.risk_figures import risk_figures

stats: Any = pytest.importorskip("scipy.stats")
linalg: Any = pytest.importorskip("scipy.linalg")
empyrical: Any = pytest.importorskip("empyrical")

REL = 1e-12
FIRST = date(2020, 1, 1)


def returns(seed: int, count: int, columns: int = 1) -> Floats:
    return np.random.default_rng(seed).normal(0.0003, 0.011, (count, columns))


def levels(moves: Floats) -> Series:
    days = np.arange(FIRST.toordinal(), FIRST.toordinal() + len(moves) + 1, dtype=np.int32)
    return Series(days, np.concatenate(([100.0], 100.0 * (1.0 + moves).cumprod())))


@pytest.mark.parametrize("seed", range(5))
def test_one_factor_agrees_with_scipys_regression(seed: int) -> None:
    factor = returns(seed, 400)
    target = 0.7 * factor[:, 0] + returns(seed + 50, 400)[:, 0]
    fit = least_squares(target, factor)
    assert fit is not None
    expected = stats.linregress(factor[:, 0], target)
    assert fit.coefficients.tolist() == pytest.approx(
        [expected.intercept, expected.slope], rel=1e-10
    )
    t_stats = [
        expected.intercept / expected.intercept_stderr,
        expected.slope / expected.stderr,
    ]
    assert fit.t_stats.tolist() == pytest.approx(t_stats, rel=1e-9)
    assert fit.r_squared == pytest.approx(expected.rvalue**2, rel=1e-10)


@pytest.mark.parametrize("columns", [2, 5])
def test_several_factors_agree_with_least_squares_of_lapack(columns: int) -> None:
    factors = returns(columns, 500, columns)
    target = factors @ np.linspace(-0.5, 1.0, columns) + returns(99, 500)[:, 0]
    fit = least_squares(target, factors)
    assert fit is not None
    design = np.column_stack((np.ones(500), factors))
    expected, residual, *_ = linalg.lstsq(design, target, lapack_driver="gelsd")
    assert fit.coefficients.tolist() == pytest.approx(expected.tolist(), rel=1e-10)
    assert float(fit.residuals @ fit.residuals) == pytest.approx(float(residual), rel=REL)
    errors = np.sqrt(
        np.diag(np.linalg.inv(design.T @ design)) * float(residual) / (500 - columns - 1)
    )
    assert fit.t_stats.tolist() == pytest.approx((expected / errors).tolist(), rel=1e-9)


def test_beta_and_correlations_are_those_of_scipy() -> None:
    own, other, index = (levels(returns(seed, 252)[:, 0]) for seed in (1, 2, 3))
    around = Surroundings(
        weights={"AAA": 0.4, "BBB": 0.5}, levels={"AAA": own, "BBB": other}, benchmark=index
    )
    found = position_risk("AAA", own, around, first=FIRST, days=365, risk_free=0.0)
    mine, theirs, market = (np.diff(s.values) / s.values[:-1] for s in (own, other, index))
    assert found.beta == pytest.approx(stats.linregress(market, mine).slope, rel=1e-10)
    assert found.benchmark_correlation == pytest.approx(
        stats.pearsonr(mine, market).statistic, rel=1e-10
    )
    assert found.portfolio_correlation == pytest.approx(
        stats.pearsonr(mine, theirs).statistic, rel=1e-9
    )
    whole = 0.4 * mine + 0.5 * theirs
    volatility = whole.std(ddof=1) * np.sqrt(252)
    assert found.portfolio_volatility == pytest.approx(volatility, rel=1e-10)
    expected = 0.4 * np.cov(mine, whole)[0, 1] * 252 / volatility
    assert found.risk_contribution == pytest.approx(expected, rel=1e-10)


def test_the_figures_of_a_series_are_those_of_empyrical() -> None:
    moves = returns(7, 750)[:, 0]
    found = risk_figures(levels(moves), risk_free=0.02)
    free = 0.02 / 252
    assert found.sharpe == pytest.approx(empyrical.sharpe_ratio(moves, risk_free=free), rel=1e-10)
    assert found.sortino == pytest.approx(empyrical.sortino_ratio(moves), rel=1e-10)
    assert found.volatility == pytest.approx(empyrical.annual_volatility(moves), rel=REL)
    assert found.max_drawdown is not None
    assert found.max_drawdown.depth == pytest.approx(empyrical.max_drawdown(moves), rel=1e-10)
    assert found.var_95 == pytest.approx(empyrical.value_at_risk(moves), rel=1e-10)
    assert found.cvar_95 == pytest.approx(empyrical.conditional_value_at_risk(moves), rel=1e-10)
