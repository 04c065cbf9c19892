"""What sync keeps of each day: value, cost and gain, and the money that came and went."""

from __future__ import annotations

from datetime import timedelta

from ledger.day_return import day_return
from ledger.fact import Fill
from ledger.money import Price, Quantity
from store.snapshots import Snapshot
from tests.actors.rig import Rig
from tests.support.builders import eur, rates


async def today(rig: Rig) -> Snapshot:
    await rig.sync()
    return (await rig.store.snapshots.history(1))[-1]


async def next_day(rig: Rig, days: int = 1) -> Snapshot:
    later = rig.clock.market_now() + timedelta(days=days)
    rig.broker.table = rates(later.date())
    assert rig.clock.jump_to(later)
    return await today(rig)


async def test_the_flow_of_a_day_is_counted_once_however_often_sync_runs(rig: Rig) -> None:
    await rig.start("sync")
    assert (await today(rig)).flow == eur("0")
    rig.broker.deposit("500")
    first = await today(rig)
    assert (first.flow, await today(rig)) == (eur("500"), first)
    rig.broker.deposit("250")
    assert (await today(rig)).flow == eur("750")
    assert (await next_day(rig)).flow == eur("0")
    rig.broker.deposit("40")
    assert (await next_day(rig, days=3)).flow == eur("40")


async def test_a_deposit_is_no_gain_of_its_day(rig: Rig) -> None:
    await rig.start("sync")
    before = await today(rig)
    rig.broker.deposit("500")
    after = await next_day(rig)
    assert before.total is not None
    assert after.total == before.total + eur("500")
    assert day_return(before.total, after.total, after.flow) == 0


async def test_cost_and_gain_of_what_is_held_are_kept_with_the_day(rig: Rig) -> None:
    await rig.start("sync")
    assert (await today(rig)).invested == eur("0")
    paid, at = eur("270"), rig.clock.market_now()
    price, units = Price.of("90", "EUR"), Quantity.of(3)
    bought = Fill("F1", "B1", None, "DEMO-A.EU", "BUY", units, price, paid, (), at)
    rig.broker.fills.append(bought)
    rig.broker.held = {"DEMO-A.EU": "3"}
    rig.broker.cash["EUR"] = "9730"
    found = await today(rig)
    assert (found.invested, found.profit, found.flow) == (paid, eur("30"), eur("0"))


async def test_what_came_with_the_account_at_no_known_cost_has_none(rig: Rig) -> None:
    rig.broker.held = {"DEMO-A.EU": "3"}
    await rig.start("sync")
    found = await today(rig)
    assert found.total is not None
    assert (found.invested, found.profit) == (None, None)
