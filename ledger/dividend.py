"""A dividend's way from its announcement, by the broker or by the owner, to its reinvestment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from ledger.money import Money, Quantity

# The most that money which waits for reinvestment may add to a security's expected return.
MAX_BONUS = Decimal("0.05")


class PotState(StrEnum):
    """Where the money of a dividend is.

    `received` is told of, without money yet; `accumulating` waits for the minimum trade,
    `reserved` is in an open order; `released` was given back to planning, and `cancelled` was
    taken back by the broker before it was used.
    """

    RECEIVED = "received"
    ACCUMULATING = "accumulating"
    RESERVED = "reserved"
    REINVESTED = "reinvested"
    RELEASED = "released"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class DividendPot:
    """The net money of one paid dividend and what is left of it to reinvest.

    `net` is in the dividend's currency; `left` is the part neither reserved nor reinvested,
    negative when the broker took back what was already spent.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class DividendNote:
    """A dividend that the owner tells of because the broker did not report it as one.

    With `cash_flow_id` its money has arrived with that cash flow; without, it is only a record.
    `eur` is the owner's own value in EUR, shown while no rate of the payment day is known.
    """

    symbol: str
    isin: str | None
    money: Money
    eur: Money
    payment_date: date
    cash_flow_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DividendRecord:
    """A dividend as it is shown. Net once its money has arrived, as announced before.

    `amount` is None while nobody told it, `amount_eur` and `pending_bonus` (EUR) are None without
    a rate of the payment day; `residual` is what a purchase left over in the pot.
    """

    dividend_id: int
    symbol: str
    isin: str | None
    cash_flow_id: int | None
    amount: Money | None
    amount_eur: Money | None
    payment_date: date
    state: PotState
    reinvested: bool
    reinvested_at: datetime | None
    reinvested_quantity: Quantity | None
    reinvested_eur: Money | None
    left: Money | None
    left_eur: Money | None
    residual: Money | None
    pending_bonus: Money | None
    bonus_cleared: bool
    cleared_at: datetime | None
    created_at: datetime


def bonus_ratio(unreinvested: Money, position: Money | None) -> Decimal | None:
    """What waiting dividends add to the expected return of their security, both in EUR.

    min(0.05, unreinvested ÷ value of the position); None without a valued position.
    """
    if position is None or position.minor <= 0:
        return None
    return min(MAX_BONUS, Decimal(max(unreinvested.minor, 0)) / position.minor)
