"""The rebalancer: which conversion, when, and how often."""

from __future__ import annotations

from datetime import timedelta

import pytest
import trio

from ledger.halt import Latch
from ledger.order import Intent, OrderState
from tests.actors.rig import Rig
from wire.messages import TradingState
from wire.rebalancing import CheckNegative

SLOW_S = 1.0


async def _intents(rig: Rig) -> tuple[Intent, ...]:
    return tuple(reversed(await rig.store.orders.recent(100)))


@pytest.mark.parametrize("actor", ["rebalancer", "drip"])
async def test_a_check_is_never_cut_short_by_its_own_beat(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, actor: str
) -> None:
    """Portfolios come every fifteen beats, so the next one is due just when a beat is."""
    looked, facts = list[float](), rig.store.facts
    last_seq = facts.last_seq

    async def slow() -> int:
        await trio.sleep(SLOW_S)
        looked.append(trio.current_time())
        return await last_seq()

    rig.broker.cash = {"EUR": "10000", "USD": "1000"}
    rig.broker.held = {"DEMO-A.EU": "3"}
    await rig.start(actor)
    await trio.sleep(20 - SLOW_S / 2)
    await rig.start("sync")
    rig.broker.dividend("DEMO-A.EU", "300")
    await trio.sleep(20 - SLOW_S / 2)
    monkeypatch.setattr(facts, "last_seq", slow)
    await rig.sync()
    await trio.sleep(5)
    assert looked


async def test_negative_cash_is_repaired_before_a_low_reserve(rig: Rig) -> None:
    rig.broker.cash = {"EUR": "2", "USD": "-50", "GBP": "1000"}
    rig.broker.pairs = (*rig.broker.pairs,)
    await rig.start("sync", "rebalancer")
    await rig.settle()
    assert await _intents(rig) == ()
    rig.broker.deposit("500")
    await rig.sync()
    await rig.settle()
    (repair,) = await _intents(rig)
    assert repair.proposal.order_class == "emergency"
    assert (repair.proposal.symbol, repair.proposal.side) == ("EUR/USD", "SELL")


async def test_one_conversion_at_a_time(rig: Rig) -> None:
    rig.broker.cash = {"EUR": "1000", "USD": "-50"}
    await rig.start("sync", "rebalancer")
    for _ in range(3):
        await rig.sync()
        await rig.settle()
    assert len(await _intents(rig)) == 1


async def test_a_low_reserve_is_repaired_at_most_once_a_day(rig: Rig) -> None:
    rig.broker.cash = {"EUR": "2", "USD": "1000"}
    await rig.start("sync", "rebalancer", "trader")
    await rig.settle()
    (repair,) = await _intents(rig)
    assert (repair.proposal.order_class, repair.proposal.side) == ("fx", "BUY")
    sent = await rig.until_state(repair, OrderState.ACTIVE)
    assert sent.broker_order_id is not None
    rig.broker.end(sent.broker_order_id, "cancelled")
    await rig.until_state(repair, OrderState.CANCELLED)
    await rig.sync()
    await rig.settle()
    assert len(await _intents(rig)) == 1
    assert rig.clock.jump_to(rig.clock.market_now() + timedelta(days=1))
    rig.broker.table = type(rig.broker.table)(
        {
            code: type(rate)(rate.base, code, rate.value, rig.clock.market_now().date(), "test")
            for code, rate in rig.broker.table.per_eur.items()
        }
    )
    await rig.sync()
    await rig.settle()
    assert len(await _intents(rig)) == 2


async def test_nothing_is_repaired_while_trading_is_halted(rig: Rig) -> None:
    rig.broker.cash = {"EUR": "1000", "USD": "-50"}
    latch = Latch("owner", "asked to", rig.clock.machine_now())
    rig.boards.trading.publish(TradingState("live", "scripted", (latch,)))
    await rig.start("sync", "rebalancer")
    await rig.settle()
    assert await _intents(rig) == ()


async def test_an_incomplete_account_is_no_emergency(rig: Rig) -> None:
    await rig.start("sync", "rebalancer")
    rig.broker.complete = False
    rig.broker.cash = {}
    await rig.sync()
    await rig.settle()
    assert await _intents(rig) == ()


async def test_research_simulates_a_low_reserve_s_repair_once_and_not_with_every_sync(
    rig: Rig,
) -> None:
    await rig.store.settings.set_mode("research", "test", rig.clock.machine_now())
    rig.publish_trading("research")
    rig.broker.cash = {"EUR": "2", "USD": "1000"}
    await rig.start("sync", "rebalancer", "trader")
    for _ in range(5):
        await rig.sync()
        await trio.sleep(30)
    (repair,) = await _intents(rig)
    assert (repair.proposal.order_class, repair.state) == ("fx", OrderState.SIMULATED)
    assert rig.broker.placed == []


async def test_a_low_reserve_needs_no_run_and_sells_nothing(rig: Rig) -> None:
    rig.broker.cash = {"EUR": "2", "USD": "6"}  # neither can help the other
    rig.broker.held = {"DEMO-A.EU": "90"}
    await rig.start("sync", "rebalancer", "trader")
    for _ in range(3):
        await rig.sync()
        await trio.sleep(30)
    assert await _intents(rig) == ()
    assert await rig.store.emergency.recent(5) == ()
    assert rig.events("ERROR_OCCURRED") == []


async def test_other_asks_go_to_the_desk_of_rebalancing(rig: Rig) -> None:
    rig.broker.cash = {"EUR": "1000", "USD": "-50"}
    await rig.start("sync", "rebalancer")
    await rig.settle()
    told = await rig.system.asks.rebalancer.ask(CheckNegative(), deadline_s=5)
    assert told.has_negative
    assert list(told.shortfalls) == ["USD"]


async def test_negative_cash_is_announced_until_it_is_gone(rig: Rig) -> None:
    rig.broker.cash = {"EUR": "1000", "USD": "-50"}
    await rig.start("sync", "rebalancer")
    await rig.settle()
    assert [e.data["currencies"] for e in rig.events("ERROR_OCCURRED")] == ["USD"]
    rig.broker.deposit("100", "USD")
    await rig.sync()
    await rig.settle()
    assert len(rig.events("ERROR_CLEARED")) == 1
