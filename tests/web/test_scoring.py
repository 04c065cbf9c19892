"""/api/scoring/score: strict about what it takes, plain about what is not known."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import trio

from ledger.errors import ActorUnavailable
from ledger.score import Score
from tests.web.world import BEARER, World, full_world
from wire.mailbox import serving
from wire.scoring_asks import ScoreSeries

PATH = "/api/scoring/score"
SCORE = Score(
    security_id=0,
    symbol="XYZ",
    total=0.612345,
    coverage=0.92,
    groups={"long_term": 0.71234, "diversification": None},
    parts={"long_term": {"cagr": 0.98765, "sharpe": None}, "diversification": {"country": None}},
    metrics={"VOLATILITY_ANNUAL": 0.212345},
    history_years=4.0,
    last_bar=None,
)
PRICES = [100.0, 101.5, 99]


@dataclass
class Analyst:
    """Answers everything with one score and keeps what it was asked."""

    world: World
    reply: object = SCORE
    asked: list[Any] = field(default_factory=list[Any])

    async def run(self) -> None:
        while True:
            ask = await self.world.asks.analyst.receive()
            self.asked.append(ask.request)
            async with serving(ask):
                if isinstance(self.reply, Exception):
                    raise self.reply
                ask.slot.answer(self.reply)


@asynccontextmanager
async def analyst(reply: object = SCORE) -> AsyncGenerator[Analyst]:
    found = Analyst(full_world(), reply)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(found.run)
        yield found
        nursery.cancel_scope.cancel()


async def send(one: Analyst, body: Any, path: str = PATH) -> tuple[int, Any]:
    answer = await one.world.app().test_client().post(path, json=body, headers=BEARER)
    return answer.status_code, await answer.get_json()


def given(**changes: Any) -> dict[str, Any]:
    return {"symbol": "XYZ", "daily_prices": PRICES, **changes}


async def test_the_answer_has_scores_with_what_is_known_of_them() -> None:
    async with analyst() as one:
        status, found = await send(one, given())
    assert status == 200
    assert found == {
        "score": {
            "symbol": "XYZ",
            "total_score": 0.6123,
            "coverage": 0.92,
            "reason": None,
            "volatility": 0.2123,
            "calculated_at": "2026-03-02T14:30:00Z",
            "group_scores": {"long_term": 0.712, "diversification": None},
            "sub_scores": {
                "long_term": {"cagr": 0.988, "sharpe": None},
                "diversification": {"country": None},
            },
        }
    }
    assert one.asked == [ScoreSeries(symbol="XYZ", daily=(100.0, 101.5, 99.0))]


async def test_everything_that_is_sent_is_asked() -> None:
    body = given(
        symbol=" XYZ ",
        monthly_prices=[
            {"year_month": "2024-02", "avg_adj_close": 90},
            {"year_month": "2024-12", "avg_adj_close": 95.5},
        ],
        market_avg_pe=18,
        target_annual_return=0.09,
        pe_ratio=-3.5,
        forward_pe=None,
        upside_pct=0.12,
        max_drawdown=-0.3,
        debt_to_equity=0,
    )
    async with analyst() as one:
        status, _ = await send(one, body, PATH + "/")
    assert status == 200
    assert one.asked == [
        ScoreSeries(
            symbol="XYZ",
            daily=(100.0, 101.5, 99.0),
            monthly=((date(2024, 2, 29), 90.0), (date(2024, 12, 31), 95.5)),
            figures={
                "PE_RATIO": -3.5,
                "PRICE_TARGET_UPSIDE": 0.12,
                "MAX_DRAWDOWN": -0.3,
                "DEBT_TO_EQUITY": 0.0,
            },
            target_annual_return=Decimal("0.09"),
            market_avg_pe=Decimal("18.0"),
        )
    ]


async def test_a_zero_target_or_ratio_is_the_setting() -> None:
    async with analyst() as one:
        await send(one, given(market_avg_pe=0, target_annual_return=0))
    assert one.asked == [ScoreSeries(symbol="XYZ", daily=(100.0, 101.5, 99.0))]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"symbol": ""}, "symbol"),
        ({"symbol": "   "}, "symbol"),
        ({"symbol": 7}, "symbol"),
        ({"daily_prices": []}, "daily_prices"),
        ({"daily_prices": [1.0, 0.0]}, "daily_prices["),
        ({"daily_prices": [1.0, -4]}, "daily_prices["),
        ({"daily_prices": [1.0, "2"]}, "daily_prices["),
        ({"daily_prices": [1e300]}, "daily_prices["),
        ({"daily_prices": [1.0] * 10_001}, "daily_prices"),
        ({"monthly_prices": [{"year_month": "2024-13", "avg_adj_close": 1}]}, "monthly_prices"),
        ({"monthly_prices": [{"year_month": "2024-01"}]}, "monthly_prices"),
        ({"upside_pct": 20}, "upside_pct"),
        ({"payout_ratio": 45}, "payout_ratio"),
        ({"debt_to_equity": 150}, "debt_to_equity"),
        ({"dividend_yield": -0.01}, "dividend_yield"),
        ({"analyst_recommendation": 1.5}, "analyst_recommendation"),
        ({"target_annual_return": 11}, "target_annual_return"),
        ({"price": 4}, "price"),
    ],
)
async def test_a_field_that_is_wrong_is_named(changes: dict[str, Any], field: str) -> None:
    async with analyst() as one:
        status, found = await send(one, given(**changes))
    assert status == 422
    assert found["code"] == "invalid"
    assert found["errors"][0]["field"].startswith(field)
    assert one.asked == []


async def test_months_out_of_order_are_refused() -> None:
    rows = [{"year_month": month, "avg_adj_close": 1} for month in ("2024-02", "2024-02")]
    async with analyst() as one:
        status, found = await send(one, given(monthly_prices=rows))
    assert status == 422
    assert "later than 2024-02" in found["detail"]


@pytest.mark.parametrize("name", ["symbol", "daily_prices"])
async def test_what_is_required_is_required(name: str) -> None:
    body = given()
    del body[name]
    async with analyst() as one:
        status, found = await send(one, body)
    assert status == 422
    assert found["errors"][0]["field"] == name


async def test_forty_years_of_prices_fit_and_only_here() -> None:
    prices = [100.123456789 + n / 7 for n in range(10_000)]
    async with analyst() as one:
        status, _ = await send(one, given(daily_prices=prices))
        other, _ = await send(one, {"text": "x" * 100_000}, "/api/system/halt")
        too_long, _ = await send(one, given(symbol="x" * 600_000))
    assert status == 200
    assert len(one.asked[0].daily) == 10_000
    assert other == 413
    assert too_long == 413


async def test_without_an_analyst_the_calculator_is_away() -> None:
    async with analyst(ActorUnavailable("the analyst does not answer")) as one:
        status, found = await send(one, given())
    assert (status, found["code"]) == (503, "actor_unavailable")


async def test_a_score_without_a_total_says_why() -> None:
    nothing = Score(
        security_id=0, symbol="XYZ", total=None, coverage=0.0, groups={}, parts={}, metrics={},
        history_years=0.0, last_bar=None, reason="nothing about it is known",
    )  # fmt: skip
    async with analyst(nothing) as one:
        status, found = await send(one, given())
    assert status == 200
    assert found["score"]["total_score"] is None
    assert found["score"]["reason"] == "nothing about it is known"
