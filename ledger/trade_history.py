"""What was traded lately: the only past that rules about pace, holds and cool-downs look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from ledger.fact import is_pair
from ledger.order import OrderClass, Side


@dataclass(frozen=True, slots=True)
class Trade:
    """One order that executed something, or still may; never a simulated one.

    `at` (market time) is its last execution, or its submission while there is none. While it is
    `live` it may execute more at any moment. `order_class` None: not an order of ours.
    """

    symbol: str
    side: Side
    order_class: OrderClass | None
    at: datetime
    live: bool

    @property
    def conversion(self) -> bool:
        return is_pair(self.symbol)


@dataclass(frozen=True, slots=True)
class TradeHistory:
    """`bought` and `sold` are the last executions by symbol, pairs left out, however long ago; a
    reinvested dividend is no purchase here. `trades` are the orders of the last days, ours and
    foreign ones, pairs included.
    """

    bought: Mapping[str, datetime]
    sold: Mapping[str, datetime]
    trades: tuple[Trade, ...]


NO_TRADES = TradeHistory({}, {}, ())
