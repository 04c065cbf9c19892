"""RenamedBroker: a broker that gave instruments new symbols, under the symbols we know them by.

The journal knows a security under one symbol for ever. Whatever carries a symbol is translated on
its way out and in; `instruments` and `find` alone speak as the broker does, because that is where a
new symbol is learned from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import TypeVar

from broker.port import Accepted, Broker, Capabilities
from ledger.account import AccountSnapshot
from ledger.bar import BarRead, Fundamental, ShareDividend, Split
from ledger.cash_flow import FlowRow
from ledger.errors import MalformedAnswer
from ledger.fact import CorporateAction, Fill
from ledger.order import OrderDraft, OrderView
from ledger.quote import Quote
from ledger.rate import Rate, RateTable
from ledger.security import Instrument, Security

Named = TypeVar("Named", Fill, FlowRow, CorporateAction, OrderView)


class RenamedBroker:
    """`inner` with translated symbols; nothing is renamed until `learn` says so."""

    def __init__(self, inner: Broker) -> None:
        self._inner = inner
        self._theirs: dict[str, str] = {}
        self._ours: dict[str, str] = {}

    def learn(self, securities: Iterable[Security]) -> None:
        """Take over which of these the broker calls by another symbol."""
        self._theirs = {s.symbol: s.broker_symbol for s in securities if s.broker_symbol}
        self._ours = {theirs: ours for ours, theirs in self._theirs.items()}

    @property
    def capabilities(self) -> Capabilities:
        return self._inner.capabilities

    async def probe(self) -> datetime:
        return await self._inner.probe()

    async def snapshot(self) -> AccountSnapshot:
        account = await self._inner.snapshot()
        if not self._ours:
            return account
        held = {
            self._to_us(symbol): replace(holding, symbol=self._to_us(symbol))
            for symbol, holding in account.holdings.items()
        }
        if len(held) != len(account.holdings):
            raise MalformedAnswer("a holding is named by its old and by its new symbol")
        return replace(account, holdings=held)

    async def instruments(self) -> Sequence[Instrument]:
        return await self._inner.instruments()

    async def find(self, text: str) -> Sequence[Instrument]:
        return await self._inner.find(text)

    async def quotes(self, symbols: Sequence[str]) -> Mapping[str, Quote]:
        if not self._theirs:
            return await self._inner.quotes(symbols)
        asked = {self._to_them(symbol): symbol for symbol in symbols}
        quotes = await self._inner.quotes(list(asked))
        if any(theirs not in asked or quote.symbol != theirs for theirs, quote in quotes.items()):
            raise MalformedAnswer("a quote came under another symbol")
        return {asked[theirs]: replace(q, symbol=asked[theirs]) for theirs, q in quotes.items()}

    async def rates(self) -> RateTable:
        return await self._inner.rates()

    async def rates_since(self, since: date | None) -> Sequence[Rate]:
        return await self._inner.rates_since(since)

    async def bars(self, symbol: str, since: date | None) -> BarRead:
        read = await self._inner.bars(self._to_them(symbol), since)
        return replace(read, symbol=self._to_us(read.symbol))

    async def splits(self, symbol: str) -> Sequence[Split]:
        return await self._inner.splits(self._to_them(symbol))

    async def share_dividends(self, symbol: str) -> Sequence[ShareDividend]:
        return await self._inner.share_dividends(self._to_them(symbol))

    async def fundamentals(self, symbol: str) -> Sequence[Fundamental]:
        return await self._inner.fundamentals(self._to_them(symbol))

    async def fills_since(self, cursor: str | None) -> tuple[Sequence[Fill], str | None]:
        rows, position = await self._inner.fills_since(cursor)
        return self._rows(rows), position

    async def cash_flows_since(self, cursor: str | None) -> tuple[Sequence[FlowRow], str | None]:
        rows, position = await self._inner.cash_flows_since(cursor)
        return self._rows(rows), position

    async def corporate_actions_since(
        self, cursor: str | None
    ) -> tuple[Sequence[CorporateAction], str | None]:
        rows, position = await self._inner.corporate_actions_since(cursor)
        return self._rows(rows), position

    async def open_orders(self) -> Sequence[OrderView]:
        return self._rows(await self._inner.open_orders())

    async def orders_since(self, since: datetime) -> Sequence[OrderView]:
        return self._rows(await self._inner.orders_since(since))

    async def place(self, draft: OrderDraft) -> Accepted:
        symbol = self._to_them(draft.symbol)
        named = draft if symbol == draft.symbol else replace(draft, symbol=symbol)
        return await self._inner.place(named)

    async def cancel(self, broker_order_id: str) -> None:
        await self._inner.cancel(broker_order_id)

    async def close(self) -> None:
        await self._inner.close()

    def _to_them(self, symbol: str) -> str:
        return self._theirs.get(symbol, symbol)

    def _to_us(self, symbol: str) -> str:
        return self._ours.get(symbol, symbol)

    def _rows(self, rows: Sequence[Named]) -> Sequence[Named]:
        if not self._ours:
            return rows
        return [
            row if row.symbol is None else replace(row, symbol=self._to_us(row.symbol))
            for row in rows
        ]
