"""What the owner asks of the ledger: decide about a difference, look at lots, choose lots.

Served by sync between its cycles.
"""

from __future__ import annotations

from dataclasses import dataclass

import trio

from actors.bookkeeper import Bookkeeper
from ledger.decision import kind_of
from ledger.errors import Conflict, Missing, Refused, Unavailable
from ledger.lot import LotReport
from policy.lots import all_methods, check_choice
from store.facts import Facts
from store.lots import Lots as LotStore
from wire.ledger_asks import ChooseLots
from wire.order_asks import Resolve


@dataclass(frozen=True, slots=True)
class LedgerDesk:
    keeper: Bookkeeper
    facts: Facts
    lots: LotStore

    async def adjust(self, asked: Resolve) -> str:
        """Book the difference as it stands now; see Resolve for what it raises."""
        if not asked.confirm:
            raise Refused("an adjustment needs confirm: true", code="confirmation_required")
        # What it executes may show in the account before it shows among the executions: booked
        # here, it would be booked twice.
        under_way = await self.keeper.orders.in_flight()
        if under_way:
            text = f"the fate of order {under_way[0].client_order_id} is not known yet"
            raise Conflict(text, code="order_undecided")
        try:
            return await self.keeper.adjust(item_of(asked.decision_id), by=asked.by)
        except trio.TooSlowError:
            raise Unavailable("the broker did not answer in time") from None

    async def check_open(self, asked: Resolve) -> None:
        """Raise Missing unless the difference is open."""
        item_id = item_of(asked.decision_id)
        if all(item.item_id != item_id for item in await self.keeper.books.open_items()):
            raise Missing(f"there is no open difference {item_id}")

    async def report(self, symbol: str) -> LotReport:
        history = (await self.facts.cost_history([symbol]))[symbol]
        choices = await self.lots.choices()
        trade_ids = await self.lots.trade_ids(symbol)
        own = {fill_id: picks for fill_id, picks in choices.items() if fill_id in trade_ids}
        return LotReport(symbol, all_methods(history, own), trade_ids, own)

    async def choose(self, asked: ChooseLots) -> LotReport:
        """Keep what the owner chose for a sale, after it was checked against the lots then."""
        if not asked.confirm:
            raise Refused("choosing lots needs confirm: true", code="confirmation_required")
        fill_id, symbol = await self.lots.sale(asked.trade_id)
        history = (await self.facts.cost_history([symbol]))[symbol]
        check_choice(history, await self.lots.choices(), fill_id, asked.picks)
        await self.lots.choose(fill_id, asked.picks)
        return await self.report(symbol)


def item_of(decision_id: str) -> int:
    """The item of `books:<item>`; raises Missing for anything else."""
    kind, name = kind_of(decision_id)
    if kind != "books" or not (name.isascii() and name.isdigit()):
        raise Missing(f"there is no open decision {decision_id!r}")
    return int(name)
