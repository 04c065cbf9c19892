"""What may be asked of scoring; the analyst answers it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from ledger.score import Score
from wire.mailbox import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreSeries(Request[Score]):
    """Score a company's prices without keeping anything; the reply has no security.

    `daily` closes above 0 and `monthly` month ends with their closes, oldest first. `figures` by
    the names of metrics win over computed ones. What is None comes from the settings in force.
    """

    symbol: str
    daily: tuple[float, ...]
    monthly: tuple[tuple[date, float], ...] = ()
    figures: Mapping[str, float] = field(default_factory=dict[str, float])
    target_annual_return: Decimal | None = None
    market_avg_pe: Decimal | None = None
