"""One order's way to the broker when its answer is lost, wrong or late."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
import trio

from broker.market_data import OpeningCash
from broker.paper.faults import Blow, Chance, Fault, FaultPlan
from tests.sim import invariants
from tests.sim.campaign import settle
from tests.sim.faults import Spell
from tests.sim.life import Life
from tests.sim.market import SmallMarket, small_market
from tests.sim.world import World

ENDED = "SELECT 1 FROM intent WHERE intent_id = 1 AND state IN ('not_placed', 'rejected', 'filled')"
SECOND = "SELECT 1 FROM intent WHERE intent_id > 1 AND client_order_id IS NOT NULL"


def plain_market(*, volume: int = 1_000_000, seed: int = 3) -> SmallMarket:
    """Two exchanges in EUR, ten thousand euros, nothing else happens."""
    cash = (OpeningCash("EUR", 10_000_00),)
    return small_market(
        seed, days=3, mics=("XETR", "XPAR"), opening_cash=cash, volume=volume, eventful=False
    )


def world_of(folder: Path, market: SmallMarket | None = None, *, rate: float = 300.0) -> World:
    return World(folder, market or plain_market(), seed=1, rate=rate)


def placing(*blows: Sequence[Blow]) -> FaultPlan:
    """These blows strike the first calls of `place`."""
    return FaultPlan(script={"place": blows})


def finish(world: World) -> None:
    """Settle the world; everything must hold."""
    world.live(settle)
    assert invariants.broken(world.folder) == []
    assert invariants.unsettled(world.folder) == []
    assert world.violations == []
    assert world.crashed_actors == []
    tags = [departure.tag for departure in world.departures]
    assert len(tags) == len({*tags}), "an order was sent twice"


async def first_ends_and_second_leaves(life: Life) -> None:
    await life.when(ENDED)
    await life.when(SECOND)
    await trio.sleep(1)


def test_o3_an_order_lost_before_acceptance_is_proved_absent_before_another_leaves(
    folder: Path,
) -> None:
    world = world_of(folder)
    world.live(first_ends_and_second_leaves, plan=placing((Blow(Fault.LOST_BEFORE),)))
    first, second = world.departures[:2]
    assert invariants.rows(folder, "SELECT state FROM intent WHERE intent_id = 1") == [
        ("not_placed",)
    ]
    ((looks, span_ms),) = invariants.rows(
        folder, "SELECT looks, last_ms - first_ms FROM order_look"
    )
    assert looks >= 3
    assert span_ms >= 120_000
    assert second.at_s - first.at_s >= 120
    assert first.tag != second.tag
    finish(world)


@pytest.mark.parametrize("fault", [Fault.LOST_AFTER, Fault.MALFORMED])
def test_o3_an_order_whose_answer_was_lost_is_found_and_linked(folder: Path, fault: Fault) -> None:
    world = world_of(folder)
    world.live(first_ends_and_second_leaves, plan=placing((Blow(fault),)))
    path = invariants.rows(
        folder, "SELECT after FROM order_event WHERE intent_id = 1 ORDER BY event_id"
    )
    assert [state for (state,) in path][:4] == ["proposed", "submitting", "unknown", "accepted"]
    linked = "SELECT broker_order_id, state FROM intent WHERE intent_id = 1"
    assert invariants.rows(folder, linked) == [("P000000001", "filled")]
    finish(world)


def test_o3_an_order_that_the_broker_hides_for_a_while_is_not_sent_again(folder: Path) -> None:
    world = world_of(folder)
    hidden = Blow(Fault.HIDDEN_ORDER, 60 * world.rate)
    world.live(first_ends_and_second_leaves, plan=placing((Blow(Fault.LOST_AFTER), hidden)))
    assert invariants.count(folder, "SELECT count(*) FROM paper.orders") == len(world.departures)
    finish(world)


def test_o6_an_order_that_was_never_executed_is_rejected_without_effect(folder: Path) -> None:
    world = world_of(folder)
    world.live(first_ends_and_second_leaves, plan=placing((Blow(Fault.UNAVAILABLE),)))
    assert invariants.rows(folder, "SELECT state, error FROM intent WHERE intent_id = 1") == [
        ("rejected", "the broker was away: place: the line is down")
    ]
    assert invariants.count(folder, "SELECT count(*) FROM fill WHERE intent_id = 1") == 0
    finish(world)


def test_o6_the_brokers_no_is_a_rejection_with_its_words_and_without_effect(folder: Path) -> None:
    # The answer takes so long that the session is over when the order arrives.
    world = world_of(folder, rate=2400.0)
    late = Blow(Fault.LATENCY, 15.0)
    world.live(first_ends_and_second_leaves, plan=placing((late,)))
    ((state, error),) = invariants.rows(
        folder, "SELECT state, error FROM intent WHERE intent_id = 1"
    )
    assert state == "rejected"
    assert error.endswith("is closed")
    assert invariants.count(folder, "SELECT count(*) FROM fill WHERE intent_id = 1") == 0
    finish(world)


BLIND = [
    (method, fault)
    for method in ("snapshot", "open_orders", "quotes")
    for fault in (Fault.UNAVAILABLE, Fault.MALFORMED, Fault.LATENCY, Fault.EMPTY)
    # Nobody can tell an empty list of open orders from there being none.
    if (method, fault) != ("open_orders", Fault.EMPTY)
]


@pytest.mark.parametrize(("method", "fault"), BLIND)
def test_o4_no_order_leaves_while_a_read_fails(folder: Path, method: str, fault: Fault) -> None:
    world, spell = world_of(folder, rate=2400.0), Spell()

    async def blind_for_a_day(life: Life) -> None:
        await life.system.boards.portfolio.wait_newer(0)
        spell.cast[method] = (Blow(fault, 70.0),)
        await life.until(life.market.start + timedelta(hours=8))
        assert life.line.departures == []
        spell.cast.clear()
        await life.when("SELECT 1 FROM fill")

    world.live(blind_for_a_day, plan=spell)
    finish(world)


def test_o7_the_ledger_holds_the_fills_and_not_the_request(folder: Path) -> None:
    world = world_of(folder, plain_market(volume=400), rate=600.0)

    async def a_day(life: Life) -> None:
        await life.until(life.market.start + timedelta(hours=10))

    world.live(a_day)
    finish(world)
    most = "SELECT max(n) FROM (SELECT count(*) AS n FROM fill GROUP BY intent_id)"
    assert invariants.count(folder, most) > 1
    partly = "SELECT count(*) FROM intent WHERE filled_micro BETWEEN 1 AND quantity_micro - 1"
    assert invariants.count(folder, partly) > 0


def test_o8_fills_that_come_twice_and_out_of_order_are_recorded_once(folder: Path) -> None:
    both = [Chance(Blow(Fault.DUPLICATE), 1.0), Chance(Blow(Fault.REORDER), 1.0)]
    lists = ("fills_since", "cash_flows_since", "open_orders", "orders_since")
    late = [*both, Chance(Blow(Fault.LATE_FILLS, 900.0), 0.5)]
    plan = FaultPlan(seed=5, chances=dict.fromkeys(lists, both) | {"fills_since": late})
    world = world_of(folder, plain_market(volume=2_000), rate=1200.0)

    async def a_day(life: Life) -> None:
        await life.until(life.market.start + timedelta(hours=10))

    world.live(a_day, plan=plan)
    assert invariants.count(folder, "SELECT count(*) FROM fill") > 3
    finish(world)


def test_a_broker_that_refuses_every_order_is_not_stormed_with_them(folder: Path) -> None:
    world, spell = world_of(folder, rate=60.0), Spell()
    spell.cast["place"] = (Blow(Fault.LATENCY, 0.01), Blow(Fault.UNAVAILABLE))

    async def half_an_hour(life: Life) -> None:
        await life.when("SELECT 1 FROM intent")
        await trio.sleep(30)

    world.live(half_an_hour, plan=spell)
    # One for each security, and once more for each after every quarter of an hour.
    securities = len(world.market.data.securities)
    assert 0 < len(world.departures) <= 3 * securities
    finish(world)
