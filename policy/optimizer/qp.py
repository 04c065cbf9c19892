"""Quadratic programs over weights, solved in process by DAQP: the budget, the bounds, what trading
costs and the bands are all inside the problem, so that nothing has to be clamped afterwards.

minimise    ½ w'Qw + c'w + Σ κ |w - current| + penalty × Σ slack
subject to  Σ w = budget,  lower <= w <= upper,  low - slack <= G w <= high + slack,  μ'w >= least

Securities whose bounds are equal are taken out first. |w - current| is linear where a security can
only grow or only shrink; elsewhere a variable p >= w - current, p >= 0 carries it: it is
(current - w) + 2p.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import daqp
import numpy as np

from kernels.checks import Floats

PENALTY = 10.0
"""Per unit of slack: above what any objective here gains by leaving a band."""
_CURVE = 1e-4
"""The solver wants a curve in every variable; costs and slack have next to none."""
_EQUALITY = 5
_NO_BOUND = 1e30
_SETTINGS = {"primal_tol": 1e-9, "dual_tol": 1e-9, "iter_limit": 5000}
_FITS = 1e-7
# It comes without types.
_solver: Any = daqp


class Unsolvable(Exception):
    """No weights meet the conditions, or the solver gave up."""


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """What the weights of n securities have to meet.

    `budget` is their sum. `groups` (g, n) with `low` and `high` (g,) are the bands, soft; `costs`
    (n,) what one unit of turnover costs.
    """

    covariance: Floats
    expected: Floats
    current: Floats
    costs: Floats
    lower: Floats
    upper: Floats
    budget: float
    groups: Floats
    low: Floats
    high: Floats

    def relaxed(self, part: float) -> Problem:
        """The same with the minima of the groups multiplied by `part`."""
        return replace(self, low=self.low * part)

    def ungrouped(self) -> Problem:
        none = np.zeros(0)
        return replace(self, groups=np.zeros((0, len(self.lower))), low=none, high=none)

    def slack(self, weights: Floats) -> float:
        """How far all bands together are missed."""
        sums = self.groups @ weights
        low = np.maximum(self.low - sums, 0.0).sum()
        return float(low + np.maximum(sums - self.high, 0.0).sum())


def minimise(
    problem: Problem,
    quadratic: Floats,
    linear: Floats,
    *,
    costs: bool = True,
    least_return: float | None = None,
) -> Floats:
    """The weights (n,) of the program above; raises Unsolvable."""
    free = np.flatnonzero(problem.upper > problem.lower)
    weights = problem.lower.copy()
    if not free.size:
        _require(problem, weights, least_return)
        return weights
    if free.size == 1:
        # One security alone takes what the others leave; a solver has nothing to choose.
        weights[free] = problem.budget - weights.sum() + weights[free]
        _require(problem, weights, least_return)
        return weights
    program = _Program(problem, free, costs=costs)
    weights[free] = program.solved(quadratic, linear, least_return)
    return balanced(weights, problem)


def balanced(weights: Floats, problem: Problem) -> Floats:
    """`weights` within their bounds to the last bit, what that moves spread over the others."""
    found = np.clip(weights, problem.lower, problem.upper)
    for _ in range(len(found)):
        missing = problem.budget - found.sum()
        room = problem.upper - found if missing > 0.0 else found - problem.lower
        total = room.sum()
        if abs(missing) < 1e-15 or total <= 0.0:
            break
        found = np.clip(found + missing * room / total, problem.lower, problem.upper)
    return found


def _require(problem: Problem, weights: Floats, least_return: float | None) -> None:
    bad = (weights < problem.lower - _FITS) | (weights > problem.upper + _FITS)
    if bad.any() or abs(weights.sum() - problem.budget) > _FITS:
        raise Unsolvable("no weights fit the budget")
    if least_return is not None and problem.expected @ weights < least_return - _FITS:
        raise Unsolvable("no weights earn that much")


class _Program:
    """The matrices of one program, in the variables w (free), p (costs) and s (slack)."""

    def __init__(self, problem: Problem, free: Any, *, costs: bool) -> None:
        self._problem, self._free = problem, free
        self._fixed = np.where(problem.upper > problem.lower, 0.0, problem.lower)
        lower, upper = problem.lower[free], problem.upper[free]
        current, rate = problem.current[free], problem.costs[free] * costs
        inside = (current > lower) & (current < upper) & (rate > 0.0)
        self._bent = np.flatnonzero(inside)
        self._slope = np.where(inside, -rate, np.where(current <= lower, rate, -rate))
        self._bend = 2.0 * rate[self._bent]
        self._counts = len(free), len(self._bent), len(problem.groups)

    def solved(self, quadratic: Floats, linear: Floats, least_return: float | None) -> Floats:
        hessian, gradient = self._objective(quadratic, linear)
        rows, low, high, sense = self._conditions(least_return)
        try:
            found, _, flag, _ = _solver.solve(
                hessian, gradient, rows, high, low, sense, **_SETTINGS
            )
        except (ValueError, RuntimeError, ArithmeticError) as error:
            raise Unsolvable(f"the solver failed: {error}") from error
        if flag < 1 or not np.isfinite(found).all():
            raise Unsolvable(f"the solver ended with {flag}")
        weights: Floats = found[: len(self._free)]
        return weights

    def _objective(self, quadratic: Floats, linear: Floats) -> tuple[Floats, Floats]:
        n, bent, groups = self._counts
        size = n + bent + groups
        hessian = np.zeros((size, size))
        hessian[:n, :n] = quadratic[np.ix_(self._free, self._free)]
        rest = np.arange(n, size)
        hessian[rest, rest] = _CURVE
        gradient = np.concatenate((linear[self._free], self._bend, np.full(groups, PENALTY)))
        gradient[:n] += (quadratic @ self._fixed)[self._free] + self._slope
        return hessian, gradient

    def _conditions(self, least_return: float | None) -> tuple[Floats, Floats, Floats, Any]:
        n, bent, groups = self._counts
        size, given = n + bent + groups, self._problem
        returns = 0 if least_return is None else 1
        count = 1 + returns + bent + 2 * groups
        rows, low, high = np.zeros((count, size)), np.zeros(count), np.full(count, _NO_BOUND)
        rows[0, :n] = 1.0
        low[0] = high[0] = given.budget - self._fixed.sum()
        if least_return is not None:
            rows[1, :n] = given.expected[self._free]
            low[1] = least_return - given.expected @ self._fixed
        at = 1 + returns
        for number, column in enumerate(self._bent):
            rows[at + number, column], rows[at + number, n + number] = -1.0, 1.0
        low[at : at + bent] = -given.current[self._free][self._bent]
        at += bent
        sums, slack = given.groups @ self._fixed, np.eye(groups)
        rows[at : at + groups, :n] = given.groups[:, self._free]
        rows[at : at + groups, n + bent :] = slack
        low[at : at + groups] = given.low - sums
        rows[at + groups :, :n] = -given.groups[:, self._free]
        rows[at + groups :, n + bent :] = slack
        low[at + groups :] = sums - given.high
        sense = np.zeros(size + count, dtype=np.int32)
        sense[size] = _EQUALITY
        bounds = np.zeros(size), np.full(size, _NO_BOUND)
        bounds[0][:n], bounds[1][:n] = given.lower[self._free], given.upper[self._free]
        return rows, np.concatenate((bounds[0], low)), np.concatenate((bounds[1], high)), sense
