"""The trader: what leaves, what never does, and what becomes of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
import trio

from broker.port import Accepted
from daemon.clock import ReplayClock
from ledger.bar import Bar
from ledger.errors import MalformedAnswer, OutcomeUnknown, RejectedByBroker, Unavailable
from ledger.halt import Latch
from ledger.money import Price, Quantity
from ledger.order import Intent, OrderDraft, OrderState
from tests.actors.rig import ALL_HOURS, Rig, minutes
from tests.support.builders import eur, quote
from tests.support.scripted_broker import ScriptedBroker
from wire.messages import Decide
from wire.order_asks import Resolve
from wire.setting_asks import PutSetting

FX_REPAIR: dict[str, Any] = {
    "order_class": "emergency",
    "source_id": "negative:reserve:USD",
    "symbol": "EUR/USD",
    "security_id": None,
    "side": "SELL",
    "quantity": Quantity.of(100),
    "currency": "USD",
}


async def decide(rig: Rig, intent: Intent) -> Intent:
    return await rig.system.asks.trader.ask(Decide(intent.intent_id), deadline_s=60)


async def accepted(rig: Rig, **changes: Any) -> Intent:
    """An order that rests at the broker, with sync and trader running."""
    await rig.start("schedule", "sync", "trader")
    sent = await decide(rig, await rig.propose(**changes))
    assert sent.state is OrderState.ACCEPTED, sent.blocked_by
    return sent


def step_machine_clock(monkeypatch: pytest.MonkeyPatch, by: timedelta) -> None:
    true = ReplayClock.machine_now

    def stepped(clock: ReplayClock) -> datetime:
        return true(clock) + by

    monkeypatch.setattr(ReplayClock, "machine_now", stepped)


def gates_of(intent: Intent) -> set[str]:
    return {verdict.gate for verdict in intent.blocked_by}


class TestLeaving:
    async def test_an_order_that_every_gate_lets_pass_is_sent_once(self, rig: Rig) -> None:
        sent = await accepted(rig)
        again = await decide(rig, sent)
        assert again.client_order_id == sent.client_order_id
        assert [draft.client_order_id for draft in rig.broker.placed] == [sent.client_order_id]
        rig.broker.fill("B1")
        done = await rig.until_state(sent, OrderState.FILLED)
        assert done.filled == done.proposal.quantity

    async def test_an_intent_that_nobody_announced_is_found(self, rig: Rig) -> None:
        await rig.start("sync", "trader")
        intent = await rig.propose()
        await rig.until_state(intent, OrderState.ACTIVE, within_s=25)

    async def test_an_intent_left_by_an_earlier_life_is_decided(self, rig: Rig) -> None:
        await rig.start("sync")
        intent = await rig.propose()
        await rig.start("trader")
        await rig.until_state(intent, OrderState.ACTIVE)

    async def test_a_decision_of_long_ago_does_not_leave_any_more(self, rig: Rig) -> None:
        await rig.start("sync")
        intent = await rig.propose()
        await trio.sleep(timedelta(hours=2).total_seconds())
        await rig.start("trader")
        refused = await rig.until_state(intent, OrderState.REFUSED)
        assert gates_of(refused) == {"AGE"}

    async def test_nothing_leaves_while_another_order_is_in_flight(self, rig: Rig) -> None:
        await accepted(rig)
        second = await decide(rig, await rig.propose(step=2))
        assert gates_of(second) >= {"G13", "L3"}
        assert len(rig.broker.placed) == 1

    async def test_o10_nothing_leaves_beside_an_order_that_came_back_from_the_dead(
        self, rig: Rig
    ) -> None:
        await rig.start("sync", "trader")
        rig.broker.errors["place"] = OutcomeUnknown("reset")
        lost = await decide(rig, await rig.propose())
        await rig.until_state(lost, OrderState.NOT_PLACED)
        rig.broker.errors.clear()
        rig.broker.place_foreign(rig.broker.placed[0], "B7")
        rig.broker.orders["B7"] = replace(
            rig.broker.orders["B7"], client_order_id=lost.client_order_id
        )
        refused = await decide(rig, await rig.propose(step=2, **FX_REPAIR))
        words = {verdict.gate: verdict.detail for verdict in refused.blocked_by}
        assert words["G13"].endswith("is not_placed, yet the broker shows it as live")
        assert len(rig.broker.placed) == 1

    async def test_a_refused_intent_carries_every_verdict_and_when_to_come_back(
        self, rig: Rig
    ) -> None:
        await rig.start("sync", "trader")
        rig.broker.errors["open_orders"] = Unavailable("away")
        rig.broker.price("DEMO-A.EU", "103")
        refused = await decide(rig, await rig.propose())
        assert refused.state is OrderState.REFUSED
        assert gates_of(refused) == {"L3", "G9"}
        assert refused.retry_after is not None
        assert refused.retry_after >= rig.clock.market_now()
        events = await rig.store.orders.events(refused.intent_id)
        assert {v.gate for v in events[-1].verdicts} > {"L3", "G9", "G0", "L6"}

    @pytest.mark.parametrize(
        ("method", "gate"),
        [("snapshot", "SNAP"), ("open_orders", "L3"), ("quotes", "G9")],
    )
    @pytest.mark.parametrize("hangs", [False, True])
    async def test_a_failed_read_is_a_refusal(
        self, rig: Rig, method: str, gate: str, hangs: bool
    ) -> None:
        await rig.start("sync", "trader")
        if hangs:
            rig.broker.hung.add(method)
        else:
            rig.broker.errors[method] = MalformedAnswer("not what was asked for")
        refused = await decide(rig, await rig.propose())
        assert gate in gates_of(refused)
        assert rig.broker.placed == []

    async def test_an_incomplete_account_is_a_refusal(self, rig: Rig) -> None:
        await rig.start("sync", "trader")
        rig.broker.complete = False
        assert gates_of(await decide(rig, await rig.propose())) == {"SNAP"}

    async def test_a_quote_in_another_currency_is_a_refusal(self, rig: Rig) -> None:
        await rig.start("sync", "trader")
        rig.broker.price("DEMO-A.EU", "100", "GBP")
        refused = await decide(rig, await rig.propose())
        assert refused.state is OrderState.REFUSED
        assert "G10" in gates_of(refused)

    @pytest.mark.parametrize(("usual", "gates"), [(10, {"G9"}), (11, None)])
    async def test_a_price_ten_times_its_month_is_a_refusal(
        self, rig: Rig, usual: int, gates: set[str] | None
    ) -> None:
        micro, today = usual * 1_000_000, rig.clock.market_now().date()
        days = (today - timedelta(days=back) for back in range(30, 0, -1))
        rig.broker.past["DEMO-A.EU"] = [Bar(d, micro, micro, micro, micro, 1) for d in days]
        await rig.start("sync", "trader")
        await rig.settle()
        decided = await decide(rig, await rig.propose())
        assert (gates_of(decided) or None) == gates

    async def test_an_old_quote_is_a_refusal(self, rig: Rig) -> None:
        await rig.start("sync", "trader")
        rig.broker.stamped = False
        rig.broker.quoted["DEMO-A.EU"] = quote(at=rig.clock.market_now() - timedelta(minutes=6))
        assert gates_of(await decide(rig, await rig.propose())) == {"G9"}

    async def test_research_simulates_and_never_calls_the_port(self, rig: Rig) -> None:
        await rig.store.settings.set_mode("research", "test", rig.clock.machine_now())
        await rig.start("sync", "trader")
        simulated = await decide(rig, await rig.propose(mode="research"))
        assert simulated.state is OrderState.SIMULATED
        assert simulated.client_order_id is None
        assert "place" not in rig.broker.calls

    async def test_in_research_orders_are_tried_with_money_that_is_not_there(
        self, rig: Rig
    ) -> None:
        await rig.store.settings.set_mode("research", "test", rig.clock.machine_now())
        rig.broker.cash = {"EUR": "100", "USD": "4000"}
        await rig.start("schedule", "sync", "trader")
        refused = await decide(rig, await rig.propose(mode="research"))
        assert gates_of(refused) == {"L6", "G0"}
        more = PutSetting("virtual_test_cash", "500", "test")
        await rig.system.asks.schedule.ask(more, deadline_s=5)
        simulated = await decide(rig, await rig.propose(mode="research", step=2))
        assert simulated.state is OrderState.SIMULATED, simulated.blocked_by
        assert "place" not in rig.broker.calls

    async def test_research_refuses_what_live_would_refuse(self, rig: Rig) -> None:
        await rig.store.settings.set_mode("research", "test", rig.clock.machine_now())
        await rig.start("sync", "trader")
        rig.broker.price("DEMO-A.EU", "103")
        refused = await decide(rig, await rig.propose(mode="research"))
        assert gates_of(refused) == {"G0", "G9"}

    async def test_what_was_decided_in_research_never_leaves(self, rig: Rig) -> None:
        await rig.start("sync", "trader")
        refused = await decide(rig, await rig.propose(mode="research"))
        assert gates_of(refused) == {"COMMIT"}
        assert rig.broker.placed == []

    async def test_a_halt_stops_what_is_decided_already(self, rig: Rig) -> None:
        await rig.start("sync", "trader")
        latch = Latch("owner", "asked to", rig.clock.machine_now())
        await rig.store.settings.set_latch(latch, by="test")
        assert gates_of(await decide(rig, await rig.propose())) == {"G0b"}

    async def test_the_halt_file_stops_everything_without_anybody_telling(self, rig: Rig) -> None:
        await rig.start("sync", "trader")
        (rig.folder / "HALT").touch()
        assert gates_of(await decide(rig, await rig.propose())) == {"G0b"}
        assert rig.broker.placed == []


class TestOutcome:
    async def test_a_rejection_is_final_and_keeps_the_words_of_the_broker(self, rig: Rig) -> None:
        await rig.start("sync", "trader")
        rig.broker.errors["place"] = RejectedByBroker("not today")
        rejected = await decide(rig, await rig.propose())
        assert (rejected.state, rejected.error) == (OrderState.REJECTED, "not today")

    async def test_an_unreachable_broker_executed_nothing(self, rig: Rig) -> None:
        await rig.start("sync", "trader")
        rig.broker.errors["place"] = Unavailable("no line")
        assert (await decide(rig, await rig.propose())).state is OrderState.REJECTED

    @pytest.mark.parametrize(
        "error", [OutcomeUnknown("reset"), MalformedAnswer("<html>"), trio.TooSlowError()]
    )
    async def test_an_answer_that_cannot_be_read_leaves_the_outcome_open(
        self, rig: Rig, error: Exception
    ) -> None:
        await rig.start("sync", "trader")
        rig.broker.errors["place"] = error
        assert (await decide(rig, await rig.propose())).state is OrderState.UNKNOWN

    async def test_no_answer_within_the_deadline_leaves_the_outcome_open(self, rig: Rig) -> None:
        await rig.start("sync", "trader")
        rig.broker.hung.add("place")
        began_s = trio.current_time()
        assert (await decide(rig, await rig.propose())).state is OrderState.UNKNOWN
        assert trio.current_time() - began_s == pytest.approx(20, abs=0.1)
        assert len(rig.broker.placed) == 1

    @pytest.mark.parametrize("answer_after_s", [1.0, 60.0])
    async def test_stopping_during_a_submission_waits_for_its_answer_for_five_seconds(
        self, rig: Rig, monkeypatch: pytest.MonkeyPatch, answer_after_s: float
    ) -> None:
        await rig.start("sync")
        intent = await rig.propose()
        place = rig.broker.place

        async def slow(_: ScriptedBroker, draft: OrderDraft) -> Accepted:
            accepted = await place(draft)
            await trio.sleep(answer_after_s)
            return accepted

        monkeypatch.setattr(ScriptedBroker, "place", slow)
        stopped_s = 0.0
        with trio.CancelScope() as daemon:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(rig.actor("trader"))
                while not rig.broker.orders:  # noqa: ASYNC110 — the broker tells nobody
                    await trio.sleep(0.01)
                stopped_s = trio.current_time()
                daemon.cancel()
        after_s = trio.current_time() - stopped_s
        assert after_s == pytest.approx(min(answer_after_s, 5), abs=0.1)
        answered = answer_after_s < 5
        expected = OrderState.ACCEPTED if answered else OrderState.UNKNOWN
        assert await rig.state(intent) is expected

    async def test_o6_a_rejection_of_what_has_executed_is_not_believed(
        self, rig: Rig, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await rig.start("sync", "trader")
        place = rig.broker.place

        async def liar(broker: ScriptedBroker, draft: OrderDraft) -> Accepted:
            accepted = await place(draft)
            broker.fill(accepted.broker_order_id)
            await rig.sync()
            raise RejectedByBroker("no such order")

        monkeypatch.setattr(ScriptedBroker, "place", liar)
        done = await decide(rig, await rig.propose())
        assert (done.state, done.filled) == (OrderState.FILLED, done.proposal.quantity)
        assert await rig.store.settings.latches() == ()

    async def test_a_lost_answer_is_found_and_never_sent_again(self, rig: Rig) -> None:
        rig.broker.lost = True
        rig.broker.errors["place"] = OutcomeUnknown("reset")
        await rig.start("sync", "trader")
        intent = await decide(rig, await rig.propose())
        assert intent.state is OrderState.UNKNOWN
        await rig.until_state(intent, OrderState.ACTIVE, within_s=5)
        assert len(rig.broker.placed) == 1

    async def test_an_order_left_submitting_is_unknown_after_a_restart_and_then_found(
        self, rig: Rig
    ) -> None:
        """The process died after the commit, and the order had arrived."""
        await rig.start("sync")
        intent = await rig.propose()
        left = await rig.store.orders.begin_submit(
            intent.intent_id,
            limit=Price.of("100", "EUR"),
            reserved=eur("300"),
            reserved_fee=eur("2.60"),
            verdicts=(),
            at=rig.clock.market_now(),
            machine_at=rig.clock.machine_now(),
            mode="live",
        )
        assert left.client_order_id is not None
        draft = OrderDraft(
            left.client_order_id, "DEMO-A.EU", "BUY", Quantity.of(3), Price.of("100", "EUR")
        )
        await rig.broker.place(draft)
        await rig.start("trader")
        assert "was unknown" in rig.boards.recovery.value.lines[0]
        found = await rig.until_state(intent, OrderState.ACTIVE)
        assert found.broker_order_id == "B1"
        assert rig.broker.placed == [draft]

    async def test_three_clean_looks_over_two_minutes_prove_that_nothing_was_placed(
        self, rig: Rig
    ) -> None:
        await rig.start("sync", "trader")
        rig.broker.errors["place"] = OutcomeUnknown("reset")
        intent = await decide(rig, await rig.propose())
        await trio.sleep(110)
        assert await rig.state(intent) is OrderState.UNKNOWN
        blocked = await decide(rig, await rig.propose(step=2))
        assert "G13" in gates_of(blocked)
        await rig.until_state(intent, OrderState.NOT_PLACED, within_s=20)

    async def test_m7_a_clock_that_is_set_forward_does_not_shorten_the_proof(
        self, rig: Rig, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await rig.start("sync", "trader")
        rig.broker.errors["place"] = OutcomeUnknown("reset")
        intent = await decide(rig, await rig.propose())
        await trio.sleep(5)
        step_machine_clock(monkeypatch, timedelta(minutes=5))
        await trio.sleep(100)
        assert await rig.state(intent) is OrderState.UNKNOWN
        await rig.until_state(intent, OrderState.NOT_PLACED, within_s=30)

    async def test_a_clock_that_is_set_back_does_not_keep_the_question_from_the_owner(
        self, rig: Rig, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await rig.start("schedule", "sync", "trader")
        sent = await decide(rig, await rig.propose())
        rig.broker.orders.clear()
        await trio.sleep(30)
        step_machine_clock(monkeypatch, timedelta(hours=-3))
        await rig.until_state(sent, OrderState.ESCALATED, within_s=minutes(17))

    async def test_a_look_that_fails_proves_nothing(self, rig: Rig) -> None:
        await rig.start("sync", "trader")
        rig.broker.errors["place"] = OutcomeUnknown("reset")
        intent = await decide(rig, await rig.propose())
        rig.broker.errors["orders_since"] = Unavailable("away")
        await trio.sleep(600)
        assert await rig.state(intent) is OrderState.UNKNOWN
        assert (await rig.store.orders.looks(intent.intent_id)).count == 0

    async def test_an_order_that_may_have_moved_the_account_goes_to_the_owner(
        self, rig: Rig
    ) -> None:
        await rig.start("schedule", "sync", "trader")
        rig.broker.errors["place"] = OutcomeUnknown("reset")
        intent = await decide(rig, await rig.propose())
        rig.broker.held = {"DEMO-A.EU": "3"}
        await rig.until_state(intent, OrderState.ESCALATED, within_s=5)
        assert [x.name for x in await rig.store.settings.latches()] == ["order_escalated"]

    @pytest.mark.parametrize("units", ["1", "3"])
    async def test_an_execution_without_our_tag_is_no_proof_that_nothing_was_placed(
        self, rig: Rig, units: str
    ) -> None:
        """Its order is in no list, and the books agree once it is recorded as somebody else's."""
        await rig.start("schedule", "sync", "trader")
        rig.broker.errors["place"] = OutcomeUnknown("reset")
        intent = await decide(rig, await rig.propose())
        rig.broker.place_foreign(rig.broker.placed[0])
        rig.broker.fill("X1", units)
        rig.broker.orders.clear()
        await rig.sync()
        await rig.until_state(intent, OrderState.ESCALATED, within_s=10)
        assert [x.name for x in await rig.store.settings.latches()] == ["order_escalated"]
        word = Resolve(f"order:{intent.intent_id}", "closed", confirm=True, by="test")
        await rig.system.asks.trader.ask(word, deadline_s=30)
        done = await rig.store.orders.get(intent.intent_id)
        assert (done.state, done.filled) == (OrderState.CANCELLED, Quantity.of(units))
        assert done.broker_order_id == "X1"

    async def test_o3_while_the_halt_is_not_heard_the_question_waits_and_the_trader_lives(
        self, rig: Rig
    ) -> None:
        await rig.start("sync", "trader")
        rig.broker.errors["place"] = OutcomeUnknown("reset")
        intent = await decide(rig, await rig.propose())
        rig.broker.held = {"DEMO-A.EU": "3"}
        await trio.sleep(60)
        assert await rig.state(intent) is OrderState.UNKNOWN
        await rig.start("schedule")
        await rig.until_state(intent, OrderState.ESCALATED, within_s=30)
        assert [x.name for x in await rig.store.settings.latches()] == ["order_escalated"]

    async def test_o8_an_execution_recorded_while_the_halt_is_asked_for_ends_the_doubt(
        self, rig: Rig
    ) -> None:
        await rig.start("sync", "trader")
        rig.broker.lost = True
        rig.broker.errors["place"] = OutcomeUnknown("reset")
        intent = await decide(rig, await rig.propose())
        hidden = rig.broker.orders.pop("B1")
        rig.broker.held = {"DEMO-A.EU": "3"}
        asked = await rig.system.asks.schedule.receive()
        rig.broker.orders["B1"], rig.broker.held = hidden, {}
        rig.broker.fill("B1")
        await rig.sync()
        asked.slot.answer(())
        done = await rig.until_state(intent, OrderState.FILLED, within_s=5)
        assert done.broker_order_id == "B1"

    async def test_a_recorded_execution_ends_the_doubt(self, rig: Rig) -> None:
        """Even while the lists of orders cannot be read."""
        rig.broker.lost = True
        rig.broker.errors["place"] = OutcomeUnknown("reset")
        await rig.start("schedule", "sync", "trader")
        rig.broker.errors["orders_since"] = Unavailable("away")
        intent = await decide(rig, await rig.propose())
        rig.broker.fill("B1")
        await rig.sync()
        done = await rig.until_state(intent, OrderState.FILLED, within_s=1)
        assert done.broker_order_id == "B1"

    @pytest.mark.parametrize("lost", [False, True])
    async def test_an_order_that_the_broker_shows_as_another_one_goes_to_the_owner(
        self, rig: Rig, lost: bool
    ) -> None:
        await rig.start("schedule", "sync", "trader")
        if lost:
            rig.broker.lost = True
            rig.broker.errors["place"] = OutcomeUnknown("reset")
        intent = await decide(rig, await rig.propose())
        rig.broker.orders["B1"] = replace(rig.broker.orders["B1"], symbol="DEMO-B.EU")
        await rig.until_state(intent, OrderState.ESCALATED, within_s=60)
        assert [x.name for x in await rig.store.settings.latches()] == ["order_escalated"]
        await trio.sleep(60)
        assert await rig.state(intent) is OrderState.ESCALATED

    async def test_an_order_that_waits_for_the_owner_writes_nothing(self, rig: Rig) -> None:
        await rig.start("schedule", "sync", "trader")
        rig.broker.errors["place"] = OutcomeUnknown("reset")
        intent = await decide(rig, await rig.propose())
        rig.broker.held = {"DEMO-A.EU": "3"}
        await rig.until_state(intent, OrderState.ESCALATED)
        looks = await rig.store.orders.looks(intent.intent_id)
        await trio.sleep(600)
        assert await rig.store.orders.looks(intent.intent_id) == looks


@pytest.mark.parametrize("rig", [{"rate": 60.0, "limits": ALL_HOURS}], indirect=True)
class TestResting:
    """A minute of the market passes in a second."""

    async def test_an_unfilled_order_is_withdrawn_after_twenty_minutes(self, rig: Rig) -> None:
        sent = await accepted(rig)
        await trio.sleep(19)
        assert rig.broker.cancelled == []
        await trio.sleep(2)
        assert rig.broker.cancelled == ["B1"]
        rig.broker.end("B1", "cancelled")
        await rig.until_state(sent, OrderState.CANCELLED)

    async def test_an_unfilled_order_is_withdrawn_before_the_close(self, rig: Rig) -> None:
        assert rig.clock.jump_to(rig.clock.market_now().replace(hour=16, minute=20))
        await accepted(rig)
        await trio.sleep(4)
        assert rig.broker.cancelled == []
        await trio.sleep(2)
        assert rig.broker.cancelled == ["B1"]

    async def test_m1_what_could_not_rest_before_the_close_is_not_sent(self, rig: Rig) -> None:
        assert rig.clock.jump_to(rig.clock.market_now().replace(hour=16, minute=26))
        await rig.start("sync", "trader")
        refused = await decide(rig, await rig.propose())
        assert gates_of(refused) == {"L1"}
        tomorrow = rig.clock.market_now().replace(day=6, hour=8, minute=0, second=0, microsecond=0)
        assert refused.retry_after == tomorrow
        assert "place" not in rig.broker.calls

    async def test_a_withdrawal_that_failed_is_asked_for_again(self, rig: Rig) -> None:
        await accepted(rig)
        rig.broker.errors["cancel"] = Unavailable("away")
        await trio.sleep(21)
        assert "cancel" in rig.broker.calls
        rig.broker.errors.clear()
        await trio.sleep(2)
        assert rig.broker.cancelled == ["B1"]

    async def test_a_withdrawal_that_was_heard_and_not_carried_out_is_asked_for_again(
        self, rig: Rig
    ) -> None:
        await accepted(rig)
        await trio.sleep(21)
        assert rig.broker.cancelled == ["B1"]
        await trio.sleep(50)
        assert rig.broker.cancelled == ["B1"]
        await trio.sleep(15)
        assert rig.broker.cancelled == ["B1", "B1"]

    async def test_the_rest_of_a_partly_filled_order_is_withdrawn_too(self, rig: Rig) -> None:
        sent = await accepted(rig)
        rig.broker.fill("B1", "1")
        await rig.until_state(sent, OrderState.PARTIALLY_FILLED)
        await trio.sleep(21)
        assert rig.broker.cancelled == ["B1"]
        rig.broker.end("B1", "cancelled")
        ended = await rig.until_state(sent, OrderState.CANCELLED)
        assert ended.filled == Quantity.of(1)

    async def test_the_rest_is_withdrawn_even_while_executions_cannot_be_read(
        self, rig: Rig
    ) -> None:
        await accepted(rig)
        rig.broker.errors["fills_since"] = Unavailable("away")
        rig.broker.fill("B1", "1")
        await trio.sleep(21)
        assert rig.broker.cancelled == ["B1"]

    async def test_an_emergency_withdraws_what_rests_and_then_leaves(self, rig: Rig) -> None:
        rig.broker.cash = {"EUR": "10000", "USD": "-150"}
        sent = await accepted(rig)
        repair = await rig.propose(**FX_REPAIR, decision_price=rig.broker.quoted["EUR/USD"].last)
        assert (await decide(rig, repair)).state is OrderState.PROPOSED
        assert rig.broker.cancelled == ["B1"]
        rig.broker.end("B1", "cancelled")
        await rig.until_state(sent, OrderState.CANCELLED)
        await rig.until_state(repair, OrderState.ACTIVE)

    async def test_an_emergency_waits_however_often_the_withdrawal_fails(self, rig: Rig) -> None:
        rig.broker.cash = {"EUR": "10000", "USD": "-150"}
        await accepted(rig)
        rig.broker.errors["cancel"] = Unavailable("away")
        repair = await rig.propose(**FX_REPAIR, decision_price=rig.broker.quoted["EUR/USD"].last)
        await decide(rig, repair)
        rig.broker.errors.clear()
        await trio.sleep(2)
        assert rig.broker.cancelled == ["B1"]
        rig.broker.end("B1", "cancelled")
        await rig.until_state(repair, OrderState.ACTIVE)

    async def test_an_emergency_is_refused_while_an_outcome_is_unknown(self, rig: Rig) -> None:
        rig.broker.cash = {"EUR": "10000", "USD": "-150"}
        await rig.start("sync", "trader")
        rig.broker.errors["place"] = OutcomeUnknown("reset")
        await decide(rig, await rig.propose())
        repair = await rig.propose(**FX_REPAIR, decision_price=rig.broker.quoted["EUR/USD"].last)
        assert "G13" in gates_of(await decide(rig, repair))


@pytest.mark.parametrize("rig", [60.0], indirect=True)
async def test_the_end_of_core_hours_withdraws_nothing_that_rests(rig: Rig) -> None:
    """Core hours say when orders leave; how long one rests follows the exchange's own session."""
    assert rig.clock.jump_to(rig.clock.market_now().replace(hour=14, minute=50))
    sent = await accepted(rig)
    await trio.sleep(15)
    assert rig.clock.market_now().hour == 15
    assert rig.broker.cancelled == []
    late = await decide(rig, await rig.propose(step=2, symbol="DEMO-A.EU"))
    assert "L1" in gates_of(late)
    await trio.sleep(6)
    assert rig.broker.cancelled == ["B1"]
    rig.broker.end("B1", "cancelled")
    await rig.until_state(sent, OrderState.CANCELLED)


class TestShowing:
    async def test_the_newest_state_stays_on_the_board(
        self, rig: Rig, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A slow reader must not put an older picture over a newer one."""
        recent = rig.store.orders.recent
        delays = iter([1.0])

        async def slow(limit: int) -> tuple[Intent, ...]:
            rows = await recent(limit)
            await trio.sleep(next(delays, 0))
            return rows

        await rig.start("sync", "trader")
        monkeypatch.setattr(rig.store.orders, "recent", slow)
        sent = await decide(rig, await rig.propose())
        await rig.until_state(sent, OrderState.ACTIVE)
        await trio.sleep(5)
        assert rig.boards.orders.value[0].state is OrderState.ACTIVE

    async def test_every_change_is_an_event(self, rig: Rig) -> None:
        sent = await accepted(rig)
        rig.broker.fill("B1")
        await rig.until_state(sent, OrderState.FILLED)
        await trio.sleep(5)
        states = [event.data["state"] for event in rig.events("ORDER_CHANGED")]
        assert states[0] in {"submitting", "accepted"}
        assert states[-1] == "filled"
        assert rig.boards.orders.value[0].state is OrderState.FILLED
