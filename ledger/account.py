"""The broker's own view of the account at one instant; compared with the books, never copied."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from ledger.money import Money, Price, Quantity


@dataclass(frozen=True, slots=True)
class CashBalance:
    """`available` may be spent now; `settled` is informational."""

    available: Money
    settled: Money


@dataclass(frozen=True, slots=True)
class Holding:
    symbol: str
    isin: str
    quantity: Quantity
    average_cost: Price | None
    currency: str


@dataclass(frozen=True, slots=True)
class AccountSnapshot:
    """One complete read of the account. `complete` False must not be acted on.

    `as_of` is the market instant, `read_at_s` the machine time (monotonic seconds) of the read.
    """

    as_of: datetime
    read_at_s: float
    complete: bool
    cash: Mapping[str, CashBalance]
    holdings: Mapping[str, Holding]
