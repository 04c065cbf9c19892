"""A day's return knows gains only: money that comes or goes is none."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.day_return import day_return
from ledger.money import Money

CENTS = st.integers(min_value=-(10**9), max_value=10**9)


def eur(minor: int) -> Money:
    return Money(minor, "EUR")


@given(before=st.integers(1, 10**9), gain=CENTS, flow=CENTS)
def test_no_flow_changes_what_was_earned(before: int, gain: int, flow: int) -> None:
    found = day_return(eur(before), eur(before + gain + flow), eur(flow))
    assert found == Decimal(gain) / before


@pytest.mark.parametrize(
    ("before", "after", "flow"),
    [
        (None, eur(1), eur(0)),
        (eur(1), None, eur(0)),
        (eur(1), eur(1), None),
        (eur(0), eur(9), eur(9)),
        (eur(-5), eur(5), eur(0)),
    ],
)
def test_it_is_unknown_with_any_part_of_it_and_without_a_base(
    before: Money | None, after: Money | None, flow: Money | None
) -> None:
    assert day_return(before, after, flow) is None
