"""Whole plans: from a snapshot to steps with numbers and words, or a reason to hold."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.money import Money, Quantity
from ledger.plan import Plan
from ledger.portfolio import BookDifference, PortfolioSnapshot
from policy.limits import DEFAULTS
from policy.planner import PlanInput, PlanRun, finish, proposal, stage_counts, start, step
from policy.planning.config import DEFAULT_CONFIG, ConstraintRelaxation
from policy.planning.facts import SecurityFacts
from policy.scoring.end_state import EndStateParts
from tests.policy.accounts import FREE, NOON, dozen, eur, plan_input, security, snapshot

MOST_BATCHES = 2_000


def searched(given_input: PlanInput) -> PlanRun:
    run = start(given_input)
    for _ in range(MOST_BATCHES):
        if run.done:
            break
        run = step(run)
    assert run.done
    return run


def plan(given_input: PlanInput) -> Plan:
    return finish(searched(given_input))


def configured(shot: PortfolioSnapshot, **changes: object) -> PlanInput:
    config = replace(DEFAULT_CONFIG, **changes)  # type: ignore[arg-type]
    return replace(plan_input(shot), config=config)


def account(currency: str = "EUR", **changes: object) -> PortfolioSnapshot:
    universe = dozen(currency)
    given_parts: dict[str, object] = {
        "prices": {s.symbol: "37.5" for s in universe},
        "cash": {"EUR": "10000"},
    }
    return snapshot(universe, **{**given_parts, **changes})  # type: ignore[arg-type]


def test_cash_is_put_to_work_where_it_is_missing() -> None:
    made = plan(plan_input(account()))
    assert [s.side for s in made.steps] == ["BUY"] * 5
    countries = {s.tags[-1] for s in made.steps}
    assert len(countries) == 4
    assert made.origins == ("new_money",)
    # Other calculators propose the very same trades.
    assert all("new_money" in s.tags for s in made.steps)
    assert made.end_score > made.current_score
    assert made.cash_generated_eur == eur(0)
    assert made.proof is not None
    assert made.evaluated == made.proof.explored > 26
    assert (made.plan_id, made.bucket_id, made.created_at) == ("01PLAN", "core", NOON)


def test_steps_chain_their_scores_and_their_cash() -> None:
    made = plan(plan_input(account("USD", cash={"EUR": "6000", "GBP": "4000"})))
    assert [s.number for s in made.steps] == list(range(1, len(made.steps) + 1))
    assert made.steps[0].score_before == made.current_score
    assert made.steps[-1].score_after == made.end_score
    for before, after in zip(made.steps, made.steps[1:], strict=False):
        assert before.score_after == after.score_before
        assert before.cash_after_eur == after.cash_before_eur
    trades = [s for s in made.steps if s.kind == "trade"]
    required = sum((s.value_eur.minor + s.fee_eur.minor for s in trades), 0)
    assert made.cash_required_eur == Money(required, "EUR")


def test_conversions_are_steps_of_their_own_before_the_purchase_they_fund() -> None:
    made = plan(plan_input(account("USD")))
    kinds = [s.kind for s in made.steps]
    assert kinds == ["fx", "trade"] * 5
    first = made.steps[0]
    assert (first.symbol, first.side, first.security_id) == ("EUR/USD", "SELL", None)
    assert made.steps[1].symbol in first.reason
    assert "5 currency exchanges" in made.narrative


def heavy() -> PortfolioSnapshot:
    """One position far above its target, and too little cash to buy anything."""
    return account(held={"S00": "100"}, costs={"S00": "20"}, cash={"EUR": "700"})


def test_too_large_positions_pay_for_what_is_missing() -> None:
    made = plan(plan_input(heavy()))
    assert [s.side for s in made.steps] == ["SELL", "BUY", "BUY", "BUY"]
    assert made.cash_generated_eur > eur(0)
    assert made.proof is not None
    assert made.proof.proved


def test_the_same_input_gives_the_same_plan() -> None:
    shot = account("USD", held={"S00": "100"}, costs={"S00": "20"})
    assert plan(plan_input(shot)) == plan(plan_input(shot))


def test_a_step_of_a_run_can_be_repeated() -> None:
    run = start(plan_input(heavy()))
    while not run.done:
        again, run = step(run), step(run)
        assert finish(again) == finish(run)
    assert step(run) is run


def test_a_run_given_up_early_still_gives_a_plan() -> None:
    made = finish(start(configured(account(), new_money_first=False)))
    assert made.steps == ()
    assert made.narrative.startswith("Hold: nothing better was found before the search ended")
    assert made.proof is not None
    assert not made.proof.proved
    assert made.proof.gap > 0


DIFFERENCE = BookDifference(1, "cash", "EUR", 0, 5, True, NOON)


@pytest.mark.parametrize(
    ("shot", "words"),
    [
        (account(stale="no line"), "could not be read: no line"),
        (account(differences=(DIFFERENCE,)), "books and broker differ"),
        (account(held={"S00": "1"}, prices={}), "the value of S00 is not known"),
        (account(cash={"EUR": "900", "USD": "-1"}), "negative cash in USD is repaired first"),
        (account(held={"S00": "-1"}), "negative holding of S00"),
        (account(cash={"EUR": "0"}), "the account is empty"),
        (account(cash={"EUR": "600"}), "€100 of cash above the reserve is less than"),
        (account(prices={}), "no security that may be traded now"),
    ],
)
def test_holding_says_why(shot: PortfolioSnapshot, words: str) -> None:
    made = plan(plan_input(shot))
    assert made.steps == ()
    assert made.end_score == made.current_score
    assert words in made.narrative


def test_holding_says_what_is_missing_from_the_reserve() -> None:
    below = account(held={"S00": "100"}, costs={"S00": "20"}, cash={"EUR": "300"})
    made = plan(configured(below, min_improvement=Decimal(5)))
    assert made.steps == ()
    assert "Hold: €200 of cash is missing from the reserve, and no affordable" in made.narrative


def test_nothing_is_done_for_less_than_the_hurdle() -> None:
    made = plan(configured(account(), min_improvement=Decimal(5)))
    assert made.steps == ()
    assert "no affordable trade that the rules allow improves" in made.narrative
    assert made.proof is not None
    assert made.proof.proved
    assert made.proof.bound == 0.0


def test_a_fee_without_a_rate_holds() -> None:
    given_input = replace(plan_input(account()), fees=replace(FREE, fixed=Money(1, "CHF")))
    assert "no rate" in plan(given_input).narrative


def test_barred_steps_are_planned_around() -> None:
    first = plan(plan_input(account())).steps[0].symbol
    made = plan(plan_input(account(), barred=frozenset({(first, "BUY")})))
    assert first not in {s.symbol for s in made.steps}


def test_steps_become_proposals_of_their_class() -> None:
    made = plan(plan_input(account("USD")))
    exchange, trade = (proposal(made, one, attempt=2) for one in made.steps[:2])
    assert (exchange.order_class, trade.order_class) == ("fx", "planner")
    assert (exchange.source_id, exchange.step, exchange.attempt) == ("01PLAN", 1, 2)
    assert (trade.currency, trade.security_id) == ("USD", made.steps[1].security_id)
    assert trade.decision_price == made.steps[1].price


@settings(max_examples=8, deadline=None)
@given(
    cash=st.integers(0, 20_000),
    prices=st.lists(st.integers(1, 900), min_size=12, max_size=12),
    held=st.lists(st.sampled_from([0, 3, 30]), min_size=12, max_size=12),
)
def test_no_plan_exceeds_depth_position_or_cash(
    cash: int, prices: list[int], held: list[int]
) -> None:
    universe = dozen()
    quotes = {s.symbol: str(p) for s, p in zip(universe, prices, strict=True)}
    shot = account(
        prices=quotes,
        costs=quotes,
        cash={"EUR": str(cash)},
        held={s.symbol: str(q) for s, q in zip(universe, held, strict=True)},
    )
    made = plan(plan_input(shot))
    trades = [s for s in made.steps if s.kind == "trade"]
    assert len(trades) <= DEFAULT_CONFIG.max_depth
    if not trades:
        return
    if any(one.side == "BUY" for one in trades):
        assert made.steps[-1].cash_after_eur >= DEFAULTS.min_cash_reserve
    assert shot.total_eur is not None
    for one in trades:
        if one.side == "BUY":
            before = shot.held(one.symbol)
            value = before.value_eur if before is not None else None
            held_eur = value if value is not None else eur(0)
            share = (held_eur + one.value_eur).amount / shot.total_eur.amount
            assert share <= DEFAULTS.max_position_share
    assert made.proof is not None
    assert made.proof.bound - made.proof.gap > 0


def test_a_lot_of_a_fraction_is_planned_exactly() -> None:
    universe = tuple(security(f"F{i}", number=i, lot="0.001") for i in range(12))
    shot = snapshot(universe, prices={s.symbol: "612.37" for s in universe}, cash={"EUR": "9000"})
    made = plan(plan_input(shot))
    assert made.steps
    assert all(s.quantity.is_multiple_of(Quantity.of("0.001")) for s in made.steps)


@pytest.mark.parametrize(
    "mode",
    ["enable_stochastic_scenarios", "enable_monte_carlo_paths", "enable_multi_objective"],
)
@pytest.mark.parametrize("new_money_first", [True, False])
def test_the_choice_among_the_best_may_count_more_than_the_score(
    mode: str, new_money_first: bool
) -> None:
    asked = configured(account(), new_money_first=new_money_first, **{mode: True})
    made = plan(asked)
    assert made.steps
    assert made == plan(asked)
    assert (made.robustness is None) == (mode == "enable_multi_objective")
    assert (made.origins == ("new_money",)) == new_money_first


def test_what_a_run_found_is_counted_stage_by_stage() -> None:
    run = searched(plan_input(heavy()))
    counts, made = stage_counts(run), finish(run)
    assert made.proof is not None
    assert counts.candidates == made.proof.candidates == sum(n for _, n in counts.by_kind)
    assert {kind for kind, _ in counts.by_kind} >= {"profit_taking", "rebalance_buys"}
    assert counts.seeds >= counts.filtered > 0
    assert (counts.explored, counts.steps) == (made.evaluated, len(made.steps))
    assert (counts.current_score, counts.end_score) == (made.current_score, made.end_score)


def test_a_plan_that_is_not_proved_says_so() -> None:
    made = plan(configured(heavy(), node_budget=10))
    assert made.proof is not None
    assert not made.proof.proved
    assert made.proof.gap > 0
    assert made.proof.explored <= made.proof.budget == 10
    assert "Not proved" in made.narrative


def test_alternatives_come_best_first_and_with_what_they_are_made_of() -> None:
    made = plan(plan_input(heavy()))
    assert 1 < len(made.alternatives) <= 5
    nets = [one.net for one in made.alternatives]
    assert nets == sorted(nets, reverse=True)
    assert made.proof is not None
    assert nets[0] <= made.proof.bound - made.proof.gap
    assert all(one.executable and one.origins for one in made.alternatives)
    assert len({frozenset((t.side, t.symbol) for t in a.trades) for a in made.alternatives}) == len(
        nets
    )
    assert made.start is not None
    assert made.end is not None
    assert 100 * made.start.total == pytest.approx(made.current_score)
    assert 100 * made.end.total == pytest.approx(made.end_score)


def test_what_breaks_a_rule_is_shown_but_never_the_plan() -> None:
    relaxation = ConstraintRelaxation(enabled=True, relax_max_position=True)
    generators = replace(DEFAULT_CONFIG.generators, constraint_relaxation=relaxation)
    shot = account(held={"S00": "50"}, costs={"S00": "37"}, cash={"EUR": "9000"})
    asked = configured(shot, generators=generators, new_money_first=False)
    asked = replace(asked, limits=replace(DEFAULTS, max_position_share=Decimal("0.05")))
    run = searched(asked)
    made = finish(run)
    broken = [one for one in made.alternatives if not one.executable]
    assert broken
    assert [one.executable for one in made.alternatives] == sorted(
        (one.executable for one in made.alternatives), reverse=True
    )
    assert run.work is not None
    chosen = run.standing.found
    assert chosen is not None
    assert all(run.work.candidates[number].executable for number in chosen.combo)


def test_sales_are_considered_when_new_money_does_not_help() -> None:
    idle = configured(heavy(), new_money_first=True)
    assert [s.side for s in plan(idle).steps][:1] == ["SELL"]
    rich = account(held={"S00": "100"}, costs={"S00": "20"}, cash={"EUR": "1100"})
    assert {s.side for s in plan(configured(rich, new_money_first=True)).steps} == {"BUY"}
    both = plan(configured(rich, new_money_first=False))
    assert {s.side for s in both.steps} == {"BUY", "SELL"}


def test_new_money_says_what_a_better_set_of_purchases_would_gain() -> None:
    shot = account(cash={"EUR": "4000"})
    facts = {
        s.symbol: SecurityFacts(parts=EndStateParts(i / 12, i / 12, i / 12))
        for i, s in enumerate(shot.universe)
    }
    asked = configured(shot, max_opportunities_per_category=20)
    made = plan(replace(asked, facts=facts))
    assert made.origins == ("new_money",)
    assert made.proof is not None
    assert made.proof.gap > 0
    best = max(one.net for one in made.alternatives)
    assert best == pytest.approx(made.proof.bound)
    assert not made.proof.proved


def test_what_does_not_stand_up_when_prices_move_is_not_done() -> None:
    shot = account()
    facts = {s.symbol: SecurityFacts(volatility=1.0) for s in shot.universe}
    asked = configured(
        shot,
        enable_monte_carlo_paths=True,
        scenario_horizon_days=252,
        min_improvement=Decimal("0.3"),
    )
    calm, wild = plan(asked), plan(replace(asked, facts=facts))
    assert calm.steps
    assert wild.steps == ()
    assert "does not do so when prices move" in wild.narrative
    assert wild.robustness is not None
    assert wild.robustness.final <= 0
    assert wild.proof is not None
    assert wild.proof.gap > 0
