"""The state of the market as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

RegimeName = Literal["bull", "bear", "sideways"]


@dataclass(frozen=True, slots=True)
class Regime:
    """`mean_distance` and `per_index` are price / SMA200 - 1, fractions; `confidence` 0 to 1.

    Without enough data it is `sideways` with confidence 0 and a `reason`; `stale` when the newest
    index bar is too old to go by.
    """

    regime: RegimeName
    confidence: float
    mean_distance: float | None
    per_index: Mapping[str, float]
    as_of: date | None
    stale: bool
    reason: str | None


UNKNOWN_REGIME = Regime("sideways", 0.0, None, {}, None, True, "no index has been read yet")
