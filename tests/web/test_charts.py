"""Charts leave as arrays of days and closes, are cached, and say when something is missing."""

from __future__ import annotations

import json
from typing import Any

import pytest
import trio

from ledger.errors import Conflict, Missing
from tests.web.chart_answers import CHART, SPARKLINES
from tests.web.world import full_world
from wire.chart_asks import PriceChart, Sparklines, SparklineSet
from wire.mailbox import serving

POINTS = [
    {"time": "2026-02-26", "value": 11.5},
    {"time": "2026-02-27", "value": 11.123457},
    {"time": "2026-03-02", "value": 12.0},
]
CHARTS = "/api/charts/securities"


async def get(
    path: str, *answers: object, headers: dict[str, str] | None = None
) -> tuple[Any, Any, list[object]]:
    """The response, its JSON and what the analyst was asked."""
    world = full_world()
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
        response = await world.app().test_client().get(path, headers=headers)
        nursery.cancel_scope.cancel()
    data = await response.get_data()
    return response, json.loads(data) if data else None, asked


async def test_sparklines_are_keyed_by_symbol_and_carry_their_isin() -> None:
    response, shown, asked = await get("/api/charts/sparklines", SPARKLINES)
    assert (response.status_code, asked) == (200, [Sparklines(365, 120)])
    assert list(shown) == ["IBE.EU", "IBE.US", "ODD.EU"]
    assert shown["IBE.EU"] == {
        "symbol": "IBE.EU", "isin": "ES0144580Y14", "currency": "EUR", "points": POINTS,
    }  # fmt: skip
    assert response.headers["Cache-Control"] == "max-age=300"
    assert response.headers["X-Data-Complete"] == "true"


async def test_sparklines_by_isin_show_one_listing_of_each() -> None:
    path = "/api/charts/sparklines?key=isin&days=30&points=10"
    _, shown, asked = await get(path, SPARKLINES)
    assert asked == [Sparklines(30, 10)]
    assert {key: row["symbol"] for key, row in shown.items()} == {"ES0144580Y14": "IBE.EU"}


async def test_no_prices_at_all_are_an_empty_object() -> None:
    empty = SparklineSet("v0", complete=False, lines=())
    response, shown, _ = await get("/api/charts/sparklines", empty)
    assert (response.status_code, shown) == (200, {})
    assert response.headers["X-Data-Complete"] == "false"


async def test_a_chart_is_a_bare_array() -> None:
    response, shown, asked = await get(f"{CHARTS}/ES0144580Y14", CHART)
    assert (response.status_code, shown) == (200, POINTS)
    assert asked == [PriceChart("ES0144580Y14", "1Y", None, "auto")]
    assert response.headers["X-Data-Complete"] == "false"
    assert response.headers["Cache-Control"] == "max-age=300"


async def test_what_a_chart_is_besides_is_told_on_request() -> None:
    path = f"{CHARTS}/%20ibe.eu?range=5Y&interval=month&source=yahoo&meta=true"
    _, shown, asked = await get(path, CHART)
    assert asked == [PriceChart("IBE.EU", "5Y", "month", "yahoo")]
    assert shown == {
        "isin": "ES0144580Y14", "symbol": "IBE.EU", "currency": "EUR", "range": "5Y",
        "interval": "day", "source": "paper", "complete": False, "points": POINTS,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/api/charts/sparklines", SPARKLINES),
        (f"{CHARTS}/IBE.EU", CHART),
        (f"{CHARTS}/IBE.EU?meta=true", CHART),
    ],
)
async def test_what_the_client_has_is_not_sent_again(path: str, answer: object) -> None:
    first, _, _ = await get(path, answer)
    tag = first.headers["ETag"]
    again, shown, _ = await get(path, answer, headers={"If-None-Match": tag})
    assert (again.status_code, shown, again.headers["ETag"]) == (304, None, tag)


async def test_two_shapes_of_one_chart_have_two_tags() -> None:
    bare, _, _ = await get(f"{CHARTS}/IBE.EU", CHART)
    meta, _, _ = await get(f"{CHARTS}/IBE.EU?meta=1", CHART)
    assert bare.headers["ETag"] != meta.headers["ETag"]


@pytest.mark.parametrize(
    ("path", "field"),
    [
        (f"{CHARTS}/IBE.EU?range=2Y", "range"),
        (f"{CHARTS}/IBE.EU?source=paper", "source"),
        (f"{CHARTS}/IBE.EU?interval=hour", "interval"),
        (f"{CHARTS}/IBE.EU?meta=perhaps", "meta"),
        (f"{CHARTS}/IBE.EU?days=3", "days"),
        ("/api/charts/sparklines?days=29", "days"),
        ("/api/charts/sparklines?days=731", "days"),
        ("/api/charts/sparklines?points=9", "points"),
        ("/api/charts/sparklines?points=367", "points"),
        ("/api/charts/sparklines?key=name", "key"),
    ],
)
async def test_what_is_out_of_bounds_is_never_asked_for(path: str, field: str) -> None:
    response, shown, asked = await get(path, CHART)
    assert (response.status_code, asked) == (422, [])
    assert shown["errors"][0]["field"] == field


@pytest.mark.parametrize(
    ("name", "error", "status"),
    [
        ("NONE.EU", Missing("there is no security NONE.EU"), 404),
        ("US0378331005", Missing("there is no security US0378331005"), 404),
        ("US0378331006", Missing("there is no security US0378331006"), 422),
        ("IE00B4L5Y983", Conflict("listed as A and B", code="ambiguous"), 409),
    ],
)
async def test_a_name_that_stands_for_no_single_security_is_refused(
    name: str, error: Exception, status: int
) -> None:
    response, shown, _ = await get(f"{CHARTS}/{name}", error)
    assert response.status_code == status
    assert shown["status"] == status
