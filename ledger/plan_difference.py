"""What a plan would change: weights, cash, costs and risk, before and after it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from ledger.money import Money


@dataclass(frozen=True, slots=True)
class WeightChange:
    """Weights are fractions of the total value; without a target there is None."""

    name: str
    before: Decimal
    after: Decimal
    target: Decimal | None


@dataclass(frozen=True, slots=True)
class CashChange:
    """Balances of one currency in that currency."""

    currency: str
    before: Money
    after: Money


@dataclass(frozen=True, slots=True)
class RiskChange:
    """Yearly volatility as a fraction, largest position and drift (half the sum of distances from
    target) as fractions; None where it is not known. `covered` is the share of the holdings' value
    whose volatility and correlations are known.
    """

    volatility_before: float | None
    volatility_after: float | None
    covered: float
    largest_before: Decimal
    largest_after: Decimal
    drift_before: Decimal
    drift_after: Decimal


@dataclass(frozen=True, slots=True)
class PlanDifference:
    plan_id: str
    securities: tuple[WeightChange, ...]
    countries: tuple[WeightChange, ...]
    industries: tuple[WeightChange, ...]
    cash: tuple[CashChange, ...]
    fees_eur: Money
    traded_eur: Money
    turnover: Decimal
    score_before: float
    score_after: float
    risk: RiskChange
