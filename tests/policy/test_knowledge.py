"""What a decision knows: targets of the optimizer, scores that bar, a reserve by regime."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from ledger.allocation import AllocationBook, Groups
from ledger.fact import Fill, Opening
from ledger.money import Money, Price, Quantity
from ledger.optimization import OptimizerRun
from ledger.order import Side
from ledger.regime import UNKNOWN_REGIME, Regime
from ledger.score import Score, Scores
from policy.knowledge import Knowledge, held_since, knowledge
from policy.limits import DEFAULTS, Limits
from policy.optimizer.run import optimize
from policy.planner import finish, start, step
from policy.planning.facts import UNKNOWN_FACTS
from policy.targets import equal_targets
from tests.policy.accounts import TODAY, dozen, eur, plan_input, snapshot
from tests.policy.optimizer_cases import given_of, many

UNIVERSE = dozen()
SHOT = snapshot(UNIVERSE, prices={s.symbol: "50" for s in UNIVERSE}, cash={"EUR": "100000"})
BEAR = Regime("bear", 0.8, -0.1, {}, TODAY, False, None)


def scored(totals: Mapping[str, float | None], *, coverage: float = 0.8) -> Scores:
    numbers = {security.symbol: security.security_id for security in UNIVERSE}
    return Scores(
        TODAY,
        {
            numbers[symbol]: Score(
                security_id=numbers[symbol],
                symbol=symbol,
                total=total,
                coverage=coverage if total is not None else 0.0,
                groups={},
                parts={},
                metrics={"DIVIDEND_YIELD": 0.02},
                history_years=9.0,
                last_bar=TODAY,
            )
            for symbol, total in totals.items()
        },
    )


def known(limits: Limits = DEFAULTS, **changes: Any) -> Knowledge:
    given: dict[str, Any] = {
        "scores": scored({security.symbol: 0.6 for security in UNIVERSE}),
        "run": None,
        "book": AllocationBook(),
        "regime": UNKNOWN_REGIME,
    }
    return knowledge(SHOT, limits=limits, **{**given, **changes})


def run_with(weights: Mapping[str, Decimal], error: str | None = None) -> OptimizerRun:
    return replace(optimize(given_of(many(4))), weights=weights, error=error)


def test_targets_are_equal_until_an_optimizer_run_has_succeeded() -> None:
    equal = equal_targets(UNIVERSE, DEFAULTS)
    assert known().targets == equal
    failed = run_with({}, error="Insufficient price history")
    assert known(run=failed).targets == equal
    run = run_with({"S00": Decimal("0.10"), "S01": Decimal("0.05")})
    assert known(run=run).targets.weights == run.weights


def test_the_owners_groups_are_parts_of_what_is_invested_and_hold_their_members() -> None:
    groups = Groups({"EU": ("Germany", "France"), "REST": ("Japan",)},
                    {"EU": Decimal(3), "REST": Decimal(1)})  # fmt: skip
    run = run_with({"S00": Decimal("0.3"), "S02": Decimal("0.1")})
    targets = known(run=run, book=AllocationBook(country=groups)).targets
    assert targets.countries == {"EU": Decimal("0.30"), "REST": Decimal("0.10")}
    assert [targets.country_of[s] for s in ("S00", "S01", "S02", "S03")] == [
        "EU", "EU", "REST", "OTHER",
    ]  # fmt: skip
    assert set(targets.industries) == {"Software", "Pharma"}


def test_a_score_too_low_or_on_too_little_bars_a_purchase() -> None:
    totals: dict[str, float | None] = {security.symbol: 0.6 for security in UNIVERSE}
    totals |= {"S01": 0.49, "S02": None}
    found = known(scores=scored(totals))
    assert found.unfit == {"S01", "S02"}
    assert known(scores=scored(totals, coverage=0.4)).unfit == {s.symbol for s in UNIVERSE}


def test_without_any_score_nothing_is_bought_unless_nothing_is_asked_for() -> None:
    assert known(scores=None).unfit == {security.symbol for security in UNIVERSE}
    lax = replace(DEFAULTS, min_security_score=Decimal(0), min_score_coverage=Decimal(0))
    assert known(lax, scores=None).unfit == frozenset()


def test_planning_knows_of_every_security_what_its_score_tells() -> None:
    bought = {"S00": TODAY - timedelta(days=40)}
    found = known(scores=scored({"S00": 0.6, "S01": 0.7}), bought_on=bought)
    assert found.facts.keys() == {security.symbol for security in UNIVERSE}
    assert found.facts["S00"].dividend_yield == 0.02
    assert found.facts["S00"].bought_on == TODAY - timedelta(days=40)
    assert found.facts["S01"].bought_on is None
    assert found.facts["S02"] == UNKNOWN_FACTS
    assert set(known(scores=None).facts.values()) == {UNKNOWN_FACTS}


def bought_at(day: date, number: int, side: Side = "BUY", units: int = 10) -> Fill:
    at = datetime(day.year, day.month, day.day, 10, tzinfo=UTC)
    gross = Money(units * 40_00, "EUR")
    return Fill(
        fill_id=f"T{number}",
        broker_order_id=f"O{number}",
        client_order_id=None,
        symbol="S00",
        side=side,
        quantity=Quantity.of(units),
        price=Price.of("40", "EUR"),
        gross=gross,
        fees=(),
        executed_at=at,
    )


def test_a_holding_is_as_old_as_its_oldest_share_and_one_that_was_found_a_year_at_least() -> None:
    day = date(2025, 11, 3)
    later = bought_at(date(2026, 1, 5), 2)
    history = (bought_at(day, 1), later)
    assert held_since({"S00": history}, TODAY) == {"S00": day}
    sold = bought_at(date(2026, 2, 2), 3, "SELL")
    assert held_since({"S00": (*history, sold)}, TODAY) == {"S00": date(2026, 1, 5)}
    rest = bought_at(date(2026, 2, 3), 4, "SELL")
    assert held_since({"S00": (*history, sold, rest)}, TODAY) == {}

    def found(at: datetime) -> Opening:
        return Opening("S00", None, "S00", Quantity.of(5), Price.of("30", "EUR"), at)

    young, old = datetime(2026, 2, 1, tzinfo=UTC), datetime(2023, 2, 1, tzinfo=UTC)
    assert held_since({"S00": (found(young),)}, TODAY) == {"S00": date(2025, 3, 4)}
    assert held_since({"S00": (found(old), later)}, TODAY) == {"S00": date(2023, 2, 1)}


def test_the_reserve_grows_in_a_bad_market_and_never_falls_below_the_owners() -> None:
    assert known(regime=BEAR).reserve == eur(5000)
    rich = replace(DEFAULTS, min_cash_reserve=Money.of(9000, "EUR"))
    assert known(rich, regime=BEAR).reserve == eur(9000)
    off = replace(DEFAULTS, market_regime_detection=False)
    assert known(off, regime=BEAR).reserve == DEFAULTS.min_cash_reserve


def test_a_plan_buys_towards_the_optimizers_targets_and_nothing_that_is_barred() -> None:
    run = run_with({"S03": Decimal("0.15"), "S07": Decimal("0.15"), "S08": Decimal("0.10")})
    found = known(run=run)
    given = replace(plan_input(SHOT), targets=found.targets, facts=found.facts)
    assert {bought for bought, _ in _bought(given)} <= {"S03", "S07", "S08"}
    assert _bought(given)
    without = replace(given, barred=frozenset({("S03", "BUY")}))
    assert {bought for bought, _ in _bought(without)} <= {"S07", "S08"}
    assert _bought(without)


def test_an_account_that_is_all_cash_is_invested_whatever_its_securities_score() -> None:
    run = run_with({security.symbol: Decimal("0.08") for security in UNIVERSE})
    for total in (0.5, 0.9):
        found = known(run=run, scores=scored({s.symbol: total for s in UNIVERSE}))
        given = replace(plan_input(SHOT), targets=found.targets, facts=found.facts)
        assert _bought(given), total


def _bought(given: Any) -> list[tuple[str, Money]]:
    work = start(given)
    while not work.done:
        work = step(work)
    return [(s.symbol, s.value_eur) for s in finish(work).steps if s.side == "BUY"]
