"""Conversions: direction, size, and refusals that say why."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.money import Money, Price, Quantity
from ledger.security import FxPair
from policy.fees import FeeTerms
from policy.fx import (
    Conversion,
    FxMarket,
    FxRefusal,
    Leg,
    NoFx,
    convert,
    need_at_least,
    padded,
    pair_price,
    reserve,
    route,
    spend_up_to,
    ways,
)
from policy.limits import DEFAULTS
from tests.policy.accounts import PAIRS, eur, fx_market, pair, quote, rates

ROUTES = [
    ("EUR", "USD", "EUR/USD", "SELL"),
    ("USD", "EUR", "EUR/USD", "BUY"),
    ("EUR", "GBP", "EUR/GBP", "SELL"),
    ("GBP", "EUR", "EUR/GBP", "BUY"),
    ("GBP", "USD", "GBP/USD", "SELL"),
    ("USD", "GBP", "GBP/USD", "BUY"),
    ("EUR", "HKD", "HKD/EUR", "BUY"),
    ("HKD", "EUR", "HKD/EUR", "SELL"),
    ("USD", "HKD", "HKD/USD", "BUY"),
    ("HKD", "USD", "HKD/USD", "SELL"),
]


def leg(source: str, target: str) -> Leg:
    legs = route(source, target, PAIRS)
    assert not isinstance(legs, FxRefusal)
    assert len(legs) == 1
    return legs[0]


def done(found: Conversion | FxRefusal) -> Conversion:
    assert isinstance(found, Conversion), found
    return found


@pytest.mark.parametrize(("source", "target", "symbol", "side"), ROUTES)
def test_the_side_follows_from_the_pair(source: str, target: str, symbol: str, side: str) -> None:
    found = leg(source, target)
    assert (found.pair.symbol, found.side) == (symbol, side)


def test_pounds_and_hong_kong_dollars_meet_in_euros() -> None:
    legs = route("GBP", "HKD", PAIRS)
    assert not isinstance(legs, FxRefusal)
    assert [(one.pair.symbol, one.side) for one in legs] == [("EUR/GBP", "BUY"), ("HKD/EUR", "BUY")]


@pytest.mark.parametrize(
    ("source", "target", "code"),
    [
        ("EUR", "EUR", NoFx.SAME_CURRENCY),
        ("GBX", "EUR", NoFx.UNKNOWN_CURRENCY),
        ("EUR", "CHF", NoFx.NO_ROUTE),
        ("CHF", "USD", NoFx.NO_ROUTE),
    ],
)
def test_what_cannot_be_exchanged_is_refused(source: str, target: str, code: NoFx) -> None:
    found = route(source, target, PAIRS)
    assert isinstance(found, FxRefusal)
    assert found.code is code


def test_quantities_are_in_base_whatever_the_direction() -> None:
    market = fx_market()
    assert done(need_at_least(leg("EUR", "HKD"), Money.of("3510", "HKD"), market)).quantity == (
        Quantity.of(3510)
    )
    buying = done(need_at_least(leg("USD", "EUR"), eur("99.5"), market))
    assert buying.quantity == Quantity.of(100)
    selling = done(need_at_least(leg("EUR", "USD"), Money.of("110.01", "USD"), market))
    assert selling.quantity == Quantity.of(101)


def test_spending_never_takes_more_than_the_budget_at_the_worst_price() -> None:
    found = done(spend_up_to(leg("USD", "EUR"), Money.of("110", "USD"), fx_market()))
    assert found.quantity == Quantity.of(98)
    assert found.spend <= Money.of("110", "USD")


@pytest.mark.parametrize("amount", ["0", "-1"])
def test_nothing_is_not_converted(amount: str) -> None:
    market = fx_market()
    need = need_at_least(leg("EUR", "USD"), Money.of(amount, "USD"), market)
    spend = spend_up_to(leg("EUR", "USD"), Money.of(amount, "EUR"), market)
    assert isinstance(need, FxRefusal)
    assert isinstance(spend, FxRefusal)
    assert (need.code, spend.code) == (NoFx.AMOUNT_NOT_POSITIVE, NoFx.NO_SURPLUS)


def test_less_than_a_lot_is_refused() -> None:
    found = spend_up_to(leg("HKD", "EUR"), Money.of("0.60", "HKD"), fx_market())
    assert isinstance(found, FxRefusal)
    assert found.code is NoFx.BELOW_LOT


def test_without_a_rate_there_is_no_order_even_with_a_quote() -> None:
    market = fx_market(per_eur={}, quotes=[quote("EUR/USD", "1.10", "USD")])
    found = need_at_least(leg("EUR", "USD"), Money.of("100", "USD"), market)
    assert isinstance(found, FxRefusal)
    assert found.code is NoFx.NO_PRICE


def test_a_quote_far_from_the_reference_rate_is_not_believed() -> None:
    eurusd = pair("EUR/USD")
    near, far = quote("EUR/USD", "1.12", "USD"), quote("EUR/USD", "0.909", "USD")
    assert pair_price(eurusd, fx_market(quotes=[near])) == Price.of("1.12", "USD")
    assert pair_price(eurusd, fx_market(quotes=[far])) is None
    assert pair_price(eurusd, fx_market(quotes=[quote("EUR/USD", "1.10", "EUR")])) is None


def test_a_price_with_too_few_digits_sizes_no_order() -> None:
    one = pair("USD/EUR")
    assert pair_price(one, fx_market(per_eur={"USD": "1000"})) == Price.of("0.001", "EUR")
    assert pair_price(one, fx_market(per_eur={"USD": "1001"})) is None


def test_the_fee_comes_out_of_the_surplus_too() -> None:
    fees = FeeTerms(eur(3), 0, eur(0))
    market = fx_market(fees=fees)
    found = convert(leg("EUR", "USD"), Money.of("999", "USD"), surplus=eur(103), market=market)
    assert done(found).quantity == Quantity.of(100)
    assert done(found).outlay("EUR") == 103_00


def test_half_the_spread_and_the_fee_are_its_cost() -> None:
    fees = FeeTerms(eur(1), 0, eur(0))
    quotes = [quote("EUR/USD", "1.25", "USD", spread="0.002")]
    market = fx_market(fees=fees, quotes=quotes, per_eur={"USD": "1.25"})
    found = done(spend_up_to(leg("EUR", "USD"), eur(1000), market))
    assert found.cost_eur == eur(2)
    assert found.value_eur == eur(1000)


def test_direct_ways_come_before_paths_and_larger_surpluses_before_smaller() -> None:
    surplus = {"EUR": eur(10), "USD": Money.of("99", "USD"), "GBP": Money.of("500", "GBP")}
    found = ways(surplus, "HKD", fx_market())
    assert [[one.source for one in legs] for legs in found] == [["USD"], ["EUR"], ["GBP", "EUR"]]


def test_the_reserve_of_a_currency_is_five_euros_rounded_up() -> None:
    assert reserve("HKD", rates(), DEFAULTS) == Money.of("42.50", "HKD")
    assert reserve("GBP", rates({"GBP": "0.8511"}), DEFAULTS) == Money.of("4.26", "GBP")
    assert reserve("CHF", rates(), DEFAULTS) is None


def unproven(*symbols: str, lot: str = "1") -> tuple[FxPair, ...]:
    return tuple(
        replace(one, proven=one.symbol not in symbols, lot=Quantity.of(lot)) for one in PAIRS
    )


def test_the_first_conversion_on_a_pair_is_small() -> None:
    market = fx_market(pairs=unproven("EUR/USD", "HKD/EUR"))
    assert market.unproven == {"EUR/USD", "HKD/EUR"}
    (selling,) = legs_of("EUR", "USD", market)
    assert done(need_at_least(selling, Money.of("999", "USD"), market)).quantity == Quantity.of(20)
    assert done(spend_up_to(selling, eur(5000), market)).quantity == Quantity.of(20)
    (buying,) = legs_of("EUR", "HKD", market)
    small = done(need_at_least(buying, Money.of("9999", "HKD"), market))
    assert small.quantity == Quantity.of(170)
    assert small.value_eur == eur(20)
    below = done(need_at_least(buying, Money.of("85", "HKD"), market))
    assert below.quantity == Quantity.of(85)


def test_a_lot_larger_than_a_first_conversion_is_refused() -> None:
    market = fx_market(pairs=unproven("EUR/USD", lot="100"))
    (one,) = legs_of("EUR", "USD", market)
    found = need_at_least(one, Money.of("999", "USD"), market)
    assert isinstance(found, FxRefusal)
    assert found.code is NoFx.BELOW_LOT


@settings(max_examples=100, deadline=None)
@given(
    rate=st.decimals("0.001", "1000", places=4),
    amount=st.integers(100_00, 10**9),
    forward=st.booleans(),
)
def test_c4_no_conversion_on_an_unproven_pair_is_worth_more_than_the_first_may_be(
    rate: Decimal, amount: int, forward: bool
) -> None:
    one = replace(pair("EUR/USD", "0.01"), proven=False)
    market = fx_market(pairs=(one,), per_eur={"USD": str(rate)})
    source, target = ("EUR", "USD") if forward else ("USD", "EUR")
    way = Leg(one, source, target)
    for found in (
        need_at_least(way, Money(amount, target), market),
        spend_up_to(way, Money(amount, source), market),
    ):
        assert isinstance(found, FxRefusal) or found.quantity <= Quantity.of(20)


def test_proven_pairs_go_before_unproven_ones_even_with_two_legs() -> None:
    surplus = {"EUR": eur(10), "GBP": Money.of("500", "GBP")}
    market = fx_market(pairs=unproven("GBP/USD"))
    found = ways(surplus, "USD", market)
    assert [[one.pair.symbol for one in legs] for legs in found] == [
        ["EUR/USD"],
        ["EUR/GBP", "EUR/USD"],
    ]
    trial = ways(surplus, "USD", fx_market(pairs=unproven("GBP/USD", "EUR/USD")))
    assert [[one.pair.symbol for one in legs] for legs in trial] == [["GBP/USD"], ["EUR/USD"]]


def legs_of(source: str, target: str, market: FxMarket) -> tuple[Leg, ...]:
    legs = route(source, target, market.pairs)
    assert not isinstance(legs, FxRefusal)
    return legs


def test_an_amount_below_the_minimum_of_a_pair_is_refused_in_both_directions() -> None:
    one = replace(pair("EUR/USD"), min_quantity=Quantity.of(50))
    market = fx_market(pairs=(one,))
    for source, target in (("EUR", "USD"), ("USD", "EUR")):
        (way,) = legs_of(source, target, market)
        found = need_at_least(way, Money.of("30", target), market)
        assert isinstance(found, FxRefusal)
        assert found.code is NoFx.BELOW_MINIMUM
        assert done(need_at_least(way, Money.of("80", target), market)).quantity >= Quantity.of(50)


def test_c4_a_conversion_that_brings_nothing_is_refused() -> None:
    one = pair("EUR/USD", "0.01")
    market = fx_market(pairs=(one,), per_eur={"USD": "0.001"})
    found = spend_up_to(Leg(one, "EUR", "USD"), eur("0.01"), market)
    assert isinstance(found, FxRefusal)
    assert found.code is NoFx.NOTHING_ARRIVES
    eaten = fx_market(fees=FeeTerms(Money.of("30", "USD"), 0, Money.of("0", "USD")))
    swallowed = need_at_least(leg("EUR", "USD"), Money.of("20", "USD"), eaten)
    assert isinstance(swallowed, FxRefusal)
    assert swallowed.code is NoFx.NOTHING_ARRIVES


CURRENCIES = ("EUR", "USD", "GBP", "HKD", "CHF", "JPY")
RATES = st.decimals("0.001", "1000", places=6)


@settings(max_examples=200, deadline=None)
@given(
    currencies=st.lists(st.sampled_from(CURRENCIES), min_size=2, max_size=2, unique=True),
    values=st.tuples(RATES, RATES),
    units=st.integers(1_000, 1_000_000),
    forward=st.booleans(),
)
def test_c5_the_amount_is_the_need_with_its_buffer_within_three_percent(
    currencies: list[str], values: tuple[Decimal, Decimal], units: int, forward: bool
) -> None:
    base, other = currencies
    one = pair(f"{base}/{other}", "0.000001")
    per_eur = {c: str(v) for c, v in zip(currencies, values, strict=True) if c != "EUR"}
    market = fx_market(pairs=(one,), per_eur=per_eur)
    price = pair_price(one, market)
    source, target = (base, other) if forward else (other, base)
    need = padded(Money.of(units, target), DEFAULTS.fx_buffer)
    found = need_at_least(Leg(one, source, target), need, market)
    exact = market.rates.rate(base, other)
    assert exact is not None
    if isinstance(found, FxRefusal):
        # A price below a thousandth has too few digits; what is worth less than a cent is none.
        assert price is None or found.code in {NoFx.NOTHING_ARRIVES, NoFx.BELOW_LOT}, found
        return
    brought = found.quantity.units * (exact.value if forward else 1)
    wanted = units * (1 + DEFAULTS.fx_buffer)
    assert abs(brought / wanted - 1) <= Decimal("0.03")


@settings(max_examples=150, deadline=None)
@given(
    rate=st.decimals("0.001", "1000", places=4).filter(lambda d: d > 0),
    need=st.integers(100_00, 10**9),
    surplus=st.integers(1, 10**9),
    inverse=st.booleans(),
    forward=st.booleans(),
)
def test_c4_c5_amounts_have_the_right_direction_and_size_at_any_rate(
    rate: Decimal, need: int, surplus: int, inverse: bool, forward: bool
) -> None:
    one = pair("USD/EUR" if inverse else "EUR/USD", "0.01")
    market = fx_market(pairs=(one,), per_eur={"USD": str(rate)})
    source, target = ("EUR", "USD") if forward else ("USD", "EUR")
    legs = route(source, target, (one,))
    assert not isinstance(legs, FxRefusal)
    price = pair_price(one, market)
    assert price is not None
    wanted, budget = Money(need, target), Money(surplus, source)
    found = convert(legs[0], wanted, surplus=budget, market=market)
    if isinstance(found, FxRefusal):
        assert found.code in {NoFx.BELOW_LOT, NoFx.NO_SURPLUS, NoFx.NOTHING_ARRIVES}, found
        return
    assert found.outlay(source) <= surplus
    assert found.receive.currency == target
    assert found.receive.minor > 0
    free = done(need_at_least(legs[0], wanted, market))
    assert found.quantity <= free.quantity
    # Worth of the quantity in the target currency at the exact rate, up to a lot and a millionth.
    to_target = rate if source == "EUR" else 1 / rate
    in_target = free.quantity.units if free.leg.side == "BUY" else free.quantity.units * to_target
    lot = Decimal("0.01") * max(Decimal(1), to_target)
    slack = lot + wanted.amount / 1000 * max(Decimal(1), Decimal("0.001") / price.value)
    assert wanted.amount - slack <= in_target <= wanted.amount + slack


def test_the_worst_price_covers_a_wide_spread() -> None:
    wide = quote("EUR/USD", "1.10", "USD", spread="0.01")
    narrow = quote("EUR/USD", "1.10", "USD", spread="0.001")
    far = done(spend_up_to(leg("EUR", "USD"), eur(100), fx_market(quotes=[wide])))
    near = done(spend_up_to(leg("EUR", "USD"), eur(100), fx_market(quotes=[narrow])))
    assert far.receive == Money.of("108.35", "USD")
    assert near.receive == Money.of("109.45", "USD")


def test_limits_set_the_reserve() -> None:
    limits = replace(DEFAULTS, min_currency_reserve=eur(7))
    assert reserve("USD", rates(), limits) == Money.of("7.70", "USD")
