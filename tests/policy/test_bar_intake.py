"""Bars are put in order or refused before they are stored, and a change of basis is noticed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.bar import Bar, BarRead, ShareDividend, Split, split_basis
from ledger.errors import BadData
from ledger.money import Price
from policy.bar_intake import arranged, on_another_basis, sound_actions

DAY = date(2026, 3, 2)


def bar(days: int, close: int = 100_000_000) -> Bar:
    return Bar(DAY + timedelta(days=days), close, close, close, close, 1)


def read(*bars: Bar, adjusted_to: date | None = None) -> BarRead:
    return BarRead("A", "EUR", "test", bars, adjusted_to)


def put_right(got: BarRead) -> tuple[Bar, ...]:
    return arranged(got, symbol="A", currency="EUR", last=DAY + timedelta(days=9)).bars


def test_what_is_in_order_is_left_as_it_is() -> None:
    got = read(bar(0), bar(1))
    assert arranged(got, symbol="A", currency="EUR", last=DAY + timedelta(days=1)) is got
    assert put_right(read()) == ()


@given(st.permutations([bar(0), bar(1), bar(2), bar(2)]))
def test_rows_in_any_order_and_twice_become_one_per_day(rows: list[Bar]) -> None:
    assert put_right(read(*rows)) == (bar(0), bar(1), bar(2))


@pytest.mark.parametrize(
    ("got", "reason"),
    [
        (read(bar(0), bar(0, 5)), "two different bars of 2026-03-02"),
        (read(bar(10)), "a day to come"),
        (read(replace(bar(0), high_micro=10**19)), "a figure that no price is"),
        (read(replace(bar(0), volume=-(10**19))), "a figure that no price is"),
        (replace(read(bar(0)), currency="USD"), "bars of A in USD came for A in EUR"),
        (replace(read(bar(0)), symbol="B"), "bars of B in EUR came for A in EUR"),
    ],
)
def test_what_cannot_be_is_refused(got: BarRead, reason: str) -> None:
    with pytest.raises(BadData, match=reason):
        put_right(got)


def test_actions_that_cannot_be_are_refused() -> None:
    sound_actions([Split(DAY, Decimal("0.05"))], [ShareDividend(DAY, None, Price(1, "EUR"))])
    for ratio in ("0", "-2", "NaN", "Infinity", "1000000"):
        with pytest.raises(BadData, match="ratio"):
            sound_actions([Split(DAY, Decimal(ratio))], [])
    with pytest.raises(BadData, match="dividend"):
        sound_actions([], [ShareDividend(DAY, None, Price(0, "EUR"))])


STORED = [bar(n, (100 + n) * 1_000_000) for n in range(5)]


def scaled(factor: float, *, days: range = range(6)) -> BarRead:
    return read(*(bar(n, round((100 + n) * 1_000_000 * factor)) for n in days))


@pytest.mark.parametrize(
    ("factor", "expected"), [(1.0, False), (1.0004, False), (0.98, True), (0.5, True), (20, True)]
)
def test_one_ratio_over_all_common_days_is_another_basis(factor: float, expected: bool) -> None:
    assert on_another_basis(STORED, scaled(factor), []) is expected


def test_a_day_that_differs_by_itself_was_corrected() -> None:
    got = scaled(1.0).bars
    assert not on_another_basis(STORED, read(*got[:2], bar(2, 50_000_000), *got[3:]), [])


def test_a_known_split_explains_what_was_adjusted_for_it() -> None:
    split = [Split(DAY + timedelta(days=9), Decimal(2))]
    halves = scaled(0.5)
    assert on_another_basis(STORED, halves, split)
    assert not on_another_basis(STORED, replace(halves, adjusted_to=split[0].ex_date), split)


def test_without_a_day_in_common_nothing_tells_the_basis() -> None:
    assert on_another_basis(STORED, scaled(1.0, days=range(7, 9)), [])
    assert not on_another_basis(STORED, read(), [])
    assert not on_another_basis([], scaled(1.0), [])


@given(
    st.lists(st.tuples(st.integers(0, 20), st.decimals("0.01", "100", places=2)), max_size=4),
    st.integers(0, 20),
)
def test_the_basis_of_a_day_is_the_product_of_the_splits_behind_it(
    splits: list[tuple[int, Decimal]], adjusted: int
) -> None:
    events = [Split(DAY + timedelta(days=ahead), ratio) for ahead, ratio in splits]
    numerator, denominator = split_basis(DAY, events, DAY + timedelta(days=adjusted))
    expected = Fraction(1)
    for ahead, ratio in splits:
        if 0 < ahead <= adjusted:
            expected *= Fraction(ratio)
    assert float(Fraction(numerator, denominator)) == pytest.approx(float(expected))
    assert split_basis(DAY, events, None) == (1, 1)
