"""Keeps one plan current per bucket and hands its next step to the trader.

It wakes when holdings, orders, knowledge or settings changed, when its owner said something, or
when it is nudged, and then:

 1. moves every step to where its order is by now
 2. waits while anything is in flight or the portfolio lags behind the journal
 3. plans anew when there is a reason for it, and never otherwise (`policy.replan`)
 4. commits the new plan, or continues the old one behind a filled conversion
 5. commits the next step as an intent for the trader, once its owner lets it leave

Asks are answered beside that: a word of the owner never waits behind a search.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NoReturn

import trio

from actors.analyst import Analyst, Desk
from actors.hand_over import HandOver
from actors.job import JobDesk, Report
from actors.plan_run import PlanMaker
from actors.recompute import stored_input
from actors.situation import Situation
from ledger.errors import Unavailable
from ledger.fact import CORE
from ledger.plan import Plan, StepState, StoredPlan
from ledger.planner_run import PlannerRun
from ledger.portfolio import PortfolioSnapshot
from policy import replan
from policy.planner import PlanInput
from policy.replan import Basis
from store.plan_inputs import PlanInputs
from store.plans import Plans
from wire.board import Latest
from wire.clock import Clock
from wire.events import EventRing, EventType
from wire.health import Health
from wire.mailbox import AskBox, NudgeBox, serving
from wire.messages import Boards, Nudge, TargetWeights
from wire.runner import Runner

BEAT_S = 20.0
# Asks answered at once; whoever comes later waits in the box.
AT_ONCE = 4
# An asked plan is begun anew this often when the situation changes under it.
MOST_TRIES = 5
UNSEEN = "the securities have not been looked at yet"


@dataclass(frozen=True, slots=True)
class PlannerPorts:
    """`desks` answer by the type of what is asked; `load` is awaited before anything is planned;
    `wake` tells that the owner said something.
    """

    plans: Plans
    inputs: PlanInputs
    situation: Situation
    maker: PlanMaker
    hand_over: HandOver
    desks: Mapping[type, Desk]
    load: tuple[Callable[[], Awaitable[None]], ...]
    analyst: Analyst
    boards: Boards
    events: EventRing
    health: Health
    jobs: JobDesk
    clock: Clock
    asks: AskBox
    nudges: NudgeBox[Nudge]
    wake: Latest[str]
    runner: Runner


@dataclass(frozen=True, slots=True)
class _Known:
    """What the current plan was made for, once `filled` of its conversions were executed."""

    plan_id: str
    filled: int
    basis: Basis


class Planner:
    """See the module's docstring; `run` never returns."""

    def __init__(self, ports: PlannerPorts) -> None:
        self._p = ports
        self._s = ports.situation
        self._known: _Known | None = None
        self._left: tuple[PlannerRun, PlanInput] | None = None
        self._put_off: Nudge | None = None

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        for load in self._p.load:
            await load()
        await self._p.analyst.load()
        self._left = await self._p.maker.interrupted()
        current = await self._p.plans.current(CORE)
        self._publish(current)
        self._p.maker.say("idle", current.plan.portfolio_hash if current else "")
        task_status.started()
        async with trio.open_nursery() as nursery:
            for _ in range(AT_ONCE):
                nursery.start_soon(self._serve)
            nursery.start_soon(self._p.analyst.run)
            nursery.start_soon(self._loop)

    async def _serve(self) -> NoReturn:
        while True:
            ask = await self._p.asks.receive()
            async with serving(ask):
                desk = self._p.desks[type(ask.request)]
                ask.slot.answer(await desk.answer(ask.request))

    # When to look

    @property
    def _watched(self) -> tuple[Latest[Any], ...]:
        boards = self._p.boards
        known = (boards.opinions, boards.optimizer, boards.allocation, boards.correlations)
        return (
            boards.portfolio,
            boards.orders,
            *known,
            self._s.rules,
            self._s.strategies,
            self._p.analyst.done,
            self._p.wake,
        )

    def _versions(self) -> tuple[int, ...]:
        return tuple(board.version for board in self._watched)

    async def _loop(self) -> NoReturn:
        seen = (0,) * len(self._watched)
        while True:
            self._p.health.beat("planner")
            nudge = self._due(await self._wait(seen))
            seen = self._versions()
            if nudge is None:
                await self._consider()
            else:
                async with self._p.jobs.run("plan", nudge) as report:
                    await self._consider(report)

    def _due(self, nudge: Nudge | None) -> Nudge | None:
        """What to plan for now; while the analyst works, only what somebody waits for."""
        nudge, self._put_off = nudge or self._put_off, None
        if nudge and self._p.analyst.working and self._p.jobs.waiting("plan") is None:
            nudge, self._put_off = None, nudge
        return nudge

    async def _wait(self, seen: tuple[int, ...]) -> Nudge | None:
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
                for board, version in zip(self._watched, seen, strict=True):
                    nursery.start_soon(changed, board, version, nursery.cancel_scope)
        return taken[0] if taken else None

    # What to do

    async def _consider(self, report: Report | None = None) -> None:
        """Steps 1 to 5. With a report somebody asked, so a new plan is made in any case."""
        for _ in range(1 if report is None else MOST_TRIES):
            await self._follow()
            portfolio = self._p.boards.portfolio.value
            obstacle = await self._obstacle(portfolio)
            if portfolio is None or obstacle is not None:
                if report is not None:
                    report.skip(obstacle or "no portfolio yet")
                return
            # An order may have ended since the first look; none is on its way now.
            stored = await self._settled(await self._follow(), portfolio, asked=report is not None)
            if stored is not None:
                if report is not None:
                    report.result = stored.plan.narrative
                await self._p.hand_over.next_step(stored, portfolio)
                return
        if report is not None:
            report.skip("the situation kept changing")

    async def _obstacle(self, portfolio: PortfolioSnapshot | None) -> str | None:
        """Why nothing can be planned now. A plan made before the securities were looked at in this
        life would be replaced a moment later; what an earlier life planned would be, too.
        """
        unseen = portfolio is not None and self._p.boards.opinions.value is None
        self._p.maker.say_waiting(UNSEEN if unseen else None)
        return UNSEEN if unseen else await self._s.obstacle(portfolio)

    async def _follow(self) -> StoredPlan | None:
        """Step 1; the plan that is current behind it."""
        await self._p.plans.follow_orders()
        current = await self._p.plans.current(CORE)
        self._publish(current)
        return current

    async def _settled(
        self, stored: StoredPlan | None, portfolio: PortfolioSnapshot, *, asked: bool
    ) -> StoredPlan | None:
        """The plan for this portfolio: the one there is, a new one, or none for now."""
        given = await self._s.now(portfolio)
        made = await self._finish_left(given, asked=asked)
        if made is not None:
            return made
        if not asked and await self._reason(stored, given) is None:
            return stored
        if not asked and not given.config.enable_batch_generation:
            await self._give_up(stored)
            return None
        # What the analyst finds is published bit by bit; one plan is made of all of it.
        if not asked and (self._p.maker.resting or self._p.analyst.working):
            return None
        return await self._plan(given)

    async def _reason(self, stored: StoredPlan | None, given: PlanInput) -> str | None:
        """Why a new plan is needed; None while the stored one answers the situation `given`."""
        if stored is None:
            return "there is no plan"
        basis = await self._basis(stored, given)
        if basis is None:
            return "what the plan was made for is not known any more"
        limits = self._s.limits
        if self._p.hand_over.held(stored):
            expired = given.now >= self._expires_at(stored, given.snapshot)
            return replan.superseded(stored.ahead, basis, given, limits=limits, expired=expired)
        is_open = self._any_market_open(given.snapshot)
        return replan.outdated(stored.plan, basis, given, limits=limits, market_open=is_open)

    async def _basis(self, stored: StoredPlan, given: PlanInput) -> Basis | None:
        """What the plan was made for. Behind a conversion of its own it goes on from there."""
        plan_id, known = stored.plan.plan_id, self._known
        filled = sum(step.state is StepState.FILLED for step in stored.steps)
        if known is None or known.plan_id != plan_id:
            try:
                made_from = await stored_input(self._p.inputs, self._p.runner, stored.plan)
            except Unavailable:
                return None
            known = _Known(plan_id, 0, replan.basis_of(made_from))
        if known.filled != filled:
            after = replace(known.basis, portfolio_hash=given.portfolio_hash)
            known = _Known(plan_id, filled, after)
        self._known = known
        return known.basis

    def _expires_at(self, stored: StoredPlan, portfolio: PortfolioSnapshot) -> datetime:
        """When a plan that waits for its owner is over: with the session it could leave in, and
        not before the instant to which it was postponed.
        """
        made = stored.plan.created_at
        first = next((s.step.symbol for s in stored.steps if s.step.kind == "trade"), None)
        mic = next((s.instrument.mic for s in portfolio.universe if s.symbol == first), "")
        end = self._s.calendars.state(mic, made).closes_at or made + self._s.limits.plan_life
        return max(end, stored.postponed_until or end)

    def _any_market_open(self, portfolio: PortfolioSnapshot) -> bool:
        mics = {security.instrument.mic for security in portfolio.universe}
        return any(self._s.trading(mic).is_open for mic in mics)

    async def _give_up(self, stored: StoredPlan | None) -> None:
        """Plans are made when asked for only, and this one is out of date."""
        if stored is not None:
            await self._p.plans.supersede(stored.plan.plan_id)
            self._publish(await self._p.plans.get(stored.plan.plan_id))

    # Planning

    async def _plan(self, given: PlanInput) -> StoredPlan | None:
        """A new plan; None when the situation changed under it."""
        weights = TargetWeights(given.targets.weights, given.limits.max_position_share)
        self._p.boards.targets.publish(weights)
        made = await self._p.maker.make(given, self._wanted(given))
        return self._made(made, given)

    async def _finish_left(self, given: PlanInput, *, asked: bool) -> StoredPlan | None:
        """Go on with the run that an earlier life left open, when it still is what is needed."""
        if self._left is None:
            return None
        (left, made_from), self._left = self._left, None
        why = "a new plan was asked for" if asked else self._stale(made_from, given)
        if why is not None:
            await self._p.maker.cancel(left, why)
            return None
        made = await self._p.maker.resume(left, made_from, self._wanted(made_from))
        return self._made(made, made_from)

    def _stale(self, made_from: PlanInput, given: PlanInput) -> str | None:
        """Why a plan made from an older input would be no plan for the situation `given`."""
        if given.now - made_from.now > self._s.limits.plan_life:
            return "what it was made from has become old"
        return replan.changes(replan.basis_of(made_from), given, self._s.limits)

    def _wanted(self, given: PlanInput) -> Callable[[], Awaitable[str | None]]:
        """Whether the plan for `given` still is wanted; it looks when something has changed."""
        seen = self._versions()

        async def wanted() -> str | None:
            nonlocal seen
            self._p.health.beat("planner")
            if self._p.nudges.waiting:
                return "a new plan was asked for"
            if seen == self._versions():
                return None
            seen = self._versions()
            portfolio = self._p.boards.portfolio.value
            obstacle = await self._s.obstacle(portfolio)
            if portfolio is None or obstacle is not None:
                return obstacle
            return self._stale(given, await self._s.now(portfolio))

        return wanted

    def _made(self, stored: StoredPlan | None, given: PlanInput) -> StoredPlan | None:
        if stored is None:
            return None
        self._known = _Known(stored.plan.plan_id, 0, replan.basis_of(given))
        self._publish(stored)
        self._announce(stored.plan)
        return stored

    # Saying so

    def _publish(self, stored: StoredPlan | None) -> None:
        if stored is not None and stored != self._p.boards.plan.value:
            self._p.boards.plan.publish(stored)

    def _announce(self, plan: Plan) -> None:
        self._emit("PLAN_GENERATED", plan_id=plan.plan_id, steps=len(plan.steps))
        self._emit("RECOMMENDATIONS_READY", plan_id=plan.plan_id, narrative=plan.narrative)

    def _emit(self, type_: EventType, **data: str | int | None) -> None:
        self._p.events.emit(type_, source="planner", at=self._p.clock.machine_now(), data=data)
