"""Plans and what becomes of their steps. Written by the planner."""

from __future__ import annotations

from datetime import datetime

from ledger.errors import Conflict
from ledger.order import OrderState
from ledger.plan import SENT_STEPS, STEP_OF_ORDER, Plan, StepState, StoredPlan
from store.codec import sql_list, to_ms
from store.engine import Engine, Row, Tx
from store.plan_inputs import forget_unused
from store.plan_rows import current_plan, give_up, insert_plan, load_plan, newest_plan
from store.planner_runs import RunEnd, close_run, forget_runs

_SENT = f"""
SELECT s.plan_id, s.number, s.state, i.state AS order_state,
    json_extract(s.payload, '$.kind') AS kind
FROM plan_step s JOIN intent i USING (intent_id)
WHERE s.state IN ({sql_list(SENT_STEPS)}) ORDER BY s.plan_id, s.number
"""
_OLD = """
SELECT plan_id FROM plan p WHERE superseded = 1 AND created_ms < ? AND NOT EXISTS
    (SELECT 1 FROM plan_step s WHERE s.plan_id = p.plan_id AND s.intent_id IS NOT NULL)
"""
_BARE = f"UPDATE plan SET input_hash = NULL WHERE input_hash IS NOT NULL AND plan_id IN ({_OLD})"


class Plans:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def commit(self, plan: Plan, *, run: RunEnd | None = None) -> StoredPlan:
        """Store a plan, its steps and the end of the run that made it, all at once.

        It replaces the bucket's current one; what the owner postponed stays postponed while
        holdings, cash and configuration are the same. Raises Conflict when a plan of this id
        exists, or when `run` is none that is going on.
        """

        async def work(tx: Tx) -> StoredPlan:
            if await tx.one("SELECT 1 FROM plan WHERE plan_id = ?", (plan.plan_id,)) is not None:
                raise Conflict(f"plan {plan.plan_id} exists", code="duplicate_plan")
            before = await newest_plan(tx, plan.bucket_id)
            await give_up(tx, "bucket_id = ? AND superseded = 0", plan.bucket_id)
            await insert_plan(tx, plan)
            await _inherit(tx, before, plan)
            if run is not None:
                await close_run(tx, run, plan.plan_id, plan.evaluated)
            return await load_plan(tx, plan.plan_id)

        return await self._engine.transaction(work)

    async def current(self, bucket_id: str) -> StoredPlan | None:
        """The newest plan of the bucket that was not superseded."""
        return await self._engine.read(lambda tx: current_plan(tx, bucket_id))

    async def get(self, plan_id: str) -> StoredPlan:
        """Raises Missing."""
        return await self._engine.read(lambda tx: load_plan(tx, plan_id))

    async def follow_orders(self) -> int:
        """Move every step to where its order is by now; how many moved.

        A filled conversion lets its plan go on, any other end of a step gives the plan up.
        """
        if not _changes(await self._engine.read(lambda tx: tx.all(_SENT))):
            return 0

        async def work(tx: Tx) -> int:
            moved = _changes(await tx.all(_SENT))
            for row, after in moved:
                await _follow(tx, row, after)
            return len(moved)

        return await self._engine.transaction(work)

    async def supersede(self, plan_id: str) -> None:
        """Give a plan up; steps whose order is on its way keep their state."""
        await self._engine.transaction(lambda tx: give_up(tx, "plan_id = ?", plan_id))

    async def prune(self, before: datetime, *, inputs_before: datetime) -> int:
        """Forget given up plans made before the market instant `before` that led to no order; how
        many. Of those made before `inputs_before` the inputs go, which are large, and with them
        runs that nothing hangs on any more.
        """

        async def work(tx: Tx) -> int:
            bare, gone = (to_ms(inputs_before),), (to_ms(before),)
            for instant in (bare, gone):
                await forget_runs(tx, f"plan_id IN ({_OLD})", instant)
            await forget_runs(tx, "plan_id IS NULL")
            await tx.execute(_BARE, bare)
            await tx.execute(f"DELETE FROM plan_step WHERE plan_id IN ({_OLD})", gone)
            count = await tx.execute(f"DELETE FROM plan WHERE plan_id IN ({_OLD})", gone)
            await forget_unused(tx)
            return count

        return await self._engine.transaction(work)


def _changes(rows: list[Row]) -> list[tuple[Row, StepState]]:
    """The steps that are not where their order is, and where they belong."""
    placed = [(row, STEP_OF_ORDER[OrderState(row["order_state"])]) for row in rows]
    return [(row, after) for row, after in placed if row["state"] != after]


async def _follow(tx: Tx, row: Row, after: StepState) -> None:
    plan_id = row["plan_id"]
    await tx.execute(
        "UPDATE plan_step SET state = ? WHERE plan_id = ? AND number = ? AND state = ?",
        (after, plan_id, row["number"], row["state"]),
    )
    goes_on = after is StepState.FILLED and row["kind"] == "fx"
    if after not in SENT_STEPS and not goes_on:
        await give_up(tx, "plan_id = ?", plan_id)


async def _inherit(tx: Tx, before: StoredPlan | None, plan: Plan) -> None:
    """A plan for the same situation stays postponed, however the one before it came to its end."""
    until = None if before is None else before.postponed_until
    if before is None or until is None or until <= plan.created_at:
        return
    if before.plan.portfolio_hash == plan.portfolio_hash:
        await tx.execute(
            "UPDATE plan SET postponed_ms = ? WHERE plan_id = ?", (to_ms(until), plan.plan_id)
        )
