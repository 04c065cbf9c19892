"""Average cost from facts: purchases, sales, splits, and what is not known."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.fact import CorporateAction, Fact, Fill, Opening
from ledger.money import Money, Price, Quantity, Rounding
from ledger.order import Side
from policy.cost_basis import average_costs
from tests.policy.accounts import NOON


def fill(side: Side, quantity: str, price: str, symbol: str = "AAA") -> Fill:
    at, units = Price.of(price, "EUR"), Quantity.of(quantity)
    gross = at.times(units, Rounding.HALF_EVEN)
    fee = (Money(2_00, "EUR"),)
    return Fill("f", "b", None, symbol, side, units, at, gross, fee, NOON)


def opening(quantity: str, cost: str | None) -> Opening:
    price = Price.of(cost, "EUR") if cost else None
    return Opening("AAA", None, "AAA", Quantity.of(quantity), price, NOON)


def split(delta: str) -> CorporateAction:
    return CorporateAction(
        "a", "split", "AAA", date(2026, 3, 4), None, NOON, Decimal(2), Quantity.of(delta)
    )


def test_purchases_average_by_quantity_without_fees() -> None:
    costs = average_costs([fill("BUY", "10", "20"), fill("BUY", "30", "40")])
    assert costs == {"AAA": Price.of("35", "EUR")}


def test_a_sale_leaves_the_average_and_a_full_sale_forgets_it() -> None:
    bought = [fill("BUY", "10", "20"), fill("BUY", "30", "40")]
    assert average_costs([*bought, fill("SELL", "13", "99")])["AAA"] == Price.of("35", "EUR")
    assert average_costs([*bought, fill("SELL", "40", "99")]) == {}
    again = [*bought, fill("SELL", "40", "99"), fill("BUY", "1", "7")]
    assert average_costs(again)["AAA"] == Price.of("7", "EUR")


def test_a_split_spreads_the_same_cost() -> None:
    assert average_costs([opening("10", "30"), split("20")])["AAA"] == Price.of("10", "EUR")


def test_a_holding_that_came_without_a_cost_has_none_until_it_is_sold() -> None:
    unknown: list[Fact] = [opening("10", None), fill("BUY", "10", "20")]
    assert average_costs(unknown) == {}
    assert average_costs([*unknown, fill("SELL", "5", "20")]) == {}
    fresh = [*unknown, fill("SELL", "20", "20"), fill("BUY", "1", "9")]
    assert average_costs(fresh)["AAA"] == Price.of("9", "EUR")


def test_currency_pairs_have_no_cost() -> None:
    assert average_costs([fill("BUY", "100", "1.1", "EUR/USD")]) == {}


LOTS = st.tuples(st.integers(1, 10_000), st.integers(1, 10**6))


@settings(max_examples=60, deadline=None)
@given(lots=st.lists(LOTS, min_size=1, max_size=12), sold=st.integers(0, 99))
def test_the_average_lies_between_the_prices_paid(lots: list[tuple[int, int]], sold: int) -> None:
    facts = [fill("BUY", str(units), str(Decimal(cents) / 100)) for units, cents in lots]
    units = sum(quantity for quantity, _ in lots)
    part = units * sold // 100
    if part:
        facts.append(fill("SELL", str(part), "1"))
    average = average_costs(facts)["AAA"].micro
    paid = [cents * 10_000 for _, cents in lots]
    assert min(paid) <= average <= max(paid)
    exact = Decimal(sum(q * c for q, c in lots)) * 10_000 / units
    assert abs(average - exact) <= 1
