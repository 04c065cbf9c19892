"""What prices may be at the end of a horizon: correlated, seeded, and the same on every machine.

    multiplier = exp(σ Z − σ² / 2),  σ = annual volatility × √(horizon / 252)

so that the expected price is the present one. Z is standard normal, correlated between securities
as they were lately; a pair of which too little is known counts as independent.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from kernels.checks import Floats, Rows
from kernels.scenarios import TRADING_DAYS, clamped_volatility
from ledger.correlation import Correlations
from policy.planning.facts import UNKNOWN_FACTS, SecurityFacts

# Correlations of pairs, each from days of its own, need not fit together. They are drawn towards
# independence by the first of these shares that makes them; the last one always does.
SHRINKAGE: Final = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
LEAST_PIVOT: Final = 1e-9
# Standard normal numbers beyond this, one in four thousand, come from a library's logarithm, whose
# last bit differs by machine; they are taken for this one, which is where its method splits.
MOST_SIGMAS: Final = 3.6541528853610088
# ln 2 in two parts: whole multiples of the first are exact.
LN2: Final = 0.6931471805599453
LN2_HIGH, LN2_LOW = float.fromhex("0x1.62e42feep-1"), float.fromhex("0x1.a39ef35793c76p-33")
# More terms of the series change nothing within ± ln 2 / 2.
TERMS: Final = 14


def price_paths(
    symbols: Sequence[str],
    moving: Rows,
    *,
    facts: Mapping[str, SecurityFacts],
    correlations: Correlations | None,
    count: int,
    horizon_days: int,
    seed: int,
) -> Floats:
    """(count, S) multipliers of the prices; 1 for those not among `moving`, ascending numbers."""
    names = [symbols[int(number)] for number in moving]
    known = [facts.get(name, UNKNOWN_FACTS).volatility for name in names]
    annual = np.array([math.nan if value is None else value for value in known], dtype=np.float64)
    sigma = clamped_volatility(annual) * math.sqrt(horizon_days / TRADING_DAYS)
    generator = np.random.Generator(np.random.Philox(seed))
    drawn = generator.standard_normal((count, len(names)))
    normal = _correlated(np.clip(drawn, -MOST_SIGMAS, MOST_SIGMAS), names, correlations)
    paths = np.ones((count, len(symbols)))
    paths[:, moving] = exponential(sigma * normal - sigma * sigma / 2.0)
    return paths


def exponential(power: Floats) -> Floats:
    """e to the powers, within ±700, to about one unit in the last place.

    e^x = 2^k × Σ rⁿ ÷ n! with r = x − k ln 2, by single operations, which are exactly rounded: a
    library's own exponential differs from machine to machine.
    """
    twos = np.rint(power / LN2)
    rest = (power - twos * LN2_HIGH) - twos * LN2_LOW
    total = np.full_like(power, 1.0 / math.factorial(TERMS - 1))
    for order in reversed(range(TERMS - 1)):
        total = total * rest + 1.0 / math.factorial(order)
    return np.ldexp(total, twos.astype(np.int32))


def _correlated(normal: Floats, names: Sequence[str], correlations: Correlations | None) -> Floats:
    """(count, n) normal numbers that move together."""
    if correlations is None:
        return normal
    factor = _fitting_factor(_matrix(names, correlations))
    together = np.zeros_like(normal)
    for column in range(len(names)):
        together += normal[:, column, np.newaxis] * factor[:, column]
    return together


def _matrix(names: Sequence[str], correlations: Correlations) -> Floats:
    number = correlations.index()
    matrix = np.eye(len(names))
    for row, name in enumerate(names):
        for column, other in enumerate(names[:row]):
            if name in number and other in number:
                known = correlations.between(number[name], number[other])
                matrix[row, column] = matrix[column, row] = 0.0 if known is None else known
    return matrix


def _fitting_factor(matrix: Floats) -> Floats:
    independent = np.eye(len(matrix))
    for share in SHRINKAGE:
        factor = cholesky((1.0 - share) * matrix + share * independent)
        if factor is not None:
            return factor
    return independent


def cholesky(matrix: Floats) -> Floats | None:
    """Lower L with L Lᵀ = matrix; None when that is not positive definite.

    Column by column with single operations, which are exactly rounded: a library's own factor
    differs from machine to machine.
    """
    left = matrix.copy()
    for column in range(len(left)):
        pivot = float(left[column, column])
        if not pivot > LEAST_PIVOT:
            return None
        left[column:, column] /= math.sqrt(pivot)
        below = left[column + 1 :, column]
        left[column + 1 :, column + 1 :] -= np.multiply.outer(below, below)
    return np.tril(left)
