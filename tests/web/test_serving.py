"""Under the real server: addresses, a stream, and a stop that does not wait for its readers."""

from __future__ import annotations

from functools import partial

import httpx
import trio
from hypercorn.config import Config
from hypercorn.trio import serve

from tests.web.world import World, full_world

STOP_S = 3.0


async def start(world: World, nursery: trio.Nursery) -> str:
    config = Config()
    config.bind = ["127.0.0.1:0"]
    config.graceful_timeout = 2
    config.errorlog = None
    run = partial(serve, world.app(), config, shutdown_trigger=world.shutdown.wait, mode="asgi")
    (address,) = await nursery.start(run)
    return str(address)


async def test_open_streams_end_at_shutdown() -> None:
    world = full_world()
    ended = 0

    async def follow(client: httpx.AsyncClient) -> None:
        nonlocal ended
        async with client.stream("GET", "/api/events/stream", timeout=None) as response:
            async for line in response.aiter_lines():
                if line.startswith("event: connected"):
                    greeted.set()
        ended += 1

    greeted = trio.Event()
    with trio.fail_after(30):
        async with trio.open_nursery() as server:
            address = await start(world, server)
            async with (
                httpx.AsyncClient(base_url=address) as client,
                trio.open_nursery() as readers,
            ):
                for _ in range(3):
                    readers.start_soon(follow, client)
                await greeted.wait()
                assert (await client.get("/health")).status_code == 200
                stopped_at_s = trio.current_time()
                world.shutdown.set()
    assert ended == 3
    assert trio.current_time() - stopped_at_s < STOP_S


async def test_a_publication_reaches_an_open_stream() -> None:
    world = full_world()
    seen: list[str] = []
    with trio.fail_after(30):
        async with trio.open_nursery() as server:
            address = await start(world, server)
            async with (
                httpx.AsyncClient(base_url=address) as client,
                client.stream("GET", "/api/events/stream", timeout=None) as response,
            ):
                async for line in response.aiter_lines():
                    seen.append(line)
                    if line == "event: connected":
                        world.tell("CASH_UPDATED")
                    if "CASH_UPDATED" in line:
                        world.shutdown.set()
    assert seen[0] == "retry: 3000"
    assert any("CASH_UPDATED" in line for line in seen)
