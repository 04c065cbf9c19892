"""Watches every portfolio for cash below zero or below its reserve, and repairs it.

A negative balance is an emergency: its recovery is a run of its own (actors.emergency) and goes
before everything else. A low reserve is repaired by one ordinary conversion, at most once per
currency and day. When there is nothing to repair, a portfolio far from its targets starts a plan.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import trio

from actors.emergency import Account, EmergencyDesk, EmergencyPorts
from actors.follow import follow
from actors.job import JobDesk
from actors.rebalancing import RebalanceDesk
from actors.situation import Situation
from ledger.errors import Conflict
from ledger.fact import CORE, is_pair
from ledger.money import Money
from ledger.order import Intent, Mode, OrderState, Proposal
from ledger.portfolio import PortfolioSnapshot
from policy.emergency import (
    Deficit,
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
from store.emergency import Emergencies
from wire.events import EventRing, EventType
from wire.health import Health
from wire.mailbox import AskBox, NudgeBox, serving
from wire.messages import Boards, IntentReady, Nudge
from wire.order_asks import Resolve

ALARM = "REBALANCING NEGATIVE BALANCES"


@dataclass(frozen=True, slots=True)
class RebalancerPorts:
    situation: Situation
    emergency: Emergencies
    boards: Boards
    events: EventRing
    health: Health
    jobs: JobDesk
    asks: AskBox
    nudges: NudgeBox[Nudge]
    sync: NudgeBox[Nudge]
    trader: AskBox
    intents: trio.MemorySendChannel[IntentReady]
    desk: RebalanceDesk


class Rebalancer:
    """See the module's docstring; `run` never returns."""

    def __init__(self, ports: RebalancerPorts) -> None:
        self._p = ports
        self._s = ports.situation
        self._emergency = EmergencyDesk(
            EmergencyPorts(
                situation=ports.situation,
                emergency=ports.emergency,
                boards=ports.boards,
                events=ports.events,
                intents=ports.intents,
                sync=ports.sync,
                trader=ports.trader,
            )
        )
        self._alarmed: frozenset[str] = frozenset()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        await self._emergency.restore()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._serve)
            nursery.start_soon(self._emergency.look_again)
            task_status.started()
            await follow(
                "rebalancer",
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
                if isinstance(ask.request, Resolve):
                    ask.slot.answer(await self._emergency.resolve(ask.request))
                else:
                    ask.slot.answer(await self._p.desk.answer(ask.request))

    async def _answer_nudge(self, nudge: Nudge) -> None:
        async with self._p.jobs.run("rebalance", nudge) as report:
            portfolio = self._p.boards.portfolio.value
            if portfolio is None:
                report.skip("no portfolio yet")
            else:
                report.result = await self._look(portfolio)

    async def _look(self, portfolio: PortfolioSnapshot) -> str:
        """Repair what is most urgent; returns what was found or done, in words."""
        obstacle = unfit(portfolio) or await self._s.lag(portfolio)
        if obstacle is not None:
            await self._emergency.blind(obstacle)
            return obstacle
        pending = await self._pending()
        deficits, sources = await self._measure(portfolio, pending)
        negative = tuple(d for d in deficits if d.severity is Severity.NEGATIVE)
        self._alarm(negative)
        said = await self._emergency.attend(Account(portfolio, negative, sources, pending))
        if said is not None:
            return said
        if not deficits:
            return await self._p.desk.follow_up()
        return await self._repair_low(portfolio, deficits, sources, pending)

    async def _measure(
        self, portfolio: PortfolioSnapshot, pending: tuple[Intent, ...]
    ) -> tuple[tuple[Deficit, ...], Sources]:
        """What is short, and what other currencies could give."""
        rates, limits = self._s.trade_rates(portfolio), self._s.limits
        reserved = await self._reserved()
        deficits = detect(portfolio, rates, limits, reserved=reserved.values())
        sources = Sources(
            free=available_cash(portfolio, reserved.values()),
            market=FxMarket(portfolio.pairs, portfolio.quotes, rates, self._s.fx_fees, limits),
            pots=await self._pots(),
            busy=_moved_by(pending),
        )
        return deficits, sources

    async def _reserved(self) -> Mapping[str, Money]:
        promised = await self._s.orders.reserved_cash()
        return {currency: Money(minor, currency) for currency, minor in promised.items()}

    async def _pots(self) -> Mapping[str, Money]:
        earmarked = await self._s.dividends.earmarked()
        return {currency: Money(minor, currency) for currency, minor in earmarked.items()}

    async def _pending(self) -> tuple[Intent, ...]:
        """Orders waiting and in flight, in the order in which they move on: none slips through."""
        waiting = await self._s.orders.ready()
        return (*waiting, *await self._s.orders.in_flight())

    # Low reserves

    async def _repair_low(
        self,
        portfolio: PortfolioSnapshot,
        deficits: tuple[Deficit, ...],
        sources: Sources,
        pending: tuple[Intent, ...],
    ) -> str:
        """Propose the most urgent conversion, unless something speaks against it now."""
        found = repair(deficits, sources, repaired_today=await self._repaired_today(deficits))
        if not found:
            return f"{deficits[0].currency} needs {deficits[0].need}, no source can give it"
        trading = self._p.boards.trading.value
        if trading is None or trading.halted:
            return "trading is halted"
        source = self._source(found[0].deficit)
        wanted = proposal(found[0], source_id=source, step=1, attempt=1, bucket_id=CORE)
        if pending:
            return "an order is in flight"
        obstacle = await self._obstacle(wanted, self._s.clock.market_now())
        return obstacle or await self._propose(wanted, trading.mode, portfolio.ledger_seq)

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

    async def _obstacle(self, wanted: Proposal, now: datetime) -> str | None:
        """Why the conversion has to wait: it was refused, or its market is closed."""
        barred = await self._s.orders.barred(now)
        until = barred.get((wanted.symbol, wanted.side))
        if until is not None:
            return f"{wanted.symbol} waits until {until:%Y-%m-%d %H:%M}"
        if not self._s.calendars.is_open(FX, now):
            return "the currency market is closed"
        return None

    async def _propose(self, wanted: Proposal, mode: Mode, seen_seq: int) -> str:
        now = self._s.clock.market_now()
        try:
            intent = await self._s.orders.propose(wanted, mode=mode, at=now, seen_seq=seen_seq)
        except Conflict as conflict:
            return str(conflict)
        if intent.state is OrderState.PROPOSED:
            await self._p.intents.send(IntentReady(intent.intent_id))
        return f"{wanted.side} {wanted.quantity} {wanted.symbol}: {wanted.reason}"

    # The alarm

    def _alarm(self, negative: tuple[Deficit, ...]) -> None:
        """Negative cash is shown for as long as it lasts."""
        currencies = frozenset(deficit.currency for deficit in negative)
        if currencies and not self._alarmed:
            self._emit("ERROR_OCCURRED", ", ".join(sorted(currencies)))
        if self._alarmed and not currencies:
            self._emit("ERROR_CLEARED", "")
        self._alarmed = currencies

    def _emit(self, type_: EventType, currencies: str) -> None:
        self._p.events.emit(
            type_,
            source="rebalancer",
            at=self._s.clock.machine_now(),
            data={"text": ALARM, "currencies": currencies},
        )


def _moved_by(orders: tuple[Intent, ...]) -> frozenset[str]:
    """Currencies that a conversion in flight, or waiting to leave, already moves."""
    pairs = [o.proposal.symbol.split("/") for o in orders if is_pair(o.proposal.symbol)]
    return frozenset(currency for pair in pairs for currency in pair)
