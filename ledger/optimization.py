"""A run of the optimizer: what it aimed at, what it found, and what held it back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Literal

from ledger.money import Money

LEAST_CHANGE = Decimal("0.001")
"""A weight that is off by no more is where it should be."""

Fallback = Literal["min_volatility", "efficient_risk", "max_sharpe", "hrp"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupBand:
    """The band a group was to stay in, and how far the result is outside of it (0 inside)."""

    kind: Literal["country", "industry"]
    name: str
    target: float
    low: float
    high: float
    slack: float


@dataclass(frozen=True, slots=True)
class Correlation:
    symbol1: str
    symbol2: str
    correlation: float


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A weight that is to change, in fractions of the total value, and what that is in EUR."""

    symbol: str
    current: Decimal
    target: Decimal
    change_eur: Decimal

    @property
    def change(self) -> Decimal:
        return self.target - self.current


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizerRun:
    """Weights are fractions of the total value T; what they leave out is cash.

    `run_id` follows from the inputs and the market instant, `total` is T in EUR. `weights` hold
    every security that has a target, those without data at their current weight
    (`held_without_data`). `error` says why there are none. Returns are fractions per year.
    `concentration` is the Herfindahl-Hirschman index of what is invested; `risk_shares` are the
    parts of `achieved_volatility` by symbol, which they add up to.
    """

    run_id: str
    market_at: datetime
    machine_at: datetime
    inputs_hash: str
    error: str | None
    total: Money
    weights: Mapping[str, Decimal]
    current: Mapping[str, Decimal]
    expected: Mapping[str, float]
    target_return: float
    achieved_return: float | None
    achieved_volatility: float | None
    blend: float
    fallback: Fallback | None
    level: Literal["full", "relaxed", "none"]
    regime: str
    cash_share: Decimal
    locked: tuple[str, ...]
    buy_only: tuple[str, ...]
    sell_blocked: tuple[str, ...]
    held_without_data: tuple[str, ...]
    bands: tuple[GroupBand, ...]
    correlations: tuple[Correlation, ...]
    concentration: float | None = None
    risk_shares: Mapping[str, float] = field(default_factory=dict[str, float])
    notes: tuple[str, ...] = ()

    @property
    def success(self) -> bool:
        return self.error is None

    @property
    def adjustments(self) -> tuple[Adjustment, ...]:
        """Every weight that would change by more than 0.001, the largest change first."""
        if self.error is not None:
            return ()
        zero = Decimal(0)
        pairs = {
            symbol: (self.current.get(symbol, zero), self.weights.get(symbol, zero))
            for symbol in {*self.current, *self.weights}
        }
        found = (
            Adjustment(symbol, now, then, (then - now) * self.total.amount)
            for symbol, (now, then) in pairs.items()
            if abs(then - now) > LEAST_CHANGE
        )
        return tuple(sorted(found, key=lambda one: (-abs(one.change), one.symbol)))
