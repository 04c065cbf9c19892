"""Orders as they are listed and told in full, and the questions that wait for the owner."""

from __future__ import annotations

import pytest

from ledger.decision import Decision
from ledger.errors import Missing
from ledger.money import Price, Quantity
from ledger.order import OrderState, Verdict
from store.order_views import OrderQuery
from store.store import Store
from tests.store.builders import (
    NOW,
    TIMES,
    after,
    eur,
    fill,
    instrument,
    proposal,
    submission,
)


async def _three(store: Store) -> None:
    """A filled purchase, a refused one of the owner, a proposed sale."""
    await store.securities.upsert([instrument("AAA.EU")], allow_trading=True, confirmed=True)
    bought = await store.orders.propose(proposal(), mode="live", at=NOW)
    sent = await store.orders.begin_submit(bought.intent_id, **submission())
    await store.orders.accepted(sent.intent_id, "b1", at=after(1))
    facts = [
        fill("f1", tag=sent.client_order_id, units=4, price="10", fees=(eur("2"),), at=after(2)),
        fill("f2", tag=sent.client_order_id, units=6, price="10.05", at=after(3)),
    ]
    await store.facts.record(facts, **TIMES)
    own = proposal("BBB.EU", source="key:my-key", order_class="manual")
    asked = await store.orders.propose(own, mode="live", at=NOW)
    verdicts = [
        Verdict("G0", passed=True, detail="mode is live"),
        Verdict("L1", passed=False, detail="the market is closed", retry_after=after(60)),
    ]
    await store.orders.refuse(asked.intent_id, verdicts=verdicts, retry_after=after(60), at=NOW)
    sale = proposal("AAA.EU", side="SELL", step=2)
    await store.orders.propose(sale, mode="live", at=NOW)


async def _symbols(store: Store, query: OrderQuery) -> list[str]:
    return [f"{o.proposal.side} {o.proposal.symbol}" for o in await store.views.orders(query)]


async def test_orders_are_filtered_and_continued(inline_store: Store) -> None:
    await _three(inline_store)
    everything = ["SELL AAA.EU", "BUY BBB.EU", "BUY AAA.EU"]
    assert await _symbols(inline_store, OrderQuery(9)) == everything
    assert await _symbols(inline_store, OrderQuery(1)) == everything[:1]
    assert await _symbols(inline_store, OrderQuery(9, before_id=3)) == everything[1:]
    by_state = OrderQuery(9, state=OrderState.REFUSED)
    assert await _symbols(inline_store, by_state) == ["BUY BBB.EU"]
    by_class = OrderQuery(9, order_class="planner")
    assert await _symbols(inline_store, by_class) == ["SELL AAA.EU", "BUY AAA.EU"]
    by_symbol = OrderQuery(9, symbol="AAA.EU")
    assert await _symbols(inline_store, by_symbol) == ["SELL AAA.EU", "BUY AAA.EU"]


async def test_an_order_is_found_by_the_key_it_was_sent_with(inline_store: Store) -> None:
    await _three(inline_store)
    assert await _symbols(inline_store, OrderQuery(9, key="my-key")) == ["BUY BBB.EU"]
    assert await _symbols(inline_store, OrderQuery(9, key="plan-1")) == []


async def test_an_order_is_told_with_every_event_and_execution(inline_store: Store) -> None:
    await _three(inline_store)
    sent = (await inline_store.orders.recent(9))[-1]
    assert sent.client_order_id is not None
    story = await inline_store.views.order(sent.client_order_id)
    assert story.intent == sent
    moves = [event.after for event in story.events if event.before is not event.after]
    assert [state.value for state in moves] == [
        "proposed", "submitting", "accepted", "filled",
    ]  # fmt: skip
    assert story.events[1].verdicts[0].gate == "L6"
    assert [one.quantity for one in story.fills] == [Quantity.of(4), Quantity.of(6)]
    assert story.fills[0].fees == (eur("2"),)
    assert story.average_price == Price.of("10.03", "EUR")
    assert not story.cancelable


async def test_an_order_that_never_left_is_found_by_its_intent(inline_store: Store) -> None:
    await _three(inline_store)
    refused = await inline_store.views.order(2)
    assert refused.intent.state is OrderState.REFUSED
    assert refused.average_price is None
    assert not refused.cancelable
    (blocked,) = refused.intent.blocked_by
    assert (blocked.gate, blocked.retry_after) == ("L1", after(60))
    with pytest.raises(Missing):
        await inline_store.views.order(1)  # it has a number of its own
    with pytest.raises(Missing):
        await inline_store.views.order(999)


async def test_only_an_order_known_to_be_at_the_broker_can_be_cancelled(
    inline_store: Store,
) -> None:
    bought = await inline_store.orders.propose(proposal(), mode="live", at=NOW)
    sent = await inline_store.orders.begin_submit(bought.intent_id, **submission())
    assert sent.client_order_id is not None
    assert not (await inline_store.views.order(sent.client_order_id)).cancelable
    await inline_store.orders.accepted(sent.intent_id, "b1", at=after(1))
    assert (await inline_store.views.order(sent.client_order_id)).cancelable


async def _open(store: Store) -> dict[str, Decision]:
    return {one.decision_id: one for one in await store.views.decisions()}


async def test_nothing_waits_for_the_owner_of_a_quiet_ledger(inline_store: Store) -> None:
    await _three(inline_store)
    await inline_store.books.found(
        "cash", "EUR", books=100, broker=101, blocking=False, at=after(1)
    )
    assert await _open(inline_store) == {}


async def test_an_escalated_order_asks_whether_it_was_placed(inline_store: Store) -> None:
    bought = await inline_store.orders.propose(proposal(), mode="live", at=NOW)
    sent = await inline_store.orders.begin_submit(bought.intent_id, **submission())
    await inline_store.orders.unknown(sent.intent_id, "no answer in time", at=after(1))
    await inline_store.orders.escalated(sent.intent_id, "the account moved", at=after(5))
    question = (await _open(inline_store))[f"order:{sent.intent_id}"]
    assert question.kind == "order"
    assert [choice.choice for choice in question.choices] == ["placed", "not_placed", "closed"]
    assert str(sent.client_order_id) in question.detail
    assert "the account moved" in question.detail
    assert question.since == after(5)


async def test_a_blocking_difference_asks_who_is_right(inline_store: Store) -> None:
    found = inline_store.books.found
    cash = await found("cash", "EUR", books=1000, broker=12_345, blocking=True, at=after(1))
    held = await found("holding", "AAA.EU", books=10**6, broker=0, blocking=True, at=after(2))
    questions = await _open(inline_store)
    assert list(questions) == [f"books:{cash.item_id}", f"books:{held.item_id}"]
    assert "10.00 EUR" in questions[f"books:{cash.item_id}"].detail
    assert "123.45 EUR" in questions[f"books:{cash.item_id}"].detail
    assert "our books say 1, the broker says 0" in questions[f"books:{held.item_id}"].detail
    await inline_store.books.resolve(cash.item_id, after(3), "explained")
    assert list(await _open(inline_store)) == [f"books:{held.item_id}"]


async def test_a_sale_above_its_share_asks_for_a_word(inline_store: Store) -> None:
    rows = [("R1", "waiting_owner", "sells 30 %", None), ("R2", "aborted", "", 2)]
    for run_id, state, note, ended_ms in rows:
        await inline_store.ledger.write(
            "INSERT INTO emergency_run (run_id, mode, state, started_ms, updated_ms, deficits,"
            " note, ended_ms) VALUES (?, 'live', ?, 1, 2, '{}', ?, ?)",
            (run_id, state, note, ended_ms),
        )
    (question,) = (await _open(inline_store)).values()
    assert (question.decision_id, question.kind) == ("sale:R1", "sale")
    assert question.detail == "sells 30 %"
    assert [choice.choice for choice in question.choices] == ["confirm", "abort"]


async def test_the_order_of_a_step_is_found_once_there_is_one(inline_store: Store) -> None:
    assert await inline_store.views.order_of_step("plan-1", 1) is None
    intent = await inline_store.orders.propose(proposal(), mode="live", at=NOW)
    found = await inline_store.views.order_of_step("plan-1", 1)
    assert found is not None
    assert found.intent == intent
    assert await inline_store.views.order_of_step("plan-1", 2) is None
