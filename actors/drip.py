"""Turns dividends that have really arrived into purchases, one order at a time.

It looks with every new portfolio and when it is nudged. What waits is kept in pots; an order
reserves its part of them in the transaction that commits it, and a pot that stayed unspent too
long is given back. Without leave to act by itself it only says what it would buy. Beside that it
keeps what the owner tells about dividends.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import trio

from actors.follow import follow
from actors.job import JobDesk
from actors.situation import Situation
from ledger.dividend import DividendPot, PotState
from ledger.errors import Conflict
from ledger.fact import CORE
from ledger.order import OrderState
from ledger.portfolio import PortfolioSnapshot
from policy.dividend_history import DividendAnalysis
from policy.drip import NoReinvestment, Reinvestment, payer, reinvest
from policy.planner import scene_of
from wire.dividend_asks import ClearBonus, MarkReinvested, NoteDividend, SetPendingBonus
from wire.health import Health
from wire.mailbox import Ask, AskBox, NudgeBox, serving
from wire.messages import Boards, IntentReady, Nudge


@dataclass(frozen=True, slots=True)
class DripPorts:
    situation: Situation
    boards: Boards
    health: Health
    jobs: JobDesk
    asks: AskBox
    nudges: NudgeBox[Nudge]
    intents: trio.MemorySendChannel[IntentReady]
    autonomous: bool


class Drip:
    """See the module's docstring; `run` never returns."""

    def __init__(self, ports: DripPorts) -> None:
        self._p = ports
        self._s = ports.situation

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._serve)
            task_status.started()
            await follow(
                "drip",
                boards=self._p.boards,
                nudges=self._p.nudges,
                health=self._p.health,
                portfolio=self._look,
                nudged=self._answer_nudge,
            )

    async def _serve(self) -> None:
        while True:
            ask = await self._p.asks.receive()
            async with serving(ask):
                ask.slot.answer(await self._answer(ask))

    async def _answer(self, ask: Ask) -> int | None:
        """Each is one transaction, so it may come in the middle of a decision."""
        dividends, now = self._s.dividends, self._s.clock.market_now()
        match ask.request:
            case NoteDividend(note=note, by=by):
                return await dividends.note(note, at=now, by=by)
            case SetPendingBonus(dividend_id=dividend_id, bonus=bonus):
                await dividends.set_bonus(dividend_id, bonus)
            case MarkReinvested(dividend_id=dividend_id, bought=bought):
                await dividends.mark_reinvested(dividend_id, bought, at=now)
            case ClearBonus(symbol=symbol):
                return await dividends.clear_bonus(symbol, at=now)
            case other:
                raise AssertionError(f"drip was asked {other}")
        return None

    async def _answer_nudge(self, nudge: Nudge) -> None:
        async with self._p.jobs.run("drip", nudge) as report:
            portfolio = self._p.boards.portfolio.value
            if portfolio is None:
                report.skip("no portfolio yet")
            else:
                report.result = await self._reinvest(portfolio)

    async def _look(self, portfolio: PortfolioSnapshot) -> None:
        if self._p.autonomous:
            await self._reinvest(portfolio)
        else:
            await self._tidy()

    async def _reinvest(self, portfolio: PortfolioSnapshot) -> str:
        """Propose the first purchase the pots allow; returns what was found or done, in words."""
        pots = [pot for pot in await self._tidy() if pot.state is PotState.ACCUMULATING]
        if not pots:
            return "no dividend waits for reinvestment"
        obstacle = await self._s.obstacle(portfolio)
        if obstacle is not None:
            return obstacle
        found = await self._decide(portfolio, pots)
        if isinstance(found, NoReinvestment):
            return found.reason
        return await self._propose(found, portfolio)

    async def _tidy(self) -> tuple[DividendPot, ...]:
        """Pay debts between pots and give back what nothing was bought from for too long."""
        pots = await self._s.dividends.pots()
        now = self._s.clock.market_now()
        if any(pot.left.minor < 0 for pot in pots):
            await self._s.dividends.repay(now)
            pots = await self._s.dividends.pots()
        kept: list[DividendPot] = []
        for pot in pots:
            idle = pot.state is PotState.ACCUMULATING
            if idle and now - pot.paid_at > self._s.limits.pot_life:
                await self._s.dividends.release(pot.dividend_id, at=now)
            else:
                kept.append(pot)
        return tuple(kept)

    async def _decide(
        self, portfolio: PortfolioSnapshot, pots: list[DividendPot]
    ) -> Reinvestment | NoReinvestment:
        scene = scene_of(await self._s.now(portfolio))
        if scene is None:
            return NoReinvestment("the fee's currency has no rate fit for trading")
        oldest = min(pot.dividend_id for pot in pots)
        source = f"pots:{oldest}:{portfolio.ledger_seq}"
        # What was refused or withdrawn left no fact: only the attempt tells it from the next one.
        earlier = await self._s.orders.last_attempt("drip", source, 1)
        return reinvest(
            pots,
            scene,
            payers=await self._payers(portfolio, pots),
            open_for=self._open_for,
            source_id=source,
            attempt=1 + earlier,
            bucket_id=CORE,
        )

    async def _payers(
        self, portfolio: PortfolioSnapshot, pots: list[DividendPot]
    ) -> Mapping[str, DividendAnalysis]:
        """What is known of every security whose dividends wait, in one read."""
        today = self._s.clock.market_now().date()
        actions = await self._s.dividends.actions(sorted({pot.symbol for pot in pots}))
        quotes = portfolio.quotes
        return {
            symbol: payer(symbol, told, quotes[symbol].last if symbol in quotes else None, today)
            for symbol, told in actions.items()
        }

    async def _propose(self, found: Reinvestment, portfolio: PortfolioSnapshot) -> str:
        """Commit the purchase together with its part of the pots, if orders may leave now."""
        wanted = found.proposal
        text = f"{wanted.side} {wanted.quantity} {wanted.symbol}: {wanted.reason}"
        trading = self._p.boards.trading.value
        if not self._p.autonomous:
            return f"would {text}"
        if trading is None or trading.halted or trading.mode != "live":
            return f"orders may not leave now; would {text}"
        wait = await self._s.pace()
        if wait is not None:
            return f"the next trade may be made at {wait:%Y-%m-%d %H:%M}; would {text}"
        now = self._s.clock.market_now()
        try:
            intent = await self._s.orders.propose(
                wanted,
                mode=trading.mode,
                at=now,
                shares=found.shares,
                seen_seq=portfolio.ledger_seq,
            )
        except Conflict as conflict:
            return str(conflict)
        if intent.state is OrderState.PROPOSED:
            await self._p.intents.send(IntentReady(intent.intent_id))
        return text

    def _open_for(self, mic: str) -> timedelta | None:
        """How long an exchange has been open today; None while orders may not leave for it."""
        now = self._s.clock.market_now()
        session = self._s.calendars.state(mic, now)
        if session.opens_at is None or not session.is_open or not self._s.trading(mic).is_open:
            return None
        return now - session.opens_at
