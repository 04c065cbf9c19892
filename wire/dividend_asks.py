"""What the owner may ask of dividends. All of it is answered by drip, none of it moves money."""

from __future__ import annotations

from dataclasses import dataclass

from ledger.dividend import DividendNote
from ledger.money import Money, Quantity
from wire.mailbox import Request


@dataclass(frozen=True, slots=True)
class NoteDividend(Request[int]):
    """Record a dividend that the broker did not report as one; the reply is its id.

    Raises Missing (no such cash flow) and Conflict `duplicate`, `linked`, `cash_flow_mismatch`.
    """

    note: DividendNote
    by: str


@dataclass(frozen=True, slots=True)
class SetPendingBonus(Request[None]):
    """Note a bonus in EUR. Raises Missing, Conflict `already_reinvested`."""

    dividend_id: int
    bonus: Money


@dataclass(frozen=True, slots=True)
class MarkReinvested(Request[None]):
    """The owner bought `bought` shares with it: its pot becomes ordinary cash.

    Raises Missing, Conflict `already_reinvested`, `reserved` or `cancelled`.
    """

    dividend_id: int
    bought: Quantity


@dataclass(frozen=True, slots=True)
class ClearBonus(Request[int]):
    """Clear the bonuses of a security; the reply is how many there were."""

    symbol: str
