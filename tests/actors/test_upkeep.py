"""Upkeep: a backup that failed is a failed run, and the next one is made."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ledger.errors import Missing
from ledger.run import RunStatus
from tests.actors.rig import Rig
from wire.messages import RunJob


async def test_a_backup_is_recorded_and_announced(rig: Rig) -> None:
    await rig.start("schedule", "upkeep")
    run = await rig.system.asks.schedule.ask(RunJob("backup", "api"), deadline_s=5)
    ended = await rig.until_run_ends(run.run_id)
    assert ended.status is RunStatus.SUCCEEDED
    assert ended.result is not None
    assert "verified" in ended.result
    assert [event.data["name"] for event in rig.events("BACKUP_COMPLETED")] == ["copy.db"]


async def test_a_backup_that_failed_is_a_failed_run_and_the_next_may_succeed(rig: Rig) -> None:
    await rig.start("schedule", "upkeep")
    (rig.folder / "disk-full").touch()
    run = await rig.system.asks.schedule.ask(RunJob("backup", "api"), deadline_s=5)
    ended = await rig.until_run_ends(run.run_id)
    assert (ended.status, ended.error) == (RunStatus.FAILED, "no backup: the disk is full")
    assert rig.events("BACKUP_COMPLETED") == []
    (rig.folder / "disk-full").unlink()
    again = await rig.system.asks.schedule.ask(RunJob("backup", "api"), deadline_s=5)
    assert (await rig.until_run_ends(again.run_id)).status is RunStatus.SUCCEEDED


async def test_what_is_old_is_forgotten_only_behind_a_good_backup(rig: Rig) -> None:
    long_ago = rig.clock.machine_now() - timedelta(days=91)
    old = await rig.store.runs.open(
        "old", "sync", "schedule", requested_at=long_ago, market_at=long_ago
    )
    await rig.store.runs.finish(old.run_id, RunStatus.SUCCEEDED, at=long_ago)
    await rig.start("schedule", "upkeep")
    (rig.folder / "disk-full").touch()
    failed = await rig.system.asks.schedule.ask(RunJob("backup", "api"), deadline_s=5)
    await rig.until_run_ends(failed.run_id)
    assert (await rig.store.runs.get("old")).status is RunStatus.SUCCEEDED
    (rig.folder / "disk-full").unlink()
    good = await rig.system.asks.schedule.ask(RunJob("backup", "api"), deadline_s=5)
    assert (await rig.until_run_ends(good.run_id)).status is RunStatus.SUCCEEDED
    with pytest.raises(Missing):
        await rig.store.runs.get("old")
