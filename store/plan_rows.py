"""Between the values of plans and their rows; for use inside a transaction."""

from __future__ import annotations

from dataclasses import replace

from ledger.errors import Missing
from ledger.plan import WAITING_STEPS, Plan, PlanStep, StepState, StoredPlan, StoredStep
from store.codec import from_json, maybe_instant, sql_list, to_json, to_ms
from store.engine import Row, Tx

WAITING = sql_list(WAITING_STEPS)

_SUPERSEDE_STEPS = f"""
UPDATE plan_step SET state = 'superseded'
WHERE state IN ({WAITING}) AND plan_id IN (SELECT plan_id FROM plan WHERE {{which}})
"""


async def insert_plan(tx: Tx, plan: Plan) -> None:
    await tx.execute(
        "INSERT INTO plan (plan_id, bucket_id, created_ms, payload, input_hash)"
        " VALUES (?, ?, ?, ?, ?)",
        (
            plan.plan_id,
            plan.bucket_id,
            to_ms(plan.created_at),
            to_json(replace(plan, steps=())),
            plan.input_hash,
        ),
    )
    await tx.execute_many(
        "INSERT INTO plan_step (plan_id, number, state, payload) VALUES (?, ?, ?, ?)",
        [(plan.plan_id, step.number, StepState.PROPOSED, to_json(step)) for step in plan.steps],
    )


async def give_up(tx: Tx, which: str, key: str) -> None:
    """Supersede the plans `which`; steps whose order is on its way keep their state."""
    await tx.execute(_SUPERSEDE_STEPS.format(which=which), (key,))
    await tx.execute(f"UPDATE plan SET superseded = 1 WHERE {which}", (key,))


async def load_plan(tx: Tx, plan_id: str) -> StoredPlan:
    """Raises Missing."""
    found = await find_plan(tx, "WHERE plan_id = ?", plan_id)
    if found is None:
        raise Missing(f"there is no plan {plan_id}")
    return found


async def current_plan(tx: Tx, bucket_id: str) -> StoredPlan | None:
    """The newest plan of the bucket that was not superseded."""
    tail = "WHERE bucket_id = ? AND superseded = 0 ORDER BY created_ms DESC, plan_id DESC LIMIT 1"
    return await find_plan(tx, tail, bucket_id)


async def newest_plan(tx: Tx, bucket_id: str) -> StoredPlan | None:
    """The newest plan of the bucket, whatever became of it."""
    tail = "WHERE bucket_id = ? ORDER BY created_ms DESC, plan_id DESC LIMIT 1"
    return await find_plan(tx, tail, bucket_id)


async def find_plan(tx: Tx, tail: str, key: str) -> StoredPlan | None:
    row = await tx.one(f"SELECT * FROM plan {tail}", (key,))
    if row is None:
        return None
    rows = await tx.all(
        "SELECT * FROM plan_step WHERE plan_id = ? ORDER BY number", (row["plan_id"],)
    )
    steps = tuple(step_of(step) for step in rows)
    plan = replace(
        from_json(row["payload"], Plan),
        steps=tuple(s.step for s in steps),
        input_hash=row["input_hash"],
    )
    return StoredPlan(
        plan=plan,
        steps=steps,
        superseded=bool(row["superseded"]),
        postponed_until=maybe_instant(row["postponed_ms"]),
    )


def step_of(row: Row) -> StoredStep:
    return StoredStep(
        plan_id=row["plan_id"],
        step=from_json(row["payload"], PlanStep),
        state=StepState(row["state"]),
        intent_id=row["intent_id"],
    )
