"""The account and the open orders in memory, written through to the file with every change.

Every method belongs inside `Books.event`, the transaction of one event of the exchange. When that
transaction fails, memory is read back from the file, so the two never differ.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from broker.paper import tables
from broker.paper.account import Stake, Unsettled, bought, sold
from broker.paper.orders import PaperOrder
from broker.paper.storage import Storage
from broker.paper.tables import ActionRow, Entitlement, FillRow, FlowEntry
from ledger.fact import FlowCategory, is_pair
from ledger.money import Money

REACHED = "reached"
AFTER_ALL = 99


@dataclass(frozen=True, slots=True, order=True)
class Moment:
    """A place in the order of events: by time, then rank, then name."""

    ms: int
    rank: int = AFTER_ALL
    name: str = ""

    def __str__(self) -> str:
        return f"{self.ms} {self.rank} {self.name}"

    @classmethod
    def parse(cls, text: str) -> Moment:
        ms, rank, name = text.split(" ", 2)
        return cls(int(ms), int(rank), name)


class Books:
    """`changes` rises with every event; `reached` is the last moment that was written down."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self.db = storage.db
        self.changes = 0
        self._load()

    def _load(self) -> None:
        self.reached = Moment.parse(self._storage.get(REACHED))
        self.account = tables.read_account(self.db, self.reached.ms)
        self.orders = {order.number: order for order in tables.live_orders(self.db)}
        self.due = {row.action_id: row for row in tables.entitlements(self.db)}

    @contextmanager
    def event(self, moment: Moment) -> Generator[None]:
        """One event, kept whole or not at all, and the note that the exchange got this far."""
        try:
            with self._storage.transaction():
                yield
                self._storage.set(REACHED, str(moment))
        except BaseException:
            self._load()
            self.changes += 1
            raise
        self.reached = moment
        self.changes += 1

    def flow(
        self,
        category: FlowCategory,
        money: Money,
        *,
        at_ms: int,
        symbol: str | None = None,
        reference: str | None = None,
        description: str,
    ) -> None:
        """Money in or out that is not a trade; settled at once."""
        number = tables.next_number(self.db, "flows")
        tables.insert(
            self.db,
            FlowEntry(
                number, category, money.currency, money.minor, at_ms, symbol, reference, description
            ),
        )
        self._pay(money)

    def fill(self, row: FillRow) -> None:
        tables.insert(self.db, row)
        for money in row.movements():
            self._pay(money)
            self.account.unsettled.append(Unsettled(row.settles_ms, money.currency, money.minor))
        if not is_pair(row.symbol):
            self._move(row)

    def _move(self, row: FillRow) -> None:
        stake = self.account.stakes.get(row.symbol)
        if row.side == "BUY":
            self.hold(row.symbol, bought(stake, row.quantity_micro, row.price_micro))
        else:
            assert stake is not None, f"{row.symbol} would be sold short"
            self.hold(row.symbol, sold(stake, row.quantity_micro))

    def hold(self, symbol: str, stake: Stake) -> None:
        """Hold exactly `stake` of `symbol`."""
        self.account.put(symbol, stake)
        tables.write_stake(self.db, symbol, self.account.stakes.get(symbol))

    def order(self, order: PaperOrder) -> None:
        tables.write_order(self.db, order)
        if order.live:
            self.orders[order.number] = order
        else:
            self.orders.pop(order.number, None)

    def action(self, row: ActionRow) -> None:
        tables.insert(self.db, row)

    def knows_action(self, action_id: str) -> bool:
        """The dividend is due or paid, or the split was made, already."""
        return action_id in self.due or tables.action_is_known(self.db, action_id)

    def entitle(self, row: Entitlement) -> None:
        tables.insert(self.db, row)
        self.due[row.action_id] = row

    def paid(self, row: Entitlement) -> None:
        tables.delete_entitlement(self.db, row.action_id)
        del self.due[row.action_id]

    def note(self, moment: Moment) -> None:
        """Write down that nothing happened up to `moment`."""
        with self._storage.transaction():
            self._storage.set(REACHED, str(moment))
        self.reached = moment

    def _pay(self, money: Money) -> None:
        self.account.pay(money.currency, money.minor)
        tables.write_cash(self.db, money.currency, self.account.balance(money.currency))
