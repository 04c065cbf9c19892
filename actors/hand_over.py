"""Hands the next step of a plan to the trader, when an order made of it could leave now.

Called by the planner with a current plan. What the gates would refuse for the hour, the pace or a
window of time is not proposed: it waits here, and the plan with it.
"""

from __future__ import annotations

from dataclasses import dataclass

import trio

from actors.situation import Situation
from ledger.errors import Conflict
from ledger.order import Intent, OrderState
from ledger.plan import StepState, StoredPlan, StoredStep
from ledger.portfolio import PortfolioSnapshot
from policy import planner as planning
from policy.gates import all_must_wait
from policy.market_hours import FX
from store.orders import Orders
from store.plans import Plans
from wire.messages import Boards, IntentReady


@dataclass(frozen=True, slots=True)
class HandOver:
    orders: Orders
    plans: Plans
    situation: Situation
    boards: Boards
    intents: trio.MemorySendChannel[IntentReady]

    async def next_step(self, stored: StoredPlan | None, portfolio: PortfolioSnapshot) -> None:
        """Commit the plan's next step as an intent and tell the trader, unless it has to wait."""
        trading = self.boards.trading.value
        if stored is None or trading is None or trading.halted or trading.mode != "live":
            return
        step = stored.next_step
        if step is None or await self._waits(stored, step, portfolio):
            return
        try:
            intent = await self.propose(stored, step, portfolio)
        except Conflict:
            return  # the books have moved since, and a newer portfolio is on its way
        if intent.state is OrderState.PROPOSED:
            await self.intents.send(IntentReady(intent.intent_id))

    async def propose(
        self,
        stored: StoredPlan,
        chosen: StoredStep,
        portfolio: PortfolioSnapshot | None,
        *,
        key: str | None = None,
    ) -> Intent:
        """Commit the step as an intent; the same step always gives the same intent.

        `key` is what its owner asked for it with.
        """
        trading, step = self.boards.trading.value, chosen.step
        intent = await self.orders.propose(
            planning.proposal(stored.plan, step, attempt=1),
            mode=trading.mode if trading else "research",
            at=self.situation.clock.market_now(),
            seen_seq=portfolio.ledger_seq if portfolio else None,
            key=key,
        )
        await self.plans.move_step(
            chosen.plan_id,
            step.number,
            expected=StepState.PROPOSED,
            to=StepState.SUBMITTING,
            intent_id=intent.intent_id,
        )
        return intent

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
        return any((s.step.symbol, s.step.side) in barred for s in _together(stored, chosen))

    def _markets_open(
        self, stored: StoredPlan, chosen: StoredStep, portfolio: PortfolioSnapshot
    ) -> bool:
        """A conversion waits for the market of the trade that it funds, too."""
        if chosen.step.kind == "fx" and not self.situation.trading(FX).is_open:
            return False
        funded = next((s.step for s in _together(stored, chosen) if s.step.kind == "trade"), None)
        if funded is None:
            return False
        securities = [s for s in portfolio.universe if s.symbol == funded.symbol]
        quote = portfolio.quotes.get(funded.symbol)
        return any(self.situation.may_leave(s, funded.side, quote) for s in securities)


def _together(stored: StoredPlan, chosen: StoredStep) -> tuple[StoredStep, ...]:
    """The step and, when it is a conversion, everything up to the trade that it funds."""
    ahead = [step for step in stored.steps if step.step.number >= chosen.step.number]
    first_trade = next((i for i, step in enumerate(ahead) if step.step.kind == "trade"), None)
    return tuple(ahead if first_trade is None else ahead[: first_trade + 1])
