"""The words of a plan agree with its facts, whatever the plan."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Literal

import pytest

from ledger.money import Price, Quantity
from ledger.order import Side
from ledger.plan import Alternative, Breakdown, NewMoney, Plan, PlanStep, Proof
from ledger.plan_facts import PlanFacts
from ledger.portfolio import PortfolioSnapshot
from policy.planning.facts import SecurityFacts
from policy.planning.narrative import (
    new_money_sentences,
    one_line,
    proof_sentences,
    told,
    whole_percent,
)
from policy.planning.plan_report import impact, plan_report
from store.codec import from_json, to_json
from tests.policy.accounts import NOON, eur, security, snapshot

KNOWN = {
    "CHEAP": SecurityFacts(quality=0.7, dividend_yield=0.042),
    "MEAGRE": SecurityFacts(quality=0.5, dividend_yield=0.03),
}


def step(
    side: Side,
    value: str,
    *tags: str,
    kind: Literal["trade", "fx"] = "trade",
    symbol: str = "AAA",
    scores: tuple[float, float] = (50.0, 51.0),
    number: int = 1,
) -> PlanStep:
    return PlanStep(
        number=number,
        kind=kind,
        side=side,
        symbol=symbol,
        name=f"{symbol} AG",
        security_id=1,
        quantity=Quantity.of(10),
        price=Price.of("12.5", "EUR"),
        value_eur=eur(value),
        fee_eur=eur("2.25"),
        reason=f"{symbol} is what it is",
        tags=tags,
        score_before=scores[0],
        score_after=scores[1],
        cash_before_eur=eur(0),
        cash_after_eur=eur(0),
    )


def plan(*steps: PlanStep, end: float, proof: Proof | None, money: NewMoney | None) -> Plan:
    return Plan(
        plan_id="01PLAN",
        bucket_id="core",
        created_at=NOON,
        portfolio_hash="0" * 32,
        objective="end_state",
        steps=tuple(replace(one, number=i + 1) for i, one in enumerate(steps)),
        current_score=50.0,
        end_score=end,
        evaluated=1,
        cash_required_eur=eur(0),
        cash_generated_eur=eur(0),
        narrative="",
        proof=proof,
        new_money=money,
    )


def holding(symbol: str = "AAA", quantity: str = "40") -> PortfolioSnapshot:
    return snapshot((security(symbol),), prices={symbol: "12.5"}, held={symbol: quantity})


def made(
    *steps: PlanStep,
    end: float = 51.0,
    proof: Proof | None = None,
    money: NewMoney | None = None,
    hold: str | None = None,
) -> Plan:
    bare = plan(*steps, end=end, proof=proof, money=money)
    return told(bare, holding(), KNOWN, hold_reason=hold)


def facts_of(one: Plan) -> PlanFacts:
    assert one.facts is not None
    return one.facts


def test_the_strategy_is_the_first_that_matches() -> None:
    windfall = step("SELL", "300", "profit_taking", "windfall")
    averaging = step("BUY", "300", "averaging_down", symbol="CHEAP")
    sale, purchase = step("SELL", "300", "rebalance"), step("BUY", "300", symbol="BBB")
    cases = {
        "secure_gains_and_average": (windfall, averaging),
        "secure_gains": (windfall, purchase),
        "average_down": (sale, averaging),
        "rebalance": (sale, purchase),
        "deploy_cash": (purchase,),
        "reduce_risk": (sale,),
        "hold": (),
    }
    for strategy, steps in cases.items():
        assert facts_of(made(*steps)).strategy == strategy


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ((step("BUY", "300", "rebalance"),), "Put cash to work where the portfolio is below"),
        ((step("BUY", "300", "quality"),), "Put cash to work."),
        ((step("SELL", "300", "rebalance"),), "Reduce risk: trim what is above its target."),
        ((step("SELL", "300", "profit_taking"),), "Reduce risk: sell some of what is held."),
        (
            (step("BUY", "300", "averaging_down"), step("BUY", "300", "quality", symbol="BBB")),
            "Put money to work, part of it in holdings that cost less than we paid.",
        ),
        ((step("BUY", "300", "averaging_down"),), "Buy more of what costs less than we paid."),
        (
            (step("SELL", "300", "profit_taking"), step("BUY", "300", "rebalance", symbol="BBB")),
            "Rebalance: sell some of what is held",
        ),
    ],
)
def test_the_strategy_claims_no_more_than_its_trades_bear_out(
    steps: tuple[PlanStep, ...], words: str
) -> None:
    assert made(*steps).narrative.startswith(words)


def test_sums_symbols_and_outcome_follow_the_strategy() -> None:
    one = made(
        step("SELL", "1000.40", symbol="OLD"),
        step("SELL", "310", kind="fx", symbol="EUR/USD"),
        step("BUY", "300.60", symbol="ONE"),
        step("BUY", "1300", symbol="TWO"),
    )
    assert one.narrative.startswith("Rebalance: ")
    assert "4 actions, 1 currency exchange among them." in one.narrative
    assert "Sell OLD AG (OLD, €1,000)." in one.narrative
    assert "Buy €1,601: ONE AG (ONE, €301), TWO AG (TWO, €1,300)." in one.narrative
    assert one.narrative.endswith("The score rises by 1.0 points, from 50.0 to 51.0.")


def test_a_score_that_falls_or_stays_is_told_so() -> None:
    assert "expected to fall by 2.0 points in the short term, from 50.0 to 48.0" in (
        made(step("BUY", "300"), end=48.0).narrative
    )
    assert "The score stays at 50.0." in made(step("BUY", "300"), end=50.04).narrative


def test_a_sale_says_its_share_its_reason_and_what_it_pays_for() -> None:
    one = made(
        step("SELL", "125", "profit_taking", "windfall"),
        step("BUY", "300", symbol="BBB"),
        step("BUY", "300", "averaging_down", symbol="CHEAP"),
    )
    assert one.steps[0].reason == (
        "Sell 25% of the position: €125 of AAA AG (AAA). Its gains go beyond its usual growth;"
        " securing them frees capital. AAA is what it is."
        " What it frees helps to pay for CHEAP AG (CHEAP)."
    )


def test_a_sale_that_no_purchase_needs_pays_for_none() -> None:
    rich = NewMoney(eur(5000), eur(300), eur(0))
    one = made(step("SELL", "125"), step("BUY", "300", symbol="BBB"), money=rich)
    assert "pay for" not in one.steps[0].reason
    assert facts_of(one).execution == "in_order"
    poor = replace(rich, free_eur=eur(100))
    again = made(step("SELL", "125"), step("BUY", "300", symbol="BBB"), money=poor)
    assert "helps to pay for BBB AG" in again.steps[0].reason
    assert facts_of(again).execution == "sells_first"


@pytest.mark.parametrize(
    ("side", "tags", "words"),
    [
        ("SELL", ("profit_taking",), "Gains on paper become realised, and less is at risk."),
        ("SELL", ("rebalance", "overweight_asia"), "ASIA is overweight"),
        ("SELL", ("rebalance",), "AAA is what it is."),
        ("BUY", ("rebalance", "underweight_united states"), "UNITED STATES is underweight"),
        ("BUY", ("quality", "opportunity"), "Strong fundamentals tend to pay off."),
        ("BUY", ("opportunity",), "AAA is what it is."),
    ],
)
def test_the_first_matching_tag_explains_a_step(
    side: Side, tags: tuple[str, ...], words: str
) -> None:
    reason = made(step(side, "125", *tags)).steps[0].reason
    assert words in reason
    assert "AAA is what it is" in reason


def test_only_a_holding_of_quality_is_called_one() -> None:
    good = made(step("BUY", "300", "averaging_down", symbol="CHEAP")).steps[0].reason
    other = made(step("BUY", "300", "averaging_down", symbol="MEAGRE")).steps[0].reason
    assert "A holding of quality costs less than we paid" in good
    assert "A holding costs less than we paid" in other


def test_a_dividend_above_three_percent_is_worth_a_sentence() -> None:
    assert made(step("BUY", "300", symbol="CHEAP")).steps[0].reason.endswith("yield 4.2% a year.")
    assert "yield" not in made(step("BUY", "300", symbol="MEAGRE")).steps[0].reason


def test_a_part_of_a_position_is_never_all_or_nothing_of_it() -> None:
    shown = [whole_percent(Decimal(share)) for share in ("0.001", "0.25", "0.999", "1")]
    assert shown == ["1%", "25%", "99%", "all"]


def test_a_step_that_costs_points_by_itself_is_told_when_the_plan_brings_some() -> None:
    steps = (
        step("SELL", "300", scores=(50.0, 49.2)),
        step("BUY", "300", symbol="BBB", scores=(49.2, 51.0)),
    )
    assert "Step 1 takes 0.8 points by itself; all together the steps bring 1.0." in (
        made(*steps).narrative
    )
    assert "by itself" not in made(*steps, end=49.0).narrative


def test_nothing_to_do_says_why() -> None:
    assert made(hold="the account is empty").narrative == "Hold: the account is empty."
    assert made().narrative == "Hold: nothing to do, the portfolio is well placed."


def proof_of(*steps: PlanStep, proof: Proof) -> str:
    return " ".join(proof_sentences(plan(*steps, end=51.0, proof=proof, money=None)))


UNPROVED = Proof(False, 0.31, 1.8, 200_000, 200_000, 5, 0, 40)


def test_a_proved_plan_says_among_what_it_is_the_best() -> None:
    proved = Proof(True, 0.0, 1.5, 280_840, 300_000, 3, 3, 120)
    assert proof_of(step("BUY", "300"), proof=proved) == (
        "No other allowed set of up to 3 of these 120 candidate trades scores better."
    )
    assert proof_of(proof=proved) == (
        "No allowed set of up to 3 of these 120 candidate trades is worth its costs."
    )
    few, one = replace(proved, candidates=3), replace(proved, candidates=1)
    assert proof_of(proof=few) == "No allowed set of these 3 candidate trades is worth its costs."
    assert proof_of(proof=one) == "The only candidate trade is not worth its costs."
    assert proof_of(step("BUY", "300"), proof=one) == "There is no other candidate trade."
    assert proof_of(proof=replace(proved, candidates=0)) == ""


def test_a_proof_among_few_trades_names_no_more_than_there_are() -> None:
    bought, proved = step("BUY", "300"), Proof(True, 0.0, 1.5, 8, 300_000, 5, 5, 3)
    assert proof_of(bought, proof=proved) == (
        "No other allowed set of these 3 candidate trades scores better."
    )
    assert proof_of(proof=replace(proved, candidates=1)) == (
        "The only candidate trade is not worth its costs."
    )


def test_a_plan_that_is_not_proved_says_so_with_its_gap() -> None:
    bought = step("BUY", "300")
    assert proof_of(bought, proof=UNPROVED) == (
        "Not proved to be the best: a better one may gain up to 0.3 points more;"
        " 200,000 sequences were looked at."
    )
    assert "Not proved that holding is best" in proof_of(proof=UNPROVED)
    assert "less than 0.1 points" in proof_of(bought, proof=replace(UNPROVED, gap=0.02))
    assert proof_of(bought, proof=replace(UNPROVED, proved_depth=3)).endswith(
        " Of sets of up to 3 trades none scores better."
    )


def test_a_better_one_that_was_passed_over_is_told_with_the_reason() -> None:
    breakdown = Breakdown((), eur(0), 0.0, 0.5)
    better = Alternative((), UNPROVED.bound - UNPROVED.gap + 0.2, breakdown, ("beam",))
    bare = plan(step("BUY", "300"), end=51.0, proof=UNPROVED, money=None)
    one = replace(bare, alternatives=(better,), proof=replace(UNPROVED, proved_depth=3))
    assert proof_sentences(one) == (
        "Not proved to be the best: one that was found would gain 0.2 points more,"
        " but new money goes first.",
        "No allowed set of up to 5 of these 40 candidate trades would gain more than 0.3 points;"
        " 200,000 sequences were looked at.",
    )
    best = replace(one, alternatives=(replace(better, net=UNPROVED.bound),))
    assert "would gain more than that" in proof_sentences(best)[1]
    relaxed = replace(one, alternatives=(replace(better, executable=False),))
    assert proof_sentences(relaxed)[1:] == ("Of sets of up to 3 trades none scores better.",)
    slightly = replace(better, net=better.net - 0.19)
    assert len(proof_sentences(replace(one, alternatives=(slightly,)))) == 1


def test_new_money_and_the_deposit_are_told() -> None:
    money = NewMoney(eur(3000), eur(2900), eur(4100))
    assert new_money_sentences(money) == (
        "€3,000 of cash is free to invest: the plan spends €2,900 of it.",
        "A deposit of €4,100 would then let purchases alone reach every target.",
    )
    assert new_money_sentences(NewMoney(eur(0), eur(0), eur(0))) == ()
    for share, words in (
        ("1", "would then let purchases alone"),
        ("1.3", "of €4,100, more than the portfolio is worth."),
        ("1000.4", "of €4,100, 1,000 times what the portfolio is worth."),
    ):
        (_, deposit) = new_money_sentences(replace(money, deposit_share=Decimal(share)))
        assert words in deposit
    blocked = new_money_sentences(NewMoney(eur(90), eur(0), None, ("GIFT",)))
    assert blocked == (
        "€90 of cash is free to invest: none of it is spent.",
        "No deposit alone would reach every target, because of GIFT.",
    )


def test_the_financial_impact_adds_up() -> None:
    facts = facts_of(made(step("SELL", "1000"), step("BUY", "300", symbol="BBB")))
    assert facts.net_eur == eur("-695.50")
    assert impact(facts) == (
        "Invested: €300",
        "Proceeds of sales: €1,000",
        "Fees and expected spreads of exchanges: €4.50",
        "Net cash inflow: €696",
    )


def test_trades_are_counted_by_goal() -> None:
    facts = facts_of(
        made(
            step("SELL", "300", "windfall", "profit_taking"),
            step("BUY", "300", "rebalance", symbol="BBB"),
            step("BUY", "300", "rebalance", symbol="CCC"),
        )
    )
    assert facts.goals == (("rebalance", 2), ("windfall", 1))


def test_flags_of_a_step_come_from_its_tags_and_outlive_the_store() -> None:
    one = made(
        step("SELL", "125", "windfall"), step("BUY", "300", "averaging_down", symbol="CHEAP")
    )
    again = from_json(to_json(one), Plan)
    assert again == one
    assert [s.is_windfall for s in facts_of(again).steps] == [True, False]
    assert [s.is_averaging_down for s in facts_of(again).steps] == [False, True]
    assert facts_of(again).steps[0].because == "AAA is what it is"


def test_one_line_names_side_quantity_symbol_price_and_value() -> None:
    assert one_line(step("BUY", "125")) == "BUY 10 AAA at 12.5 EUR, €125"


def test_the_report_has_every_part_of_the_plan() -> None:
    one = made(
        step("SELL", "125", "windfall"),
        step("BUY", "300", "averaging_down", symbol="CHEAP"),
        proof=Proof(True, 0.0, 1.5, 100, 100, 3, 3, 9),
        money=NewMoney(eur(0), eur(0), eur(0)),
    )
    text = plan_report(one)
    heads = [line[3:] for line in text.splitlines() if line.startswith("## ")]
    assert heads == [
        "Overview", "Strategy", "Financial impact", "Actions", "Execution", "Proof"
    ]  # fmt: skip
    assert "1. **SELL 10 AAA at 12.5 EUR, €125**: Sell 25% of the position" in text
    assert "Sales go first" in text
    empty = plan_report(made(hold="the account is empty"))
    assert "Hold: the account is empty." in empty
    assert "Actions" not in empty
    assert plan_report(replace(one, facts=None, narrative="Old words.")).endswith("Old words.\n")
