"""What the planner keeps to itself, because the gates would refuse it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import trio

from ledger.order import Intent, OrderState
from policy.limits import DEFAULTS
from tests.actors.rig import Rig
from tests.support.builders import quote, security

OTHER = replace(security("DEMO-B.EU", country="France").instrument, isin="XF0000000002")


async def orders(rig: Rig) -> list[Intent]:
    return list(reversed(await rig.store.orders.recent(500)))


async def pass_by(rig: Rig, time: timedelta) -> None:
    """Time with portfolios in it, each of which wakes the planner."""
    for _ in range(6):
        await trio.sleep(time.total_seconds() / 6)
        await rig.sync()
        await rig.settle()


async def first_bought(rig: Rig) -> Intent:
    """Two securities to buy; the first purchase is done."""
    rig.broker.listed = [security().instrument, OTHER]
    rig.broker.price("DEMO-B.EU", "100")
    await rig.start("sync", "trader", "planner")
    await rig.settle()
    (order,) = await orders(rig)
    await rig.until_state(order, OrderState.ACTIVE)
    rig.broker.fill("B1")
    await rig.sync()
    return await rig.until_state(order, OrderState.FILLED)


async def test_the_next_step_waits_for_the_pace_and_then_leaves(rig: Rig) -> None:
    await first_bought(rig)
    await pass_by(rig, timedelta(minutes=58))
    assert len(await orders(rig)) == 1
    await pass_by(rig, timedelta(minutes=3))
    first, second = await orders(rig)
    assert second.proposal.symbol != first.proposal.symbol
    assert second.state is not OrderState.REFUSED


@pytest.mark.parametrize("rig", [replace(DEFAULTS, trade_frequency_limits=False)], indirect=True)
async def test_what_was_just_bought_is_no_candidate(rig: Rig) -> None:
    first = await first_bought(rig)
    for number in range(2, 4):
        await pass_by(rig, timedelta(minutes=3))
        if f"B{number}" in rig.broker.orders:
            rig.broker.fill(f"B{number}")
            await rig.sync()
    bought = [order.proposal.symbol for order in await orders(rig)]
    assert len(bought) == len({*bought})
    assert first.proposal.symbol in bought
    assert not any(order.state is OrderState.REFUSED for order in await orders(rig))


async def test_m1_nothing_is_proposed_before_the_core_of_the_session(rig: Rig) -> None:
    assert rig.clock.jump_to(rig.clock.market_now().replace(day=6, hour=8, minute=30))
    await rig.start("sync", "trader", "planner")
    await pass_by(rig, timedelta(minutes=29))
    assert await orders(rig) == []
    await pass_by(rig, timedelta(minutes=2))
    assert len(await orders(rig)) == 1


async def test_m1_nothing_is_proposed_while_the_broker_calls_the_market_closed(rig: Rig) -> None:
    rig.broker.quoted["DEMO-A.EU"] = quote(market_open=False)
    await rig.start("sync", "trader", "planner")
    await pass_by(rig, timedelta(minutes=30))
    assert await orders(rig) == []
    rig.broker.quoted["DEMO-A.EU"] = quote()
    await pass_by(rig, timedelta(minutes=1))
    assert len(await orders(rig)) == 1


@pytest.mark.parametrize("rig", [replace(DEFAULTS, allow_offhours_buy=True)], indirect=True)
async def test_m1_a_purchase_is_proposed_at_night_where_the_owner_allows_it(rig: Rig) -> None:
    assert rig.clock.jump_to(rig.clock.market_now().replace(hour=22))
    rig.broker.quoted["DEMO-A.EU"] = quote(market_open=False)
    await rig.start("sync", "trader", "planner")
    await rig.settle()
    (order,) = await orders(rig)
    assert order.state is not OrderState.REFUSED


async def test_a_bad_day_refuses_one_order_and_not_every_security(rig: Rig) -> None:
    rig.broker.held = {"DEMO-A.EU": "20"}
    rig.broker.listed = [security().instrument, OTHER]
    rig.broker.price("DEMO-B.EU", "100")
    await rig.start("sync", "trader")
    rig.broker.price("DEMO-A.EU", "40")
    await rig.sync()
    await rig.start("planner")
    await pass_by(rig, timedelta(hours=3))
    (refused,) = await orders(rig)
    assert {v.gate for v in refused.blocked_by} == {"G2"}
