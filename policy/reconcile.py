"""What became of an order whose submission has no known outcome: proof, never hope.

The trader looks at the broker again and again; only complete looks count. An order is taken for
not placed after three of them over two minutes, in open orders, order history and trades alike,
and never when the account moved by just what the order would have moved.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from enum import Enum

from ledger.fact import Fill
from ledger.order import Intent, OrderView

MIN_LOOKS = 3
MIN_SPAN = timedelta(minutes=2)
ESCALATE_AFTER = timedelta(minutes=15)


class Finding(Enum):
    """What one look, together with the earlier ones, allows to say."""

    WAIT = "wait"
    NOT_PLACED = "not_placed"
    ENDED = "ended"
    ESCALATE = "escalate"


def find(intent: Intent, orders: Iterable[OrderView]) -> OrderView | None:
    """Our order among the broker's, by its id there or by our tag."""
    for order in orders:
        if intent.broker_order_id is not None and order.broker_order_id == intent.broker_order_id:
            return order
        tag = order.client_order_id
        if tag is not None and tag == intent.client_order_id:
            return order
    return None


def has_fill(intent: Intent, fills: Iterable[Fill]) -> bool:
    return any(
        fill.client_order_id is not None and fill.client_order_id == intent.client_order_id
        for fill in fills
    )


def judge(
    *, clean_looks: int, span: timedelta, since_submitted: timedelta, account_moved: bool
) -> Finding:
    """Decide after a clean look that did not show the order. All spans are machine time.

    `span` lies between the first clean look and this one; `account_moved` says that cash or
    holding changed by just the drafted amount.
    """
    if account_moved or since_submitted > ESCALATE_AFTER:
        return Finding.ESCALATE
    proven = clean_looks >= MIN_LOOKS and span >= MIN_SPAN
    return Finding.NOT_PLACED if proven else Finding.WAIT


def missing(*, clean_looks: int, span: timedelta, day_over: bool, executed: bool) -> Finding:
    """Decide about an accepted order that a clean look did not show; `span` is machine time.

    A day order is not live after its day. While the day lasts an order that executed nothing may
    not be given up by us; one with executions waits for its day's end.
    """
    if day_over:
        proven = clean_looks >= MIN_LOOKS and span >= MIN_SPAN
        return Finding.ENDED if proven else Finding.WAIT
    late = span > ESCALATE_AFTER and not executed
    return Finding.ESCALATE if late else Finding.WAIT
