"""Runs of the optimizer, the newest few hundred. Written by the planner."""

from __future__ import annotations

from ledger.optimization import OptimizerRun
from store.codec import from_json, to_json, to_ms
from store.engine import Engine, Tx

KEPT = 400
"""More than a year of daily runs."""

_PUT = """
INSERT INTO optimizer_run (run_id, market_ms, machine_ms, inputs_hash, success, payload)
VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (run_id) DO UPDATE
SET machine_ms = excluded.machine_ms, payload = excluded.payload
"""
_FORGET = """
DELETE FROM optimizer_run WHERE run_id NOT IN
    (SELECT run_id FROM optimizer_run ORDER BY machine_ms DESC, market_ms DESC, run_id LIMIT ?)
"""
_LAST = """
SELECT payload FROM optimizer_run WHERE success >= ?
ORDER BY machine_ms DESC, market_ms DESC, run_id LIMIT 1
"""


class OptimizerRuns:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def put(self, run: OptimizerRun) -> None:
        """Keep a run; the same inputs at the same market instant are the same run, made again."""
        values = (
            run.run_id,
            to_ms(run.market_at),
            to_ms(run.machine_at),
            run.inputs_hash,
            int(run.success),
            to_json(run),
        )

        async def work(tx: Tx) -> None:
            await tx.execute(_PUT, values)
            await tx.execute(_FORGET, (KEPT,))

        await self._engine.transaction(work)

    async def last(self, *, successful: bool = False) -> OptimizerRun | None:
        """The newest run, of those only that found weights if so asked; None before the first."""
        row = await self._engine.read(lambda tx: tx.one(_LAST, (int(successful),)))
        return None if row is None else from_json(row["payload"], OptimizerRun)
