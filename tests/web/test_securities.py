"""The universe over HTTP: what is shown, what is asked of whom, and what never reaches anybody."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
import trio

from ledger.errors import Busy, Conflict, Missing, Refused, Unavailable
from ledger.money import Quantity
from ledger.portfolio import PortfolioSnapshot
from ledger.quote import Quote
from ledger.run import RunStatus
from ledger.score import Score, Scores
from ledger.security import Listing, Security, SecurityPatch
from tests.web.world import BEARER, NOW, World, empty_world, full_world, portfolio, run
from wire.mailbox import AskBox, serving
from wire.messages import BrokerLink, RunJob
from wire.security_asks import (
    AddSecurity,
    DeleteSecurity,
    FoundSecurity,
    SearchSecurities,
    UpdateSecurity,
)

ISIN = "US0378331005"


def scores(**changes: Any) -> Scores:
    values: dict[str, Any] = {
        "security_id": 1,
        "symbol": "AAPL.US",
        "total": 0.71234,
        "coverage": 0.85,
        "groups": {
            "long_term": 0.8,
            "fundamentals": 0.6,
            "opportunity": 0.4,
            "technicals": 0.3,
            "opinion": None,
            "diversification": 0.9,
        },
        "parts": {"long_term": {"cagr": 0.77}, "fundamentals": {"consistency": 0.66}},
        "metrics": {"VOLATILITY_ANNUAL": 0.21},
        "history_years": 9.5,
        "last_bar": NOW.date() - timedelta(days=1),
    }
    return Scores(NOW.date(), {1: Score(**{**values, **changes})})


def world(**changes: Any) -> World:
    """Apple has a valid ISIN, a score and whatever `changes` says of it."""
    made = full_world()
    shot = portfolio()
    first = shot.positions[0].security
    apple = replace(first, instrument=replace(first.instrument, isin=ISIN), **changes)
    made.boards.portfolio.publish(with_first(shot, apple))
    made.boards.scores.publish(scores())
    made.boards.listings.publish({1: Listing("ok", NOW.date())})
    return made


def with_first(shot: PortfolioSnapshot, apple: Security) -> PortfolioSnapshot:
    return replace(
        shot,
        universe=(apple, *shot.universe[1:]),
        positions=(replace(shot.positions[0], security=apple), *shot.positions[1:]),
    )


def apple_of(made: World) -> Security:
    shot = made.boards.portfolio.value
    assert shot is not None
    return shot.universe[0]


async def call(
    made: World, method: str, path: str, body: Any = None, *answers: object, box: str = "sync"
) -> tuple[int, Any, list[object]]:
    asked: list[object] = []

    async def actor(asks: AskBox) -> None:
        for value in answers:
            ask = await asks.receive()
            asked.append(ask.request)
            async with serving(ask):
                if isinstance(value, Exception):
                    raise value
                ask.slot.answer(value)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(actor, getattr(made.asks, box))
        kwargs = {} if body is None else {"json": body}
        client = made.app().test_client()
        response = await client.open(path, method=method, headers=BEARER, **kwargs)
        nursery.cancel_scope.cancel()
    return response.status_code, json.loads(await response.get_data()), asked


async def get(made: World, path: str) -> tuple[int, Any]:
    status, answer, _ = await call(made, "GET", path)
    return status, answer


async def test_the_list_shows_terms_scores_and_what_is_held() -> None:
    _, rows = await get(world(priority=Decimal("1.5"), quote_symbol="AAPL"), "/api/securities")
    row = next(one for one in rows if one["symbol"] == "AAPL.US")
    assert (row["isin"], row["currency"], row["product_type"]) == (ISIN, "USD", "EQUITY")
    assert (row["total_score"], row["priority_score"]) == (0.7123, 1.069)
    assert (row["quality_score"], row["opportunity_score"]) == (0.7, 0.4)
    assert (row["analyst_score"], row["allocation_fit_score"]) == (None, 0.9)
    assert (row["technical_score"], row["fundamental_score"]) == (0.3, 0.6)
    assert (row["cagr_score"], row["consistency_score"]) == (0.77, 0.66)
    assert (row["coverage"], row["volatility"], row["history_years"]) == (0.85, 0.21, 9.5)
    assert (row["position_quantity"], row["avg_price"], row["current_price"]) == (12, 141.2, 189.4)
    assert row["position_value"] == 2094.75
    assert (row["state"], row["min_lot"], row["yahoo_symbol"]) == ("ok", 1, "AAPL")
    assert len(rows) == 7


async def test_list_and_detail_say_the_same_under_the_same_names() -> None:
    made = world()
    _, rows = await get(made, "/api/securities")
    _, detail = await get(made, f"/api/securities/{ISIN}")
    row = next(one for one in rows if one["isin"] == ISIN)
    assert {name: detail[name] for name in row} == row
    assert set(detail) - set(row) == {
        "position", "groups", "parts", "metrics", "sell", "windfall", "score_history",
    }  # fmt: skip
    assert detail["position"]["quantity"] == 12
    assert detail["parts"]["long_term"] == {"cagr": 0.77}


async def test_what_was_not_scored_is_null_with_the_reason_never_zero() -> None:
    _, row = await get(world(), "/api/securities/ASML.EU")
    assert row["total_score"] is None
    assert row["priority_score"] is None
    assert row["coverage"] is None
    assert row["score_reason"] == "it has not been scored yet"
    assert (row["groups"], row["parts"]) == ({}, {})


async def test_what_is_not_held_has_no_position() -> None:
    made = world()
    shot = made.boards.portfolio.value
    assert shot is not None
    made.boards.portfolio.publish(replace(shot, positions=shot.positions[1:]))
    _, row = await get(made, f"/api/securities/{ISIN}")
    assert (row["position"], row["position_quantity"], row["position_value"]) == (None, 0, None)


@pytest.mark.parametrize("name", [ISIN, "AAPL.US", "aapl.us", "WAS.US", "NOW.US"])
async def test_every_name_leads_to_the_security(name: str) -> None:
    made = world(alias="NOW.US", names=frozenset({"WAS.US", "NOW.US"}))
    status, row = await get(made, f"/api/securities/{name}")
    assert (status, row["symbol"], row["journal_symbol"]) == (200, "NOW.US", "AAPL.US")
    assert row["names"] == ["AAPL.US", "WAS.US"]
    _, held = await get(made, "/api/portfolio")
    assert "NOW.US" in {one["symbol"] for one in held}


async def test_a_wrong_isin_an_unknown_one_and_an_ambiguous_one_are_told_apart() -> None:
    made = world()
    shot = made.boards.portfolio.value
    assert shot is not None
    other = shot.universe[1]
    twin = replace(other, instrument=replace(other.instrument, isin=ISIN))
    made.boards.portfolio.publish(
        replace(shot, universe=(shot.universe[0], twin, *shot.universe[2:]))
    )
    for name, expected in (
        ("US0378331006", (400, "isin")),
        ("US5949181045", (404, "missing")),
        ("NONE.US", (404, "missing")),
        (ISIN, (409, "ambiguous")),
    ):
        status, answer = await get(made, f"/api/securities/{name}")
        assert (status, answer["code"]) == expected
    assert "ASML.EU" in answer["detail"]


@pytest.mark.parametrize(
    ("listing", "listed", "expected"),
    [
        (Listing("ok", NOW.date()), True, ("ok", "2026-03-02")),
        (Listing("no_data", None), True, ("no_data", None)),
        (Listing("stale", date(2026, 2, 20)), True, ("stale", "2026-02-20")),
        (Listing("ok", NOW.date()), False, ("delisted", "2026-03-02")),
        (None, True, (None, None)),
    ],
)
async def test_the_state_says_how_much_its_figures_are_worth(
    listing: Listing | None, listed: bool, expected: tuple[str | None, str | None]
) -> None:
    made = world(listed=listed)
    made.boards.listings.publish({} if listing is None else {1: listing})
    _, row = await get(made, f"/api/securities/{ISIN}")
    assert (row["state"], row["last_bar"]) == expected


async def test_the_newest_quote_says_when_it_was_synced() -> None:
    made = world()
    shot = made.boards.portfolio.value
    assert shot is not None
    price = shot.positions[0].price
    assert price is not None
    quote = Quote("AAPL.US", None, None, price, None, NOW, True)
    made.boards.portfolio.publish(replace(shot, quotes={"AAPL.US": quote}))
    _, row = await get(made, f"/api/securities/{ISIN}")
    assert row["last_synced"] == "2026-03-02T14:30:00Z"


async def test_the_inactive_are_shown_when_asked_for() -> None:
    made = world(active=False)
    for query, shown in (("", False), ("?inactive=true", True)):
        _, rows = await get(made, f"/api/securities{query}")
        assert (ISIN in {row["isin"] for row in rows}) is shown
    assert (await get(made, f"/api/securities/{ISIN}"))[1]["active"] is False


async def test_the_list_is_kept_until_a_board_moves() -> None:
    made = world()
    client = made.app().test_client()
    first = await client.get("/api/securities")
    again = {"If-None-Match": first.headers["ETag"]}
    assert (await client.get("/api/securities", headers=again)).status_code == 304
    made.boards.scores.publish(scores(total=0.5))
    assert (await client.get("/api/securities", headers=again)).status_code == 200


async def test_before_the_first_snapshot_there_is_nothing_to_show() -> None:
    for path in ("", f"/{ISIN}"):
        assert (await get(empty_world(), f"/api/securities{path}"))[0] == 503


async def test_a_search_shows_what_the_broker_lists() -> None:
    made = world()
    apple = apple_of(made)
    found = (FoundSecurity(apple.instrument, apple), FoundSecurity(apple.instrument, None))
    status, rows, asked = await call(made, "GET", "/api/securities/search?q=app", None, found)
    assert (status, asked) == (200, [SearchSecurities("app")])
    assert rows[0] == {
        "symbol": "AAPL.US",
        "isin": ISIN,
        "name": "Apple",
        "currency": "USD",
        "exchange": "XNYS",
        "product_type": "EQUITY",
        "in_universe": True,
    }
    assert rows[1]["in_universe"] is False


@pytest.mark.parametrize("query", ["", "?q=", f"?q={'x' * 101}", "?q=a&other=1"])
async def test_a_search_needs_a_text(query: str) -> None:
    status, _, asked = await call(world(), "GET", f"/api/securities/search{query}")
    assert (status, asked) == (422, [])


async def test_adding_asks_sync_and_shows_what_was_added() -> None:
    made = world()
    body = {"symbol": "AAPL.US", "name": "My Apple", "min_lot": 2, "yahoo_symbol": "aapl"}
    status, answer, asked = await call(made, "POST", "/api/securities", body, apple_of(made))
    patch = SecurityPatch(
        name="My Apple",
        quote_symbol="AAPL",
        lot=Quantity.of(2),
        allow_buy=True,
        allow_sell=False,
    )
    (request,) = asked
    assert isinstance(request, AddSecurity)
    assert (request.identifier, request.patch) == ("AAPL.US", patch)
    assert (status, answer["symbol"], answer["message"]) == (201, "AAPL.US", "AAPL.US was added")


async def test_what_needs_a_kind_is_added_and_said_so() -> None:
    made = world()
    apple = apple_of(made)
    unclear = replace(
        apple, active=False, instrument=replace(apple.instrument, product_type="UNKNOWN")
    )
    body = {"identifier": ISIN}
    path = "/api/securities/add-by-identifier"
    status, answer, asked = await call(made, "POST", path, body, unclear)
    assert (status, answer["needs_classification"], answer["active"]) == (201, True, False)
    (request,) = asked
    assert isinstance(request, AddSecurity)
    assert request.patch == SecurityPatch(allow_buy=True, allow_sell=True)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (Conflict("there", code="exists"), (409, "exists")),
        (Conflict("which", code="ambiguous"), (409, "ambiguous")),
        (Refused("no", code="isin"), (400, "isin")),
        (Refused("no", code="unresolvable"), (400, "unresolvable")),
        (Unavailable("away"), (503, "broker_unavailable")),
    ],
)
async def test_what_sync_answers_becomes_the_documented_problem(
    error: Exception, expected: tuple[int, str]
) -> None:
    path = "/api/securities/add-by-identifier"
    status, answer, _ = await call(world(), "POST", path, {"identifier": "A.US"}, error)
    assert (status, answer["code"]) == expected


async def test_an_update_passes_what_was_given_and_nothing_else() -> None:
    made = world()
    body = {
        "new_symbol": "new.us",
        "name": "",
        "country": None,
        "priority_multiplier": 1.25,
        "min_lot": None,
        "max_portfolio_target": 0.1,
        "min_portfolio_target": None,
        "confirmed": True,
        "product_type": "ETC",
    }
    path = f"/api/securities/{ISIN.lower()}"
    status, answer, asked = await call(made, "PUT", path, body, apple_of(made))
    (request,) = asked
    assert isinstance(request, UpdateSecurity)
    assert request.name == ISIN
    assert request.patch == SecurityPatch(
        symbol="NEW.US",
        name=None,
        country=None,
        priority=Decimal("1.25"),
        lot=None,
        max_target=Decimal("0.1"),
        min_target=None,
        confirmed=True,
        product_type="ETC",
    )
    assert (status, answer["message"]) == (200, "it was changed")


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 400, None),
        ({"unknown": 1}, 422, "unknown"),
        ({"min_lot": 0}, 422, "min_lot"),
        ({"active": None}, 422, "active"),
        ({"product_type": "FX"}, 422, "product_type"),
        ({"max_portfolio_target": 0.31}, 422, "max_portfolio_target"),
        ({"max_portfolio_target": 15}, 422, "max_portfolio_target"),
        ({"min_portfolio_target": -0.01}, 422, "min_portfolio_target"),
        ({"min_portfolio_target": "NaN"}, 422, "min_portfolio_target"),
        ({"priority_multiplier": "Infinity"}, 422, "priority_multiplier"),
    ],
)
async def test_an_update_that_cannot_be_never_reaches_sync(
    body: dict[str, Any], status: int, field: str | None
) -> None:
    found, answer, asked = await call(world(), "PUT", f"/api/securities/{ISIN}", body)
    assert (found, asked) == (status, [])
    if field is not None:
        assert answer["errors"][0]["field"] == field


async def test_taking_out_asks_sync() -> None:
    made = world()
    gone = replace(apple_of(made), active=False)
    status, answer, asked = await call(made, "DELETE", f"/api/securities/{ISIN}", None, gone)
    assert (status, answer["active"]) == (200, False)
    assert [type(request) for request in asked] == [DeleteSecurity]
    status, answer, _ = await call(made, "DELETE", "/api/securities/X.US", None, Missing("none"))
    assert status == 404


@pytest.mark.parametrize(
    ("path", "job", "only"),
    [
        ("refresh-all", "prices", None),
        (f"{ISIN}/refresh-data", "prices", 1),
        ("AAPL.US/refresh", "score", 1),
    ],
)
async def test_a_refresh_is_a_run(path: str, job: Any, only: int | None) -> None:
    made, queued = world(), run(1, job, RunStatus.QUEUED)
    url = f"/api/securities/{path}"
    status, answer, asked = await call(made, "POST", url, None, queued, box="schedule")
    assert (status, asked) == (202, [RunJob(job, "api", only)])
    assert (answer["run_id"], answer["job"]) == (queued.run_id, job)
    busy = Busy("runs", run_id="RUN")
    status, answer, _ = await call(made, "POST", url, None, busy, box="schedule")
    assert (status, answer["run_id"]) == (409, "RUN")


async def test_no_data_is_fetched_from_a_broker_that_is_away_but_scores_are_made() -> None:
    made = world()
    made.boards.link.publish(BrokerLink(False, None, "no line", 3))
    for path in ("refresh-all", f"{ISIN}/refresh-data"):
        status, _, asked = await call(made, "POST", f"/api/securities/{path}", box="schedule")
        assert (status, asked) == (503, [])
    queued = run(1, "score", RunStatus.QUEUED)
    path = f"/api/securities/{ISIN}/refresh"
    assert (await call(made, "POST", path, None, queued, box="schedule"))[0] == 202


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", ""),
        ("POST", "/refresh-all"),
        ("POST", "/add-by-identifier"),
        ("PUT", f"/{ISIN}"),
        ("DELETE", f"/{ISIN}"),
        ("POST", f"/{ISIN}/refresh"),
    ],
)
async def test_nobody_changes_the_universe_without_access(method: str, path: str) -> None:
    client = world().app().test_client()
    response = await client.open(f"/api/securities{path}", method=method, json={})
    assert response.status_code == 401
