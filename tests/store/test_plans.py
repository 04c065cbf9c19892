"""Plans are kept whole, one is current per bucket, and steps move only from where they are."""

from __future__ import annotations

from datetime import datetime

import pytest

from ledger.errors import Conflict, Missing
from ledger.money import Price, Quantity
from ledger.plan import Plan, PlanStep, StepState
from store.store import Store
from tests.store.builders import NOW, after, eur, proposal


def step(number: int) -> PlanStep:
    return PlanStep(
        number=number,
        kind="trade",
        side="BUY",
        symbol="AAA.EU",
        name="AAA AG",
        security_id=None,
        quantity=Quantity.of("1.5"),
        price=Price.of("10.123456", "EUR"),
        value_eur=eur("15.18"),
        fee_eur=eur("2"),
        reason="cheap",
        tags=("value", "drift"),
        score_before=61.1234567890123,
        score_after=0.1 + 0.2,
        cash_before_eur=eur("100"),
        cash_after_eur=eur("82.82"),
    )


def plan(plan_id: str = "p1", *, at: datetime = NOW, bucket: str = "core") -> Plan:
    return Plan(
        plan_id=plan_id,
        bucket_id=bucket,
        created_at=at,
        portfolio_hash="abc",
        objective="diversification",
        steps=(step(1), step(2)),
        current_score=61.5,
        end_score=63.25,
        evaluated=12_345,
        cash_required_eur=eur("30.36"),
        cash_generated_eur=eur("0"),
        narrative="Buy twice.",
    )


async def test_a_plan_comes_back_as_it_was(inline_store: Store) -> None:
    stored = await inline_store.plans.commit(plan())
    assert stored.plan == plan()
    assert [s.step for s in stored.steps] == [step(1), step(2)]
    assert not stored.superseded
    assert stored.next_step is not None
    assert stored.next_step.step.number == 1
    assert await inline_store.plans.get("p1") == stored
    assert await inline_store.plans.current("core") == stored
    assert await inline_store.plans.current("sat-1") is None


async def test_a_new_plan_replaces_the_one_before(inline_store: Store) -> None:
    plans = inline_store.plans
    await plans.commit(plan("p1"))
    await plans.commit(plan("s1", bucket="sat-1"))
    await plans.move_step("p1", 1, expected=StepState.PROPOSED, to=StepState.SUBMITTING)
    second = await plans.commit(plan("p2", at=after(1)))
    old = await plans.get("p1")
    assert old.superseded
    assert old.next_step is None
    assert [s.state for s in old.steps] == [StepState.SUBMITTING, StepState.SUPERSEDED]
    assert await plans.current("core") == second
    other = await plans.current("sat-1")
    assert other is not None
    assert other.plan.plan_id == "s1"


async def test_plans_may_stand_side_by_side(inline_store: Store) -> None:
    await inline_store.plans.commit(plan("p1"))
    await inline_store.plans.commit(plan("p2", at=after(1)), supersede=False)
    assert not (await inline_store.plans.get("p1")).superseded
    current = await inline_store.plans.current("core")
    assert current is not None
    assert current.plan.plan_id == "p2"


async def test_a_step_moves_only_from_where_it_is(inline_store: Store) -> None:
    plans = inline_store.plans
    await plans.commit(plan())
    intent = await inline_store.orders.propose(proposal(), mode="live", at=NOW)
    proposed, submitting, filled = (
        StepState.PROPOSED, StepState.SUBMITTING, StepState.FILLED,
    )  # fmt: skip
    assert await plans.move_step(
        "p1", 1, expected=proposed, to=submitting, intent_id=intent.intent_id
    )
    assert not await plans.move_step("p1", 1, expected=proposed, to=filled)
    assert await plans.move_step("p1", 1, expected=submitting, to=filled)
    first = (await plans.get("p1")).steps[0]
    assert (first.state, first.intent_id) == (filled, intent.intent_id)


async def test_a_plan_that_was_given_up_is_not_current(inline_store: Store) -> None:
    await inline_store.plans.commit(plan())
    await inline_store.plans.supersede("p1")
    assert await inline_store.plans.current("core") is None
    assert (await inline_store.plans.get("p1")).steps[0].state is StepState.SUPERSEDED


async def test_plan_ids_are_unique_and_unknown_ones_are_missing(inline_store: Store) -> None:
    await inline_store.plans.commit(plan())
    with pytest.raises(Conflict):
        await inline_store.plans.commit(plan())
    assert not (await inline_store.plans.get("p1")).superseded
    with pytest.raises(Missing):
        await inline_store.plans.get("nothing")


async def test_only_given_up_plans_without_an_order_are_forgotten(store: Store) -> None:
    await store.plans.commit(plan("old"))
    await store.plans.commit(plan("traded"))
    intent = await store.orders.propose(proposal(), mode="live", at=NOW)
    await store.plans.move_step(
        "traded",
        1,
        expected=StepState.PROPOSED,
        to=StepState.SUBMITTING,
        intent_id=intent.intent_id,
    )
    await store.plans.commit(plan("current", at=after(1)))
    assert await store.plans.prune(after(2)) == 1
    assert (await store.plans.get("traded")).superseded
    assert (await store.plans.get("current")).plan.plan_id == "current"
    with pytest.raises(Missing):
        await store.plans.get("old")
    assert await store.plans.prune(after(2)) == 0
