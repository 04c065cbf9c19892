"""Intents: one per decision, one in flight, one tag each, and only the allowed moves."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest

from ledger.errors import Conflict, IllegalMove, Missing, Refused
from ledger.halt import Latch
from ledger.money import Price, Quantity
from ledger.order import MOVES, OrderClass, OrderState, Verdict
from store.moves import route
from store.order_queries import FOR_EVER
from store.store import Store
from tests.store.builders import (
    MACHINE,
    NOW,
    TIMES,
    after,
    eur,
    fill,
    opening_cash,
    proposal,
    submission,
    view,
)

NO = Verdict("L4", passed=False, detail="held 3 days")
YES = Verdict("L6", passed=True, detail="enough cash")
FORCED = Verdict("G1", passed=False, detail="too often", forced=True)


@pytest.fixture
def store(inline_store: Store) -> Store:
    return inline_store


async def proposed(store: Store, source: str = "plan-1", **changes: object) -> int:
    wanted = proposal(source=source, **changes)  # type: ignore[arg-type]
    return (await store.orders.propose(wanted, mode="live", at=NOW)).intent_id


async def submitted(store: Store, source: str = "plan-1", **changes: object) -> int:
    intent_id = await proposed(store, source, **changes)
    await store.orders.begin_submit(intent_id, **submission())
    return intent_id


async def test_a_decision_is_stored_as_it_was_made(store: Store) -> None:
    intent = await store.orders.propose(proposal(), mode="live", at=NOW)
    assert intent.proposal == proposal()
    assert (intent.state, intent.mode, intent.proposed_at) == (OrderState.PROPOSED, "live", NOW)
    assert intent.client_order_id is None
    assert intent.filled == Quantity(0)
    assert await store.orders.get(intent.intent_id) == intent
    (event,) = await store.orders.events(intent.intent_id)
    assert (event.before, event.after, event.note) == (None, OrderState.PROPOSED, "because")


async def test_one_decision_is_one_intent(store: Store) -> None:
    """O1: the same class, source, step and attempt never makes a second intent."""
    first = await store.orders.propose(proposal(), mode="live", at=NOW)
    again = await store.orders.propose(proposal(units=99), mode="research", at=after(1))
    assert again == first
    other = await store.orders.propose(proposal(attempt=2), mode="live", at=NOW)
    assert other.intent_id != first.intent_id
    assert await store.orders.last_attempt("planner", "plan-1", 1) == 2
    assert await store.orders.last_attempt("planner", "plan-2", 1) == 0
    assert await store.orders.recent(1) == (other,)


async def test_an_intent_is_read_anew_when_it_changed_and_only_then(store: Store) -> None:
    moving, resting = await proposed(store), await proposed(store, "plan-2")
    before = {intent.intent_id: intent for intent in await store.orders.recent(2)}
    await store.orders.begin_submit(moving, **submission())
    after_it = {intent.intent_id: intent for intent in await store.orders.recent(2)}
    assert after_it[resting] is before[resting]
    assert after_it[moving].state is OrderState.SUBMITTING


async def test_o1_a_key_becomes_one_order_for_ever(store: Store) -> None:
    propose = partial(store.orders.propose, mode="live", at=NOW)
    first = await propose(proposal(), key="k")
    assert await propose(proposal(), key="k") == first
    others = (proposal(source="plan-2"), proposal(source="key:k", order_class="manual"))
    for other in others:
        with pytest.raises(Conflict) as conflict:
            await propose(other, key="k")
        assert conflict.value.code == "key_reused"
        assert await store.orders.of_source(other.order_class, other.source_id) is None
    assert (await propose(others[0], key="l")).intent_id != first.intent_id


async def test_o1_a_key_that_asks_for_what_was_decided_already_is_bound_to_it(
    store: Store,
) -> None:
    await store.orders.propose(proposal(), mode="live", at=NOW)
    await store.orders.propose(proposal(), mode="live", at=NOW, key="k")
    with pytest.raises(Conflict):
        await store.orders.propose(proposal(source="plan-2"), mode="live", at=NOW, key="k")


async def test_a_decision_on_books_that_have_moved_since_is_refused(store: Store) -> None:
    await store.facts.record([opening_cash()], at=NOW, machine_at=MACHINE)
    wanted = proposal(source="plan-2")
    with pytest.raises(Conflict, match="decided on fact 0, the newest is 1"):
        await store.orders.propose(wanted, mode="live", at=NOW, seen_seq=0)
    first = await store.orders.propose(wanted, mode="live", at=NOW, seen_seq=1)
    # Asked again later, the same decision is still the one that was committed.
    await store.facts.record([opening_cash("5", "USD")], at=NOW, machine_at=MACHINE)
    assert await store.orders.propose(wanted, mode="live", at=NOW, seen_seq=1) == first


async def test_an_order_that_does_not_exist_is_missing(store: Store) -> None:
    with pytest.raises(Missing):
        await store.orders.get(7)
    assert await store.orders.by_client_order_id(7) is None


async def test_emergency_goes_first_then_exchange_then_the_oldest(store: Store) -> None:
    classes: list[OrderClass] = ["planner", "drip", "fx", "manual", "emergency"]
    ids = {name: await proposed(store, name, order_class=name) for name in classes}
    ready = [intent.intent_id for intent in await store.orders.ready()]
    assert ready == [ids[n] for n in ("emergency", "fx", "planner", "drip", "manual")]


async def test_a_refusal_is_final_and_keeps_its_reasons(store: Store) -> None:
    intent_id = await proposed(store)
    refused = await store.orders.refuse(
        intent_id, verdicts=[YES, NO, FORCED], retry_after=after(60), at=after(1)
    )
    assert (refused.state, refused.retry_after) == (OrderState.REFUSED, after(60))
    assert refused.blocked_by == (NO,)
    event = (await store.orders.events(intent_id))[-1]
    assert event.verdicts == (YES, NO, FORCED)
    assert event.note == "L4: held 3 days"
    assert await store.orders.ready() == ()
    with pytest.raises(Refused) as caught:
        await store.orders.begin_submit(intent_id, **submission())
    assert caught.value.code == "not_proposed"


async def test_what_was_refused_is_barred_until_its_date(store: Store) -> None:
    orders = store.orders
    dated = await proposed(store, "a", symbol="AAA.EU")
    later = await proposed(store, "b", symbol="AAA.EU")
    undated = await proposed(store, "c", symbol="BBB.EU", side="SELL")
    await orders.refuse(dated, verdicts=[NO], retry_after=after(30), at=NOW)
    await orders.refuse(later, verdicts=[NO], retry_after=after(60), at=NOW)
    await orders.refuse(undated, verdicts=[NO], retry_after=None, at=NOW)
    assert await orders.barred(NOW) == {("AAA.EU", "BUY"): after(60)}
    assert await orders.barred(after(60)) == {}
    assert await orders.barred(after(90), source_id="c") == {("BBB.EU", "SELL"): FOR_EVER}
    assert await orders.barred(after(90), source_id="a") == {}


async def test_what_the_broker_rejected_is_barred_for_a_quarter_of_an_hour(store: Store) -> None:
    intent_id = await submitted(store)
    await store.orders.rejected(intent_id, "insufficient funds", at=NOW)
    wanted = proposal()
    until = (await store.orders.barred(NOW))[(wanted.symbol, wanted.side)]
    assert until > NOW
    assert await store.orders.barred(until) == {}


async def test_refusals_of_research_do_not_bar_live_orders(store: Store) -> None:
    intent = await store.orders.propose(proposal(), mode="research", at=NOW)
    await store.orders.refuse(intent.intent_id, verdicts=[NO], retry_after=after(30), at=NOW)
    assert await store.orders.barred(NOW) == {}
    await store.settings.set_mode("research", "test", NOW)
    assert list(await store.orders.barred(NOW)) == [("AAA.EU", "BUY")]


async def test_a_simulated_order_is_apart_from_live_ones(store: Store) -> None:
    """O12: what research would have sent never counts as sent."""
    intent = await store.orders.propose(proposal(), mode="research", at=NOW)
    limit = Price.of("10.05", "EUR")
    done = await store.orders.simulate(intent.intent_id, limit=limit, verdicts=[YES], at=NOW)
    assert (done.state, done.limit, done.client_order_id) == (OrderState.SIMULATED, limit, None)
    assert await store.orders.submitted_since(after(-60)) == ()
    assert await store.orders.in_flight() == ()
    assert (await store.views.counts())["simulated_order"] == 1


async def test_submitting_commits_tag_reservation_and_numbers(store: Store) -> None:
    """O5: everything about an order is durable before the network is touched."""
    intent_id = await proposed(store)
    sent = await store.orders.begin_submit(intent_id, **submission())
    assert sent.state is OrderState.SUBMITTING
    assert sent.limit == Price.of("10.05", "EUR")
    assert (sent.reserved, sent.reserved_fee) == (eur("100.50"), eur("2.20"))
    assert sent.submitted_at == NOW
    assert sent.submitted_machine_ms == int(MACHINE.timestamp() * 1000)
    assert sent.client_order_id is not None
    assert await store.orders.by_client_order_id(sent.client_order_id) == sent
    assert await store.orders.in_flight() == (sent,)
    assert await store.orders.submitted_since(NOW) == (sent,)
    assert await store.orders.submitted_since(after(1)) == ()
    assert (await store.orders.events(intent_id))[-1].verdicts == submission()["verdicts"]


async def test_only_one_order_is_in_flight(store: Store) -> None:
    """O10."""
    first, second = await submitted(store, "a"), await proposed(store, "b")
    with pytest.raises(Refused) as caught:
        await store.orders.begin_submit(second, **submission())
    assert caught.value.code == "in_flight"
    assert (await store.orders.get(second)).state is OrderState.PROPOSED
    await store.orders.rejected(first, "no", at=NOW)
    await store.orders.begin_submit(second, **submission())


async def test_a_latch_stops_submission(store: Store) -> None:
    """S4."""
    intent_id = await proposed(store)
    await store.settings.set_latch(Latch("owner", "holiday", NOW), "owner")
    with pytest.raises(Refused, match="holiday") as caught:
        await store.orders.begin_submit(intent_id, **submission())
    assert caught.value.code == "halted"


async def test_an_order_leaves_only_when_live_now_and_live_when_decided(store: Store) -> None:
    """O13."""
    decided_live = await proposed(store, "a")
    decided_research = await store.orders.propose(proposal(source="b"), mode="research", at=NOW)
    attempts = [(decided_research.intent_id, "live"), (decided_live, "research")]
    await store.settings.set_mode("live", "test", NOW)
    for intent_id, mode in attempts:
        with pytest.raises(Refused) as caught:
            await store.orders.begin_submit(intent_id, **submission(mode=mode))
        assert caught.value.code == "mode"
    await store.settings.set_mode("research", "test", NOW)
    with pytest.raises(Refused, match="mode is research"):
        await store.orders.begin_submit(decided_live, **submission())


async def test_tags_rise_even_when_the_clock_steps_back(store: Store) -> None:
    tags: list[int] = []
    for number, step in enumerate((0, 0, -3600, 5)):
        intent_id = await proposed(store, f"p{number}")
        sent = await store.orders.begin_submit(
            intent_id, **submission(machine_at=MACHINE + timedelta(seconds=step))
        )
        assert sent.client_order_id is not None
        tags.append(sent.client_order_id)
        await store.orders.rejected(intent_id, "no", at=NOW)
    assert tags == sorted(set(tags))


async def test_a_rejection_keeps_the_brokers_words(store: Store) -> None:
    intent_id = await submitted(store)
    done = await store.orders.rejected(intent_id, "Not enough money", at=NOW)
    assert (done.state, done.error) == (OrderState.REJECTED, "Not enough money")
    assert await store.orders.rejected(intent_id, "again", at=NOW) == done


async def test_acceptance_is_repeatable_and_never_steps_back(store: Store) -> None:
    intent_id = await submitted(store)
    first = await store.orders.accepted(intent_id, "b1", at=NOW)
    assert (first.state, first.broker_order_id) == (OrderState.ACCEPTED, "b1")
    await store.orders.apply_view(intent_id, view("active"), at=NOW)
    assert (await store.orders.accepted(intent_id, "b1", at=NOW)).state is OrderState.ACTIVE
    with pytest.raises(Conflict, match="cannot be b2"):
        await store.orders.accepted(intent_id, "b2", at=NOW)


async def test_two_orders_never_share_a_broker_number(store: Store) -> None:
    first = await submitted(store, "a")
    await store.orders.accepted(first, "b1", at=NOW)
    await store.orders.apply_view(first, view("cancelled"), at=NOW)
    second = await submitted(store, "b")
    with pytest.raises(Conflict):
        await store.orders.accepted(second, "b1", at=NOW)
    assert (await store.orders.get(second)).state is OrderState.SUBMITTING


async def test_an_unknown_order_is_resolved_by_looks(store: Store) -> None:
    intent_id = await submitted(store)
    lost = await store.orders.unknown(intent_id, "timeout", at=NOW)
    assert (lost.state, lost.error) == (OrderState.UNKNOWN, "timeout")
    assert (await store.orders.looks(intent_id)).count == 0
    for seconds in (0, 60, 120):
        looks = await store.orders.note_look(intent_id, MACHINE + timedelta(seconds=seconds))
    assert looks == await store.orders.looks(intent_id)
    assert looks.count == 3
    assert (looks.first_at, looks.last_at) == (MACHINE, MACHINE + timedelta(seconds=120))
    done = await store.orders.not_placed(intent_id, "3 clean looks", at=after(3))
    assert done.state is OrderState.NOT_PLACED
    assert await store.orders.in_flight() == ()


@pytest.mark.parametrize(
    ("choice", "strangers", "linked"),
    [
        ("placed", {"x1": 4}, True),
        ("placed", {"x1": 10}, True),
        ("placed", {"x1": 11}, False),
        ("placed", {"x1": 4, "x2": 3}, False),
        ("not_placed", {"x1": 4}, False),
    ],
    ids=str,
)
async def test_the_owners_word_claims_what_can_only_be_the_orders_own(
    store: Store, choice: str, strangers: dict[str, int], linked: bool
) -> None:
    intent_id = await submitted(store)
    await store.orders.unknown(intent_id, "no answer", at=after(1))
    await store.orders.escalated(intent_id, "cannot be found", at=after(2))
    facts = [
        fill(f"f-{number}", order=number, units=units, at=after(3))
        for number, units in strangers.items()
    ]
    await store.facts.record(facts, **TIMES)
    resolved = await store.orders.resolve(intent_id, choice, by="owner", at=after(4))
    assert resolved.filled == Quantity.of(strangers["x1"] if linked else 0)
    assert resolved.broker_order_id == ("x1" if linked else None)


async def test_an_order_with_executions_was_placed(store: Store) -> None:
    intent_id = await submitted(store)
    await store.orders.unknown(intent_id, "timeout", at=NOW)
    tag = (await store.orders.get(intent_id)).client_order_id
    await store.facts.record([fill("f1", tag=tag, units=1)], **TIMES)
    assert (await store.orders.get(intent_id)).state is OrderState.PARTIALLY_FILLED
    for call in (store.orders.not_placed, store.orders.rejected, store.orders.escalated):
        with pytest.raises(Conflict) as caught:
            await call(intent_id, "cannot be", at=NOW)
        assert caught.value.code == "filled"
    assert (await store.orders.accepted(intent_id, "b1", at=NOW)).in_flight


async def test_a_view_resolves_an_order_of_unknown_fate(store: Store) -> None:
    """O3: the broker shows it, so it was accepted, and nothing is sent again."""
    intent_id = await submitted(store)
    await store.orders.unknown(intent_id, "timeout", at=NOW)
    seen = await store.orders.apply_view(intent_id, view("active"), at=NOW)
    assert (seen.state, seen.broker_order_id) == (OrderState.ACTIVE, "b1")
    moves = [event.after for event in await store.orders.events(intent_id)]
    assert moves[-2:] == [OrderState.ACCEPTED, OrderState.ACTIVE]


async def test_an_old_view_changes_nothing(store: Store) -> None:
    intent_id = await submitted(store)
    await store.orders.apply_view(intent_id, view("filled", filled=10), at=NOW)
    done = await store.orders.apply_view(intent_id, view("active"), at=NOW)
    assert done.state is OrderState.FILLED
    assert done.filled == Quantity(0)


async def test_an_order_that_executed_its_last_meanwhile_has_not_expired(store: Store) -> None:
    intent_id = await submitted(store)
    await store.orders.accepted(intent_id, "b1", at=NOW)
    await store.facts.record([fill("f1", units=10)], **TIMES)
    done = await store.orders.expired(intent_id, "its day is over", at=NOW)
    assert (done.state, done.filled) == (OrderState.FILLED, Quantity.of(10))


async def test_the_rest_of_a_rejected_order_with_executions_is_cancelled(store: Store) -> None:
    intent_id = await submitted(store)
    await store.orders.accepted(intent_id, "b1", at=NOW)
    await store.facts.record([fill("f1", units=4)], **TIMES)
    done = await store.orders.apply_view(intent_id, view("rejected", filled=4), at=NOW)
    assert (done.state, done.filled) == (OrderState.CANCELLED, Quantity.of(4))


async def test_a_view_of_something_else_is_refused(store: Store) -> None:
    intent_id = await submitted(store)
    with pytest.raises(Conflict) as caught:
        await store.orders.apply_view(intent_id, view("active", side="SELL"), at=NOW)
    assert caught.value.code == "view_mismatch"


async def test_a_broker_that_shows_what_was_not_placed_is_an_alarm(store: Store) -> None:
    intent_id = await submitted(store)
    await store.orders.unknown(intent_id, "timeout", at=NOW)
    await store.orders.not_placed(intent_id, "clean", at=NOW)
    with pytest.raises(IllegalMove):
        await store.orders.apply_view(intent_id, view("active"), at=NOW)
    with pytest.raises(IllegalMove):
        await store.orders.accepted(intent_id, "b1", at=NOW)


async def test_c3_reservations_shrink_with_executions_and_end_with_the_order(
    store: Store,
) -> None:
    intent_id = await submitted(store)
    assert await store.orders.reserved_cash() == {"EUR": 10_050 + 220}
    await store.orders.accepted(intent_id, "b1", at=NOW)
    await store.facts.record([fill("f1", units=3)], **TIMES)
    assert await store.orders.reserved_cash() == {"EUR": 7_035 + 220}
    await store.orders.apply_view(intent_id, view("cancelled", filled=3), at=NOW)
    assert await store.orders.reserved_cash() == {}


@pytest.mark.parametrize("parts", [[10], [3, 7], [1, 2, 3, 4], [4]])
async def test_c3_reserved_and_free_add_up_and_free_cash_never_pays_for_a_reserved_order(
    store: Store, parts: list[int]
) -> None:
    """What is free after the reservation stays free, whatever part of the order is executed."""
    await store.facts.record([opening_cash("1000")], **TIMES)
    intent_id = await submitted(store)
    await store.orders.accepted(intent_id, "b1", at=NOW)

    async def reserved_and_free() -> tuple[int, int]:
        reserved = (await store.orders.reserved_cash()).get("EUR", 0)
        return reserved, (await store.facts.balances()).cash["EUR"] - reserved

    first = await reserved_and_free()
    assert first == (10_050 + 220, 100_000 - 10_270)
    free = first[1]
    for number, units in enumerate(parts):
        await store.facts.record([fill(f"f{number}", units=units, price="10.05")], **TIMES)
        reserved, now_free = await reserved_and_free()
        assert reserved >= 0
        assert now_free >= free
        free = now_free
    ended = "filled" if sum(parts) == 10 else "cancelled"
    await store.orders.apply_view(intent_id, view(ended, filled=sum(parts)), at=NOW)
    assert await reserved_and_free() == (0, 100_000 - 1_005 * sum(parts))


async def test_the_rest_of_a_reservation_is_rounded_up(store: Store) -> None:
    intent_id = await proposed(store)
    await store.orders.begin_submit(
        intent_id, **submission(reserved=eur("100.01"), reserved_fee=eur(0))
    )
    await store.orders.accepted(intent_id, "b1", at=NOW)
    await store.facts.record([fill("f1", units=3)], **TIMES)
    assert await store.orders.reserved_cash() == {"EUR": 7_001}


async def test_a_fee_in_another_currency_is_reserved_there(store: Store) -> None:
    intent_id = await proposed(store, side="SELL")
    usd = type(eur(1))(150, "USD")
    await store.orders.begin_submit(intent_id, **submission(reserved=eur(0), reserved_fee=usd))
    assert await store.orders.reserved_cash() == {"USD": 150}


STATES = list(OrderState)
SHOWN = ["pending", "active", "partially_filled", "filled", "cancelled", "expired", "rejected"]


@pytest.mark.parametrize("state", STATES)
def test_a_route_is_made_of_allowed_moves(state: OrderState) -> None:
    for shown in SHOWN:
        try:
            path = route(state, shown)  # type: ignore[arg-type]
        except IllegalMove:
            continue
        for step in path:
            assert step in MOVES[state]
            state = step


@pytest.mark.parametrize("name", ["unknown", "not_placed", "escalated", "rejected"])
async def test_an_illegal_move_changes_nothing(store: Store, name: str) -> None:
    intent_id = await proposed(store)
    with pytest.raises(IllegalMove):
        await getattr(store.orders, name)(intent_id, "no", at=NOW)
    intent = await store.orders.get(intent_id)
    assert (intent.state, intent.error) == (OrderState.PROPOSED, None)
    assert len(await store.orders.events(intent_id)) == 1
