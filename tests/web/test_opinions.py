"""What is thought of the holdings over HTTP: told where it is known, and null everywhere else."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from ledger.money import Money, Quantity
from ledger.opinion import (
    EndState,
    EndStateComponent,
    Opinions,
    PortfolioHealth,
    SellOpinion,
    Windfall,
)
from ledger.score import PastScore
from tests.web.world import NOW, World, full_world

DAY = NOW.date()
SELL = SellOpinion(
    symbol="AAPL.US",
    eligible=True,
    block_reason=None,
    components={
        "underperformance": 0.123456,
        "time_held": 0.6,
        "portfolio_balance": 0.25,
        "instability": None,
        "drawdown": 0.1,
    },
    total=0.31234,
    coverage=0.86,
    sell_share=0.22494,
    quantity=Quantity.of(2),
    value_eur=Money.of("349.12", "EUR"),
    profit=0.341360,
    days_held=412,
)
GAINED = Windfall(
    gain=0.8, years_held=1.13, growth=0.1, assumed_growth=False,
    expected=0.11375, excess=0.68627, score=1.0, sell_share=0.4,
)  # fmt: skip
HEALTH = PortfolioHealth(61.2, 80.0, 55.0, 42.3, {"quality": "no quality is known"})
STATE = EndState(
    0.56789,
    {"stability": EndStateComponent(0.33333, 0.15)},
    0.75,
    "no group has a target",
)


def world(**changes: Any) -> World:
    """Apple, number 1, has opinions; nothing else has."""
    made = full_world()
    given = Opinions(DAY, {1: SELL}, {1: GAINED}, HEALTH, STATE)
    made.boards.opinions.publish(replace(given, **changes))
    return made


async def get(made: World, path: str) -> Any:
    response = await made.app().test_client().get(path)
    assert response.status_code == 200
    return json.loads(await response.get_data())


async def test_a_holding_is_told_with_what_speaks_for_selling_it() -> None:
    row = await get(world(), "/api/securities/AAPL.US")
    assert row["sell_score"] == 0.3123
    assert row["sell"] == {
        "symbol": "AAPL.US",
        "eligible": True,
        "block_reason": None,
        "underperformance": 0.1235,
        "time_held": 0.6,
        "portfolio_balance": 0.25,
        "instability": None,
        "drawdown": 0.1,
        "total_score": 0.3123,
        "coverage": 0.86,
        "suggested_sell_pct": 0.2249,
        "suggested_sell_quantity": 2,
        "suggested_sell_value": 349.12,
        "profit_pct": 0.3414,
        "days_held": 412,
        "calculated_at": "2026-03-02",
    }


async def test_a_windfall_is_told_in_fractions_with_what_to_take_out() -> None:
    row = await get(world(), "/api/securities/AAPL.US")
    assert row["windfall"] == {
        "current_gain_pct": 0.8,
        "years_held": 1.13,
        "windfall_score": 1.0,
        "excess_gain_pct": 0.6863,
        "expected_gain_pct": 0.1138,
        "historical_cagr_pct": 0.1,
        "recommendation": {
            "take_profits": True,
            "suggested_sell_pct": 0.4,
            "reason": "its gain is 80.0%, and 11.4% is usual in that time",
        },
        "calculated_at": "2026-03-02",
    }
    guessed = replace(GAINED, assumed_growth=True, sell_share=None)
    row = await get(world(windfalls={1: guessed}), "/api/securities/AAPL.US")
    assert row["windfall"]["historical_cagr_pct"] is None
    assert row["windfall"]["recommendation"]["take_profits"] is False


async def test_the_list_has_the_sell_score_of_what_is_held_and_follows_it() -> None:
    made = world()
    client = made.app().test_client()
    first = await client.get("/api/securities")
    rows = {row["symbol"]: row["sell_score"] for row in json.loads(await first.get_data())}
    assert rows.pop("AAPL.US") == 0.3123
    assert set(rows.values()) == {None}
    made.boards.opinions.publish(Opinions(DAY, {}, {}, None, None))
    again = await client.get("/api/securities", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 200


@pytest.mark.parametrize("sold", [True, False], ids=["sold since", "never scored"])
async def test_of_what_is_not_held_or_not_scored_nothing_is_thought(sold: bool) -> None:
    made = world() if sold else full_world()
    shot = made.boards.portfolio.value
    assert shot is not None
    if sold:
        made.boards.portfolio.publish(replace(shot, positions=shot.positions[1:]))
    row = await get(made, "/api/securities/AAPL.US")
    assert (row["sell"], row["windfall"], row["sell_score"]) == (None, None, None)


async def test_the_changes_of_a_score_are_told_newest_first_and_not_endlessly() -> None:
    made = world()
    past = [
        PastScore(DAY - timedelta(days=n), None if n else 0.61, 0.8, {"long_term": 0.5 + n / 1000})
        for n in range(100)
    ]
    made.views.past_scores = {1: tuple(past)}
    rows = (await get(made, "/api/securities/AAPL.US"))["score_history"]
    assert len(rows) == 90
    assert rows[0] == {
        "day": "2026-03-02",
        "total": 0.61,
        "coverage": 0.8,
        "groups": {"long_term": 0.5},
    }
    assert (rows[1]["day"], rows[1]["total"]) == (date(2026, 3, 1).isoformat(), None)
    assert (await get(made, "/api/securities/ASML.EU"))["score_history"] == []


async def test_the_summary_tells_how_the_whole_is_doing() -> None:
    row = await get(world(), "/api/portfolio/summary")
    assert row["health"] == {
        "total": 61.2,
        "diversification": 80.0,
        "dividend": 55.0,
        "quality": 42.3,
        "reasons": {"quality": "no quality is known"},
        "calculated_at": "2026-03-02",
    }
    assert row["end_state"] == {
        "score": 0.5679,
        "components": {"stability": {"score": 0.3333, "weight": 0.15, "contribution": 0.05}},
        "coverage": 0.75,
        "reason": "no group has a target",
        "calculated_at": "2026-03-02",
    }


async def test_before_the_first_scoring_and_without_a_total_the_whole_is_not_judged() -> None:
    for made in (full_world(), world(health=None, end_state=None)):
        row = await get(made, "/api/portfolio/summary")
        assert (row["health"], row["end_state"]) == (None, None)
