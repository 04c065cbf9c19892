"""The planner's desk for the owner's word: on plans, on single steps, and on what may leave alone.

Every word is one transaction of the store that looks again at what it is about. What changes is
shown at once, and the planner is woken to act on it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any

from actors.hand_over import HandOver
from actors.plan_run import PlanMaker
from actors.recompute import recompute, stored_input
from ledger.bucket import Autonomy
from ledger.errors import Conflict, Missing, Refused
from ledger.fact import CORE
from ledger.order import Intent
from ledger.plan import StoredPlan
from ledger.plan_difference import PlanDifference
from policy.planning.difference import difference
from store.buckets import Buckets
from store.plan_inputs import PlanInputs
from store.plan_words import PlanWords
from store.plans import Plans
from wire.board import Latest
from wire.clock import Clock
from wire.mailbox import AskBox
from wire.messages import Boards, ProposeStep, RunJob
from wire.planner_asks import (
    ApprovePlan,
    DismissStep,
    PlanAgain,
    PostponePlan,
    Recomputed,
    RecomputePlan,
    RejectPlan,
    SetAutonomy,
    ShowDifference,
)
from wire.runner import Runner

LONGEST_POSTPONEMENT = timedelta(days=30)
ASK_DEADLINE_S = 5.0
ASKED: tuple[type, ...] = (
    ApprovePlan,
    PostponePlan,
    RejectPlan,
    DismissStep,
    SetAutonomy,
    PlanAgain,
    ProposeStep,
    ShowDifference,
    RecomputePlan,
)


@dataclass(frozen=True, slots=True)
class PlanDesk:
    """`wake` is the board on which the planner hears that something was said, `default` the
    autonomy of a bucket whose owner has said nothing.
    """

    plans: Plans
    words: PlanWords
    inputs: PlanInputs
    buckets: Buckets
    hand_over: HandOver
    maker: PlanMaker
    boards: Boards
    schedule: AskBox
    clock: Clock
    runner: Runner
    wake: Latest[str]
    default: Autonomy

    async def load(self) -> None:
        """Show what may leave each bucket without its owner."""
        buckets = await self.buckets.all()
        self.boards.buckets.publish(
            tuple(replace(one, autonomy=one.autonomy or self.default) for one in buckets)
        )

    async def answer(self, request: Any) -> object:
        answers: dict[type, Callable[[Any], Awaitable[object]]] = {
            ApprovePlan: self._approve,
            PostponePlan: self._postpone,
            RejectPlan: self._reject,
            DismissStep: self._dismiss,
            SetAutonomy: self._set_autonomy,
            PlanAgain: self._again,
            ProposeStep: self._propose,
            ShowDifference: self._difference,
            RecomputePlan: self._recompute,
        }
        return await answers[type(request)](request)

    # Plans

    async def _approve(self, asked: ApprovePlan) -> StoredPlan:
        if self.maker.making:
            raise Conflict("a newer plan is being made", code="stale_plan")
        stored = await self.plans.get(asked.plan_id)
        if self.hand_over.autonomy(stored.plan.bucket_id).mode == "advise":
            raise Refused("nothing leaves a bucket that only advises", code="advise")
        now = self.clock.market_now()
        said = await self.words.approve(asked.plan_id, asked.step, by=asked.by, at=now)
        return self._said(said, "approved")

    async def _postpone(self, asked: PostponePlan) -> StoredPlan:
        now = self.clock.market_now()
        if not now < asked.until <= now + LONGEST_POSTPONEMENT:
            text = f"until must lie within {LONGEST_POSTPONEMENT.days} days from now"
            raise Refused(text, code="until")
        return self._said(
            await self.words.postpone(asked.plan_id, asked.until, at=now), "postponed"
        )

    async def _reject(self, asked: RejectPlan) -> StoredPlan:
        now = self.clock.market_now()
        return self._said(await self.words.reject(asked.plan_id, by=asked.by, at=now), "rejected")

    async def _dismiss(self, asked: DismissStep) -> StoredPlan:
        now = self.clock.market_now()
        said = await self.words.dismiss(asked.plan_id, asked.step, by=asked.by, at=now)
        return self._said(said, "a step was dismissed")

    async def _propose(self, asked: ProposeStep) -> Intent:
        """The owner's execute: his word, and all gates."""
        stored = await self.plans.current(CORE)
        step = stored.next_step if stored else None
        if stored is None or (step is None and not stored.plan.steps):
            raise Missing("there is no plan with a step to execute")
        if stored.plan.plan_id != asked.plan_id:
            raise Conflict(f"plan {asked.plan_id} is not the current plan", code="stale_plan")
        if step is None or step.step.number != asked.step:
            raise Conflict(f"step {asked.step} is not the next step", code="stale_plan")
        portfolio = self.boards.portfolio.value
        intent = await self.hand_over.at_once(stored, step, portfolio, asked.key, by=asked.by)
        self.maker.stop("a step of the current plan was executed")
        return intent

    async def _again(self, asked: PlanAgain) -> str:
        if asked.bucket_id != CORE:
            raise Missing(f"there is no bucket {asked.bucket_id} that is planned for")
        current = await self.plans.current(CORE)
        run = await self.schedule.ask(RunJob("plan", "api"), deadline_s=ASK_DEADLINE_S)
        self.maker.stop("a new plan was asked for")
        if current is not None:
            now = self.clock.market_now()
            self._said(await self.words.forget(current.plan.plan_id, at=now), "forgotten")
        return run.run_id

    async def _difference(self, asked: ShowDifference) -> PlanDifference:
        stored = await self.plans.get(asked.plan_id)
        given = await stored_input(self.inputs, self.runner, stored.plan)
        return await self.runner(partial(difference, stored.plan, given))

    async def _recompute(self, asked: RecomputePlan) -> Recomputed:
        return await recompute(self.plans, self.inputs, self.runner, asked.plan_id)

    def _said(self, stored: StoredPlan, what: str) -> StoredPlan:
        """Show a plan as it is now, unless a newer one has taken its place."""
        shown = self.boards.plan.value
        if shown is None or shown.plan.plan_id == stored.plan.plan_id:
            self.boards.plan.publish(stored)
        self.wake.publish(what)
        return stored

    # What may leave alone

    async def _set_autonomy(self, asked: SetAutonomy) -> Autonomy:
        bucket_id, autonomy = asked.bucket_id, asked.autonomy
        below = autonomy.act_below
        if (autonomy.mode == "act_below") != (below is not None):
            raise Refused("act_below needs an amount, and no other mode has one", code="act_below")
        if below is not None and (below.currency != "EUR" or below.minor <= 0):
            raise Refused("act_below needs an amount of EUR above 0", code="act_below")
        await self.buckets.set_autonomy(bucket_id, autonomy, at=self.clock.market_now())
        await self.load()
        self.wake.publish(f"autonomy of {bucket_id}: {autonomy.mode}")
        return autonomy
