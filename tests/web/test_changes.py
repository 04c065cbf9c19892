"""Halt, resume and mode: what is asked of the schedule actor, and what is refused before that."""

from __future__ import annotations

import json
from typing import Any

import pytest
import trio

from ledger.errors import Conflict, Refused
from tests.web.world import BEARER, World, full_world, owner_latch, trading
from wire.mailbox import serving
from wire.messages import RaiseLatch, Resume, SetMode


async def change(
    world: World, path: str, body: Any, *answers: object
) -> tuple[int, Any, list[object]]:
    """POST `body` while schedule gives `answers`; returns status, document and what was asked."""
    asked: list[object] = []

    async def schedule() -> None:
        for value in answers:
            ask = await world.asks.schedule.receive()
            asked.append(ask.request)
            async with serving(ask):
                if isinstance(value, Exception):
                    raise value
                ask.slot.answer(value)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(schedule)
        response = await world.app().test_client().post(path, headers=BEARER, json=body)
        nursery.cancel_scope.cancel()
    return response.status_code, json.loads(await response.get_data()), asked


async def test_halt_raises_the_owners_latch() -> None:
    status, answer, asked = await change(
        full_world(), "/api/system/halt", {"reason": "odd fills"}, (owner_latch(),)
    )
    assert (status, answer["halted"], answer["paper"]) == (200, True, True)
    assert asked == [RaiseLatch("owner", "odd fills", "http:token@<local>")]


@pytest.mark.parametrize("body", [{}, {"reason": "  "}])
async def test_halt_never_fails_for_want_of_a_reason(body: dict[str, str]) -> None:
    status, _, asked = await change(full_world(), "/api/system/halt", body, (owner_latch(),))
    assert status == 200
    assert isinstance(asked[0], RaiseLatch)
    assert asked[0].reason


async def test_halt_needs_no_body_at_all(nursery: trio.Nursery) -> None:
    world = full_world()
    nursery.start_soon(world.answer, world.asks.schedule, (owner_latch(),))
    response = await world.app().test_client().post("/api/system/halt", headers=BEARER)
    assert response.status_code == 200


async def test_resume_clears_the_named_latches_once() -> None:
    status, answer, asked = await change(
        full_world(),
        "/api/system/resume",
        {"reasons": ["owner", "books", "owner"], "confirm": True},
        (),
    )
    assert (status, answer["halted"], answer["latches"]) == (200, False, [])
    assert asked == [Resume(("owner", "books"), confirm=True, by="http:token@<local>")]


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/api/system/resume", {"reasons": ["owner"], "confirm": False}, "confirm"),
        ("/api/system/resume", {"reasons": ["owner"]}, "confirm"),
        ("/api/system/resume", {"reasons": [], "confirm": True}, "reasons"),
        ("/api/system/resume", {"reasons": ["everything"], "confirm": True}, "reasons[0]"),
        ("/api/system/resume", {"reasons": ["owner"], "confirm": "true"}, "confirm"),
        ("/api/system/resume", {"reasons": ["owner"], "confirm": 1}, "confirm"),
        ("/api/system/halt", {"reason": "x" * 201}, "reason"),
        ("/api/system/halt", {"why": "x"}, "why"),
        ("/api/settings/trading-mode", {}, "trading_mode"),
        ("/api/settings/trading-mode", {"trading_mode": "live"}, "confirm"),
        ("/api/settings/trading-mode", {"trading_mode": "live", "confirm": False}, "confirm"),
        ("/api/settings/trading-mode", {"trading_mode": "live", "confirm": "true"}, "confirm"),
        ("/api/settings/trading-mode", {"trading_mode": "paper"}, "trading_mode"),
        ("/api/settings/trading-mode", {"trading_mode": "research", "force": True}, "force"),
        ("/api/settings/trading-mode", [], ""),
        ("/api/settings/trading-mode", None, ""),
    ],
)
async def test_a_body_that_does_not_say_exactly_that_is_422(
    path: str, body: Any, field: str
) -> None:
    status, document, asked = await change(full_world(), path, body, ())
    assert (status, document["code"]) == (422, "invalid")
    assert document["errors"][0]["field"] == field
    assert asked == []


async def test_a_mode_is_set_never_toggled() -> None:
    world = full_world()
    body = {"trading_mode": "live", "confirm": True}
    status, answer, asked = await change(world, "/api/settings/trading-mode", body, "live")
    assert status == 200
    assert (answer["trading_mode"], answer["previous_mode"]) == ("live", "live")
    assert asked == [SetMode("live", confirm=True, by="http:token@<local>")]


async def test_research_needs_no_confirmation() -> None:
    body = {"trading_mode": "research"}
    status, answer, _ = await change(full_world(), "/api/settings/trading-mode", body, "research")
    assert (status, answer["trading_mode"]) == (200, "research")


async def test_posting_a_mode_without_a_body_is_422() -> None:
    response = await (
        full_world().app().test_client().post("/api/settings/trading-mode", headers=BEARER)
    )
    assert response.status_code == 422


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Conflict("an order is in flight", code="order_in_flight"), 409, "order_in_flight"),
        (Refused("halted", code="halted"), 423, "halted"),
    ],
)
async def test_the_actors_refusal_is_the_answer(error: Exception, status: int, code: str) -> None:
    body = {"trading_mode": "live", "confirm": True}
    got, document, _ = await change(full_world(), "/api/settings/trading-mode", body, error)
    assert (got, document["code"], document["detail"]) == (status, code, str(error))


async def test_an_actor_that_does_not_listen_is_503(autojump_clock: object) -> None:
    status, document, _ = await change(full_world(), "/api/system/halt", {})
    assert (status, document["code"]) == (503, "actor_unavailable")


async def test_a_dashboard_session_is_named_in_the_audit(nursery: trio.Nursery) -> None:
    world = full_world()
    client = world.app().test_client()
    await client.get("/login?code=one-time-code")
    asked: list[Any] = []

    async def schedule() -> None:
        ask = await world.asks.schedule.receive()
        asked.append(ask.request)
        ask.slot.answer((owner_latch(),))

    nursery.start_soon(schedule)
    headers = {"X-CSRF-Token": "csrf-of-session"}
    assert (await client.post("/api/system/halt", headers=headers, json={})).status_code == 200
    assert asked[0].by == "http:dashboard@<local>"


async def test_the_mode_is_read_from_the_board() -> None:
    world = full_world()
    world.boards.trading.publish(trading(mode="research"))
    response = await world.app().test_client().get("/api/settings/trading-mode")
    assert await response.get_json() == {
        "trading_mode": "research",
        "broker": "paper",
        "paper": True,
    }
