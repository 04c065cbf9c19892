"""What is thought of a security: its scores with what they rest on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Scores are 0 to 1; what could not be scored is None and counts for nothing.

    `total` is the weighted mean of the groups that could be scored, drawn towards 0.5 by what is
    missing; `coverage` the part of the weights it rests on. `groups` by name, `parts` by group and
    name; a group or part that does not apply to the security is not in there. `metrics` are the
    figures behind them by the names of `policy.metric_registry`; rates are fractions.
    `history_years` is the span of the bars and `last_bar` the newest. Without a total there is a
    `reason`.
    """

    security_id: int
    symbol: str
    total: float | None
    coverage: float
    groups: Mapping[str, float | None]
    parts: Mapping[str, Mapping[str, float | None]]
    metrics: Mapping[str, float | None]
    history_years: float | None
    last_bar: date | None
    reason: str | None = None

    @property
    def volatility(self) -> float | None:
        """Annual volatility of the daily total return."""
        return self.metrics.get("VOLATILITY_ANNUAL")

    @property
    def dividend_yield(self) -> float | None:
        """What was paid in the last 365 days, by the last close."""
        return self.metrics.get("DIVIDEND_YIELD")

    @property
    def quality(self) -> float | None:
        """Mean of long_term and fundamentals, of one of them when the other is missing."""
        known = [self.groups.get(name) for name in ("long_term", "fundamentals")]
        found = [value for value in known if value is not None]
        return sum(found) / len(found) if found else None


@dataclass(frozen=True, slots=True)
class Scores:
    """The newest score of every security, by security id, as of a market day."""

    as_of: date
    by_id: Mapping[int, Score]

    def of(self, symbol: str) -> Score | None:
        return next((score for score in self.by_id.values() if score.symbol == symbol), None)


@dataclass(frozen=True, slots=True)
class PastScore:
    """A score from `day` on, until the next one. Figures to a millionth."""

    day: date
    total: float | None
    coverage: float
    groups: Mapping[str, float | None]
