"""What planning knows of one security besides its price: scores, growth, risk, time held."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from math import fsum
from typing import Final

from ledger.score import Score
from policy.metric_registry import Metrics
from policy.planning.config import PlannerConfig
from policy.scoring.end_state import PROFILES, EndStateParts, parts_of
from policy.scoring.end_state import READS as PARTS
from policy.scoring.mappings import total_return

READS = PARTS | {
    "CAGR_1Y", "CAGR_3Y", "CAGR_5Y", "CAGR_10Y", "DIVIDEND_YIELD", "VOLATILITY_ANNUAL",
}  # fmt: skip
NO_PARTS = EndStateParts(None, None, None)
# What one, three and five years say of what is to come.
TIMEFRAMES: Final = (0.2, 0.3, 0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityFacts:
    """Scores are 0 to 1, yields and rates fractions per year; what is not known is None.

    `quality` is the mean of the long-term and the fundamental score, `growth` the yearly growth
    that is usual for it, of five years or else of ten. `returns` are total returns per year over
    one, three and five years. `bought_on` is the day of the oldest share still held.
    """

    quality: float | None = None
    dividend_yield: float | None = None
    parts: EndStateParts = NO_PARTS
    growth: float | None = None
    returns: tuple[float | None, float | None, float | None] = (None, None, None)
    volatility: float | None = None
    bought_on: date | None = None


UNKNOWN_FACTS = SecurityFacts()


def facts_of(score: Score | None, bought_on: date | None) -> SecurityFacts:
    """What a score tells to planning; a return is growth of the price plus dividend yield."""
    if score is None:
        return SecurityFacts(bought_on=bought_on)
    metrics: Metrics = {name: score.metrics.get(name) for name in READS}
    five, ten = metrics["CAGR_5Y"], metrics["CAGR_10Y"]
    paid = metrics["DIVIDEND_YIELD"]
    one_year, three_years, five_years = (
        None if grown is None or paid is None else grown + paid
        for grown in (metrics["CAGR_1Y"], metrics["CAGR_3Y"], five)
    )
    return SecurityFacts(
        quality=score.quality,
        dividend_yield=paid,
        parts=parts_of(metrics),
        growth=ten if five is None else five,
        returns=(one_year, three_years, five_years),
        volatility=score.volatility,
        bought_on=bought_on,
    )


def worth_of(facts: SecurityFacts, config: PlannerConfig) -> float:
    """What one unit of weight in the security adds to the end-state score; unknown counts as 0.5.

    worth = wT × total return + wP × promise + wS × stability, weights of the risk profile. With
    `enable_multi_timeframe` the total-return part is the mean of those of one, three and five
    years by 0.2, 0.3 and 0.5, of those that are known.
    """
    parts = facts.parts
    if config.enable_multi_timeframe:
        parts = replace(parts, total_return=_over_time(facts.returns))
    return parts.worth(PROFILES[config.risk_profile])


def _over_time(returns: Sequence[float | None]) -> float | None:
    known = [
        (share, total_return(earned))
        for share, earned in zip(TIMEFRAMES, returns, strict=True)
        if earned is not None
    ]
    if not known:
        return None
    return fsum(share * part for share, part in known) / fsum(share for share, _ in known)
