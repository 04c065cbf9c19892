"""The owner's own orders, withdrawals and decisions, through the trader's one path."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
import trio

from ledger.account import AccountSnapshot
from ledger.errors import Conflict, Missing, OutcomeUnknown, Refused, Unavailable
from ledger.money import Price, Quantity
from ledger.order import Intent, OrderState
from tests.actors.rig import Rig
from tests.support.builders import proposal, security
from tests.support.scripted_broker import ScriptedBroker
from wire.messages import RaiseLatch
from wire.order_asks import CancelOrder, PlaceOrder, Resolve


def order(**changes: Any) -> PlaceOrder:
    wanted = PlaceOrder(
        symbol="DEMO-A.EU",
        side="BUY",
        quantity=Quantity.of(3),
        limit=None,
        force=frozenset(),
        key="first",
        by="test",
    )
    return replace(wanted, **changes)


async def place(rig: Rig, **changes: Any) -> Intent:
    return await rig.system.asks.trader.ask(order(**changes), deadline_s=60)


async def started(rig: Rig) -> None:
    await rig.start("schedule", "sync", "trader")


@pytest.mark.parametrize("side", ["BUY", "SELL"])
async def test_o11_an_order_in_an_unknown_currency_is_refused_and_the_trader_goes_on(
    rig: Rig, side: str
) -> None:
    odd = replace(security("ODD.XX", currency="QQQ").instrument, isin="XF0000000009")
    rig.broker.listed.append(odd)
    rig.broker.price("ODD.XX", "100", "QQQ")
    await started(rig)
    refused = await place(rig, symbol="ODD.XX", side=side)
    assert refused.state is OrderState.REFUSED
    assert "L7" in {blocked.gate for blocked in refused.blocked_by}
    assert refused.proposal.value_eur is None
    assert (await place(rig, key="second")).state is OrderState.ACCEPTED


async def vanished(rig: Rig) -> Intent:
    """An accepted order that the broker lists nowhere any more."""
    await started(rig)
    sent = await place(rig)
    assert sent.state is OrderState.ACCEPTED, sent.blocked_by
    rig.broker.orders.clear()
    return sent


async def escalated(rig: Rig) -> Intent:
    sent = await vanished(rig)
    await trio.sleep(900)
    return await rig.until_state(sent, OrderState.ESCALATED)


async def resolve(rig: Rig, intent: Intent, choice: str, *, confirm: bool = True) -> str:
    asked = Resolve(f"order:{intent.intent_id}", choice, confirm, "test")
    return await rig.system.asks.trader.ask(asked, deadline_s=10)


class TestPlacing:
    async def test_an_order_of_the_owner_passes_the_gates_and_leaves(self, rig: Rig) -> None:
        await started(rig)
        sent = await place(rig)
        assert sent.state is OrderState.ACCEPTED
        assert sent.proposal.order_class == "manual"
        assert {event.note for event in await rig.store.orders.events(sent.intent_id)}
        assert len(rig.broker.placed) == 1

    async def test_a_security_is_found_by_its_isin(self, rig: Rig) -> None:
        await started(rig)
        sent = await place(rig, symbol=security().instrument.isin)
        assert sent.proposal.symbol == "DEMO-A.EU"

    async def test_o1_the_same_key_sends_nothing_again(self, rig: Rig) -> None:
        await started(rig)
        first = await place(rig)
        again = await place(rig)
        assert again.intent_id == first.intent_id
        assert len(rig.broker.placed) == 1

    async def test_o1_two_callers_with_one_key_at_once_send_one_order(self, rig: Rig) -> None:
        await started(rig)
        answers: list[Intent] = []

        async def call() -> None:
            answers.append(await place(rig))

        async with trio.open_nursery() as nursery:
            for _ in range(5):
                nursery.start_soon(call)
        assert {intent.intent_id for intent in answers} == {answers[0].intent_id}
        assert len(rig.broker.placed) == 1

    @pytest.mark.parametrize(
        "changes",
        [
            {"side": "SELL"},
            {"quantity": Quantity.of(4)},
            {"limit": Decimal(90)},
            {"force": frozenset({"L2"})},
        ],
        ids=str,
    )
    async def test_the_same_key_with_another_order_is_a_conflict(
        self, rig: Rig, changes: dict[str, Any]
    ) -> None:
        await started(rig)
        await place(rig)
        with pytest.raises(Conflict) as conflict:
            await place(rig, **changes)
        assert conflict.value.code == "key_reused"

    async def test_o1_a_key_that_became_a_step_sends_no_order_of_the_owner(self, rig: Rig) -> None:
        await started(rig)
        at = rig.clock.market_now()
        await rig.store.orders.propose(proposal(), mode="live", at=at, key="first")
        with pytest.raises(Conflict) as conflict:
            await place(rig)
        assert conflict.value.code == "key_reused"

    async def test_o1_what_a_key_became_is_told_while_nothing_else_is_known(self, rig: Rig) -> None:
        """As after a restart while the broker is away: an owner told "unknown" would buy again."""
        await started(rig)
        sent = await place(rig)
        rig.boards.portfolio.publish(None)
        rig.broker.errors["quotes"] = Unavailable("away")
        assert (await place(rig)).intent_id == sent.intent_id
        for unknown in ({"key": "second"}, {"symbol": security().instrument.isin}):
            with pytest.raises(Unavailable):
                await place(rig, **unknown)
        assert len(rig.broker.placed) == 1

    async def test_what_is_not_known_is_missing_and_leaves_no_order(self, rig: Rig) -> None:
        await started(rig)
        for symbol in ("NOBODY", "EUR/SEK"):
            with pytest.raises(Missing, match=symbol):
                await place(rig, symbol=symbol)
        assert await rig.store.orders.recent(10) == ()

    async def test_without_a_quote_there_is_no_decision(self, rig: Rig) -> None:
        await started(rig)
        rig.broker.errors["quotes"] = Unavailable("away")
        with pytest.raises(Unavailable, match="no quote"):
            await place(rig)
        assert await rig.store.orders.recent(10) == ()

    async def test_the_owners_limit_is_never_exceeded(self, rig: Rig) -> None:
        await started(rig)
        sent = await place(rig, limit=Decimal("99.5"))
        assert sent.limit == Price.of("99.5", "EUR")

    @pytest.mark.parametrize("limit", ["0", "-1", "1e-9", "1e12", "NaN"])
    async def test_a_limit_out_of_bounds_is_refused_by_name_and_the_trader_lives(
        self, rig: Rig, limit: str
    ) -> None:
        await started(rig)
        with pytest.raises(Refused, match="limit_price"):
            await place(rig, limit=Decimal(limit))
        assert (await place(rig, limit=Decimal("99.5"))).state is OrderState.ACCEPTED
        with pytest.raises(Refused, match="limit_price"):
            await place(rig, limit=Decimal(limit))


class TestWithdrawing:
    async def test_an_order_is_withdrawn_and_ends_by_the_brokers_word(self, rig: Rig) -> None:
        await started(rig)
        sent = await place(rig)
        assert sent.client_order_id is not None
        asked = CancelOrder(sent.client_order_id, "test")
        standing = await rig.system.asks.trader.ask(asked, deadline_s=10)
        assert standing.in_flight
        assert rig.broker.cancelled == ["B1"]
        rig.broker.end("B1", "cancelled")
        await rig.until_state(sent, OrderState.CANCELLED)
        notes = [event.note for event in await rig.store.orders.events(sent.intent_id)]
        assert "withdrawal asked for by test" in notes
        with pytest.raises(Conflict) as conflict:
            await rig.system.asks.trader.ask(asked, deadline_s=10)
        assert conflict.value.code == "final"

    async def test_a_fill_may_win_the_race(self, rig: Rig) -> None:
        await started(rig)
        sent = await place(rig)
        assert sent.client_order_id is not None
        await rig.system.asks.trader.ask(CancelOrder(sent.client_order_id, "t"), deadline_s=10)
        rig.broker.fill("B1")
        await rig.until_state(sent, OrderState.FILLED)

    async def test_a_withdrawal_does_not_wait_behind_a_submission(self, rig: Rig) -> None:
        await started(rig)
        sent = await place(rig)
        assert sent.client_order_id is not None
        rig.broker.hung.add("snapshot")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(lambda: place(rig, key="second"))
            await trio.sleep(0.1)
            with trio.fail_after(3):
                await rig.system.asks.trader.ask(
                    CancelOrder(sent.client_order_id, "t"), deadline_s=3
                )
            rig.broker.hung.clear()
            nursery.cancel_scope.cancel()
        assert rig.broker.cancelled == ["B1"]

    async def test_an_unknown_order_cannot_be_withdrawn(self, rig: Rig) -> None:
        await started(rig)
        with pytest.raises(Missing):
            await rig.system.asks.trader.ask(CancelOrder(12345, "t"), deadline_s=10)

    async def test_a_broker_that_does_not_hear_is_said_to_be_away(self, rig: Rig) -> None:
        await started(rig)
        sent = await place(rig)
        assert sent.client_order_id is not None
        rig.broker.errors["cancel"] = Unavailable("away")
        with pytest.raises(Unavailable, match="withdrawal"):
            await rig.system.asks.trader.ask(CancelOrder(sent.client_order_id, "t"), deadline_s=10)


class TestVanished:
    async def test_an_order_that_no_list_shows_becomes_the_owners_question(self, rig: Rig) -> None:
        sent = await escalated(rig)
        latches = [latch.name for latch in await rig.store.settings.latches()]
        assert latches == ["order_escalated"]
        assert rig.system.kill.engaged
        second = await place(rig, key="second")
        assert "G0b" in {verdict.gate for verdict in second.blocked_by}
        assert sent.in_flight

    async def test_looks_that_fail_prove_nothing(self, rig: Rig) -> None:
        sent = await vanished(rig)
        rig.broker.errors["orders_since"] = Unavailable("away")
        await trio.sleep(1500)
        assert await rig.state(sent) is OrderState.ACCEPTED

    async def test_an_order_seen_again_is_followed_as_before(self, rig: Rig) -> None:
        await started(rig)
        sent = await place(rig)
        shown = dict(rig.broker.orders)
        rig.broker.orders.clear()
        await trio.sleep(600)
        rig.broker.orders.update(shown)
        await trio.sleep(10)
        rig.broker.orders.clear()
        await trio.sleep(600)
        assert await rig.state(sent) in (OrderState.ACCEPTED, OrderState.ACTIVE)
        assert await rig.store.settings.latches() == ()

    @pytest.mark.parametrize("rig", [60.0], indirect=True)
    async def test_after_its_day_an_order_that_no_list_shows_has_expired(self, rig: Rig) -> None:
        sent = await vanished(rig)
        await trio.sleep(400)
        gone = await rig.until_state(sent, OrderState.EXPIRED)
        assert gone.filled == Quantity(0)
        assert await rig.store.settings.latches() == ()


class TestDeciding:
    @pytest.mark.parametrize(
        ("choice", "state"),
        [("not_placed", OrderState.NOT_PLACED), ("closed", OrderState.CANCELLED)],
    )
    async def test_the_owners_word_ends_the_order_and_the_halt(
        self, rig: Rig, choice: str, state: OrderState
    ) -> None:
        sent = await escalated(rig)
        await resolve(rig, sent, choice)
        assert await rig.state(sent) is state
        assert await rig.store.settings.latches() == ()
        assert not rig.system.kill.engaged

    async def test_an_order_said_to_be_placed_is_followed_again(self, rig: Rig) -> None:
        await started(rig)
        sent = await place(rig)
        shown = dict(rig.broker.orders)
        rig.broker.orders.clear()
        await trio.sleep(900)
        await rig.until_state(sent, OrderState.ESCALATED)
        rig.broker.orders.update(shown)
        rig.broker.errors["open_orders"] = Unavailable("away")
        await resolve(rig, sent, "placed")
        assert await rig.state(sent) is OrderState.ACCEPTED
        rig.broker.errors.clear()
        rig.broker.fill("B1")
        await rig.until_state(sent, OrderState.FILLED)

    async def test_the_owners_word_waits_for_a_look_that_is_finding_the_order(
        self, rig: Rig, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await started(rig)
        sent = await place(rig)
        shown = dict(rig.broker.orders)
        rig.broker.orders.clear()
        await trio.sleep(900)
        await rig.until_state(sent, OrderState.ESCALATED)

        async def slow(broker: ScriptedBroker) -> AccountSnapshot:
            await trio.sleep(3)
            return await snapshot(broker)

        snapshot = ScriptedBroker.snapshot
        monkeypatch.setattr(ScriptedBroker, "snapshot", slow)
        rig.broker.orders.update(shown)
        await trio.sleep(2.5)
        with pytest.raises(Missing, match="waits for no decision"):
            await resolve(rig, sent, "not_placed")
        assert (await rig.state(sent)) in (OrderState.ACCEPTED, OrderState.ACTIVE)

    async def test_a_word_that_counts_says_when_the_halt_could_not_be_ended(self, rig: Rig) -> None:
        await rig.start("sync", "trader")
        rig.broker.errors["place"] = OutcomeUnknown("reset")
        sent = await place(rig)
        at = rig.clock.market_now()
        await rig.store.orders.escalated(sent.intent_id, "not found", at=at)
        said = await resolve(rig, sent, "closed")
        assert await rig.state(sent) is OrderState.CANCELLED
        assert "order_escalated is still to be resumed" in said

    async def test_another_latch_stays_when_an_order_is_decided(self, rig: Rig) -> None:
        sent = await escalated(rig)
        await rig.system.asks.schedule.ask(RaiseLatch("owner", "stop", "t"), deadline_s=5)
        await resolve(rig, sent, "not_placed")
        assert [latch.name for latch in await rig.store.settings.latches()] == ["owner"]

    async def test_a_decision_needs_a_confirmation_a_choice_and_a_question(self, rig: Rig) -> None:
        sent = await escalated(rig)
        with pytest.raises(Refused) as refusal:
            await resolve(rig, sent, "not_placed", confirm=False)
        assert refusal.value.code == "confirmation_required"
        with pytest.raises(Refused, match="placed, not_placed, closed"):
            await resolve(rig, sent, "maybe")
        await resolve(rig, sent, "closed")
        with pytest.raises(Missing, match="waits for no decision"):
            await resolve(rig, sent, "closed")
        for name in ("order:", "order:x", "books:1", "order:99999999999999999999"):
            with pytest.raises(Missing):
                await rig.system.asks.trader.ask(Resolve(name, "closed", True, "t"), deadline_s=5)
