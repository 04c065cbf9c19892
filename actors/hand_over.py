"""Hands the next step of a plan to the trader, when an order made of it could leave now.

Called by the planner with a current plan. What its owner has not let leave waits here, and so does
what the gates would refuse for the hour, the pace or a window of time: it is not proposed.
"""

from __future__ import annotations

from dataclasses import dataclass

import trio

from actors.situation import Situation
from ledger.bucket import Autonomy
from ledger.errors import Conflict
from ledger.order import Intent, OrderState
from ledger.plan import WAITING_STEPS, StepState, StoredPlan, StoredStep
from ledger.portfolio import PortfolioSnapshot
from policy import planner as planning
from policy.gates import all_must_wait
from policy.market_hours import FX
from store.plan_words import PlanWords
from store.proposals import Circumstances
from wire.messages import Boards, IntentReady

# Of a bucket that nobody has shown yet.
NOTHING_LEAVES = Autonomy("advise")


@dataclass(frozen=True, slots=True)
class HandOver:
    """`default` is the autonomy of a bucket whose owner has said nothing."""

    words: PlanWords
    situation: Situation
    boards: Boards
    intents: trio.MemorySendChannel[IntentReady]
    default: Autonomy

    def autonomy(self, bucket_id: str) -> Autonomy:
        """What may leave the bucket without its owner."""
        for bucket in self.boards.buckets.value or ():
            if bucket.bucket_id == bucket_id:
                return bucket.autonomy or self.default
        return NOTHING_LEAVES

    def held(self, stored: StoredPlan) -> bool:
        """Whether the plan's next step waits for its owner, or with his word for its hour."""
        step = stored.next_step
        if step is None or step.state not in WAITING_STEPS:
            return False
        if step.state is StepState.APPROVED or self._postponed(stored):
            return True
        return stored.awaits_word(self.autonomy(stored.plan.bucket_id))

    async def next_step(self, stored: StoredPlan, portfolio: PortfolioSnapshot) -> None:
        """Commit the plan's next step as an intent and tell the trader, unless it has to wait."""
        trading, step = self.boards.trading.value, stored.next_step
        if trading is None or trading.halted or trading.mode != "live":
            return
        if step is None or step.state not in WAITING_STEPS:
            return
        autonomy = self.autonomy(stored.plan.bucket_id)
        if autonomy.mode == "advise" or stored.awaits_word(autonomy) or self._postponed(stored):
            return
        if await self._waits(stored, step, portfolio):
            return
        try:
            intent = await self._commit(stored, step, portfolio, default=self.default)
        except Conflict:
            return  # the owner, the plan or the books have moved since: it is looked at again
        if intent.state is OrderState.PROPOSED:
            await self.intents.send(IntentReady(intent.intent_id))

    async def at_once(
        self,
        stored: StoredPlan,
        step: StoredStep,
        portfolio: PortfolioSnapshot | None,
        key: str | None,
        *,
        by: str,
    ) -> Intent:
        """The step as an intent because its owner, `by`, asks for it with `key`.

        The same step always gives the same intent. Raises what PlanWords.hand_over raises.
        """
        return await self._commit(stored, step, portfolio, default=None, key=key, by=by)

    async def _commit(
        self,
        stored: StoredPlan,
        step: StoredStep,
        portfolio: PortfolioSnapshot | None,
        *,
        default: Autonomy | None,
        key: str | None = None,
        by: str | None = None,
    ) -> Intent:
        trading = self.boards.trading.value
        how = Circumstances(
            mode=trading.mode if trading else "research",
            at=self.situation.clock.market_now(),
            seen_seq=portfolio.ledger_seq if portfolio else None,
            key=key,
        )
        wanted = planning.proposal(stored.plan, step.step, attempt=1)
        return await self.words.hand_over(
            stored.plan.plan_id, step.step.number, wanted, how, default=default, by=by
        )

    def _postponed(self, stored: StoredPlan) -> bool:
        until = stored.postponed_until
        return until is not None and self.situation.clock.market_now() < until

    async def _waits(
        self, stored: StoredPlan, chosen: StoredStep, portfolio: PortfolioSnapshot
    ) -> bool:
        """Whether the step would be refused now; a conversion waits for what it funds, too."""
        newest = next(iter(self.boards.orders.value or ()), None)
        if all_must_wait(newest, self.situation.clock.market_now()):
            return True
        if not self._markets_open(stored, chosen, portfolio):
            return True
        if await self.situation.pace() is not None:
            return True
        barred = await self.situation.barred(portfolio)
        return any((step.symbol, step.side) in barred for step in stored.ahead)

    def _markets_open(
        self, stored: StoredPlan, chosen: StoredStep, portfolio: PortfolioSnapshot
    ) -> bool:
        """A conversion waits for the market of the trade that it funds, too."""
        if chosen.step.kind == "fx" and not self.situation.trading(FX).is_open:
            return False
        funded = next((step for step in stored.ahead if step.kind == "trade"), None)
        if funded is None:
            return False
        securities = [s for s in portfolio.universe if s.symbol == funded.symbol]
        quote = portfolio.quotes.get(funded.symbol)
        return any(self.situation.may_leave(s, funded.side, quote) for s in securities)
