"""The owner's word on plans, and the one way from a step to an order.

Every method is one transaction that looks again at what it depends on: a plan that was replaced, a
step that has moved, an approval that was withdrawn or an autonomy that changed meanwhile is found
here, however long ago the caller looked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

from ledger.bucket import Autonomy
from ledger.errors import Conflict, Missing
from ledger.fact import CORE
from ledger.order import Intent, OrderState, Proposal, Side
from ledger.plan import WAITING_STEPS, StepState, StoredPlan, StoredStep
from store.buckets import autonomy_of
from store.codec import to_ms
from store.dismissals import dismiss
from store.engine import Engine, Tx, scalar
from store.order_guards import check_alone
from store.plan_rows import WAITING, current_plan, find_plan, give_up, load_plan
from store.proposals import Circumstances, propose
from store.recall import OF_PLAN, recall


class PlanWords:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def approve(self, plan_id: str, step: int | None, *, by: str, at: datetime) -> StoredPlan:
        """Let the plan's next step leave; once more changes nothing.

        Raises Missing without a current plan; Conflict `stale_plan` when the plan is not current,
        or `step` not the next one that waits.
        """

        async def work(tx: Tx) -> StoredPlan:
            stored = await _current(tx, plan_id)
            following = _next(stored, step)
            if following.state not in WAITING_STEPS:
                text = f"step {following.step.number} is {following.state} already"
                raise Conflict(text, code="stale_plan")
            if following.state is not StepState.APPROVED:
                await _decide(tx, following, StepState.APPROVED, by=by, at=at)
            return await load_plan(tx, plan_id)

        return await self._engine.transaction(work)

    async def postpone(self, plan_id: str, until: datetime, *, at: datetime) -> StoredPlan:
        """Nothing of the plan leaves before the market instant `until`, also not what is about to.
        Raises as approve does.
        """

        async def work(tx: Tx) -> StoredPlan:
            stored = await _current(tx, plan_id)
            _next(stored, None)
            await recall(tx, OF_PLAN, (plan_id,), why="the plan was postponed", at=at)
            await tx.execute(
                "UPDATE plan SET postponed_ms = ? WHERE plan_id = ?", (to_ms(until), plan_id)
            )
            return await load_plan(tx, plan_id)

        return await self._engine.transaction(work)

    async def reject(self, plan_id: str, *, by: str, at: datetime) -> StoredPlan:
        """Give the plan up and dismiss what of it has not left yet, also what is about to.

        Raises as approve does.
        """
        return await self._dismiss(plan_id, _waiting, by=by, at=at)

    async def dismiss(self, plan_id: str, step: int, *, by: str, at: datetime) -> StoredPlan:
        """Give the plan up and dismiss one of its trades. Raises as approve does."""

        def chosen(stored: StoredPlan) -> list[StoredStep]:
            found = [one for one in _waiting(stored) if one.step.number == step]
            if not found:
                raise Conflict(f"step {step} does not wait any more", code="stale_plan")
            return found

        return await self._dismiss(plan_id, chosen, by=by, at=at)

    async def forget(self, plan_id: str, *, at: datetime) -> StoredPlan:
        """Give the plan up, since another one is asked for; raises Missing."""

        async def work(tx: Tx) -> StoredPlan:
            await recall(tx, OF_PLAN, (plan_id,), why="another plan was asked for", at=at)
            await give_up(tx, "plan_id = ?", plan_id)
            return await load_plan(tx, plan_id)

        return await self._engine.transaction(work)

    async def hand_over(
        self,
        plan_id: str,
        number: int,
        proposal: Proposal,
        how: Circumstances,
        *,
        default: Autonomy | None,
        by: str | None = None,
    ) -> Intent:
        """The step as an intent, committed together with the step's move.

        A step whose order is on its way gives that same order, and so does a key that became one
        of its orders before; what was taken back may leave again as the next attempt. Raises
        Conflict `stale_plan` when the plan is not current or the step not its next, and what
        proposing raises. A step leaves by itself with `default`, the autonomy of a bucket whose
        owner has said nothing: then also Conflict `postponed`, `not_approved` when his word is
        missing, and `in_flight` beside any other order. None: he gives it now, his name is `by`.
        """

        async def work(tx: Tx) -> Intent:
            stored = await _current(tx, plan_id)
            step = _next(stored, number)
            waits = step.state in WAITING_STEPS
            if waits and default is not None:
                await _check_word(tx, stored, how.at, default)
                await check_alone(tx)
            attempt = await _attempt(tx, proposal, how.key, again=waits)
            intent = await propose(tx, replace(proposal, attempt=attempt), how)
            if intent.state is OrderState.PROPOSED:
                said_at, said_by = (to_ms(how.at), by) if default is None else (None, None)
                await tx.execute(
                    "UPDATE plan_step SET state = ?, intent_id = ?,"
                    " decided_ms = coalesce(decided_ms, ?), decided_by = coalesce(decided_by, ?)"
                    f" WHERE plan_id = ? AND number = ? AND state IN ({WAITING})",
                    (StepState.SUBMITTING, intent.intent_id, said_at, said_by, plan_id, number),
                )
            return intent

        return await self._engine.transaction(work)

    async def _dismiss(
        self,
        plan_id: str,
        chosen: Callable[[StoredPlan], Iterable[StoredStep]],
        *,
        by: str,
        at: datetime,
    ) -> StoredPlan:
        async def work(tx: Tx) -> StoredPlan:
            await _current(tx, plan_id)
            await recall(tx, OF_PLAN, (plan_id,), why="the plan was given up by its owner", at=at)
            stored = await load_plan(tx, plan_id)
            plan = stored.plan
            steps = list(chosen(stored))
            for step in steps:
                await _decide(tx, step, StepState.DISMISSED, by=by, at=at)
            trades = [trade for step in steps for trade in _trades_of(stored, step)]
            await dismiss(tx, plan.bucket_id, plan.portfolio_hash, trades, by=by, at=at)
            await give_up(tx, "plan_id = ?", plan_id)
            return await load_plan(tx, plan_id)

        return await self._engine.transaction(work)


async def _current(tx: Tx, plan_id: str) -> StoredPlan:
    """The plan, when it is its bucket's current one."""
    stored = await find_plan(tx, "WHERE plan_id = ?", plan_id)
    current = await current_plan(tx, CORE if stored is None else stored.plan.bucket_id)
    if stored is None and current is None:
        raise Missing("there is no plan with a step to execute")
    if stored is None or current is None or current.plan.plan_id != plan_id:
        raise Conflict(f"plan {plan_id} is not the current plan", code="stale_plan")
    return stored


def _next(stored: StoredPlan, number: int | None) -> StoredStep:
    step = stored.next_step
    if step is None:
        if not stored.steps:
            raise Missing("there is no plan with a step to execute")
        raise Conflict("nothing of the plan waits any more", code="stale_plan")
    if number is not None and step.step.number != number:
        raise Conflict(f"step {number} is not the next step", code="stale_plan")
    return step


def _waiting(stored: StoredPlan) -> list[StoredStep]:
    return [step for step in stored.steps if step.state in WAITING_STEPS]


def _trades_of(stored: StoredPlan, step: StoredStep) -> list[tuple[str, Side]]:
    """What a step trades; for a conversion, what it funds."""
    ahead = [one.step for one in stored.steps if one.step.number >= step.step.number]
    trades: list[tuple[str, Side]] = [(s.symbol, s.side) for s in ahead if s.kind == "trade"]
    return trades[:1]


async def _decide(tx: Tx, step: StoredStep, to: StepState, *, by: str, at: datetime) -> None:
    """Move a step that waits; the transaction has just read that it does."""
    await tx.execute(
        "UPDATE plan_step SET state = ?, decided_ms = ?, decided_by = ?"
        " WHERE plan_id = ? AND number = ? AND state = ?",
        (to, to_ms(at), by, step.plan_id, step.step.number, step.state),
    )


async def _attempt(tx: Tx, proposal: Proposal, key: str | None, *, again: bool) -> int:
    """Which order of the step is meant: the one of this key, else the newest, or the next one."""
    of_step = "order_class = ? AND source_id = ? AND step = ?"
    step = (proposal.order_class, proposal.source_id, proposal.step)
    of_key = (
        f"SELECT attempt FROM intent JOIN order_key USING (intent_id) WHERE key = ? AND {of_step}"
    )
    row = await tx.one(of_key, (key, *step))
    if row is not None:
        return int(row["attempt"])
    newest = f"SELECT coalesce(max(attempt), 0) FROM intent WHERE {of_step}"
    return await scalar(tx, newest, step) + again


async def _check_word(tx: Tx, stored: StoredPlan, now: datetime, default: Autonomy) -> None:
    """Whether the next step may leave without its owner, or with the word he gave."""
    until = stored.postponed_until
    if until is not None and now < until:
        raise Conflict(f"the plan is postponed until {until:%Y-%m-%d %H:%M}", code="postponed")
    autonomy = await autonomy_of(tx, stored.plan.bucket_id, default)
    if autonomy.mode == "advise" or stored.awaits_word(autonomy):
        raise Conflict(f"the plan waits for its owner ({autonomy.mode})", code="not_approved")
