"""What its owner says of an order that is committed and has not left yet goes before the order."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from ledger.bucket import Autonomy
from ledger.errors import Conflict, Refused
from ledger.order import Intent, OrderState
from ledger.plan import StepState
from store.proposals import Circumstances
from store.store import Store
from tests.store.builders import NOW, after, eur, proposal, submission
from tests.store.test_plans import plan, step

ACT, APPROVE, ADVISE = Autonomy("act"), Autonomy("approve"), Autonomy("advise")
Word = Callable[[Store], Awaitable[object]]

WORDS: dict[str, tuple[Word, StepState]] = {
    "reject": (
        lambda store: store.plan_words.reject("p1", by="owner", at=after(1)),
        StepState.DISMISSED,
    ),
    "dismiss": (
        lambda store: store.plan_words.dismiss("p1", 1, by="owner", at=after(1)),
        StepState.DISMISSED,
    ),
    "dismiss another": (
        lambda store: store.plan_words.dismiss("p1", 2, by="owner", at=after(1)),
        StepState.SUPERSEDED,
    ),
    "postpone": (
        lambda store: store.plan_words.postpone("p1", after(60), at=after(1)),
        StepState.PROPOSED,
    ),
    "plan again": (
        lambda store: store.plan_words.forget("p1", at=after(1)),
        StepState.SUPERSEDED,
    ),
    "approve": (
        lambda store: store.buckets.set_autonomy("core", APPROVE, at=after(1)),
        StepState.PROPOSED,
    ),
    "advise": (
        lambda store: store.buckets.set_autonomy("core", ADVISE, at=after(1)),
        StepState.PROPOSED,
    ),
}


@pytest.fixture
async def planned(inline_store: Store) -> Store:
    await inline_store.plans.commit(plan("p1"))
    return inline_store


async def hand_over(
    store: Store, *, default: Autonomy | None = ACT, minutes: float = 0, key: str | None = None
) -> Intent:
    how = Circumstances("live", after(minutes), key=key)
    wanted = proposal(source="p1")
    return await store.plan_words.hand_over("p1", 1, wanted, how, default=default, by="owner")


@pytest.mark.parametrize("said", WORDS)
async def test_an_order_that_has_not_left_is_taken_back(planned: Store, said: str) -> None:
    word, after_word = WORDS[said]
    intent = await hand_over(planned)
    await word(planned)
    (taken,) = await planned.orders.recent(10)
    assert taken.state is OrderState.REFUSED
    assert [verdict.gate for verdict in taken.blocked_by] == ["WORD"]
    with pytest.raises(Refused):
        await planned.orders.begin_submit(intent.intent_id, **submission())
    first = (await planned.plans.get("p1")).steps[0]
    assert (first.state, first.intent_id) == (after_word, None)
    assert await planned.orders.barred(after(2)) == {}


@pytest.mark.parametrize("said", ["reject", "advise"])
async def test_an_order_that_has_left_is_not(planned: Store, said: str) -> None:
    intent = await hand_over(planned)
    await planned.orders.begin_submit(intent.intent_id, **submission())
    word, _ = WORDS[said]
    await word(planned)
    assert (await planned.orders.get(intent.intent_id)).state is OrderState.SUBMITTING
    assert (await planned.plans.get("p1")).steps[0].state is StepState.SUBMITTING


async def test_what_was_taken_back_is_not_simulated_either(planned: Store) -> None:
    intent = await hand_over(planned)
    await planned.plan_words.reject("p1", by="owner", at=after(1))
    limit = submission()["limit"]
    left = await planned.orders.simulate(intent.intent_id, limit=limit, verdicts=(), at=after(2))
    assert left.state is OrderState.REFUSED


async def test_a_postponed_step_leaves_at_its_time_as_another_attempt(planned: Store) -> None:
    first = await hand_over(planned)
    await planned.plan_words.postpone("p1", after(60), at=after(1))
    assert await planned.plans.follow_orders() == 0
    with pytest.raises(Conflict) as early:
        await hand_over(planned, minutes=59)
    assert early.value.code == "postponed"
    second = await hand_over(planned, minutes=60)
    assert (second.proposal.attempt, second.state) == (2, OrderState.PROPOSED)
    assert second.intent_id != first.intent_id
    assert await hand_over(planned, minutes=61) == second


async def test_an_approval_outlives_an_order_that_was_taken_back(planned: Store) -> None:
    await planned.plan_words.approve("p1", 1, by="owner", at=NOW)
    await hand_over(planned, default=APPROVE)
    await planned.buckets.set_autonomy("core", ADVISE, at=after(1))
    with pytest.raises(Conflict):
        await hand_over(planned, default=APPROVE)
    await planned.buckets.set_autonomy("core", APPROVE, at=after(2))
    assert (await hand_over(planned, default=APPROVE)).proposal.attempt == 2


async def test_a_key_gives_the_order_it_became_and_a_new_key_a_new_one(planned: Store) -> None:
    first = await hand_over(planned, default=None, key="k1")
    assert (await planned.views.order_of_step("p1", 1)) is not None
    await planned.plan_words.postpone("p1", after(60), at=after(1))
    assert (await planned.views.order_of_step("p1", 1)) is None
    again = await hand_over(planned, default=None, key="k1", minutes=2)
    assert (again.intent_id, again.state) == (first.intent_id, OrderState.REFUSED)
    assert (await planned.plans.get("p1")).steps[0].intent_id is None
    second = await hand_over(planned, default=None, key="k2", minutes=2)
    assert second.state is OrderState.PROPOSED


async def test_a_reinvestment_goes_the_same_way(inline_store: Store) -> None:
    store = inline_store
    how = Circumstances("live", NOW)
    wanted = proposal(source="pots:1", order_class="drip")
    await store.reinvestments.hand_over(wanted, how, shares=(), default=ACT)
    await store.buckets.set_autonomy("core", APPROVE, at=after(1))
    (taken,) = await store.orders.recent(10)
    assert taken.state is OrderState.REFUSED


async def test_a_repair_of_negative_cash_needs_nobodys_word(inline_store: Store) -> None:
    wanted = proposal(source="run", order_class="fx")
    repair = await inline_store.orders.propose(wanted, mode="live", at=NOW)
    await inline_store.buckets.set_autonomy("core", ADVISE, at=after(1))
    assert (await inline_store.orders.get(repair.intent_id)).state is OrderState.PROPOSED


async def test_nothing_leaves_by_itself_beside_another_order(planned: Store) -> None:
    """Two that decide at the same time: the later one looks again."""
    await planned.orders.propose(proposal(source="o", order_class="manual"), mode="live", at=NOW)
    how, drip = Circumstances("live", NOW), proposal(source="pots:1", order_class="drip")
    with pytest.raises(Conflict) as step_refused:
        await hand_over(planned)
    with pytest.raises(Conflict) as drip_refused:
        await planned.reinvestments.hand_over(drip, how, shares=(), default=ACT)
    assert step_refused.value.code == drip_refused.value.code == "in_flight"


async def test_a_conversion_needs_the_word_for_the_trade_it_funds(inline_store: Store) -> None:
    """Whatever was allowed when it was looked at."""
    exchange = replace(step(1), kind="fx", symbol="EUR/USD", side="SELL", value_eur=eur("10"))
    await inline_store.plans.commit(replace(plan("p1"), steps=(exchange, step(2))))
    below = Autonomy("act_below", eur("12"))
    assert exchange.value_eur < eur("12") < step(2).value_eur
    with pytest.raises(Conflict) as refused:
        await hand_over(inline_store, default=below)
    assert refused.value.code == "not_approved"


async def test_what_was_postponed_stays_so_however_its_plan_ended(planned: Store) -> None:
    await planned.plan_words.postpone("p1", after(60), at=NOW)
    await planned.plan_words.forget("p1", at=after(1))
    made = await planned.plans.commit(plan("p2", at=after(2)))
    assert made.postponed_until == after(60)
