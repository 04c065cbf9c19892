"""FaultyBroker: any broker behind a bad line, for tests and the simulation.

What goes wrong is scripted or drawn from a seed, call by call, so a failing run can be repeated.
It never invents a trade: every fault is one that a real line or a real broker shows.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import TypeVar

from broker.port import Accepted, Broker, Capabilities
from ledger.account import AccountSnapshot
from ledger.bar import BarRead, Fundamental, ShareDividend, Split
from ledger.cash_flow import FlowRow
from ledger.errors import BrokerError, MalformedAnswer, OutcomeUnknown, Unavailable
from ledger.fact import CorporateAction, Fill
from ledger.order import OrderDraft, OrderView
from ledger.quote import Quote
from ledger.rate import Rate, RateTable
from ledger.security import Instrument

T = TypeVar("T")


class Fault(StrEnum):
    """`seconds` of a Blow means: machine time for LATENCY, market time for the last three."""

    LATENCY = "latency"  # the answer comes later
    DUPLICATE = "duplicate"  # every row of a list comes twice
    REORDER = "reorder"  # the rows of a list come in another order
    MALFORMED = "malformed"  # an error payload instead of an answer
    UNAVAILABLE = "unavailable"  # refused before anything happened
    LOST_BEFORE = "lost_before"  # a write timed out and never arrived
    LOST_AFTER = "lost_after"  # a write arrived, its answer did not
    EMPTY = "empty"  # nothing where rows were due; a snapshot says that it is incomplete
    PARTIAL = "partial"  # one row of a snapshot is missing, which says that it is incomplete
    HIDDEN_ORDER = "hidden_order"  # placed, but not in the lists of orders for a while
    LATE_FILLS = "late_fills"  # fills are reported some time after they happened
    OPEN_FLOWS = (
        "open_flows"  # cash flows are shown as pending, then as being processed, for a while
    )


@dataclass(frozen=True, slots=True)
class Blow:
    fault: Fault
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Chance:
    """A blow that strikes with `probability` at every call of a method."""

    blow: Blow
    probability: float


class FaultPlan:
    """Decides what happens to each call: first the script of the method, then chance.

    `script` lists, by method name, the blows of its first calls; an empty tuple lets one pass.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        script: Mapping[str, Iterable[Sequence[Blow]]] | None = None,
        chances: Mapping[str, Sequence[Chance]] | None = None,
    ) -> None:
        self.rng = random.Random(seed)
        self._script = {name: deque(calls) for name, calls in (script or {}).items()}
        self._chances = dict(chances or {})
        self.struck: dict[Fault, int] = {}

    def next(self, method: str) -> tuple[Blow, ...]:
        """What happens to this call of `method`."""
        calls = self._script.get(method)
        if calls:
            blows = tuple(calls.popleft())
        else:
            found = self._chances.get(method, ())
            blows = tuple(c.blow for c in found if self.rng.random() < c.probability)
        for blow in blows:
            self.struck[blow.fault] = self.struck.get(blow.fault, 0) + 1
        return blows


class FaultyBroker:
    """`inner` behind a line that `plan` disturbs. `sleep` waits machine seconds."""

    def __init__(
        self, inner: Broker, plan: FaultPlan, sleep: Callable[[float], Awaitable[None]]
    ) -> None:
        self._inner = inner
        self._plan = plan
        self._sleep = sleep
        self._hidden: dict[str, datetime] = {}
        self._late: dict[str, tuple[datetime, Fill]] = {}
        self._flows_from: datetime | None = None
        self._open: dict[str, tuple[datetime, datetime]] = {}

    @property
    def capabilities(self) -> Capabilities:
        return self._inner.capabilities

    async def probe(self) -> datetime:
        await self._before("probe")
        return await self._inner.probe()

    async def snapshot(self) -> AccountSnapshot:
        blows = await self._before("snapshot")
        answer = await self._inner.snapshot()
        if Fault.EMPTY in blows:
            return replace(answer, complete=False, cash={}, holdings={})
        return self._part_of(answer) if Fault.PARTIAL in blows else answer

    async def instruments(self) -> Sequence[Instrument]:
        return await self._list("instruments", self._inner.instruments)

    async def quotes(self, symbols: Sequence[str]) -> Mapping[str, Quote]:
        blows = await self._before("quotes")
        return {} if Fault.EMPTY in blows else await self._inner.quotes(symbols)

    async def rates(self) -> RateTable:
        blows = await self._before("rates")
        return RateTable({}) if Fault.EMPTY in blows else await self._inner.rates()

    async def rates_since(self, since: date | None) -> Sequence[Rate]:
        return await self._list("rates_since", lambda: self._inner.rates_since(since))

    async def find(self, text: str) -> Sequence[Instrument]:
        return await self._list("find", lambda: self._inner.find(text))

    async def bars(self, symbol: str, since: date | None) -> BarRead:
        blows = await self._before("bars")
        answer = await self._inner.bars(symbol, since)
        return replace(answer, bars=tuple(self._rows(answer.bars, blows)))

    async def splits(self, symbol: str) -> Sequence[Split]:
        return await self._list("splits", lambda: self._inner.splits(symbol))

    async def share_dividends(self, symbol: str) -> Sequence[ShareDividend]:
        return await self._list("share_dividends", lambda: self._inner.share_dividends(symbol))

    async def fundamentals(self, symbol: str) -> Sequence[Fundamental]:
        return await self._list("fundamentals", lambda: self._inner.fundamentals(symbol))

    async def fills_since(self, cursor: str | None) -> tuple[Sequence[Fill], str | None]:
        blows = await self._before("fills_since")
        if Fault.EMPTY in blows:
            return (), cursor
        rows, following = await self._inner.fills_since(cursor)
        now = await self._inner.probe()
        in_time = self._in_time(rows, now, blows.get(Fault.LATE_FILLS))
        return self._rows(in_time, blows), following

    async def cash_flows_since(self, cursor: str | None) -> tuple[Sequence[FlowRow], str | None]:
        blows = await self._before("cash_flows_since")
        if Fault.EMPTY in blows:
            return (), cursor
        rows, following = await self._inner.cash_flows_since(cursor)
        now = await self._inner.probe()
        shown = [self._flow(row, now, blows.get(Fault.OPEN_FLOWS)) for row in rows]
        return self._rows(shown, blows), following

    async def corporate_actions_since(
        self, cursor: str | None
    ) -> tuple[Sequence[CorporateAction], str | None]:
        blows = await self._before("corporate_actions_since")
        if Fault.EMPTY in blows:
            return (), cursor
        rows, following = await self._inner.corporate_actions_since(cursor)
        return self._rows(rows, blows), following

    async def open_orders(self) -> Sequence[OrderView]:
        blows = await self._before("open_orders")
        return self._rows(await self._visible(await self._inner.open_orders()), blows)

    async def orders_since(self, since: datetime) -> Sequence[OrderView]:
        blows = await self._before("orders_since")
        return self._rows(await self._visible(await self._inner.orders_since(since)), blows)

    async def place(self, draft: OrderDraft) -> Accepted:
        blows = await self._before("place", write=True)
        return await _answered("place", blows, self._place(draft, blows.get(Fault.HIDDEN_ORDER)))

    async def cancel(self, broker_order_id: str) -> None:
        blows = await self._before("cancel", write=True)
        await _answered("cancel", blows, self._inner.cancel(broker_order_id))

    async def close(self) -> None:
        await self._inner.close()

    async def _list(self, method: str, call: Callable[[], Awaitable[Sequence[T]]]) -> Sequence[T]:
        """A read of rows whose order means nothing to who asks."""
        blows = await self._before(method)
        return self._rows(await call(), blows)

    async def _before(self, method: str, *, write: bool = False) -> Mapping[Fault, Blow]:
        """Whatever strikes before the call reaches the broker."""
        blows = {blow.fault: blow for blow in self._plan.next(method)}
        if Fault.LATENCY in blows:
            await self._sleep(blows[Fault.LATENCY].seconds)
        if Fault.UNAVAILABLE in blows:
            raise Unavailable(f"{method}: the line is down")
        if Fault.LOST_BEFORE in blows:
            raise (OutcomeUnknown if write else Unavailable)(f"{method}: timed out")
        if Fault.MALFORMED in blows and not write:
            raise MalformedAnswer(f"{method}: an error page came back")
        return blows

    async def _place(self, draft: OrderDraft, hidden: Blow | None) -> Accepted:
        accepted = await self._inner.place(draft)
        if hidden is not None:
            shown = await self._inner.probe() + timedelta(seconds=hidden.seconds)
            self._hidden[accepted.broker_order_id] = shown
        return accepted

    def _part_of(self, answer: AccountSnapshot) -> AccountSnapshot:
        cash, holdings = dict(answer.cash), dict(answer.holdings)
        rows = [*sorted(cash), *sorted(holdings)]
        missing = self._plan.rng.choice(rows) if rows else ""
        cash.pop(missing, None)
        holdings.pop(missing, None)
        return replace(answer, complete=False, cash=cash, holdings=holdings)

    def _rows(self, rows: Sequence[T], blows: Mapping[Fault, Blow]) -> Sequence[T]:
        if Fault.EMPTY in blows:
            return ()
        found = list(rows)
        if Fault.DUPLICATE in blows:
            found += found
        if Fault.REORDER in blows:
            self._plan.rng.shuffle(found)
        return tuple(found)

    async def _visible(self, orders: Sequence[OrderView]) -> Sequence[OrderView]:
        if not self._hidden:
            return orders
        now = await self._inner.probe()
        self._hidden = {key: shown for key, shown in self._hidden.items() if shown > now}
        return tuple(order for order in orders if order.broker_order_id not in self._hidden)

    def _flow(self, row: FlowRow, now: datetime, held: Blow | None) -> FlowRow:
        """The row, less far than it is while its time has not come.

        Not on the first day: what books are opened with must be either cash or still on its way.
        """
        self._flows_from = self._flows_from or now + timedelta(days=1)
        if held is not None and row.booked_at > self._flows_from:
            begins, ends = row.booked_at, row.booked_at + timedelta(seconds=held.seconds)
            self._open.setdefault(row.transaction_id, (begins + (ends - begins) / 2, ends))
        halfway, ends = self._open.get(row.transaction_id, (now, now))
        if now < halfway:
            return replace(row, status="pending")
        return replace(row, status="processing") if now < ends else row

    def _in_time(self, rows: Sequence[Fill], now: datetime, late: Blow | None) -> Sequence[Fill]:
        """`rows` without those that are still on their way, and with those that arrive now."""
        if late is not None:
            for fill in rows:
                shown = fill.executed_at + timedelta(seconds=late.seconds)
                self._late.setdefault(fill.fill_id, (shown, fill))
        arrived = [fill for shown, fill in self._late.values() if shown <= now]
        waiting = {key: value for key, value in self._late.items() if value[0] > now}
        given = {fill.fill_id for fill in arrived} | set(waiting)
        self._late = waiting
        return [*(fill for fill in rows if fill.fill_id not in given), *arrived]


async def _answered(method: str, blows: Mapping[Fault, Blow], call: Awaitable[T]) -> T:
    """A write on its way back: with a lost answer nobody learns whether it was taken or refused."""
    lost = Fault.LOST_AFTER in blows or Fault.MALFORMED in blows
    try:
        answer = await call
    except BrokerError as error:
        if lost:
            raise OutcomeUnknown(f"{method}: no readable answer") from error
        raise
    if lost:
        raise OutcomeUnknown(f"{method}: no readable answer")
    return answer
