"""The exchange itself: it lets time pass and takes orders.

Time passes lazily. Everything that happens has a moment that follows from the market folder, the
seed and the orders alone, so one jump over a year and a million small steps leave the same books.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from broker.market_data import CashRow, SplitRow
from broker.paper import corporate, tables
from broker.paper.account import Stake
from broker.paper.agenda import (
    CANCELLATION,
    CASH,
    EXPIRY,
    MATCH,
    PAYMENT,
    Agenda,
    AgendaItem,
)
from broker.paper.books import REACHED, Books, Moment
from broker.paper.checks import check_cover, check_draft
from broker.paper.execution import expire, match, withdraw
from broker.paper.instants import from_ms, to_ms
from broker.paper.matching import CANCEL_MS, first_try
from broker.paper.orders import PaperOrder, order_id, order_number
from broker.paper.storage import VERSION, Storage
from broker.paper.tables import Entitlement
from broker.paper.world import World
from ledger.errors import BrokerNotFound, NotCancelable, StartError
from ledger.order import OrderDraft

FOREVER_MS = 1 << 62


@dataclass(frozen=True, slots=True)
class _Due:
    """The next thing to happen, and to what it happens."""

    moment: Moment
    to: AgendaItem | Entitlement | PaperOrder


class Exchange:
    """Memory and file change together; every public method first needs `advance`."""

    def __init__(self, storage: Storage, world: World, start: datetime) -> None:
        """Continue the file's exchange, or open the account at `start`. Raises StartError."""
        self.world = world
        _open(storage, world, start)
        self.books = Books(storage)
        self._agenda = Agenda(
            world.market,
            instruments=world.instruments,
            sessions=world.sessions,
            start=from_ms(int(storage.get("start_ms"))),
            reached=self.books.reached,
        )
        self._quiet_until_ms = self._next_ms()

    def advance(self, now_ms: int) -> None:
        """Let everything happen that is due at or before `now_ms`, in order of time."""
        if now_ms < self._quiet_until_ms:
            return
        while (due := self._next()) is not None and due.moment.ms <= now_ms:
            self._happen(due)
        self._quiet_until_ms = self._next_ms()

    def place(self, draft: OrderDraft, now: datetime) -> str:
        """Take the order and return its id, or raise RejectedByBroker and leave no trace."""
        terms = check_draft(self.books, self.world, draft, now)
        day = self.world.sessions.view(terms.mic, now).running
        assert day is not None, "an open exchange has a session"
        session = self.world.sessions.of(terms.mic, day)
        order = PaperOrder(
            number=tables.next_number(self.books.db, "orders"),
            client_order_id=draft.client_order_id,
            symbol=draft.symbol,
            currency=terms.currency,
            side=draft.side,
            quantity_micro=draft.quantity.micro,
            limit_micro=draft.limit.micro,
            day=day,
            created_ms=to_ms(now),
            expires_ms=to_ms(session[-1][1]),
        )
        check_cover(self.books, self.world, order, now)
        order = replace(order, match_ms=first_try(self.world.seed, order, session))
        with self.books.event(Moment(to_ms(now))):
            self.books.order(order)
        self._quiet_until_ms = self._next_ms()
        return order_id(order.number)

    def cancel(self, broker_order_id: str, now: datetime) -> None:
        """Withdraw the rest of the order a second later. Raises BrokerNotFound, NotCancelable."""
        number = order_number(broker_order_id)
        order = None if number is None else tables.order_by_number(self.books.db, number)
        if order is None:
            raise BrokerNotFound(f"no order {broker_order_id}")
        if not order.live:
            raise NotCancelable(f"order {broker_order_id} is {order.state}")
        if order.cancel_ms is not None:
            return
        with self.books.event(Moment(to_ms(now))):
            self.books.order(replace(order, cancel_ms=to_ms(now) + CANCEL_MS))
        self._quiet_until_ms = self._next_ms()

    def note(self, now_ms: int) -> None:
        """Write down that the exchange has come this far, when nothing else has said so."""
        if Moment(now_ms) > self.books.reached:
            self.books.note(Moment(now_ms))

    def _next_ms(self) -> int:
        due = self._next()
        return FOREVER_MS if due is None else due.moment.ms

    def _next(self) -> _Due | None:
        item = self._agenda.next()
        found = [] if item is None else [_Due(item.moment, item)]
        found += (
            _Due(Moment(row.pay_ms, PAYMENT, name), row) for name, row in self.books.due.items()
        )
        found += (_next_of(order) for order in self.books.orders.values())
        return min(found, key=lambda due: due.moment, default=None)

    def _happen(self, due: _Due) -> None:
        match due.to:
            case AgendaItem() as item:
                self._scheduled(item)
                self._agenda.done()
            case Entitlement() as row:
                country = self.world.instruments[row.symbol].country
                corporate.pay(self.books, row, country=country, moment=due.moment)
            case PaperOrder() as order:
                self._of_order(order, due.moment)

    def _scheduled(self, item: AgendaItem) -> None:
        match item.row:
            case CashRow() as row:
                corporate.book_cash(self.books, row, item.moment)
            case SplitRow() as row:
                instrument = self.world.instruments[row.symbol]
                market = self.world.market
                corporate.split(self.books, row, item, instrument=instrument, market=market)
            case row:
                corporate.entitle(self.books, row, item)

    def _of_order(self, order: PaperOrder, moment: Moment) -> None:
        if moment.rank == EXPIRY:
            expire(self.books, order, moment)
        elif moment.rank == CANCELLATION:
            withdraw(self.books, order, moment)
        else:
            match(self.books, self.world, order, moment)


def _next_of(order: PaperOrder) -> _Due:
    """What happens to a live order next: it ends, is withdrawn or meets the market."""
    name = order_id(order.number)
    moments = [Moment(order.expires_ms, EXPIRY, name)]
    if order.cancel_ms is not None:
        moments.append(Moment(order.cancel_ms, CANCELLATION, name))
    if order.match_ms is not None:
        moments.append(Moment(order.match_ms, MATCH, name))
    return _Due(min(moments), order)


def _open(storage: Storage, world: World, start: datetime) -> None:
    if storage.is_new():
        _found(storage, world, start)
    elif storage.get("version") != VERSION:
        raise StartError(f"the paper exchange's file has version {storage.get('version')}")
    elif storage.get("seed") != str(world.seed):
        detail = f"the paper exchange's file was made with seed {storage.get('seed')}"
        raise StartError(f"{detail}, not {world.seed}: remove the file or restore the seed")


def _found(storage: Storage, world: World, start: datetime) -> None:
    """The account as opening.csv has it, at the first moment of `start`."""
    with storage.transaction():
        storage.create()
        storage.set("seed", str(world.seed))
        storage.set("start_ms", str(to_ms(start)))
        storage.set(REACHED, str(Moment(to_ms(start), CASH, "")))
        for cash in world.market.opening_cash:
            tables.write_cash(storage.db, cash.currency, cash.amount_minor)
        for row in world.market.opening_positions:
            tables.write_stake(storage.db, row.symbol, Stake(row.quantity_micro, row.price_micro))
