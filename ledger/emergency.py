"""The recovery of negative cash as a record: its states, its shortfalls and its sales.

A run is written at every step, so that a restart goes on exactly where the last life stopped.

    detected → exchanging → (waiting_market | waiting_owner) → selling → awaiting_fill
             → final_exchange → resolved | partial | failed | aborted
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from ledger.errors import IllegalMove
from ledger.money import Money, Price, Quantity
from ledger.order import Mode

SaleStatus = Literal["pending", "executed", "dismissed"]
OwnerWord = Literal["confirm", "abort"]

# Before every other recommendation.
SALE_PRIORITY = 999


class EmergencyState(StrEnum):
    DETECTED = "detected"
    EXCHANGING = "exchanging"
    WAITING_MARKET = "waiting_market"
    WAITING_OWNER = "waiting_owner"
    SELLING = "selling"
    AWAITING_FILL = "awaiting_fill"
    FINAL_EXCHANGE = "final_exchange"
    RESOLVED = "resolved"
    PARTIAL = "partial"
    FAILED = "failed"
    ABORTED = "aborted"


_S = EmergencyState
FINAL = frozenset({_S.RESOLVED, _S.PARTIAL, _S.FAILED, _S.ABORTED})
# It ended and the shortfall is still there.
UNCURED = frozenset({_S.PARTIAL, _S.FAILED})
_WORKING = frozenset(
    {_S.EXCHANGING, _S.WAITING_MARKET, _S.WAITING_OWNER, _S.SELLING, _S.AWAITING_FILL}
)
_SOLD = _WORKING | {_S.FINAL_EXCHANGE} | FINAL

MOVES: dict[EmergencyState, frozenset[EmergencyState]] = {
    # A sale whose move was lost in a crash may have filled before anybody looks again.
    _S.DETECTED: _SOLD,
    _S.EXCHANGING: _SOLD,
    _S.WAITING_MARKET: _SOLD,
    _S.WAITING_OWNER: _SOLD,
    _S.SELLING: _SOLD,
    _S.AWAITING_FILL: _SOLD,
    # What the sales brought is exchanged; nothing more is sold after that.
    _S.FINAL_EXCHANGE: FINAL,
    **dict.fromkeys(FINAL, frozenset[EmergencyState]()),
}


def check_move(before: EmergencyState, after: EmergencyState) -> None:
    """Raise IllegalMove unless `before → after` is allowed; staying where it is, is."""
    if after is not before and after not in MOVES[before]:
        raise IllegalMove(before, after)


@dataclass(frozen=True, slots=True)
class Shortfall:
    """A currency below zero; `need` takes it back to its reserve, in EUR None without a rate."""

    balance: Money
    need: Money
    need_eur: Money | None

    @property
    def currency(self) -> str:
        return self.balance.currency


@dataclass(frozen=True, slots=True)
class EmergencyRun:
    """One recovery. Instants are market time; `deficits` are those it began with.

    `mode` is the mode it began in and must not change. `waits_until` is when its market opens or a
    refused order may be tried again. `before` are the balances of source and target when the
    newest conversion was decided: after its fill the target must have more. `asked` is for how much
    in all it asked to sell beyond the daily share (EUR, at the prices decided on), and `owner` what
    the owner said to that.
    """

    run_id: str
    mode: Mode
    state: EmergencyState
    started_at: datetime
    updated_at: datetime
    deficits: tuple[Shortfall, ...]
    ended_at: datetime | None = None
    note: str = ""
    waits_until: datetime | None = None
    before: tuple[Money, ...] = ()
    asked: Money | None = None
    owner: OwnerWord | None = None

    @property
    def active(self) -> bool:
        return self.state not in FINAL

    @property
    def currencies(self) -> frozenset[str]:
        return frozenset(deficit.currency for deficit in self.deficits)


@dataclass(frozen=True, slots=True)
class EmergencyEvent:
    """One move of a run; `before` is None for its first, and equals `after` for a note."""

    at: datetime
    before: EmergencyState | None
    after: EmergencyState
    note: str


@dataclass(frozen=True, slots=True)
class EmergencySale:
    """A sale that a run recommends. In live mode `number` is the step of its order.

    `price` is the bid it was decided at and `value_eur` what it brings there, before its fee.
    """

    run_id: str
    number: int
    symbol: str
    quantity: Quantity
    price: Price
    value_eur: Money
    reason: str
    status: SaleStatus = "pending"
    intent_id: int | None = None
    side: Literal["SELL"] = "SELL"
