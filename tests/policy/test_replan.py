"""Plans are made anew for the reasons there are, and for no other."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from ledger.money import Price, Quantity
from ledger.plan import Plan, PlanStep
from ledger.portfolio import PortfolioSnapshot
from policy.limits import DEFAULTS
from policy.planner import PlanInput
from policy.replan import Basis, basis_of, changes, moved, outdated, superseded
from tests.policy.accounts import NOON, dozen, eur, pair, plan_input, quote, rates, snapshot

UNIVERSE = dozen()
SYMBOLS = [s.symbol for s in UNIVERSE]
PRICES = dict.fromkeys(SYMBOLS, "40")


def account(**changed: str) -> PortfolioSnapshot:
    """Twelve securities; one of them is held."""
    return snapshot(UNIVERSE, prices={**PRICES, **changed}, held={"S01": "5"}, cash={"EUR": "1000"})


GIVEN = replace(plan_input(account()), portfolio_hash="same", market_hash="same")
BASIS = basis_of(GIVEN)


def step(side: str = "BUY", symbol: str = "S00", price: str = "40", units: int = 10) -> PlanStep:
    return PlanStep(
        number=1,
        kind="trade",
        side="BUY" if side == "BUY" else "SELL",
        symbol=symbol,
        name=symbol,
        security_id=1,
        quantity=Quantity.of(units),
        price=Price.of(price, "EUR"),
        value_eur=eur("400"),
        fee_eur=eur("2"),
        reason="",
        tags=(),
        score_before=50.0,
        score_after=51.0,
        cash_before_eur=eur("1000"),
        cash_after_eur=eur("598"),
    )


def plan(*steps: PlanStep) -> Plan:
    return Plan(
        plan_id="p",
        bucket_id="core",
        created_at=NOON,
        portfolio_hash="same",
        objective="end_state",
        steps=steps,
        current_score=50.0,
        end_score=51.0,
        evaluated=1,
        cash_required_eur=eur("0"),
        cash_generated_eur=eur("0"),
        narrative="",
    )


def why(given: PlanInput, *, market_open: bool = True) -> str | None:
    return outdated(plan(step()), BASIS, given, limits=DEFAULTS, market_open=market_open)


def held(given: PlanInput, *ahead: PlanStep, expired: bool = False) -> str | None:
    return superseded(ahead or (step(),), BASIS, given, limits=DEFAULTS, expired=expired)


def later(minutes: float) -> PlanInput:
    return replace(GIVEN, now=NOON + timedelta(minutes=minutes))


def test_a_situation_that_is_the_same_needs_no_new_plan() -> None:
    assert why(GIVEN) is None
    assert why(later(60)) is None
    assert changes(BASIS, GIVEN, DEFAULTS) is None


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (replace(GIVEN, portfolio_hash="other"), "holdings"),
        (replace(GIVEN, market_hash="other"), "scores"),
        (replace(GIVEN, snapshot=account(S01="40.41")), "S01 moved"),
        (replace(GIVEN, snapshot=account(S05="39.59")), "S05 moved"),
        (later(61), "old"),
    ],
)
def test_each_cause_makes_a_new_plan(given: PlanInput, reason: str) -> None:
    found = why(given)
    assert found is not None
    assert reason in found


def test_of_many_prices_that_moved_only_the_number_is_told() -> None:
    few = account(**dict.fromkeys(SYMBOLS[:5], "48"))
    assert why(replace(GIVEN, snapshot=few)) == f"{', '.join(SYMBOLS[:5])} moved"
    many = account(**dict.fromkeys(SYMBOLS[:6], "48"))
    assert why(replace(GIVEN, snapshot=many)) == "6 prices moved"


def test_a_plan_grows_old_in_open_markets_only() -> None:
    assert why(later(600), market_open=False) is None


def test_small_moves_and_missing_quotes_are_no_reason() -> None:
    assert why(replace(GIVEN, snapshot=account(S01="40.40", S05="39.60"))) is None
    quotes = {s: q for s, q in GIVEN.snapshot.quotes.items() if s != "S01"}
    assert why(replace(GIVEN, snapshot=replace(GIVEN.snapshot, quotes=quotes))) is None


def test_only_what_is_held_or_may_be_bought_is_watched() -> None:
    def told(*, buy: bool, held_too: bool) -> tuple[str, ...]:
        universe = (replace(UNIVERSE[0], allow_buy=buy), *UNIVERSE[1:])
        then, now = (
            snapshot(
                universe,
                prices={**PRICES, "S00": price},
                held={"S00": "1"} if held_too else {},
                cash={"EUR": "1"},
            )
            for price in ("40", "44")
        )
        return moved(then, now, DEFAULTS)

    assert told(buy=True, held_too=False) == ("S00",)
    assert told(buy=False, held_too=True) == ("S00",)
    assert told(buy=False, held_too=False) == ()


def test_currencies_count_when_something_in_them_does() -> None:
    dollars = dozen("USD")

    def seen(universe: str, rate: str, price: str) -> PortfolioSnapshot:
        shares = dollars if universe == "USD" else UNIVERSE
        shot = snapshot(shares, prices=PRICES, cash={"EUR": "1"})
        quotes = {**shot.quotes, "EUR/USD": quote("EUR/USD", price, "USD")}
        return replace(shot, pairs=(pair("EUR/USD"),), rates=rates({"USD": rate}), quotes=quotes)

    then, now = (seen("USD", *at) for at in (("1.10", "1.10"), ("1.12", "1.12")))
    assert moved(then, now, DEFAULTS) == ("EUR/USD", "USD")
    then, now = (seen("EUR", *at) for at in (("1.10", "1.10"), ("1.12", "1.12")))
    assert moved(then, now, DEFAULTS) == ()


# While it waits for its owner


@pytest.mark.parametrize(
    "given",
    [
        replace(GIVEN, market_hash="other"),
        replace(GIVEN, snapshot=account(S01="60")),
        later(600),
        replace(GIVEN, barred=frozenset({("S00", "SELL"), ("S01", "BUY")})),
    ],
)
def test_a_plan_that_waits_is_not_taken_from_under_his_hands(given: PlanInput) -> None:
    assert held(given) is None


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (replace(GIVEN, portfolio_hash="other"), "holdings"),
        (replace(GIVEN, snapshot=account(S00="40.41")), "price of S00"),
        (replace(GIVEN, barred=frozenset({("S00", "BUY")})), "has to wait"),
        (replace(GIVEN, pots=(eur("600"),)), "cash no longer covers"),
        (replace(GIVEN, reserved=(eur("600"),)), "cash no longer covers"),
    ],
)
def test_it_goes_when_its_next_step_could_not_leave(given: PlanInput, reason: str) -> None:
    found = held(given)
    assert found is not None
    assert reason in found


def test_it_goes_at_latest_with_the_session_it_was_made_for() -> None:
    assert held(GIVEN, expired=True) is not None


def test_a_sale_needs_no_cash_and_a_conversion_that_of_its_own_currency() -> None:
    assert held(GIVEN, step("SELL", "S01", units=5)) is None
    exchange = replace(
        step(), kind="fx", side="SELL", symbol="EUR/USD", price=Price.of("1.10", "USD")
    )
    assert held(GIVEN, exchange) is None
    too_much = replace(exchange, quantity=Quantity.of(999))
    assert held(GIVEN, too_much) is not None


def test_what_a_conversion_of_the_plan_moved_is_no_reason() -> None:
    after = replace(GIVEN, portfolio_hash="after", snapshot=account())
    basis = Basis("after", "same", GIVEN.snapshot)
    made = plan(step())
    assert outdated(made, basis, after, limits=DEFAULTS, market_open=True) is None
