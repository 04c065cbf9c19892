"""Run records: the truth about work that was asked for. Written by schedule and the actors."""

from __future__ import annotations

from datetime import datetime

from ledger.run import Job, RunRecord, RunStatus, Trigger
from store.engine import Engine


class Runs:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def open(
        self,
        run_id: str,
        job: Job,
        trigger: Trigger,
        *,
        requested_at: datetime,
        market_at: datetime,
    ) -> RunRecord:
        """A queued run; raises Busy with its id when a run of this job is queued or running."""
        ...

    async def start(self, run_id: str, at: datetime) -> RunRecord: ...

    async def finish(
        self,
        run_id: str,
        status: RunStatus,
        *,
        at: datetime,
        error: str | None = None,
        result: str | None = None,
        reason: str | None = None,
    ) -> RunRecord:
        """Raises Conflict when the run has ended already."""
        ...

    async def interrupt_open(self, at: datetime) -> int:
        """End what an earlier life left queued or running; how many there were."""
        ...

    async def get(self, run_id: str) -> RunRecord:
        """Raises Missing."""
        ...

    async def last_of(self, job: Job) -> RunRecord | None: ...

    async def recent(self, limit: int, job: Job | None = None) -> tuple[RunRecord, ...]:
        """Newest first."""
        ...

    async def failures_in_a_row(self, job: Job) -> int:
        """Failed runs since the last one that succeeded, even in part."""
        ...

    async def prune(self, before: datetime) -> int:
        """Forget runs that ended before the machine instant `before`; how many."""
        ...
