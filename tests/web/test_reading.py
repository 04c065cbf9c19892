"""What the reading routes answer, with boards and before anything was published."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from ledger.allocation import AllocationBook, Groups
from ledger.money import Money, Price
from ledger.order import OrderState
from store.views import TradeQuery
from tests.web.world import (
    NOW,
    FakeDay,
    World,
    display,
    empty_world,
    eur,
    full_world,
    intent,
    owner_latch,
    plan,
    planner_status,
    portfolio,
    trade,
    trading,
)
from web.encode import fraction, price
from wire.messages import TradingState

READING = (
    "/health",
    "/health/ready",
    "/version",
    "/openapi.json",
    "/api/system/status",
    "/api/system/jobs",
    "/api/system/runs",
    "/api/system/markets",
    "/api/portfolio",
    "/api/portfolio/summary",
    "/api/portfolio/history",
    "/api/trades",
    "/api/trades/orders",
    "/api/trades/recommendations",
    "/api/planner/status",
    "/api/settings/trading-mode",
    "/api/display/state",
)


async def read(world: World, path: str, status: int = 200) -> Any:
    response = await world.app().test_client().get(path)
    data = await response.get_data()
    assert response.status_code == status, data
    return json.loads(data, parse_float=Decimal)


@pytest.mark.parametrize("path", READING)
async def test_each_route_answers_json_with_and_without_a_slash(path: str) -> None:
    client = full_world().app().test_client()
    for spelling in (path, path + "/"):
        response = await client.get(spelling)
        assert response.status_code == 200
        assert response.content_type == "application/json"
        assert json.loads(await response.get_data())


@pytest.mark.parametrize("path", ["/api/portfolio", "/api/trades", "/api/trades/orders"])
async def test_every_row_says_that_it_is_paper(path: str) -> None:
    rows = await read(full_world(), path)
    assert rows
    assert all(row["paper"] is True and row["broker"] == "paper" for row in rows)


@pytest.mark.parametrize(
    "path",
    [
        "/api/system/status",
        "/api/portfolio/summary",
        "/api/trades/recommendations",
        "/api/settings/trading-mode",
        "/health/ready",
    ],
)
async def test_every_answer_about_money_names_the_broker(path: str) -> None:
    world = full_world()
    world.boards.trading.publish(TradingState("research", "tradernet", ()))
    answer = await read(world, path)
    assert (answer["broker"], answer["paper"]) == ("tradernet", False)


async def test_positions_come_most_valuable_first_with_their_rate() -> None:
    rows = await read(full_world(), "/api/portfolio")
    values = [row["market_value_eur"] for row in rows]
    assert values == sorted(values, reverse=True)
    tencent = next(row for row in rows if row["symbol"] == "700.HK")
    assert tencent["market_value"] == Decimal("31040.00")
    assert tencent["currency_rate"] == Decimal("0.117911")
    assert tencent["market_value_eur"] == Decimal("3659.95")


async def test_synthetic_instruments_are_marked() -> None:
    rows = await read(full_world(), "/api/portfolio")
    assert {row["symbol"] for row in rows if row["synthetic"]} == {"DEMO1.XX", "DEMO2.XX"}


async def test_an_unknown_value_stays_null_and_sorts_last() -> None:
    world = full_world()
    known = portfolio()
    lost = replace(known.positions[0], price=None, value=None, value_eur=None, profit_eur=None)
    world.boards.portfolio.publish(
        replace(
            known, positions=(lost, *known.positions[1:]), total_eur=None, unvalued=("AAPL.US",)
        )
    )
    rows = await read(world, "/api/portfolio")
    assert rows[-1]["market_value_eur"] is None
    assert all(row["weight"] is None for row in rows)
    summary = await read(world, "/api/portfolio/summary")
    assert summary["total_value"] is None
    assert summary["profit_eur"] is None
    assert summary["allocations"] == {}


async def test_a_currency_without_a_rate_has_none_rather_than_one() -> None:
    world = full_world()
    known = portfolio()
    world.boards.portfolio.publish(replace(known, rates=replace(known.rates, per_eur={})))
    rows = await read(world, "/api/portfolio")
    rates = {row["currency"]: row["currency_rate"] for row in rows}
    assert rates == {"EUR": 1, "USD": None, "CHF": None, "HKD": None}


async def test_allocations_are_those_of_the_owners_groups_of_countries() -> None:
    world = full_world()
    by_country = (await read(world, "/api/portfolio/summary"))["allocations"]
    groups = Groups({"Iberia": ("es", "PT"), "Far": ("Japan",)})
    world.boards.allocation.publish(AllocationBook(country=groups))
    shown = (await read(world, "/api/portfolio/summary"))["allocations"]
    assert set(shown) == {"Iberia", "Far", "OTHER"}
    assert (shown["Iberia"], shown["Far"]) == (by_country["ES"], 0)
    assert abs(sum(shown.values()) - sum(by_country.values())) < Decimal("0.001")


async def test_allocations_are_fractions_of_the_total() -> None:
    summary = await read(full_world(), "/api/portfolio/summary")
    shares = sum(summary["allocations"].values())
    cash = summary["cash_balance"] / summary["total_value"]
    assert abs(shares + cash - 1) < Decimal("0.001")


def test_money_is_written_with_the_decimals_of_its_currency() -> None:
    assert str(Money.of("1200", "JPY").amount) == "1200"
    assert str(Money.of("1.5", "EUR").amount) == "1.50"


def test_prices_keep_their_decimals_and_have_at_least_those_of_the_currency() -> None:
    assert str(price(Price.of("92.5", "EUR"))) == "92.50"
    assert str(price(Price.of("0.0105", "HKD"))) == "0.0105"
    assert str(price(Price.of("1200", "JPY"))) == "1200"
    assert price(None) is None


def test_a_share_of_an_unknown_or_empty_total_is_unknown() -> None:
    assert fraction(eur("1"), None) is None
    assert fraction(eur("1"), eur("0")) is None
    assert fraction(eur("1"), eur("3")) == Decimal("0.3333")


async def test_history_is_a_window_of_days_newest_first() -> None:
    """The newest day there is was yesterday."""
    rows = await read(full_world(), "/api/portfolio/history?days=4")
    assert [row["date"] for row in rows] == ["2026-03-01", "2026-02-28", "2026-02-27"]
    assert await read(full_world(), "/api/portfolio/history?days=1") == []
    assert await read(empty_world(), "/api/portfolio/history") == []


@pytest.mark.parametrize(("days", "bound"), [("0", 1), ("-3", 1), ("3651", 3650), ("x", None)])
async def test_a_window_of_history_has_bounds(days: str, bound: int | None) -> None:
    error = await read(full_world(), f"/api/portfolio/history?days={days}", 422)
    assert (error["errors"][0]["field"], error["errors"][0].get("bound")) == ("days", bound)


async def test_a_day_of_history_earned_what_no_flow_explains() -> None:
    world = full_world()
    totals = (("1000", "0"), ("1510", "500"), ("1359", None), ("1400", "0"), (None, "0"))
    world.views.days = tuple(
        FakeDay(
            NOW.date() - timedelta(days=5 - number),
            None if total is None else eur(total),
            eur("5"),
            invested=eur("90"),
            profit=eur("-4"),
            flow=None if flow is None else eur(flow),
            positions=2,
        )
        for number, (total, flow) in enumerate(totals)
    )
    rows = await read(world, "/api/portfolio/history?days=5")
    assert [row["daily_return"] for row in rows] == [
        None, Decimal("0.03016924"), None, Decimal("0.01"),
    ]  # fmt: skip
    assert [row["flow"] for row in rows] == [0, 0, None, 500]
    figures = {"invested_value": 90, "unrealized_pnl": -4, "position_count": 2}
    assert rows[0] | figures == rows[0]
    (first, *_) = reversed(await read(world, "/api/portfolio/history?days=9"))
    assert (first["total_value"], first["daily_return"]) == (1000, None)


@pytest.mark.parametrize("foreign", [False, True])
async def test_a_trade_tells_whether_an_order_of_ours_made_it(foreign: bool) -> None:
    world = full_world()
    world.views.trade_rows = (replace(trade(1, "NOVN.EU", "Novartis", "BUY"), foreign=foreign),)
    (row,) = await read(world, "/api/trades")
    assert row["foreign"] is foreign


async def test_trade_filters_reach_the_read_model() -> None:
    world = full_world()
    await read(world, "/api/trades?limit=7&symbol=NOVN.EU&side=BUY&before_id=12")
    assert world.views.asked == [TradeQuery(7, "NOVN.EU", "BUY", before_id=12)]
    await read(world, "/api/trades?symbol=xs1&mode=research&state=cancelled&source=paper")
    assert world.views.asked[1] == TradeQuery(
        50, "XS1", mode="research", state=OrderState.CANCELLED, source="paper"
    )


@pytest.mark.parametrize(
    ("query", "field", "bound"),
    [
        ("limit=0", "limit", 1),
        ("limit=1001", "limit", 1000),
        ("limit=many", "limit", None),
        ("side=HOLD", "side", None),
        ("before_id=0", "before_id", 1),
        ("sort=up", "sort", None),
        ("limit=1&limit=2", "limit", None),
    ],
)
async def test_a_bad_filter_is_named_with_its_bound(
    query: str, field: str, bound: int | None
) -> None:
    error = await read(full_world(), f"/api/trades?{query}", 422)
    assert error["code"] == "invalid"
    assert error["errors"][0]["field"] == field
    assert error["errors"][0].get("bound") == bound


async def test_orders_show_what_stopped_them() -> None:
    world = full_world()
    world.views.order_rows = (intent(2, "NOVN.EU", "BUY", OrderState.REFUSED),)
    (row,) = await read(world, "/api/trades/orders")
    assert row["state"] == "refused"
    assert row["blocked_by"][0]["gate"] == "G6"


async def test_recommendations_show_the_plan_and_its_next_step() -> None:
    shown = await read(full_world(), "/api/trades/recommendations")
    assert (shown["state"], shown["depth"], shown["next_step"]) == ("ready", 3, 2)
    assert shown["total_score_improvement"] == Decimal("3.0")
    assert shown["steps"][1]["estimated_value"] == Decimal("923.50")
    assert shown["portfolio_hash"] == "9f2c4b7a"


async def test_a_plan_for_another_portfolio_is_stale() -> None:
    world = full_world()
    world.boards.planner.publish(replace(planner_status(), portfolio_hash="another"))
    assert (await read(world, "/api/trades/recommendations"))["state"] == "stale"
    world.boards.planner.publish(planner_status(state="evaluating", evaluated=3))
    assert (await read(world, "/api/trades/recommendations"))["state"] == "planning"


async def test_a_plan_without_steps_says_hold() -> None:
    world = full_world()
    world.boards.plan.publish(replace(plan(), steps=()))
    shown = await read(world, "/api/trades/recommendations")
    assert (shown["depth"], shown["steps"], shown["total_score_improvement"]) == (0, [], 0)


async def test_without_a_plan_there_is_nothing_to_do() -> None:
    shown = await read(empty_world(), "/api/trades/recommendations")
    assert (shown["state"], shown["depth"], shown["plan_id"]) == ("none", 0, None)


async def test_planner_progress_never_exceeds_its_total() -> None:
    world = full_world()
    world.boards.planner.publish(planner_status(evaluated=99_999))
    shown = await read(world, "/api/planner/status")
    assert (shown["progress_percentage"], shown["is_finished"]) == (100, True)
    assert not (await read(empty_world(), "/api/planner/status"))["is_finished"]


async def test_display_state_carries_every_pixel() -> None:
    world = full_world()
    shown = await read(world, "/api/display/state")
    assert bytes.fromhex(shown["pixels"]) == display().pixels
    assert len(shown["pixels"]) == 2 * 3 * shown["rows"] * shown["columns"]
    assert shown["led3"] == {"r": 0, "g": 200, "b": 80}


@pytest.mark.parametrize(
    "path",
    [
        "/api/portfolio",
        "/api/portfolio/summary",
        "/api/settings/trading-mode",
        "/api/display/state",
        "/api/system/markets",
    ],
)
async def test_before_the_first_publication_it_says_starting(path: str) -> None:
    error = await read(empty_world(), path, 503)
    assert error["code"] == "starting"


async def test_a_market_is_told_with_its_session_its_bells_and_the_brokers_word() -> None:
    shown = await read(full_world(), "/api/system/markets")
    assert (shown["open_count"], shown["closed_count"]) == (1, 2)
    assert shown["open_markets"] == ["XETRA"]
    assert shown["last_updated"].endswith("Z")
    xetra, _, hongkong = shown["markets"]
    assert (xetra["lunch"], xetra["broker_status"], xetra["has_securities"]) == (None, None, False)
    assert hongkong == {
        "exchange": "XHKG",
        "code": "XHKG",
        "name": "HKSE",
        "session": "lunch",
        "state": "lunch",
        "is_open": False,
        "opens_at": hongkong["lunch"]["starts_at"],
        "closes_at": hongkong["next_close"],
        "next_open": hongkong["lunch"]["ends_at"],
        "next_close": hongkong["lunch"]["ends_at"],
        "lunch": hongkong["lunch"],
        "timezone": "Asia/Hong_Kong",
        "strict": True,
        "early_close": True,
        "has_securities": True,
        "broker_status": "closed",
    }


async def test_status_speaks_before_anything_is_known() -> None:
    shown = await read(empty_world(), "/api/system/status")
    assert shown["status"] == "starting"
    assert shown["paper"] is True
    assert shown["total_value"] is None


async def test_status_names_what_is_wrong_in_order_of_weight() -> None:
    world = full_world()
    assert (await read(world, "/api/system/status"))["status"] == "ok"
    world.boards.portfolio.publish(replace(portfolio(), stale="broker: no answer"))
    assert (await read(world, "/api/system/status"))["status"] == "degraded"
    world.boards.trading.publish(trading(owner_latch()))
    shown = await read(world, "/api/system/status")
    assert (shown["status"], shown["halted"]) == ("halted", True)
    assert shown["halted_reason"] == "owner: checking a statement"


async def test_an_unchanged_board_is_encoded_once_and_answered_304() -> None:
    world = full_world()
    client = world.app().test_client()
    first = await client.get("/api/portfolio")
    tag = first.headers["ETag"]
    again = await client.get("/api/portfolio", headers={"If-None-Match": tag})
    assert (again.status_code, await again.get_data()) == (304, b"")
    world.boards.portfolio.publish(portfolio(extra="10"))
    changed = await client.get("/api/portfolio", headers={"If-None-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["ETag"] != tag


async def test_a_change_of_broker_state_is_not_hidden_by_the_cache() -> None:
    world = full_world()
    client = world.app().test_client()
    assert (await (await client.get("/api/portfolio/summary")).get_json())["paper"] is True
    world.boards.trading.publish(TradingState("research", "tradernet", ()))
    assert (await (await client.get("/api/portfolio/summary")).get_json())["paper"] is False


async def test_reading_everything_asks_no_actor_and_emits_no_event() -> None:
    world = full_world()
    versions = [board.version for board in (world.boards.portfolio, world.boards.trading)]
    client = world.app().test_client()
    for path in (*READING, "/metrics", "/"):
        assert (await client.get(path)).status_code == 200
    assert world.events.last_seq == 0
    assert versions == [board.version for board in (world.boards.portfolio, world.boards.trading)]


async def test_head_answers_like_get() -> None:
    response = await full_world().app().test_client().head("/api/portfolio")
    assert response.status_code == 200
