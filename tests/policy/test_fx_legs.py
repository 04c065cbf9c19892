"""Two conversions in a row: the second spends only what the first has brought.

The planner puts both into one plan, each its own step and intent, and hands the second over when
the first is filled; the repair of negative cash sizes the first alone and then looks again.
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.money import Money
from policy.emergency import Repair, Sources, available_cash, detect, repair
from policy.fees import FeeTerms
from policy.funding import MoneyRules, Purse, buy
from policy.limits import DEFAULTS
from tests.policy.accounts import eur, fx_market, security, snapshot

FLOORS = {"EUR": 5_00, "GBP": 4_25, "HKD": 42_50}
RULES = MoneyRules(FLOORS, 0, fx_market())


def test_the_planner_goes_from_pounds_to_hong_kong_dollars_in_two_steps() -> None:
    purse = Purse({"EUR": 5_00, "GBP": 2000_00, "HKD": 42_50})
    funded = buy(purse, RULES, cost=Money.of("5000", "HKD"), fee=eur(0))
    assert funded is not None
    first, second = funded.conversions
    assert (first.leg.source, first.leg.target) == ("GBP", "EUR")
    assert (second.leg.source, second.leg.target) == ("EUR", "HKD")
    assert second.spend <= first.receive


@settings(max_examples=100, deadline=None)
@given(euros=st.integers(0, 3000_00), pounds=st.integers(0, 5000_00), need=st.integers(1, 9000_00))
def test_c4_no_leg_spends_what_another_has_not_brought_for_certain(
    euros: int, pounds: int, need: int
) -> None:
    purse = Purse({"EUR": 5_00 + euros, "GBP": 4_25 + pounds, "HKD": 42_50})
    funded = buy(purse, RULES, cost=Money(need, "HKD"), fee=eur(0))
    if funded is None:
        return
    left = dict(purse.balances)
    for step in funded.conversions:
        left[step.spend.currency] -= step.spend.minor
        assert left[step.spend.currency] >= FLOORS[step.spend.currency]
        left[step.receive.currency] += step.receive.minor
    assert left["HKD"] - need >= FLOORS["HKD"]


def test_a_conversion_whose_fee_no_currency_can_bear_is_no_way() -> None:
    fees = FeeTerms(Money(3_00, "USD"), 0, Money(0, "USD"))
    market, cost = fx_market(fees=fees), Money.of("500", "GBP")
    purse = Purse({"EUR": 3000_00, "GBP": 4_25})
    assert buy(purse, MoneyRules(FLOORS, 0, market), cost=cost, fee=eur(0)) is None
    floors = FLOORS | {"USD": 5_50}
    assert buy(purse, MoneyRules(floors, 0, market), cost=cost, fee=eur(0)) is None
    with_dollars = Purse({**purse.balances, "USD": 8_50})
    assert buy(with_dollars, MoneyRules(floors, 0, market), cost=cost, fee=eur(0)) is not None


def repairs(cash: dict[str, str]) -> tuple[Repair, ...]:
    shot = snapshot((security("HK", currency="HKD"),), cash=cash)
    free = available_cash(shot)
    return repair(detect(shot, shot.rates, DEFAULTS), Sources(free=free, market=fx_market()))


def test_a_repair_is_the_first_leg_alone_and_then_what_that_has_brought() -> None:
    (first, *_) = repairs({"EUR": "5", "GBP": "1000", "HKD": "-1000"})
    done = first.conversion
    assert (done.leg.source, done.leg.target) == ("GBP", "EUR")
    brought = done.receive + eur(5)
    left = Money.of("1000", "GBP") - done.spend
    half = {"EUR": str(brought.amount), "GBP": str(left.amount), "HKD": "-1000"}
    (second, *_) = repairs(half)
    assert (second.conversion.leg.source, second.conversion.leg.target) == ("EUR", "HKD")
    assert second.conversion.spend <= done.receive


def test_a_first_leg_filled_in_part_leads_to_a_smaller_second_leg() -> None:
    (second, *_) = repairs({"EUR": "25", "GBP": "990", "HKD": "-1000"})
    assert second.conversion.leg.source == "EUR"
    assert second.conversion.spend <= eur(20)
