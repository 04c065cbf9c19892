"""Reads the broker and keeps the books: facts in, the portfolio board out.

One cycle: instruments, then fills, cash flows and corporate actions (each recorded in one
transaction), then the account to compare the books with, then rates and quotes, then one new
portfolio. A read that fails ends the cycle: the old figures stay and are marked stale.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import chain

import trio

from actors.exchange import Exchange
from actors.intake import Intake
from actors.job import JobDesk
from ledger.account import AccountSnapshot
from ledger.errors import BrokerError, MalformedAnswer
from ledger.fact import CashFlow, CorporateAction, Fact, Fill
from ledger.money import Price
from ledger.portfolio import BookDifference, PortfolioSnapshot
from ledger.quote import Quote
from ledger.rate import Rate
from ledger.security import Security
from policy.cost_basis import average_costs
from policy.limits import Limits
from policy.target_days import target_days_between
from policy.valuation import Books, MarketView, value_portfolio
from store.dividends import Dividends
from store.market import MarketStore
from store.securities import Securities
from store.snapshots import Snapshots
from wire.board import Latest, in_force
from wire.events import EventRing, EventType
from wire.health import Health
from wire.mailbox import NudgeBox
from wire.messages import Boards, BrokerLink, Nudge

BEAT_S = 20.0


@dataclass(frozen=True, slots=True)
class SyncPorts:
    intake: Intake
    exchange: Exchange
    securities: Securities
    dividends: Dividends
    market: MarketStore
    snapshots: Snapshots
    jobs: JobDesk
    boards: Boards
    events: EventRing
    health: Health
    nudges: NudgeBox[Nudge]
    rules: Latest[Limits]


class Sync:
    """See the module's docstring; `run` never returns."""

    def __init__(self, ports: SyncPorts) -> None:
        self._p = ports
        self._clock = ports.intake.clock
        self._broker = ports.intake.broker
        self._universe: tuple[Security, ...] = ()
        self._universe_day: date | None = None
        self._costs: dict[str, Price] = {}
        self._costs_seq = -1
        self._stored: dict[str, Price] = {}

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        self._universe = await self._p.securities.all()
        await self._cycle(Nudge("start"))
        task_status.started()
        while True:
            self._p.health.beat("sync")
            nudge = await self._p.nudges.receive_within(BEAT_S)
            if nudge is not None:
                await self._cycle(nudge)

    async def _cycle(self, nudge: Nudge) -> None:
        async with self._p.jobs.run("sync", nudge) as report:
            try:
                facts, portfolio = await self._read()
            except (BrokerError, trio.TooSlowError) as error:
                text = str(error) or "the broker did not answer in time"
                report.fail(text)
                self._lost(text)
                return
            report.result = f"{len(facts)} new facts"
            self._publish(portfolio)
            for fact in facts:
                self._announce(fact)

    async def _read(self) -> tuple[Sequence[Fact], PortfolioSnapshot]:
        await self._refresh_universe()
        intake = self._p.intake
        facts: list[Fact] = list(await intake.open_books())
        facts += await intake.read_streams()
        account, differences, late = await intake.check_books()
        await self._p.exchange.prove(differences, at=account.as_of)
        facts += late
        portfolio = await self._value(account, differences)
        await self._p.snapshots.put(
            portfolio.as_of.date(),
            at=portfolio.as_of,
            total=portfolio.total_eur,
            cash=portfolio.cash_eur,
            invested=None,
            positions=len(portfolio.positions),
            ledger_seq=portfolio.ledger_seq,
        )
        return facts, portfolio

    async def _refresh_universe(self) -> None:
        """Instruments are read once a market day."""
        today = self._clock.market_now().date()
        if self._universe_day == today:
            return
        with self._p.intake.step():
            instruments = await self._broker.instruments()
        first = not self._universe
        # What joins the account's universe later waits for the owner before it is traded.
        self._universe = await self._p.securities.upsert(
            instruments, allow_trading=first, confirmed=first
        )
        self._universe_day = today

    async def _value(
        self, account: AccountSnapshot, differences: tuple[BookDifference, ...]
    ) -> PortfolioSnapshot:
        market = await self._read_market()
        balances = await self._p.intake.facts.balances()
        if balances.seq != self._costs_seq:
            history = await self._p.intake.facts.cost_history(list(balances.holdings))
            self._costs = average_costs(chain.from_iterable(history.values()))
            self._costs_seq = balances.seq
        books = Books(
            ledger_seq=balances.seq,
            holdings=balances.holdings,
            cash=balances.cash,
            average_costs=self._costs,
            pots=tuple(pot.left for pot in await self._p.dividends.pots()),
            differences=differences,
        )
        today = account.as_of.date()

        def days_old(rate: Rate) -> int:
            return target_days_between(rate.as_of, today)

        return value_portfolio(
            books,
            market,
            as_of=account.as_of,
            read_at_s=account.read_at_s,
            days_old=days_old,
            max_rate_days=in_force(self._p.rules).max_value_rate_days,
        )

    async def _read_market(self) -> MarketView:
        pairs = await self._p.exchange.pairs()
        symbols = [s.symbol for s in self._universe if s.active]
        symbols += [pair.symbol for pair in pairs]
        with self._p.intake.step():
            read = await self._broker.rates()
        asked_at = self._clock.market_now()
        with self._p.intake.step():
            quotes = await self._broker.quotes(symbols)
        if any(quote.symbol != symbol for symbol, quote in quotes.items()):
            raise MalformedAnswer("a quote came under another symbol")
        rates = await self._p.exchange.accept(read, quotes, at=asked_at)
        await self._store_quotes(quotes)
        return MarketView(universe=self._universe, pairs=pairs, quotes=quotes, rates=rates)

    async def _store_quotes(self, quotes: Mapping[str, Quote]) -> None:
        """Write only prices that moved, to spare the card."""
        moved = [q for symbol, q in quotes.items() if self._stored.get(symbol) != q.last]
        if moved:
            await self._p.market.put_quotes(moved)
            self._stored.update((quote.symbol, quote.last) for quote in moved)

    def _lost(self, error: str) -> None:
        """Keep the old figures, say that they are old."""
        link = self._p.boards.link.value
        failures = link.consecutive_failures if link else 0
        success = link.last_success_at if link else None
        self._p.boards.link.publish(BrokerLink(False, success, error, failures + 1))
        portfolio = self._p.boards.portfolio.value
        if portfolio is not None:
            self._p.boards.portfolio.publish(replace(portfolio, stale=error))
        self._emit("ERROR_OCCURRED", error=error, text="BROKER CONNECTION FAILED")

    def _publish(self, portfolio: PortfolioSnapshot) -> None:
        link = self._p.boards.link.value
        if link is not None and not link.connected:
            self._emit("ERROR_CLEARED", text="BROKER CONNECTION FAILED")
        now = self._clock.machine_now()
        self._p.boards.link.publish(BrokerLink(True, now, None, 0))
        self._p.boards.portfolio.publish(portfolio)
        total = portfolio.total_eur
        self._emit(
            "PORTFOLIO_CHANGED",
            total_eur=None if total is None else str(total.amount),
            ledger_seq=portfolio.ledger_seq,
        )

    def _announce(self, fact: Fact) -> None:
        match fact:
            case Fill():
                self._emit(
                    "TRADE_EXECUTED",
                    symbol=fact.symbol,
                    side=fact.side,
                    quantity=str(fact.quantity),
                    value=str(fact.gross.amount),
                    currency=fact.gross.currency,
                    foreign=fact.client_order_id is None,
                )
            case CashFlow(category="deposit"):
                self._emit(
                    "DEPOSIT_PROCESSED",
                    transaction_id=fact.flow_id,
                    amount=str(fact.money.amount),
                    currency=fact.money.currency,
                )
            case CorporateAction(kind="dividend"):
                self._emit("DIVIDEND_CREATED", symbol=fact.symbol, action_id=fact.action_id)
            case _:
                pass

    def _emit(self, type_: EventType, **data: str | int | bool | None) -> None:
        self._p.events.emit(type_, source="sync", at=self._clock.machine_now(), data=data)
