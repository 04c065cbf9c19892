"""What may be asked about single orders and open decisions, and the record a decision is shown as.

PlaceOrder, CancelOrder → trader
Resolve → trader (order:…), sync (books:…) or rebalancer (sale:…), by the decision's kind
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, get_args

from ledger.money import Quantity
from ledger.order import Intent, Side
from wire.mailbox import Request

# The gates an owner may overrule by name with an order of his own.
Forceable = Literal["L2", "L4", "G1", "G3", "G6", "G7", "G8", "G11"]
FORCEABLE: tuple[str, ...] = get_args(Forceable)

MOST_UNITS = Decimal(1_000_000)
MOST_PRICE = Decimal(1_000_000_000)
_MILLIONTH = Decimal("0.000001")


def fault_in(value: Decimal, most: Decimal) -> str | None:
    """Why `value` can be neither a quantity nor a price; None when it can.

    Looked at in this order: a number with a large exponent is short as a text and must never be
    written out.
    """
    if not value.is_finite() or value <= 0:
        return "must be above 0"
    if value > most:
        return f"must be at most {most}"
    return None if value == value.quantize(_MILLIONTH) else "must not be finer than a millionth"


@dataclass(frozen=True, slots=True)
class PlaceOrder(Request[Intent]):
    """The owner's own order; the reply is the intent after the gates and the one submission.

    `symbol` may be an ISIN. The same `key` with the same order returns the first intent and sends
    nothing; with another order it raises Conflict `key_reused`. `limit` is the worst price
    accepted, in the security's currency. Raises Missing (unknown security), Conflict `ambiguous`,
    Unavailable (no quote could be read to decide on).
    """

    symbol: str
    side: Side
    quantity: Quantity
    limit: Decimal | None
    force: frozenset[str]
    key: str
    by: str


@dataclass(frozen=True, slots=True)
class CancelOrder(Request[Intent]):
    """Withdraw an order; the reply is the intent as it stands, the broker's word follows.

    Raises Missing, Conflict `final` for an order that has ended, Conflict `unresolved` for one
    whose arrival at the broker is not known.
    """

    client_order_id: int
    by: str


@dataclass(frozen=True, slots=True)
class Resolve(Request[str]):
    """The owner's word on an open decision; the reply says what was done.

    Raises Missing for a decision that is not open, Refused `choice` for a choice it does not
    offer, Refused `confirmation_required` without `confirm`, Conflict when the world moved on.
    """

    decision_id: str
    choice: str
    confirm: bool
    by: str
