"""How an order's state changes: one place that checks the move and writes its event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from ledger.errors import IllegalMove
from ledger.order import (
    MOVES,
    TERMINAL,
    BrokerOrderState,
    OrderState,
    Verdict,
    check_move,
)
from store.codec import to_json, to_ms
from store.engine import Tx, Value

_SHOWN_AS: dict[BrokerOrderState, OrderState] = {
    "pending": OrderState.ACCEPTED,
    "active": OrderState.ACTIVE,
    "partially_filled": OrderState.PARTIALLY_FILLED,
    "filled": OrderState.FILLED,
    "cancelled": OrderState.CANCELLED,
    "expired": OrderState.EXPIRED,
    "rejected": OrderState.REJECTED,
}
# The broker has no business showing an order that we know in one of these states.
_NEVER_SHOWN = frozenset(
    {
        OrderState.PROPOSED,
        OrderState.REFUSED,
        OrderState.SIMULATED,
        OrderState.NOT_PLACED,
        OrderState.REJECTED,
    }
)


async def move(
    tx: Tx,
    intent_id: int,
    before: OrderState,
    after: OrderState,
    *,
    at: datetime,
    note: str = "",
    verdicts: Sequence[Verdict] = (),
    columns: Mapping[str, Value] | None = None,
) -> None:
    """Move the order and set `columns` with it; raises IllegalMove."""
    check_move(before, after)
    values: dict[str, Value] = {"state": after, **(columns or {})}
    assignments = ", ".join(f"{name} = :{name}" for name in values)
    changed = await tx.execute(
        f"UPDATE intent SET {assignments} WHERE intent_id = :intent_id AND state = :before",
        {**values, "intent_id": intent_id, "before": before},
    )
    assert changed == 1, f"order {intent_id} was not in {before}"
    await note_event(tx, intent_id, before=before, after=after, at=at, note=note, verdicts=verdicts)


async def note_event(
    tx: Tx,
    intent_id: int,
    *,
    before: OrderState | None,
    after: OrderState,
    at: datetime,
    note: str,
    verdicts: Sequence[Verdict] = (),
) -> None:
    await tx.insert(
        "INSERT INTO order_event (intent_id, at_ms, before, after, note, verdicts)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (intent_id, to_ms(at), before, after, note, to_json(verdicts)),
    )


def route(state: OrderState, shown: BrokerOrderState) -> tuple[OrderState, ...]:
    """The moves that bring an order from `state` to what the broker shows; often none.

    A view older than what is known leads nowhere. An order of unknown fate that the broker shows
    was accepted first. What is rejected after executions has only its rest cancelled. Raises
    IllegalMove when the broker shows an order that should not be there.
    """
    target = _SHOWN_AS[shown]
    if state in _NEVER_SHOWN and target is not state:
        raise IllegalMove(state, target)
    if state is OrderState.PARTIALLY_FILLED and target is OrderState.REJECTED:
        target = OrderState.CANCELLED
    if state is target or state in TERMINAL:
        return ()
    if target in MOVES[state]:
        return (target,)
    through = OrderState.ACCEPTED
    if through in MOVES[state] and target in MOVES[through]:
        return (through, target)
    return ()
