"""The kill switch, fired at random moments of an order's way out: S4.

Each round the owner places an order and, some turns of the scheduler later, somebody stops
everything: by the endpoint's ask, by the HALT file, or by the button. From the moment at which the
halt is in force (the ask answered, the file there, the button pressed) the broker is not called.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
import trio

from ledger.errors import TrimtabError
from ledger.money import Quantity
from ledger.order import OrderState
from policy.limits import DEFAULTS
from tests.actors.rig import Rig
from wire.messages import RaiseLatch, Resume
from wire.order_asks import PlaceOrder

UNHURRIED = replace(
    DEFAULTS,
    core_hours_only=False,
    trade_frequency_limits=False,
    buy_cooldown=timedelta(0),
    repeat_guard=timedelta(0),
    max_fee_share=Decimal(1),
)
# More turns than an order needs from the ask to the broker's answer.
TURNS = 60


async def place(rig: Rig, number: int) -> None:
    order = PlaceOrder("DEMO-A.EU", "BUY", Quantity.of(1), None, frozenset(), f"r{number}", "t")
    try:
        await rig.system.asks.trader.ask(order, deadline_s=60)
    except TrimtabError:
        return  # stopped before it was an order


async def stop(rig: Rig, how: str) -> None:
    """Returns when the halt is in force."""
    if how == "file":
        (rig.folder / "HALT").touch()
    elif how == "button":
        rig.system.kill.hold()
    else:
        await rig.system.asks.schedule.ask(RaiseLatch("owner", "now", "t"), deadline_s=5)


async def go_on(rig: Rig, how: str) -> None:
    (rig.folder / "HALT").unlink(missing_ok=True)
    if how == "button":  # what the button asks for next
        await rig.system.asks.schedule.ask(RaiseLatch("owner", "pressed", "t"), deadline_s=5)
        rig.system.kill.let_go()
    await rig.system.asks.schedule.ask(Resume(("owner", "file"), True, "t"), deadline_s=5)


async def clear(rig: Rig) -> None:
    """Whatever did leave ends at the broker, and our order with it."""
    for number, view in rig.broker.orders.items():
        if view.live:
            rig.broker.end(number, "cancelled")
    for intent in await rig.store.orders.in_flight():
        await rig.until_state(intent, OrderState.CANCELLED)


async def fire(rig: Rig, rounds: int, seed: int) -> Counter[str]:
    """How many rounds found the order still here, or already gone, by way of stopping."""
    rng = random.Random(f"kill {seed}")
    seen = Counter[str]()
    for number in range(rounds):
        how = rng.choice(("ask", "file", "button"))
        before = len(rig.broker.placed)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(place, rig, number)
            for _ in range(rng.randrange(TURNS)):
                await trio.lowlevel.checkpoint()
            await stop(rig, how)
            left = len(rig.broker.placed)
        await trio.sleep(1)
        assert len(rig.broker.placed) == left, f"round {number}: an order left after {how}"
        seen[f"{how} {'gone' if left > before else 'kept'}"] += 1
        await clear(rig)
        await go_on(rig, how)
    return seen


def both_happened(seen: Counter[str]) -> bool:
    return all(seen[f"{how} {fate}"] for how in ("ask", "file", "button") for fate in FATES)


FATES = ("gone", "kept")


@pytest.mark.parametrize("rig", [UNHURRIED], indirect=True)
async def test_s4_nothing_leaves_once_a_halt_is_in_force_at_any_moment(rig: Rig) -> None:
    await rig.start("schedule", "sync", "trader")
    assert both_happened(await fire(rig, 200, 1))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 3))
@pytest.mark.parametrize("rig", [UNHURRIED], indirect=True)
async def test_s4_nothing_leaves_once_a_halt_is_in_force_at_thousands_of_moments(
    rig: Rig, seed: int
) -> None:
    await rig.start("schedule", "sync", "trader")
    assert both_happened(await fire(rig, 700, seed))
