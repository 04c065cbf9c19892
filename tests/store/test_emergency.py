"""A repair of negative cash is written down at every step, and its sales follow their orders."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ledger.emergency import FINAL, EmergencyRun, EmergencySale, EmergencyState, Shortfall
from ledger.errors import Conflict, IllegalMove, Missing
from ledger.money import Money, Price, Quantity
from ledger.order import Intent, OrderState, Proposal
from store.store import Store, open_store
from tests.store.builders import (
    MACHINE,
    NOW,
    TIMES,
    after,
    eur,
    fill,
    instrument,
    proposal,
    submission,
)

S = EmergencyState
SHORT = Shortfall(eur("-500"), eur("505"), eur("505"))


def run(run_id: str = "R1", **changes: Any) -> EmergencyRun:
    values: dict[str, Any] = {
        "run_id": run_id,
        "mode": "live",
        "state": S.DETECTED,
        "started_at": NOW,
        "updated_at": NOW,
        "deficits": (SHORT, Shortfall(Money.of("-1", "CHF"), Money.of("6", "CHF"), None)),
        "note": "-500.00 EUR",
    }
    return EmergencyRun(**{**values, **changes})


def sale(number: int = 1, *, run_id: str = "R1", units: int = 10) -> EmergencySale:
    price = Price.of("10", "EUR")
    return EmergencySale(
        run_id, number, "AAA.EU", Quantity.of(units), price, eur(units * 10), "negative cash"
    )


async def wanted(store: Store, *, step: int = 1, run_id: str = "R1") -> Proposal:
    (known,) = await store.securities.upsert([instrument()], allow_trading=True, confirmed=True)
    made = proposal(side="SELL", source=run_id, order_class="emergency", step=step)
    return Proposal(
        **{
            **{name: getattr(made, name) for name in Proposal.__slots__},
            "security_id": known.security_id,
        }
    )


async def sent(store: Store, *, step: int = 1, run_id: str = "R1") -> Intent:
    """A sale of the run, accepted by the broker as `b<step>`."""
    order = await wanted(store, step=step, run_id=run_id)
    intent = await store.orders.propose(order, mode="live", at=NOW)
    await store.orders.begin_submit(intent.intent_id, **submission())
    return await store.orders.accepted(intent.intent_id, f"b{step}", at=NOW)


async def test_a_run_comes_back_as_it_was(store: Store) -> None:
    assert await store.emergency.current() is None
    opened = await store.emergency.open(run())
    assert opened == run()
    assert await store.emergency.current() == opened
    assert await store.emergency.recent(5) == (opened,)
    assert opened.currencies == {"EUR", "CHF"}


async def test_at_most_one_run_is_open(inline_store: Store) -> None:
    await inline_store.emergency.open(run())
    with pytest.raises(Conflict) as told:
        await inline_store.emergency.open(run("R2"))
    assert told.value.code == "emergency_open"
    await inline_store.emergency.move("R1", S.RESOLVED, at=after(1), note="cured")
    assert (await inline_store.emergency.open(run("R2"))).run_id == "R2"


async def test_every_move_is_kept_with_its_time_and_reason(inline_store: Store) -> None:
    emergency = inline_store.emergency
    await emergency.open(run())
    before = (eur("900"), Money.of("-104.50", "USD"))
    moved = await emergency.move("R1", S.EXCHANGING, at=after(1), note="order 1", before=before)
    assert (moved.state, moved.updated_at, moved.before) == (S.EXCHANGING, after(1), before)
    waiting = await emergency.move(
        "R1", S.WAITING_MARKET, at=after(2), note="closed", waits_until=after(60)
    )
    assert (waiting.waits_until, waiting.before) == (after(60), before)
    ended = await emergency.move("R1", S.PARTIAL, at=after(3), note="nothing to sell")
    assert (ended.ended_at, ended.waits_until, ended.active) == (after(3), None, False)
    told = [(e.before, e.after, e.note, e.at) for e in await emergency.events("R1")]
    assert told == [
        (None, S.DETECTED, "-500.00 EUR", NOW),
        (S.DETECTED, S.EXCHANGING, "order 1", after(1)),
        (S.EXCHANGING, S.WAITING_MARKET, "closed", after(2)),
        (S.WAITING_MARKET, S.PARTIAL, "nothing to sell", after(3)),
    ]


async def test_a_move_that_says_nothing_new_writes_nothing(inline_store: Store) -> None:
    await inline_store.emergency.open(run())
    first = await inline_store.emergency.move("R1", S.DETECTED, at=after(1), note="no line")
    again = await inline_store.emergency.move("R1", S.DETECTED, at=after(2), note="no line")
    assert first == again
    assert len(await inline_store.emergency.events("R1")) == 2


async def test_moves_are_checked(inline_store: Store) -> None:
    emergency = inline_store.emergency
    await emergency.open(run())
    await emergency.move("R1", S.SELLING, at=NOW, note="")
    with pytest.raises(IllegalMove):
        await emergency.move("R1", S.DETECTED, at=NOW, note="")
    await emergency.move("R1", S.FINAL_EXCHANGE, at=NOW, note="")
    for state in set(S) - FINAL - {S.FINAL_EXCHANGE}:
        with pytest.raises(IllegalMove):
            await emergency.move("R1", state, at=NOW, note="")
    await emergency.move("R1", S.ABORTED, at=NOW, note="mode")
    for state in set(S) - {S.ABORTED}:
        with pytest.raises(IllegalMove):
            await emergency.move("R1", state, at=NOW, note="")
    with pytest.raises(Missing):
        await emergency.move("R9", S.SELLING, at=NOW, note="")
    assert {S.RESOLVED, S.PARTIAL, S.FAILED, S.ABORTED} == FINAL


@pytest.mark.parametrize("state", sorted(set(S) - FINAL))
async def test_what_a_sale_brought_is_exchanged_even_when_its_moves_were_lost(
    inline_store: Store, state: S
) -> None:
    await inline_store.emergency.open(run())
    await inline_store.emergency.move("R1", state, at=NOW, note="")
    moved = await inline_store.emergency.move("R1", S.FINAL_EXCHANGE, at=after(1), note="sold")
    assert moved.state is S.FINAL_EXCHANGE


async def test_a_sale_is_executed_when_its_order_has_ended_with_executions(store: Store) -> None:
    emergency = store.emergency
    await emergency.open(run())
    await emergency.recommend("R1", [sale()], at=NOW)
    order = await sent(store)
    await emergency.catch_up(at=after(1))
    (joined,) = await emergency.sales("R1")
    assert (joined.status, joined.intent_id) == ("pending", order.intent_id)
    assert await emergency.orders("R1") == (order,)
    await store.facts.record([fill(side="SELL", tag=order.client_order_id)], **TIMES)
    assert (await store.orders.get(order.intent_id)).state is OrderState.FILLED
    await emergency.catch_up(at=after(2))
    assert [s.status for s in await emergency.sales("R1")] == ["executed"]
    assert await emergency.pending_sales() == ()


async def test_a_sale_whose_order_ended_empty_is_dismissed_and_the_next_one_counts(
    inline_store: Store,
) -> None:
    emergency = inline_store.emergency
    await emergency.open(run())
    await emergency.recommend("R1", [sale()], at=NOW)
    order = await inline_store.orders.propose(await wanted(inline_store), mode="live", at=NOW)
    await inline_store.orders.refuse(order.intent_id, verdicts=(), retry_after=None, at=NOW)
    await emergency.catch_up(at=NOW)
    await emergency.recommend("R1", [sale(2)], at=NOW)
    assert [(s.number, s.status) for s in await emergency.sales("R1")] == [
        (1, "dismissed"),
        (2, "pending"),
    ]


async def test_recommendations_are_replaced_until_they_are_ordered(inline_store: Store) -> None:
    emergency = inline_store.emergency
    await emergency.open(run())
    await emergency.recommend("R1", [sale(1), sale(2)], at=NOW)
    await emergency.recommend("R1", [sale(1, units=7)], at=NOW)
    assert [s.quantity.units for s in await emergency.pending_sales()] == [7]
    await sent(inline_store)
    await emergency.catch_up(at=NOW)
    await emergency.recommend("R1", [], at=NOW)
    assert [s.number for s in await emergency.pending_sales()] == [1]


async def test_the_end_of_a_run_dismisses_what_was_not_ordered(inline_store: Store) -> None:
    emergency = inline_store.emergency
    await emergency.open(run())
    await emergency.recommend("R1", [sale(1)], at=NOW)
    await sent(inline_store)
    await emergency.catch_up(at=NOW)
    await emergency.recommend("R1", [sale(2)], at=NOW)
    await emergency.move("R1", S.ABORTED, at=after(1), note="the mode changed")
    assert [s.status for s in await emergency.sales("R1")] == ["pending", "dismissed"]
    # A second run on the same security is seen again.
    await emergency.open(run("R2"))
    await emergency.recommend("R2", [sale(1, run_id="R2")], at=after(2))
    assert [s.run_id for s in await emergency.pending_sales()] == ["R1", "R2"]


async def test_what_was_sold_today_counts_executions_and_open_orders(store: Store) -> None:
    emergency, today = store.emergency, NOW.date()
    assert await emergency.sold_today(today) == eur("0")
    order = await sent(store)
    assert await emergency.sold_today(today) == eur("100")
    await store.facts.record([fill(side="SELL", units=4, tag=order.client_order_id)], **TIMES)
    assert await emergency.sold_today(today) == eur("100")
    view_over = await store.orders.get(order.intent_id)
    assert view_over.state is OrderState.PARTIALLY_FILLED
    await store.orders.expired(order.intent_id, "the day is over", at=after(1))
    assert await emergency.sold_today(today) == eur("40")
    assert await emergency.sold_today(today + timedelta(days=1)) == eur("0")


async def test_conversions_and_other_sales_do_not_count_as_sold(inline_store: Store) -> None:
    pair = proposal("EUR/USD", side="SELL", source="R1", order_class="emergency")
    await inline_store.orders.propose(pair, mode="live", at=NOW)
    await inline_store.orders.propose(proposal(side="SELL"), mode="live", at=NOW)
    assert await inline_store.emergency.sold_today(NOW.date()) == eur("0")


async def test_the_owner_s_word_moves_only_a_run_that_waits_for_it(inline_store: Store) -> None:
    emergency = inline_store.emergency
    await emergency.open(run())
    with pytest.raises(Missing):
        await emergency.answer("R1", "confirm", by="owner", at=NOW)
    await emergency.move("R1", S.WAITING_OWNER, at=NOW, note="more than 20 %", asked=eur(3000))
    (decision,) = await inline_store.views.decisions()
    detail = "it would sell for up to 3,000.00 EUR in all; more than 20 %"
    assert (decision.decision_id, decision.detail) == ("sale:R1", detail)
    allowed = await emergency.answer("R1", "confirm", by="owner", at=after(1))
    assert (allowed.state, allowed.owner, allowed.active) == (S.SELLING, "confirm", True)
    later = await emergency.move("R1", S.AWAITING_FILL, at=after(2), note="order 1")
    assert (later.asked, later.owner) == (eur(3000), "confirm")
    asked = await emergency.move(
        "R1", S.WAITING_OWNER, at=after(2), note="more than 20 %", asked=eur(4000)
    )
    assert (asked.asked, asked.owner) == (eur(4000), None)
    await emergency.recommend("R1", [sale()], at=after(2))
    ended = await emergency.answer("R1", "abort", by="owner", at=after(3))
    assert (ended.state, ended.owner, ended.ended_at) == (S.ABORTED, "abort", after(3))
    assert await emergency.pending_sales() == ()
    notes = [event.note for event in await emergency.events("R1")]
    assert notes[-1] == "abort, said owner"


async def test_an_open_run_is_there_after_a_restart(tmp_path: Path) -> None:
    async with open_store(tmp_path, engine="inline") as before:
        await before.settings.set_mode("live", "test", MACHINE)
        await before.emergency.open(run())
        await before.emergency.recommend("R1", [sale()], at=NOW)
    async with open_store(tmp_path, engine="inline") as store:
        assert await store.emergency.current() == run()
        assert await store.emergency.sales("R1") == (sale(),)
