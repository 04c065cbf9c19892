"""What the rebalancer answers, and what it does when there is nothing to repair."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from ledger.errors import Busy, Conflict, Refused, TrimtabError, Unavailable
from ledger.halt import Latch
from ledger.money import Money
from ledger.rebalancing import CashShortfalls, Triggers
from ledger.run import RunRecord
from policy.limits import DEFAULTS
from tests.actors.rig import Rig
from tests.support.builders import eur
from wire.mailbox import Request
from wire.messages import TradingState
from wire.rebalancing import CalculateTrades, CheckNegative, CheckTriggers, ExecuteRebalance

EXECUTE = ExecuteRebalance(None, "http:token@127.0.0.1")


async def ask(rig: Rig, request: Request[object]) -> object:
    return await rig.system.asks.rebalancer.ask(request, deadline_s=30)


async def triggers(rig: Rig, **changes: object) -> Triggers:
    found = await ask(rig, CheckTriggers(**changes))  # type: ignore[arg-type]
    assert isinstance(found, Triggers)
    return found


async def started(rig: Rig, *more: str) -> None:
    await rig.start("sync", "rebalancer", *more)
    await rig.settle()


async def test_idle_cash_and_a_missing_target_are_both_told(rig: Rig) -> None:
    await started(rig)
    found = await triggers(rig)
    assert found.triggered
    assert len(found.reasons) == 2
    assert found.reasons[0] == "DEMO-A.EU is 0.0% of the portfolio, its target 15.0%"
    # 10,000 EUR and 1,000 USD at 1.25.
    assert found.reasons[1].startswith("10,800.00 EUR of cash, 500.00 EUR")
    assert [one.symbol for one in found.outside] == ["DEMO-A.EU"]


async def test_the_question_may_bring_its_own_thresholds(rig: Rig) -> None:
    await started(rig)
    off = await triggers(rig, enabled=False)
    assert off == Triggers(False, ("event-driven rebalancing disabled",))
    patient = {"drift": Decimal("0.2"), "cash_multiplier": Decimal(100)}
    assert not (await triggers(rig, **patient)).triggered
    assert (await triggers(rig, **patient, min_trade_eur=eur("1"))).triggered


async def test_what_is_not_asked_comes_from_the_settings_in_force(rig: Rig) -> None:
    await started(rig)
    rules = rig.actor("rebalancer").__self__._s.rules  # type: ignore[attr-defined]
    rules.publish(replace(DEFAULTS, event_driven_rebalancing=False))
    assert not (await triggers(rig)).triggered
    rules.publish(
        replace(DEFAULTS, rebalance_drift=Decimal(1), rebalance_cash_multiplier=Decimal(1000))
    )
    assert not (await triggers(rig)).triggered


async def test_the_cash_pays_for_the_purchases_of_the_current_plan(rig: Rig) -> None:
    rig.broker.cash = {"EUR": "10000"}
    await started(rig, "planner")
    await rig.sync()
    await rig.settle()
    plan = rig.boards.plan.value
    assert plan is not None
    buys = tuple(step for step in plan.plan.steps if step.side == "BUY" and step.kind == "trade")
    assert buys
    assert await ask(rig, CalculateTrades(None)) == buys
    assert await ask(rig, CalculateTrades(eur("600"))) == ()
    assert await ask(rig, CalculateTrades(eur("200"))) == ()


async def test_before_the_first_plan_there_are_no_trades(rig: Rig) -> None:
    await started(rig)
    assert await ask(rig, CalculateTrades(None)) == ()


async def test_shortfalls_are_told_and_nothing_is_repaired_by_asking(rig: Rig) -> None:
    rig.broker.cash = {"EUR": "2", "USD": "-50"}
    rig.publish_trading("research")
    rig.broker.pairs = ()
    await started(rig)
    found = await ask(rig, CheckNegative())
    assert found == CashShortfalls(
        has_negative=True,
        below_minimum=True,
        shortfalls={"USD": Money.of("56.25", "USD"), "EUR": eur("3")},
        total_eur=eur("48"),
    )
    assert await rig.store.orders.recent(10) == ()


async def test_without_a_shortfall_both_maps_are_there_and_empty(rig: Rig) -> None:
    await started(rig)
    assert await ask(rig, CheckNegative()) == CashShortfalls(False, False, {}, eur("0"))


REQUESTS: tuple[Request[object], ...] = (
    CheckTriggers(),  # type: ignore[arg-type]
    CalculateTrades(None),  # type: ignore[arg-type]
    CheckNegative(),  # type: ignore[arg-type]
    EXECUTE,  # type: ignore[arg-type]
)


@pytest.mark.parametrize("request_", REQUESTS)
async def test_without_the_broker_nothing_is_answered_as_if_all_were_fine(
    rig: Rig, request_: Request[object]
) -> None:
    await rig.start("rebalancer")
    with pytest.raises(Unavailable, match="no portfolio yet"):
        await ask(rig, request_)
    await rig.start("sync")
    rig.broker.errors["snapshot"] = Unavailable("no line")
    await rig.sync()
    with pytest.raises(Unavailable, match="could not be read"):
        await ask(rig, request_)


async def execute(rig: Rig, cash: str | None = None) -> RunRecord:
    request = replace(EXECUTE, available_cash=None if cash is None else eur(cash))
    found = await ask(rig, request)  # type: ignore[arg-type]
    assert isinstance(found, RunRecord)
    return found


async def test_executing_starts_a_run_that_makes_a_new_plan(rig: Rig) -> None:
    await started(rig, "schedule")
    nudges = rig.system.nudges["plan"]
    await nudges.receive_within(0)
    run = await execute(rig)
    ended = await rig.until_run_ends(run.run_id)
    assert (run.job, run.trigger) == ("rebalance", "api")
    assert ended.result is not None
    assert "a new plan is made" in ended.result
    nudge = await nudges.receive_within(0)
    assert nudge is not None
    assert nudge.reason.startswith("rebalancing: DEMO-A.EU is 0.0% of the portfolio")


async def test_a_plan_with_steps_to_do_is_not_disturbed_unless_somebody_asks(rig: Rig) -> None:
    await rig.start("schedule", "sync", "planner")
    await rig.settle()
    plan = rig.boards.plan.value
    assert plan is not None
    assert plan.next_step is not None
    await rig.start("rebalancer")
    await rig.settle()
    desk = rig.actor("rebalancer").__self__._p.desk  # type: ignore[attr-defined]
    assert (await desk.follow_up()).startswith("the current plan goes on: ")
    ended = await rig.until_run_ends((await execute(rig)).run_id)
    assert "a new plan is made" in (ended.result or "")


async def test_of_the_cash_only_what_was_offered_counts_as_idle(rig: Rig) -> None:
    rig.broker.cash = {"EUR": "10000", "USD": "10"}
    rig.broker.held = {"DEMO-A.EU": "18"}
    await started(rig, "schedule")
    ended = await rig.until_run_ends((await execute(rig, "100")).run_id)
    assert ended.result == "no position is far from its target, no cash lies idle"
    ended = await rig.until_run_ends((await execute(rig, "600")).run_id)
    assert "600.00 EUR of cash" in (ended.result or "")


@pytest.mark.parametrize(
    ("state", "error", "code"),
    [
        (TradingState("research", "scripted", ()), Conflict, "research_mode"),
        ("latched", Refused, "halted"),
    ],
)
async def test_nothing_is_executed_in_research_or_while_halted(
    rig: Rig, state: TradingState | str, error: type[TrimtabError], code: str
) -> None:
    latch = Latch("owner", "asked to", rig.clock.machine_now())
    await started(rig)
    if isinstance(state, str):
        state = TradingState("research", "scripted", (latch,))
    rig.boards.trading.publish(state)
    with pytest.raises(error) as caught:
        await execute(rig)
    assert caught.value.code == code  # type: ignore[attr-defined]


async def test_a_second_rebalancing_waits_for_the_first(rig: Rig) -> None:
    await started(rig, "schedule")
    await rig.open_run("rebalance", "FIRST")
    run = await rig.store.runs.get("FIRST")
    rig.actor("rebalancer").__self__._p.jobs.queue(run)  # type: ignore[attr-defined]
    with pytest.raises(Busy) as caught:
        await execute(rig)
    assert caught.value.run_id == "FIRST"


async def test_the_same_books_start_one_plan_a_day(rig: Rig) -> None:
    await started(rig)
    desk = rig.actor("rebalancer").__self__._p.desk  # type: ignore[attr-defined]
    nudges = rig.system.nudges["plan"]
    assert await nudges.receive_within(0) is not None
    for _ in range(3):
        await rig.sync()
        await rig.settle()
    assert await nudges.receive_within(0) is None
    assert (await desk.follow_up()).startswith("planned for already: ")
    rig.broker.deposit("100")
    await rig.sync()
    await rig.settle()
    assert await nudges.receive_within(0) is not None
