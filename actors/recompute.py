"""Makes a stored plan again from its stored input, and says whether it is the same."""

from __future__ import annotations

from dataclasses import fields, replace
from functools import partial

from ledger.errors import BadData, Unavailable
from ledger.plan import Plan
from policy import planner as planning
from policy.planner import PlanInput
from policy.planning.record import canonical_plan, decode
from store.plan_inputs import PlanInputs
from store.plans import Plans
from wire.planner_asks import Recomputed
from wire.runner import Runner

MAX_BATCHES = 1_000_000


async def recompute(plans: Plans, inputs: PlanInputs, runner: Runner, plan_id: str) -> Recomputed:
    """Raises Missing for an unknown plan; Unavailable when its input was not kept, cannot be read
    by this version, or takes more than MAX_BATCHES.

    It needs nothing but the two tables: with an open store it works without a daemon.
    """
    kept = (await plans.get(plan_id)).plan
    given = await stored_input(inputs, runner, kept)
    run = await runner(partial(planning.start, given))
    for _ in range(MAX_BATCHES):
        if run.done:
            break
        run = await runner(partial(planning.step, run))
    else:
        raise Unavailable(f"plan {plan_id} cannot be made again: the search does not end")
    made = replace(await runner(partial(planning.finish, run)), input_hash=kept.input_hash)
    differs = _first_difference(kept, made)
    return Recomputed(
        plan_id=plan_id,
        input_hash=kept.input_hash or "",
        same=differs is None,
        differs=differs,
        explored=run.explored,
    )


async def stored_input(inputs: PlanInputs, runner: Runner, plan: Plan) -> PlanInput:
    """What a plan was made from; raises Unavailable when it was not kept, or cannot be read."""
    payload = await inputs.get(plan.input_hash)
    try:
        return await runner(partial(decode, payload, named=plan.input_hash))
    except BadData as error:
        raise Unavailable(str(error)) from error


def _first_difference(kept: Plan, made: Plan) -> str | None:
    """The first field in which the canonical forms differ; None when they do not."""
    if canonical_plan(kept) == canonical_plan(made):
        return None
    for field in fields(Plan):
        pair = [getattr(plan, field.name) for plan in (kept, made)]
        if pair[0] != pair[1]:
            return field.name
    return "the way it is written"
