"""How much a portfolio moves in a year, from volatilities and correlations of its holdings."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
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
    known = _known(ranked, facts, correlations)
    sigma = _covariance(known, facts, correlations)
    shares = [_covered(weights, known) for weights in (before, after)]
    return VolatilityChange(
        _volatility(before, known, sigma, shares[0]),
        _volatility(after, known, sigma, shares[1]),
        min(shares),
    )


def _known(
    ranked: Iterable[str], facts: Mapping[str, SecurityFacts], correlations: Correlations
) -> list[str]:
    index = correlations.index()
    known: list[str] = []
    for symbol in ranked:
        number = index.get(symbol)
        if number is None or facts.get(symbol, UNKNOWN_FACTS).volatility is None:
            continue
        if all(correlations.between(number, index[other]) is not None for other in known):
            known.append(symbol)
    return known


def _covariance(
    known: list[str], facts: Mapping[str, SecurityFacts], correlations: Correlations
) -> Floats:
    index = correlations.index()
    rho = np.array(
        [[correlations.between(index[a], index[b]) for b in known] for a in known],
        dtype=np.float64,
    ).reshape(len(known), len(known))
    sigma = np.array([facts[symbol].volatility for symbol in known], dtype=np.float64)
    return sigma[:, None] * rho * sigma[None, :]


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
    return math.sqrt(max(float(w @ sigma @ w), 0.0))
