"""Runs of jobs: opened by schedule, closed by the actor that does the work, seen by everybody.

A run somebody asked for has a row in the store, and waits here until its job works next, whatever
woke it. The routine sync every few minutes has no row, so that an idle day hardly writes to the
card.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace

import trio

from ledger.errors import Conflict
from ledger.run import Job, RunRecord, RunStatus
from store.runs import Runs
from wire.clock import Clock
from wire.events import EventRing, EventType
from wire.messages import Nudge

# The run id of a run that has no row.
ROUTINE = "routine"


@dataclass(slots=True)
class Report:
    """What the work says of itself; it succeeded unless it says otherwise."""

    status: RunStatus = RunStatus.SUCCEEDED
    error: str | None = None
    result: str | None = None

    def fail(self, error: str) -> None:
        self.status, self.error = RunStatus.FAILED, error

    def skip(self, reason: str) -> None:
        self.status, self.result = RunStatus.SKIPPED, reason


class JobDesk:
    """Shared by schedule and the workers; holds what runs now and how the last run ended."""

    def __init__(self, runs: Runs, events: EventRing, clock: Clock) -> None:
        self._runs = runs
        self._events = events
        self._clock = clock
        self._queued: dict[Job, str] = {}
        self._latest: dict[Job, RunRecord | None] = {}
        self._failures: dict[Job, int] = {}
        self._progress: dict[Job, str] = {}

    def queue(self, record: RunRecord) -> None:
        """The next time its job works, it is this run."""
        self._queued[record.job] = record.run_id

    def waiting(self, job: Job) -> str | None:
        """The run of `job` that waits to be worked on."""
        return self._queued.get(job)

    async def latest(self, job: Job) -> RunRecord | None:
        """The newest run of `job`; of an earlier life when it has not run in this one."""
        if job not in self._latest:
            self._latest[job] = await self._runs.last_of(job)
        return self._latest[job]

    def running(self, job: Job) -> RunRecord | None:
        """The run of `job` that works now."""
        latest = self._latest.get(job)
        return latest if latest is not None and latest.status is RunStatus.RUNNING else None

    def failures_in_a_row(self, job: Job) -> int:
        return self._failures.get(job, 0)

    def progress(self, job: Job) -> str:
        return self._progress.get(job, "")

    def say(self, job: Job, text: str) -> None:
        """Progress of a running job, for the screens."""
        self._progress[job] = text
        self._emit("JOB_PROGRESS", job, progress=text)

    @asynccontextmanager
    async def run(self, job: Job, nudge: Nudge) -> AsyncGenerator[Report, None]:
        """The time in which `job` works; closes its run record however the work ends."""
        report = Report()
        record = self._begin(job, nudge)
        self._emit("JOB_STARTED", job, reason=nudge.reason)
        try:
            await self._start(record)
            yield report
        except Exception as error:
            report.fail(f"{type(error).__name__}: {error}")
            raise
        except BaseException:
            report.status, report.error = RunStatus.INTERRUPTED, "cancelled while it worked"
            raise
        finally:
            with trio.CancelScope(shield=True):
                await self._end(record, report)

    def _begin(self, job: Job, nudge: Nudge) -> RunRecord:
        now = self._clock.machine_now()
        record = RunRecord(
            run_id=self._queued.pop(job, ROUTINE),
            job=job,
            trigger="schedule",
            status=RunStatus.RUNNING,
            reason=nudge.reason,
            requested_at=now,
            market_at=self._clock.market_now(),
            started_at=now,
            ended_at=None,
            duration_ms=None,
            error=None,
            result=None,
        )
        self._latest[job] = record
        return record

    async def _start(self, record: RunRecord) -> None:
        if record.run_id != ROUTINE:
            with suppress(Conflict):  # it was ended meanwhile; the work is done all the same
                await self._runs.start(record.run_id, at=record.requested_at)

    async def _end(self, record: RunRecord, report: Report) -> None:
        job, ended = record.job, self._clock.machine_now()
        took = ended - record.requested_at
        self._latest[job] = replace(
            record,
            status=report.status,
            ended_at=ended,
            duration_ms=int(took.total_seconds() * 1000),
            error=report.error,
            result=report.result,
        )
        self._progress.pop(job, None)
        failed = report.status is RunStatus.FAILED
        self._failures[job] = self._failures.get(job, 0) + 1 if failed else 0
        if record.run_id != ROUTINE:
            with suppress(Conflict):
                await self._runs.finish(
                    record.run_id, report.status, at=ended, error=report.error, result=report.result
                )
        self._emit(
            "JOB_FAILED" if failed else "JOB_COMPLETED",
            job,
            status=report.status.value,
            error=report.error,
            result=report.result,
        )

    def _emit(self, type_: EventType, job: Job, **data: str | None) -> None:
        self._events.emit(
            type_, source=job, at=self._clock.machine_now(), data={"job": job, **data}
        )
