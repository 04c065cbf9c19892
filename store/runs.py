"""Run records: the truth about work that was asked for. Written by schedule and the actors."""

from __future__ import annotations

from datetime import datetime

from ledger.errors import Busy, Conflict, Missing
from ledger.run import Job, RunRecord, RunStatus, Trigger
from store.codec import from_ms, maybe_instant, sql_list, to_ms
from store.engine import Engine, Params, Row, Tx, scalar

OPEN = frozenset({RunStatus.QUEUED, RunStatus.RUNNING})
_IS_OPEN = f"status IN ({sql_list(OPEN)})"


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

        async def work(tx: Tx) -> RunRecord:
            other = await tx.one(f"SELECT run_id FROM run WHERE job = ? AND {_IS_OPEN}", (job,))
            if other is not None:
                raise Busy(f"{job} is already running", run_id=other["run_id"])
            await tx.execute(
                "INSERT INTO run (run_id, job, trigger, status, requested_ms, market_ms)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (run_id, job, trigger, RunStatus.QUEUED, to_ms(requested_at), to_ms(market_at)),
            )
            return await _load(tx, run_id)

        return await self._engine.transaction(work)

    async def start(self, run_id: str, at: datetime) -> RunRecord:
        """Raises Conflict unless the run is queued."""
        return await self._change(
            run_id,
            f"UPDATE run SET status = 'running', started_ms = ? WHERE run_id = ?"
            f" AND status = '{RunStatus.QUEUED}'",
            (to_ms(at), run_id),
        )

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
        assert status not in OPEN
        return await self._change(
            run_id,
            "UPDATE run SET status = ?, ended_ms = ?, error = ?, result = ?, reason = ?"
            f" WHERE run_id = ? AND {_IS_OPEN}",
            (status, to_ms(at), error, result, reason, run_id),
        )

    async def interrupt_open(self, at: datetime) -> int:
        """End what an earlier life left queued or running; how many there were."""
        return await self._engine.write(
            f"UPDATE run SET status = ?, ended_ms = ? WHERE {_IS_OPEN}",
            (RunStatus.INTERRUPTED, to_ms(at)),
        )

    async def get(self, run_id: str) -> RunRecord:
        """Raises Missing."""
        return await self._engine.read(lambda tx: _load(tx, run_id))

    async def last_of(self, job: Job) -> RunRecord | None:
        found = await self.recent(1, job)
        return found[0] if found else None

    async def recent(self, limit: int, job: Job | None = None) -> tuple[RunRecord, ...]:
        """Newest first."""
        return await self._engine.read(lambda tx: recent_runs(tx, limit, job))

    async def failures_in_a_row(self, job: Job) -> int:
        """Failed runs since the last one that succeeded, even in part."""
        sql = (
            "SELECT count(*) FROM run WHERE job = :job AND status = 'failed' AND requested_ms >"
            " (SELECT coalesce(max(requested_ms), -1) FROM run"
            "  WHERE job = :job AND status IN ('succeeded', 'partial'))"
        )
        return await self._engine.read(lambda tx: scalar(tx, sql, {"job": job}))

    async def prune(self, before: datetime) -> int:
        """Forget runs that ended before the machine instant `before`; how many."""
        return await self._engine.write("DELETE FROM run WHERE ended_ms < ?", (to_ms(before),))

    async def _change(self, run_id: str, sql: str, params: Params) -> RunRecord:
        async def work(tx: Tx) -> RunRecord:
            changed = await tx.execute(sql, params)
            run = await _load(tx, run_id)
            if not changed:
                raise Conflict(f"run {run_id} is {run.status}", code="run_moved_on")
            return run

        return await self._engine.transaction(work)


async def recent_runs(tx: Tx, limit: int, job: Job | None) -> tuple[RunRecord, ...]:
    rows = await tx.all(
        "SELECT * FROM run WHERE job = coalesce(?, job)"
        " ORDER BY requested_ms DESC, run_id DESC LIMIT ?",
        (job, limit),
    )
    return tuple(_run_of(row) for row in rows)


async def _load(tx: Tx, run_id: str) -> RunRecord:
    row = await tx.one("SELECT * FROM run WHERE run_id = ?", (run_id,))
    if row is None:
        raise Missing(f"there is no run {run_id}")
    return _run_of(row)


def _run_of(row: Row) -> RunRecord:
    return RunRecord(
        run_id=row["run_id"],
        job=row["job"],
        trigger=row["trigger"],
        status=RunStatus(row["status"]),
        reason=row["reason"],
        requested_at=from_ms(row["requested_ms"]),
        market_at=from_ms(row["market_ms"]),
        started_at=maybe_instant(row["started_ms"]),
        ended_at=maybe_instant(row["ended_ms"]),
        duration_ms=_duration_ms(row),
        error=row["error"],
        result=row["result"],
    )


def _duration_ms(row: Row) -> int | None:
    """None unless the run both started and ended; never negative when the clock stepped back."""
    started: int | None = row["started_ms"]
    ended: int | None = row["ended_ms"]
    return None if started is None or ended is None else max(ended - started, 0)
