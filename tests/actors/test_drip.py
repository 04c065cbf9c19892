"""DRIP: dividends buy shares once, and what cannot be spent is given back."""

from __future__ import annotations

from datetime import timedelta

import pytest
import trio

from ledger.dividend import PotState
from ledger.errors import Unavailable
from ledger.money import Money
from ledger.order import Intent, OrderState
from ledger.rate import Rate, RateTable
from tests.actors.rig import ALL_HOURS, Rig
from tests.support.builders import eur


async def _purchases(rig: Rig) -> list[Intent]:
    return list(reversed(await rig.store.orders.recent(100)))


async def _dividend(rig: Rig, amount: str = "310", *actors: str) -> None:
    """One share is held, and pays."""
    rig.broker.held = {"DEMO-A.EU": "3"}
    await rig.start("sync", *(actors or ("trader", "drip")))
    rig.broker.dividend("DEMO-A.EU", amount)
    await rig.sync()
    await rig.settle()


def _next_days_rates(rig: Rig) -> RateTable:
    today = rig.clock.market_now().date()
    known = rig.broker.table.per_eur
    return RateTable({c: Rate("EUR", c, rate.value, today, "test") for c, rate in known.items()})


async def _left(rig: Rig) -> Money:
    pots = await rig.store.dividends.pots()
    return Money(sum(pot.left.minor for pot in pots), "EUR")


async def test_a_pot_is_reserved_for_its_order_and_spent_by_its_fills(rig: Rig) -> None:
    await _dividend(rig)
    (order,) = await _purchases(rig)
    assert order.proposal.order_class == "drip"
    assert (await rig.store.dividends.pots())[0].state is PotState.RESERVED
    await rig.until_state(order, OrderState.ACTIVE)
    rig.broker.fill("B1")
    done = await rig.until_state(order, OrderState.FILLED)
    assert done.limit is not None
    (pot,) = await rig.store.dividends.pots()
    assert eur("0") <= pot.left < eur("100")
    assert pot.state is PotState.ACCUMULATING


async def test_a_pot_is_never_spent_twice(rig: Rig) -> None:
    await _dividend(rig)
    for _ in range(4):
        await rig.sync()
        await rig.settle()
    assert len(await _purchases(rig)) == 1


async def test_a_withdrawn_order_gives_its_pot_back(rig: Rig) -> None:
    await _dividend(rig)
    (order,) = await _purchases(rig)
    await rig.until_state(order, OrderState.ACTIVE)
    rig.broker.end("B1", "cancelled")
    await rig.until_state(order, OrderState.CANCELLED)
    assert await _left(rig) == eur("310")
    await trio.sleep(timedelta(minutes=16).total_seconds())
    await rig.sync()
    await rig.settle()
    assert len(await _purchases(rig)) == 2


async def test_a_refused_purchase_is_tried_again_when_it_may(rig: Rig) -> None:
    """Without waiting for another fact of the broker."""
    rig.broker.errors["open_orders"] = Unavailable("away")
    await _dividend(rig)
    (first,) = await _purchases(rig)
    await rig.until_state(first, OrderState.REFUSED)
    assert await _left(rig) == eur("310")
    rig.broker.errors.clear()
    await trio.sleep(timedelta(minutes=16).total_seconds())
    await rig.sync()
    await rig.settle()
    second = (await _purchases(rig))[-1]
    assert second.intent_id != first.intent_id
    await rig.until_state(second, OrderState.ACTIVE)


async def test_too_little_waits(rig: Rig) -> None:
    await _dividend(rig, "200")
    assert await _purchases(rig) == []
    assert await _left(rig) == eur("200")


@pytest.mark.parametrize("rig", [ALL_HOURS], indirect=True)
async def test_the_opening_minutes_are_left_to_others(rig: Rig) -> None:
    assert rig.clock.jump_to(rig.clock.market_now().replace(day=6, hour=8, minute=10))
    rig.broker.table = _next_days_rates(rig)
    await _dividend(rig)
    assert await _purchases(rig) == []
    await trio.sleep(timedelta(minutes=25).total_seconds())
    await rig.sync()
    await rig.settle()
    assert len(await _purchases(rig)) == 1


async def test_a_pot_unspent_after_ninety_days_is_given_back(rig: Rig) -> None:
    await _dividend(rig, "200")
    assert await rig.store.dividends.earmarked() == {"EUR": 200_00}
    assert rig.clock.jump_to(rig.clock.market_now() + timedelta(days=91))
    rig.broker.table = _next_days_rates(rig)
    await rig.sync()
    await rig.settle()
    assert await rig.store.dividends.pots() == ()
    assert await rig.store.dividends.earmarked() == {}


async def test_research_reinvests_nothing(rig: Rig) -> None:
    await rig.store.settings.set_mode("research", "test", rig.clock.machine_now())
    rig.publish_trading("research")
    await _dividend(rig)
    assert await _purchases(rig) == []
