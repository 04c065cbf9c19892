"""Watches every portfolio for cash below zero or below its reserve, and repairs it by exchange.

One conversion at a time: after its fill everything is computed anew from fresh balances. A
negative balance is an emergency and goes before other orders; a low reserve is repaired at most
once per currency and day.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import trio

from actors.job import JobDesk
from actors.situation import Situation
from ledger.errors import Conflict
from ledger.fact import CORE
from ledger.money import Money
from ledger.order import Intent, Mode, OrderState, Proposal
from ledger.portfolio import PortfolioSnapshot
from policy.emergency import (
    Deficit,
    Repair,
    Severity,
    Sources,
    available_cash,
    detect,
    proposal,
    repair,
)
from policy.fx import FxMarket
from policy.market_hours import FX
from policy.valuation import unfit
from wire.events import EventRing, EventType
from wire.health import Health
from wire.mailbox import NudgeBox
from wire.messages import Boards, IntentReady, Nudge

BEAT_S = 20.0


@dataclass(frozen=True, slots=True)
class RebalancerPorts:
    situation: Situation
    boards: Boards
    events: EventRing
    health: Health
    jobs: JobDesk
    nudges: NudgeBox[Nudge]
    intents: trio.MemorySendChannel[IntentReady]


class Rebalancer:
    """See the module's docstring; `run` never returns."""

    def __init__(self, ports: RebalancerPorts) -> None:
        self._p = ports
        self._s = ports.situation
        self._alarmed: frozenset[str] = frozenset()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        task_status.started()
        version = 0
        while True:
            self._p.health.beat("rebalancer")
            newer = await self._p.boards.portfolio.newer_within(version, BEAT_S)
            if newer is not None:
                version, portfolio = newer
                await self._repair(portfolio)
            await self._answer_nudge()

    async def _answer_nudge(self) -> None:
        nudge = await self._p.nudges.receive_within(0)
        if nudge is None:
            return
        async with self._p.jobs.run("rebalance", nudge) as report:
            portfolio = self._p.boards.portfolio.value
            if portfolio is None:
                report.skip("no portfolio yet")
            else:
                report.result = await self._repair(portfolio)

    async def _repair(self, portfolio: PortfolioSnapshot) -> str:
        """Propose the most urgent conversion; returns what was found or done, in words."""
        obstacle = unfit(portfolio) or await self._s.lag(portfolio)
        if obstacle is not None:
            return obstacle
        rates = self._s.trade_rates(portfolio)
        reserved = await self._reserved()
        deficits = detect(portfolio, rates, self._s.limits, reserved=reserved.values())
        self._alarm(deficits)
        if not deficits:
            return "every currency keeps its reserve"
        market = FxMarket(portfolio.pairs, portfolio.quotes, rates, self._s.fx_fees, self._s.limits)
        sources = Sources(
            free=available_cash(portfolio, reserved.values()),
            market=market,
            busy=await self._busy_currencies(),
        )
        found = repair(deficits, sources, repaired_today=await self._repaired_today(deficits))
        if not found:
            return f"{deficits[0].currency} needs {deficits[0].need}, no source can give it"
        return await self._propose(found[0], portfolio)

    async def _reserved(self) -> Mapping[str, Money]:
        promised = await self._s.orders.reserved_cash()
        return {currency: Money(minor, currency) for currency, minor in promised.items()}

    async def _busy_currencies(self) -> frozenset[str]:
        """Currencies that a conversion in flight, or waiting to leave, already moves."""
        orders = await self._pending()
        pairs = [o.proposal.symbol.split("/") for o in orders if "/" in o.proposal.symbol]
        return frozenset(currency for pair in pairs for currency in pair)

    async def _pending(self) -> tuple[Intent, ...]:
        """Orders waiting and in flight, in the order in which they move on: none slips through."""
        waiting = await self._s.orders.ready()
        return (*waiting, *await self._s.orders.in_flight())

    async def _repaired_today(self, deficits: tuple[Deficit, ...]) -> frozenset[str]:
        """Currencies whose reserve was already proposed to be repaired on this market day."""
        done: set[str] = set()
        for deficit in deficits:
            if await self._s.orders.last_attempt("fx", self._source(deficit), 1):
                done.add(deficit.currency)
        return frozenset(done)

    def _source(self, deficit: Deficit) -> str:
        day = self._s.clock.market_now().date()
        return f"reserve:{deficit.currency}:{day}"

    async def _propose(self, first: Repair, portfolio: PortfolioSnapshot) -> str:
        """Commit the conversion, unless something speaks against it now."""
        now = self._s.clock.market_now()
        wanted = await self._order(first)
        trading = self._p.boards.trading.value
        if trading is None or trading.halted:
            return "trading is halted"
        obstacle = await self._obstacle(wanted, trading.mode, now)
        if obstacle is not None:
            return obstacle
        try:
            intent = await self._s.orders.propose(
                wanted, mode=trading.mode, at=now, seen_seq=portfolio.ledger_seq
            )
        except Conflict as conflict:
            return str(conflict)
        if intent.state is OrderState.PROPOSED:
            await self._p.intents.send(IntentReady(intent.intent_id))
        return _said(intent)

    async def _obstacle(self, wanted: Proposal, mode: Mode, now: datetime) -> str | None:
        """Why the conversion has to wait: it was refused, its market is closed, others go first."""
        barred = await self._s.orders.barred(now)
        until = barred.get((wanted.symbol, wanted.side))
        if until is not None:
            return f"{wanted.symbol} waits until {until:%Y-%m-%d %H:%M}"
        if not self._s.calendars.is_open(FX, now):
            return "the currency market is closed"
        if wanted.order_class != "emergency" and await self._pending():
            return "an order is in flight"
        if mode == "research" and wanted.attempt > 1:
            return "this repair was simulated today"
        return None

    async def _order(self, first: Repair) -> Proposal:
        """A low reserve is an ordinary conversion; a negative balance an emergency."""
        source = self._source(first.deficit)
        if first.deficit.severity is Severity.LOW:
            return proposal(first, source_id=source, step=1, attempt=1, bucket_id=CORE)
        source = f"negative:{source}"
        attempt = 1 + await self._s.orders.last_attempt("emergency", source, 1)
        made = proposal(first, source_id=source, step=1, attempt=attempt, bucket_id=CORE)
        return replace(made, order_class="emergency")

    def _alarm(self, deficits: tuple[Deficit, ...]) -> None:
        """Negative cash is shown for as long as it lasts."""
        negative = frozenset(d.currency for d in deficits if d.severity is Severity.NEGATIVE)
        text = "REBALANCING NEGATIVE BALANCES"
        if negative and not self._alarmed:
            self._emit("ERROR_OCCURRED", text, ", ".join(sorted(negative)))
        if self._alarmed and not negative:
            self._emit("ERROR_CLEARED", text, "")
        self._alarmed = negative

    def _emit(self, type_: EventType, text: str, currencies: str) -> None:
        self._p.events.emit(
            type_,
            source="rebalancer",
            at=self._s.clock.machine_now(),
            data={"text": text, "currencies": currencies},
        )


def _said(intent: Intent) -> str:
    wanted = intent.proposal
    return f"{wanted.side} {wanted.quantity} {wanted.symbol}: {wanted.reason}"
