"""What a set of weights comes to: how much is in few names, and where its volatility comes from."""

from __future__ import annotations

import numpy as np

from kernels.checks import Floats


def concentration(weights: Floats) -> float | None:
    """Herfindahl-Hirschman index of what is invested, Σ (w / Σ w)²: 1 / n when equal, 1 for one.

    None when nothing is invested.
    """
    total = float(weights.sum())
    return float(np.square(weights / total).sum()) if total > 0.0 else None


def risk_contributions(weights: Floats, covariance: Floats) -> Floats:
    """w_i (Σw)_i / σ for each of n weights: the parts of the volatility σ, which they add up to.

    All zero when there is no risk.
    """
    marginal = covariance @ weights
    variance = float(weights @ marginal)
    if variance <= 0.0:
        return np.zeros(len(weights))
    found: Floats = weights * marginal / np.sqrt(variance)
    return found
