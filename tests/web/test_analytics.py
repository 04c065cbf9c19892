"""Analytics over HTTP: what is asked of the analyst, and how its answers and gaps are shown."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
import trio

from ledger.analytics import (
    Attribution,
    Contribution,
    Correlated,
    DayReturn,
    Drawdown,
    Loading,
    Performance,
    PeriodReturn,
    PositionRisk,
    Regression,
    Review,
    RiskFigures,
    Turnover,
    UnknownDay,
)
from ledger.errors import Conflict, Missing
from ledger.regime import Regime
from tests.web.world import World, empty_world, eur, full_world
from wire.analytics_asks import (
    AssessPosition,
    AttributeReturns,
    ReviewPerformance,
    ReviewPortfolio,
)
from wire.mailbox import serving

DAY = date(2026, 3, 2)
RISK = RiskFigures(
    volatility=0.2,
    sharpe=0.9,
    max_drawdown=Drawdown(-0.1, date(2026, 1, 5), date(2026, 1, 9), None),
    days_in_drawdown=3,
    missing=(("sortino", "nothing deviates"), ("var_95", "29 closes, 61 needed")),
)
PERFORMANCE = Performance(
    available=True,
    days=365,
    first=date(2025, 3, 3),
    last=DAY,
    daily=(DayReturn(DAY, 0.0125),),
    monthly=(PeriodReturn("2026-03", 0.0125),),
    yearly=(PeriodReturn("2026", 0.0125),),
    total=0.0125,
    annual=0.05,
    risk=RISK,
    turnover=Turnover(0.6, "warning", "60.00% of the mean value was turned over in 365 days"),
    start_value=eur("1000.50"),
    end_value=eur("1013"),
    flows=eur("0"),
    unknown=(UnknownDay(date(2026, 2, 27), ("AAA", "USD")),),
)
ATTRIBUTION = Attribution(
    by="country",
    available=True,
    days=365,
    first=date(2025, 3, 3),
    last=DAY,
    total=0.0125,
    annual=0.05,
    parts=(Contribution("Germany", 0.01, 0.04, 0.8), Contribution("trading", 0.0025, 0.01)),
)
POSITION = PositionRisk(
    symbol="AAA",
    available=True,
    days=90,
    first=date(2025, 12, 3),
    last=DAY,
    total=0.02,
    observations=61,
    risk=RISK,
    beta=None,
    high_correlations=(Correlated("BBB", 0.93),),
    weight=0.1,
    left_out=("NEW",),
    missing=(("beta", "there is no series of a benchmark"),),
)


async def call(world: World, path: str, *answers: object) -> tuple[int, Any, list[object]]:
    asked: list[object] = []

    async def analyst() -> None:
        for value in answers:
            ask = await world.asks.analyst.receive()
            asked.append(ask.request)
            async with serving(ask):
                if isinstance(value, Exception):
                    raise value
                ask.slot.answer(value)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(analyst)
        response = await world.app().test_client().get(path)
        nursery.cancel_scope.cancel()
    return response.status_code, json.loads(await response.get_data()), asked


async def test_performance_is_shown_with_its_gaps() -> None:
    status, shown, asked = await call(full_world(), "/api/analytics/performance", PERFORMANCE)
    assert (status, asked) == (200, [ReviewPerformance(365)])
    assert shown["daily"] == [{"date": "2026-03-02", "return": 0.0125}]
    assert shown["monthly"] == [{"month": "2026-03", "return": 0.0125}]
    assert shown["yearly"] == [{"year": "2026", "return": 0.0125}]
    assert (shown["start_date"], shown["end_date"]) == ("2025-03-03", "2026-03-02")
    assert (shown["start_value"], shown["end_value"], shown["flows"]) == (1000.5, 1013, 0)
    assert shown["risk"]["max_drawdown"] == {
        "depth": -0.1,
        "peak_date": "2026-01-05",
        "trough_date": "2026-01-09",
        "recovery_date": None,
    }
    assert shown["risk"]["sortino_ratio"] is None
    assert shown["risk"]["missing"]["sortino_ratio"] == "nothing deviates"
    assert shown["turnover"]["alert"] == "warning"
    assert shown["turnover"]["turnover_display"] == "60.00%"
    assert shown["unknown_days"] == [{"date": "2026-02-27", "missing": ["AAA", "USD"]}]
    assert (shown["available"], shown["paper"]) == (True, True)


async def test_too_little_data_is_an_answer_with_a_reason() -> None:
    short = Performance(available=False, reason="there is nothing", days=5)
    status, shown, _ = await call(full_world(), "/api/analytics/performance?days=5", short)
    assert (status, shown["available"], shown["reason"]) == (200, False, "there is nothing")
    assert (shown["total_return"], shown["daily"], shown["turnover"]) == (None, [], None)


@pytest.mark.parametrize("days", ["0", "3651", "-1", "1.5", "many"])
@pytest.mark.parametrize(
    "path",
    [
        "/api/analytics/performance",
        "/api/analytics/attribution",
        "/api/analytics/positions/AAA/risk",
        "/api/portfolio/analytics",
    ],
)
async def test_a_range_out_of_bounds_is_refused_before_anybody_is_asked(
    path: str, days: str
) -> None:
    status, shown, asked = await call(full_world(), f"{path}?days={days}")
    assert (status, shown["errors"][0]["field"], asked) == (422, "days", [])


@pytest.mark.parametrize("by", ["country", "country_group", "industry", "industry_group"])
async def test_attribution_is_asked_by_bucket(by: str) -> None:
    path = f"/api/analytics/attribution?by={by}&days=30"
    status, shown, asked = await call(full_world(), path, ATTRIBUTION)
    assert (status, asked) == (200, [AttributeReturns(30, by)])  # type: ignore[arg-type]
    assert shown["parts"] == [
        {"name": "Germany", "contribution": 0.01, "annual_contribution": 0.04, "weight": 0.8},
        {"name": "trading", "contribution": 0.0025, "annual_contribution": 0.01, "weight": None},
    ]
    assert (shown["total_return"], shown["annual_return"], shown["regression"]) == (
        0.0125, 0.05, None,
    )  # fmt: skip


async def test_factors_come_with_their_regression() -> None:
    fitted = Regression((Loading("market", 0.7, 12.5),), 0.0001, None, 0.8, 250)
    found = replace(ATTRIBUTION, by="factor", regression=fitted)
    _, shown, asked = await call(full_world(), "/api/analytics/attribution?by=factor", found)
    assert asked == [AttributeReturns(365, "factor")]
    assert shown["regression"] == {
        "loadings": [{"name": "market", "loading": 0.7, "t_stat": 12.5}],
        "alpha": 0.0001,
        "alpha_t_stat": None,
        "r_squared": 0.8,
        "observations": 250,
    }


async def test_an_unknown_bucket_is_refused() -> None:
    status, _, asked = await call(full_world(), "/api/analytics/attribution?by=mood")
    assert (status, asked) == (422, [])


async def test_the_risk_of_a_position_says_what_is_missing() -> None:
    path = "/api/analytics/positions/DE0000000001/risk?days=90"
    status, shown, asked = await call(full_world(), path, POSITION)
    assert (status, asked) == (200, [AssessPosition("DE0000000001", 90)])
    assert (shown["symbol"], shown["observations"], shown["beta"]) == ("AAA", 61, None)
    assert shown["missing"] == {"beta": "there is no series of a benchmark"}
    assert shown["high_correlations"] == [{"symbol": "BBB", "correlation": 0.93}]
    assert shown["left_out"] == ["NEW"]


@pytest.mark.parametrize(
    ("error", "status"),
    [(Missing("there is no security 'X'"), 404), (Conflict("X", code="ambiguous"), 409)],
)
async def test_an_unknown_or_ambiguous_security_is_said_to_be(
    error: Exception, status: int
) -> None:
    got, _, _ = await call(full_world(), "/api/analytics/positions/X/risk", error)
    assert got == status


async def test_a_name_that_no_security_can_have_is_not_asked_for() -> None:
    path = f"/api/analytics/positions/{'X' * 41}/risk"
    status, _, asked = await call(full_world(), path)
    assert (status, asked) == (404, [])


async def test_the_portfolio_has_returns_risk_and_attribution_in_one() -> None:
    review = Review(
        performance=PERFORMANCE,
        by_country=ATTRIBUTION,
        by_industry=replace(ATTRIBUTION, by="industry", parts=()),
    )
    status, shown, asked = await call(full_world(), "/api/portfolio/analytics", review)
    assert (status, asked) == (200, [ReviewPortfolio(365)])
    assert shown["returns"]["annual"] == 0.05
    assert shown["risk_metrics"] == {
        "sharpe_ratio": 0.9,
        "sortino_ratio": None,
        "calmar_ratio": None,
        "volatility": 0.2,
        "max_drawdown": -0.1,
    }
    assert shown["attribution"] == {
        "country": {"Germany": 0.01, "trading": 0.0025},
        "industry": {},
    }
    assert shown["period"] == {"start_date": "2025-03-03", "end_date": "2026-03-02", "days": 365}
    assert (shown["error"], shown["available"]) == (None, True)


async def test_the_regime_is_that_of_the_board_and_unknown_before() -> None:
    world = empty_world()
    status, shown, _ = await call(world, "/api/analytics/regime")
    assert (status, shown["regime"], shown["confidence"]) == (200, "sideways", 0)
    assert shown["stale"] is True
    assert shown["reason"]
    world.boards.regime.publish(Regime("bull", 0.4, 0.07, {"SPY.US": 0.07}, DAY, False, None))
    _, shown, _ = await call(world, "/api/analytics/regime")
    assert (shown["regime"], shown["per_index"]) == ("bull", {"SPY.US": 0.07})
    assert (shown["as_of"], shown["reason"]) == ("2026-03-02", None)
