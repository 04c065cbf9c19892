"""A dividend's way from the broker's announcement to its reinvestment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ledger.money import Money


class PotState(StrEnum):
    """`accumulating` waits for the minimum trade, `reserved` is in an open order."""

    ACCUMULATING = "accumulating"
    RESERVED = "reserved"
    REINVESTED = "reinvested"
    RELEASED = "released"


@dataclass(frozen=True, slots=True)
class DividendPot:
    """The net money of one paid dividend and what is left of it to reinvest.

    `net` is in the dividend's currency; `left` is the part neither reserved nor reinvested.
    """

    dividend_id: int
    action_id: str
    symbol: str
    paid_at: datetime
    net: Money
    left: Money
    state: PotState


@dataclass(frozen=True, slots=True)
class PotShare:
    """How much of one pot an order uses."""

    dividend_id: int
    money: Money
