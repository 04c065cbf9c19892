"""Shares in millionths: exact, and brought to whole lots in a named direction."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import BadData
from ledger.money import MICRO, Quantity

micros = st.integers(-(10**15), 10**15)
lots = st.integers(1, 10**9).map(Quantity)


@given(micros)
def test_units_become_a_quantity_and_back_without_loss(micro: int) -> None:
    quantity = Quantity(micro)
    assert Quantity.of(quantity.units) == quantity
    assert quantity.units * MICRO == micro


@pytest.mark.parametrize(
    "units", ["0.0000001", "NaN", "Infinity", "1000.00000000000000000000000000001"]
)
def test_nothing_finer_than_a_millionth_is_a_quantity(units: str) -> None:
    with pytest.raises(BadData):
        Quantity.of(units)


@given(micros, lots)
def test_lots_below_and_above_enclose_the_quantity(micro: int, lot: Quantity) -> None:
    quantity = Quantity(micro)
    low, high = quantity.floor_to_lot(lot), quantity.ceil_to_lot(lot)
    assert low <= quantity <= high
    assert low.is_multiple_of(lot)
    assert high.is_multiple_of(lot)
    assert high - low in (Quantity(0), lot)
    assert (low == high) == quantity.is_multiple_of(lot)


@given(micros)
def test_without_a_lot_nothing_is_tradable(micro: int) -> None:
    quantity = Quantity(micro)
    assert not quantity.is_multiple_of(Quantity(0))
    with pytest.raises(BadData):
        quantity.floor_to_lot(Quantity(0))


@given(micros, micros)
def test_sums_neither_create_nor_lose_shares(a: int, b: int) -> None:
    x, y = Quantity(a), Quantity(b)
    assert x + y - y == x
    assert x + -x == Quantity(0)
    assert (x + y).micro == a + b


@given(micros, micros)
def test_quantities_are_ordered_as_their_units(a: int, b: int) -> None:
    x, y = Quantity(a), Quantity(b)
    assert (x < y, x <= y, x > y, x >= y) == (a < b, a <= b, a > b, a >= b)


@pytest.mark.parametrize(
    ("units", "text"),
    [("3", "3"), ("100", "100"), ("0.5", "0.5"), ("0.000001", "0.000001"), ("-2.50", "-2.5")],
)
def test_a_quantity_is_shown_without_exponent_or_empty_decimals(units: str, text: str) -> None:
    assert str(Quantity.of(Decimal(units))) == text
