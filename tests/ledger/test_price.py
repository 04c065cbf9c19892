"""Prices in millionths: value of a trade, ticks and scaling round as they are told."""

from __future__ import annotations

import operator
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.currency import exponent
from ledger.errors import BadData, CurrencyMismatch
from ledger.money import MICRO, Money, Price, Quantity, Rounding

micros = st.integers(1, 10**12)
codes = st.sampled_from(("EUR", "USD", "JPY"))
quantities = st.integers(0, 10**13).map(Quantity)


@given(micros, codes, quantities)
def test_we_never_pay_too_little_nor_receive_too_much(
    micro: int, code: str, quantity: Quantity
) -> None:
    price = Price(micro, code)
    exact = Fraction(micro * quantity.micro, MICRO**2) * 10 ** exponent(code)
    paid, received = price.times(quantity, Rounding.CEIL), price.times(quantity, Rounding.FLOOR)
    assert received.minor <= exact <= paid.minor
    assert paid.minor - received.minor <= 1
    assert price.times(quantity, Rounding.HALF_EVEN).minor == round(exact)
    assert paid.currency == received.currency == code


@given(micros, quantities, quantities)
def test_a_trade_in_two_parts_costs_no_less_and_brings_no_more(
    micro: int, first: Quantity, second: Quantity
) -> None:
    price, whole = Price(micro, "EUR"), first + second
    low, high = Rounding.FLOOR, Rounding.CEIL
    assert price.times(first, high) + price.times(second, high) >= price.times(whole, high)
    assert price.times(first, low) + price.times(second, low) <= price.times(whole, low)


def test_whole_shares_at_whole_cents_are_exact() -> None:
    cost = Price.of("19.99", "EUR").times(Quantity.of(3), Rounding.FLOOR)
    assert cost == Money.of("59.97", "EUR")


@given(micros, st.integers(1, 10**8), codes)
def test_ticks_below_and_above_enclose_the_price(micro: int, tick_micro: int, code: str) -> None:
    price, tick = Price(micro, code), Price(tick_micro, code)
    low, high = price.floor_to_tick(tick), price.ceil_to_tick(tick)
    assert low <= price <= high
    assert low.micro % tick.micro == high.micro % tick.micro == 0
    assert high.micro - low.micro in (0, tick.micro)


def test_a_tick_of_another_currency_does_not_fit() -> None:
    price, tick = Price.of("10", "USD"), Price.of("0.01", "EUR")
    with pytest.raises(CurrencyMismatch):
        price.floor_to_tick(tick)
    with pytest.raises(CurrencyMismatch):
        price.ceil_to_tick(tick)


@given(micros, st.decimals("0.001", 1000, places=6))
def test_scaling_rounds_to_a_millionth_in_the_named_direction(micro: int, factor: Decimal) -> None:
    price = Price(micro, "EUR")
    exact = Fraction(micro) * Fraction(factor)
    low, high = price.scaled(factor, Rounding.FLOOR), price.scaled(factor, Rounding.CEIL)
    assert low.micro <= exact <= high.micro
    assert high.micro - low.micro <= 1
    assert price.scaled(factor).micro == round(exact)


@given(micros, codes)
def test_a_price_survives_its_decimal_form(micro: int, code: str) -> None:
    price = Price(micro, code)
    assert Price.of(price.value, code) == price


@pytest.mark.parametrize("value", ["0", "-1", "NaN", "Infinity", "0.0000005", "1e-12"])
def test_what_is_not_positive_in_millionths_is_no_price(value: str) -> None:
    with pytest.raises(BadData):
        Price.of(value, "EUR")


@given(micros, micros)
def test_prices_are_ordered_as_their_values(a: int, b: int) -> None:
    x, y = Price(a, "EUR"), Price(b, "EUR")
    assert (x < y, x <= y, x > y, x >= y) == (a < b, a <= b, a > b, a >= b)


@pytest.mark.parametrize("compare", [operator.lt, operator.le, operator.gt, operator.ge])
def test_prices_of_two_currencies_are_never_compared(
    compare: Callable[[Price, Price], object],
) -> None:
    with pytest.raises(CurrencyMismatch):
        compare(Price.of("1", "EUR"), Price.of("1", "USD"))


def test_a_price_is_shown_as_a_plain_number() -> None:
    assert str(Price.of("1200", "JPY")) == "1200 JPY"
    assert str(Price.of("0.000010", "EUR")) == "0.00001 EUR"
