"""The optimizer beside PyPortfolioOpt and scikit-learn on the same problems."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from policy.optimizer.covariance import enough_history, estimate
from policy.optimizer.hrp import hrp_weights, quasi_diagonal
from policy.optimizer.ladder import efficient_return, efficient_risk, max_sharpe, min_volatility
from policy.optimizer.qp import Problem, minimise
from tests.policy.optimizer_cases import weekly_returns

pandas = pytest.importorskip("pandas")
pypfopt = pytest.importorskip("pypfopt")
cvxpy = pytest.importorskip("cvxpy")
hierarchy = pytest.importorskip("scipy.cluster.hierarchy")
distances = pytest.importorskip("scipy.spatial.distance")

SEEDS = range(5)
# The oracle's own tolerances leave more than 1e-4 in a weight.
EXACTLY = {"tol_gap_abs": 1e-12, "tol_gap_rel": 1e-12, "tol_feas": 1e-12}
pytestmark = pytest.mark.filterwarnings("ignore")


def frame(returns: NDArray[np.float64]) -> Any:
    return pandas.DataFrame(returns, columns=[f"S{n:02d}" for n in range(returns.shape[1])])


def problem(seed: int, count: int = 30, groups: int = 0) -> Problem:
    """No costs, nothing held, everything invested, at most 0.15 each."""
    rng = np.random.default_rng(seed)
    parts = np.zeros((groups, count))
    if groups:
        parts[np.arange(count) % groups, np.arange(count)] = 1.0
    wanted = rng.dirichlet(np.full(groups, 8.0)) if groups else np.zeros(0)
    return Problem(
        covariance=estimate(weekly_returns(count, seed=seed), 52).covariance,
        expected=rng.uniform(-0.02, 0.2, count),
        current=np.zeros(count),
        costs=np.zeros(count),
        lower=np.zeros(count),
        upper=np.full(count, 0.15),
        budget=1.0,
        groups=parts,
        low=np.maximum(wanted - 0.05, 0.0),
        high=wanted + 0.05,
    )


def frontier(given: Problem) -> Any:
    found = pypfopt.EfficientFrontier(
        given.expected,
        given.covariance,
        weight_bounds=(0.0, 0.15),
        solver="CLARABEL",
        solver_options=EXACTLY,
    )
    for part, low, high in zip(given.groups, given.low, given.high, strict=True):
        found.add_constraint(lambda w, part=part, low=low: part @ w >= low)
        found.add_constraint(lambda w, part=part, high=high: part @ w <= high)
    return found


def same(found: NDArray[np.float64], oracle: Any, tolerance: float = 1e-4) -> None:
    expected = np.array(list(oracle.values()) if isinstance(oracle, dict) else oracle, dtype=float)
    assert found == pytest.approx(expected, abs=tolerance)


@pytest.mark.parametrize("groups", [0, 4])
@pytest.mark.parametrize("seed", SEEDS)
def test_least_variance(seed: int, groups: int) -> None:
    given = problem(seed, groups=groups)
    same(min_volatility(given), frontier(given).min_volatility())


@pytest.mark.parametrize("groups", [0, 4])
@pytest.mark.parametrize("seed", SEEDS)
def test_least_variance_for_a_return(seed: int, groups: int) -> None:
    given = problem(seed, groups=groups)
    same(efficient_return(given, 0.11), frontier(given).efficient_return(0.11))


@pytest.mark.parametrize("seed", SEEDS)
def test_most_return_for_a_volatility(seed: int) -> None:
    given = problem(seed)
    least = float(np.sqrt(min_volatility(given) @ given.covariance @ min_volatility(given)))
    same(efficient_risk(given, least * 1.2), frontier(given).efficient_risk(least * 1.2))


@pytest.mark.parametrize("seed", SEEDS)
def test_best_sharpe_ratio(seed: int) -> None:
    given = problem(seed)
    same(max_sharpe(given, 0.02), frontier(given).max_sharpe(risk_free_rate=0.02))


@pytest.mark.parametrize("seed", SEEDS)
def test_costs_and_soft_bands_against_a_general_solver(seed: int) -> None:
    rng = np.random.default_rng(100 + seed)
    count, groups = 20, 3
    plain = problem(seed, count, groups)
    current = np.where(rng.random(count) < 0.6, rng.uniform(0.0, 0.15, count), 0.0)
    given = Problem(
        covariance=plain.covariance,
        expected=plain.expected,
        current=current,
        costs=rng.uniform(0.0, 0.02, count),
        lower=np.where(rng.random(count) < 0.2, np.minimum(current, 0.04), 0.0),
        upper=plain.upper,
        budget=0.9,
        groups=plain.groups,
        low=np.array([0.6, 0.3, 0.2]),
        high=np.array([0.7, 0.4, 0.3]),
    )
    weights, slack = cvxpy.Variable(count), cvxpy.Variable(groups)
    cost = 1.5 * cvxpy.quad_form(weights, cvxpy.psd_wrap(given.covariance))
    cost += given.costs @ cvxpy.abs(weights - current) + 10.0 * cvxpy.sum(slack)
    conditions = [
        weights >= given.lower,
        weights <= given.upper,
        cvxpy.sum(weights) == given.budget,
        given.groups @ weights + slack >= given.low,
        given.groups @ weights - slack <= given.high,
        slack >= 0,
    ]
    cvxpy.Problem(cvxpy.Minimize(cost), conditions).solve(solver="CLARABEL", **EXACTLY)
    found = minimise(given, 3.0 * given.covariance, np.zeros(count))
    same(found, weights.value)


@pytest.mark.parametrize("count", [2, 3, 7, 30, 61])
@pytest.mark.parametrize("seed", SEEDS)
def test_hierarchical_risk_parity(seed: int, count: int) -> None:
    returns = weekly_returns(count, seed=seed)
    risk = estimate(returns, 52)
    oracle = pypfopt.HRPOpt(frame(returns)).optimize()
    ordered = [oracle[name] for name in frame(returns).columns]
    same(hrp_weights(risk.sample, risk.correlation), ordered, tolerance=1e-10)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_order_of_the_leaves(seed: int) -> None:
    correlation = estimate(weekly_returns(40, seed=seed), 52).correlation
    distance = np.sqrt(np.clip((1.0 - correlation) / 2.0, 0.0, 1.0))
    tree = hierarchy.linkage(distances.squareform(distance, checks=False), "single")
    assert quasi_diagonal(distance) == hierarchy.to_tree(tree).pre_order()


@pytest.mark.parametrize(("rows", "count"), [(60, 40), (261, 30), (1260, 30)])
@pytest.mark.parametrize("seed", SEEDS)
def test_shrinkage_to_constant_variance(seed: int, rows: int, count: int) -> None:
    returns = weekly_returns(count, rows=rows, seed=seed)
    found = estimate(returns, 52)
    shrinkage = pypfopt.risk_models.CovarianceShrinkage(
        frame(returns), returns_data=True, frequency=52
    )
    oracle = shrinkage.ledoit_wolf().to_numpy()
    assert found.covariance == pytest.approx(oracle, rel=1e-10, abs=1e-14)
    sklearn = pytest.importorskip("sklearn.covariance")
    assert found.shrinkage == pytest.approx(sklearn.ledoit_wolf(returns)[1], rel=1e-10)
    assert found.sample == pytest.approx(frame(returns).cov().to_numpy() * 52, rel=1e-10)


@pytest.mark.parametrize("seed", SEEDS)
def test_gaps_are_left_out_of_each_pair(seed: int) -> None:
    returns = weekly_returns(8, seed=seed)
    rng = np.random.default_rng(seed)
    returns[rng.random(returns.shape) < 0.1] = np.nan
    assert enough_history(returns).all()
    found = estimate(returns, 52)
    assert found.sample == pytest.approx(frame(returns).cov().to_numpy() * 52, rel=1e-10)
    assert found.correlation == pytest.approx(frame(returns).corr().to_numpy(), rel=1e-10)
    assert np.linalg.eigvalsh(found.covariance).min() > 0.0
