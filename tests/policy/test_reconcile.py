"""An order of unknown fate: found by id or tag, given up only on proof, never by hope."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.fact import Fill
from ledger.money import Price, Quantity
from ledger.order import OrderState, OrderView
from policy.reconcile import (
    ESCALATE_AFTER,
    MIN_LOOKS,
    MIN_SPAN,
    Finding,
    find,
    has_fill,
    judge,
)
from tests.support.builders import NOW, eur, intent

spans = st.timedeltas(timedelta(0), timedelta(hours=1))
looks = st.integers(0, 200)
MINUTE = timedelta(minutes=1)


def view(broker_order_id: str = "77", tag: int | None = None) -> OrderView:
    return OrderView(
        broker_order_id=broker_order_id,
        client_order_id=tag,
        symbol="DEMO-A.EU",
        side="BUY",
        quantity=Quantity.of(3),
        filled=Quantity(0),
        limit=Price.of("100", "EUR"),
        state="active",
        reason=None,
        created_at=NOW,
    )


def fill(tag: int | None) -> Fill:
    return Fill(
        fill_id="f1",
        broker_order_id="77",
        client_order_id=tag,
        symbol="DEMO-A.EU",
        side="BUY",
        quantity=Quantity.of(3),
        price=Price.of("100", "EUR"),
        gross=eur("300"),
        fees=(),
        executed_at=NOW,
    )


@given(looks, spans, spans, st.booleans())
def test_not_placed_needs_three_looks_over_two_minutes_and_a_still_account(
    clean_looks: int, span: timedelta, since: timedelta, moved: bool
) -> None:
    finding = judge(clean_looks=clean_looks, span=span, since_submitted=since, account_moved=moved)
    if finding is Finding.NOT_PLACED:
        assert clean_looks >= MIN_LOOKS >= 3
        assert span >= MIN_SPAN >= timedelta(minutes=2)
        assert not moved
        assert since <= ESCALATE_AFTER


@given(looks, spans, spans)
def test_an_account_that_moved_always_escalates(
    clean_looks: int, span: timedelta, since: timedelta
) -> None:
    finding = judge(clean_looks=clean_looks, span=span, since_submitted=since, account_moved=True)
    assert finding is Finding.ESCALATE


@given(looks, spans, spans)
def test_more_looks_over_more_time_never_take_a_proof_back(
    clean_looks: int, span: timedelta, since: timedelta
) -> None:
    now = judge(clean_looks=clean_looks, span=span, since_submitted=since, account_moved=False)
    later = judge(
        clean_looks=clean_looks + 1,
        span=span + MINUTE,
        since_submitted=since,
        account_moved=False,
    )
    assert now is not Finding.NOT_PLACED or later is Finding.NOT_PLACED


@pytest.mark.parametrize(
    ("clean_looks", "span", "since", "finding"),
    [
        (0, 0 * MINUTE, 0 * MINUTE, Finding.WAIT),
        (2, 2 * MINUTE, 3 * MINUTE, Finding.WAIT),
        (100, 2 * MINUTE - timedelta(seconds=1), 3 * MINUTE, Finding.WAIT),
        (3, 2 * MINUTE, 3 * MINUTE, Finding.NOT_PLACED),
        (3, 2 * MINUTE, 15 * MINUTE, Finding.NOT_PLACED),
        (3, 2 * MINUTE, 15 * MINUTE + timedelta(seconds=1), Finding.ESCALATE),
        (1, 0 * MINUTE, 16 * MINUTE, Finding.ESCALATE),
    ],
)
def test_the_bounds_of_a_judgement(
    clean_looks: int, span: timedelta, since: timedelta, finding: Finding
) -> None:
    said = judge(clean_looks=clean_looks, span=span, since_submitted=since, account_moved=False)
    assert said is finding


def test_an_order_is_found_by_its_tag() -> None:
    ours = intent(OrderState.UNKNOWN)
    assert find(ours, [view("1"), view("2", tag=999), view("3", tag=1000)]) == view("3", tag=1000)


def test_an_order_is_found_by_its_number_at_the_broker() -> None:
    ours = intent(OrderState.ACTIVE, broker_order_id="77")
    assert find(ours, [view("76"), view("77")]) == view("77")


@given(st.lists(st.tuples(st.text("123", min_size=1), st.none() | st.integers(1, 999))))
def test_orders_of_others_are_never_taken_for_ours(others: list[tuple[str, int | None]]) -> None:
    views = [view(number, tag) for number, tag in others]
    assert find(intent(OrderState.UNKNOWN), views) is None


@pytest.mark.parametrize("state", [OrderState.PROPOSED, OrderState.UNKNOWN])
def test_two_missing_names_are_not_the_same_name(state: OrderState) -> None:
    nameless = replace(intent(state), client_order_id=None, broker_order_id=None)
    assert find(nameless, [view(tag=None)]) is None
    assert not has_fill(nameless, [fill(None)])


def test_a_fill_is_ours_by_its_tag() -> None:
    ours = intent(OrderState.UNKNOWN)
    assert has_fill(ours, [fill(None), fill(1000)])
    assert not has_fill(ours, [fill(999), fill(None)])
    assert not has_fill(ours, [])
