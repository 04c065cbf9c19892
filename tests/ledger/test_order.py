"""An order moves only along its allowed moves, and its groups of states fit together."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from ledger.errors import IllegalMove
from ledger.money import Price, Quantity
from ledger.order import (
    IN_FLIGHT,
    MOVES,
    TERMINAL,
    UNRESOLVED,
    BrokerOrderState,
    OrderState,
    OrderView,
    check_move,
)
from tests.support.builders import NOW, intent

# Written out once more on purpose: a move that is added by accident must fail here.
ALLOWED = {
    "proposed": "refused simulated submitting",
    "submitting": "accepted rejected unknown",
    "unknown": "accepted rejected not_placed escalated",
    "escalated": "accepted rejected not_placed cancelled",
    "accepted": "active partially_filled filled cancelled expired rejected escalated",
    "active": "partially_filled filled cancelled expired rejected escalated",
    "partially_filled": "filled cancelled expired",
}
PAIRS = tuple(product(OrderState, repeat=2))


def reachable(start: OrderState, *, without: OrderState | None = None) -> set[OrderState]:
    seen, todo = {start}, [start]
    while todo:
        fresh = MOVES[todo.pop()] - seen - {without}
        seen |= fresh
        todo += fresh
    return seen


@pytest.mark.parametrize(("before", "after"), PAIRS, ids=str)
def test_a_move_is_allowed_or_raises(before: OrderState, after: OrderState) -> None:
    if after in ALLOWED.get(before, "").split():
        check_move(before, after)
    else:
        with pytest.raises(IllegalMove, match=f"from {before} to {after}"):
            check_move(before, after)


def test_every_state_is_final_or_in_flight_or_only_proposed() -> None:
    groups = (TERMINAL, IN_FLIGHT, frozenset({OrderState.PROPOSED}))
    assert sum(len(group) for group in groups) == len(OrderState)
    assert frozenset[OrderState]().union(*groups) == set(OrderState) == set(MOVES)


def test_an_open_submission_is_in_flight_and_not_yet_at_the_broker_for_sure() -> None:
    assert UNRESOLVED < IN_FLIGHT
    assert frozenset({"accepted", "active", "partially_filled"}) == IN_FLIGHT - UNRESOLVED


def test_no_order_is_submitted_twice() -> None:
    into = {before for before in OrderState if OrderState.SUBMITTING in MOVES[before]}
    assert into == {OrderState.PROPOSED}
    assert OrderState.PROPOSED not in set().union(*MOVES.values())


def test_every_state_is_reached_from_a_proposal_and_can_end() -> None:
    assert reachable(OrderState.PROPOSED) == set(OrderState)
    assert all(reachable(state) & TERMINAL for state in OrderState)


def test_nothing_runs_in_circles_without_the_owners_word() -> None:
    """An escalated order waits for its owner, who may say that it is at the broker after all."""
    for state in OrderState:
        for after in MOVES[state] - {OrderState.ESCALATED}:
            seen = reachable(after, without=OrderState.ESCALATED)
            assert state not in seen


def test_only_open_questions_end_in_not_placed() -> None:
    into = {before for before in OrderState if OrderState.NOT_PLACED in MOVES[before]}
    assert into == UNRESOLVED - {OrderState.SUBMITTING}


@pytest.mark.parametrize("state", OrderState)
def test_an_intent_knows_whether_it_may_be_live(state: OrderState) -> None:
    assert intent(state).in_flight == (state in IN_FLIGHT)


def test_what_remains_is_ordered_minus_filled() -> None:
    assert intent(OrderState.ACTIVE, filled=Quantity.of(1)).remaining == Quantity.of(2)


@pytest.mark.parametrize(
    ("state", "live"),
    [
        ("pending", True),
        ("active", True),
        ("partially_filled", True),
        ("filled", False),
        ("cancelled", False),
        ("expired", False),
        ("rejected", False),
    ],
)
def test_a_view_is_live_until_the_broker_calls_it_final(
    state: BrokerOrderState, live: bool
) -> None:
    view = OrderView(
        broker_order_id="77",
        client_order_id=1000,
        symbol="DEMO-A.EU",
        side="BUY",
        quantity=Quantity.of(3),
        filled=Quantity(0),
        limit=Price.of("100", "EUR"),
        state="pending",
        reason=None,
        created_at=NOW,
    )
    assert replace(view, state=state).live is live
