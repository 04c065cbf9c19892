"""Small questions that plans, portfolios and securities answer about themselves."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.halt import LATCHES
from ledger.money import Money, Price, Quantity
from ledger.plan import OPEN_STEPS, Plan, PlanStep, StepState, StoredPlan, StoredStep
from ledger.portfolio import Cash, PortfolioSnapshot, Position
from tests.support.builders import EURUSD, NOW, eur, rates, security, usd


def step(number: int) -> PlanStep:
    return PlanStep(
        number=number,
        kind="trade",
        side="BUY",
        symbol="DEMO-A.EU",
        name="Demo A",
        security_id=1,
        quantity=Quantity.of(1),
        price=Price.of("100", "EUR"),
        value_eur=eur("100"),
        fee_eur=eur("2"),
        reason="below its target",
        tags=(),
        score_before=50.0,
        score_after=51.0,
        cash_before_eur=eur("1000"),
        cash_after_eur=eur("898"),
    )


def stored(*states: StepState, superseded: bool = False) -> StoredPlan:
    steps = tuple(StoredStep("p1", step(n), state, None) for n, state in enumerate(states, 1))
    plan = Plan(
        plan_id="p1",
        bucket_id="core",
        created_at=NOW,
        portfolio_hash="abc",
        objective="diversification",
        steps=tuple(each.step for each in steps),
        current_score=50.0,
        end_score=51.0,
        evaluated=10,
        cash_required_eur=eur("102"),
        cash_generated_eur=eur("0"),
        narrative="buy",
    )
    return StoredPlan(plan, steps, superseded)


def portfolio() -> PortfolioSnapshot:
    held = Position(security(), Quantity.of(1), None, None, None, None, None, None)
    return PortfolioSnapshot(
        ledger_seq=1,
        as_of=NOW,
        read_at_s=1.0,
        universe=(security(),),
        pairs=(EURUSD,),
        positions=(held,),
        cash=(Cash(usd("3"), None),),
        rates=rates(),
        quotes={},
        total_eur=None,
        cash_eur=None,
        pots_eur=eur("0"),
        unvalued=(),
        differences=(),
        stale=None,
    )


@given(st.lists(st.sampled_from(StepState), max_size=5))
def test_the_next_step_is_the_first_open_one(states: list[StepState]) -> None:
    following = stored(*states).next_step
    first = next((n for n, state in enumerate(states, 1) if state in OPEN_STEPS), None)
    assert (None if following is None else following.step.number) == first


@given(st.lists(st.sampled_from(StepState), max_size=5))
def test_a_plan_that_was_given_up_has_no_next_step(states: list[StepState]) -> None:
    assert stored(*states, superseded=True).next_step is None


def test_a_portfolio_finds_its_holdings_by_symbol() -> None:
    found = portfolio().held("DEMO-A.EU")
    assert found is not None
    assert found.quantity == Quantity.of(1)
    assert portfolio().held("DEMO-B.EU") is None


def test_a_currency_that_the_account_does_not_have_is_a_zero_balance() -> None:
    assert portfolio().cash_in("USD") == usd("3")
    assert portfolio().cash_in("JPY") == Money.zero("JPY")


@pytest.mark.parametrize(
    ("active", "lot", "tradable"),
    [(True, Quantity.of(1), True), (True, None, False), (False, Quantity.of(1), False)],
)
def test_only_an_active_security_with_a_lot_is_tradable(
    active: bool, lot: Quantity | None, tradable: bool
) -> None:
    made = security(lot=lot, active=active, currency="USD")
    assert made.tradable is tradable
    assert (made.symbol, made.currency) == ("DEMO-A.EU", "USD")
    assert replace(made, security_id=2).instrument == made.instrument
    assert not replace(made, listed=False).tradable


def test_every_latch_has_its_own_name() -> None:
    assert len(set(LATCHES)) == len(LATCHES)
