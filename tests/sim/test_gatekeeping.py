"""Decisions that must not become orders, and decisions made by many at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import trio

from broker.market_data import OpeningCash, OpeningPosition
from ledger.fact import CORE
from ledger.money import Price, Quantity
from ledger.order import Intent, OrderState, Proposal, Side
from tests.sim import invariants
from tests.sim.life import Life
from tests.sim.market import SmallMarket, small_market
from tests.sim.test_submission import finish, plain_market, world_of
from wire.messages import Decide, SetMode

SENT = "SELECT count(*) FROM intent WHERE client_order_id IS NOT NULL"


def wish(
    life: Life, side: Side, units: int, *, symbol: str = "", source: str = "wish", attempt: int = 1
) -> Proposal:
    """The owner's decision on the first security at its price of now, small as it is."""
    board = life.system.boards.portfolio.value
    assert board is not None
    name = symbol or sorted(security.symbol for security in board.universe)[0]
    quote = board.quotes.get(name)
    return Proposal(
        order_class="manual",
        source_id=source,
        step=1,
        attempt=attempt,
        bucket_id=CORE,
        symbol=name,
        security_id=None,
        side=side,
        quantity=Quantity.of(units),
        currency="EUR",
        decision_price=quote.last if quote else Price.of("10", "EUR"),
        value_eur=None,
        reason="a test wishes so",
        force=frozenset({"G11"}),
    )


async def decided(life: Life, proposal: Proposal) -> Intent:
    """What the trader makes of it."""
    now = life.clock.market_now()
    intent = await life.store.orders.propose(proposal, mode="live", at=now)
    return await life.system.asks.trader.ask(Decide(intent.intent_id), deadline_s=60)


def holding_market() -> SmallMarket:
    """A little cash and ten shares: nothing that the planner would trade."""
    market = small_market(
        3, days=3, mics=("XETR",), opening_cash=(OpeningCash("EUR", 300_00),), eventful=False
    )
    symbol = sorted(market.data.securities)[0]
    bar = market.data.last_bar_before(symbol, market.first_day)
    assert bar is not None
    row = OpeningPosition(symbol, "EUR", 10_000_000, bar.close_micro)
    return market.with_position(row)


async def open_market(life: Life) -> None:
    await life.until(life.market.start + timedelta(hours=2))


@pytest.mark.parametrize(
    ("name", "gate"),
    [("c1 more than is held", "L5"), ("c2 more than there is cash", "L6"),
     ("c8 no whole lot", "G4"), ("o11 an unknown security", "L7"), ("m1 at night", "L1")],
)  # fmt: skip
def test_c1_c2_c8_o11_m1_what_must_not_leave_is_refused_by_its_gate(
    folder: Path, name: str, gate: str
) -> None:
    world = world_of(folder, holding_market(), rate=600.0)
    refused: list[Intent] = []

    async def script(life: Life) -> None:
        await open_market(life)
        wishes = {
            "L5": wish(life, "SELL", 11),
            "L6": wish(life, "BUY", 40),
            "G4": replace(wish(life, "BUY", 1), quantity=Quantity(500_000)),
            "L7": wish(life, "BUY", 1, symbol="NOBODY"),
            "L1": wish(life, "BUY", 1),
        }
        if gate == "L1":
            await life.until(life.market.start + timedelta(hours=14))
        refused.append(await decided(life, wishes[gate]))

    world.live(script)
    (intent,) = refused
    assert intent.state is OrderState.REFUSED
    assert gate in {verdict.gate for verdict in intent.blocked_by}, name
    assert world.departures == []
    finish(world)


def test_o1_one_decision_by_many_callers_and_after_a_restart_is_one_order(folder: Path) -> None:
    world = world_of(folder, holding_market(), rate=600.0)

    async def script(life: Life) -> None:
        await open_market(life)
        async with trio.open_nursery() as nursery:
            for _ in range(20):
                nursery.start_soon(decided, life, wish(life, "SELL", 2, source="button"))

    world.live(script)
    world.live(script)
    assert len(world.departures) == 1
    assert invariants.rows(folder, SENT) == [(1,)]
    finish(world)


def test_o10_c1_many_decisions_at_once_leave_one_by_one_and_never_sell_short(
    folder: Path,
) -> None:
    world = world_of(folder, holding_market(), rate=600.0)

    async def script(life: Life) -> None:
        await open_market(life)
        async with trio.open_nursery() as nursery:
            for number in range(12):
                nursery.start_soon(decided, life, wish(life, "SELL", 3, source=f"wish {number}"))

    world.live(script)
    assert len(world.departures) == 1
    finish(world)


def test_o13_an_order_decided_in_research_is_only_simulated(folder: Path) -> None:
    world = world_of(folder, plain_market(), rate=600.0)

    async def script(life: Life) -> None:
        mode = SetMode("research", confirm=False, by="test")
        await life.system.asks.schedule.ask(mode, deadline_s=5)
        await open_market(life)
        proposal = wish(life, "BUY", 1)
        at = life.clock.market_now()
        intent = await life.store.orders.propose(proposal, mode="research", at=at)
        done = await life.system.asks.trader.ask(Decide(intent.intent_id), deadline_s=60)
        assert done.state is OrderState.SIMULATED

    world.live(script)
    assert world.departures == []
    assert invariants.rows(folder, SENT) == [(0,)]


def test_o13_an_order_decided_in_research_never_leaves_once_the_mode_is_live(folder: Path) -> None:
    world = world_of(folder, holding_market(), rate=600.0)

    async def script(life: Life) -> None:
        await open_market(life)
        at = life.clock.market_now()
        intent = await life.store.orders.propose(wish(life, "SELL", 2), mode="research", at=at)
        done = await life.system.asks.trader.ask(Decide(intent.intent_id), deadline_s=60)
        assert done.state is OrderState.REFUSED

    world.live(script)
    assert world.departures == []
    finish(world)
