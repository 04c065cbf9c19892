"""Keeps the store healthy: the nightly verified backup, then what nobody will ask for again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import trio

from actors.job import JobDesk
from ledger.errors import TrimtabError
from store.backup import BackupReport
from store.plans import Plans
from store.runs import Runs
from wire.clock import Clock
from wire.events import EventRing
from wire.health import Health
from wire.mailbox import NudgeBox
from wire.messages import Nudge

BEAT_S = 20.0
KEEP_RUNS = timedelta(days=90)
# Plans that led to no order; what they were made from is large and goes earlier.
KEEP_PLANS = timedelta(days=30)
KEEP_INPUTS = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Upkeep:
    """`backup` makes one verified copy named after the instant it is given."""

    backup: Callable[[datetime], Awaitable[BackupReport]]
    jobs: JobDesk
    events: EventRing
    health: Health
    clock: Clock
    nudges: NudgeBox[Nudge]
    runs: Runs
    plans: Plans

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        task_status.started()
        while True:
            self.health.beat("upkeep")
            nudge = await self.nudges.receive_within(BEAT_S)
            if nudge is not None:
                await self._back_up(nudge)

    async def _back_up(self, nudge: Nudge) -> None:
        async with self.jobs.run("backup", nudge) as report:
            try:
                made = await self.backup(self.clock.machine_now())
            except (TrimtabError, OSError) as error:
                report.fail(str(error))
                return
            report.result = f"{made.path.name}, {made.size_bytes} bytes, verified"
            await self._prune()
            self.events.emit(
                "BACKUP_COMPLETED",
                source="upkeep",
                at=self.clock.machine_now(),
                data={"name": made.path.name, "size_bytes": made.size_bytes},
            )

    async def _prune(self) -> None:
        """Only behind a good backup."""
        await self.runs.prune(self.clock.machine_now() - KEEP_RUNS)
        now = self.clock.market_now()
        await self.plans.prune(now - KEEP_PLANS, inputs_before=now - KEEP_INPUTS)
