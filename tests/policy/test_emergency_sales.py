"""What is sold against negative cash: the right holdings, enough, and not a lot more than that."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.money import Money, Quantity, Rounding
from ledger.quote import Quote
from policy.emergency_sales import (
    SaleMarket,
    at_most,
    offers,
    plan_sales,
    sellable,
    within,
)
from policy.fees import FeeTerms
from policy.limits import DEFAULTS
from tests.policy.accounts import FEES, FREE, MIC, NOON, eur, quote, security, snapshot

EUROS = frozenset({"EUR"})
LATER = NOON + timedelta(hours=3)


def market(
    held: dict[str, str],
    prices: dict[str, str] | None = None,
    *,
    universe: tuple[Any, ...] | None = None,
    quotes: tuple[Quote, ...] = (),
    fees: FeeTerms = FREE,
    opens: dict[str, datetime] | None = None,
    **changes: Any,
) -> SaleMarket:
    listed = universe or tuple(security(symbol, number=i) for i, symbol in enumerate(held, start=1))
    shot = snapshot(listed, held=held, prices=prices or {}, quotes=quotes, cash={"EUR": "-100"})
    made = SaleMarket(
        now=NOON,
        snapshot=shot,
        rates=shot.rates,
        fees=fees,
        limits=DEFAULTS,
        opens=opens if opens is not None else {MIC: NOON},
        barred={},
    )
    return replace(made, **changes)


def sold(world: SaleMarket, need: str, targets: frozenset[str] = EUROS) -> list[tuple[str, int]]:
    planned = plan_sales(eur(need), world, targets)
    return [(sale.security.symbol, int(sale.quantity.units)) for sale in planned]


def test_the_most_valuable_holding_goes_first_and_ties_by_symbol() -> None:
    held = {"BBB": "20", "AAA": "20", "CCC": "30"}
    world = market(held, {"AAA": "50", "BBB": "50", "CCC": "50"})
    order = [offer.security.symbol for offer in offers(world, EUROS)]
    assert order == ["CCC", "AAA", "BBB"]


def test_a_tenth_more_than_the_need_is_sold_up_to_a_whole_lot() -> None:
    world = market({"AAA": "100"}, {"AAA": "30"})
    assert sold(world, "100") == [("AAA", 4)]  # 110 EUR are 3.67 shares
    assert sold(world, "109") == [("AAA", 4)]
    assert sold(world, "110") == [("AAA", 5)]


def test_when_one_holding_is_not_enough_the_next_one_brings_the_rest() -> None:
    world = market({"AAA": "10", "BBB": "50"}, {"AAA": "40", "BBB": "7"})
    # All of AAA brings 400; 110 % of the missing 100 are 15.7 shares of BBB.
    assert sold(world, "500") == [("AAA", 10), ("BBB", 16)]
    assert sold(world, "5000") == [("AAA", 10), ("BBB", 50)]


def test_fees_do_not_count_as_proceeds() -> None:
    prices = {"AAA": "40", "BBB": "7"}
    costly = market({"AAA": "10", "BBB": "50"}, prices, fees=FeeTerms(eur(30), 0, eur(0)))
    # 400 less 30 leaves 10 missing: 11 EUR are two shares of BBB, but they would not pay 30.
    assert sold(costly, "380") == [("AAA", 10)]
    assert sold(costly, "420") == [("AAA", 10), ("BBB", 8)]
    first, _ = plan_sales(eur("420"), costly, EUROS)
    assert first.value_eur - first.net_eur == eur(30)
    # What would only pay its own fee is not sold.
    crumbs = market({"AAA": "1"}, {"AAA": "20"}, fees=FeeTerms(eur(30), 0, eur(0)))
    assert sold(crumbs, "380") == []


@pytest.mark.parametrize(
    "changes",
    [
        {"sell": False},
        {"active": False},
        {"confirmed": False},
        {"lot": None},
        {"lot": "50"},
        {"currency": "DKK"},
        {"mic": "XXXX"},
    ],
)
def test_what_may_not_be_sold_is_no_candidate(changes: dict[str, Any]) -> None:
    one = security("AAA", **changes)
    world = market({"AAA": "20"}, {"AAA": "50"}, universe=(one,))
    assert sellable(world, EUROS) == ()
    assert sold(world, "100") == []


def test_only_whole_lots_of_a_holding_are_sold() -> None:
    world = market({"AAA": "25"}, {"AAA": "50"}, universe=(security("AAA", lot="10"),))
    assert sold(world, "9999") == [("AAA", 20)]
    assert sold(world, "100") == [("AAA", 10)]


def test_a_price_that_is_old_one_sided_or_of_a_closed_market_sells_nothing() -> None:
    good = quote("AAA", "50")
    for bad in (
        replace(good, at=NOON - timedelta(minutes=6)),
        replace(good, at=NOON + timedelta(minutes=1)),
        replace(good, bid=None),
        replace(good, market_open=False),
        replace(good, market_open=None),
    ):
        assert offers(market({"AAA": "20"}, quotes=(bad,)), EUROS) == ()
    assert len(offers(market({"AAA": "20"}, quotes=(good,)), EUROS)) == 1
    assert offers(market({"AAA": "20"}), EUROS) == ()


def test_a_closed_exchange_and_a_refused_sale_offer_nothing_yet() -> None:
    closed = market({"AAA": "20"}, {"AAA": "50"}, opens={MIC: LATER})
    assert len(sellable(closed, EUROS)) == 1
    assert offers(closed, EUROS) == ()
    refused = market({"AAA": "20"}, {"AAA": "50"}, barred={("AAA", "SELL"): LATER})
    assert offers(refused, EUROS) == ()
    over = market({"AAA": "20"}, {"AAA": "50"}, barred={("AAA", "SELL"): NOON})
    assert len(offers(over, EUROS)) == 1


def test_small_holdings_are_sold_only_when_there_is_no_other() -> None:
    held, prices = {"AAA": "2", "BBB": "3"}, {"AAA": "30", "BBB": "60"}
    assert sold(market(held, prices), "9999") == [("BBB", 3)]
    assert sold(market({"AAA": "2"}, {"AAA": "30"}), "9999") == [("AAA", 2)]


def test_a_holding_without_a_rate_of_its_currency_is_left_alone() -> None:
    one = security("AAA", currency="USD")
    shot = snapshot((one,), held={"AAA": "20"}, prices={"AAA": "50"}, cash={"EUR": "-100"})
    world = market({"AAA": "20"}, universe=(one,), snapshot=shot)
    assert sold(world, "100") == [("AAA", 3)]  # 110 EUR are 121 USD
    unknown = replace(world, rates=replace(world.rates, per_eur={}))
    assert sold(unknown, "100") == []


def test_a_sale_is_cut_to_what_one_order_may_be_in_whole_lots() -> None:
    world = market({"AAA": "100"}, {"AAA": "30"})
    (sale,) = plan_sales(eur("1000"), world, EUROS)
    cut = within(sale, eur("100"), world)
    assert cut is not None
    assert cut.quantity == Quantity.of(3)
    assert at_most(cut, world) <= eur("100")
    assert within(sale, eur("29"), world) is None
    assert within(sale, eur("5000"), world) == sale


HOLDINGS = st.lists(
    st.tuples(
        st.integers(1, 400),  # shares
        st.decimals("0.5", "900", places=2),  # price
        st.sampled_from(["1", "5", "100"]),  # lot
        st.sampled_from(["EUR", "USD", "GBP", "HKD"]),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=120, deadline=None)
@given(holdings=HOLDINGS, need=st.integers(1_00, 200_000_00), fees=st.sampled_from([FREE, FEES]))
def test_c6_proceeds_exceed_the_need_by_a_tenth_and_a_lot_at_most(
    holdings: list[tuple[int, Decimal, str, str]], need: int, fees: FeeTerms
) -> None:
    universe = tuple(
        security(f"S{i}", number=i + 1, lot=lot, currency=currency)
        for i, (_, _, lot, currency) in enumerate(holdings)
    )
    held = {f"S{i}": str(units) for i, (units, *_) in enumerate(holdings)}
    prices = {f"S{i}": str(price) for i, (_, price, *_) in enumerate(holdings)}
    world = market(held, prices, universe=universe, fees=fees)
    planned = plan_sales(Money(need, "EUR"), world, EUROS)
    lots = [Money(0, "EUR")]
    for sale in planned:
        lot = sale.security.instrument.lot
        position = world.snapshot.held(sale.security.symbol)
        assert lot is not None
        assert position is not None
        assert sale.quantity.is_multiple_of(lot)
        assert Quantity(0) < sale.quantity <= position.quantity
        one_lot = world.rates.convert(sale.bid.times(lot, Rounding.CEIL), "EUR", Rounding.CEIL)
        assert one_lot is not None
        lots.append(one_lot)
    proceeds = sum(sale.net_eur.minor for sale in planned)
    assert proceeds <= need * 1.1 + max(lot.minor for lot in lots) + 2
