"""Runs of the planner: one open run per bucket, how far it got, and how it ended.

The table is the truth: a run that a restart finds open goes on from its checkpoint or is cancelled.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ledger.errors import Busy, Conflict, Missing
from ledger.planner_run import OPEN_RUNS, PlannerRun, PlannerRunState
from store.codec import from_ms, sql_list, to_ms
from store.engine import Engine, Params, Row, Tx
from store.plan_inputs import keep_input

_IS_OPEN = f"state IN ({sql_list(OPEN_RUNS)})"


@dataclass(frozen=True, slots=True)
class NewRun:
    """`payload` is the input behind `input_hash`; `at` is machine time."""

    run_id: str
    bucket_id: str
    fingerprint: str
    input_hash: str
    payload: bytes
    at: datetime


@dataclass(frozen=True, slots=True)
class RunEnd:
    """The run that a plan ends, and when (machine time)."""

    run_id: str
    at: datetime


class PlannerRuns:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def open(self, new: NewRun) -> PlannerRun:
        """Begin a run and keep its input; raises Busy while another one of the bucket is open."""

        async def work(tx: Tx) -> PlannerRun:
            other = await _open_run(tx, new.bucket_id)
            if other is not None:
                raise Busy("a plan is being made", run_id=other.run_id)
            await keep_input(tx, new.input_hash, new.payload, new.at)
            await tx.execute(
                "INSERT INTO planner_run (run_id, bucket_id, fingerprint, input_hash, state,"
                " started_ms, updated_ms) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    new.run_id,
                    new.bucket_id,
                    new.fingerprint,
                    new.input_hash,
                    PlannerRunState.GENERATING,
                    to_ms(new.at),
                    to_ms(new.at),
                ),
            )
            return await _load(tx, new.run_id)

        return await self._engine.transaction(work)

    async def current(self, bucket_id: str) -> PlannerRun | None:
        """The open run of the bucket, with its checkpoint."""
        return await self._engine.read(lambda tx: _open_run(tx, bucket_id))

    async def evaluating(self, run_id: str, at: datetime) -> None:
        """Its candidates are known. Raises Conflict unless the run is generating."""
        await self._change(
            "UPDATE planner_run SET state = ?, updated_ms = ? WHERE run_id = ? AND state = ?",
            (PlannerRunState.EVALUATING, to_ms(at), run_id, PlannerRunState.GENERATING),
        )

    async def checkpoint(self, run_id: str, done: bytes, *, explored: int, at: datetime) -> None:
        """How far it got. Raises Conflict when the run has ended."""
        await self._change(
            "UPDATE planner_run SET checkpoint = ?, explored = ?, updated_ms = ?"
            f" WHERE run_id = ? AND {_IS_OPEN}",
            (done, explored, to_ms(at), run_id),
        )

    async def cancel(self, run_id: str, why: str, at: datetime) -> None:
        """The situation it planned for is over. Raises Conflict when the run has ended."""
        await self._end(run_id, PlannerRunState.CANCELLED, why, at)

    async def fail(self, run_id: str, error: str, at: datetime) -> None:
        """Raises Conflict when the run has ended."""
        await self._end(run_id, PlannerRunState.FAILED, error, at)

    async def _end(self, run_id: str, after: PlannerRunState, why: str, at: datetime) -> None:
        await self._change(
            "UPDATE planner_run SET state = ?, error = ?, checkpoint = NULL, updated_ms = ?"
            f" WHERE run_id = ? AND {_IS_OPEN}",
            (after, why, to_ms(at), run_id),
        )

    async def _change(self, sql: str, params: Params) -> None:
        if await self._engine.write(sql, params) != 1:
            raise Conflict("the run of the planner has ended", code="run_ended")


async def close_run(tx: Tx, end: RunEnd, plan_id: str, explored: int) -> None:
    """The plan of the run is committed; Conflict when the run has ended otherwise."""
    closed = await tx.execute(
        "UPDATE planner_run SET state = ?, plan_id = ?, explored = ?, checkpoint = NULL,"
        f" updated_ms = ? WHERE run_id = ? AND {_IS_OPEN}",
        (PlannerRunState.COMPLETE, plan_id, explored, to_ms(end.at), end.run_id),
    )
    if closed != 1:
        raise Conflict("the run of the planner has ended", code="run_ended")


async def recent_planner_runs(tx: Tx, bucket_id: str, limit: int) -> tuple[PlannerRun, ...]:
    """Newest first, without their checkpoints."""
    rows = await tx.all(
        "SELECT run_id, bucket_id, fingerprint, input_hash, state, explored, NULL AS checkpoint,"
        " started_ms, updated_ms, plan_id, error FROM planner_run WHERE bucket_id = ?"
        " ORDER BY started_ms DESC, run_id DESC LIMIT ?",
        (bucket_id, limit),
    )
    return tuple(_run_of(row) for row in rows)


async def forget_runs(tx: Tx, which: str, params: Params = ()) -> int:
    """Forget the ended runs `which`; how many."""
    return await tx.execute(f"DELETE FROM planner_run WHERE NOT {_IS_OPEN} AND {which}", params)


async def _open_run(tx: Tx, bucket_id: str) -> PlannerRun | None:
    row = await tx.one(
        f"SELECT * FROM planner_run WHERE bucket_id = ? AND {_IS_OPEN}", (bucket_id,)
    )
    return None if row is None else _run_of(row)


async def _load(tx: Tx, run_id: str) -> PlannerRun:
    row = await tx.one("SELECT * FROM planner_run WHERE run_id = ?", (run_id,))
    if row is None:
        raise Missing(f"there is no run {run_id} of the planner")
    return _run_of(row)


def _run_of(row: Row) -> PlannerRun:
    return PlannerRun(
        run_id=row["run_id"],
        bucket_id=row["bucket_id"],
        fingerprint=row["fingerprint"],
        input_hash=row["input_hash"],
        state=PlannerRunState(row["state"]),
        explored=row["explored"],
        checkpoint=row["checkpoint"],
        started_at=from_ms(row["started_ms"]),
        updated_at=from_ms(row["updated_ms"]),
        plan_id=row["plan_id"],
        error=row["error"],
    )
