"""The plan as JSON, and the sales that cover negative cash before its steps."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

import msgspec

from ledger.bucket import Autonomy, default_autonomy
from ledger.currency import BASE
from ledger.emergency import EmergencySale
from ledger.fact import CORE
from ledger.money import Money
from ledger.plan import StoredPlan, StoredStep
from web.api.plan_parts import Insight, insight
from web.api.planner import PLANNING
from web.context import Web, here
from web.encode import amount, price, score


class StepRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One step. Prices are in `currency`, values and cash in EUR, scores are 0–100.

    Sales that cover negative cash come first and belong to no plan. `plan_step` is the number by
    which a step of the plan is executed, `step_id` the name by which it is dismissed.
    """

    step: int
    plan_step: int | None
    step_id: str | None
    kind: str
    side: str
    symbol: str
    name: str
    quantity: Decimal
    currency: str
    estimated_price: Decimal | None
    estimated_value: Decimal
    estimated_fee: Decimal
    reason: str
    tags: list[str]
    portfolio_score_before: float | None
    portfolio_score_after: float | None
    score_change: float | None
    available_cash_before: Decimal
    available_cash_after: Decimal
    is_emergency: bool
    is_windfall: bool
    is_averaging_down: bool
    contributes_to: list[str]
    state: str
    intent_id: int | None


class Recommendations(Insight, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The current plan; without steps it says: hold. `state` is ready, planning, stale or none.

    Depth, scores and cash are those of the plan alone, whatever stands before its steps.
    `awaiting_approval`: its next step leaves only once the owner approves it.
    """

    state: str
    depth: int
    steps: list[StepRow]
    total_score_improvement: float
    final_available_cash: Decimal
    evaluated_count: int
    plan_id: str | None
    bucket_id: str | None
    portfolio_hash: str | None
    objective: str | None
    generated_at: datetime | None
    narrative_summary: str | None
    current_score: float | None
    end_state_score: float | None
    feasible: bool
    cash_required: Decimal
    cash_generated: Decimal
    next_step: int | None
    autonomy: str
    act_below_eur: Decimal | None
    awaiting_approval: bool
    postponed_until: datetime | None
    broker: str
    paper: bool


def _state(web: Web, stored: StoredPlan | None) -> str:
    planner = web.boards.planner.value
    if planner is not None and planner.state in PLANNING:
        return "planning"
    if stored is None:
        return "none"
    stale = stored.superseded or (
        planner is not None and planner.portfolio_hash != stored.plan.portfolio_hash
    )
    return "stale" if stale else "ready"


def autonomy_of(web: Web, bucket_id: str) -> Autonomy:
    """What the owner said of a bucket, or what holds while he has said nothing."""
    buckets = web.boards.buckets.value or ()
    said = next((one.autonomy for one in buckets if one.bucket_id == bucket_id), None)
    return said or default_autonomy(paper=web.paper)


def plan_rows(web: Web) -> Recommendations:
    stored = web.boards.plan.value
    return _nothing(web) if stored is None else rows_of(web, stored)


def rows_of(web: Web, stored: StoredPlan) -> Recommendations:
    """One plan, whether or not it is the current one."""
    current = web.boards.plan.value
    newest = current is not None and current.plan.plan_id == stored.plan.plan_id
    plan = stored.plan
    steps = stored.steps
    autonomy = autonomy_of(web, plan.bucket_id)
    gain = steps[-1].step.score_after - steps[0].step.score_before if steps else 0.0
    following = stored.next_step
    return Recommendations(
        **msgspec.structs.asdict(insight(plan)),
        state=_state(web, stored) if newest else "stale",
        depth=len(steps),
        steps=[_step(step) for step in steps],
        total_score_improvement=round(gain, 2),
        final_available_cash=steps[-1].step.cash_after_eur.amount if steps else Decimal(0),
        evaluated_count=plan.evaluated,
        plan_id=plan.plan_id,
        bucket_id=plan.bucket_id,
        portfolio_hash=plan.portfolio_hash[:8],
        objective=plan.objective,
        generated_at=plan.created_at,
        narrative_summary=plan.narrative,
        current_score=score(plan.current_score),
        end_state_score=score(plan.end_score),
        feasible=True,
        cash_required=plan.cash_required_eur.amount,
        cash_generated=plan.cash_generated_eur.amount,
        next_step=None if following is None else following.step.number,
        autonomy=autonomy.mode,
        act_below_eur=amount(autonomy.act_below),
        awaiting_approval=stored.awaits_word(autonomy),
        postponed_until=stored.postponed_until,
        broker=web.broker,
        paper=web.paper,
    )


def behind(sales: Sequence[EmergencySale], plan: Recommendations) -> Recommendations:
    """The sales before the plan's steps, which are counted on; its totals stay the plan's own."""
    count = len(sales)
    first = [_sale(number, sale) for number, sale in enumerate(sales, start=1)]
    rest = [msgspec.structs.replace(row, step=row.step + count) for row in plan.steps]
    following = None if plan.next_step is None else plan.next_step + count
    return msgspec.structs.replace(plan, steps=[*first, *rest], next_step=following)


def _sale(number: int, sale: EmergencySale) -> StepRow:
    zero = Money.zero(BASE).amount
    return StepRow(
        step=number,
        plan_step=None,
        step_id=None,
        kind="trade",
        side="SELL",
        symbol=sale.symbol,
        name=_name(sale.symbol),
        quantity=sale.quantity.units,
        currency=sale.price.currency,
        estimated_price=price(sale.price),
        estimated_value=sale.value_eur.amount,
        estimated_fee=zero,
        reason=sale.reason,
        tags=["emergency"],
        portfolio_score_before=0.0,
        portfolio_score_after=0.0,
        score_change=0.0,
        available_cash_before=zero,
        available_cash_after=zero,
        is_emergency=True,
        is_windfall=False,
        is_averaging_down=False,
        contributes_to=[],
        state="proposed" if sale.intent_id is None else "submitting",
        intent_id=sale.intent_id,
    )


def _name(symbol: str) -> str:
    snapshot = here().boards.portfolio.value
    held = None if snapshot is None else snapshot.held(symbol)
    return symbol if held is None else held.security.instrument.name


def _nothing(web: Web) -> Recommendations:
    """The answer before the first plan."""
    zero = Money.zero(BASE).amount
    autonomy = autonomy_of(web, CORE)
    return Recommendations(
        state=_state(web, None),
        depth=0,
        steps=[],
        total_score_improvement=0.0,
        final_available_cash=zero,
        evaluated_count=0,
        plan_id=None,
        bucket_id=None,
        portfolio_hash=None,
        objective=None,
        generated_at=None,
        narrative_summary=None,
        current_score=None,
        end_state_score=None,
        feasible=False,
        cash_required=zero,
        cash_generated=zero,
        next_step=None,
        autonomy=autonomy.mode,
        act_below_eur=amount(autonomy.act_below),
        awaiting_approval=False,
        postponed_until=None,
        broker=web.broker,
        paper=web.paper,
    )


def _step(stored: StoredStep) -> StepRow:
    step = stored.step
    return StepRow(
        step=step.number,
        plan_step=step.number,
        step_id=stored.step_id,
        kind=step.kind,
        side=step.side,
        symbol=step.symbol,
        name=step.name,
        quantity=step.quantity.units,
        currency=step.price.currency,
        estimated_price=price(step.price),
        estimated_value=step.value_eur.amount,
        estimated_fee=step.fee_eur.amount,
        reason=step.reason,
        tags=list(step.tags),
        portfolio_score_before=score(step.score_before, 1),
        portfolio_score_after=score(step.score_after, 1),
        score_change=score(step.score_after - step.score_before),
        available_cash_before=step.cash_before_eur.amount,
        available_cash_after=step.cash_after_eur.amount,
        is_emergency=False,
        is_windfall="windfall" in step.tags,
        is_averaging_down="averaging_down" in step.tags,
        contributes_to=list(step.tags),
        state=stored.state.value,
        intent_id=stored.intent_id,
    )
