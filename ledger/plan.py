"""A plan: an ordered list of steps that was found better than doing nothing, with its reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final, Literal

from ledger.bucket import Autonomy
from ledger.money import Money, Price, Quantity
from ledger.order import OrderState, Side
from ledger.plan_facts import PlanFacts


class StepState(StrEnum):
    """proposed → approved → submitting → submitted → partially_filled → filled, and the exits.

    `refused` by a gate, `rejected` by the broker, `expired` unfilled, `superseded` by a newer plan,
    `dismissed` by the owner, `failed` when the order is proved never to have arrived.
    """

    PROPOSED = "proposed"
    APPROVED = "approved"
    SUBMITTING = "submitting"
    SUBMITTED = "submitted"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    REFUSED = "refused"
    REJECTED = "rejected"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    DISMISSED = "dismissed"
    FAILED = "failed"


# No order was made of it yet.
WAITING_STEPS = frozenset({StepState.PROPOSED, StepState.APPROVED})
# Its order is on the way.
SENT_STEPS = frozenset({StepState.SUBMITTING, StepState.SUBMITTED, StepState.PARTIALLY_FILLED})
OPEN_STEPS = WAITING_STEPS | SENT_STEPS

# What the state of its order means for a step. One whose arrival is not known is still leaving.
STEP_OF_ORDER: Final[Mapping[OrderState, StepState]] = {
    OrderState.PROPOSED: StepState.SUBMITTING,
    OrderState.SUBMITTING: StepState.SUBMITTING,
    OrderState.UNKNOWN: StepState.SUBMITTING,
    OrderState.ESCALATED: StepState.SUBMITTING,
    OrderState.ACCEPTED: StepState.SUBMITTED,
    OrderState.ACTIVE: StepState.SUBMITTED,
    OrderState.PARTIALLY_FILLED: StepState.PARTIALLY_FILLED,
    OrderState.FILLED: StepState.FILLED,
    OrderState.REFUSED: StepState.REFUSED,
    OrderState.REJECTED: StepState.REJECTED,
    OrderState.NOT_PLACED: StepState.FAILED,
    OrderState.CANCELLED: StepState.EXPIRED,
    OrderState.EXPIRED: StepState.EXPIRED,
    OrderState.SIMULATED: StepState.SUPERSEDED,
}


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
class Proof:
    """How good a plan is among everything its candidates allow. Figures are points of the score.

    No sequence of up to `depth` of the `candidates` is worth more than `bound` beyond doing
    nothing; the plan is worth `bound` − `gap`. `proved`: there is no gap. Up to `proved_depth`
    steps that holds without one. `explored` of at most `budget` sequences were evaluated.
    """

    proved: bool
    gap: float
    bound: float
    explored: int
    budget: int
    depth: int
    proved_depth: int
    candidates: int


@dataclass(frozen=True, slots=True)
class ScorePart:
    """One component of a score: its own value from 0 to 1 and its weight."""

    name: str
    value: float
    weight: float

    @property
    def contribution(self) -> float:
        return self.value * self.weight


@dataclass(frozen=True, slots=True)
class Breakdown:
    """What a score of 0 to 1 is made of, and what the costs of getting there take from it."""

    parts: tuple[ScorePart, ...]
    cost_eur: Money
    cost_penalty: float
    total: float


@dataclass(frozen=True, slots=True)
class PlannedTrade:
    side: Side
    symbol: str
    quantity: Quantity
    value_eur: Money


@dataclass(frozen=True, slots=True)
class Alternative:
    """A sequence that was found too. `net` is what it is worth beyond doing nothing, in points,
    after costs and the hurdle of its turnover; `origins` are the ways that led to it. One that is
    not `executable` breaks a rule on purpose, to show what the rule costs.
    """

    trades: tuple[PlannedTrade, ...]
    net: float
    end: Breakdown
    origins: tuple[str, ...]
    executable: bool = True


@dataclass(frozen=True, slots=True)
class Robustness:
    """How a sequence does when prices move: scores are 0 to 1 less those of doing nothing.

    `final` is what it was chosen by; `standard_error` is that of `mean`, None for fixed scenarios.
    """

    method: str
    scenarios: int
    horizon_days: int
    mean: float
    worst: float
    p10: float
    p90: float
    final: float
    standard_error: float | None


@dataclass(frozen=True, slots=True)
class NewMoney:
    """`free_eur` is cash that is there to be invested, `spent_eur` what the plan spends of it.

    `deposit_eur` is the smallest deposit that would let purchases alone reach every target once
    the plan is done; None when no deposit could, `blocked_by` names what stands in its way.
    `deposit_share` is that deposit ÷ what the account is worth then, None when it is not known.
    """

    free_eur: Money
    spent_eur: Money
    deposit_eur: Money | None
    blocked_by: tuple[str, ...] = ()
    deposit_share: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """The best sequence for one bucket and one snapshot; without steps it says: hold.

    `portfolio_hash` names the holdings, cash and configuration planned for, `input_hash` all that
    the plan was made from; `evaluated` counts the sequences scored. Scores are 100 × the objective.
    `origins` are the ways by which the sequence was found; `notes` say what was missing; `facts` is
    what its words were made from.
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
    input_hash: str | None = None
    config_name: str = ""
    config_hash: str = ""
    seed: int = 0
    origins: tuple[str, ...] = ()
    proof: Proof | None = None
    start: Breakdown | None = None
    end: Breakdown | None = None
    alternatives: tuple[Alternative, ...] = ()
    robustness: Robustness | None = None
    new_money: NewMoney | None = None
    notes: tuple[str, ...] = ()
    facts: PlanFacts | None = None


@dataclass(frozen=True, slots=True)
class StoredStep:
    """A step with what became of it."""

    plan_id: str
    step: PlanStep
    state: StepState
    intent_id: int | None

    @property
    def step_id(self) -> str:
        """Its name to the outside: the plan's and its number."""
        return f"{self.plan_id}-{self.step.number}"


@dataclass(frozen=True, slots=True)
class StoredPlan:
    """`postponed_until`: the owner wants nothing of it to leave before (market time)."""

    plan: Plan
    steps: tuple[StoredStep, ...]
    superseded: bool
    postponed_until: datetime | None = None

    @property
    def next_step(self) -> StoredStep | None:
        """The first step that still waits; None when the plan is done or was given up."""
        if self.superseded:
            return None
        return next((s for s in self.steps if s.state in OPEN_STEPS), None)

    @property
    def ahead(self) -> tuple[PlanStep, ...]:
        """The next step and, when it is a conversion, everything up to the trade that it funds."""
        following = self.next_step
        if following is None:
            return ()
        steps = [s.step for s in self.steps if s.step.number >= following.step.number]
        trade = next((i for i, step in enumerate(steps) if step.kind == "trade"), len(steps) - 1)
        return tuple(steps[: trade + 1])

    def awaits_word(self, autonomy: Autonomy) -> bool:
        """Whether the next step leaves only once its owner has approved it.

        A conversion leaves by itself only when the trade that it funds does so, too.
        """
        following = self.next_step
        if following is None or following.state is not StepState.PROPOSED:
            return False
        alone = all(autonomy.acts_alone(step.value_eur) for step in self.ahead)
        return autonomy.mode != "advise" and not alone
