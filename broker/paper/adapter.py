"""PaperBroker: the paper exchange as a `broker.port.Broker`.

The daemon's wiring builds it; sync and trader speak to it like to any other broker. All work is
done in the caller's task, in microseconds, a long history with pauses for others; nothing here
waits unless a line latency is asked for.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

import trio

from broker.market_data import MarketData
from broker.paper import answers, tables
from broker.paper.exchange import Exchange
from broker.paper.fees import FEES, FX_FEES
from broker.paper.instants import from_ms, to_ms
from broker.paper.listing import MicResolver, as_written, found
from broker.paper.orders import view_of
from broker.paper.past import RECORDING
from broker.paper.sessions import SessionFunction
from broker.paper.storage import Storage
from broker.paper.world import World
from broker.port import Accepted, Capabilities
from ledger.account import AccountSnapshot, CashBalance, Holding
from ledger.bar import BarRead, Fundamental, ShareDividend, Split
from ledger.cash_flow import FlowRow
from ledger.errors import OutcomeUnknown, StartError, Unavailable
from ledger.fact import CorporateAction, Fill
from ledger.order import OrderDraft, OrderView
from ledger.quote import Quote
from ledger.rate import Rate, RateTable
from ledger.security import Instrument

NOTE_EVERY_S = 60.0  # machine time between two notes of how far quiet market time has come
ROWS_AT_ONCE = 200  # a millisecond of a history; then others have their turn
_NO_SETTLEMENT_MS = 1 << 62

T = TypeVar("T")


class PaperBroker:
    """One paper account.

    `now` is market time and may stand still or jump ahead, never back (an earlier instant counts
    as the latest seen). `session(mic, local date)` gives the open intervals in UTC, empty when
    closed; `resolve` the MIC for the exchange column of securities.csv. With `sleep`, every call
    first waits `latency_s` of machine time. Raises StartError when the file belongs to another
    seed or cannot be used.
    """

    def __init__(
        self,
        market: MarketData,
        path: Path | str,
        *,
        seed: int,
        start: datetime,
        now: Callable[[], datetime],
        monotonic_s: Callable[[], float],
        session: SessionFunction,
        resolve: MicResolver = as_written,
        sleep: Callable[[float], Awaitable[None]] | None = None,
        latency_s: float = 0.0,
        note_every_s: float = NOTE_EVERY_S,
    ) -> None:
        self._now = now
        self._monotonic_s = monotonic_s
        self._sleep = sleep
        self._latency_s = latency_s
        self._note_every_s = note_every_s
        self._world = World.build(market, seed=seed, session=session, resolve=resolve)
        try:
            self.storage = Storage(path)
            with self.storage.kept():
                self._exchange = Exchange(self.storage, self._world, start)
        except sqlite3.Error as error:
            raise StartError(f"the paper exchange's file {path} cannot be used: {error}") from error
        self._latest = from_ms(self._exchange.books.reached.ms)
        self._noted_at_s = monotonic_s()
        self._balances = _Balances(self._exchange)
        self._capabilities = Capabilities(
            kind="paper",
            account_ref=f"PAPER-{seed}",
            paper=True,
            tag="unique",
            fees=FEES,
            fx_fees=FX_FEES,
            pairs=tuple(self._world.pairs.values()),
        )

    @property
    def capabilities(self) -> Capabilities:
        return self._capabilities

    def last_instant(self) -> datetime:
        """The latest market instant the exchange has seen."""
        return self._latest

    async def probe(self) -> datetime:
        return await self._arrive()

    async def snapshot(self) -> AccountSnapshot:
        now = await self._arrive()
        cash, holdings = self._balances.at(to_ms(now))
        return AccountSnapshot(now, self._monotonic_s(), True, cash, holdings)

    async def instruments(self) -> Sequence[Instrument]:
        await self._arrive()
        return tuple(self._world.instruments.values())

    async def quotes(self, symbols: Sequence[str]) -> Mapping[str, Quote]:
        now = await self._arrive()
        board = self._world.board
        found = ((symbol, board.quote(symbol, now)) for symbol in symbols)
        return {symbol: quote for symbol, quote in found if quote is not None}

    async def rates(self) -> RateTable:
        return self._world.rates.at(await self._arrive())

    async def rates_since(self, since: date | None) -> Sequence[Rate]:
        now = await self._arrive()
        return await _gathered(self._world.rates.history(since or date.min, now))

    async def find(self, text: str) -> Sequence[Instrument]:
        await self._arrive()
        return found(text, self._world.instruments.values())

    async def bars(self, symbol: str, since: date | None) -> BarRead:
        now = await self._arrive()
        bars = await _gathered(self._world.past.bars(symbol, since or date.min, now))
        return BarRead(symbol, self._world.instruments[symbol].currency, RECORDING, bars)

    async def splits(self, symbol: str) -> Sequence[Split]:
        return self._world.past.splits(symbol, await self._arrive())

    async def share_dividends(self, symbol: str) -> Sequence[ShareDividend]:
        return self._world.past.dividends(symbol, await self._arrive())

    async def fundamentals(self, symbol: str) -> Sequence[Fundamental]:
        return self._world.past.fundamentals(symbol, await self._arrive())

    async def fills_since(self, cursor: str | None) -> tuple[Sequence[Fill], str | None]:
        now = await self._arrive()
        with _reading():
            rows = tables.fills_since(self.storage.db, answers.since_ms(cursor))
        return tuple(answers.fill(row) for row in rows), answers.cursor(now)

    async def cash_flows_since(self, cursor: str | None) -> tuple[Sequence[FlowRow], str | None]:
        now = await self._arrive()
        with _reading():
            rows = tables.flows_since(self.storage.db, answers.since_ms(cursor))
        return tuple(answers.cash_flow(row) for row in rows), answers.cursor(now)

    async def corporate_actions_since(
        self, cursor: str | None
    ) -> tuple[Sequence[CorporateAction], str | None]:
        now = await self._arrive()
        with _reading():
            rows = tables.actions_since(self.storage.db, answers.since_ms(cursor))
        return tuple(answers.corporate_action(row) for row in rows), answers.cursor(now)

    async def open_orders(self) -> Sequence[OrderView]:
        await self._arrive()
        return tuple(view_of(order) for order in self._exchange.books.orders.values())

    async def orders_since(self, since: datetime) -> Sequence[OrderView]:
        await self._arrive()
        with _reading():
            return tuple(map(view_of, tables.orders_since(self.storage.db, to_ms(since))))

    async def place(self, draft: OrderDraft) -> Accepted:
        now = await self._arrive()
        with _writing():
            return Accepted(self._exchange.place(draft, now))

    async def cancel(self, broker_order_id: str) -> None:
        now = await self._arrive()
        with _writing():
            self._exchange.cancel(broker_order_id, now)

    async def close(self) -> None:
        """Note how far market time has come and close the file."""
        with _reading():
            self._exchange.note(to_ms(self._latest))
        self.storage.close()

    async def _arrive(self) -> datetime:
        """Wait for the line, let due events happen, and return the market instant of the call.

        An outage of the recording cuts the line only: behind it orders still rest and fill.
        """
        if self._sleep is not None:
            await self._sleep(self._latency_s)
        now = self._latest = max(self._latest, self._now())
        now_ms = to_ms(now)
        with _reading():
            self._exchange.advance(now_ms)
            if self._monotonic_s() - self._noted_at_s >= self._note_every_s:
                self._noted_at_s = self._monotonic_s()
                self._exchange.note(now_ms)
        outage = self._world.market.outage_at(now)
        if outage is not None:
            raise Unavailable(f"paper exchange: away until {outage.until:%Y-%m-%d %H:%M} UTC")
        return now


class _Balances:
    """Cash and holdings as answers, rebuilt only when an event or a settlement changed them."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._changes = -1
        self._until_ms = 0
        self._cash: Mapping[str, CashBalance] = {}
        self._holdings: Mapping[str, Holding] = {}

    def at(self, now_ms: int) -> tuple[Mapping[str, CashBalance], Mapping[str, Holding]]:
        books = self._exchange.books
        if books.changes != self._changes or now_ms >= self._until_ms:
            account = books.account
            account.settle(now_ms)
            self._cash = MappingProxyType(answers.cash(account, now_ms))
            self._holdings = MappingProxyType(
                answers.holdings(account, self._exchange.world.instruments)
            )
            self._changes = books.changes
            pending = (row.settles_ms for row in account.unsettled)
            self._until_ms = min(pending, default=_NO_SETTLEMENT_MS)
        return self._cash, self._holdings


async def _gathered(rows: Iterable[T]) -> tuple[T, ...]:
    """Every row, with a pause now and then."""
    made: list[T] = []
    for row in rows:
        made.append(row)
        if len(made) % ROWS_AT_ONCE == 0:
            await trio.lowlevel.checkpoint()
    return tuple(made)


@contextmanager
def _reading() -> Generator[None]:
    """A file that cannot be read is a broker that cannot be reached."""
    try:
        yield
    except sqlite3.Error as error:
        raise Unavailable(f"paper exchange: {error}") from error


@contextmanager
def _writing() -> Generator[None]:
    """A write whose commit failed may or may not be in the file."""
    try:
        yield
    except sqlite3.Error as error:
        raise OutcomeUnknown(f"paper exchange: {error}") from error
