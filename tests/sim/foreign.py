"""Orders that are not ours, as the exchange's file has them.

They carry no tag, or one that we never gave. What such an order does after our last look at the
account cannot be known when we send one of ours, so customs ask what was there at that look.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from ledger.order import OrderView, Side

# Ours grow from seconds since 2024, in thousandths; below zero the broker shows none at all.
FIRST_TAG_OF_OURS = 1_000_000
MICRO = 1_000_000
PER_CENT = 10_000


@dataclass(frozen=True, slots=True)
class Look:
    """When the account and the open orders were read, and the newest fact that was booked then."""

    cash_ms: int
    orders_ms: int
    newest_fact: int


@dataclass(frozen=True, slots=True)
class ForeignOrder:
    """What was open of it at a look."""

    symbol: str
    side: Side
    rest_micro: int
    limit_micro: int
    currency: str

    @property
    def takes(self) -> tuple[str, int]:
        """At its limit, without its fee."""
        value = -(-self.rest_micro * self.limit_micro // (MICRO * PER_CENT))
        if self.side == "BUY":
            return self.currency, value
        return self.symbol.split("/")[0], self.rest_micro // PER_CENT if "/" in self.symbol else 0


def open_then(paper: sqlite3.Connection, look: Look) -> Iterator[ForeignOrder]:
    """Foreign orders that were live when the open orders were read."""
    sql = """
        SELECT o.symbol, o.side, o.limit_micro, o.currency, o.quantity_micro - (
            SELECT coalesce(sum(f.quantity_micro), 0) FROM fills f
            WHERE f.order_number = o.number AND f.executed_ms <= :at) AS rest
        FROM orders o WHERE o.client_order_id < :ours AND o.created_ms < :at
            AND min(o.expires_ms, coalesce(o.cancel_ms, o.expires_ms)) > :at AND rest > 0"""
    for row in paper.execute(sql, {"at": look.orders_ms, "ours": FIRST_TAG_OF_OURS}):
        yield ForeignOrder(row[0], row[1], int(row[4]), int(row[2]), row[3])


def moved_since(paper: sqlite3.Connection, at_ms: int) -> Counter[str]:
    """What foreign executions after `at_ms` did to cash and holdings; by currency and symbol."""
    moved = Counter[str]()
    sql = """
        SELECT symbol, side, quantity_micro, currency, gross_minor, fee_minor, fee_currency
        FROM fills WHERE client_order_id < ? AND executed_ms > ?"""
    for symbol, side, micro, currency, gross, fee, fee_currency in paper.execute(
        sql, (FIRST_TAG_OF_OURS, at_ms)
    ):
        sign = 1 if side == "BUY" else -1
        if "/" in symbol:
            moved[symbol.split("/")[0]] += sign * micro // PER_CENT
        else:
            moved[symbol] += sign * micro
        moved[currency] -= sign * gross
        moved[fee_currency] -= fee
    return moved


def is_foreign(view: OrderView) -> bool:
    return view.client_order_id is None or view.client_order_id < FIRST_TAG_OF_OURS


def shown(tag: int | None) -> int | None:
    """The tag of an order as a broker's list has it."""
    return tag if tag is not None and tag > 0 else None
