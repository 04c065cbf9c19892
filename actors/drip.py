"""Turns dividends that have really arrived into purchases, one order at a time.

It wakes with every new portfolio. What waits is kept in pots; an order reserves its part of them
in the transaction that commits it, and a pot that stayed unspent too long is given back.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import trio

from actors.job import JobDesk
from actors.situation import Situation
from ledger.dividend import DividendPot, PotState
from ledger.errors import Conflict
from ledger.fact import CORE
from ledger.order import Mode, OrderState
from ledger.portfolio import PortfolioSnapshot
from policy.drip import NoReinvestment, Reinvestment, reinvest
from policy.planner import scene_of
from wire.health import Health
from wire.mailbox import NudgeBox
from wire.messages import Boards, IntentReady, Nudge

BEAT_S = 20.0


@dataclass(frozen=True, slots=True)
class DripPorts:
    situation: Situation
    boards: Boards
    health: Health
    jobs: JobDesk
    nudges: NudgeBox[Nudge]
    intents: trio.MemorySendChannel[IntentReady]
    autonomous: bool


class Drip:
    """See the module's docstring; `run` never returns."""

    def __init__(self, ports: DripPorts) -> None:
        self._p = ports
        self._s = ports.situation

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        task_status.started()
        version = 0
        while True:
            self._p.health.beat("drip")
            newer = await self._p.boards.portfolio.newer_within(version, BEAT_S)
            if newer is not None:
                version, portfolio = newer
                if self._p.autonomous:
                    await self._reinvest(portfolio)
            await self._answer_nudge()

    async def _answer_nudge(self) -> None:
        nudge = await self._p.nudges.receive_within(0)
        if nudge is None:
            return
        async with self._p.jobs.run("drip", nudge) as report:
            portfolio = self._p.boards.portfolio.value
            if portfolio is None:
                report.skip("no portfolio yet")
            else:
                report.result = await self._reinvest(portfolio)

    async def _reinvest(self, portfolio: PortfolioSnapshot) -> str:
        """Release what waited too long, then propose the first purchase the pots allow."""
        pots = await self._release_old(await self._s.dividends.pots())
        if not any(pot.state is PotState.ACCUMULATING and pot.left.minor > 0 for pot in pots):
            return "no dividend waits for reinvestment"
        obstacle = await self._s.obstacle(portfolio)
        trading = self._p.boards.trading.value
        if obstacle is not None:
            return obstacle
        if trading is None or trading.halted or trading.mode != "live":
            return "orders may not leave now"
        found = await self._decide(portfolio, pots)
        if isinstance(found, NoReinvestment):
            return found.reason
        return await self._propose(found, trading.mode, portfolio)

    async def _decide(
        self, portfolio: PortfolioSnapshot, pots: tuple[DividendPot, ...]
    ) -> Reinvestment | NoReinvestment:
        scene = scene_of(await self._s.now(portfolio))
        if scene is None:
            return NoReinvestment("the fee's currency has no rate fit for trading")
        oldest = min(pot.dividend_id for pot in pots if pot.state is PotState.ACCUMULATING)
        source = f"pots:{oldest}:{portfolio.ledger_seq}"
        # What was refused or withdrawn left no fact: only the attempt tells it from the next one.
        earlier = await self._s.orders.last_attempt("drip", source, 1)
        return reinvest(
            pots,
            scene,
            yields={},
            open_for=self._open_for,
            source_id=source,
            attempt=1 + earlier,
            bucket_id=CORE,
        )

    async def _propose(self, found: Reinvestment, mode: Mode, portfolio: PortfolioSnapshot) -> str:
        wanted = found.proposal
        now = self._s.clock.market_now()
        try:
            intent = await self._s.orders.propose(
                wanted, mode=mode, at=now, shares=found.shares, seen_seq=portfolio.ledger_seq
            )
        except Conflict as conflict:
            return str(conflict)
        if intent.state is OrderState.PROPOSED:
            await self._p.intents.send(IntentReady(intent.intent_id))
        return f"{wanted.side} {wanted.quantity} {wanted.symbol}: {wanted.reason}"

    async def _release_old(self, pots: tuple[DividendPot, ...]) -> tuple[DividendPot, ...]:
        """Give pots that nothing could be bought from back to planning."""
        now = self._s.clock.market_now()
        kept: list[DividendPot] = []
        for pot in pots:
            idle = pot.state is PotState.ACCUMULATING
            if idle and now - pot.paid_at > self._s.limits.pot_life:
                await self._s.dividends.release(pot.dividend_id, at=now)
            else:
                kept.append(pot)
        return tuple(kept)

    def _open_for(self, mic: str) -> timedelta | None:
        """How long an exchange has been open today; None while it is closed or unknown."""
        now = self._s.clock.market_now()
        state = self._s.calendars.state(mic, now)
        if not state.is_open or state.opens_at is None:
            return None
        return now - state.opens_at
