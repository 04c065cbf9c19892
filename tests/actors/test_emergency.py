"""Negative cash from the first look to the last exchange, with restarts in between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import trio

from ledger.emergency import FINAL, EmergencyRun, EmergencyState
from ledger.errors import Missing, Refused, Unavailable
from ledger.fact import is_pair
from ledger.halt import Latch
from ledger.money import Price, Quantity
from ledger.order import Intent, OrderState
from ledger.rate import RateTable
from ledger.security import FxPair
from tests.actors.rig import Rig, open_rig
from tests.support.builders import EURUSD, quote, security
from wire.messages import TradingState
from wire.order_asks import Resolve

S = EmergencyState
ACTORS = ("sync", "rebalancer", "trader")
STEP_S = 1.0
EURUSD_PRICE = Price.of("1.25", "USD")


def pair(symbol: str) -> FxPair:
    base, other = symbol.split("/")
    return replace(
        EURUSD, symbol=symbol, base=base, quote=other, tick=replace(EURUSD.tick, currency=other)
    )


async def current(rig: Rig) -> EmergencyRun:
    newest = await rig.store.emergency.recent(1)
    assert newest, "no run was opened"
    return newest[0]


async def orders(rig: Rig) -> tuple[Intent, ...]:
    return tuple(reversed(await rig.store.orders.recent(100)))


async def sales(rig: Rig) -> tuple[Intent, ...]:
    return tuple(order for order in await orders(rig) if not is_pair(order.proposal.symbol))


async def until_state(rig: Rig, *states: EmergencyState, within_s: float = 900) -> EmergencyRun:
    with trio.fail_after(within_s):
        while True:
            newest = await rig.store.emergency.recent(1)
            if newest and newest[0].state in states:
                return newest[0]
            await trio.sleep(STEP_S)


async def placed(rig: Rig, count: int, within_s: float = 900) -> str:
    """The broker's number of the order with this count, once it is there."""
    with trio.fail_after(within_s):
        while True:
            if len(rig.broker.placed) >= count:
                break
            await trio.sleep(STEP_S)
    await trio.sleep(STEP_S)
    return f"B{count}"


async def execute_all(rig: Rig, count: int) -> None:
    """Every order fills as soon as it is placed, until there were `count`."""
    for number in range(1, count + 1):
        rig.broker.fill(await placed(rig, number))


async def keep_syncing(rig: Rig, every_s: float = 60) -> None:
    while True:
        await trio.sleep(every_s)
        await rig.sync()


async def begin(rig: Rig) -> None:
    await rig.start(*ACTORS)
    rig.nursery.start_soon(keep_syncing, rig)


def broke(rig: Rig, cash: str = "-500", held: str = "90") -> None:
    """Short of euros, nothing to exchange, a holding that may be sold."""
    rig.broker.cash = {"EUR": cash, "USD": "6.25"}
    rig.broker.held = {"DEMO-A.EU": held}


async def test_one_source_covers_it_and_nothing_is_sold(rig: Rig) -> None:
    rig.broker.cash = {"EUR": "5000", "USD": "-100"}
    rig.broker.held = {"DEMO-A.EU": "90"}
    await begin(rig)
    await execute_all(rig, 1)
    run = await until_state(rig, S.RESOLVED)
    assert [o.proposal.symbol for o in await orders(rig)] == ["EUR/USD"]
    assert Decimal(rig.broker.cash["USD"]) >= 0
    told = [event.after for event in await rig.store.emergency.events(run.run_id)]
    assert told == [S.DETECTED, S.EXCHANGING, *told[2:-1], S.RESOLVED]
    assert {S.EXCHANGING} >= set(told[2:-1])
    assert rig.boards.emergency.value == run


async def test_three_sources_are_combined_the_largest_first_one_order_at_a_time(
    tmp_path: Path,
) -> None:
    pairs = (EURUSD, pair("GBP/USD"), pair("HKD/USD"))
    async with open_rig(tmp_path, pairs=pairs) as rig:
        broker = rig.broker
        broker.quoted["GBP/USD"] = quote("GBP/USD", "1.5625", currency="USD")
        broker.quoted["HKD/USD"] = quote("HKD/USD", "0.125", currency="USD")
        broker.cash = {"EUR": "105", "GBP": "164", "HKD": "550", "USD": "-400"}
        await begin(rig)
        for number in (1, 2, 3):
            name = await placed(rig, number)
            assert len([o for o in await orders(rig) if o.in_flight]) == 1
            broker.fill(name)
        await until_state(rig, S.RESOLVED)
        done = [(o.proposal.symbol, o.proposal.step) for o in await orders(rig)]
        assert done == [("GBP/USD", 1), ("EUR/USD", 2), ("HKD/USD", 3)]
        for currency, keep in {"EUR": 5, "GBP": 4, "HKD": 50, "USD": 0}.items():
            assert Decimal(broker.cash[currency]) >= keep


async def test_c6_what_no_exchange_brings_is_sold_after_a_second_look(rig: Rig) -> None:
    broke(rig)
    await rig.start(*ACTORS)
    await trio.sleep(5)
    assert rig.broker.placed == []
    name = await placed(rig, 1)  # the second look is asked for, no timer of sync is needed
    assert trio.current_time() >= 10
    (sale,) = await sales(rig)
    assert (sale.proposal.order_class, sale.proposal.quantity) == ("emergency", Quantity.of(6))
    assert [s.status for s in await rig.store.emergency.pending_sales()] == ["pending"]
    rig.broker.fill(name)
    run = await until_state(rig, S.RESOLVED)
    assert Decimal(rig.broker.cash["EUR"]) >= 0
    assert [s.status for s in await rig.store.emergency.sales(run.run_id)] == ["executed"]


async def test_proceeds_in_another_currency_are_exchanged_at_last(rig: Rig) -> None:
    broke(rig)
    rig.broker.cash = {"EUR": "5", "USD": "-500"}
    await begin(rig)
    await execute_all(rig, 2)
    run = await until_state(rig, S.RESOLVED)
    states = [event.after for event in await rig.store.emergency.events(run.run_id)]
    assert S.AWAITING_FILL in states
    assert states.index(S.FINAL_EXCHANGE) > states.index(S.AWAITING_FILL)
    assert [o.proposal.symbol for o in await orders(rig)] == ["DEMO-A.EU", "EUR/USD"]


async def test_a_closed_exchange_is_waited_for_and_then_sold_on(tmp_path: Path) -> None:
    evening = datetime(2009, 1, 5, 20, 0, tzinfo=UTC)
    async with open_rig(tmp_path, at=evening) as rig:
        broke(rig)
        await begin(rig)
        run = await until_state(rig, S.WAITING_MARKET)
        assert run.waits_until is not None
        assert run.waits_until.date() == evening.date() + timedelta(days=1)
        assert run.note.endswith(f"is open, until {run.waits_until:%Y-%m-%d %H:%M} UTC")
        assert await sales(rig) == ()
        await rig.sync()
        assert rig.clock.jump_to(run.waits_until + timedelta(minutes=1))
        fresh = {
            c: replace(r, as_of=run.waits_until.date()) for c, r in rig.broker.table.per_eur.items()
        }
        rig.broker.table = RateTable(fresh)
        await execute_all(rig, 1)
        await until_state(rig, S.RESOLVED)


async def test_a_partly_executed_sale_is_followed_by_one_for_the_rest(rig: Rig) -> None:
    broke(rig)
    await begin(rig)
    first = await placed(rig, 1)
    rig.broker.fill(first, "2")
    await trio.sleep(120)
    assert len(rig.broker.placed) == 1
    rig.broker.end(first, "cancelled")
    second = await placed(rig, 2)
    rig.broker.fill(second)
    run = await until_state(rig, S.RESOLVED)
    assert [(o.state, o.filled) for o in await sales(rig)] == [
        (OrderState.CANCELLED, Quantity.of(2)),
        (OrderState.FILLED, Quantity.of(4)),
    ]
    assert [s.status for s in await rig.store.emergency.sales(run.run_id)] == ["executed"] * 2


async def test_without_a_rate_nothing_is_exchanged_one_to_one_nor_sold_at_once(rig: Rig) -> None:
    broke(rig)
    rig.broker.cash = {"EUR": "-500", "USD": "5000"}
    known = rig.broker.table
    rig.broker.table = RateTable({})
    await begin(rig)
    await trio.sleep(600)
    assert await orders(rig) == ()
    run = await current(rig)
    assert run.active
    assert "USD" in run.note
    rig.broker.table = known
    await execute_all(rig, 1)
    await until_state(rig, S.RESOLVED)
    assert [o.proposal.symbol for o in await orders(rig)] == ["EUR/USD"]


async def test_an_outage_in_the_middle_leaves_the_run_as_it_is(rig: Rig) -> None:
    rig.broker.cash = {"EUR": "5000", "USD": "-100"}
    await begin(rig)
    await placed(rig, 1)
    before = (await current(rig)).state
    rig.broker.errors = dict.fromkeys(
        ("snapshot", "open_orders", "orders_since", "fills_since", "quotes"), Unavailable("no line")
    )
    await trio.sleep(200)
    run = await current(rig)
    assert (run.state, run.active) == (before, True)
    assert "unknown" in run.note
    rig.broker.errors = {}
    rig.broker.fill("B1")
    await until_state(rig, S.RESOLVED)
    assert len(rig.broker.placed) == 1


async def test_research_orders_nothing_and_recommends_until_the_cash_is_back(rig: Rig) -> None:
    await rig.store.settings.set_mode("research", "test", rig.clock.machine_now())
    rig.publish_trading("research")
    broke(rig)
    await begin(rig)
    run = await until_state(rig, S.SELLING)
    await trio.sleep(300)
    assert await orders(rig) == ()
    (shown,) = await rig.store.emergency.pending_sales()
    assert (shown.symbol, shown.quantity, shown.intent_id) == ("DEMO-A.EU", Quantity.of(6), None)
    rig.broker.deposit("900")
    ended = await until_state(rig, S.RESOLVED)
    assert ended.run_id == run.run_id
    assert [s.status for s in await rig.store.emergency.sales(run.run_id)] == ["dismissed"]


async def test_a_deficit_that_comes_back_gets_a_run_of_its_own(rig: Rig) -> None:
    rig.broker.cash = {"EUR": "5000", "USD": "-100"}
    await begin(rig)
    await execute_all(rig, 1)
    first = await until_state(rig, S.RESOLVED)
    rig.broker.deposit("-300", "USD")
    rig.broker.flows[-1] = replace(rig.broker.flows[-1], category="withdrawal")
    await execute_all_from(rig, 2)
    again = await until_state(rig, S.RESOLVED)
    while again.run_id == first.run_id:
        await trio.sleep(STEP_S)
        again = await until_state(rig, S.RESOLVED)
    assert len(await rig.store.emergency.recent(9)) == 2
    kinds = ("REBALANCE_START", "REBALANCE_COMPLETE")
    assert [len(rig.events(kind)) for kind in kinds] == [2, 2]


async def execute_all_from(rig: Rig, number: int) -> None:
    rig.broker.fill(await placed(rig, number))


async def test_after_a_failure_the_next_run_begins_later(rig: Rig) -> None:
    rig.broker.cash = {"EUR": "-500", "USD": "6.25"}  # nothing to exchange, nothing to sell
    await begin(rig)
    failed = await until_state(rig, S.FAILED)
    await trio.sleep(240)
    assert len(await rig.store.emergency.recent(9)) == 1
    await trio.sleep(180)
    newest, oldest = await rig.store.emergency.recent(9)
    assert oldest == failed
    assert newest.started_at - failed.started_at >= timedelta(minutes=5)


async def wait_for_the_owner(rig: Rig) -> EmergencyRun:
    """4,000 EUR short with shares worth 10,000: a fifth of 6,000 may be sold, not more."""
    broke(rig, cash="-4000", held="100")
    await begin(rig)
    rig.nursery.start_soon(execute_all, rig, 2)
    return await until_state(rig, S.WAITING_OWNER, within_s=3600)


async def resolve(rig: Rig, decision: str, choice: str, *, confirm: bool = True) -> str:
    asked = Resolve(decision, choice, confirm, "owner")
    return await rig.system.asks.rebalancer.ask(asked, deadline_s=5)


async def test_beyond_the_day_s_share_the_owner_is_asked(rig: Rig) -> None:
    run = await wait_for_the_owner(rig)
    sold = await rig.store.emergency.sold_today(rig.clock.market_now().date())
    assert 1_000_00 < sold.minor <= 1_200_00
    await trio.sleep(600)
    assert len(rig.broker.placed) == 2
    (decision,) = await rig.store.views.decisions()
    with pytest.raises(Refused, match="confirm"):
        await resolve(rig, decision.decision_id, "confirm", confirm=False)
    with pytest.raises(Refused, match="choice"):
        await resolve(rig, decision.decision_id, "maybe")
    with pytest.raises(Missing):
        await resolve(rig, "sale:other", "confirm")
    await resolve(rig, decision.decision_id, "confirm")
    with pytest.raises(Missing):
        await resolve(rig, decision.decision_id, "confirm")
    rig.nursery.start_soon(execute_all_up_to, rig, 3, 9)
    ended = await until_state(rig, S.RESOLVED, within_s=7200)
    assert (ended.run_id, ended.owner) == (run.run_id, "confirm")
    assert Decimal(rig.broker.cash["EUR"]) >= 0


async def execute_all_up_to(rig: Rig, first: int, last: int) -> None:
    for number in range(first, last + 1):
        rig.broker.fill(await placed(rig, number, within_s=7200))


async def test_after_the_owner_s_no_nothing_is_sold_any_more_that_day(rig: Rig) -> None:
    run = await wait_for_the_owner(rig)
    await resolve(rig, f"sale:{run.run_id}", "abort")
    assert (await current(rig)).state is S.ABORTED
    await trio.sleep(3600)
    assert len(rig.broker.placed) == 2
    assert await rig.store.emergency.recent(9) == (await current(rig),)


async def test_a_change_of_the_mode_aborts_before_the_next_order(rig: Rig) -> None:
    broke(rig)
    await rig.start(*ACTORS)
    await until_state(rig, S.DETECTED)
    await rig.store.settings.set_mode("research", "test", rig.clock.machine_now())
    rig.publish_trading("research")
    await until_state(rig, S.ABORTED)
    rig.nursery.start_soon(keep_syncing, rig)
    shown = await until_state(rig, S.SELLING)
    assert shown.mode == "research"
    assert await orders(rig) == ()


async def test_a_halt_keeps_the_run_waiting(rig: Rig) -> None:
    broke(rig)
    latch = Latch("owner", "asked to", rig.clock.machine_now())
    rig.boards.trading.publish(TradingState("live", "scripted", (latch,)))
    await begin(rig)
    await trio.sleep(600)
    assert (await current(rig)).state is S.DETECTED
    assert await orders(rig) == ()
    rig.publish_trading()
    await execute_all(rig, 1)
    await until_state(rig, S.RESOLVED)


async def test_an_ordinary_order_that_rests_is_withdrawn_before_anything_is_sold(rig: Rig) -> None:
    broke(rig, cash="1000")
    await rig.start("sync", "trader")
    resting = await rig.propose(
        order_class="fx",
        symbol="EUR/USD",
        side="SELL",
        quantity=Quantity.of(50),
        security_id=None,
        currency="USD",
        decision_price=EURUSD_PRICE,
    )
    await rig.until_state(resting, OrderState.ACTIVE)
    rig.broker.deposit("-1500")
    rig.broker.flows[-1] = replace(rig.broker.flows[-1], category="withdrawal")
    await rig.start("rebalancer")
    rig.nursery.start_soon(keep_syncing, rig)
    await trio.sleep(200)
    assert set(rig.broker.cancelled) == {"B1"}
    assert len(rig.broker.placed) == 1
    rig.broker.end("B1", "cancelled")
    await placed(rig, 2)
    assert len(await sales(rig)) == 1


async def test_unconfirmed_holdings_are_never_sold(rig: Rig) -> None:
    broke(rig)
    rig.broker.held = {}
    await rig.start("sync")
    stranger = security("DEMO-X.EU").instrument
    rig.broker.listed.append(stranger)
    rig.broker.quoted["DEMO-X.EU"] = quote("DEMO-X.EU")
    await rig.store.securities.upsert([stranger], allow_trading=False, confirmed=False)
    rig.broker.held = {"DEMO-X.EU": "90"}
    await rig.start("rebalancer", "trader")
    rig.nursery.start_soon(keep_syncing, rig)
    await trio.sleep(600)
    assert await orders(rig) == ()


# Restarts

Reached = Callable[[Rig], object]


async def restart(rig: Rig, scope: trio.CancelScope) -> None:
    """The rebalancer dies and another one, which remembers nothing, takes over."""
    scope.cancel()
    await rig.settle()
    await rig.start("rebalancer")


async def mortal(rig: Rig) -> trio.CancelScope:
    """Start the rebalancer so that it can be ended alone."""

    async def live(*, task_status: trio.TaskStatus[trio.CancelScope]) -> None:
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:
                await nursery.start(rig.actor("rebalancer"))
                task_status.started(scope)

    scope: trio.CancelScope = await rig.nursery.start(live)
    return scope


@pytest.mark.parametrize("state", [state for state in S if state not in FINAL])
async def test_c7_a_restart_in_any_state_resumes_without_a_second_sale(
    rig: Rig, state: EmergencyState
) -> None:
    """The state is reached or, where it passes in no time, written before the restart."""
    broke(rig)
    rig.broker.cash = {"EUR": "5", "USD": "-500"}
    await rig.start("sync", "trader")
    scope = await mortal(rig)
    rig.nursery.start_soon(keep_syncing, rig)
    run = await until_state(rig, S.DETECTED)
    if state in {S.EXCHANGING, S.SELLING, S.WAITING_MARKET, S.WAITING_OWNER}:
        await rig.store.emergency.move(run.run_id, state, at=rig.clock.market_now(), note="moved")
    elif state in {S.AWAITING_FILL, S.FINAL_EXCHANGE}:
        await placed(rig, 1)
        if state is S.FINAL_EXCHANGE:
            rig.broker.fill("B1")
            await placed(rig, 2)
        assert (await until_state(rig, state)).run_id == run.run_id
    await restart(rig, scope)
    await trio.sleep(60)
    if state is S.FINAL_EXCHANGE:
        rig.broker.fill("B2")
    elif state is S.AWAITING_FILL:
        rig.broker.fill("B1")
        rig.broker.fill(await placed(rig, 2))
    else:
        await execute_all(rig, 2)
    ended = await until_state(rig, S.RESOLVED)
    assert ended.run_id == run.run_id
    assert len(await sales(rig)) == 1
    assert [o.proposal.symbol for o in await orders(rig)] == ["DEMO-A.EU", "EUR/USD"]


async def dies_after_ordering_a_sale(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """The order was committed and left, the move after it was never written."""
    await rig.start("sync", "trader")
    scope = await mortal(rig)
    real = rig.store.emergency.move

    async def dies(run_id: str, after: EmergencyState, **changes: object) -> EmergencyRun:
        if after is S.AWAITING_FILL:
            scope.cancel()
            await trio.lowlevel.checkpoint_if_cancelled()
        return await real(run_id, after, **changes)  # type: ignore[arg-type]

    monkeypatch.setattr(rig.store.emergency, "move", dies)
    await placed(rig, 1)
    monkeypatch.setattr(rig.store.emergency, "move", real)
    assert (await current(rig)).state is S.DETECTED


async def test_c7_a_sale_that_filled_while_nobody_looked_is_exchanged_after_the_crash(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    broke(rig)
    rig.broker.cash = {"EUR": "5", "USD": "-500"}
    await dies_after_ordering_a_sale(rig, monkeypatch)
    rig.broker.fill("B1")
    await rig.sync()
    await trio.sleep(30)
    await rig.start("rebalancer")
    rig.nursery.start_soon(keep_syncing, rig)
    rig.broker.fill(await placed(rig, 2))
    await until_state(rig, S.RESOLVED)
    assert [o.proposal.symbol for o in await orders(rig)] == ["DEMO-A.EU", "EUR/USD"]


async def test_c7_a_crash_between_order_and_move_is_told_by_the_order(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    broke(rig)
    await dies_after_ordering_a_sale(rig, monkeypatch)
    await rig.start("rebalancer")
    rig.nursery.start_soon(keep_syncing, rig)
    await until_state(rig, S.AWAITING_FILL)
    assert len(await sales(rig)) == 1
    rig.broker.fill("B1")
    run = await until_state(rig, S.RESOLVED)
    assert [s.status for s in await rig.store.emergency.sales(run.run_id)] == ["executed"]


async def test_the_newest_run_is_shown_after_a_restart_before_any_portfolio(rig: Rig) -> None:
    broke(rig)
    await rig.start("sync")
    scope = await mortal(rig)
    run = await until_state(rig, S.DETECTED)
    rig.boards.emergency.publish(replace(run, note="forgotten"))
    scope.cancel()
    rig.broker.errors["snapshot"] = Unavailable("no line")
    await rig.start("rebalancer")
    shown = rig.boards.emergency.value
    assert (shown.run_id, shown.active) == (run.run_id, True)
    assert shown.note != "forgotten"
