"""The words of a plan agree with its steps."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from ledger.money import Money, Price, Quantity
from ledger.order import Side
from ledger.plan import PlanStep
from policy.plan_text import hold_text, percent, plan_text, whole
from tests.policy.accounts import eur


def step(
    side: Side,
    value: str,
    *tags: str,
    kind: Literal["trade", "fx"] = "trade",
    symbol: str = "AAA",
) -> PlanStep:
    return PlanStep(
        number=1,
        kind=kind,
        side=side,
        symbol=symbol,
        name=f"{symbol} AG",
        security_id=1,
        quantity=Quantity.of(1),
        price=Price.of("1", "EUR"),
        value_eur=eur(value),
        fee_eur=eur(2),
        reason="because",
        tags=tags,
        score_before=50.0,
        score_after=51.0,
        cash_before_eur=eur(0),
        cash_after_eur=eur(0),
    )


def text(*steps: PlanStep, end: float = 51.0) -> str:
    return plan_text(steps, current_score=50.0, end_score=end)


def test_the_strategy_names_what_the_plan_does() -> None:
    assert text(step("BUY", "300")).startswith("Put cash to work where")
    assert text(step("BUY", "300", "averaging_down")).startswith("Put cash to work, part of it in")
    assert text(step("SELL", "300")).startswith("Reduce risk")
    assert text(step("SELL", "300"), step("BUY", "300")).startswith("Rebalance")


def test_sums_and_symbols_are_listed_by_side() -> None:
    made = text(
        step("SELL", "1000.40", symbol="OLD"),
        step("BUY", "300.60", symbol="ONE"),
        step("BUY", "1300", symbol="TWO"),
    )
    assert "3 actions." in made
    assert "Sell OLD AG (OLD, €1,000)." in made
    assert "Buy €1,601: ONE AG (ONE, €301), TWO AG (TWO, €1,300)." in made


def test_exchanges_are_counted_but_not_listed_as_trades() -> None:
    made = text(step("SELL", "310", kind="fx", symbol="EUR/USD"), step("BUY", "300"))
    assert "2 actions, 1 currency exchange among them." in made
    assert "EUR/USD" not in made
    assert made.startswith("Put cash to work")


def test_the_outcome_is_told_as_it_is() -> None:
    assert "rises by 1.0 points, from 50.0 to 51.0" in text(step("BUY", "300"))
    assert "falls by 2.0 points for now, from 50.0 to 48.0" in text(step("BUY", "300"), end=48.0)
    assert "stays at 50.0" in text(step("BUY", "300"), end=50.01)


def test_amounts_in_sentences_have_no_decimals() -> None:
    assert whole(Money.of("1250.50", "USD")) == "1,250 USD"
    assert whole(eur("-3.7")) == "-€4"
    assert percent(Decimal("0.0833")) == "8.3%"
    assert hold_text("nothing to do") == "Hold: nothing to do."
