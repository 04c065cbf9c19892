"""What planning knows of one security besides its price: scores, growth, risk, time held."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from policy.scoring.end_state import EndStateParts

NO_PARTS = EndStateParts(None, None, None)


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
