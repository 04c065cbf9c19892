"""Amounts of one currency: exact, never mixed, every rounding in its named direction."""

from __future__ import annotations

import operator
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.currency import exponent
from ledger.errors import BadData, CurrencyMismatch, UnknownCurrency
from ledger.money import Money, Rounding, divide

CODES = ("EUR", "USD", "HKD", "JPY", "ISK")
minors = st.integers(-(10**15), 10**15)
codes = st.sampled_from(CODES)


@given(st.integers(-(10**20), 10**20), st.integers(1, 10**12))
def test_floor_and_ceil_enclose_the_exact_quotient_within_one_unit(top: int, bottom: int) -> None:
    exact = Fraction(top, bottom)
    low, high = divide(top, bottom, Rounding.FLOOR), divide(top, bottom, Rounding.CEIL)
    assert low <= exact <= high
    assert high - low == (0 if exact.denominator == 1 else 1)


@given(st.integers(-(10**20), 10**20), st.integers(1, 10**12))
def test_half_even_is_the_nearest_whole_number(top: int, bottom: int) -> None:
    assert divide(top, bottom, Rounding.HALF_EVEN) == round(Fraction(top, bottom))


@pytest.mark.parametrize(
    ("halves", "expected"), [(1, 0), (3, 2), (5, 2), (-1, 0), (-3, -2), (-5, -2)]
)
def test_a_half_goes_to_the_even_neighbour(halves: int, expected: int) -> None:
    assert divide(halves, 2, Rounding.HALF_EVEN) == expected


@given(st.integers(), st.integers(max_value=0), st.sampled_from(Rounding))
def test_a_denominator_must_be_positive(top: int, bottom: int, rounding: Rounding) -> None:
    with pytest.raises(BadData):
        divide(top, bottom, rounding)


@given(minors, codes)
def test_an_amount_becomes_money_and_back_without_loss(minor: int, code: str) -> None:
    money = Money(minor, code)
    assert Money.of(money.amount, code) == money
    assert money.amount * 10 ** exponent(code) == minor


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        ("0.001", "EUR"),
        ("0.5", "JPY"),
        ("NaN", "EUR"),
        ("sNaN", "EUR"),
        ("Infinity", "USD"),
        # More digits than a decimal context keeps: rounding first would hide the excess.
        ("100.0000000000000000000000000001", "EUR"),
    ],
)
def test_what_is_not_a_whole_number_of_the_smallest_unit_is_refused(amount: str, code: str) -> None:
    with pytest.raises(BadData):
        Money.of(amount, code)


@given(st.decimals(-(10**12), 10**12, places=6), codes)
def test_half_even_moves_an_amount_by_half_a_unit_at_most(amount: Decimal, code: str) -> None:
    shown = Money.half_even(amount, code)
    assert abs(Fraction(shown.amount) - Fraction(amount)) * 10 ** exponent(code) <= Fraction(1, 2)


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "-Infinity"])
def test_no_number_is_no_amount(amount: str) -> None:
    with pytest.raises(BadData):
        Money.half_even(Decimal(amount), "EUR")


@given(minors, minors, minors, codes)
def test_sums_neither_create_nor_lose_money(a: int, b: int, c: int, code: str) -> None:
    x, y, z = Money(a, code), Money(b, code), Money(c, code)
    assert (x + y) + z == x + (y + z)
    assert x + y - y == x
    assert x + -x == Money.zero(code)
    assert (x + y).minor == a + b


@given(minors, minors)
def test_money_is_ordered_as_its_amounts(a: int, b: int) -> None:
    x, y = Money(a, "EUR"), Money(b, "EUR")
    assert (x < y, x <= y, x > y, x >= y) == (a < b, a <= b, a > b, a >= b)


@pytest.mark.parametrize(
    "combine",
    [operator.add, operator.sub, operator.lt, operator.le, operator.gt, operator.ge],
)
def test_two_currencies_are_never_combined(combine: Callable[[Money, Money], object]) -> None:
    with pytest.raises(CurrencyMismatch):
        combine(Money(100, "EUR"), Money(100, "USD"))


def test_equal_figures_of_two_currencies_are_not_equal_money() -> None:
    assert Money(100, "EUR") != Money(100, "USD")
    assert len({Money(0, "EUR"), Money(0, "USD"), Money.zero("EUR")}) == 2


@pytest.mark.parametrize("code", ["XYZ", "eur", ""])
def test_an_unknown_currency_has_no_smallest_unit(code: str) -> None:
    with pytest.raises(UnknownCurrency):
        Money.of("1", code)
    with pytest.raises(UnknownCurrency):
        _ = Money(1, code).amount


@pytest.mark.parametrize(
    ("money", "text"),
    [
        (Money(123_456_78, "EUR"), "123,456.78 EUR"),
        (Money(-5, "USD"), "-0.05 USD"),
        (Money(1_234_567, "JPY"), "1,234,567 JPY"),
        (Money.zero("ISK"), "0 ISK"),
    ],
)
def test_money_is_shown_with_the_decimals_of_its_currency(money: Money, text: str) -> None:
    assert str(money) == text
