"""Upkeep: a backup that failed is a failed run, and the next one is made."""

from __future__ import annotations

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
