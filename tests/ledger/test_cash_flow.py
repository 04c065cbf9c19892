"""Versions of a cash flow become exactly the facts that the books still lack."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.cash_flow import (
    STAGE,
    Arrival,
    FlowRow,
    all_to_core,
    as_fact,
    completed_row,
    facts_between,
)
from ledger.fact import FlowCategory
from ledger.money import Money

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
ROW = FlowRow("T1", "card", "deposit", "pending", Money(100_00, "EUR"), NOW)
DONE = replace(ROW, status="completed")


def told(
    before: FlowRow | None, after: FlowRow, *, version: int = 2, booked_before: bool = True
) -> list[tuple[str, str, Money]]:
    facts = facts_between(before, after, version=version, booked_before=booked_before)
    return [(fact.flow_id, fact.category, fact.money) for fact in facts]


def test_only_a_completed_flow_is_a_fact() -> None:
    for status in STAGE:
        row = replace(ROW, status=status)
        facts = facts_between(None, row, version=1, booked_before=False)
        assert [fact.flow_id for fact in facts] == (["T1"] if row.completed else [])


def test_a_pending_flow_that_completes_keeps_its_plain_name() -> None:
    assert told(ROW, DONE, booked_before=False) == [("T1", "deposit", ROW.money)]


def test_a_completed_flow_that_is_cancelled_is_taken_back() -> None:
    back = [("T1:v2:back", "deposit", Money(-100_00, "EUR"))]
    assert told(DONE, replace(DONE, status="cancelled")) == back
    assert told(DONE, replace(DONE, status="rejected")) == back


def test_a_flow_that_is_completed_again_is_booked_again() -> None:
    assert told(replace(DONE, status="cancelled"), DONE, version=3) == [
        ("T1:v3", "deposit", ROW.money)
    ]


def test_a_changed_amount_books_the_difference() -> None:
    assert told(DONE, replace(DONE, money=Money(90_00, "EUR"))) == [
        ("T1:v2", "deposit", Money(-10_00, "EUR"))
    ]


def test_another_date_books_nothing() -> None:
    assert told(DONE, replace(DONE, booked_at=NOW.replace(day=3))) == []


@pytest.mark.parametrize(
    "change",
    [{"money": Money(92_00, "USD")}, {"category": "other"}, {"reference": "D1"}, {"symbol": "X"}],
)
def test_another_purpose_or_currency_takes_the_old_one_back_in_full(
    change: dict[str, object],
) -> None:
    after = replace(DONE, **change)  # type: ignore[arg-type]
    assert told(DONE, after) == [
        ("T1:v2:back", "deposit", Money(-100_00, "EUR")),
        ("T1:v2", after.category, after.money),
    ]


def test_a_brokers_id_that_looks_like_a_correction_is_told_from_one() -> None:
    names = [told(None, replace(DONE, transaction_id=name), version=1, booked_before=False)[0][0]
             for name in ("T1", "T1:v2", "T1:v2:back", "T1:v2:v1")]  # fmt: skip
    correction = told(DONE, replace(DONE, money=Money(1, "EUR")))[0][0]
    assert len({*names, correction}) == 5


def test_a_row_and_its_fact_say_the_same() -> None:
    row = replace(DONE, type="deposit", symbol="AAA", reference="R", description="d")
    assert completed_row(as_fact(row)) == row


def test_what_is_not_divided_goes_to_core() -> None:
    assert all_to_core(Arrival(ROW.money, {}, {})) == (("core", 100_00),)


CATEGORIES = st.sampled_from(["deposit", "withdrawal", "dividend", "other"])
VERSIONS = st.lists(
    st.tuples(
        st.sampled_from(sorted(STAGE)),
        CATEGORIES,
        st.sampled_from(["EUR", "USD"]),
        st.integers(-500, 500),
    ),
    min_size=1,
    max_size=8,
)


@given(VERSIONS)
def test_k2_the_facts_of_a_transaction_add_up_to_its_completed_version(
    said: list[tuple[str, FlowCategory, str, int]],
) -> None:
    before: FlowRow | None = None
    sums: dict[tuple[str, str], int] = {}
    names: list[str] = []
    booked = False
    for version, (status, category, currency, minor) in enumerate(said, 1):
        money = Money(minor, currency)
        row = replace(ROW, status=status, category=category, money=money)  # type: ignore[arg-type]
        for fact in facts_between(before, row, version=version, booked_before=booked):
            key = (fact.category, fact.money.currency)
            sums[key] = sums.get(key, 0) + fact.money.minor
            names.append(fact.flow_id)
        expected = {(category, currency): minor} if row.completed and minor else {}
        assert {key: value for key, value in sums.items() if value} == expected
        booked = booked or row.completed
        before = row
    assert len(names) == len(set(names))
