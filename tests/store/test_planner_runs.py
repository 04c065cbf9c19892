"""Runs of the planner: one at a time per bucket, kept with their input until nobody needs it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ledger.errors import Busy, Conflict, Unavailable
from ledger.planner_run import PlannerRunState
from store.planner_runs import NewRun, RunEnd
from store.store import Store
from tests.store.builders import MACHINE, after
from tests.store.test_plans import leave, plan

RUN = NewRun("r1", "core", "print", "hash", b"\x00input", MACHINE)
END = RunEnd("r1", MACHINE)


async def test_a_run_is_kept_with_its_input_and_how_far_it_got(store: Store) -> None:
    runs = store.planner_runs
    opened = await runs.open(RUN)
    assert (opened.state, opened.explored) == (PlannerRunState.GENERATING, 0)
    await runs.evaluating("r1", MACHINE)
    await runs.checkpoint("r1", b"\x01far", explored=70, at=MACHINE)
    found = await runs.current("core")
    assert found is not None
    assert (found.state, found.explored) == (PlannerRunState.EVALUATING, 70)
    assert found.checkpoint == b"\x01far"
    assert await store.plan_inputs.get("hash") == b"\x00input"


async def test_a_bucket_has_one_open_run(inline_store: Store) -> None:
    await inline_store.planner_runs.open(RUN)
    with pytest.raises(Busy) as busy:
        await inline_store.planner_runs.open(replace(RUN, run_id="r2"))
    assert busy.value.run_id == "r1"
    await inline_store.planner_runs.cancel("r1", "the situation changed", MACHINE)
    await inline_store.planner_runs.open(replace(RUN, run_id="r2"))


async def test_a_plan_ends_the_run_that_made_it_in_one_transaction(inline_store: Store) -> None:
    await inline_store.planner_runs.open(RUN)
    made = replace(plan("p1"), input_hash="hash")
    stored = await inline_store.plans.commit(made, run=END)
    assert stored.plan.input_hash == "hash"
    (run,) = await inline_store.views.planner_runs(10)
    assert (run.state, run.plan_id) == (PlannerRunState.COMPLETE, "p1")
    assert run.explored == made.evaluated
    with pytest.raises(Conflict):
        await inline_store.plans.commit(replace(made, plan_id="p2"), run=END)
    assert await inline_store.plans.current("core") == stored


async def test_an_ended_run_takes_no_more_words(inline_store: Store) -> None:
    runs = inline_store.planner_runs
    await runs.open(RUN)
    await runs.fail("r1", "it broke", MACHINE)
    for late in (
        runs.cancel("r1", "late", MACHINE),
        runs.checkpoint("r1", b"", explored=1, at=MACHINE),
        runs.evaluating("r1", MACHINE),
    ):
        with pytest.raises(Conflict):
            await late
    (run,) = await inline_store.views.planner_runs(10)
    assert (run.state, run.error, run.checkpoint) == (PlannerRunState.FAILED, "it broke", None)


async def test_inputs_live_as_long_as_a_plan_or_an_open_run_needs_them(
    inline_store: Store,
) -> None:
    runs, plans, inputs = inline_store.planner_runs, inline_store.plans, inline_store.plan_inputs
    await runs.open(RUN)
    await plans.commit(replace(plan("p1"), input_hash="hash"), run=END)
    await runs.open(replace(RUN, run_id="r2", input_hash="cancelled"))
    await runs.cancel("r2", "the situation changed", MACHINE)
    await runs.open(replace(RUN, run_id="r3", input_hash="open"))
    assert await plans.prune(after(1), inputs_before=after(1)) == 0
    assert await inputs.get("hash")
    assert await inputs.get("open")
    with pytest.raises(Unavailable):
        await inputs.get("cancelled")
    await plans.supersede("p1")
    assert await plans.prune(after(1), inputs_before=after(1)) == 1
    with pytest.raises(Unavailable):
        await inputs.get("hash")


async def test_the_input_of_a_plan_that_led_to_nothing_goes_before_the_plan(
    inline_store: Store,
) -> None:
    plans = inline_store.plans
    for number in (1, 2):
        new = replace(RUN, run_id=f"r{number}", input_hash=f"hash {number}")
        await inline_store.planner_runs.open(new)
        made = replace(plan(f"p{number}"), plan_id=f"p{number}", input_hash=new.input_hash)
        await plans.commit(made, run=RunEnd(new.run_id, MACHINE))
        if number == 1:
            await leave(inline_store, "p1", 1)
    await plans.supersede("p2")
    assert await plans.prune(after(-1), inputs_before=after(1)) == 0
    assert await inline_store.plan_inputs.get((await plans.get("p1")).plan.input_hash)
    with pytest.raises(Unavailable):
        await inline_store.plan_inputs.get((await plans.get("p2")).plan.input_hash)


async def test_a_plan_without_an_input_says_so(inline_store: Store) -> None:
    with pytest.raises(Unavailable):
        await inline_store.plan_inputs.get(None)
