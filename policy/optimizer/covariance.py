"""Shrunk covariance of returns of which some may be missing.

Ledoit and Wolf, A well-conditioned estimator for large-dimensional covariance matrices (2004):
(1 - s) S + s m I, m the mean variance and s the intensity that loses least. With gaps every entry
of S rests on the rows its two securities share, and its error is weighed by their number; without
gaps this is exactly the published estimator.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from kernels.checks import Bools, Floats, Ints

MIN_POINTS = 60
_SMALLEST = 1e-10
"""Eigenvalues are at least this part of the largest, so that a solver can work with them."""
_NOISE = 1e-12
"""Up to this part of its variance what a security does in some rows is rounding."""


@dataclass(frozen=True, slots=True, eq=False)
class Risk:
    """`covariance` (n, n) per year, shrunk, positive definite; `sample` the plain one (ddof 1) and
    `correlation` on the shared rows. `shrinkage` 0 to 1.
    """

    covariance: Floats
    sample: Floats
    correlation: Floats
    shrinkage: float


def enough_history(returns: Floats) -> Bools:
    """Which columns have 60 returns, shared with every other one that stays.

    While two share fewer, the one with the shorter history goes (the later one of equals). A price
    that never moved is no history.
    """
    seen = np.isfinite(returns)
    counts = seen.sum(axis=0)
    highest = np.where(seen, returns, -np.inf).max(axis=0, initial=-np.inf)
    lowest = np.where(seen, returns, np.inf).min(axis=0, initial=np.inf)
    keep: Bools = (counts >= MIN_POINTS) & (highest > lowest)
    if bool(seen[:, keep].all()):
        return keep
    shared = _shared(seen)
    while True:
        short = (shared < MIN_POINTS) & keep[:, None] & keep[None, :]
        if not short.any():
            return keep
        involved = np.flatnonzero(short.any(axis=0))
        worst = min(involved.tolist(), key=lambda column: (counts[column], -column))
        keep[worst] = False


def estimate(returns: Floats, per_year: int) -> Risk:
    """Risk of `returns` (rows, n), of which every two columns share at least two rows."""
    seen = np.isfinite(returns)
    found = _whole(returns) if seen.all() else _paired(returns, seen)
    plain, columns = found.plain, returns.shape[1]
    mean = float(np.trace(plain)) / columns
    distance = float(np.square(plain).sum()) - columns * mean * mean
    shrinkage = min(max(found.error, 0.0) / distance, 1.0) if distance > 0.0 else 0.0
    shrunk = (1.0 - shrinkage) * plain
    shrunk[np.diag_indices(columns)] += shrinkage * mean
    sample = plain * (found.counts / (found.counts - 1.0)) * per_year
    return Risk(_definite(shrunk * per_year), sample, _correlation(found), shrinkage)


class _Moments(NamedTuple):
    """`plain` (n, n) is the covariance (ddof 0), `spread` what it is divided by for a correlation,
    `counts` the rows behind it, `error` the sum of the variances of its entries.
    """

    plain: Floats
    spread: Floats
    counts: Floats | float
    error: float


def _whole(returns: Floats) -> _Moments:
    rows = float(len(returns))
    centred = returns - returns.mean(axis=0)
    plain = centred.T @ centred / rows
    squares = np.einsum("ij,ij->i", centred, centred)
    error = (float(squares @ squares) / rows - float(np.square(plain).sum())) / rows
    deviations = np.sqrt(np.diag(plain))
    return _Moments(plain, np.outer(deviations, deviations), rows, error)


def _paired(returns: Floats, seen: Bools) -> _Moments:
    """Means, variances and covariance of every two columns from the rows they share."""
    marks = seen.astype(np.float64)
    counts = marks.T @ marks
    centred = np.where(seen, returns - np.nanmean(returns, axis=0), 0.0)
    squared = np.square(centred)
    sums = centred.T @ marks
    plain = (centred.T @ centred - sums * sums.T / counts) / counts
    variances = (squared.T @ marks - np.square(sums) / counts) / counts
    variances[variances < _NOISE * np.diag(variances)[:, None]] = 0.0
    error = float((((squared.T @ squared) / counts - np.square(plain)) / counts).sum())
    return _Moments(plain, np.sqrt(variances * variances.T), counts, error)


def _shared(seen: Bools) -> Ints:
    """How many rows each two columns have in common."""
    marks = seen.astype(np.float32)
    return (marks.T @ marks).astype(np.int32)


def _correlation(moments: _Moments) -> Floats:
    """A security that did not move in the rows it shares correlates with nothing."""
    known = moments.spread > 0.0
    found: Floats = np.divide(
        moments.plain, moments.spread, out=np.zeros_like(moments.plain), where=known
    )
    np.clip(found, -1.0, 1.0, out=found)
    found[np.diag_indices(len(found))] = 1.0
    return found


def _definite(matrix: Floats) -> Floats:
    """`matrix`, with eigenvalues that are negative or next to nothing lifted."""
    least = _SMALLEST * max(float(np.trace(matrix)) / len(matrix), _SMALLEST)
    try:
        np.linalg.cholesky(matrix - least * np.eye(len(matrix)))
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(matrix)
        lifted: Floats = (vectors * np.maximum(values, 2.0 * least)) @ vectors.T
        return 0.5 * (lifted + lifted.T)
    return matrix
