"""A run that somebody asked for always ends, so that its job can be asked for again."""

from __future__ import annotations

import pytest
import trio

from actors.job import JobDesk
from ledger.errors import Busy, Unavailable
from ledger.run import Job, RunStatus
from tests.actors.rig import Rig
from wire.messages import Nudge, RunJob


async def test_a_later_nudge_does_not_lose_the_run_that_was_asked_for(rig: Rig) -> None:
    await rig.start("schedule")
    run = await rig.system.asks.schedule.ask(RunJob("sync", "api"), deadline_s=5)
    rig.system.nudges["sync"].nudge(Nudge("order 7 is accepted"))
    await rig.start("sync")
    rig.system.nudges["sync"].nudge(Nudge("order 8 is accepted"))
    assert (await rig.until_run_ends(run.run_id)).status is RunStatus.SUCCEEDED


@pytest.mark.parametrize("job", ["rebalance", "drip", "plan"])
async def test_a_run_without_a_portfolio_is_skipped(rig: Rig, job: Job) -> None:
    rig.broker.errors["snapshot"] = Unavailable("away")
    await rig.start("schedule", "sync", "planner", "rebalancer", "drip")
    for _ in range(2):
        run = await rig.system.asks.schedule.ask(RunJob(job, "api"), deadline_s=5)
        ended = await rig.until_run_ends(run.run_id)
        assert (ended.status, ended.result) == (RunStatus.SKIPPED, "no portfolio yet")


async def test_a_run_whose_nudge_was_lost_is_started_by_asking_again(rig: Rig) -> None:
    await rig.start("schedule")
    ask = rig.system.asks.schedule.ask
    run = await ask(RunJob("backup", "api"), deadline_s=5)
    await rig.system.nudges["backup"].receive()  # and then its actor crashed
    await rig.start("upkeep")
    with pytest.raises(Busy) as refused:
        await ask(RunJob("backup", "api"), deadline_s=5)
    assert refused.value.run_id == run.run_id
    assert (await rig.until_run_ends(run.run_id)).status is RunStatus.SUCCEEDED
    assert (await ask(RunJob("backup", "api"), deadline_s=5)).status is RunStatus.QUEUED


async def test_a_restart_of_the_calendar_leaves_running_work_alone(rig: Rig) -> None:
    """It neither ends the run of a worker nor brings the worker down with it."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_live_for, rig, "schedule", 10)
        await rig.settle()
        nursery.start_soon(_work_slowly, rig, 30.0)
    await rig.start("schedule")
    assert (await rig.store.runs.get("SLOW")).status is RunStatus.SUCCEEDED


async def test_what_an_earlier_life_left_open_is_interrupted(rig: Rig) -> None:
    await rig.open_run("plan", "OLD")
    await rig.start("schedule")
    assert (await rig.store.runs.get("OLD")).status is RunStatus.INTERRUPTED


async def _live_for(rig: Rig, name: str, seconds: float) -> None:
    """Two lives of one actor: it is started again after `seconds`."""
    for _ in range(2):
        with trio.move_on_after(seconds):
            await rig.actor(name)()


async def _work_slowly(rig: Rig, seconds: float) -> None:
    desk = JobDesk(rig.store.runs, rig.system.events, rig.clock)
    desk.queue(await rig.open_run("plan", "SLOW"))
    async with desk.run("plan", Nudge("asked")):
        await trio.sleep(seconds)


async def test_work_that_was_cancelled_is_not_recorded_as_done(rig: Rig) -> None:
    with trio.move_on_after(1):
        await _work_slowly(rig, 30)
    assert (await rig.store.runs.get("SLOW")).status is RunStatus.INTERRUPTED


async def test_an_error_of_the_work_is_the_end_of_its_run(rig: Rig) -> None:
    desk = JobDesk(rig.store.runs, rig.system.events, rig.clock)
    desk.queue(await rig.open_run("plan"))
    with pytest.raises(ValueError, match="boom"):
        async with desk.run("plan", Nudge("asked")):
            raise ValueError("boom")
    ended = await rig.store.runs.get("RUN")
    assert (ended.status, ended.error) == (RunStatus.FAILED, "ValueError: boom")
    assert desk.failures_in_a_row("plan") == 1
    assert desk.running("plan") is None
