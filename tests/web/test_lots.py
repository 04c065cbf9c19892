"""Lots over HTTP: what is asked of sync, how its report is shown, and what never reaches it."""

from __future__ import annotations

import json
from typing import Any

import pytest
import trio

from ledger.errors import Missing, Refused
from ledger.lot import LOT_METHODS, Lot, LotBook, LotReport, Pick, Sale, Taken
from ledger.money import Money, Quantity
from tests.web.world import BEARER, NOW, World, eur, full_world
from wire.ledger_asks import ChooseLots, Lots
from wire.mailbox import serving


def report() -> LotReport:
    taken = Taken("fill:f1", Quantity.of(4), eur("40.80"))
    sale = Sale(
        "fill:f2", "f2", NOW, Quantity.of(4), eur("50"), (taken,), eur("40.80"), eur("9.20")
    )
    book = LotBook(
        lots=(
            Lot("fill:f1", NOW, Quantity.of("6"), eur("61.20")),
            Lot("opening:a", NOW, Quantity.of(1), None),
        ),
        sales=(sale,),
    )
    books = dict.fromkeys(LOT_METHODS, book)
    return LotReport("AAA", books, {"f1": 3, "f2": 7}, {"f2": [Pick("fill:f1", Quantity.of(4))]})


async def call(
    world: World, method: str, path: str, body: Any = None, *answers: object
) -> tuple[int, Any, list[object]]:
    asked: list[object] = []

    async def sync() -> None:
        for value in answers:
            ask = await world.asks.sync.receive()
            asked.append(ask.request)
            async with serving(ask):
                if isinstance(value, Exception):
                    raise value
                ask.slot.answer(value)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(sync)
        client = world.app().test_client()
        kwargs = {} if body is None else {"json": body}
        response = await client.open(path, method=method, headers=BEARER, **kwargs)
        nursery.cancel_scope.cancel()
    return response.status_code, json.loads(await response.get_data()), asked


async def test_lots_are_shown_under_every_method() -> None:
    status, answer, asked = await call(
        full_world(), "GET", "/api/portfolio/lots?symbol=AAA", None, report()
    )
    assert (status, asked) == (200, [Lots("AAA")])
    for method in LOT_METHODS:
        shown = answer[method]
        assert (shown["quantity"], shown["average_cost"]) == (7, None)
        assert shown["lots"][0]["unit_cost"] == 10.20
        assert shown["lots"][1]["cost"] is None
        (sale,) = shown["sales"]
        assert (sale["trade_id"], sale["gain"], sale["taken"][0]["cost"]) == (7, 9.2, 40.8)
    assert answer["choices"] == [{"trade_id": 7, "picks": [{"lot": "fill:f1", "quantity": 4}]}]


async def test_choosing_lots_asks_sync_and_shows_the_change() -> None:
    body = {"picks": [{"lot": "fill:f1", "quantity": 2.5}], "confirm": True}
    status, answer, asked = await call(full_world(), "PUT", "/api/trades/7/lots", body, report())
    assert (status, answer["symbol"]) == (200, "AAA")
    picks = (Pick("fill:f1", Quantity.of("2.5")),)
    assert asked == [ChooseLots(7, picks, confirm=True, by="http:token@<local>")]


@pytest.mark.parametrize(
    ("error", "status"), [(Missing("there is no sale 7"), 404), (Refused("too much"), 400)]
)
async def test_what_sync_refuses_is_told(error: Exception, status: int) -> None:
    body = {"picks": [], "confirm": True}
    found, answer, _ = await call(full_world(), "PUT", "/api/trades/7/lots", body, error)
    assert (found, answer["detail"]) == (status, str(error))


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"picks": [], "confirm": False}, "confirm"),
        ({"picks": []}, "confirm"),
        ({"picks": [{"lot": "a", "quantity": 0.0000001}], "confirm": True}, "picks[0].quantity"),
        ({"picks": [{"lot": "a", "quantity": "1E-9999999"}], "confirm": True}, "picks[0].quantity"),
        ({"picks": [{"lot": "a", "quantity": "1E+9999999"}], "confirm": True}, "picks[0].quantity"),
        ({"picks": [{"lot": "a", "quantity": "NaN"}], "confirm": True}, "picks[0].quantity"),
        ({"picks": [{"lot": "", "quantity": 1}], "confirm": True}, "picks[0].lot"),
    ],
)  # fmt: skip
async def test_a_choice_that_makes_no_sense_never_reaches_sync(body: Any, field: str) -> None:
    status, answer, asked = await call(full_world(), "PUT", "/api/trades/7/lots", body, report())
    assert (status, asked) == (422, [])
    assert answer["errors"][0]["field"] == field


async def test_a_number_no_trade_can_have_is_not_asked_for() -> None:
    body = {"picks": [], "confirm": True}
    status, _, asked = await call(full_world(), "PUT", f"/api/trades/{10**30}/lots", body, report())
    assert (status, asked) == (404, [])


def test_an_unknown_cost_is_no_cost_of_zero() -> None:
    assert Lot("a", NOW, Quantity.of(1), None).unit_cost is None
    assert Lot("a", NOW, Quantity.of(1), Money.zero("EUR")).unit_cost is None
