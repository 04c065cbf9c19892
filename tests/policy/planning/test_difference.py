"""What a plan changes: tables that add up, and nothing where nothing is done."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.correlation import Correlations
from ledger.plan import Plan
from ledger.plan_difference import PlanDifference, WeightChange
from policy import planner
from policy.planner import PlanInput
from policy.planning.config import DEFAULT_CONFIG
from policy.planning.difference import CASH, difference
from policy.planning.facts import SecurityFacts
from policy.targets import Targets
from tests.policy.accounts import TODAY, dozen, eur, plan_input, quote, security, snapshot

ABROAD = (
    quote("EUR/USD", "1.10", "USD", spread="0.0002"),
    quote("GBP/USD", "1.294", "USD", spread="0.0002"),
    quote("EUR/GBP", "0.85", "GBP", spread="0.0002"),
)
EAGER = replace(DEFAULT_CONFIG, min_improvement=Decimal(0))


def planned(given_input: PlanInput) -> Plan:
    run = planner.start(given_input)
    while not run.done:
        run = planner.step(run)
    return planner.finish(run)


def of(given_input: PlanInput) -> tuple[Plan, PlanDifference]:
    plan = planned(given_input)
    return plan, difference(plan, given_input)


def account(held: dict[str, str], cash: dict[str, str], currency: str = "EUR") -> PlanInput:
    universe = dozen(currency)
    prices = {s.symbol: "10" for s in universe}
    shot = snapshot(universe, prices=prices, quotes=ABROAD, held=held, cash=cash)
    return replace(plan_input(shot), config=EAGER)


def rows(changes: tuple[WeightChange, ...]) -> dict[str, WeightChange]:
    return {row.name: row for row in changes}


@settings(max_examples=30)
@given(
    held=st.dictionaries(
        st.sampled_from([f"S{i:02d}" for i in range(12)]), st.integers(1, 900).map(str)
    ),
    cash=st.integers(0, 20_000).map(str),
    currency=st.sampled_from(["EUR", "USD"]),
)
def test_weights_and_cash_add_up_before_and_after(
    held: dict[str, str], cash: str, currency: str
) -> None:
    plan, found = of(account(held, {"EUR": cash}, currency))
    for table in (found.securities, found.countries, found.industries):
        if table:
            assert round(sum((row.before for row in table), Decimal(0)), 20) == 1
            assert round(sum((row.after for row in table), Decimal(0)), 20) == 1
    if not plan.steps:
        assert all(row.before == row.after for row in found.securities)
        assert all(change.before == change.after for change in found.cash)
        assert found.fees_eur == found.traded_eur == eur(0)
        assert found.turnover == 0
        assert found.risk.drift_before == found.risk.drift_after
    spent = sum((change.after.minor - change.before.minor) for change in found.cash)
    if currency == "EUR":
        last = plan.steps[-1].cash_after_eur.minor if plan.steps else int(cash) * 100
        assert spent == last - int(cash) * 100


def test_a_purchase_moves_weight_from_cash_to_the_security() -> None:
    plan, found = of(account({}, {"EUR": "3500"}))
    bought = plan.steps[0].symbol
    row, cash = rows(found.securities)[bought], rows(found.securities)[CASH]
    assert row.before == 0
    assert row.after > 0
    assert row.target == Decimal(1) / 12
    assert cash.before == 1
    assert cash.target is not None
    assert cash.target < Decimal("1e-20")
    assert cash.after < 1
    assert found.traded_eur.minor == sum(s.value_eur.minor for s in plan.steps)
    assert found.turnover == found.traded_eur.amount / 3500
    assert found.risk.drift_after < found.risk.drift_before
    assert found.risk.largest_before == 0
    assert found.risk.largest_after == max(
        row.after for row in found.securities if row.name != CASH
    )


def test_conversions_move_cash_between_currencies_to_the_cent() -> None:
    plan, found = of(account({}, {"EUR": "5000"}, "USD"))
    exchange = [s for s in plan.steps if s.kind == "fx"]
    trades = [s for s in plan.steps if s.kind == "trade"]
    assert exchange
    dollars = sum(s.quantity.units * s.price.value for s in exchange)
    paid = sum(s.quantity.units * s.price.value for s in trades)
    after = {change.currency: change.after.amount for change in found.cash}
    assert after["USD"] == dollars - paid
    fees = sum(s.fee_eur.amount for s in trades)
    assert after["EUR"] == 5000 - sum(s.quantity.units for s in exchange) - fees


def test_several_industries_share_a_security_equally() -> None:
    universe = (
        security("MIX", number=1, industry="Banks, Software"),
        security("SOFT", number=2, industry="Software"),
    )
    shot = snapshot(
        universe,
        prices={"MIX": "10", "SOFT": "10"},
        held={"MIX": "50", "SOFT": "30"},
        cash={"EUR": "200"},
    )
    _, found = of(plan_input(shot))
    table = rows(found.industries)
    assert table["Banks"].before == Decimal("0.25")
    assert table["Software"].before == Decimal("0.55")


def test_groups_of_the_owner_name_the_rows() -> None:
    universe = (security("A", number=1, country="Germany"), security("B", number=2, country=None))
    shot = snapshot(
        universe, prices={"A": "10", "B": "10"}, held={"A": "50", "B": "30"}, cash={"EUR": "200"}
    )
    half = Decimal("0.5")
    targets = Targets({"A": half, "B": half}, {"EU": half}, {}, {"A": "EU"})
    _, found = of(replace(plan_input(shot), targets=targets))
    table = rows(found.countries)
    assert (table["EU"].before, table["EU"].target) == (half, half)
    assert (table["unknown"].before, table["unknown"].target) == (Decimal("0.3"), None)


def two(volatility: float | None, correlation: float | None) -> PlanDifference:
    universe = (security("A", number=1), security("B", number=2))
    shot = snapshot(
        universe, prices={"A": "10", "B": "10"}, held={"A": "60", "B": "30"}, cash={"EUR": "100"}
    )
    found = replace(
        plan_input(shot),
        facts={"A": SecurityFacts(volatility=0.2), "B": SecurityFacts(volatility=volatility)},
        correlations=Correlations(TODAY, 252, ("A", "B"), ((), (correlation,))),
    )
    return of(found)[1]


def test_volatility_is_that_of_weights_and_correlations() -> None:
    risk = two(0.4, 0.5).risk
    wanted = math.sqrt(0.12**2 + 0.12**2 + 2 * 0.5 * 0.12 * 0.12)
    assert risk.volatility_before is not None
    assert math.isclose(risk.volatility_before, wanted, rel_tol=1e-12)
    assert risk.covered == 1.0


def test_what_is_not_known_of_a_holding_is_not_covered() -> None:
    for volatility, correlation in ((None, 0.5), (0.4, None)):
        risk = two(volatility, correlation).risk
        assert math.isclose(risk.covered, 2 / 3)
        assert risk.volatility_before is not None
        assert math.isclose(risk.volatility_before, 0.9 * 0.2)


def test_without_correlations_there_is_no_volatility() -> None:
    risk = of(account({"S00": "10", "S01": "10"}, {"EUR": "100"}))[1].risk
    assert (risk.volatility_before, risk.volatility_after, risk.covered) == (None, None, 0.0)


def test_an_account_that_cannot_be_valued_has_no_weights() -> None:
    universe = dozen()
    shot = snapshot(universe, held={"S00": "10"}, cash={"EUR": "100"})
    _, found = of(plan_input(shot))
    assert found.securities == ()
    assert found.risk.largest_before == 0
    assert [str(change.before) for change in found.cash] == ["100.00 EUR"]


def test_the_plan_and_its_scores_are_named() -> None:
    plan, found = of(account({}, {"EUR": "3500"}))
    assert found.plan_id == plan.plan_id
    assert (found.score_before, found.score_after) == (plan.current_score, plan.end_score)
    assert found.fees_eur.minor == sum(s.fee_eur.minor for s in plan.steps)
