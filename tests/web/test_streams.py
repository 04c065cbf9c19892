"""Event streams under a virtual clock: replay, resync, heartbeat, limits, end."""

from __future__ import annotations

import math

import pytest
import trio
import trio.testing
from quart_trio import QuartTrio
from trio.testing import MockClock

from tests.web.wire_client import Connection, opened
from tests.web.world import NOW, World, full_world, plan, planner_status
from web.context import EXTENSION, Web
from web.sources import RingReader, envelope
from web.sse import HEARTBEAT_S, LIMIT, StreamBody, StreamSlots
from wire.events import RING

EVENTS = "/api/events/stream"


def web_of(app: QuartTrio) -> Web:
    web = app.extensions[EXTENSION]
    assert isinstance(web, Web)
    return web


async def test_a_new_client_is_greeted_and_told_what_happens_next() -> None:
    world = full_world()
    world.tell("PORTFOLIO_CHANGED")
    async with opened(world.app()) as client:
        name, number, hello = await client.next()
        assert (name, number, hello["seq"]) == ("connected", 1, 1)
        world.tell("TRADE_EXECUTED", symbol="NOVN.EU")
        name, number, event = await client.next()
    assert (name, number) == ("message", 2)
    assert event == {
        "seq": 2,
        "type": "TRADE_EXECUTED",
        "module": "test",
        "timestamp": NOW.isoformat().replace("+00:00", "Z"),
        "data": {"symbol": "NOVN.EU"},
    }


async def test_a_returning_client_gets_what_it_missed_in_order() -> None:
    world = full_world()
    for _ in range(250):
        world.tell("PORTFOLIO_CHANGED")
    async with opened(world.app(), Last_Event_ID="3") as client:
        assert (await client.next())[0] == "connected"
        seen = [(await client.next())[1] for _ in range(247)]
    assert seen == list(range(4, 251))


async def test_a_client_that_fell_out_of_the_ring_is_told_once_to_start_over() -> None:
    world = full_world()
    for _ in range(RING + 5):
        world.tell("PORTFOLIO_CHANGED")
    async with opened(world.app(), Last_Event_ID="2") as client:
        await client.next()
        name, number, data = await client.next()
        assert (name, number, data) == ("resync", RING + 5, {"seq": RING + 5})
        world.tell("CASH_UPDATED")
        assert (await client.next())[1] == RING + 6


@pytest.mark.parametrize("strange", ["99999", "-4", "abc", "1e3", "9" * 40])
async def test_a_number_we_never_issued_starts_over(strange: str) -> None:
    world = full_world()
    world.tell("PORTFOLIO_CHANGED")
    async with opened(world.app(), Last_Event_ID=strange) as client:
        assert (await client.next())[0] == "connected"
        assert (await client.next())[0] == "resync"


async def test_a_stalled_client_costs_nothing_and_is_resynced_when_it_wakes() -> None:
    world = full_world()
    async with opened(world.app()) as client:
        await client.next()
        for _ in range(5 * RING):
            world.tell("JOB_PROGRESS")
        await trio.testing.wait_all_tasks_blocked()
        names = {(await client.next())[0]}
        world.tell("CASH_UPDATED")
        while (message := await client.next_event())["event"] != "message":
            names.add(message["event"])
    assert names == {"resync"}
    assert message["type"] == "CASH_UPDATED"


def reader_of(app: QuartTrio) -> RingReader:
    """A reader at the newest event."""
    return RingReader(
        web_of(app).events, last_seen=None, types=None, show=envelope, hello=lambda _: b""
    )


async def test_a_quiet_stream_beats_every_five_seconds_without_state(
    autojump_clock: MockClock,
) -> None:
    world = full_world()
    world.tell("PORTFOLIO_CHANGED")
    async with opened(world.app()) as client:
        await client.next()
        started_s = trio.current_time()
        beats = [await client.next() for _ in range(3)]
    assert beats == [("hb", None, {"seq": 1})] * 3
    assert math.isclose(trio.current_time() - started_s, 3 * HEARTBEAT_S)


async def test_a_busy_stream_still_beats(autojump_clock: MockClock) -> None:
    world = full_world()
    async with opened(world.app()) as client:
        await client.next()
        names: list[str] = []
        for _ in range(20):
            world.tell("JOB_PROGRESS")
            names.append((await client.next())[0])
            await trio.sleep(1)
    assert names.count("hb") == 3


async def test_only_the_types_asked_for_are_sent_and_the_place_still_moves() -> None:
    world = full_world()
    async with opened(world.app(), f"{EVENTS}?types=ORDER_CHANGED,TRADE_EXECUTED") as client:
        await client.next()
        for _ in range(2 * RING):
            world.tell("JOB_PROGRESS")
            await trio.lowlevel.checkpoint()
        await trio.testing.wait_all_tasks_blocked()
        world.tell("ORDER_CHANGED")
        assert (await client.next_event())["type"] == "ORDER_CHANGED"


async def test_an_unknown_type_is_refused_by_name() -> None:
    response = await full_world().app().test_client().get(f"{EVENTS}?types=ORDER_CHANGED,NOPE")
    document = await response.get_json(force=True)
    assert response.status_code == 422
    assert [error["value"] for error in document["errors"]] == ["NOPE"]


async def test_the_sixty_fifth_client_is_turned_away_until_one_leaves() -> None:
    app = full_world().app()
    clients = [Connection() for _ in range(LIMIT)]
    async with trio.open_nursery() as nursery:
        for client in clients:
            nursery.start_soon(client.run, app, EVENTS, {})
            await client.next()
        assert web_of(app).streams.open == LIMIT
        refused = await app.test_client().get(EVENTS)
        assert refused.status_code == 503
        assert (await refused.get_json(force=True))["code"] == "too_many_streams"
        assert (await app.test_client().get("/health")).status_code == 200
        for client in clients:
            client.leave()
    assert web_of(app).streams.open == 0


async def test_a_client_that_leaves_gives_its_slot_back() -> None:
    app = full_world().app()
    for _ in range(3):
        async with opened(app) as client:
            await client.next()
            assert web_of(app).streams.open == 1
        assert web_of(app).streams.open == 0


async def test_a_slot_lost_to_a_faster_client_ends_the_stream_at_once() -> None:
    slots = StreamSlots(limit=0)
    reader = reader_of(full_world().app())
    async with StreamBody(reader, slots=slots, shutdown=trio.Event()) as body:
        with pytest.raises(StopAsyncIteration):
            await anext(body)
    assert slots.open == 0


@pytest.mark.parametrize(
    "path", [EVENTS, "/api/planner/status/stream", "/api/trades/recommendations/stream"]
)
async def test_every_stream_ends_when_the_daemon_stops(path: str) -> None:
    world = full_world()
    async with opened(world.app(), path) as client:
        await client.next()
        world.shutdown.set()
        with pytest.raises(trio.EndOfChannel):
            await client.next()
    assert client.headers["content-type"].startswith("text/event-stream")
    assert client.headers["cache-control"] == "no-store"


async def test_a_stream_outlives_the_servers_ordinary_limit(autojump_clock: MockClock) -> None:
    world = full_world()
    app = world.app()
    limit_s = app.config["RESPONSE_TIMEOUT"]
    async with opened(app) as client:
        await client.next()
        await trio.sleep(3 * limit_s)
        world.tell("CASH_UPDATED")
        assert (await client.next_event())["type"] == "CASH_UPDATED"


async def test_head_does_not_open_a_stream() -> None:
    app = full_world().app()
    response = await app.test_client().head(EVENTS)
    assert response.status_code == 200
    assert web_of(app).streams.open == 0


async def test_planner_status_comes_at_once_and_after_every_change(
    autojump_clock: MockClock,
) -> None:
    world = full_world()
    async with opened(world.app(), "/api/planner/status/stream") as client:
        assert (await client.next_event())["state"] == "complete"
        world.boards.planner.publish(planner_status(state="evaluating", evaluated=10))
        assert (await client.next_event())["evaluated_count"] == 10


async def test_planner_status_is_sent_at_most_four_times_a_second_newest_last(
    autojump_clock: MockClock,
) -> None:
    world = full_world()
    seen: list[int] = []
    async with opened(world.app(), "/api/planner/status/stream") as client:
        await client.next_event()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_plan_busily, world)
            while not seen or seen[-1] != 200:
                seen.append((await client.next_event())["evaluated_count"])
    assert len(seen) <= 2 * 4 + 2
    assert seen == sorted(seen)


async def _plan_busily(world: World) -> None:
    """Two hundred changes in two seconds."""
    for number in range(1, 201):
        world.boards.planner.publish(planner_status(state="evaluating", evaluated=number))
        await trio.sleep(0.01)


async def test_recommendations_announce_plans_and_what_makes_them_stale() -> None:
    world = full_world()
    async with opened(world.app(), "/api/trades/recommendations/stream") as client:
        assert (await client.next_event())["connected"] is True
        world.tell("JOB_STARTED")
        world.tell("TRADE_EXECUTED")
        stale = await client.next_event()
        assert (stale["invalidated"], stale["reason"]) == (True, "TRADE_EXECUTED")
        world.boards.plan.publish(plan("01HPLAN0000000000000000002"))
        world.tell("PLAN_GENERATED")
        ready = await client.next_event()
    assert (ready["ready"], ready["plan_id"]) == (True, "01HPLAN0000000000000000002")
    assert ready["seq"] > stale["seq"]
