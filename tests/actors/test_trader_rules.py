"""The trader and the rules of good trading, on a real ledger: what they see and what they stop."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import trio

from ledger.errors import Unavailable
from ledger.fact import Fill
from ledger.money import Money, Price, Quantity, Rounding
from ledger.order import Intent, OrderClass, OrderDraft, OrderState, Side, Verdict
from policy.limits import DEFAULTS
from policy.planning.config import AppliedConfig, PlannerConfig
from tests.actors.rig import ALL_HOURS, Rig
from tests.actors.test_trader import accepted, decide, gates_of
from tests.support.builders import quote, security
from tests.support.scripted_broker import ScriptedBroker
from wire.setting_asks import PutSetting

OTHER = replace(security("DEMO-B.EU").instrument, isin="XF0000000002")


def verdict(intent: Intent, gate: str) -> Verdict:
    return next(v for v in intent.blocked_by if v.gate == gate)


def foreign_fill(
    rig: Rig, *, ago: timedelta, symbol: str = "DEMO-A.EU", side: Side = "BUY"
) -> None:
    """A trade that somebody made elsewhere, as the broker will report it."""
    number = len(rig.broker.fills) + 1
    price, one = Price.of("100", "EUR"), Quantity.of(1)
    rig.broker.fills.append(
        Fill(
            fill_id=f"X{number}",
            broker_order_id=f"foreign-{number}",
            client_order_id=None,
            symbol=symbol,
            side=side,
            quantity=one,
            price=price,
            gross=price.times(one, Rounding.CEIL),
            fees=(),
            executed_at=rig.clock.market_now() - ago,
        )
    )


async def two_securities(rig: Rig, **held: str) -> None:
    """Shares to sell are there from the beginning."""
    rig.broker.listed = [security().instrument, OTHER]
    rig.broker.price("DEMO-B.EU", "100")
    rig.broker.held = held
    await rig.start("schedule", "sync", "trader")


async def test_c8_the_quantity_leaves_as_it_was_decided(rig: Rig) -> None:
    rig.broker.listed = [replace(security().instrument, lot=Quantity.of("0.5"))]
    sent = await accepted(rig, quantity=Quantity.of("2.5"))
    (draft,) = rig.broker.placed
    assert draft.quantity == sent.proposal.quantity == Quantity.of("2.5")


async def test_c8_a_quantity_beside_its_lot_is_refused_and_never_rounded(rig: Rig) -> None:
    await rig.start("sync", "trader")
    refused = await decide(rig, await rig.propose(quantity=Quantity.of("2.5")))
    assert gates_of(refused) == {"G4"}
    assert rig.broker.placed == []


@pytest.mark.parametrize(
    ("changes", "gate"),
    [
        ({"mic": "XXXX"}, "L1"),
        ({"currency": "QQQ"}, "L7"),
    ],
)
async def test_o11_an_unknown_exchange_or_currency_never_reaches_the_broker(
    rig: Rig, changes: dict[str, Any], gate: str
) -> None:
    rig.broker.listed = [security(**changes).instrument]
    currency = changes.get("currency", "EUR")
    rig.broker.price("DEMO-A.EU", "100", currency)
    await rig.start("sync", "trader")
    price = Price.of("100", currency)
    refused = await decide(rig, await rig.propose(currency=currency, decision_price=price))
    assert refused.state is OrderState.REFUSED
    assert gate in gates_of(refused)
    assert rig.broker.placed == []


async def test_c2_a_foreign_purchase_promises_its_fee_too(rig: Rig) -> None:
    """10,000 EUR less 9,690 and a fee of 21.38, less 300 and 2.60, is below the reserve of 5."""
    await two_securities(rig)
    draft = OrderDraft(1, "DEMO-B.EU", "BUY", Quantity.of(102), Price.of("95", "EUR"))
    rig.broker.place_foreign(draft)
    refused = await decide(rig, await rig.propose())
    assert gates_of(refused) == {"L6"}


async def test_o11_a_foreign_order_in_an_unknown_currency_does_not_stop_the_trader(
    rig: Rig,
) -> None:
    await two_securities(rig)
    draft = OrderDraft(1, "ODD.XX", "BUY", Quantity.of(3), Price.of("7", "QQQ"))
    rig.broker.place_foreign(draft)
    assert (await decide(rig, await rig.propose())).state is OrderState.ACCEPTED


async def test_what_the_owner_reckons_an_order_to_cost_is_reserved_and_judged(rig: Rig) -> None:
    await two_securities(rig)
    costs = PutSetting("transaction_cost_fixed", "25", "test")
    await rig.system.asks.schedule.ask(costs, deadline_s=5)
    refused = await decide(rig, await rig.propose(quantity=Quantity.of(9)))
    assert gates_of(refused) == {"G11"}
    assert "fee 26." in verdict(refused, "G11").detail


async def test_m5_the_next_trade_waits_for_its_hour_whatever_was_decided_before(rig: Rig) -> None:
    await two_securities(rig)
    first = await decide(rig, await rig.propose())
    rig.broker.fill("B1")
    await rig.until_state(first, OrderState.FILLED)
    until = rig.broker.fills[0].executed_at + timedelta(hours=1) + DEFAULTS.max_clock_skew
    for step in range(2, 8):
        refused = await decide(rig, await rig.propose(step=step, symbol="DEMO-B.EU"))
        assert gates_of(refused) == {"G1"}
        assert verdict(refused, "G1").retry_after == until
    assert rig.clock.jump_to(until)
    later = await decide(rig, await rig.propose(step=9, symbol="DEMO-B.EU"))
    assert later.state is OrderState.ACCEPTED, later.blocked_by


async def test_the_trades_of_others_count_for_pace_and_windows(rig: Rig) -> None:
    await two_securities(rig)
    foreign_fill(rig, ago=timedelta(minutes=30))
    rig.broker.held = {"DEMO-A.EU": "1"}
    rig.broker.cash = {"EUR": "9900", "USD": "1000"}
    await rig.sync()
    assert gates_of(await decide(rig, await rig.propose())) == {"G1", "L2"}
    other = await decide(rig, await rig.propose(step=2, symbol="DEMO-B.EU"))
    assert gates_of(other) == {"G1"}


@pytest.mark.parametrize("order_class", ["planner", "manual"])
async def test_what_the_owner_bought_elsewhere_just_now_counts_before_sync_has_seen_it(
    rig: Rig, order_class: OrderClass
) -> None:
    await two_securities(rig)
    foreign_fill(rig, ago=timedelta(minutes=1))
    rig.broker.held = {"DEMO-A.EU": "1"}
    rig.broker.cash = {"EUR": "9900", "USD": "1000"}
    refused = await decide(rig, await rig.propose(order_class=order_class))
    assert gates_of(refused) == {"SNAP"}
    await trio.sleep(5)
    again = await decide(rig, await rig.propose(order_class=order_class, step=2))
    assert gates_of(again) >= {"G1", "L2"}
    assert rig.broker.placed == []


async def test_executions_that_cannot_be_read_stop_an_order(rig: Rig) -> None:
    await two_securities(rig)
    rig.broker.errors["fills_since"] = Unavailable("away")
    assert gates_of(await decide(rig, await rig.propose())) == {"SNAP"}


async def test_what_was_bought_is_neither_bought_again_nor_sold_until_its_windows_end(
    rig: Rig,
) -> None:
    await two_securities(rig)
    foreign_fill(rig, ago=timedelta(days=20))
    rig.broker.held = {"DEMO-A.EU": "1"}
    rig.broker.cash = {"EUR": "9900", "USD": "1000"}
    await rig.sync()
    from_then = rig.broker.fills[0].executed_at + DEFAULTS.max_clock_skew
    again = await decide(rig, await rig.propose())
    assert gates_of(again) == {"L2"}
    assert again.retry_after == from_then + DEFAULTS.buy_cooldown
    sold = await decide(
        rig, await rig.propose(step=2, side="SELL", quantity=Quantity.of(1), order_class="manual")
    )
    assert "L4" in gates_of(sold)
    assert sold.retry_after == from_then + DEFAULTS.min_hold


async def test_the_owner_forces_haste_and_every_force_is_written_down(rig: Rig) -> None:
    await two_securities(rig)
    foreign_fill(rig, ago=timedelta(minutes=30))
    rig.broker.held = {"DEMO-A.EU": "1"}
    rig.broker.cash = {"EUR": "9900", "USD": "1000"}
    await rig.sync()
    owner = await rig.propose(order_class="manual", force=frozenset({"L2", "G1", "L6"}))
    sent = await decide(rig, owner)
    assert sent.state is OrderState.ACCEPTED, sent.blocked_by
    events = await rig.store.orders.events(sent.intent_id)
    forced = {v.gate for event in events for v in event.verdicts if v.forced}
    assert forced == {"L2", "G1"}


async def test_m6_money_that_comes_or_goes_is_neither_gain_nor_loss(rig: Rig) -> None:
    await two_securities(rig)
    for amount in ("50000", "-4000"):
        rig.broker.deposit(amount)
        await rig.sync()
    sent = await decide(rig, await rig.propose())
    assert sent.state is OrderState.ACCEPTED, sent.blocked_by


async def test_m6_a_loss_is_measured_without_what_was_paid_in(rig: Rig) -> None:
    await two_securities(rig, **{"DEMO-A.EU": "100"})
    rig.broker.deposit("2000")
    rig.broker.price("DEMO-A.EU", "88")
    await rig.sync()
    refused = await decide(rig, await rig.propose(symbol="DEMO-B.EU"))
    assert gates_of(refused) == {"G2"}
    change = Decimal(-1200) / 20800
    assert f"{change:.2%}" in verdict(refused, "G2").detail


async def test_a_clock_beside_the_brokers_stops_every_order(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rig.start("sync", "trader")
    now = rig.clock.market_now

    async def ahead(_: ScriptedBroker) -> Any:
        return now() + timedelta(minutes=2)

    monkeypatch.setattr(ScriptedBroker, "probe", ahead)
    refused = await decide(rig, await rig.propose())
    assert gates_of(refused) == {"G0b"}
    assert "clock skew" in verdict(refused, "G0b").detail


async def test_o4_a_broker_whose_clock_cannot_be_read_gets_no_order(rig: Rig) -> None:
    await rig.start("sync", "trader")
    rig.broker.errors["probe"] = Unavailable("away")
    assert gates_of(await decide(rig, await rig.propose())) == {"G0b"}


async def test_m1_a_market_that_the_broker_does_not_call_open_is_closed(rig: Rig) -> None:
    await rig.start("sync", "trader")
    rig.broker.quoted["DEMO-A.EU"] = quote(market_open=None)
    assert gates_of(await decide(rig, await rig.propose())) == {"L1"}


async def test_m1_orders_leave_in_the_core_of_the_session_only(rig: Rig) -> None:
    assert rig.clock.jump_to(rig.clock.market_now().replace(hour=15, minute=30))
    await rig.start("sync", "trader")
    refused = await decide(rig, await rig.propose())
    assert gates_of(refused) == {"L1"}
    tomorrow = rig.clock.market_now().replace(day=6, hour=9, minute=0, second=0, microsecond=0)
    assert refused.retry_after == tomorrow


@pytest.mark.parametrize("rig", [ALL_HOURS], indirect=True)
async def test_m1_the_owner_may_use_the_whole_session(rig: Rig) -> None:
    assert rig.clock.jump_to(rig.clock.market_now().replace(hour=15, minute=30))
    await accepted(rig)


@pytest.mark.parametrize("rig", [replace(DEFAULTS, allow_offhours_buy=True)], indirect=True)
async def test_m1_a_purchase_may_be_sent_before_the_open_where_the_owner_allows_it(
    rig: Rig,
) -> None:
    assert rig.clock.jump_to(rig.clock.market_now().replace(hour=22))
    rig.broker.quoted["DEMO-A.EU"] = quote(market_open=False)
    await accepted(rig)


@pytest.mark.parametrize(
    ("asked", "sent"), [("99.995", "99.99"), ("150", "100.1")], ids=["lower", "higher"]
)
async def test_the_owners_limit_is_never_exceeded_nor_the_rules(
    rig: Rig, asked: str, sent: str
) -> None:
    await accepted(rig, order_class="manual", asked_limit=Price.of(asked, "EUR"))
    (draft,) = rig.broker.placed
    assert draft.limit == Price.of(sent, "EUR")


class TestBuckets:
    async def _status(self, rig: Rig, status: str) -> None:
        await rig.store.ledger.transaction(
            lambda tx: tx.execute("UPDATE bucket SET status = ?", (status,))
        )

    async def test_an_unknown_bucket_gets_no_order(self, rig: Rig) -> None:
        await rig.start("sync", "trader")
        refused = await decide(rig, await rig.propose(bucket_id="nobody"))
        assert gates_of(refused) == {"G0", "G12"}

    async def test_a_paused_bucket_gets_no_order(self, rig: Rig) -> None:
        await self._status(rig, "paused")
        await rig.start("sync", "trader")
        assert gates_of(await decide(rig, await rig.propose())) == {"G12"}

    async def test_a_bucket_in_research_never_reaches_the_broker(self, rig: Rig) -> None:
        await self._status(rig, "research")
        await rig.start("sync", "trader")
        simulated = await decide(rig, await rig.propose())
        assert simulated.state is OrderState.SIMULATED
        assert rig.broker.placed == []

    async def test_o12_what_was_simulated_does_not_slow_down_what_is_live(self, rig: Rig) -> None:
        await self._status(rig, "research")
        await rig.start("schedule", "sync", "trader")
        for step in range(1, 7):
            simulated = await decide(rig, await rig.propose(step=step))
            assert simulated.state is OrderState.SIMULATED
        await self._status(rig, "active")
        sent = await decide(rig, await rig.propose(step=9))
        assert sent.state is OrderState.ACCEPTED, sent.blocked_by


async def test_c2_a_foreign_purchase_that_executes_between_two_reads_is_not_missed(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    await two_securities(rig)
    ours = await rig.propose()
    limit = Price.of("100", "EUR")
    rig.broker.place_foreign(OrderDraft(0, "DEMO-B.EU", "BUY", Quantity.of(98), limit))
    reads: list[str] = []

    async def call(broker: ScriptedBroker, method: str) -> None:
        """The foreign order executes after the first of the two was answered."""
        await trio.lowlevel.checkpoint()
        if method in {"open_orders", "snapshot"}:
            reads.append(method)
            if len(reads) == 2:
                broker.fill("X1")

    monkeypatch.setattr(ScriptedBroker, "_call", call)
    refused = await decide(rig, ours)
    assert "L6" in gates_of(refused)
    assert rig.broker.placed == []


@pytest.mark.parametrize(("days", "gates"), [(99, set[str]()), (101, {"L4"})])
async def test_l4_the_hold_of_the_bucket_counts_where_it_is_longer(
    rig: Rig, days: int, gates: set[str]
) -> None:
    await two_securities(rig, **{"DEMO-A.EU": "5"})
    await rig.settle()
    foreign_fill(rig, ago=timedelta(days=100))
    await rig.sync()
    strategies = rig.actor("trader").__self__._desk.strategies  # type: ignore[attr-defined]
    strategies.publish({"core": AppliedConfig(PlannerConfig(min_hold_days=days), "text")})
    refused = await decide(rig, await rig.propose(side="SELL", quantity=Quantity.of(2)))
    assert {gate for gate in gates_of(refused) if gate in {"L4", "G7"}} == gates


async def test_what_the_bucket_reckons_an_order_to_cost_counts_where_it_is_dearer(rig: Rig) -> None:
    await two_securities(rig)
    strategies = rig.actor("trader").__self__._desk.strategies  # type: ignore[attr-defined]
    dear = PlannerConfig(transaction_cost_fixed=Money.of(25, "EUR"))
    strategies.publish({"core": AppliedConfig(dear, "text")})
    refused = await decide(rig, await rig.propose(quantity=Quantity.of(9)))
    assert gates_of(refused) == {"G11"}
    assert "fee 26." in verdict(refused, "G11").detail


LAX = replace(DEFAULTS, min_hold=timedelta(0))


@pytest.mark.parametrize("rig", [LAX], indirect=True)
async def test_l4_a_bucket_whose_strategy_is_not_known_yet_holds_as_long_as_is_usual(
    rig: Rig,
) -> None:
    await two_securities(rig, **{"DEMO-A.EU": "5"})
    await rig.settle()
    foreign_fill(rig, ago=timedelta(days=PlannerConfig().min_hold_days - 1))
    await rig.sync()
    refused = await decide(rig, await rig.propose(side="SELL", quantity=Quantity.of(2)))
    assert "L4" in gates_of(refused)
