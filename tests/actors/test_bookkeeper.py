"""A small difference settles itself only when nothing else can explain it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from ledger.order import Intent, OrderState
from policy.books import SETTLES_AFTER
from tests.actors.rig import Rig
from tests.support.builders import eur, rates
from wire.messages import Decide


@pytest.fixture
async def sent(rig: Rig) -> Intent:
    """An order that rests at the broker."""
    await rig.start("sync", "trader")
    intent = await rig.propose()
    found: Intent = await rig.system.asks.trader.ask(Decide(intent.intent_id), deadline_s=60)
    assert found.state is OrderState.ACCEPTED
    return found


def charge(rig: Rig, amount: str) -> None:
    """The account shows money out that no list of the broker explains yet."""
    rig.broker.cash["EUR"] = str(Decimal(rig.broker.cash["EUR"]) - Decimal(amount))


async def adjustments(rig: Rig) -> int:
    sql = "SELECT count(*) AS found FROM fact WHERE kind = 'adjustment'"
    row = await rig.store.ledger.read(lambda tx: tx.one(sql))
    assert row is not None
    return int(row["found"])


async def wait(rig: Rig, span: timedelta) -> None:
    later = rig.clock.market_now() + span
    rig.broker.table = rates(later.date())
    assert rig.clock.jump_to(later)


async def test_c3_a_fee_that_is_reported_late_is_never_booked_twice(rig: Rig, sent: Intent) -> None:
    charge(rig, "0.64")
    (item,) = (await rig.sync()).differences
    assert (item.blocking, item.broker - item.books) == (False, -64)
    rig.broker.fill("B1")
    rig.broker.fills = [replace(fill, fees=(eur("0.64"),)) for fill in rig.broker.fills]
    assert (await rig.sync()).differences == ()
    assert await rig.state(sent) is OrderState.FILLED
    assert await adjustments(rig) == 0


async def test_a_small_difference_waits_until_no_order_moved_for_a_while(
    rig: Rig, sent: Intent
) -> None:
    rig.broker.fill("B1")
    await rig.sync()
    assert await rig.state(sent) is OrderState.FILLED
    charge(rig, "0.64")
    for _ in range(3):
        (item,) = (await rig.sync()).differences
        assert not item.blocking
    assert await adjustments(rig) == 0
    await wait(rig, SETTLES_AFTER)
    portfolio = await rig.sync()
    assert portfolio.differences == ()
    assert await adjustments(rig) == 1
    assert str(portfolio.cash_in("EUR").amount) == rig.broker.cash["EUR"]


async def test_a_small_difference_waits_while_a_blocking_one_stands(rig: Rig) -> None:
    await rig.start("sync")
    charge(rig, "0.64")
    rig.broker.held = {"DEMO-A.EU": "3"}
    found = {item.key: item.blocking for item in (await rig.sync()).differences}
    assert found == {"EUR": False, "DEMO-A.EU": True}
    assert await adjustments(rig) == 0
    rig.broker.held = {}
    assert (await rig.sync()).differences == ()
    assert (await rig.store.facts.balances()).cash["EUR"] == eur("9999.36").minor


async def test_a_spent_budget_blocks_even_while_an_order_is_under_way(
    rig: Rig, sent: Intent
) -> None:
    """Many small differences are one large one, whoever else could explain the last of them."""
    rig.broker.end("B1", "cancelled")
    await rig.until_state(sent, OrderState.CANCELLED)
    for _ in range(5):
        await wait(rig, SETTLES_AFTER)
        charge(rig, "1.00")
        assert (await rig.sync()).differences == ()
    again = await rig.propose(attempt=2)
    await rig.system.asks.trader.ask(Decide(again.intent_id), deadline_s=60)
    charge(rig, "0.64")
    (item,) = (await rig.sync()).differences
    assert item.blocking
