"""Drift, idle cash, bands, and what the cash at hand pays for."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.money import Money, Price, Quantity
from ledger.order import Side
from ledger.plan import Plan, PlanStep, StepState, StoredPlan, StoredStep
from ledger.portfolio import PortfolioSnapshot
from ledger.rebalancing import OutsideBand, Triggers
from policy.fees import FeeTerms, min_trade_eur
from policy.limits import DEFAULTS
from policy.rebalance import Thresholds, affordable, band, spendable, triggers
from tests.policy.accounts import FEES, NOON, eur, rates, security, snapshot

USUAL = Thresholds(
    enabled=True, drift=Decimal("0.05"), cash_multiplier=Decimal(2), min_trade=eur(250)
)
ABC = tuple(security(symbol, number=n) for n, symbol in enumerate("ABC", 1))


def shot(cash: str = "0", **held: str) -> PortfolioSnapshot:
    return snapshot(ABC, prices=dict.fromkeys("ABC", "1"), held=held, cash={"EUR": cash})


def look(
    portfolio: PortfolioSnapshot, cash: str = "0", thresholds: Thresholds = USUAL, **targets: str
) -> Triggers:
    weights = {symbol: Decimal(weight) for symbol, weight in targets.items()}
    return triggers(portfolio, weights, thresholds, cash=eur(cash))


def test_all_reasons_are_given_not_only_the_first() -> None:
    found = look(shot("500", A="1000", B="500"), "500", A="0.50", B="0.25", C="0.25")
    assert found.triggered
    assert (
        found.reasons
        == (
            "A is 50.0% of the portfolio, its target 50.0%",
            "C is 0.0% of the portfolio, its target 25.0%",
            "500.00 EUR of cash, 500.00 EUR are enough to put to work",
        )[1:]
    )


def test_a_target_that_is_not_held_and_a_holding_without_target_both_drift() -> None:
    found = look(shot("0", A="900", B="100"), A="0.9", C="0.1")
    assert [reason.split()[0] for reason in found.reasons] == ["B", "C"]


@pytest.mark.parametrize(("weight", "drifts"), [("0.55", True), ("0.5501", False)])
def test_drift_counts_from_the_threshold_on(weight: str, drifts: bool) -> None:
    found = look(shot("5000", A="5000"), A=str(Decimal(weight) - Decimal("0.10")))
    assert found.triggered is drifts


def test_cash_is_part_of_the_total() -> None:
    assert not look(shot("500", A="500"), A="0.5").triggered


@pytest.mark.parametrize(("cash", "fires"), [("499.99", False), ("500", True), ("0", False)])
def test_idle_cash_fires_at_a_multiple_of_the_smallest_trade(cash: str, fires: bool) -> None:
    assert look(shot(A="100"), cash, A="1").triggered is fires


def test_cash_that_is_owed_is_not_idle() -> None:
    nothing = replace(USUAL, cash_multiplier=Decimal(0))
    assert not look(shot(A="100"), "-5", nothing, A="1").triggered


def test_switched_off_says_so() -> None:
    found = look(shot("9999", A="1"), "9999", replace(USUAL, enabled=False))
    assert found == Triggers(False, ("event-driven rebalancing disabled",))


def test_without_targets_nothing_drifts_but_cash_may_be_idle() -> None:
    found = look(shot("1000", A="1000"), "1000")
    assert [reason.split()[1] for reason in found.reasons] == ["EUR"]
    assert found.outside == ()


def test_a_portfolio_worth_nothing_or_unknown_gives_no_reason() -> None:
    assert look(shot("0"), "0", A="1") == Triggers(False, ("the portfolio is worth nothing",))
    unknown = snapshot(ABC, held={"A": "1"}, cash={"EUR": "9999"})
    assert look(unknown, "9999", A="1") == Triggers(False, ("the value of A is not known",))


@pytest.mark.parametrize(
    ("weight", "target", "width"),
    [
        ("0.11", "0.02", "0.05"),
        ("0.02", "0.11", "0.05"),
        ("0.10", "0.02", "0.07"),
        ("0.05", "0.01", "0.07"),
        ("0.049", "0.01", "0.10"),
    ],
)
def test_bands_are_narrower_for_larger_positions(weight: str, target: str, width: str) -> None:
    assert band(Decimal(weight), Decimal(target)) == Decimal(width)


def test_what_is_outside_its_band_is_named_with_the_band() -> None:
    found = look(shot("0", A="920", B="80"), A="0.87", B="0", C="0.13")
    assert found.outside == (
        OutsideBand("B", Decimal("0.08"), Decimal(0), Decimal("0.07")),
        OutsideBand("C", Decimal(0), Decimal("0.13"), Decimal("0.05")),
    )


def test_the_smallest_trade_is_250_euros_and_1000_when_the_percentage_eats_it_all() -> None:
    assert min_trade_eur(FEES, DEFAULTS, rates()) == eur(250)
    dear = FeeTerms(eur(2), 10_000, eur(0))
    assert min_trade_eur(dear, DEFAULTS, rates()) == eur(1000)


def test_pots_are_not_spendable_and_no_more_is_than_there_is() -> None:
    portfolio = snapshot(ABC, cash={"EUR": "1000", "USD": "110"}, pots=(eur(100),))
    assert spendable(portfolio, None) == eur(1000)
    assert spendable(portfolio, eur(300)) == eur(300)
    assert spendable(portfolio, eur(9999)) == eur(1000)
    assert spendable(portfolio, eur(0)) == eur(1000)
    assert spendable(snapshot(cash={"USD": "1"}, per_eur={}), None) is None


def step(number: int, value: str, side: Side = "BUY", *, fx: bool = False) -> PlanStep:
    return PlanStep(
        number=number,
        kind="fx" if fx else "trade",
        side=side,
        symbol="EUR/USD" if fx else f"S{number}",
        name="",
        security_id=None if fx else number,
        quantity=Quantity.of(1),
        price=Price.of(value, "EUR"),
        value_eur=eur(value),
        fee_eur=eur(2),
        reason="",
        tags=(),
        score_before=0.0,
        score_after=0.0,
        cash_before_eur=eur(0),
        cash_after_eur=eur(0),
    )


def stored(*steps: PlanStep, superseded: bool = False, done: int = 0) -> StoredPlan:
    plan = Plan("P", "core", NOON, "h", "o", steps, 0.0, 0.0, 1, eur(0), eur(0), "")
    states = [StepState.FILLED if s.number <= done else StepState.PROPOSED for s in steps]
    kept = tuple(StoredStep("P", s, state, None) for s, state in zip(steps, states, strict=True))
    return StoredPlan(plan, kept, superseded)


def pays(plan: StoredPlan | None, cash: str, *, reserve: str = "500", most: int = 5) -> list[int]:
    found = affordable(plan, cash=eur(cash), reserve=eur(reserve), min_trade=eur(250), most=most)
    return [one.number for one in found]


THREE = (step(1, "400"), step(2, "500"), step(3, "300"))


@pytest.mark.parametrize(
    ("cash", "numbers"),
    [("249.99", []), ("901.99", []), ("902", [1]), ("1404", [1, 2]), ("1706", [1, 2, 3])],
)
def test_purchases_fit_into_the_cash_above_the_reserve_with_their_fees(
    cash: str, numbers: list[int]
) -> None:
    assert pays(stored(*THREE), cash) == numbers


def test_it_stops_at_the_first_purchase_that_does_not_fit() -> None:
    assert pays(stored(step(1, "900"), step(2, "100")), "1000") == []


def test_what_a_sale_would_bring_is_not_there_yet() -> None:
    plan = stored(step(1, "5000", "SELL"), step(2, "600"), step(3, "600"))
    assert pays(plan, "1200") == [2]


def test_the_cost_of_a_conversion_belongs_to_the_purchase_behind_it() -> None:
    plan = stored(step(1, "100", "SELL", fx=True), step(2, "400"))
    assert pays(plan, "903.99") == []
    assert pays(plan, "904") == [2]


def test_the_number_of_purchases_is_bounded_by_the_setting_and_by_the_cash() -> None:
    many = stored(*(step(n, "10") for n in range(1, 9)))
    assert pays(many, "5000", most=5) == [1, 2, 3, 4, 5]
    assert pays(many, "600") == [1, 2]


def test_steps_that_are_done_and_plans_that_were_given_up_are_left_out() -> None:
    assert pays(stored(*THREE, done=1), "5000") == [2, 3]
    assert pays(stored(*THREE, superseded=True), "5000") == []
    assert pays(None, "5000") == []


def test_without_fees_every_trade_is_worthwhile() -> None:
    found = affordable(stored(*THREE), cash=eur(9), reserve=eur(0), min_trade=eur(0), most=5)
    assert found == ()


@given(
    values=st.lists(st.integers(1, 2000), max_size=6),
    cash=st.integers(0, 6000),
    reserve=st.integers(0, 1000),
)
def test_c2_the_purchases_together_never_touch_the_reserve(
    values: list[int], cash: int, reserve: int
) -> None:
    plan = stored(*(step(n, str(v)) for n, v in enumerate(values, 1)))
    found = affordable(plan, cash=eur(cash), reserve=eur(reserve), min_trade=eur(250), most=5)
    spent = sum((one.value_eur + one.fee_eur).minor for one in found)
    assert spent <= max(0, Money(cash * 100, "EUR").minor - reserve * 100)
    assert len(found) <= min(5, cash // 250)
