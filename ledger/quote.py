"""A quote as the broker gave it, with the instants needed to judge its age."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ledger.money import Price


@dataclass(frozen=True, slots=True)
class Quote:
    """`at` is the market instant of the quote; bid or ask is None when there is no such side."""

    symbol: str
    bid: Price | None
    ask: Price | None
    last: Price
    previous_close: Price | None
    at: datetime
    market_open: bool | None
