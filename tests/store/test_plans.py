"""Plans are kept whole, one is current per bucket, and steps move only from where they are."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from ledger.errors import Conflict, Missing
from ledger.money import Price, Quantity
from ledger.order import Intent
from ledger.plan import Plan, PlanStep, StepState
from store.proposals import Circumstances
from store.store import Store
from tests.store.builders import NOW, TIMES, after, eur, fill, proposal, submission, view


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


async def leave(store: Store, plan_id: str, number: int) -> Intent:
    """The step becomes an intent because its owner asks for it."""
    wanted, how = proposal(source=plan_id, step=number), Circumstances("live", NOW)
    return await store.plan_words.hand_over(plan_id, number, wanted, how, default=None)


async def state_of(store: Store, plan_id: str, number: int = 1) -> str:
    return (await store.plans.get(plan_id)).steps[number - 1].state


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
    await leave(inline_store, "p1", 1)
    second = await plans.commit(plan("p2", at=after(1)))
    old = await plans.get("p1")
    assert old.superseded
    assert old.next_step is None
    assert [s.state for s in old.steps] == [StepState.SUBMITTING, StepState.SUPERSEDED]
    assert await plans.current("core") == second
    other = await plans.current("sat-1")
    assert other is not None
    assert other.plan.plan_id == "s1"


async def test_a_step_follows_its_order_to_the_end(inline_store: Store) -> None:
    plans, orders = inline_store.plans, inline_store.orders
    await plans.commit(plan())
    intent = await leave(inline_store, "p1", 1)
    assert await plans.follow_orders() == 0
    states = [await state_of(inline_store, "p1")]
    await orders.begin_submit(intent.intent_id, **submission())
    await orders.accepted(intent.intent_id, "b1", at=NOW)
    for seen in (view(), view("partially_filled", filled=4), view("cancelled", filled=4)):
        await orders.apply_view(intent.intent_id, seen, at=NOW)
        assert await plans.follow_orders() in (0, 1)
        states.append(await state_of(inline_store, "p1"))
    assert states == ["submitting", "submitted", "partially_filled", "expired"]
    assert (await plans.get("p1")).superseded


async def test_the_end_of_an_order_gives_its_plan_up(inline_store: Store) -> None:
    await inline_store.plans.commit(plan())
    intent = await leave(inline_store, "p1", 1)
    await inline_store.orders.refuse(intent.intent_id, verdicts=(), retry_after=None, at=NOW)
    assert await inline_store.plans.follow_orders() == 1
    stored = await inline_store.plans.get("p1")
    assert stored.superseded
    assert [s.state for s in stored.steps] == [StepState.REFUSED, StepState.SUPERSEDED]
    assert await inline_store.plans.follow_orders() == 0


async def test_a_filled_conversion_lets_its_plan_go_on(inline_store: Store) -> None:
    first = replace(step(1), kind="fx")
    await inline_store.plans.commit(replace(plan(), steps=(first, step(2))))
    intent = await leave(inline_store, "p1", 1)
    sent = await inline_store.orders.begin_submit(intent.intent_id, **submission())
    await inline_store.orders.accepted(intent.intent_id, "b1", at=NOW)
    await inline_store.facts.record([fill(tag=sent.client_order_id)], **TIMES)
    assert await inline_store.plans.follow_orders() == 1
    current = await inline_store.plans.current("core")
    assert current is not None
    assert current.next_step is not None
    assert current.next_step.step.number == 2


async def test_a_step_of_a_plan_that_was_replaced_is_followed_too(inline_store: Store) -> None:
    await inline_store.plans.commit(plan("p1"))
    intent = await leave(inline_store, "p1", 1)
    await inline_store.plans.commit(plan("p2", at=after(1)))
    await inline_store.orders.refuse(intent.intent_id, verdicts=(), retry_after=None, at=NOW)
    assert await inline_store.plans.follow_orders() == 1
    assert await state_of(inline_store, "p1") == "refused"
    assert not (await inline_store.plans.get("p2")).superseded


async def test_a_postponement_outlives_a_plan_that_only_newer_prices_replaced(
    inline_store: Store,
) -> None:
    until = after(600)
    await inline_store.plans.commit(plan("p1"))
    await inline_store.plan_words.postpone("p1", until, at=NOW)
    same = await inline_store.plans.commit(plan("p2", at=after(1)))
    assert same.postponed_until == until
    other = replace(plan("p3", at=after(2)), portfolio_hash="other")
    assert (await inline_store.plans.commit(other)).postponed_until is None


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
    await leave(store, "traded", 1)
    await store.plans.commit(plan("current", at=after(1)))
    assert await store.plans.prune(after(2), inputs_before=after(2)) == 1
    assert (await store.plans.get("traded")).superseded
    assert (await store.plans.get("current")).plan.plan_id == "current"
    with pytest.raises(Missing):
        await store.plans.get("old")
    assert await store.plans.prune(after(2), inputs_before=after(2)) == 0
