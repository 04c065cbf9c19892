"""The portfolio at one instant, as every decision and every screen sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from ledger.currency import BASE
from ledger.money import Money, Price, Quantity
from ledger.order import OrderView
from ledger.quote import Quote
from ledger.rate import RateTable
from ledger.security import FxPair, Security


@dataclass(frozen=True, slots=True)
class Position:
    """A holding with its value. A figure that cannot be known is None, never a guess."""

    security: Security
    quantity: Quantity
    average_cost: Price | None
    price: Price | None
    price_at: datetime | None
    value: Money | None
    value_eur: Money | None
    profit_eur: Money | None


@dataclass(frozen=True, slots=True)
class Cash:
    money: Money
    value_eur: Money | None


@dataclass(frozen=True, slots=True)
class BookDifference:
    """Books and broker disagree. A blocking one stops automatic trading until it is resolved."""

    item_id: int
    account: str
    key: str
    books: int
    broker: int
    blocking: bool
    found_at: datetime


@dataclass(frozen=True, slots=True)
class PortfolioSnapshot:
    """One immutable view for planner, rebalancer, gates, ticker and web.

    `ledger_seq` is the newest fact included; `as_of` market time, `read_at_s` monotonic machine
    seconds of the broker read behind it; `stale` carries the reason when the last read failed.
    `quotes` is keyed by symbol and includes the currency pairs. `pots_eur` is dividend money that
    belongs to reinvestment and must not be planned with. `open_orders` are those that were live at
    the broker, ours and foreign ones.
    """

    ledger_seq: int
    as_of: datetime
    read_at_s: float
    universe: tuple[Security, ...]
    pairs: tuple[FxPair, ...]
    positions: tuple[Position, ...]
    cash: tuple[Cash, ...]
    rates: RateTable
    quotes: Mapping[str, Quote]
    total_eur: Money | None
    cash_eur: Money | None
    pots_eur: Money
    unvalued: tuple[str, ...]
    differences: tuple[BookDifference, ...]
    stale: str | None
    open_orders: tuple[OrderView, ...] = ()

    def held(self, symbol: str) -> Position | None:
        return next((p for p in self.positions if p.security.symbol == symbol), None)

    @property
    def profit_eur(self) -> Money | None:
        """What all holdings gained on their cost; None as soon as it is not known of one."""
        total = Money.zero(BASE)
        for position in self.positions:
            if position.profit_eur is None:
                return None
            total += position.profit_eur
        return total

    @property
    def cost_eur(self) -> Money | None:
        """What the holdings have cost, at today's rates; None while a part is not known."""
        total, cash, profit = self.total_eur, self.cash_eur, self.profit_eur
        if total is None or cash is None or profit is None:
            return None
        return total - cash - profit

    def cash_in(self, currency: str) -> Money:
        """The balance of one currency; zero when the account has none."""
        found = next((c.money for c in self.cash if c.money.currency == currency), None)
        return found if found is not None else Money.zero(currency)
