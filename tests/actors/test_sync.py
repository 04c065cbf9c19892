"""Sync: the books follow facts only, differences have names, and old figures say that they are."""

from __future__ import annotations

from dataclasses import replace

import pytest
import trio

from ledger.errors import Unavailable
from ledger.order import OrderState
from tests.actors.rig import Rig
from tests.support.builders import eur, security
from wire.messages import Nudge

READS = (
    "snapshot",
    "quotes",
    "rates",
    "fills_since",
    "cash_flows_since",
    "corporate_actions_since",
)


async def test_an_empty_ledger_opens_with_what_the_account_holds(rig: Rig) -> None:
    rig.broker.held = {"DEMO-A.EU": "3"}
    await rig.start("sync")
    portfolio = rig.boards.portfolio.value
    assert portfolio.cash_in("EUR") == eur("10000")
    assert [(p.security.symbol, p.quantity.units) for p in portfolio.positions] == [
        ("DEMO-A.EU", 3)
    ]
    assert portfolio.differences == ()
    before = await rig.store.facts.last_seq()
    await rig.sync()
    assert await rig.store.facts.last_seq() == before


async def test_what_was_there_before_is_not_opened_twice(rig: Rig) -> None:
    """Flows of the past explain a part of the balance; the opening is only the rest."""
    rig.broker.deposit("500")
    await rig.start("sync")
    assert rig.boards.portfolio.value.cash_in("EUR") == eur("10500")
    assert rig.boards.portfolio.value.differences == ()


async def test_an_account_that_cannot_be_read_opens_nothing(rig: Rig) -> None:
    rig.broker.complete = False
    await rig.start("sync")
    assert not await rig.store.facts.has_opening()
    assert rig.boards.portfolio.value is None
    assert not rig.boards.link.value.connected
    rig.broker.complete = True
    assert (await rig.sync()).cash_in("EUR") == eur("10000")


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("hangs", [False, True])
async def test_a_failed_read_keeps_the_old_figures_and_marks_them(
    rig: Rig, read: str, hangs: bool
) -> None:
    await rig.start("sync")
    before = rig.boards.portfolio.value
    rig.broker.price("DEMO-A.EU", "200")
    if hangs:
        rig.broker.hung.add(read)
    else:
        rig.broker.errors[read] = Unavailable("away")
    after = await rig.sync()
    assert after == replace(before, stale=after.stale)
    assert after.stale
    assert rig.boards.link.value.consecutive_failures == 1
    rig.broker.errors.clear()
    rig.broker.hung.clear()
    assert (await rig.sync()).stale is None
    assert rig.boards.link.value.connected


async def test_a_broker_that_hangs_does_not_make_sync_look_dead(rig: Rig) -> None:
    await rig.start("sync")
    rig.broker.hung.add("cash_flows_since")
    version = rig.boards.portfolio.version
    rig.system.nudges["sync"].nudge(Nudge("test"))
    late = False
    while rig.boards.portfolio.version == version:
        await trio.sleep(1)
        beat = rig.system.health.get("sync")
        late = late or (beat is not None and beat.late(trio.current_time()))
    assert not late


@pytest.mark.parametrize("rig", [20.0], indirect=True)
async def test_an_hour_without_a_broker_loses_nothing(rig: Rig) -> None:
    await rig.start("schedule", "sync", "trader")
    intent = await rig.propose()
    await rig.until_state(intent, OrderState.ACTIVE)
    for read in (*READS, "open_orders", "orders_since"):
        rig.broker.errors[read] = Unavailable("away")
    rig.broker.fill("B1", "1")
    rig.broker.deposit("250")
    await trio.sleep(3600 / 20)
    rig.broker.fill("B1")
    rig.broker.errors.clear()
    done = await rig.until_state(intent, OrderState.FILLED, within_s=600)
    assert done.filled == done.proposal.quantity
    portfolio = await rig.sync()
    assert portfolio.differences == ()
    assert portfolio.stale is None


async def test_a_difference_of_a_holding_has_a_name_and_blocks(rig: Rig) -> None:
    await rig.start("sync")
    rig.broker.held = {"DEMO-A.EU": "1"}
    (item,) = (await rig.sync()).differences
    assert (item.account, item.key, item.books, item.broker) == (
        "holding",
        "DEMO-A.EU",
        0,
        1_000_000,
    )
    assert item.blocking
    (again,) = (await rig.sync()).differences
    assert again.item_id == item.item_id
    rig.broker.held = {}
    assert (await rig.sync()).differences == ()
    assert await rig.store.books.open_items() == ()


async def test_a_difference_of_more_than_one_unit_of_cash_blocks_and_is_not_booked(
    rig: Rig,
) -> None:
    await rig.start("sync")
    rig.broker.cash["EUR"] = "9998.99"
    (item,) = (await rig.sync()).differences
    assert item.blocking
    assert (await rig.store.facts.balances()).cash["EUR"] == 10_000_00


async def test_a_difference_of_at_most_one_unit_is_booked_with_its_name(rig: Rig) -> None:
    await rig.start("sync")
    before = await rig.store.facts.last_seq()
    rig.broker.cash["EUR"] = "9999.00"
    portfolio = await rig.sync()
    assert portfolio.differences == ()
    assert await rig.store.facts.last_seq() == before + 1
    assert (await rig.sync()).cash_in("EUR") == eur("9999")


async def test_a_new_instrument_waits_for_the_owner(rig: Rig) -> None:
    await rig.start("sync")
    rig.broker.listed.append(security("DEMO-B.EU").instrument)
    rig.broker.listed[-1] = replace(rig.broker.listed[-1], isin="XF0000000002")
    assert rig.clock.jump_to(rig.clock.market_now().replace(day=6))
    universe = {s.symbol: s for s in (await rig.sync()).universe}
    assert universe["DEMO-A.EU"].confirmed
    assert not universe["DEMO-B.EU"].confirmed
    assert not universe["DEMO-B.EU"].allow_buy


async def test_a_held_security_that_the_broker_no_longer_lists_is_unvalued_not_forgotten(
    rig: Rig,
) -> None:
    rig.broker.held = {"DEMO-A.EU": "3"}
    await rig.start("sync")
    rig.broker.listed = [replace(security("DEMO-B.EU").instrument, isin="XF0000000002")]
    assert rig.clock.jump_to(rig.clock.market_now().replace(day=6))
    portfolio = await rig.sync()
    assert portfolio.unvalued == ("DEMO-A.EU",)
    assert portfolio.total_eur is None
    assert (await rig.store.facts.balances()).holdings == {"DEMO-A.EU": 3_000_000}


async def test_every_fact_is_announced_once(rig: Rig) -> None:
    await rig.start("sync")
    rig.broker.deposit("250")
    for _ in range(3):
        await rig.sync()
    (event,) = rig.events("DEPOSIT_PROCESSED")
    assert (event.data["amount"], event.data["currency"]) == ("250.00", "EUR")
