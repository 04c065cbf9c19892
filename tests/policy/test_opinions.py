"""What is thought of the holdings comes from scores, lots and trades; nothing is guessed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from ledger.allocation import AllocationBook, Groups
from ledger.money import Money, Quantity
from ledger.opinion import Opinions
from ledger.portfolio import PortfolioSnapshot
from ledger.score import Score, Scores
from ledger.trade_history import NO_TRADES, TradeHistory
from policy.limits import DEFAULTS, Limits
from policy.opinions import opinions
from policy.scoring.portfolio_view import context_of
from tests.policy import accounts
from tests.policy.accounts import NOON, TODAY
from tests.policy.scoring.histories import figures

AGO = TODAY - timedelta(days=730)


def shot(**changes: Any) -> PortfolioSnapshot:
    """Half of it in AAA at a gain of 25 %, two tenths in USD at a loss, the rest in cash."""
    given: dict[str, Any] = {
        "prices": {"AAA.EU": "50.00", "BBB.US": "22.00"},
        "held": {"AAA.EU": "100", "BBB.US": "100"},
        "costs": {"AAA.EU": "40.00", "BBB.US": "25.00"},
        "cash": {"EUR": "3000"},
    }
    universe = (
        accounts.security("AAA.EU", number=1, country="Germany", industry="Software, Banks"),
        accounts.security("BBB.US", number=2, country="Canada", currency="USD"),
    )
    return accounts.snapshot(universe, **{**given, **changes})


def scored(number: int, symbol: str, **metrics: float | None) -> Score:
    return Score(
        security_id=number,
        symbol=symbol,
        total=0.6,
        coverage=0.9,
        groups={"long_term": 0.8, "fundamentals": 0.6},
        parts={},
        metrics=figures(**metrics),
        history_years=9.0,
        last_bar=TODAY,
    )


SCORES = Scores(TODAY, {1: scored(1, "AAA.EU"), 2: scored(2, "BBB.US")})


def thought(
    portfolio: PortfolioSnapshot | None = None,
    *,
    scores: Scores = SCORES,
    trades: TradeHistory = NO_TRADES,
    oldest: Mapping[str, date] | None = None,
    limits: Limits = DEFAULTS,
) -> Opinions:
    seen = portfolio or shot()
    bought = {"AAA.EU": AGO, "BBB.US": AGO} if oldest is None else oldest
    book = AllocationBook(country=Groups(members={"Core": ("germany",)}))
    context = context_of(
        seen,
        book,
        {"country": {"Core": Decimal("0.5")}, "industry": {"Software": Decimal("0.4")}},
        oldest_buys=bought,
        today=TODAY,
    )
    return opinions(
        seen, scores, context,
        oldest_buys=bought, trades=trades, limits=limits, today=TODAY,
    )  # fmt: skip


def test_every_holding_has_a_sell_opinion_by_its_lots_weights_and_value_in_eur() -> None:
    found = thought().sells
    assert found.keys() == {1, 2}
    one, other = found[1], found[2]
    assert (one.symbol, one.profit, one.days_held) == ("AAA.EU", 0.25, 730)
    assert (one.eligible, one.coverage) == (True, 1.0)
    assert one.value_eur == Money.half_even(50 * one.quantity.units, "EUR")
    assert other.value_eur == Money.half_even(20 * other.quantity.units, "EUR")
    # Half of the value in the country, 45 and 25 % in the two industries, half in the position.
    assert one.components["portfolio_balance"] == pytest.approx(
        0.5 * 1 + 0.3 * (1 + 0.25 / 0.30) / 2 + 0.2 * 1
    )


def test_the_last_purchase_and_the_last_sale_make_it_wait() -> None:
    def at(days: int) -> Mapping[str, datetime]:
        return {"AAA.EU": NOON - timedelta(days=days)}

    held = thought(trades=TradeHistory(at(89), {}, ()))
    rests = thought(trades=TradeHistory(at(400), at(179), ()))
    free = thought(trades=TradeHistory(at(90), at(180), ()))
    assert "held for 90 days" in str(held.sells[1].block_reason)
    assert "rests for 180 days" in str(rests.sells[1].block_reason)
    assert held.sells[2].eligible
    assert free.sells[1].eligible


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"allow_sell": False}, "its owner does not let it be sold"),
        ({"confirmed": False}, "it waits for the owner's confirmation"),
        ({"active": False}, "it was taken out"),
        ({"listed": False}, "the broker does not list it any more"),
    ],
)
def test_what_may_not_be_sold_says_why(changes: dict[str, bool], reason: str) -> None:
    seen = shot()
    first = seen.positions[0]
    barred = replace(first, security=replace(first.security, **changes))
    found = thought(replace(seen, positions=(barred, *seen.positions[1:]))).sells[1]
    assert (found.block_reason, found.quantity) == (reason, Quantity(0))


def test_a_windfall_is_told_where_gain_and_time_are_known() -> None:
    found = thought(oldest={"AAA.EU": AGO}).windfalls
    assert found.keys() == {1}
    assert (found[1].gain, found[1].years_held) == (0.25, 2.0)
    assert found[1].expected == pytest.approx(0.21)
    assert found[1].reason == "its gain is 25.0%, and 21.0% is usual in that time"
    unscored = thought(scores=Scores(TODAY, {})).windfalls[1]
    assert unscored.assumed_growth
    assert unscored.reason.endswith("if it grows as most do")


def test_what_was_never_scored_is_judged_by_what_is_known_of_it() -> None:
    bare = replace(scored(1, "AAA.EU"), total=None, metrics={}, reason="there are no bars of it")
    found = thought(scores=Scores(TODAY, {1: bare})).sells
    assert found[1].components["drawdown"] is None
    assert found[1].coverage == found[2].coverage < 1
    assert found[1].components["time_held"] is not None


def test_the_health_is_that_of_weights_yields_and_qualities() -> None:
    health = thought().health
    assert health is not None
    # The one targeted group is where it is wanted.
    assert health.diversification == 100.0
    assert health.dividend == pytest.approx(30 + 1000 * 0.7 * 0.025)
    assert health.quality == pytest.approx(100 * 0.7 * 0.7)
    assert health.total == pytest.approx(0.4 * 100 + 0.3 * 47.5 + 0.3 * 49, abs=0.051)


def test_the_end_state_weighs_every_position_with_cash_in_the_whole() -> None:
    state = thought().end_state
    assert state is not None
    # Countries are on their target, Software is at 45 % where 40 % are wanted.
    spread = (0.4 * 1 + 0.3 * (1 - 0.05 / 0.3)) / 0.7
    assert state.components["diversification"].score == pytest.approx(spread)
    assert state.score == pytest.approx(sum(c.contribution for c in state.components.values()))
    assert state.coverage == pytest.approx(1.0)
    assert thought(scores=Scores(TODAY, {})).end_state != state


def test_an_empty_portfolio_is_neutral_and_says_why() -> None:
    found = thought(shot(held={}, costs={}))
    assert (found.sells, found.windfalls) == ({}, {})
    assert found.health is not None
    assert found.health.reasons == {"total": "nothing is held"}
    assert found.end_state is not None
    assert found.end_state.reason == "nothing is held"


def test_while_the_total_is_not_known_nothing_has_an_opinion() -> None:
    unpriced = shot(prices={"AAA.EU": "50.00"})
    assert unpriced.total_eur is None
    assert thought(unpriced) == Opinions(TODAY, {}, {}, None, None)
