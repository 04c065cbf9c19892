"""Fees in their own currency, and the smallest trade worth one."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.money import Money
from policy.fees import FeeTerms, as_floats, fee, min_trade_eur, no_less_than
from policy.limits import DEFAULTS
from tests.policy.accounts import FEES, FREE, eur, rates


def test_a_fee_is_fixed_plus_percent_in_its_own_currency() -> None:
    assert fee(FEES, eur(1000), rates()) == eur(4)
    # 1 ÷ 1.10 has no end: what a conversion rounds is rounded against us.
    assert fee(FEES, Money.of("1100", "USD"), rates()) == eur("4.01")
    assert fee(FEES, Money.of("1099.99", "USD"), rates()) == eur(4)


def test_a_fee_never_falls_below_its_minimum() -> None:
    terms = replace(FEES, minimum=eur(5))
    assert fee(terms, eur(100), rates()) == eur(5)
    assert fee(terms, eur(2000), rates()) == eur(6)


def test_a_fee_without_a_rate_is_unknown() -> None:
    assert fee(FEES, Money.of("1000", "CHF"), rates()) is None
    assert as_floats(FeeTerms(Money(1, "CHF"), 0, Money(0, "CHF")), rates()) is None


def test_an_order_is_never_reckoned_cheaper_than_the_broker_or_the_owner_says() -> None:
    assert no_less_than(DEFAULTS, FREE) == replace(
        FREE, fixed=DEFAULTS.transaction_cost_fixed, percent_micro=2_000
    )
    dearer = replace(
        DEFAULTS, transaction_cost_fixed=eur(3), transaction_cost_percent=Decimal("0.001")
    )
    assert no_less_than(dearer, FEES) == replace(FEES, fixed=eur(3))
    abroad = FeeTerms(Money.of("1", "USD"), 0, Money.of("5", "USD"))
    assert no_less_than(DEFAULTS, abroad) == replace(abroad, percent_micro=2_000)


def test_the_smallest_trade_is_250_euros_at_2_euros_and_a_fifth_of_a_percent() -> None:
    assert min_trade_eur(FEES, DEFAULTS, rates()) == eur(250)


def test_the_smallest_trade_knows_minimum_free_and_hopeless_terms() -> None:
    assert min_trade_eur(replace(FEES, minimum=eur(5)), DEFAULTS, rates()) == eur(500)
    assert min_trade_eur(FREE, DEFAULTS, rates()) == eur(0)
    assert min_trade_eur(replace(FEES, percent_micro=10_000), DEFAULTS, rates()) == eur(1000)
    assert min_trade_eur(FeeTerms(Money(1, "CHF"), 0, Money(0, "CHF")), DEFAULTS, rates()) is None


def test_fees_cross_to_floats_as_euros_and_a_fraction() -> None:
    assert as_floats(FEES, rates()) == (2.0, 0.002)


@settings(max_examples=80, deadline=None)
@given(
    fixed=st.integers(0, 5_000),
    percent=st.integers(0, 9_000),
    minimum=st.integers(0, 5_000),
    above=st.integers(0, 10**6),
)
def test_at_the_smallest_trade_and_above_the_fee_keeps_its_share(
    fixed: int, percent: int, minimum: int, above: int
) -> None:
    terms = FeeTerms(Money(fixed, "EUR"), percent, Money(minimum, "EUR"))
    least = min_trade_eur(terms, DEFAULTS, rates())
    assert least is not None
    value = Money(least.minor + above, "EUR")
    charged = fee(terms, value, rates())
    assert charged is not None
    # The fee itself is rounded up to a cent.
    assert charged.minor - 1 <= Decimal(value.minor) * DEFAULTS.max_fee_share
