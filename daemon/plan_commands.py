"""What the control socket answers about plans, and the owner's word on them.

Without a plan's name the current one is meant.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast, get_args

from daemon.command_args import BY, Args, Command, amount, number, one_of, required, text
from daemon.control_errors import BadArgument
from daemon.plan_answers import autonomy_of, difference_of, plan_of, recomputed_of, step_of
from daemon.system import System
from ledger.bucket import Autonomy, AutonomyMode, default_autonomy
from ledger.currency import BASE
from ledger.errors import ActorUnavailable, BadData, Missing, Unavailable
from ledger.fact import CORE
from ledger.money import Money
from ledger.plan import OPEN_STEPS, StoredPlan
from policy.planning.plan_report import plan_report
from store.views import Views
from wire.clock import Clock
from wire.mailbox import Request
from wire.order_asks import MOST_PRICE
from wire.planner_asks import (
    ApprovePlan,
    DismissStep,
    PostponePlan,
    RecomputePlan,
    RejectPlan,
    SetAutonomy,
    ShowDifference,
)

ASK_S = 10.0
# The planner may be in the middle of a batch.
DECIDE_S = 30.0
RECOMPUTE_S = 100.0
MOST_STEPS = 99
MOST_MINUTES = 30 * 24 * 60
MODES: tuple[str, ...] = get_args(AutonomyMode)


@dataclass(frozen=True, slots=True)
class PlanCommands:
    system: System
    views: Views
    clock: Clock
    paper: bool

    def table(self) -> dict[str, Command]:
        return {
            "plan": self.plan,
            "plan_report": self.plan_report,
            "recommend": self.recommend,
            "approve": self.approve,
            "reject": self.reject,
            "postpone": self.postpone,
            "dismiss": self.dismiss,
            "autonomy": self.autonomy,
            "recompute": self.recompute,
        }

    async def plan(self, args: Args) -> dict[str, Any] | None:
        """A plan with what became of its steps and what it changes."""
        stored = await self._shown(args)
        return None if stored is None else {**self._told(stored), **await self._difference(stored)}

    async def plan_report(self, args: Args) -> dict[str, Any] | None:
        """A plan as one Markdown document."""
        stored = await self._shown(args)
        if stored is None:
            return None
        return {"plan_id": stored.plan.plan_id, "markdown": plan_report(stored.plan)}

    async def _shown(self, args: Args) -> StoredPlan | None:
        plan_id = text(args, "plan_id", None)
        return await self.views.stored_plan(plan_id) if plan_id else self._board

    async def _difference(self, stored: StoredPlan) -> dict[str, Any]:
        """What the plan changes, or why that cannot be told; the plan itself is told anyway."""
        asked = ShowDifference(stored.plan.plan_id)
        try:
            found = await self.system.asks.planner.ask(asked, deadline_s=ASK_S)
        except (ActorUnavailable, Unavailable, Missing) as error:
            return {"difference": None, "no_difference": str(error)}
        return {"difference": difference_of(found), "no_difference": None}

    async def recommend(self, _: Args) -> dict[str, Any]:
        """What still waits to be done."""
        stored = self._board
        waiting = () if stored is None or stored.superseded else stored.steps
        return {
            "plan_id": None if stored is None else stored.plan.plan_id,
            "narrative": None if stored is None else stored.plan.narrative,
            "steps": [step_of(item) for item in waiting if item.state in OPEN_STEPS],
        }

    async def approve(self, args: Args) -> dict[str, Any]:
        step = int(number(args, "step", 0, low=1, high=MOST_STEPS))
        return await self._decide(ApprovePlan(self._meant(args), step or None, BY))

    async def reject(self, args: Args) -> dict[str, Any]:
        return await self._decide(RejectPlan(self._meant(args), BY))

    async def postpone(self, args: Args) -> dict[str, Any]:
        """`until` an instant of market time, or for so many `minutes` of it."""
        minutes = number(args, "minutes", 0, low=1, high=MOST_MINUTES)
        if minutes:
            until = self.clock.market_now() + timedelta(minutes=minutes)
        else:
            until = _instant(required(args, "until"))
        return await self._decide(PostponePlan(self._meant(args), until, BY))

    async def dismiss(self, args: Args) -> dict[str, Any]:
        plan_id, _, step = required(args, "step_id").rpartition("-")
        if not plan_id or not (step.isascii() and step.isdigit()) or int(step) > MOST_STEPS:
            raise BadArgument("step_id", "is a plan and the number of a step, as PLAN-2")
        return await self._decide(DismissStep(plan_id, int(step), BY))

    async def autonomy(self, args: Args) -> list[dict[str, Any]]:
        """Of every bucket; with `mode` change that of one first."""
        mode = one_of(args, "mode", MODES)
        if mode is not None:
            bucket_id = text(args, "bucket_id", None) or CORE
            wanted = Autonomy(cast("AutonomyMode", mode), _limit(args))
            said = await self.system.asks.planner.ask(
                SetAutonomy(bucket_id, wanted, BY), deadline_s=DECIDE_S
            )
            return [self._autonomy(bucket_id, said)]
        buckets = self.system.boards.buckets.value or ()
        rows = [self._autonomy(one.bucket_id, one.autonomy) for one in buckets]
        return rows or [self._autonomy(CORE, None)]

    async def recompute(self, args: Args) -> dict[str, Any]:
        request = RecomputePlan(required(args, "plan_id"))
        found = await self.system.asks.planner.ask(request, deadline_s=RECOMPUTE_S)
        return recomputed_of(found)

    @property
    def _board(self) -> StoredPlan | None:
        return self.system.boards.plan.value

    def _meant(self, args: Args) -> str:
        plan_id = text(args, "plan_id", None)
        if plan_id:
            return plan_id
        if self._board is None:
            raise Missing("there is no plan yet")
        return self._board.plan.plan_id

    def _told(self, stored: StoredPlan) -> dict[str, Any]:
        holds = self._holds(stored.plan.bucket_id)
        return {
            **plan_of(stored),
            "autonomy": holds.mode,
            "awaiting_approval": stored.awaits_word(holds),
        }

    def _holds(self, bucket_id: str) -> Autonomy:
        buckets = self.system.boards.buckets.value or ()
        said = next((one.autonomy for one in buckets if one.bucket_id == bucket_id), None)
        return said or default_autonomy(paper=self.paper)

    def _autonomy(self, bucket_id: str, said: Autonomy | None) -> dict[str, Any]:
        holds = said or default_autonomy(paper=self.paper)
        return {**autonomy_of(bucket_id, holds), "paper": self.paper}

    async def _decide(self, request: Request[StoredPlan]) -> dict[str, Any]:
        return self._told(await self.system.asks.planner.ask(request, deadline_s=DECIDE_S))


def _instant(given: str) -> datetime:
    """In UTC; raises BadArgument for what is no instant with an offset."""
    try:
        instant = datetime.fromisoformat(given)
        if instant.tzinfo is not None:
            return instant.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise BadArgument("until", f"{given!r} is no instant such as 2026-03-02T09:00:00Z")


def _limit(args: Args) -> Money | None:
    below = amount(args, "act_below_eur", MOST_PRICE)
    if below is None:
        return None
    try:
        return Money.of(below, BASE)
    except BadData:
        raise BadArgument("act_below_eur", f"{below} is finer than a cent") from None
