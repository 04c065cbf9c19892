"""Rates across EUR: consistent in both directions and around triangles; unknown stays unknown."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import permutations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ledger.currency import exponent
from ledger.errors import BadData, CurrencyMismatch
from ledger.money import Money, Rounding
from ledger.rate import Rate, RateTable

CODES = ("EUR", "USD", "GBP", "JPY")
DAY = date(2009, 1, 5)
TOLERANCE = Decimal("1e-9")

values = st.decimals("0.0001", 10_000, places=6).filter(lambda value: value > 0)
days = st.dates(date(2008, 1, 1), date(2009, 1, 5))
tables = st.tuples(*[st.tuples(values, days)] * 3).map(
    lambda legs: RateTable(
        {
            code: Rate("EUR", code, value, day, "test")
            for code, (value, day) in zip(CODES[1:], legs, strict=True)
        }
    )
)


def known(table: RateTable, base: str, quote: str) -> Rate:
    rate = table.rate(base, quote)
    assert rate is not None
    return rate


@given(tables)
def test_there_and_back_is_one(table: RateTable) -> None:
    for base, quote in permutations(CODES, 2):
        there, back = known(table, base, quote), known(table, quote, base)
        assert (there.base, there.quote) == (base, quote)
        assert abs(there.value * back.value - 1) <= TOLERANCE
        assert abs(there.value * there.inverse.value - 1) <= TOLERANCE


@given(tables)
def test_a_detour_over_a_third_currency_changes_nothing(table: RateTable) -> None:
    for a, b, c in permutations(CODES, 3):
        direct = known(table, a, c).value
        detour = known(table, a, b).value * known(table, b, c).value
        assert abs(detour / direct - 1) <= TOLERANCE


@given(tables)
def test_a_cross_rate_is_as_old_as_its_older_leg(table: RateTable) -> None:
    for base, quote in permutations(CODES[1:], 2):
        legs = (table.per_eur[base], table.per_eur[quote])
        assert known(table, base, quote).as_of == min(leg.as_of for leg in legs)
        assert known(table, base, "EUR").as_of == table.per_eur[base].as_of


@given(tables, st.integers(-(10**12), 10**12), st.sampled_from(CODES), st.sampled_from(CODES))
def test_a_conversion_rounds_in_the_named_direction(
    table: RateTable, minor: int, base: str, quote: str
) -> None:
    assume(base != quote)
    rate, money = known(table, base, quote), Money(minor, base)
    exact = Fraction(money.amount) * Fraction(rate.value) * 10 ** exponent(quote)
    low, high = rate.convert(money, Rounding.FLOOR), rate.convert(money, Rounding.CEIL)
    assert low.minor <= exact <= high.minor
    assert high.minor - low.minor <= 1
    assert rate.convert(money, Rounding.HALF_EVEN).minor == round(exact)
    assert low.currency == quote


@given(tables, st.integers(-(10**12), 10**12), st.sampled_from(Rounding))
def test_a_table_converts_as_its_rates_do_however_often_it_is_asked(
    table: RateTable, minor: int, rounding: Rounding
) -> None:
    for base, quote in 2 * list(permutations(CODES, 2)):
        money = Money(minor, base)
        found = table.convert(money, quote, rounding)
        assert found == known(RateTable(table.per_eur), base, quote).convert(money, rounding)
        assert known(table, base, quote) is known(table, base, quote)


@given(tables, st.integers(1, 10**10))
def test_a_round_trip_rounded_down_never_gains(table: RateTable, minor: int) -> None:
    start = Money(minor, "EUR")
    for code in CODES[1:]:
        there = table.convert(start, code, Rounding.FLOOR)
        assert there is not None
        back = table.convert(there, "EUR", Rounding.FLOOR)
        assert back is not None
        assert back <= start


@given(tables, st.integers(), st.sampled_from(Rounding))
def test_the_own_currency_needs_no_rate(table: RateTable, minor: int, rounding: Rounding) -> None:
    money = Money(minor, "SEK")
    assert table.convert(money, "SEK", rounding) == money
    assert table.rate("SEK", "SEK") is None


@given(tables, st.sampled_from(CODES))
def test_an_unknown_currency_has_no_rate_in_any_direction(table: RateTable, code: str) -> None:
    assert table.rate(code, "CHF") is None
    assert table.rate("CHF", code) is None
    assert table.convert(Money(100, code), "CHF", Rounding.FLOOR) is None
    assert table.to_eur(Money(100, "CHF")) is None


def test_a_rate_converts_only_its_base() -> None:
    rate = Rate("EUR", "USD", Decimal("1.25"), DAY, "test")
    assert rate.convert(Money(100, "EUR"), Rounding.FLOOR) == Money(125, "USD")
    with pytest.raises(CurrencyMismatch):
        rate.convert(Money(100, "USD"), Rounding.FLOOR)


@pytest.mark.parametrize("value", ["0", "-1.25", "NaN", "Infinity"])
def test_a_rate_is_a_positive_number(value: str) -> None:
    with pytest.raises(BadData):
        Rate("EUR", "USD", Decimal(value), DAY, "test")


def test_exponents_of_both_currencies_count() -> None:
    yen = Rate("EUR", "JPY", Decimal("125.5"), DAY, "test")
    assert yen.convert(Money.of("2", "EUR"), Rounding.FLOOR) == Money(251, "JPY")
    assert yen.inverse.convert(Money(251, "JPY"), Rounding.HALF_EVEN) == Money.of("2", "EUR")


def test_a_sum_beyond_the_precision_of_a_double_is_converted_exactly() -> None:
    penny = Rate("JPY", "EUR", Decimal("0.01"), DAY, "test")
    huge = 10**17 + 1
    for rounding in Rounding:
        assert penny.convert(Money(huge, "JPY"), rounding) == Money(huge, "EUR")
        assert penny.inverse.convert(Money(huge, "EUR"), rounding) == Money(huge, "JPY")
