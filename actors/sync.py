"""Reads the broker and keeps the books: facts in, the portfolio board out.

One cycle: instruments, then fills, cash flows and corporate actions (each recorded in one
transaction), then the account to compare the books with, then rates and quotes, then one new
portfolio. A read that fails ends the cycle: the old figures stay and are marked stale. What the
owner asks about the ledger is answered between two cycles. The past is read beside them.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Set
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime

import trio

from actors.bookkeeper import Bookkeeper
from actors.exchange import Exchange
from actors.fact_news import tell
from actors.history import History
from actors.intake import Intake
from actors.job import JobDesk
from actors.ledger_desk import LedgerDesk
from actors.security_desk import SecurityDesk
from actors.universe import Universe
from ledger.account import AccountSnapshot
from ledger.errors import BrokerError, Busy, MalformedAnswer, Refused
from ledger.fact import MOST
from ledger.money import Price
from ledger.portfolio import BookDifference, PortfolioSnapshot
from ledger.quote import Quote
from ledger.rate import Rate
from policy.limits import Limits
from policy.lots import average_costs
from policy.target_days import target_days_between
from policy.valuation import Books, MarketView, ended_quotes, value_portfolio
from store.dividends import Dividends
from store.market import MarketStore
from store.snapshots import Snapshots
from wire.board import Latest, in_force
from wire.events import EventRing, EventType
from wire.health import Health
from wire.ledger_asks import ChooseLots, Lots
from wire.mailbox import AskBox, NudgeBox, serving
from wire.messages import Boards, BrokerLink, Nudge
from wire.order_asks import Resolve
from wire.price_asks import FetchBars
from wire.security_asks import AddSecurity, DeleteSecurity, SearchSecurities, UpdateSecurity

BEAT_S = 20.0
# What the owner asks waits this long for the cycle that runs, and is refused after that.
TURN_S = 10.0


@dataclass(frozen=True, slots=True)
class SyncPorts:
    intake: Intake
    keeper: Bookkeeper
    desk: LedgerDesk
    securities: SecurityDesk
    exchange: Exchange
    universe: Universe
    dividends: Dividends
    market: MarketStore
    snapshots: Snapshots
    jobs: JobDesk
    boards: Boards
    events: EventRing
    health: Health
    nudges: NudgeBox[Nudge]
    asks: AskBox
    rules: Latest[Limits]
    history: History


class Sync:
    """See the module's docstring; `run` never returns."""

    def __init__(self, ports: SyncPorts) -> None:
        self._p = ports
        self._clock = ports.intake.clock
        self._broker = ports.intake.broker
        self._costs: dict[str, Price] = {}
        self._costs_seq = -1
        self._stored: dict[str, tuple[Price, date]] = {}
        # One thing at a time reads the broker and writes the journal.
        self._turn = trio.Lock()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        await self._p.universe.load()
        await self._cycle(Nudge("start"))
        task_status.started()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._serve)
            nursery.start_soon(self._work)
            nursery.start_soon(self._p.history.run)

    async def _work(self) -> None:
        while True:
            self._p.health.beat("sync")
            nudge = await self._p.nudges.receive_within(BEAT_S)
            if nudge is not None:
                async with self._turn:
                    await self._cycle(nudge)

    async def _serve(self) -> None:
        while True:
            ask = await self._p.asks.receive()
            async with serving(ask):
                ask.slot.answer(await self._answer(ask.request))

    async def _answer(self, request: object) -> object:
        match request:
            case Resolve():
                return await self._resolve(request)
            case Lots(symbol):
                return await self._p.desk.report(self._p.universe.symbol_of(symbol))
            case ChooseLots():
                return await self._p.desk.choose(request)
            case SearchSecurities():
                return await self._p.securities.search(request)
            case AddSecurity() | UpdateSecurity() | DeleteSecurity():
                async with self._own_turn():
                    return await self._p.securities.change(request)
            case FetchBars():
                return self._p.history.request(request)
            case other:
                raise AssertionError(f"sync does not answer {other!r}")

    async def _resolve(self, asked: Resolve) -> str:
        """Decide about a difference, and show at once what that made of the books."""
        if asked.choice not in ("adjust", "recheck"):
            raise Refused(f"choice: {asked.choice!r}, it is adjust or recheck", code="choice")
        async with self._own_turn():
            if asked.choice == "adjust":
                done = await self._p.desk.adjust(asked)
                await self._cycle(Nudge("a difference was settled"))
                return done
            await self._p.desk.check_open(asked)
            error = await self._cycle(Nudge("a difference is looked at again"))
            return error or "books and account were compared again"

    @asynccontextmanager
    async def _own_turn(self) -> AsyncGenerator[None, None]:
        with trio.move_on_after(TURN_S) as waiting:
            await self._turn.acquire()
        if waiting.cancelled_caught:
            raise Busy("a sync is running")
        try:
            yield
        finally:
            self._turn.release()

    async def _cycle(self, nudge: Nudge) -> str | None:
        """One cycle; returns why it failed."""
        async with self._p.jobs.run("sync", nudge) as report:
            try:
                portfolio = await self._read()
            except (BrokerError, trio.TooSlowError) as error:
                text = str(error) or "the broker did not answer in time"
                report.fail(text)
                self._lost(text)
                self._announce_fresh()
                return text
            self._publish(portfolio)
            report.result = f"{self._announce_fresh()} new facts"
        return None

    async def _read(self) -> PortfolioSnapshot:
        await self._p.universe.refresh()
        await self._p.keeper.open_books()
        await self._p.intake.read_streams()
        # Orders first: what executes between two reads then counts twice, never not at all.
        with self._p.intake.step():
            orders = await self._broker.open_orders()
        account, differences = await self._p.keeper.check()
        await self._p.exchange.prove(differences, at=account.as_of)
        valued = await self._value(account, differences)
        portfolio = replace(valued, open_orders=tuple(order for order in orders if order.live))
        await self._p.snapshots.put(
            portfolio.as_of.date(),
            at=portfolio.as_of,
            total=portfolio.total_eur,
            cash=portfolio.cash_eur,
            invested=portfolio.cost_eur,
            profit=portfolio.profit_eur,
            positions=len(portfolio.positions),
            ledger_seq=portfolio.ledger_seq,
            rates=portfolio.rates,
        )
        return portfolio

    async def _value(
        self, account: AccountSnapshot, differences: tuple[BookDifference, ...]
    ) -> PortfolioSnapshot:
        balances = await self._p.intake.facts.balances()
        await self._p.universe.include(balances.holdings)
        market = await self._read_market(balances.holdings)
        if balances.seq != self._costs_seq:
            history = await self._p.intake.facts.cost_history(list(balances.holdings))
            self._costs = average_costs(history)
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

    async def _read_market(self, held: Mapping[str, int]) -> MarketView:
        pairs = await self._p.exchange.pairs()
        universe = self._p.universe.securities
        symbols = [s.symbol for s in universe if s.live or s.symbol in held]
        symbols += [pair.symbol for pair in pairs]
        with self._p.intake.step():
            read = await self._broker.rates()
        asked_at = self._clock.market_now()
        with self._p.intake.step():
            quotes = await self._broker.quotes(symbols)
        if any(quote.symbol != symbol for symbol, quote in quotes.items()):
            raise MalformedAnswer("a quote came under another symbol")
        absurd = [symbol for symbol, quote in quotes.items() if _absurd(quote)]
        if absurd:
            raise MalformedAnswer(f"no price is what {', '.join(absurd[:5])} is quoted at")
        rates = await self._p.exchange.accept(read, quotes, at=asked_at)
        await self._store_quotes(quotes)
        return MarketView(
            universe=universe,
            pairs=pairs,
            quotes=quotes,
            rates=rates,
            ended=await self._ended(held.keys() - quotes.keys(), quotes, asked_at),
        )

    async def _ended(
        self, unquoted: Set[str], quotes: Mapping[str, Quote], now: datetime
    ) -> Mapping[str, Quote]:
        """The last quotes of what is held and not quoted any more."""
        if not unquoted:
            return {}
        most = in_force(self._p.rules).max_value_price_age
        return ended_quotes(await self._p.market.quotes(), quotes, now=now, most=most)

    async def _store_quotes(self, quotes: Mapping[str, Quote]) -> None:
        """Write only prices that moved, and every price once a day, to spare the card."""
        seen = {symbol: (quote.last, quote.at.date()) for symbol, quote in quotes.items()}
        fresh = [quotes[symbol] for symbol in seen if self._stored.get(symbol) != seen[symbol]]
        if fresh:
            await self._p.market.put_quotes(fresh)
            self._stored.update(seen)

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

    def _announce_fresh(self) -> int:
        """Say what is new in the journal, whether or not the rest of the cycle succeeded."""
        facts, foreign = self._p.intake.take_fresh()
        portfolio = self._p.boards.portfolio.value
        tell(
            self._p.events,
            facts,
            flows=self._p.intake.flows,
            foreign=foreign,
            rates=None if portfolio is None else portfolio.rates,
            at=self._clock.machine_now(),
        )
        return len(facts)

    def _emit(self, type_: EventType, **data: str | int | bool | None) -> None:
        self._p.events.emit(type_, source="sync", at=self._clock.machine_now(), data=data)


def _absurd(quote: Quote) -> bool:
    prices = (quote.bid, quote.ask, quote.last, quote.previous_close)
    return any(price is not None and price.micro > MOST for price in prices)
