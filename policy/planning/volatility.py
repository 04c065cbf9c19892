"""How much a portfolio moves in a year, from volatilities and correlations of its holdings."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from ledger.correlation import Correlations
from policy.planning.facts import UNKNOWN_FACTS, SecurityFacts

Weights = Mapping[str, Decimal]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class VolatilityChange:
    """Yearly, as fractions; None when nothing is known of the holdings. `covered` is the part of
    the holdings, by value, that is known: the smaller of before and after.
    """

    before: float | None
    after: float | None
    covered: float


def volatility_change(
    before: Weights,
    after: Weights,
    facts: Mapping[str, SecurityFacts],
    correlations: Correlations | None,
) -> VolatilityChange:
    """√(w' Σ w) for holdings of these weights of the total value, cash being the rest.

    Σ_ij = σ_i σ_j ρ_ij. Both figures use the same securities: of those with a volatility, the
    largest first, each whose correlations with all before it are known. What is not covered is
    taken to be like what is.
    """
    if correlations is None:
        return VolatilityChange(None, None, 0.0)
    size = {s: max(before.get(s, 0), after.get(s, 0)) for s in before.keys() | after.keys()}
    ranked = sorted(size, key=lambda symbol: (-size[symbol], symbol))
    known, sigma = _covariance(ranked, facts, correlations)
    shares = [_covered(weights, known) for weights in (before, after)]
    return VolatilityChange(
        _volatility(before, known, sigma, shares[0]),
        _volatility(after, known, sigma, shares[1]),
        min(shares),
    )


def _covariance(
    ranked: Iterable[str], facts: Mapping[str, SecurityFacts], correlations: Correlations
) -> tuple[list[str], Floats]:
    """The covered symbols, and float64 (N, N) of them."""
    index = correlations.index()
    volatility = {s: facts.get(s, UNKNOWN_FACTS).volatility for s in ranked if s in index}
    symbols = [symbol for symbol, one in volatility.items() if one is not None]
    rho = _correlation([index[symbol] for symbol in symbols], correlations)
    kept: list[int] = []
    for number in range(len(symbols)):
        if not np.isnan(rho[number, kept]).any():
            kept.append(number)
    sigma = np.array([volatility[symbols[n]] for n in kept], dtype=np.float64)
    return [symbols[n] for n in kept], sigma[:, None] * rho[np.ix_(kept, kept)] * sigma[None, :]


def _correlation(numbers: Sequence[int], correlations: Correlations) -> Floats:
    """float64 (N, N) in the order of `numbers`, NaN where it is not known."""
    rho = np.eye(len(numbers))
    order = sorted(numbers)
    for at, number in enumerate(order):
        row = correlations.rows[number]
        rho[at, :at] = rho[:at, at] = np.array([row[other] for other in order[:at]], np.float64)
    place = {number: at for at, number in enumerate(order)}
    wanted = [place[number] for number in numbers]
    return rho[np.ix_(wanted, wanted)]


def _covered(weights: Weights, known: Iterable[str]) -> float:
    """The part of the holdings that is known; 1 when nothing is held."""
    total = sum(weights.values(), Decimal(0))
    return float(sum(weights.get(s, Decimal(0)) for s in known) / total) if total else 1.0


def _volatility(
    weights: Weights,
    known: list[str],
    sigma: Floats,
    covered: float,
) -> float | None:
    if not weights:
        return 0.0
    if covered <= 0:
        return None
    w = np.array([float(weights.get(symbol, 0)) for symbol in known]) / covered
    # Correlations that were measured pair by pair need not be those of anything: not below 0.
    variance = math.fsum((w[:, None] * sigma * w[None, :]).ravel().tolist())
    return math.sqrt(max(variance, 0.0))
