"""The problem the optimizer is measured on, on its own so that a bare process can run it."""

from __future__ import annotations

import numpy as np

from kernels.checks import Floats
from policy.optimizer.blend import blended
from policy.optimizer.covariance import estimate
from policy.optimizer.hrp import hrp_weights
from policy.optimizer.ladder import efficient_return, nearest
from policy.optimizer.qp import Problem

ROWS, SECURITIES = 1260, 30
LARGEST, TARGET = 0.15, 0.11


def returns() -> Floats:
    """Five years of daily returns that move together and apart."""
    rng = np.random.default_rng(7)
    own = rng.normal(0.0, 0.01, (ROWS, SECURITIES)) * rng.uniform(0.5, 1.5, SECURITIES)
    return own + rng.normal(0.0003, 0.007, (ROWS, 1))


def ours(history: Floats, expected: Floats) -> Floats:
    """Shrinkage covariance, bounded mean-variance, risk parity within the bounds, and the blend."""
    risk = estimate(history, 252)
    nothing = np.zeros(SECURITIES)
    problem = Problem(
        covariance=risk.covariance,
        expected=expected,
        current=nothing,
        costs=nothing,
        lower=nothing,
        upper=np.full(SECURITIES, LARGEST),
        budget=1.0,
        groups=np.zeros((0, SECURITIES)),
        low=np.zeros(0),
        high=np.zeros(0),
    )
    mean = efficient_return(problem, TARGET)
    parity = nearest(problem, hrp_weights(risk.sample, risk.correlation))
    return blended(mean, parity, 0.5)
