"""Under the real server: addresses, a stream, and a stop that does not wait for its readers."""

from __future__ import annotations

from functools import partial

import httpx
import pytest
import trio
from hypercorn.config import Config
from hypercorn.trio import serve

from tests.web.world import World, full_world
from web import connection

STOP_S = 3.0


async def start(world: World, nursery: trio.Nursery, *, keep_alive_s: float = 5.0) -> str:
    config = Config()
    config.keep_alive_timeout = keep_alive_s
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


HEAD = b"POST /api/system/halt HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"


async def connect(address: str) -> trio.SocketStream:
    return await trio.open_tcp_stream("127.0.0.1", int(address.rpartition(":")[2]))


async def status_of(stream: trio.SocketStream) -> bytes:
    """The status line of the next answer; empty when the server closed the connection."""
    received = b""
    while not received.endswith(b"}"):
        chunk = await stream.receive_some()
        if not chunk:
            break
        received += chunk
    return received.partition(b"\r\n")[0]


async def test_a_refusal_leaves_the_connection_free_for_the_next_request() -> None:
    world = full_world()
    with trio.fail_after(20):
        async with trio.open_nursery() as server:
            stream = await connect(await start(world, server))
            for pause_s in (0.0, 0.05, 0.05):
                await stream.send_all(HEAD % 2)
                await trio.sleep(pause_s)
                await stream.send_all(b"{}")
                assert await status_of(stream) == b"HTTP/1.1 401 "
            await stream.aclose()
            world.shutdown.set()


async def test_a_body_that_never_comes_ends_the_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connection, "BODY_WAIT_S", 0.1)
    world = full_world()
    with trio.fail_after(20):
        async with trio.open_nursery() as server:
            stream = await connect(await start(world, server))
            await stream.send_all(HEAD % 20)
            assert await status_of(stream) == b"HTTP/1.1 401 "
            assert await status_of(stream) == b""
            await stream.aclose()
            world.shutdown.set()


async def test_an_idle_connection_is_closed_in_time() -> None:
    world = full_world()
    with trio.fail_after(20):
        async with trio.open_nursery() as server:
            stream = await connect(await start(world, server, keep_alive_s=0.2))
            await stream.send_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert await status_of(stream) == b"HTTP/1.1 200 "
            assert await status_of(stream) == b""
            await stream.aclose()
            world.shutdown.set()
