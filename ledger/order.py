"""Orders: the intent that is decided, the draft that is sent, the view that comes back.

An order's state only moves along MOVES. `submitting` is committed before the network is touched,
so a row in `submitting` or `unknown` after a crash is exactly what must be asked of the broker.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from ledger.errors import IllegalMove
from ledger.money import Money, Price, Quantity

Side = Literal["BUY", "SELL"]
OrderClass = Literal["planner", "drip", "manual", "emergency", "fx"]
Mode = Literal["research", "live"]


class OrderState(StrEnum):
    PROPOSED = "proposed"
    REFUSED = "refused"
    SIMULATED = "simulated"
    SUBMITTING = "submitting"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    NOT_PLACED = "not_placed"
    ESCALATED = "escalated"
    ACTIVE = "active"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


_S = OrderState
_LIVE_MOVES = frozenset(
    {
        _S.ACTIVE,
        _S.PARTIALLY_FILLED,
        _S.FILLED,
        _S.CANCELLED,
        _S.EXPIRED,
        _S.REJECTED,
        _S.ESCALATED,
    }
)

MOVES: dict[OrderState, frozenset[OrderState]] = {
    _S.PROPOSED: frozenset({_S.REFUSED, _S.SIMULATED, _S.SUBMITTING}),
    _S.SUBMITTING: frozenset({_S.ACCEPTED, _S.REJECTED, _S.UNKNOWN}),
    _S.UNKNOWN: frozenset({_S.ACCEPTED, _S.REJECTED, _S.NOT_PLACED, _S.ESCALATED}),
    _S.ESCALATED: frozenset({_S.ACCEPTED, _S.REJECTED, _S.NOT_PLACED, _S.CANCELLED}),
    _S.ACCEPTED: _LIVE_MOVES,
    _S.ACTIVE: _LIVE_MOVES - {_S.ACTIVE},
    _S.PARTIALLY_FILLED: frozenset({_S.FILLED, _S.CANCELLED, _S.EXPIRED}),
    _S.REFUSED: frozenset(),
    _S.SIMULATED: frozenset(),
    _S.REJECTED: frozenset(),
    _S.NOT_PLACED: frozenset(),
    _S.FILLED: frozenset(),
    _S.CANCELLED: frozenset(),
    _S.EXPIRED: frozenset(),
}

TERMINAL = frozenset(state for state, moves in MOVES.items() if not moves)
# Something of ours may be, or may become, live at the broker.
IN_FLIGHT = frozenset(
    {
        _S.SUBMITTING,
        _S.UNKNOWN,
        _S.ESCALATED,
        _S.ACCEPTED,
        _S.ACTIVE,
        _S.PARTIALLY_FILLED,
    }
)
# The fate of the submission itself is open: nothing else may leave.
UNRESOLVED = frozenset({_S.SUBMITTING, _S.UNKNOWN, _S.ESCALATED})


def check_move(before: OrderState, after: OrderState) -> None:
    """Raise IllegalMove unless `before → after` is allowed."""
    if after not in MOVES[before]:
        raise IllegalMove(before, after)


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a proposing actor commits: one decision, identified by (origin, source, step, attempt).

    `decision_price` is the price the decision was made at, per unit in `currency`; for a currency
    pair, quote units per base unit and `security_id` is None. `value_eur` is informational.
    `asked_limit` is the worst price that is accepted, by the owner or by the dividends that pay for
    it; None leaves the limit to the rules.
    """

    order_class: OrderClass
    source_id: str
    step: int
    attempt: int
    bucket_id: str
    symbol: str
    security_id: int | None
    side: Side
    quantity: Quantity
    currency: str
    decision_price: Price
    value_eur: Money | None
    reason: str
    force: frozenset[str] = frozenset()
    asked_limit: Price | None = None


@dataclass(frozen=True, slots=True)
class Intent:
    """A stored proposal and what became of it. Instants ending in `_at` are market time."""

    intent_id: int
    proposal: Proposal
    state: OrderState
    mode: Mode
    proposed_at: datetime
    client_order_id: int | None
    limit: Price | None
    reserved: Money | None
    reserved_fee: Money | None
    submitted_at: datetime | None
    submitted_machine_ms: int | None
    broker_order_id: str | None
    filled: Quantity
    error: str | None
    retry_after: datetime | None
    blocked_by: tuple[Verdict, ...]

    @property
    def in_flight(self) -> bool:
        return self.state in IN_FLIGHT

    @property
    def remaining(self) -> Quantity:
        return self.proposal.quantity - self.filled


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one gate said, with its numbers."""

    gate: str
    passed: bool
    detail: str
    retry_after: datetime | None = None
    forced: bool = False


@dataclass(frozen=True, slots=True)
class OrderDraft:
    """Exactly what goes to the broker: a limit order for the day, never on margin."""

    client_order_id: int
    symbol: str
    side: Side
    quantity: Quantity
    limit: Price


BrokerOrderState = Literal[
    "pending", "active", "partially_filled", "filled", "cancelled", "expired", "rejected"
]
LIVE_AT_BROKER: frozenset[BrokerOrderState] = frozenset({"pending", "active", "partially_filled"})


@dataclass(frozen=True, slots=True)
class OrderView:
    """An order as the broker shows it. `client_order_id` None: not one of ours, or no echo."""

    broker_order_id: str
    client_order_id: int | None
    symbol: str
    side: Side
    quantity: Quantity
    filled: Quantity
    limit: Price | None
    state: BrokerOrderState
    reason: str | None
    created_at: datetime

    @property
    def live(self) -> bool:
        return self.state in LIVE_AT_BROKER
