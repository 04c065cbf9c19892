"""What each fact moves: every unit that appears somewhere was paid for or came from outside."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.fact import (
    Adjustment,
    CashFlow,
    CorporateAction,
    Fact,
    Fill,
    Opening,
    Posting,
    is_pair,
    postings,
    source_key,
)
from ledger.money import Money, Price, Quantity
from tests.support.builders import NOW, eur, usd


def fill(**changes: Any) -> Fill:
    made = Fill(
        fill_id="f1",
        broker_order_id="77",
        client_order_id=1000,
        symbol="DEMO-A.EU",
        side="BUY",
        quantity=Quantity.of(3),
        price=Price.of("100", "EUR"),
        gross=eur("300"),
        fees=(),
        executed_at=NOW,
    )
    return replace(made, **changes)


def flow(**changes: Any) -> CashFlow:
    made = CashFlow("c1", "deposit", eur("50"), NOW, None, None, "from the owner")
    return replace(made, **changes)


def action(**changes: Any) -> CorporateAction:
    made = CorporateAction("a1", "split", "DEMO-A.EU", date(2009, 1, 5), None, NOW)
    return replace(made, **changes)


def moved(fact: Fact) -> dict[tuple[str, str], int]:
    total: Counter[tuple[str, str]] = Counter()
    for posting in postings(fact):
        total[posting.account, posting.key] += posting.delta
    return dict(total)


def test_a_purchase_brings_shares_and_costs_gross_and_fees() -> None:
    bought = fill(fees=(eur("2.60"), eur("0.40")))
    assert moved(bought) == {("holding", "DEMO-A.EU"): 3_000_000, ("cash", "EUR"): -303_00}


def test_a_sale_takes_shares_and_still_costs_its_fees() -> None:
    sold = fill(side="SELL", fees=(eur("3"),))
    assert moved(sold) == {("holding", "DEMO-A.EU"): -3_000_000, ("cash", "EUR"): 297_00}


def test_a_fee_is_paid_in_the_currency_it_was_charged_in() -> None:
    bought = fill(gross=usd("300"), price=Price.of("100", "USD"), fees=(eur("2"), usd("1")))
    assert moved(bought) == {
        ("holding", "DEMO-A.EU"): 3_000_000,
        ("cash", "USD"): -301_00,
        ("cash", "EUR"): -2_00,
    }


def test_a_fee_of_nothing_moves_nothing() -> None:
    assert len(postings(fill(fees=(eur("0"),)))) == 2


def test_buying_a_pair_exchanges_quote_for_base() -> None:
    pair = fill(
        symbol="EUR/USD",
        quantity=Quantity.of(100),
        price=Price.of("1.25", "USD"),
        gross=usd("125"),
        fees=(eur("0.50"),),
    )
    assert moved(pair) == {("cash", "EUR"): 99_50, ("cash", "USD"): -125_00}
    assert moved(replace(pair, side="SELL")) == {("cash", "EUR"): -100_50, ("cash", "USD"): 125_00}


@pytest.mark.parametrize(
    ("units", "cents"), [("0.001", 0), ("0.005", 0), ("0.015", 2), ("10.006", 1001)]
)
def test_a_pair_executed_finer_than_a_cent_is_booked_to_the_nearest_one(
    units: str, cents: int
) -> None:
    pair = fill(symbol="EUR/USD", quantity=Quantity.of(units), gross=usd("1"))
    assert Posting("cash", "EUR", cents) in postings(pair)


@pytest.mark.parametrize("units", ["3", "-0.5"])
def test_an_adjustment_moves_the_holding_it_names(units: str) -> None:
    moved = Adjustment(7, None, NOW, "the broker is right", "AAA", Quantity.of(units), "owner")
    assert postings(moved) == (Posting("holding", "AAA", Quantity.of(units).micro),)
    assert source_key(moved) == "adjustment:7"


@given(
    st.integers(1, 10**12),
    st.integers(0, 10**12),
    st.lists(st.tuples(st.integers(0, 10**6), st.sampled_from(("EUR", "USD"))), max_size=3),
)
def test_buying_and_selling_the_same_costs_exactly_the_fees(
    micro: int, gross: int, charged: list[tuple[int, str]]
) -> None:
    fees = tuple(Money(minor, code) for minor, code in charged)
    bought = fill(quantity=Quantity(micro), gross=Money(gross, "EUR"), fees=fees)
    total = Counter(moved(bought))
    total.update(moved(replace(bought, side="SELL")))
    paid: Counter[tuple[str, str]] = Counter()
    for fee in fees:
        paid["cash", fee.currency] -= 2 * fee.minor
    assert {k: v for k, v in total.items() if v} == {k: v for k, v in paid.items() if v}


@given(st.integers(-(10**12), 10**12))
def test_a_flow_and_an_adjustment_move_just_their_money(minor: int) -> None:
    money = Money(minor, "EUR")
    assert postings(flow(money=money)) == (Posting("cash", "EUR", minor),)
    assert postings(Adjustment(1, money, NOW, "rounding")) == (Posting("cash", "EUR", minor),)


def test_a_split_moves_the_holding_by_its_delta() -> None:
    split = action(ratio=Decimal(2), quantity_delta=Quantity.of(10))
    assert postings(split) == (Posting("holding", "DEMO-A.EU", 10_000_000),)


def test_a_dividend_moves_nothing_its_money_comes_as_a_flow() -> None:
    paid = action(kind="dividend", gross=eur("10"), tax=eur("2"), net=eur("8"))
    assert postings(paid) == ()


def test_an_opening_brings_cash_or_shares() -> None:
    cash = Opening("cash:EUR", eur("5"), None, None, None, NOW)
    shares = Opening("DEMO-A.EU", None, "DEMO-A.EU", Quantity.of(2), Price.of("9", "EUR"), NOW)
    assert postings(cash) == (Posting("cash", "EUR", 5_00),)
    assert postings(shares) == (Posting("holding", "DEMO-A.EU", 2_000_000),)


def test_events_of_one_name_but_different_kind_have_different_keys() -> None:
    same: list[Fact] = [
        fill(fill_id="1"),
        flow(flow_id="1"),
        action(action_id="1"),
        action(action_id="1", kind="dividend"),
        Opening("1", eur("5"), None, None, None, NOW),
        Adjustment(1, eur("0.01"), NOW, "rounding"),
    ]
    assert len({source_key(fact) for fact in same}) == len(same)


@given(st.text(max_size=8), st.text(max_size=8))
def test_a_key_is_the_events_own_name_and_nothing_else(a: str, b: str) -> None:
    assert (source_key(fill(fill_id=a)) == source_key(fill(fill_id=b, gross=eur("1")))) == (a == b)
    first, second = flow(flow_id=a), flow(flow_id=b, money=eur("1"))
    assert (source_key(first) == source_key(second)) == (a == b)


@pytest.mark.parametrize(("symbol", "pair"), [("EUR/USD", True), ("DEMO-A.EU", False)])
def test_a_pair_is_told_by_its_stroke(symbol: str, pair: bool) -> None:
    assert is_pair(symbol) is pair
