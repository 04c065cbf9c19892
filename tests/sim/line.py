"""The line to the broker as a world sees it: the near end at our door, the far end at theirs.

trader, sync → NearEnd (crashes, customs, hangs) → FaultyBroker → FarEnd (customs) → exchange
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import TypeVar
from weakref import WeakKeyDictionary

import trio

from broker.paper.adapter import PaperBroker
from broker.paper.faults import FaultPlan, FaultyBroker
from broker.port import Accepted, Broker, Capabilities
from ledger.account import AccountSnapshot
from ledger.bar import BarRead, Fundamental, ShareDividend, Split
from ledger.cash_flow import FlowRow
from ledger.errors import BrokerError, OutcomeUnknown
from ledger.fact import CorporateAction, Fill
from ledger.order import OrderDraft, OrderView
from ledger.quote import Quote
from ledger.rate import Rate, RateTable
from ledger.security import Instrument
from tests.sim.crash import Bomb
from tests.sim.customs import Customs, Departure
from tests.sim.foreign import Look, shown

T = TypeVar("T")
# The reads every order is decided on, and how long ago they may lie when it leaves.
DECIDING = ("snapshot", "open_orders", "quotes", "probe")
READ_WITHIN_S = 60.0


class Injected(RuntimeError):
    """A programming error where none is: the actor that meets it dies and is started again."""


class _Through:
    """A broker that passes every call on to `line`, each through `_call`."""

    def __init__(self, line: Broker) -> None:
        self.line = line

    async def _call(self, name: str, call: Callable[[], Awaitable[T]]) -> T:
        assert name
        return await call()

    @property
    def capabilities(self) -> Capabilities:
        return self.line.capabilities

    async def probe(self) -> datetime:
        return await self._call("probe", self.line.probe)

    async def snapshot(self) -> AccountSnapshot:
        return await self._call("snapshot", self.line.snapshot)

    async def instruments(self) -> Sequence[Instrument]:
        return await self._call("instruments", self.line.instruments)

    async def quotes(self, symbols: Sequence[str]) -> Mapping[str, Quote]:
        return await self._call("quotes", lambda: self.line.quotes(symbols))

    async def rates(self) -> RateTable:
        return await self._call("rates", self.line.rates)

    async def rates_since(self, since: date | None) -> Sequence[Rate]:
        return await self._call("rates_since", lambda: self.line.rates_since(since))

    async def find(self, text: str) -> Sequence[Instrument]:
        return await self._call("find", lambda: self.line.find(text))

    async def bars(self, symbol: str, since: date | None) -> BarRead:
        return await self._call("bars", lambda: self.line.bars(symbol, since))

    async def splits(self, symbol: str) -> Sequence[Split]:
        return await self._call("splits", lambda: self.line.splits(symbol))

    async def share_dividends(self, symbol: str) -> Sequence[ShareDividend]:
        return await self._call("share_dividends", lambda: self.line.share_dividends(symbol))

    async def fundamentals(self, symbol: str) -> Sequence[Fundamental]:
        return await self._call("fundamentals", lambda: self.line.fundamentals(symbol))

    async def fills_since(self, cursor: str | None) -> tuple[Sequence[Fill], str | None]:
        return await self._call("fills_since", lambda: self.line.fills_since(cursor))

    async def cash_flows_since(self, cursor: str | None) -> tuple[Sequence[FlowRow], str | None]:
        return await self._call("cash_flows_since", lambda: self.line.cash_flows_since(cursor))

    async def corporate_actions_since(
        self, cursor: str | None
    ) -> tuple[Sequence[CorporateAction], str | None]:
        return await self._call(
            "corporate_actions_since", lambda: self.line.corporate_actions_since(cursor)
        )

    async def open_orders(self) -> Sequence[OrderView]:
        return await self._call("open_orders", self.line.open_orders)

    async def orders_since(self, since: datetime) -> Sequence[OrderView]:
        return await self._call("orders_since", lambda: self.line.orders_since(since))

    async def place(self, draft: OrderDraft) -> Accepted:
        return await self._call("place", lambda: self.line.place(draft))

    async def cancel(self, broker_order_id: str) -> None:
        await self._call("cancel", lambda: self.line.cancel(broker_order_id))

    async def close(self) -> None:
        await self.line.close()


class FarEnd(_Through):
    """The exchange's door: customs look at an order before the exchange does.

    Orders of the broker's own app have no tag in any list.
    """

    def __init__(self, exchange: PaperBroker, customs: Customs) -> None:
        super().__init__(exchange)
        self._customs = customs

    async def place(self, draft: OrderDraft) -> Accepted:
        await self.line.probe()  # whatever was due before this moment has happened
        symbols = [*self._customs.symbols, draft.symbol]
        self._customs.arriving(draft, await self.line.quotes(symbols))
        return await self.line.place(draft)

    async def fills_since(self, cursor: str | None) -> tuple[Sequence[Fill], str | None]:
        fills, following = await self.line.fills_since(cursor)
        return [replace(f, client_order_id=shown(f.client_order_id)) for f in fills], following

    async def open_orders(self) -> Sequence[OrderView]:
        views = await self.line.open_orders()
        return [replace(view, client_order_id=shown(view.client_order_id)) for view in views]

    async def orders_since(self, since: datetime) -> Sequence[OrderView]:
        views = await self.line.orders_since(since)
        return [replace(view, client_order_id=shown(view.client_order_id)) for view in views]


class NearEnd(_Through):
    """Our door: every call passes the bomb, and orders pass customs.

    `hung` names methods that never answer; `trouble` may raise an error of our own making. After
    `mend` every call goes straight to the exchange.
    """

    def __init__(
        self,
        exchange: PaperBroker,
        plan: FaultPlan,
        *,
        bomb: Bomb,
        customs: Customs,
        now: Callable[[], datetime],
        trouble: Callable[[str], None],
    ) -> None:
        self._far = FarEnd(exchange, customs)
        super().__init__(FaultyBroker(self._far, plan, self._wait))
        self._bomb = bomb
        self._customs = customs
        self._now = now
        self._trouble = trouble
        self.hung: set[str] = set()
        # When the last read of each kind gave its task an answer to act on (machine seconds).
        self.read_at_s: WeakKeyDictionary[trio.lowlevel.Task, dict[str, float]] = (
            WeakKeyDictionary()
        )
        # The market instants of the same, and the newest fact at the last read of open orders.
        self._looks: WeakKeyDictionary[trio.lowlevel.Task, Look] = WeakKeyDictionary()
        self._quotes: WeakKeyDictionary[trio.lowlevel.Task, Mapping[str, Quote]] = (
            WeakKeyDictionary()
        )
        self.departures: list[Departure] = []

    def mend(self) -> None:
        self.line = self._far
        self.hung.clear()

    async def quotes(self, symbols: Sequence[str]) -> Mapping[str, Quote]:
        found = await super().quotes(symbols)
        self._quotes[trio.lowlevel.current_task()] = found
        return found

    async def place(self, draft: OrderDraft) -> Accepted:
        self._bomb.check()
        quote = self._quotes.get(trio.lowlevel.current_task(), {}).get(draft.symbol)
        self._customs.leaving(draft, unread=self._unread(), look=self._look(), quote=quote)
        departure = Departure(draft.client_order_id, self._now(), trio.current_time())
        self._bomb.at("before_place")
        self.departures.append(departure)
        return await super().place(draft)

    async def _call(self, name: str, call: Callable[[], Awaitable[T]]) -> T:
        self._bomb.at("before_call")
        read_at_s = self._own_reads()
        read_at_s.pop(name, None)
        if name in self.hung:
            await trio.sleep_forever()
        self._trouble(name)
        try:
            answer = await call()
        except BrokerError as error:
            self._failed(name, error)
            self._answered(name)
            raise
        self._answered(name)
        if (answer and getattr(answer, "complete", True)) or name == "open_orders":
            read_at_s[name] = trio.current_time()
            self._looked(name)
        return answer

    def _look(self) -> Look:
        return self._looks.get(trio.lowlevel.current_task(), Look(0, 0, 0))

    def _looked(self, name: str) -> None:
        look, at_ms = self._look(), int(self._now().timestamp() * 1000)
        if name == "snapshot":
            look = replace(look, cash_ms=at_ms)
        elif name == "open_orders":
            newest = self._customs.newest_fact()
            look = replace(look, orders_ms=at_ms, newest_fact=newest)
        self._looks[trio.lowlevel.current_task()] = look

    def _failed(self, name: str, error: BrokerError) -> None:
        """O3, O4: what must not lead to a second order, or to one at all, has happened."""
        if name in DECIDING:
            self._customs.asked["O4"] += 1
        elif name == "place" and isinstance(error, OutcomeUnknown):
            self._customs.asked["O3"] += 1

    def _unread(self) -> list[str]:
        """What this task's decision of now cannot have seen: its last read failed or is old."""
        oldest_s = trio.current_time() - READ_WITHIN_S
        read_at_s = self._own_reads()
        return [name for name in DECIDING if read_at_s.get(name, -1.0) < oldest_s]

    def _own_reads(self) -> dict[str, float]:
        return self.read_at_s.setdefault(trio.lowlevel.current_task(), {})

    def _answered(self, name: str) -> None:
        """The exchange has acted, and we are about to learn of it."""
        self._bomb.at("after_call")
        if name == "place":
            self._bomb.at("after_place")
        self._trouble(name)

    async def _wait(self, seconds: float) -> None:
        await trio.sleep(seconds)
        self._bomb.check()
