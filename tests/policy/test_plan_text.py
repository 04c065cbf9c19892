"""Figures in sentences are short, and rounded as people read them."""

from __future__ import annotations

from decimal import Decimal

from ledger.money import Money
from policy.fx import Conversion, FxRefusal, convert, route
from policy.plan_text import conversion_reason, percent, whole
from tests.policy.accounts import PAIRS, eur, fx_market


def test_amounts_in_sentences_have_no_decimals() -> None:
    assert whole(Money.of("1250.50", "USD")) == "1,250 USD"
    assert whole(eur("1250.50")) == "€1,250"
    assert whole(eur("-3.7")) == "-€4"


def test_shares_have_one_decimal() -> None:
    assert percent(Decimal("0.0833")) == "8.3%"


def test_an_exchange_says_what_it_pays_for() -> None:
    legs = route("EUR", "USD", PAIRS)
    assert not isinstance(legs, FxRefusal)
    need = Money.of("1100", "USD")
    step = convert(legs[0], need, surplus=eur(5000), market=fx_market())
    assert isinstance(step, Conversion)
    assert conversion_reason(step, "AAA") == "convert EUR to USD worth €1,000 to pay for AAA"
