"""Keeps one plan current per bucket and hands its next step to the trader.

It wakes when the portfolio or the orders changed, or when it is nudged, and then:

 1. takes note of what became of the step that was in flight
 2. waits while anything is in flight or the portfolio lags behind the journal
 3. plans anew when the plan is used up, out of date, or made for other holdings
 4. commits the new plan, or continues the old one behind a filled conversion
 5. when orders may leave by themselves, commits the next step as an intent for the trader
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import trio

from actors.analyst import Analyst
from actors.hand_over import HandOver
from actors.job import JobDesk, Report
from actors.situation import Situation
from ledger.errors import Conflict, Missing
from ledger.fact import CORE
from ledger.order import Intent, OrderState
from ledger.plan import Plan, StepState, StoredPlan, StoredStep
from ledger.portfolio import PortfolioSnapshot
from policy import planner as planning
from policy.planner import PlanInput, PlanRun
from policy.portfolio_hash import moved
from store.orders import Orders
from store.plans import Plans
from wire.board import Latest
from wire.clock import Clock
from wire.events import EventRing, EventType
from wire.health import Health
from wire.mailbox import AskBox, NudgeBox, serving
from wire.messages import Boards, IntentReady, Nudge, PlannerStatus, ProposeStep, TargetWeights
from wire.runner import Runner

BEAT_S = 20.0
MAX_BATCHES = 10_000
# What a terminal order means for the step it carried.
OUTCOME = {
    OrderState.FILLED: StepState.FILLED,
    OrderState.REFUSED: StepState.REFUSED,
    OrderState.REJECTED: StepState.REJECTED,
    OrderState.NOT_PLACED: StepState.REJECTED,
    OrderState.CANCELLED: StepState.EXPIRED,
    OrderState.EXPIRED: StepState.EXPIRED,
    OrderState.SIMULATED: StepState.SUPERSEDED,
}


@dataclass(frozen=True, slots=True)
class PlannerPorts:
    orders: Orders
    plans: Plans
    situation: Situation
    boards: Boards
    events: EventRing
    health: Health
    jobs: JobDesk
    clock: Clock
    asks: AskBox
    nudges: NudgeBox[Nudge]
    intents: trio.MemorySendChannel[IntentReady]
    runner: Runner
    analyst: Analyst
    autonomous: bool


class Planner:
    """See the module's docstring; `run` never returns."""

    def __init__(self, ports: PlannerPorts) -> None:
        self._p = ports
        self._hand_over = HandOver(
            ports.orders, ports.plans, ports.situation, ports.boards, ports.intents
        )
        self._busy = trio.Lock()
        self._planned_on: PortfolioSnapshot | None = None

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        await self._p.analyst.load()
        await self._publish_plan(await self._p.plans.current(CORE))
        self._say("idle")
        task_status.started()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._serve)
            nursery.start_soon(self._p.analyst.run)
            nursery.start_soon(self._loop)

    async def _serve(self) -> None:
        while True:
            ask = await self._p.asks.receive()
            async with serving(ask):
                assert isinstance(ask.request, ProposeStep)
                ask.slot.answer(await self._propose_asked(ask.request))

    async def _loop(self) -> None:
        boards = self._p.boards
        watched = (boards.portfolio, boards.orders, boards.optimizer)
        seen: tuple[int, ...] = (0, 0, 0)
        while True:
            self._p.health.beat("planner")
            nudge = await self._wait(watched, seen)
            seen = tuple(board.version for board in watched)
            async with self._busy:
                if nudge is None:
                    await self._consider()
                else:
                    async with self._p.jobs.run("plan", nudge) as report:
                        await self._consider(report)

    async def _wait(self, watched: tuple[Latest[Any], ...], seen: tuple[int, ...]) -> Nudge | None:
        """Return the nudge that came, or None when a watched board moved or a beat is due."""
        taken: list[Nudge] = []

        async def nudged(scope: trio.CancelScope) -> None:
            taken.append(await self._p.nudges.receive())
            scope.cancel()

        async def changed(board: Latest[Any], version: int, scope: trio.CancelScope) -> None:
            await board.wait_newer(version)
            scope.cancel()

        with trio.move_on_after(BEAT_S):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(nudged, nursery.cancel_scope)
                for board, version in zip(watched, seen, strict=True):
                    nursery.start_soon(changed, board, version, nursery.cancel_scope)
        return taken[0] if taken else None

    async def _consider(self, report: Report | None = None) -> None:
        """Steps 1 to 5. With a report somebody asked, so a new plan is made in any case."""
        stored = await self._settle(await self._p.plans.current(CORE))
        portfolio = self._p.boards.portfolio.value
        obstacle = await self._p.situation.obstacle(portfolio)
        if portfolio is None or obstacle is not None:
            if report is not None:
                report.skip(obstacle or "no portfolio yet")
            return
        # An order may have ended since the first look; none is on its way now.
        stored = await self._settle(stored)
        given = await self._p.situation.now(portfolio)
        if report is not None or await self._outdated(stored, given):
            stored = await self._plan(given)
            if report is not None:
                report.result = stored.plan.narrative
        if self._p.autonomous:
            await self._hand_over.next_step(stored, portfolio)

    # What became of the step in flight

    async def _settle(self, stored: StoredPlan | None) -> StoredPlan | None:
        if stored is None or stored.superseded:
            return stored
        for step in stored.steps:
            if step.state is StepState.SUBMITTING and step.intent_id is not None:
                intent = await self._p.orders.get(step.intent_id)
                outcome = OUTCOME.get(intent.state)
                if outcome is not None:
                    await self._close_step(step, outcome)
        current = await self._p.plans.current(CORE)
        await self._publish_plan(current)
        return current

    async def _close_step(self, step: StoredStep, outcome: StepState) -> None:
        """A filled conversion lets the plan go on; anything else ends it."""
        await self._p.plans.move_step(
            step.plan_id, step.step.number, expected=StepState.SUBMITTING, to=outcome
        )
        if not (outcome is StepState.FILLED and step.step.kind == "fx"):
            await self._p.plans.supersede(step.plan_id)

    # Planning

    async def _outdated(self, stored: StoredPlan | None, given: PlanInput) -> bool:
        """Whether the stored plan no longer answers the situation `given` describes."""
        if stored is None or self._planned_on is None:
            return True
        if stored.superseded and stored.plan.steps:
            return True
        if given.now - stored.plan.created_at > self._p.situation.limits.plan_life:
            return self._any_market_open(given.snapshot)
        if moved(
            self._planned_on.quotes,
            given.snapshot.quotes,
            limit=self._p.situation.limits.replan_move,
        ):
            return True
        between_steps = any(step.state is StepState.FILLED for step in stored.steps)
        return not between_steps and stored.plan.portfolio_hash != given.portfolio_hash

    def _any_market_open(self, portfolio: PortfolioSnapshot) -> bool:
        mics = {security.instrument.mic for security in portfolio.universe}
        return any(self._p.situation.trading(mic).is_open for mic in mics)

    async def _plan(self, given: PlanInput) -> StoredPlan:
        self._say("generating", given.portfolio_hash)
        self._p.boards.targets.publish(_weights(given))
        plan = await self._search(given)
        stored = await self._p.plans.commit(plan)
        self._planned_on = given.snapshot
        await self._publish_plan(stored)
        self._announce(plan)
        return stored

    async def _search(self, given: PlanInput) -> Plan:
        """Evaluate batch by batch off the loop, saying how far it got."""
        run = await self._p.runner(partial(planning.start, given))
        for _ in range(MAX_BATCHES):
            self._say("evaluating", given.portfolio_hash, run)
            if run.done:
                break
            run = await self._p.runner(partial(planning.step, run))
        plan = await self._p.runner(partial(planning.finish, run))
        self._say("complete", given.portfolio_hash, run)
        return plan

    async def _propose_asked(self, asked: ProposeStep) -> Intent:
        async with self._busy:
            stored = await self._p.plans.current(CORE)
            step = stored.next_step if stored else None
            if stored is None or (step is None and not stored.plan.steps):
                raise Missing("there is no plan with a step to execute")
            if stored.plan.plan_id != asked.plan_id:
                raise Conflict(f"plan {asked.plan_id} is not the current plan", code="stale_plan")
            if step is None or step.step.number != asked.step:
                raise Conflict(f"step {asked.step} is not the next step", code="stale_plan")
            portfolio = self._p.boards.portfolio.value
            return await self._hand_over.propose(stored, step, portfolio, key=asked.key)

    # Saying so

    async def _publish_plan(self, stored: StoredPlan | None) -> None:
        if stored is not None and stored != self._p.boards.plan.value:
            self._p.boards.plan.publish(stored)

    def _say(self, state: str, portfolio_hash: str = "", run: PlanRun | None = None) -> None:
        before = self._p.boards.planner.value
        status = PlannerStatus(
            state=state,
            bucket_id=CORE,
            portfolio_hash=portfolio_hash,
            total=run.sets if run else 0,
            evaluated=run.tried if run else 0,
            best_score=100 * run.best.score if run and run.best else None,
            updated_at=self._p.clock.machine_now(),
        )
        self._p.boards.planner.publish(status)
        if before is None or before.state != state:
            self._emit("PLANNING_STATUS_UPDATED", state=state)

    def _announce(self, plan: Plan) -> None:
        self._emit("PLAN_GENERATED", plan_id=plan.plan_id, steps=len(plan.steps))
        self._emit("RECOMMENDATIONS_READY", plan_id=plan.plan_id, narrative=plan.narrative)

    def _emit(self, type_: EventType, **data: str | int | None) -> None:
        self._p.events.emit(type_, source="planner", at=self._p.clock.machine_now(), data=data)


def _weights(given: PlanInput) -> TargetWeights:
    return TargetWeights(given.targets.weights, given.limits.max_position_share)
