"""The owner's word: what waits for it, what it lets leave, and how long it holds."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest
import trio

from ledger.bucket import Autonomy, AutonomyMode
from ledger.errors import Conflict, Missing, Refused, Unavailable
from ledger.order import Intent, OrderState
from ledger.plan import StepState, StoredPlan
from tests.actors.rig import Rig, open_rig
from tests.support.builders import eur, security
from wire.mailbox import Request
from wire.messages import ProposeStep
from wire.planner_asks import (
    ApprovePlan,
    DismissStep,
    PlanAgain,
    PostponePlan,
    RecomputePlan,
    RejectPlan,
    SetAutonomy,
    ShowDifference,
)

R = TypeVar("R")
OTHER = replace(security("DEMO-B.EU", country="France").instrument, isin="XF0000000002")


async def ask(rig: Rig, request: Request[R]) -> R:
    return await rig.system.asks.planner.ask(request, deadline_s=30)


async def orders(rig: Rig) -> list[Intent]:
    return list(reversed(await rig.store.orders.recent(500)))


async def plan_of(rig: Rig) -> StoredPlan:
    found = await rig.store.plans.current("core")
    assert found is not None
    return found


async def planned(rig: Rig, mode: AutonomyMode = "approve") -> StoredPlan:
    """Two securities to buy, and an owner who wants to be asked."""
    await rig.set_autonomy(Autonomy(mode))
    rig.broker.listed = [security().instrument, OTHER]
    rig.broker.price("DEMO-B.EU", "100")
    await rig.start("sync", "trader", "planner")
    await rig.settle()
    stored = await plan_of(rig)
    assert len(stored.steps) == 2
    return stored


async def refresh(rig: Rig) -> StoredPlan:
    await rig.sync()
    await rig.settle()
    return await plan_of(rig)


@pytest.mark.parametrize("mode", ["advise", "approve"])
async def test_nothing_leaves_by_itself(rig: Rig, mode: AutonomyMode) -> None:
    await planned(rig, mode)
    await trio.sleep(120)
    await refresh(rig)
    assert await orders(rig) == []


async def test_an_approved_step_leaves_and_the_next_one_waits_again(rig: Rig) -> None:
    stored = await planned(rig)
    said = await ask(rig, ApprovePlan(stored.plan.plan_id, 1, "owner"))
    assert said.steps[0].state is StepState.APPROVED
    await rig.settle()
    (order,) = await orders(rig)
    assert order.proposal.source_id == stored.plan.plan_id
    await rig.until_state(order, OrderState.ACTIVE)
    rig.broker.fill("B1")
    await rig.until_state(order, OrderState.FILLED)
    await trio.sleep(timedelta(hours=2).total_seconds())
    await refresh(rig)
    assert len(await orders(rig)) == 1
    new = await plan_of(rig)
    assert new.plan.plan_id != stored.plan.plan_id
    assert [step.state for step in new.steps] == [StepState.PROPOSED] * len(new.steps)


async def test_a_word_said_before_the_trader_took_the_order_stops_it(rig: Rig) -> None:
    await rig.set_autonomy(Autonomy("act"))
    await rig.start("sync", "planner")
    await rig.settle()
    stored = await plan_of(rig)
    assert stored.steps[0].state is StepState.SUBMITTING
    said = await ask(rig, RejectPlan(stored.plan.plan_id, "owner"))
    assert {step.state for step in said.steps} == {StepState.DISMISSED}
    await rig.start("trader")
    await trio.sleep(60)
    assert not rig.broker.orders
    (order,) = await orders(rig)
    assert [verdict.gate for verdict in order.blocked_by] == ["WORD"]


async def test_a_plan_that_waits_outlives_what_would_replace_another(rig: Rig) -> None:
    stored = await planned(rig)
    other = next(s for s in ("DEMO-A.EU", "DEMO-B.EU") if s != stored.steps[0].step.symbol)
    rig.broker.price(other, "110")
    assert (await refresh(rig)).plan.plan_id == stored.plan.plan_id
    await trio.sleep(timedelta(minutes=70).total_seconds())
    assert (await refresh(rig)).plan.plan_id == stored.plan.plan_id


async def test_a_plan_that_waits_goes_when_its_own_price_moved(rig: Rig) -> None:
    stored = await planned(rig)
    rig.broker.price(stored.steps[0].step.symbol, "101.1")
    new = await refresh(rig)
    assert new.plan.plan_id != stored.plan.plan_id
    with pytest.raises(Conflict) as stale:
        await ask(rig, ApprovePlan(stored.plan.plan_id, None, "owner"))
    assert stale.value.code == "stale_plan"


async def test_a_plan_that_waits_goes_with_a_deposit_and_takes_its_approval_along(
    rig: Rig,
) -> None:
    rig.publish_trading("research")
    stored = await planned(rig)
    await ask(rig, ApprovePlan(stored.plan.plan_id, None, "owner"))
    rig.broker.deposit("5000")
    new = await refresh(rig)
    assert new.plan.plan_id != stored.plan.plan_id
    rig.publish_trading("live")
    await trio.sleep(60)
    assert await orders(rig) == []
    old = await rig.store.plans.get(stored.plan.plan_id)
    assert {step.state for step in old.steps} == {StepState.SUPERSEDED}


@pytest.mark.parametrize("rig", [60.0], indirect=True)
async def test_a_plan_that_waits_ends_with_its_session(rig: Rig) -> None:
    await rig.set_autonomy(Autonomy("approve"))
    await rig.start("sync", "planner")
    await rig.settle()
    stored = await plan_of(rig)
    at = rig.clock.market_now()
    assert rig.clock.jump_to(at.replace(hour=16, minute=28, second=0))
    assert (await refresh(rig)).plan.plan_id == stored.plan.plan_id
    assert rig.clock.jump_to(at.replace(hour=16, minute=31, second=0))
    assert (await refresh(rig)).plan.plan_id != stored.plan.plan_id


async def test_an_approval_survives_a_restart_and_leaves_once(tmp_path: Path) -> None:
    async with open_rig(tmp_path) as rig:
        rig.publish_trading("research")
        stored = await planned(rig)
        await ask(rig, ApprovePlan(stored.plan.plan_id, None, "owner"))
        at = rig.clock.market_now()
    async with open_rig(tmp_path, at=at + timedelta(minutes=1)) as rig:
        again = await planned(rig)
        assert again.plan.plan_id == stored.plan.plan_id
        await trio.sleep(60)
        (order,) = await orders(rig)
        assert (order.proposal.source_id, order.proposal.step) == (stored.plan.plan_id, 1)
        assert len(rig.broker.placed) == 1


async def test_a_rejected_plan_does_not_come_back_until_something_changes(rig: Rig) -> None:
    stored = await planned(rig)
    said = await ask(rig, RejectPlan(stored.plan.plan_id, "owner"))
    assert said.superseded
    await rig.settle()
    assert (await plan_of(rig)).steps == ()
    await trio.sleep(timedelta(hours=2).total_seconds())
    assert (await refresh(rig)).steps == ()
    rig.broker.deposit("5000")
    assert (await refresh(rig)).steps


async def test_a_dismissed_step_leaves_the_others(rig: Rig) -> None:
    stored = await planned(rig)
    unwanted = stored.steps[0].step.symbol
    await ask(rig, DismissStep(stored.plan.plan_id, 1, "owner"))
    await rig.settle()
    new = await plan_of(rig)
    assert new.plan.portfolio_hash == stored.plan.portfolio_hash
    assert new.steps
    assert unwanted not in {step.step.symbol for step in new.steps}


async def test_a_postponed_plan_leaves_when_its_time_has_come(rig: Rig) -> None:
    rig.publish_trading("research")
    stored = await planned(rig, "act")
    until = rig.clock.market_now() + timedelta(minutes=30)
    said = await ask(rig, PostponePlan(stored.plan.plan_id, until, "owner"))
    assert said.postponed_until == until
    rig.publish_trading("live")
    await trio.sleep(timedelta(minutes=29).total_seconds())
    await refresh(rig)
    assert await orders(rig) == []
    await trio.sleep(timedelta(minutes=2).total_seconds())
    await refresh(rig)
    assert len(await orders(rig)) == 1


@pytest.mark.parametrize("days", [-1, 0, 31])
async def test_a_postponement_lies_ahead_and_within_a_month(rig: Rig, days: int) -> None:
    stored = await planned(rig)
    until = rig.clock.market_now() + timedelta(days=days)
    with pytest.raises(Refused) as refused:
        await ask(rig, PostponePlan(stored.plan.plan_id, until, "owner"))
    assert refused.value.code == "until"


async def test_leave_to_act_is_acted_on_at_once_and_withdrawn_at_once(rig: Rig) -> None:
    await planned(rig)
    await ask(rig, SetAutonomy("core", Autonomy("act"), "owner"))
    await rig.settle()
    (order,) = await orders(rig)
    await rig.until_state(order, OrderState.ACTIVE)
    await ask(rig, SetAutonomy("core", Autonomy("advise"), "owner"))
    rig.broker.fill("B1")
    await rig.until_state(order, OrderState.FILLED)
    await trio.sleep(timedelta(hours=2).total_seconds())
    await refresh(rig)
    assert len(await orders(rig)) == 1


async def test_below_the_owners_amount_a_step_leaves_alone(rig: Rig) -> None:
    stored = await planned(rig)
    value = stored.steps[0].step.value_eur
    await ask(rig, SetAutonomy("core", Autonomy("act_below", value), "owner"))
    await trio.sleep(30)
    assert await orders(rig) == []
    await ask(rig, SetAutonomy("core", Autonomy("act_below", value + eur("0.01")), "owner"))
    await rig.settle()
    assert len(await orders(rig)) == 1


async def test_autonomy_is_shown_and_kept(rig: Rig) -> None:
    await planned(rig)
    wanted = Autonomy("act_below", eur("250"))
    assert await ask(rig, SetAutonomy("core", wanted, "owner")) == wanted
    (core,) = rig.boards.buckets.value
    assert core.autonomy == wanted
    kept = await rig.store.buckets.get("core")
    assert kept is not None
    assert kept.autonomy == wanted


@pytest.mark.parametrize(
    "autonomy",
    [Autonomy("act_below"), Autonomy("act", eur("5")), Autonomy("act_below", eur("0"))],
)
async def test_an_amount_belongs_to_act_below_and_to_nothing_else(
    rig: Rig, autonomy: Autonomy
) -> None:
    await planned(rig)
    with pytest.raises(Refused):
        await ask(rig, SetAutonomy("core", autonomy, "owner"))
    with pytest.raises(Missing):
        await ask(rig, SetAutonomy("nowhere", Autonomy("act"), "owner"))


async def test_where_it_only_advises_nothing_can_be_approved_but_executed(rig: Rig) -> None:
    stored = await planned(rig, "advise")
    with pytest.raises(Refused):
        await ask(rig, ApprovePlan(stored.plan.plan_id, None, "owner"))
    intent = await ask(rig, ProposeStep(stored.plan.plan_id, 1, "owner"))
    assert intent.proposal.source_id == stored.plan.plan_id


async def test_a_plan_is_forgotten_and_made_again_when_it_is_asked_for(rig: Rig) -> None:
    await rig.store.settings.set_mode("research", "test", rig.clock.machine_now())
    await rig.start("schedule")
    stored = await planned(rig)
    run_id = await ask(rig, PlanAgain("core"))
    ended = await rig.until_run_ends(run_id)
    new = await plan_of(rig)
    assert ended.result == new.plan.narrative
    assert new.plan.plan_id != stored.plan.plan_id
    with pytest.raises(Missing):
        await ask(rig, PlanAgain("nowhere"))


async def test_a_plan_is_made_again_from_its_input_byte_for_byte(rig: Rig) -> None:
    stored = await planned(rig)
    made = await ask(rig, RecomputePlan(stored.plan.plan_id))
    assert (made.same, made.differs) == (True, None)
    assert made.input_hash == stored.plan.input_hash
    with pytest.raises(Missing):
        await ask(rig, RecomputePlan("nothing"))


async def test_a_plan_that_was_tampered_with_is_found_out(rig: Rig) -> None:
    stored = await planned(rig)
    await rig.store.ledger.write(
        "UPDATE plan SET payload = json_set(payload, '$.end_score', 99.0) WHERE plan_id = ?",
        (stored.plan.plan_id,),
    )
    made = await ask(rig, RecomputePlan(stored.plan.plan_id))
    assert (made.same, made.differs) == (False, "end_score")


async def test_what_a_plan_changes_is_told_from_its_input(rig: Rig) -> None:
    stored = await planned(rig)
    shown = await ask(rig, ShowDifference(stored.plan.plan_id))
    assert shown.plan_id == stored.plan.plan_id
    assert shown.traded_eur > eur("0")
    bare = replace(stored.plan, plan_id="bare", input_hash=None)
    await rig.store.plans.commit(bare)
    with pytest.raises(Unavailable):
        await ask(rig, ShowDifference("bare"))
