"""Turns dividends that have really arrived into purchases, one order at a time.

It looks with every new portfolio and when it is nudged. What waits is kept in pots; an order
reserves its part of them in the transaction that commits it, and a pot that stayed unspent too
long is given back. A purchase that its owner has to let leave is asked for first, as a decision
like any other; where the bucket only advises it just says what it would buy. Beside that it keeps
what the owner tells about dividends.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

import trio

from actors.follow import follow
from actors.job import JobDesk
from actors.situation import Situation
from ledger.bucket import Autonomy
from ledger.decision import kind_of
from ledger.dividend import DividendPot, PotState
from ledger.errors import Conflict, Missing, Refused
from ledger.fact import CORE
from ledger.order import OrderState, Side
from ledger.portfolio import PortfolioSnapshot
from policy.dividend_history import DividendAnalysis
from policy.drip import NoReinvestment, Reinvestment, payer, reinvest
from policy.planner import scene_of
from store.proposals import Circumstances
from store.reinvestment_asks import Answer, ReinvestmentAsks
from wire.dividend_asks import ClearBonus, MarkReinvested, NoteDividend, SetPendingBonus
from wire.health import Health
from wire.mailbox import Ask, AskBox, NudgeBox, serving
from wire.messages import Boards, IntentReady, Nudge
from wire.order_asks import Resolve

WORDS: Mapping[str, Answer] = {"approve": "approve", "reject": "reject"}


@dataclass(frozen=True, slots=True)
class DripPorts:
    """`default` is the autonomy of a bucket whose owner has said nothing."""

    situation: Situation
    boards: Boards
    health: Health
    jobs: JobDesk
    asks: AskBox
    nudges: NudgeBox[Nudge]
    intents: trio.MemorySendChannel[IntentReady]
    purchases: ReinvestmentAsks
    default: Autonomy


class Drip:
    """See the module's docstring; `run` never returns."""

    def __init__(self, ports: DripPorts) -> None:
        self._p = ports
        self._s = ports.situation
        # An earlier life may have left asks open.
        self._asking = True

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

    async def _answer(self, ask: Ask) -> int | str | None:
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
            case Resolve():
                return await self._resolve(ask.request)
            case other:
                raise AssertionError(f"drip was asked {other}")
        return None

    async def _resolve(self, asked: Resolve) -> str:
        """The owner's word on one purchase; it is acted on with the next look."""
        kind, name = kind_of(asked.decision_id)
        if kind != "reinvest" or not name.isascii() or not name.isdigit():
            raise Missing(f"there is no open decision {asked.decision_id}")
        if asked.choice not in WORDS:
            raise Refused(f"choice {asked.choice!r}: approve or reject", code="choice")
        if not asked.confirm:
            raise Refused("deciding needs confirm: true", code="confirmation_required")
        now = self._s.clock.market_now()
        await self._p.purchases.answer(int(name), WORDS[asked.choice], at=now)
        self._p.nudges.nudge(Nudge("the owner decided about a purchase"))
        return "it is bought once" if asked.choice == "approve" else "it is not bought"

    async def _answer_nudge(self, nudge: Nudge) -> None:
        async with self._p.jobs.run("drip", nudge) as report:
            portfolio = self._p.boards.portfolio.value
            if portfolio is None:
                report.skip("no portfolio yet")
            else:
                report.result = await self._reinvest(portfolio)

    async def _look(self, portfolio: PortfolioSnapshot) -> None:
        await self._reinvest(portfolio)

    @property
    def _autonomy(self) -> Autonomy:
        """What may be bought without the owner; nothing before anybody has shown it."""
        for bucket in self._p.boards.buckets.value or ():
            if bucket.bucket_id == CORE:
                return bucket.autonomy or self._p.default
        return Autonomy("advise")

    async def _reinvest(self, portfolio: PortfolioSnapshot) -> str:
        """Propose the first purchase the pots allow; returns what was found or done, in words."""
        pots = [pot for pot in await self._tidy() if pot.state is PotState.ACCUMULATING]
        if not pots:
            await self._withdraw()
            return "no dividend waits for reinvestment"
        obstacle = await self._s.obstacle(portfolio)
        if obstacle is not None:
            return obstacle
        found = await self._decide(portfolio, pots)
        if isinstance(found, NoReinvestment):
            await self._withdraw()
            return found.reason
        return await self._propose(found, portfolio)

    async def _withdraw(self) -> None:
        """Nothing is to be bought now, so nobody is asked about it."""
        if self._asking:
            await self._p.purchases.withdraw(CORE)
            self._asking = False

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
        given = await self._s.now(portfolio)
        rejected = await self._p.purchases.rejected(CORE, given.now)
        unwanted: frozenset[tuple[str, Side]] = frozenset((symbol, "BUY") for symbol in rejected)
        scene = scene_of(replace(given, barred=given.barred | unwanted))
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
        if trading is None or trading.halted or trading.mode != "live":
            return f"orders may not leave now; would {text}"
        waiting = await self._ask(found, text)
        if waiting is not None:
            return waiting
        wait = await self._s.pace()
        if wait is not None:
            return f"the next trade may be made at {wait:%Y-%m-%d %H:%M}; would {text}"
        how = Circumstances(trading.mode, self._s.clock.market_now(), portfolio.ledger_seq)
        try:
            intent = await self._p.purchases.hand_over(
                wanted, how, shares=found.shares, default=self._p.default
            )
        except Conflict as conflict:
            return str(conflict)
        if intent.state is OrderState.PROPOSED:
            await self._p.intents.send(IntentReady(intent.intent_id))
        return text

    async def _ask(self, found: Reinvestment, text: str) -> str | None:
        """Ask the owner when the purchase may not leave without him; None when it may leave."""
        wanted, autonomy = found.proposal, self._autonomy
        value = wanted.value_eur
        if autonomy.mode == "advise" or value is None:
            await self._withdraw()
            return f"would {text}"
        if autonomy.acts_alone(value):
            await self._withdraw()
            return None
        asked = await self._p.purchases.ask(
            wanted.bucket_id,
            wanted.symbol,
            value,
            detail=text,
            at=self._s.clock.market_now(),
        )
        self._asking = True
        return None if asked.answer == "approve" else f"its owner is asked; would {text}"

    def _open_for(self, mic: str) -> timedelta | None:
        """How long an exchange has been open today; None while orders may not leave for it."""
        now = self._s.clock.market_now()
        session = self._s.calendars.state(mic, now)
        if session.opens_at is None or not session.is_open or not self._s.trading(mic).is_open:
            return None
        return now - session.opens_at
