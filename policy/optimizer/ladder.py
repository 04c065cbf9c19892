"""Mean and variance: the first strategy that works, with the bands as wide as they have to be.

At each level (bands as they are; their minima halved; no bands) in this order: least variance for
the target return, least variance, most return at a volatility of 0.15, best Sharpe ratio. A failure
of any kind is caught where it happens and the next one is tried.

Returns and variances are of the total value, of which cash earns nothing. Variance counts with a
risk aversion of 3 and a trade's cost as if the weights were kept for a year, so that the program is
in yearly returns throughout.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from kernels.checks import Floats
from ledger.optimization import Fallback
from policy.optimizer.qp import Problem, Unsolvable, balanced, minimise

RISK_AVERSION = 3.0
RISK_FREE = 0.02
TARGET_VOLATILITY = 0.15
RELAXED = 0.5
_MISSED = 1e-6
_STEPS = 40

Level = Literal["full", "relaxed", "none"]


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    weights: Floats
    strategy: Fallback | None
    level: Level


def mean_variance(problem: Problem, least_return: float) -> Found | None:
    """The weights (n,) of the first rung that works, None when none does."""
    levels: tuple[tuple[Level, Problem], ...] = (
        ("full", problem),
        ("relaxed", problem.relaxed(RELAXED)),
        ("none", problem.ungrouped()),
    )
    rungs: tuple[tuple[Fallback | None, Callable[[Problem], Floats]], ...] = (
        (None, lambda given: efficient_return(given, least_return)),
        ("min_volatility", min_volatility),
        ("efficient_risk", lambda given: efficient_risk(given, TARGET_VOLATILITY)),
        ("max_sharpe", lambda given: max_sharpe(given, RISK_FREE)),
    )
    for level, given in levels:
        for strategy, rung in rungs:
            try:
                return Found(rung(given), strategy, level)
            except Unsolvable:
                continue
    return None


def efficient_return(problem: Problem, least: float) -> Floats:
    """Least variance among those that earn `least`, in bands that are missed no further for it.

    Raises Unsolvable when the return would cost more slack than the least variance has.
    """
    weights = minimise(problem, *_variance(problem), least_return=least)
    missed = problem.slack(weights)
    if missed > _MISSED and missed > problem.slack(min_volatility(problem)) + _MISSED:
        raise Unsolvable("that return is not to be had within the bands")
    return weights


def min_volatility(problem: Problem) -> Floats:
    return minimise(problem, *_variance(problem))


def efficient_risk(problem: Problem, volatility: float) -> Floats:
    """Most return with at most this volatility; raises Unsolvable when none is that calm."""

    def calm(aversion: float) -> Floats:
        return minimise(problem, aversion * problem.covariance, -problem.expected)

    low, high = 1e-3, 1e6
    found = calm(high)
    if _volatility(problem, found) > volatility:
        raise Unsolvable("nothing is that calm")
    for _ in range(_STEPS):
        middle = (low * high) ** 0.5
        weights = calm(middle)
        if _volatility(problem, weights) <= volatility:
            high, found = middle, weights
        else:
            low = middle
    return found


def max_sharpe(problem: Problem, risk_free: float) -> Floats:
    """Best (return - risk_free) per volatility: the best point of the efficient frontier.

    The ratio has one peak along the frontier between the least variance and the most return, so
    the return is searched by thirds. Costs are left out. Raises Unsolvable when nothing earns more
    than `risk_free`.
    """

    def at(least: float) -> tuple[float, Floats]:
        weights = minimise(problem, *_variance(problem), costs=False, least_return=least)
        gain = float(problem.expected @ weights) - risk_free
        return gain / _volatility(problem, weights), weights

    calmest = minimise(problem, *_variance(problem), costs=False)
    richest = minimise(problem, 1e-6 * np.eye(len(calmest)), -problem.expected, costs=False)
    low, high = float(problem.expected @ calmest), float(problem.expected @ richest)
    if high <= risk_free:
        raise Unsolvable("nothing earns more than what is free of risk")
    low, high = max(low, risk_free), high - 1e-9
    for _ in range(_STEPS):
        first, second = low + (high - low) / 3.0, high - (high - low) / 3.0
        if at(first)[0] < at(second)[0]:
            low = first
        else:
            high = second
    return at(low)[1]


def nearest(problem: Problem, point: Floats) -> Floats:
    """What meets `problem` and is nearest to `point`: its projection, not a clamped copy.

    Raises Unsolvable.
    """
    free = problem.upper > problem.lower
    off = np.abs(point.sum() - problem.budget)
    inside = ((point >= problem.lower) & (point <= problem.upper)) | ~free
    if off < _MISSED and inside.all() and problem.slack(point) < _MISSED:
        return balanced(point, problem)
    return minimise(problem, np.eye(len(point)), -point, costs=False)


def _variance(problem: Problem) -> tuple[Floats, Floats]:
    return RISK_AVERSION * problem.covariance, np.zeros(len(problem.expected))


def _volatility(problem: Problem, weights: Floats) -> float:
    return float(np.sqrt(max(float(weights @ problem.covariance @ weights), 1e-18)))
