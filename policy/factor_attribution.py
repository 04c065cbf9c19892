"""How much of the return follows from common factors: least squares on their proxies.

Daily excess returns of the portfolio on those of the factors, r − rf = α + Σ β_k (f_k − rf) + ε.
What a factor contributes is β_k (f_k − rf), so that factors, risk-free rate, α and ε of a day add
up to its return and, linked, to the total.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np

from kernels.checks import Floats, Ints
from kernels.risk import PERIODS
from kernels.series import Series
from ledger.analytics import Attribution, Contribution, Loading, Regression
from policy.linking import annual, annual_scale, compounded, linked
from policy.reconstruction import Reconstruction

MIN_OBSERVATIONS = 60
RISK_FREE, ALPHA, RESIDUAL = "risk_free", "alpha", "residual"
_NO_DEVIATION = 1e-12
"""Below this part of the whole a deviation is rounding."""


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """coefficients (k + 1,), the constant first, their t statistics, and what is left over (n,).

    A t statistic is NaN and `r_squared` None when nothing deviates.
    """

    coefficients: Floats
    t_stats: Floats
    residuals: Floats
    r_squared: float | None


def least_squares(target: Floats, factors: Floats) -> Fit | None:
    """Ordinary least squares of `target` (n,) on a constant and `factors` (n, k).

    t statistics are those of equal, independent deviations, with n − k − 1 degrees of freedom.
    None when the factors are not independent of each other or there are too few rows.
    """
    rows, columns = len(target), factors.shape[1] + 1
    design = np.column_stack((np.ones(rows), factors))
    if rows <= columns or np.linalg.matrix_rank(design) < columns:
        return None
    q, r = np.linalg.qr(design)
    coefficients = np.asarray(np.linalg.solve(r, q.T @ target), dtype=np.float64)
    residuals: Floats = target - design @ coefficients
    inverse = np.linalg.inv(r)
    variance = float(residuals @ residuals) / (rows - columns)
    errors = np.sqrt(variance * (inverse**2).sum(axis=1))
    around = target - target.mean()
    whole = float(around @ around)
    exact = variance * (rows - columns) <= whole * _NO_DEVIATION**2
    with np.errstate(divide="ignore", invalid="ignore"):
        t_stats = np.full(columns, np.nan) if exact else coefficients / errors
    r_squared = 1.0 - float(residuals @ residuals) / whole if whole > 0.0 else None
    return Fit(coefficients, t_stats, residuals, r_squared)


def attribute_to_factors(
    closes: Reconstruction, factors: Mapping[str, Series], *, risk_free: float, days: int
) -> Attribution:
    """The return of `closes` by factor, over the days on which every factor has a level, too.

    `factors` are levels in EUR by name, `risk_free` is a rate per year. Unavailable with a reason
    below 60 observations, and when the factors cannot be told apart.
    """
    names = tuple(sorted(factors))
    if not names:
        return _unavailable(closes, days, "there is no series of a benchmark or another factor")
    if not len(closes.returns):
        return _unavailable(closes, days, "there are no two closes with a known value")
    common, moves = _common_returns(closes.index, [factors[name] for name in names])
    if len(moves) < MIN_OBSERVATIONS:
        text = f"{len(moves)} returns of portfolio and factors together, {MIN_OBSERVATIONS} needed"
        return _unavailable(closes, days, text)
    free = risk_free / PERIODS
    returns, excess = moves[:, 0], moves[:, 1:] - free
    fit = least_squares(returns - free, excess)
    if fit is None:
        return _unavailable(closes, days, f"{', '.join(names)} cannot be told apart")
    alpha = np.full(len(moves), fit.coefficients[0])
    parts = np.column_stack(
        (excess * fit.coefficients[1:], np.full(len(moves), free), alpha, fit.residuals)
    )
    totals = linked(parts, returns)
    if totals is None:
        return _unavailable(closes, days, "a day lost everything, no return can follow it")
    total = compounded(returns)
    scale = annual_scale(total, len(returns))
    return Attribution(
        by="factor",
        available=True,
        days=days,
        first=date.fromordinal(int(common[0])),
        last=date.fromordinal(int(common[-1])),
        total=total,
        annual=annual(total, len(returns)),
        parts=tuple(
            Contribution(name, float(part), None if scale is None else float(part) * scale)
            for name, part in zip((*names, RISK_FREE, ALPHA, RESIDUAL), totals, strict=True)
        ),
        regression=_regression(names, fit, len(moves)),
        unknown=closes.unknown,
    )


def _common_returns(index: Series, factors: list[Series]) -> tuple[Ints, Floats]:
    """The days all have a level (n + 1,), and the returns between them: (n, 1 + factors)."""
    common = index.days
    for factor in factors:
        common = np.intersect1d(common, factor.days, assume_unique=True)
    levels = np.column_stack(
        [one.values[np.searchsorted(one.days, common)] for one in (index, *factors)]
    )
    moves: Floats = levels[1:] / levels[:-1] - 1.0
    return common, moves


def _regression(names: tuple[str, ...], fit: Fit, observations: int) -> Regression:
    t_stats = [None if np.isnan(t) else float(t) for t in fit.t_stats]
    return Regression(
        loadings=tuple(
            Loading(name, float(loading), t_stat)
            for name, loading, t_stat in zip(names, fit.coefficients[1:], t_stats[1:], strict=True)
        ),
        alpha=float(fit.coefficients[0]),
        alpha_t_stat=t_stats[0],
        r_squared=fit.r_squared,
        observations=observations,
    )


def _unavailable(closes: Reconstruction, days: int, reason: str) -> Attribution:
    return Attribution(
        by="factor", available=False, reason=reason, days=days, unknown=closes.unknown
    )
