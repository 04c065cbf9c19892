"""Whether a position gained far more than its security usually does, and what to take out of it."""

from __future__ import annotations

from typing import Final

from ledger.opinion import Windfall
from policy.metric_registry import Metrics, names_of
from policy.scoring.mappings import Corners, along

PRODUCES = names_of("position")
READS = frozenset({"CAGR_5Y", "CAGR_10Y"})

USUAL_GROWTH = 0.10
SHORTEST_YEARS = 0.1
SCORE: Final[Corners] = ((0.0, 0.0), (0.25, 0.5), (0.50, 1.0))
DOUBLED = 1.0


def windfall(metrics: Metrics, *, gain: float | None, years_held: float | None) -> Windfall | None:
    """What a gain is beyond (1 + growth)^years - 1; None while gain or holding time is unknown.

    Growth per year is that of five years, else of ten, else 10 %. Held for less than 0.1 years
    counts as that.
    """
    if gain is None or years_held is None:
        return None
    years = max(years_held, SHORTEST_YEARS)
    known = metrics["CAGR_5Y"] if metrics["CAGR_5Y"] is not None else metrics["CAGR_10Y"]
    growth = USUAL_GROWTH if known is None else known
    expected = _expected(growth, years)
    excess = gain - expected
    return Windfall(
        gain=gain,
        years_held=years,
        growth=growth,
        assumed_growth=known is None,
        expected=expected,
        excess=excess,
        score=along(SCORE, excess),
        sell_share=_sell_share(gain, excess),
    )


def as_metrics(found: Windfall | None) -> Metrics:
    """Every name of PRODUCES."""
    return {
        "EXCESS_GAIN": None if found is None else found.excess,
        "WINDFALL_SCORE": None if found is None else found.score,
    }


def _expected(growth: float, years: float) -> float:
    """0 where growth cannot be compounded: then the whole gain is in excess of it."""
    if growth <= -1:
        return 0.0
    try:
        return float((1 + growth) ** years - 1)
    except OverflowError:
        return 0.0


def _sell_share(gain: float, excess: float) -> float | None:
    if gain >= DOUBLED:
        return 0.50 if excess > 0.30 else 0.30
    if excess >= 0.50:
        return 0.40
    return 0.20 if excess >= 0.25 else None
