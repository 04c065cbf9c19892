"""Plans and their steps. Written by the planner."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from ledger.errors import Conflict, Missing
from ledger.plan import Plan, PlanStep, StepState, StoredPlan, StoredStep
from store.codec import from_json, to_json, to_ms
from store.engine import Engine, Row, Tx

_SUPERSEDE_STEPS = """
UPDATE plan_step SET state = 'superseded'
WHERE state = 'proposed' AND plan_id IN (SELECT plan_id FROM plan WHERE {which})
"""

_OLD = """
SELECT plan_id FROM plan p WHERE superseded = 1 AND created_ms < ? AND NOT EXISTS
    (SELECT 1 FROM plan_step s WHERE s.plan_id = p.plan_id AND s.intent_id IS NOT NULL)
"""


class Plans:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def commit(self, plan: Plan, *, supersede: bool = True) -> StoredPlan:
        """Store a plan; with `supersede` it replaces the bucket's current ones.

        Raises Conflict when a plan of this id exists.
        """

        async def work(tx: Tx) -> StoredPlan:
            if await _find(tx, "WHERE plan_id = ?", plan.plan_id) is not None:
                raise Conflict(f"plan {plan.plan_id} exists", code="duplicate_plan")
            if supersede:
                await _supersede(tx, "bucket_id = ? AND superseded = 0", plan.bucket_id)
            await _insert(tx, plan)
            return await _get(tx, plan.plan_id)

        return await self._engine.transaction(work)

    async def current(self, bucket_id: str) -> StoredPlan | None:
        """The newest plan of the bucket that was not superseded."""
        tail = (
            "WHERE bucket_id = ? AND superseded = 0 ORDER BY created_ms DESC, plan_id DESC LIMIT 1"
        )
        return await self._engine.read(lambda tx: _find(tx, tail, bucket_id))

    async def get(self, plan_id: str) -> StoredPlan:
        """Raises Missing."""
        return await self._engine.read(lambda tx: _get(tx, plan_id))

    async def move_step(
        self,
        plan_id: str,
        number: int,
        *,
        expected: StepState,
        to: StepState,
        intent_id: int | None = None,
    ) -> bool:
        """Move a step if it still is in `expected`; False when it is not.

        `intent_id` joins the step with its order; None leaves the order it has.
        """
        changed = await self._engine.write(
            "UPDATE plan_step SET state = ?, intent_id = coalesce(?, intent_id)"
            " WHERE plan_id = ? AND number = ? AND state = ?",
            (to, intent_id, plan_id, number, expected),
        )
        return changed == 1

    async def supersede(self, plan_id: str) -> None:
        """Give a plan up; steps whose order is on its way keep their state."""
        await self._engine.transaction(lambda tx: _supersede(tx, "plan_id = ?", plan_id))

    async def prune(self, before: datetime) -> int:
        """Forget given up plans made before the market instant `before` that led to no order."""

        async def work(tx: Tx) -> int:
            await tx.execute(f"DELETE FROM plan_step WHERE plan_id IN ({_OLD})", (to_ms(before),))
            return await tx.execute(f"DELETE FROM plan WHERE plan_id IN ({_OLD})", (to_ms(before),))

        return await self._engine.transaction(work)


async def _supersede(tx: Tx, which: str, key: str) -> None:
    await tx.execute(_SUPERSEDE_STEPS.format(which=which), (key,))
    await tx.execute(f"UPDATE plan SET superseded = 1 WHERE {which}", (key,))


async def _insert(tx: Tx, plan: Plan) -> None:
    await tx.execute(
        "INSERT INTO plan (plan_id, bucket_id, created_ms, payload) VALUES (?, ?, ?, ?)",
        (plan.plan_id, plan.bucket_id, to_ms(plan.created_at), to_json(replace(plan, steps=()))),
    )
    await tx.execute_many(
        "INSERT INTO plan_step (plan_id, number, state, payload) VALUES (?, ?, ?, ?)",
        [(plan.plan_id, step.number, StepState.PROPOSED, to_json(step)) for step in plan.steps],
    )


async def _get(tx: Tx, plan_id: str) -> StoredPlan:
    found = await _find(tx, "WHERE plan_id = ?", plan_id)
    if found is None:
        raise Missing(f"there is no plan {plan_id}")
    return found


async def _find(tx: Tx, tail: str, key: str) -> StoredPlan | None:
    row = await tx.one(f"SELECT * FROM plan {tail}", (key,))
    if row is None:
        return None
    rows = await tx.all(
        "SELECT * FROM plan_step WHERE plan_id = ? ORDER BY number", (row["plan_id"],)
    )
    steps = tuple(_step_of(step) for step in rows)
    plan = replace(from_json(row["payload"], Plan), steps=tuple(s.step for s in steps))
    return StoredPlan(plan=plan, steps=steps, superseded=bool(row["superseded"]))


def _step_of(row: Row) -> StoredStep:
    return StoredStep(
        plan_id=row["plan_id"],
        step=from_json(row["payload"], PlanStep),
        state=StepState(row["state"]),
        intent_id=row["intent_id"],
    )
