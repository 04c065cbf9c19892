"""Every known currency has an exponent; an unknown one is an error, never two decimals."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.currency import BASE, exponent, is_known
from ledger.errors import UnknownCurrency


@pytest.mark.parametrize(("code", "decimals"), [("EUR", 2), ("USD", 2), ("JPY", 0), ("KRW", 0)])
def test_the_exponent_is_that_of_the_smallest_unit(code: str, decimals: int) -> None:
    assert exponent(code) == decimals


def test_the_base_currency_is_known() -> None:
    assert is_known(BASE)


@given(st.text(max_size=5))
def test_a_code_is_known_or_has_no_exponent(code: str) -> None:
    if is_known(code):
        assert exponent(code) in (0, 2)
    else:
        with pytest.raises(UnknownCurrency, match="unknown currency"):
            exponent(code)
