"""Small questions that plans, portfolios and securities answer about themselves."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.bucket import Autonomy
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


def funded(first: str, second: str) -> StoredPlan:
    """A conversion of the first value in EUR, the purchase of the second that it funds, and one
    more step.
    """
    steps = (
        replace(step(1), kind="fx", value_eur=eur(first)),
        replace(step(2), value_eur=eur(second)),
        step(3),
    )
    waiting = tuple(StoredStep("p1", one, StepState.PROPOSED, None) for one in steps)
    return replace(stored(), steps=waiting)


@pytest.mark.parametrize(
    ("autonomy", "waits"),
    [
        (Autonomy("act"), False),
        (Autonomy("advise"), False),
        (Autonomy("approve"), True),
        (Autonomy("act_below", eur("301")), False),
        (Autonomy("act_below", eur("300")), True),
        (Autonomy("act_below", eur("100")), True),
    ],
)
def test_a_conversion_waits_for_the_word_that_what_it_funds_needs(
    autonomy: Autonomy, waits: bool
) -> None:
    plan = funded("100", "300")
    assert [one.number for one in plan.ahead] == [1, 2]
    assert plan.awaits_word(autonomy) is waits


def test_what_was_approved_or_given_up_waits_for_nobody() -> None:
    owner = Autonomy("approve")
    assert stored(StepState.PROPOSED).awaits_word(owner)
    for state in set(StepState) - {StepState.PROPOSED}:
        assert not stored(state).awaits_word(owner)
    given_up = stored(StepState.PROPOSED, superseded=True)
    assert not given_up.awaits_word(owner)
    assert given_up.ahead == ()


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
