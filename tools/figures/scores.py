"""From figures to scores: the mappings by their corners, and the weights of all parts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise

Corners = tuple[tuple[float, float], ...]
Metrics = Mapping[str, float | None]
Parts = Mapping[str, Mapping[str, float | None]]

GROUPS = {
    "long_term": 0.20, "fundamentals": 0.15, "opportunity": 0.15, "dividends": 0.12,
    "short_term": 0.10, "technicals": 0.10, "opinion": 0.10, "diversification": 0.08,
}  # fmt: skip
PARTS: dict[str, dict[str, float]] = {
    "long_term": {"cagr": 0.40, "sortino": 0.35, "sharpe": 0.25},
    "fundamentals": {"financial_strength": 0.60, "consistency": 0.40},
    "opportunity": {"below_52w_high": 0.50, "pe_ratio": 0.50},
    "dividends": {"yield": 0.70, "consistency": 0.30},
    "short_term": {"momentum": 0.50, "drawdown": 0.50},
    "technicals": {"rsi": 0.35, "bollinger": 0.35, "ema": 0.30},
    "opinion": {"recommendation": 0.60, "price_target": 0.40},
    "diversification": {"country": 0.40, "industry": 0.30, "averaging": 0.30},
}
SHARPE: Corners = ((0.0, 0.0), (0.5, 0.4), (1.0, 0.7), (2.0, 1.0))
SORTINO: Corners = ((0.0, 0.0), (0.5, 0.4), (1.0, 0.6), (1.5, 0.8), (2.0, 1.0))
CONSISTENCY: Corners = ((0.02, 1.0), (0.05, 0.8), (0.15, 0.4))
BELOW_HIGH: Corners = ((0.0, 0.2), (0.10, 0.5), (0.20, 0.8), (0.30, 1.0))
YIELD: Corners = ((0.0, 0.3), (0.01, 0.4), (0.03, 0.7), (0.06, 1.0))
MOMENTUM: Corners = (
    (-0.40, 0.0), (-0.20, 0.2), (-0.10, 0.5), (0.0, 0.6), (0.05, 1.0), (0.15, 1.0), (0.30, 0.8),
    (0.45, 0.5),
)  # fmt: skip
FALLEN: Corners = ((0.10, 1.0), (0.20, 0.8), (0.30, 0.6), (0.50, 0.2), (0.70, 0.0))
RSI: Corners = ((30.0, 1.0), (70.0, 0.0))
OFF_AVERAGE: Corners = ((-0.10, 1.0), (-0.05, 0.7), (0.0, 0.5), (0.10, 0.2))
CHEAP: Corners = ((-0.20, 1.0), (-0.10, 0.7), (0.0, 0.5), (0.20, 0.2))
MARGIN: Corners = ((-0.25, 0.0), (0.0, 0.5), (0.2, 1.0))
DEBT: Corners = ((0.0, 1.0), (2.0, 0.0))
LIQUID: Corners = ((0.0, 0.0), (2.0, 1.0))
UPSIDE: Corners = ((-0.20, 0.0), (0.20, 1.0))
PAYOUT: Corners = ((0.0, 0.5), (0.3, 1.0), (0.6, 1.0), (0.8, 0.7), (1.0, 0.4))
HABIT: Corners = ((0.0, 0.5), (0.10, 1.0))


def along(corners: Corners, x: float | None) -> float | None:
    """On straight lines between the corners, level beyond them."""
    if x is None:
        return None
    if x <= corners[0][0]:
        return corners[0][1]
    for (x0, y0), (x1, y1) in pairwise(corners):
        if x <= x1:
            return y0 + (y1 - y0) * (x - x0) / (x1 - x0)
    return corners[-1][1]


def growth_score(rate: float | None, target: float) -> float | None:
    """0.15 + 0.85 exp(-(c - T)² / 2σ²), σ 0.06 below T and 0.10 above.

    A loss of 2 % and more has 0.15, and what lies between that and no growth is on a straight line.
    """
    if rate is None:
        return None

    def bell(x: float) -> float:
        width = 0.06 if x < target else 0.10
        return 0.15 + 0.85 * math.exp(-((x - target) ** 2) / (2 * width**2))

    if rate >= 0:
        return bell(rate)
    if rate <= -0.02:
        return 0.15
    return 0.15 + (bell(0.0) - 0.15) * (rate + 0.02) / 0.02


def price_parts(metrics: Metrics, target: float) -> dict[tuple[str, str], float | None]:
    """The parts that prices alone decide, by group and name."""
    band, fall = metrics.get("BB_POSITION"), metrics.get("MAX_DRAWDOWN")
    month, quarter = metrics.get("MOMENTUM_30D"), metrics.get("MOMENTUM_90D")
    moved = month if month is None or quarter is None else 0.6 * month + 0.4 * quarter
    return {
        ("long_term", "cagr"): growth_score(metrics.get("CAGR_5Y"), target),
        ("long_term", "sortino"): along(SORTINO, metrics.get("SORTINO")),
        ("long_term", "sharpe"): along(SHARPE, metrics.get("SHARPE")),
        ("opportunity", "below_52w_high"): along(BELOW_HIGH, metrics.get("DISTANCE_FROM_52W_HIGH")),
        ("short_term", "momentum"): along(MOMENTUM, moved),
        ("short_term", "drawdown"): None if fall is None else along(FALLEN, abs(fall)),
        ("technicals", "rsi"): along(RSI, metrics.get("RSI_14")),
        ("technicals", "bollinger"): None if band is None else 1 - band,
        ("technicals", "ema"): along(OFF_AVERAGE, metrics.get("DISTANCE_FROM_EMA_200")),
    }


def total_of(parts: Parts, known: Mapping[tuple[str, str], float]) -> tuple[float, float]:
    """Total and coverage of `parts` by group and name; a part that is not there does not apply.

    `known` is how much of a part is known where that is not all or nothing. With K the known
    weight and M the mean of what is known the total is 0.5 + K (M - 0.5).
    """
    weights: dict[tuple[str, str], float] = {}
    for group, of in parts.items():
        whole = sum(PARTS[group][name] for name in of)
        for name in of:
            weights[group, name] = GROUPS[group] * PARTS[group][name] / whole
    all_of_it = sum(weights.values())
    found, there = 0.0, 0.0
    for (group, name), weight in weights.items():
        value = parts[group][name]
        if value is not None:
            counts = weight / all_of_it * known.get((group, name), 1.0)
            there += counts
            found += counts * value
    middle = found / there if there else 0.5
    return 0.5 + there * (middle - 0.5), there


def mixed(parts: list[tuple[float, float | None]]) -> tuple[float | None, float]:
    """The mean by weight of what is known, and the part of the weights that is."""
    there = [(weight, value) for weight, value in parts if value is not None]
    known = sum(weight for weight, _ in there)
    if not known:
        return None, 0.0
    return sum(w * v for w, v in there) / known, known / sum(weight for weight, _ in parts)
