"""Runs of the planner: kept, cut off, resumed, cancelled, and the same plan in the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import trio

from actors.plan_run import REST_S, PlanMaker, PlanMakerPorts
from ledger.plan import Plan
from ledger.planner_run import PlannerRun, PlannerRunState
from policy.planner import PlanInput, finish, start, step
from tests.actors.rig import Rig
from wire.messages import PlannerStatus


async def never() -> str | None:
    return None


def planner_of(rig: Rig) -> Any:
    """The wired actor, of which these tests take parts."""
    return rig.actor("planner").__self__  # type: ignore[attr-defined]


def maker(rig: Rig, **changes: Any) -> PlanMaker:
    """The wired maker with other ports; it keeps every batch."""
    wired: PlanMakerPorts = planner_of(rig)._p.maker._p
    return PlanMaker(replace(wired, checkpoint_s=0.0, **changes))


async def situation(rig: Rig) -> PlanInput:
    if rig.boards.portfolio.value is None:
        for load in planner_of(rig)._p.load:
            await load()
        await rig.start("sync")
        rig.nursery.start_soon(planner_of(rig)._p.analyst.run)
        await rig.settle()
    given: PlanInput = await planner_of(rig)._s.now(rig.boards.portfolio.value)
    return given


def plan_for(given: PlanInput) -> Plan:
    run = start(given)
    while not run.done:
        run = step(run)
    return finish(run)


async def runs(rig: Rig) -> list[PlannerRun]:
    return list(await rig.store.views.planner_runs(10))


async def cut_off(rig: Rig, given: PlanInput, *, after: int = 3) -> None:
    """A run whose daemon stops at one of its batches."""
    looks = 0
    with trio.CancelScope() as scope:

        async def wanted() -> str | None:
            nonlocal looks
            looks += 1
            if looks == after:
                scope.cancel()
                await trio.lowlevel.checkpoint()
            return None

        await maker(rig).make(given, wanted)
    assert scope.cancelled_caught


async def test_a_run_is_a_row_before_it_works_and_ends_with_its_plan(rig: Rig) -> None:
    seen: list[PlannerRunState] = []

    async def wanted() -> str | None:
        seen.extend(run.state for run in await runs(rig))
        return None

    given = await situation(rig)
    stored = await maker(rig).make(given, wanted)
    assert stored is not None
    assert {*seen} == {PlannerRunState.EVALUATING}
    (run,) = await runs(rig)
    assert (run.state, run.plan_id) == (PlannerRunState.COMPLETE, stored.plan.plan_id)
    assert stored.plan.input_hash == run.input_hash
    assert stored.plan == replace(plan_for(given), input_hash=run.input_hash)


async def test_a_run_that_was_cut_off_goes_on_to_the_same_plan(rig: Rig) -> None:
    given = await situation(rig)
    await cut_off(rig, given)
    (left,) = await runs(rig)
    assert left.state is PlannerRunState.EVALUATING
    await rig.start("planner")
    await rig.settle()
    run = (await runs(rig))[-1]
    assert (run.run_id, run.state) == (left.run_id, PlannerRunState.COMPLETE)
    assert run.plan_id is not None
    stored = await rig.store.plans.get(run.plan_id)
    assert stored.plan == replace(plan_for(given), input_hash=run.input_hash)


async def test_a_run_that_was_cut_off_is_cancelled_when_the_situation_changed(rig: Rig) -> None:
    await cut_off(rig, await situation(rig))
    rig.broker.deposit("5000")
    await rig.sync()
    await rig.start("planner")
    await rig.settle()
    new, *_, old = await runs(rig)
    assert old.state is PlannerRunState.CANCELLED
    assert old.error is not None
    assert new.state is PlannerRunState.COMPLETE


async def test_a_run_that_was_cut_off_is_cancelled_when_its_prices_are_gone(rig: Rig) -> None:
    await cut_off(rig, await situation(rig))
    rig.broker.price("DEMO-A.EU", "101.1")
    await rig.sync()
    await rig.start("planner")
    await rig.settle()
    assert (await runs(rig))[-1].state is PlannerRunState.CANCELLED


async def test_a_run_whose_input_is_damaged_fails_and_a_new_one_begins(rig: Rig) -> None:
    await cut_off(rig, await situation(rig))
    await rig.store.ledger.write("UPDATE plan_input SET payload = x'00'")
    await rig.start("planner")
    await rig.settle()
    new, *_, old = await runs(rig)
    assert (old.state, new.state) == (PlannerRunState.FAILED, PlannerRunState.COMPLETE)


@pytest.mark.parametrize("at", [1, 2, 3])
async def test_a_run_can_be_cancelled_between_any_two_batches(rig: Rig, at: int) -> None:
    looks = 0

    async def wanted() -> str | None:
        nonlocal looks
        looks += 1
        return "the situation changed" if looks == at else None

    assert await maker(rig).make(await situation(rig), wanted) is None
    (run,) = await runs(rig)
    assert (run.state, run.error) == (PlannerRunState.CANCELLED, "the situation changed")
    assert await rig.store.plans.current("core") is None


async def test_a_run_that_breaks_is_a_failed_run_and_says_why(rig: Rig) -> None:
    class Broken(Exception):
        pass

    async def runner(work: Callable[[], Any], /) -> Any:
        await trio.lowlevel.checkpoint()
        if "step" in str(getattr(work, "func", "")):
            raise Broken("no more memory")
        return work()

    with pytest.raises(Broken):
        await maker(rig, runner=runner).make(await situation(rig), never)
    (run,) = await runs(rig)
    assert run.state is PlannerRunState.FAILED
    status: PlannerStatus = rig.boards.planner.value
    assert status.state == "failed"
    assert status.error is not None
    assert "no more memory" in status.error


async def test_a_search_that_does_not_end_fails_its_run(rig: Rig) -> None:
    async def wanted() -> str | None:
        await trio.sleep(600)
        return None

    slow = maker(rig)
    assert await slow.make(await situation(rig), wanted) is None
    (run,) = await runs(rig)
    assert run.state is PlannerRunState.FAILED
    assert slow.resting
    await trio.sleep(REST_S)
    assert not slow.resting


async def test_the_status_shows_how_far_a_run_is_and_what_it_lacks(rig: Rig) -> None:
    seen: list[PlannerStatus] = []

    async def wanted() -> str | None:
        await trio.sleep(1)
        seen.append(rig.boards.planner.value)
        return None

    given = await situation(rig)
    made = await maker(rig).make(given, wanted)
    last = rig.boards.planner.value
    assert last.state == "complete"
    assert made is not None
    assert last.best_score == pytest.approx(made.plan.end_score)
    assert last.total == given.config.node_budget
    assert 0 < last.evaluated <= last.total
    assert last.run_id is not None
    assert any("optimizer" in note for note in last.notes)
    assert len({status.phase for status in seen}) > 1


async def test_a_newer_situation_is_noticed_while_a_plan_is_made(rig: Rig) -> None:
    given = await situation(rig)
    wanted = planner_of(rig)._wanted(given)
    assert await wanted() is None
    await rig.sync()
    assert await wanted() is None
    rig.broker.deposit("5000")
    await rig.sync()
    assert await wanted() is not None


async def test_runs_do_not_pile_up_while_nothing_happens(rig: Rig) -> None:
    rig.publish_trading("research")
    await rig.start("sync", "planner")
    for _ in range(10):
        await trio.sleep(timedelta(minutes=5).total_seconds())
    assert len(await runs(rig)) == 1
