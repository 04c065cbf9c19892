"""Identifiers: what a text names, with every check digit looked at."""

from __future__ import annotations

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum import isin as stdnum_isin

from ledger.errors import Conflict, Refused
from ledger.isin import check_digit, is_isin, looks_like_isin
from policy.identifiers import (
    choose_listing,
    completed,
    country_of,
    identifier,
    kind_of_identifier,
    product_type,
    quote_symbol,
)
from tests.store.builders import instrument

BODIES = st.from_regex(r"[A-Z]{2}[A-Z0-9]{9}", fullmatch=True)
QUICK = settings(max_examples=80, deadline=None, derandomize=True)
REAL = ("US0378331005", "US5949181045", "DE0007164600", "NL0010273215", "GB0002634946")


@pytest.mark.parametrize("isin", REAL)
def test_real_isins_are_accepted(isin: str) -> None:
    assert is_isin(isin)
    assert not is_isin(isin.lower())
    assert identifier(f" {isin.lower()} ") == isin


@QUICK
@given(BODIES)
def test_exactly_one_check_digit_fits(body: str) -> None:
    fitting = [digit for digit in range(10) if is_isin(f"{body}{digit}")]
    assert fitting == [check_digit(body)]


@QUICK
@given(BODIES)
def test_the_check_digit_is_that_of_the_public_library(body: str) -> None:
    assert str(check_digit(body)) == stdnum_isin.calc_check_digit(body)


@QUICK
@given(BODIES, st.integers(0, 10), st.sampled_from(string.digits))
def test_one_wrong_digit_is_always_noticed(body: str, at: int, digit: str) -> None:
    whole = f"{body}{check_digit(body)}"
    if not whole[at].isdigit() or whole[at] == digit or at < 2:
        return
    assert not is_isin(f"{whole[:at]}{digit}{whole[at + 1 :]}")


@QUICK
@given(st.text(max_size=14))
def test_any_text_is_of_one_kind_and_never_an_error(text: str) -> None:
    assert kind_of_identifier(text) in {"isin", "broker", "quote"}
    assert is_isin(text) <= looks_like_isin(text)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("US0378331005", "isin"),
        ("us0378331006", "isin"),
        ("AAPL.US", "broker"),
        ("700.HKG", "broker"),
        ("AAPL", "quote"),
        ("VOD.L", "quote"),
        ("BRK-B", "quote"),
    ],
)
def test_the_form_says_what_it_is(text: str, kind: str) -> None:
    assert kind_of_identifier(text) == kind


def test_what_cannot_be_searched_by_is_refused_with_the_reason() -> None:
    for text, code in (("  ", "identifier"), ("US0378331006", "isin"), ("AAPL", "quote_symbol")):
        with pytest.raises(Refused) as caught:
            identifier(text)
        assert caught.value.code == code
    assert identifier(" aapl.us ") == "AAPL.US"


@pytest.mark.parametrize(
    ("symbol", "mic", "expected"),
    [
        ("AAPL.US", "XNAS", "AAPL"),
        ("OPAP.GR", "XATH", "OPAP.AT"),
        ("OPAP.GR", "somewhere", "OPAP.AT"),
        ("SAP.EU", "XETR", "SAP.DE"),
        ("SAP.EU", "XFRA", "SAP.F"),
        ("AIR.EU", "XPAR", "AIR.PA"),
        ("ASML.EU", "XAMS", "ASML.AS"),
        ("VOD.UK", "XLON", "VOD.L"),
        ("700.HK", "XHKG", "700.HK"),
        ("SAP.EU", "somewhere", None),
        ("BHP.AX", "somewhere", "BHP.AX"),
    ],
)
def test_the_exchange_gives_the_quote_symbol(symbol: str, mic: str, expected: str | None) -> None:
    assert quote_symbol(instrument(symbol, mic=mic)) == expected


def test_an_isin_is_never_a_quote_symbol() -> None:
    for mic in ("XETR", "XNAS", "somewhere"):
        found = quote_symbol(instrument("SAP.EU", isin="DE0007164600", mic=mic))
        assert found is None or not looks_like_isin(found)


@pytest.mark.parametrize(
    ("exchange", "country"),
    [
        ("Amsterdam", "Netherlands"),
        ("xetra", "Germany"),
        ("XETR", "Germany"),
        ("LSE", "United Kingdom"),
        ("NasdaqGM", "United States"),
        ("Atlantis", None),
    ],
)
def test_the_exchange_gives_the_country(exchange: str, country: str | None) -> None:
    assert country_of(exchange) == country


@pytest.mark.parametrize(
    ("told", "name", "expected"),
    [
        ("EQUITY", "Barrick Gold", "EQUITY"),
        ("ETF", "Gold Miners", "ETF"),
        ("MUTUALFUND", "WisdomTree Physical Gold", "ETC"),
        ("MUTUALFUND", "Brent 1x", "ETC"),
        ("MUTUALFUND", "iShares Core MSCI World UCITS ETF", "ETF"),
        ("MUTUALFUND", "Toilers Goldman Fund", "MUTUALFUND"),
        ("WARRANT", "Something", "UNKNOWN"),
        (None, "Something", "UNKNOWN"),
        ("UNKNOWN", "Xetra Silver ETC", "ETC"),
    ],
)
def test_word_and_name_give_the_kind(told: str | None, name: str, expected: str) -> None:
    assert product_type(told, name) == expected


def test_what_the_broker_says_is_kept_and_gaps_are_filled() -> None:
    said = instrument(country="Ireland", product_type="ETF")
    assert completed(said) == said
    open_ = completed(instrument(country=None, product_type="UNKNOWN", mic="XPAR", name="A ETF"))
    assert (open_.country, open_.product_type) == ("France", "ETF")


def test_only_an_exact_hit_is_accepted_however_many_come() -> None:
    near = instrument("SAPX.EU", isin="DE0007164601")
    exact = instrument("SAP.EU", isin="DE0007164600")
    assert choose_listing([near, exact], "SAP.EU") is exact
    assert choose_listing([near, exact], "DE0007164600") is exact
    with pytest.raises(Refused) as caught:
        choose_listing([near], "SAP.EU")
    assert caught.value.code == "unresolvable"


def test_listings_are_told_apart_by_currency_and_exchange_or_named() -> None:
    isin = "DE0007164600"
    euro = instrument("SAP.EU", isin=isin)
    dollar = instrument("SAP.US", isin=isin, currency="USD", mic="XNYS")
    with pytest.raises(Conflict) as caught:
        choose_listing([euro, dollar], isin)
    assert caught.value.code == "ambiguous"
    assert "SAP.EU" in str(caught.value)
    assert "SAP.US" in str(caught.value)
    assert choose_listing([euro, dollar], isin, currency="USD") is dollar
    assert choose_listing([euro, dollar], isin, mic="XETR") is euro
    assert choose_listing([euro, dollar], "SAP.US") is dollar
