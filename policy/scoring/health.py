"""How healthy a portfolio is, from 0 to 100: spread over countries, dividends, quality."""

from __future__ import annotations

from collections.abc import Mapping

from ledger.opinion import PortfolioHealth
from policy.scoring.end_state import WORST_DEVIATION, mean_deviation

DIVERSIFICATION, DIVIDEND, QUALITY = 0.40, 0.30, 0.30
NEUTRAL = 50.0
# Without targets a portfolio is taken to be this far off.
ASSUMED_DEVIATION = 0.2
UNKNOWN_QUALITY = 0.5


def health(
    weights: Mapping[int, float],
    *,
    country_targets: Mapping[str, float],
    country_weights: Mapping[str, float],
    yields: Mapping[int, float | None],
    qualities: Mapping[int, float | None],
) -> PortfolioHealth:
    """Of positions with `weights` of the total value, by security id; groups by name.

    0.40 × 100 (1 - mean deviation / 0.3) + 0.30 × min(100, 30 + 1000 × weighted yield)
    + 0.30 × 100 × weighted quality, where a quality that is not known counts as 0.5.
    """
    held = {key: weight for key, weight in weights.items() if weight > 0}
    if not held:
        return PortfolioHealth(NEUTRAL, NEUTRAL, NEUTRAL, NEUTRAL, {"total": "nothing is held"})
    reasons: dict[str, str] = {}
    spread = _diversification(country_targets, country_weights, reasons)
    dividend = _dividend(held, yields, reasons)
    quality = _quality(held, qualities, reasons)
    total = DIVERSIFICATION * spread + DIVIDEND * dividend + QUALITY * quality
    return PortfolioHealth(round(total, 1), spread, dividend, quality, reasons)


def _diversification(
    targets: Mapping[str, float], current: Mapping[str, float], reasons: dict[str, str]
) -> float:
    deviation = mean_deviation(targets, current)
    if deviation is None:
        reasons["diversification"] = "no country has a target"
        deviation = ASSUMED_DEVIATION
    return round(max(0.0, 100.0 * (1.0 - deviation / WORST_DEVIATION)), 1)


def _dividend(
    held: Mapping[int, float], yields: Mapping[int, float | None], reasons: dict[str, str]
) -> float:
    paid = [(weight, yields.get(key)) for key, weight in held.items()]
    known = [weight * found for weight, found in paid if found is not None]
    if not known:
        reasons["dividend"] = "no yield is known"
        return NEUTRAL
    return round(min(100.0, 30.0 + 1000.0 * sum(known)), 1)


def _quality(
    held: Mapping[int, float], qualities: Mapping[int, float | None], reasons: dict[str, str]
) -> float:
    scores = [(weight, qualities.get(key)) for key, weight in held.items()]
    unknown = sum(1 for _, score in scores if score is None)
    if unknown == len(scores):
        reasons["quality"] = "no quality is known"
        return NEUTRAL
    if unknown:
        reasons["quality"] = f"the quality of {unknown} of {len(scores)} positions is not known"
    total = sum(w * (UNKNOWN_QUALITY if score is None else score) for w, score in scores)
    return round(min(100.0, 100.0 * total), 1)
