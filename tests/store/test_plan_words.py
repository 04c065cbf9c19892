"""The owner's word on plans: conditional on the plan he saw, and looked at again when it counts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ledger.bucket import Autonomy
from ledger.errors import Conflict, Missing
from ledger.order import Intent
from ledger.plan import StepState, StoredPlan
from store.proposals import Circumstances
from store.store import Store
from tests.store.builders import NOW, TIMES, after, eur, opening_cash, proposal, submission
from tests.store.test_plans import plan, step

APPROVE, ACT, ADVISE = Autonomy("approve"), Autonomy("act"), Autonomy("advise")
OWNER: dict[str, Any] = {"by": "owner", "at": NOW}


async def hand_over(store: Store, number: int = 1, *, default: Autonomy | None = APPROVE) -> Intent:
    wanted, how = proposal(source="p1", step=number), Circumstances("live", NOW)
    return await store.plan_words.hand_over("p1", number, wanted, how, default=default)


def states(stored: StoredPlan) -> list[StepState]:
    return [one.state for one in stored.steps]


@pytest.fixture
async def planned(inline_store: Store) -> Store:
    await inline_store.plans.commit(plan("p1"))
    return inline_store


async def test_nothing_leaves_without_the_word_that_the_bucket_asks_for(planned: Store) -> None:
    with pytest.raises(Conflict) as refused:
        await hand_over(planned)
    assert refused.value.code == "not_approved"
    assert await planned.orders.recent(10) == ()
    assert states(await planned.plans.get("p1")) == [StepState.PROPOSED] * 2


async def test_an_approval_covers_one_step(planned: Store) -> None:
    approved = await planned.plan_words.approve("p1", None, **OWNER)
    assert states(approved) == [StepState.APPROVED, StepState.PROPOSED]
    intent = await hand_over(planned)
    stored = await planned.plans.get("p1")
    assert states(stored) == [StepState.SUBMITTING, StepState.PROPOSED]
    assert stored.steps[0].intent_id == intent.intent_id
    with pytest.raises(Conflict):
        await hand_over(planned, 2)


async def test_the_same_step_gives_the_same_order(planned: Store) -> None:
    await planned.plan_words.approve("p1", 1, **OWNER)
    first = await hand_over(planned)
    assert await hand_over(planned) == first
    assert await hand_over(planned, default=None) == first
    assert len(await planned.orders.recent(10)) == 1


async def test_approving_again_changes_nothing(planned: Store) -> None:
    first = await planned.plan_words.approve("p1", 1, **OWNER)
    assert await planned.plan_words.approve("p1", 1, by="other", at=after(1)) == first


async def test_an_approval_dies_with_its_plan(planned: Store) -> None:
    await planned.plan_words.approve("p1", 1, **OWNER)
    await planned.plans.commit(plan("p2", at=after(1)))
    assert states(await planned.plans.get("p1")) == [StepState.SUPERSEDED] * 2
    with pytest.raises(Conflict) as stale:
        await hand_over(planned)
    assert stale.value.code == "stale_plan"


async def test_what_the_bucket_says_when_it_leaves_is_what_counts(planned: Store) -> None:
    """Not what it said when the step was approved, or looked at."""
    await planned.plan_words.approve("p1", 1, **OWNER)
    await planned.buckets.set_autonomy("core", ADVISE, at=NOW)
    with pytest.raises(Conflict):
        await hand_over(planned, default=ACT)
    await planned.buckets.set_autonomy("core", ACT, at=NOW)
    await hand_over(planned)


async def test_a_step_below_the_owners_amount_leaves_alone(planned: Store) -> None:
    value = step(1).value_eur
    await planned.buckets.set_autonomy("core", Autonomy("act_below", value), at=NOW)
    with pytest.raises(Conflict):
        await hand_over(planned)
    await planned.buckets.set_autonomy("core", Autonomy("act_below", value + eur("0.01")), at=NOW)
    await hand_over(planned)


async def test_the_owners_own_execute_is_his_word(planned: Store) -> None:
    await planned.buckets.set_autonomy("core", ADVISE, at=NOW)
    assert (await hand_over(planned, default=None)).intent_id


async def test_nothing_of_a_postponed_plan_leaves_before_its_time(planned: Store) -> None:
    postponed = await planned.plan_words.postpone("p1", after(5), at=NOW)
    assert postponed.postponed_until == after(5)
    with pytest.raises(Conflict) as refused:
        await hand_over(planned, default=ACT)
    assert refused.value.code == "postponed"
    wanted, how = proposal(source="p1"), Circumstances("live", after(5))
    await planned.plan_words.hand_over("p1", 1, wanted, how, default=ACT)


async def test_a_rejected_plan_is_given_up_and_its_trades_are_dismissed(planned: Store) -> None:
    rejected = await planned.plan_words.reject("p1", **OWNER)
    assert rejected.superseded
    assert states(rejected) == [StepState.DISMISSED] * 2
    assert await planned.dismissals.of("core", "abc") == {("AAA.EU", "BUY")}
    assert await planned.dismissals.of("core", "another situation") == frozenset()
    with pytest.raises(Conflict):
        await hand_over(planned, default=ACT)


async def test_one_dismissed_trade_gives_up_the_plan_around_it(planned: Store) -> None:
    said = await planned.plan_words.dismiss("p1", 2, **OWNER)
    assert said.superseded
    assert states(said) == [StepState.SUPERSEDED, StepState.DISMISSED]


async def test_dismissing_a_conversion_dismisses_the_trade_it_funds(inline_store: Store) -> None:
    exchange = replace(step(1), kind="fx", symbol="EUR/USD", side="SELL")
    await inline_store.plans.commit(replace(plan("p1"), steps=(exchange, step(2))))
    await inline_store.plan_words.dismiss("p1", 1, **OWNER)
    assert await inline_store.dismissals.of("core", "abc") == {("AAA.EU", "BUY")}


async def test_a_step_whose_order_is_on_its_way_keeps_it(planned: Store) -> None:
    intent = await hand_over(planned, default=None)
    with pytest.raises(Conflict):
        await planned.plan_words.approve("p1", 1, **OWNER)
    await planned.orders.begin_submit(intent.intent_id, **submission())
    rejected = await planned.plan_words.reject("p1", **OWNER)
    assert states(rejected) == [StepState.SUBMITTING, StepState.DISMISSED]


async def test_a_word_on_a_plan_that_is_not_current_is_a_conflict(planned: Store) -> None:
    words = planned.plan_words
    for said in (
        words.approve("older", None, **OWNER),
        words.approve("p1", 2, **OWNER),
        words.postpone("older", after(1), at=NOW),
        words.reject("older", **OWNER),
        words.dismiss("p1", 3, **OWNER),
    ):
        with pytest.raises(Conflict) as stale:
            await said
        assert stale.value.code == "stale_plan"


async def test_without_a_plan_there_is_nothing_to_say_a_word_about(inline_store: Store) -> None:
    with pytest.raises(Missing):
        await inline_store.plan_words.approve("p1", None, **OWNER)
    await inline_store.plans.commit(replace(plan("p1"), steps=()))
    with pytest.raises(Missing):
        await inline_store.plan_words.approve("p1", None, **OWNER)


async def test_a_step_that_cannot_become_an_order_stays_where_it_is(planned: Store) -> None:
    """Step and order are one transaction: there is never one without the other."""
    await planned.facts.record([opening_cash()], **TIMES)
    wanted, how = proposal(source="p1"), Circumstances("live", NOW, seen_seq=0)
    with pytest.raises(Conflict) as stale:
        await planned.plan_words.hand_over("p1", 1, wanted, how, default=None)
    assert stale.value.code == "stale_portfolio"
    assert states(await planned.plans.get("p1")) == [StepState.PROPOSED] * 2


async def test_an_unknown_bucket_has_no_autonomy(inline_store: Store) -> None:
    with pytest.raises(Missing):
        await inline_store.buckets.set_autonomy("nowhere", ACT, at=NOW)
