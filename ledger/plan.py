"""A plan: an ordered list of steps that was found better than doing nothing, with its reasons."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from ledger.money import Money, Price, Quantity
from ledger.order import Side


class StepState(StrEnum):
    PROPOSED = "proposed"
    SUBMITTING = "submitting"
    FILLED = "filled"
    REFUSED = "refused"
    REJECTED = "rejected"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"


OPEN_STEPS = frozenset({StepState.PROPOSED, StepState.SUBMITTING})


@dataclass(frozen=True, slots=True)
class PlanStep:
    """One trade. `kind` fx is a conversion that funds a later buy and has no security_id.

    Scores are 100 × the objective; cash is in EUR over all currencies, after fees.
    """

    number: int
    kind: Literal["trade", "fx"]
    side: Side
    symbol: str
    name: str
    security_id: int | None
    quantity: Quantity
    price: Price
    value_eur: Money
    fee_eur: Money
    reason: str
    tags: tuple[str, ...]
    score_before: float
    score_after: float
    cash_before_eur: Money
    cash_after_eur: Money


@dataclass(frozen=True, slots=True)
class Plan:
    """The best sequence for one bucket and one snapshot; without steps it says: hold.

    `portfolio_hash` names the holdings, cash and configuration planned for; `evaluated` counts
    the sequences scored. Scores are 100 × the objective.
    """

    plan_id: str
    bucket_id: str
    created_at: datetime
    portfolio_hash: str
    objective: str
    steps: tuple[PlanStep, ...]
    current_score: float
    end_score: float
    evaluated: int
    cash_required_eur: Money
    cash_generated_eur: Money
    narrative: str


@dataclass(frozen=True, slots=True)
class StoredStep:
    """A step with what became of it."""

    plan_id: str
    step: PlanStep
    state: StepState
    intent_id: int | None


@dataclass(frozen=True, slots=True)
class StoredPlan:
    plan: Plan
    steps: tuple[StoredStep, ...]
    superseded: bool

    @property
    def next_step(self) -> StoredStep | None:
        """The first step that still waits; None when the plan is done or was given up."""
        if self.superseded:
            return None
        return next((s for s in self.steps if s.state in OPEN_STEPS), None)
