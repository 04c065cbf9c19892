"""Run records: one open run per job, and an end that is written once."""

from __future__ import annotations

import pytest

from ledger.errors import Busy, Conflict, Missing
from ledger.run import RunStatus
from store.store import Store
from tests.store.builders import MACHINE, NOW, after

WHEN = {"requested_at": MACHINE, "market_at": NOW}


async def ended(store: Store, run_id: str, status: RunStatus, minute: int) -> None:
    await store.runs.open(
        run_id, "sync", "schedule", requested_at=after(minute), market_at=after(minute)
    )
    await store.runs.finish(run_id, status, at=after(minute + 1))


async def test_a_run_tells_its_whole_life(inline_store: Store) -> None:
    runs = inline_store.runs
    queued = await runs.open("r1", "sync", "api", **WHEN)
    assert (queued.status, queued.started_at, queued.duration_ms) == (
        RunStatus.QUEUED, None, None,
    )  # fmt: skip
    assert (await runs.start("r1", after(1))).status is RunStatus.RUNNING
    done = await runs.finish(
        "r1", RunStatus.PARTIAL, at=after(2), error="one row", result="3 fills", reason="noted"
    )
    assert (done.status, done.duration_ms) == (RunStatus.PARTIAL, 60_000)
    assert (done.error, done.result, done.reason) == ("one row", "3 fills", "noted")
    assert (done.requested_at, done.market_at) == (MACHINE, NOW)
    assert await runs.get("r1") == done
    assert await runs.last_of("sync") == done
    assert await runs.last_of("plan") is None


async def test_a_job_runs_once_at_a_time(inline_store: Store) -> None:
    """S3."""
    runs = inline_store.runs
    await runs.open("r1", "sync", "api", **WHEN)
    with pytest.raises(Busy) as caught:
        await runs.open("r2", "sync", "api", **WHEN)
    assert caught.value.run_id == "r1"
    await runs.open("r3", "plan", "api", **WHEN)
    await runs.finish("r1", RunStatus.SUCCEEDED, at=after(1))
    await runs.open("r2", "sync", "api", **WHEN)


async def test_an_end_is_written_once(inline_store: Store) -> None:
    runs = inline_store.runs
    await runs.open("r1", "sync", "api", **WHEN)
    await runs.finish("r1", RunStatus.SKIPPED, at=after(1), reason="market closed")
    with pytest.raises(Conflict):
        await runs.finish("r1", RunStatus.FAILED, at=after(2))
    with pytest.raises(Conflict):
        await runs.start("r1", after(2))
    with pytest.raises(Missing):
        await runs.start("nothing", after(2))
    assert (await runs.get("r1")).status is RunStatus.SKIPPED


async def test_a_clock_that_stepped_back_gives_no_negative_duration(inline_store: Store) -> None:
    await inline_store.runs.open("r1", "sync", "api", **WHEN)
    await inline_store.runs.start("r1", after(5))
    done = await inline_store.runs.finish("r1", RunStatus.SUCCEEDED, at=after(1))
    assert done.duration_ms == 0


async def test_what_an_earlier_life_left_open_is_interrupted(inline_store: Store) -> None:
    runs = inline_store.runs
    await runs.open("r1", "sync", "api", **WHEN)
    await runs.open("r2", "plan", "api", **WHEN)
    await runs.start("r2", after(1))
    assert await runs.interrupt_open(after(2)) == 2
    assert await runs.interrupt_open(after(3)) == 0
    assert {run.status for run in await runs.recent(5)} == {RunStatus.INTERRUPTED}


async def test_failures_are_counted_since_the_last_success(inline_store: Store) -> None:
    runs = inline_store.runs
    assert await runs.failures_in_a_row("sync") == 0
    await ended(inline_store, "r1", RunStatus.FAILED, 0)
    await ended(inline_store, "r2", RunStatus.FAILED, 10)
    assert await runs.failures_in_a_row("sync") == 2
    await ended(inline_store, "r3", RunStatus.PARTIAL, 20)
    assert await runs.failures_in_a_row("sync") == 0
    await ended(inline_store, "r4", RunStatus.SKIPPED, 30)
    await ended(inline_store, "r5", RunStatus.FAILED, 40)
    assert await runs.failures_in_a_row("sync") == 1
    assert await runs.failures_in_a_row("plan") == 0


async def test_old_runs_are_forgotten_but_open_ones_stay(inline_store: Store) -> None:
    runs = inline_store.runs
    for number in range(3):
        await ended(inline_store, f"r{number}", RunStatus.SUCCEEDED, number * 10)
    await runs.open("r9", "sync", "api", **WHEN)
    assert await runs.prune(after(12)) == 2
    assert [run.run_id for run in await runs.recent(5)] == ["r2", "r9"]
    assert [run.run_id for run in await runs.recent(1, "sync")] == ["r2"]
