"""Groups as their owner lives with them: routes, desk and store together."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import trio

from actors.allocation_desk import AllocationDesk
from store.store import open_store
from tests.web.world import BEARER, World, full_world
from wire.mailbox import serving

BASE = "/api/allocation"


@asynccontextmanager
async def living(folder: Path) -> AsyncGenerator[World]:
    """A world whose analyst is the desk over a store of its own."""
    world = full_world()
    async with open_store(folder, engine="inline") as store, trio.open_nursery() as nursery:
        desk = AllocationDesk(store.allocation, world.boards.allocation, world.clock, changed=int)
        await desk.load()

        async def serve() -> None:
            while True:
                ask = await world.asks.analyst.receive()
                async with serving(ask):
                    ask.slot.answer(await desk.answer(ask.request))

        nursery.start_soon(serve)
        yield world
        nursery.cancel_scope.cancel()


async def send(world: World, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    sent: dict[str, Any] = {} if body is None else {"json": body}
    client = world.app().test_client()
    answer = await client.open(f"{BASE}/{path}", method=method, headers=BEARER, **sent)
    return answer.status_code, await answer.get_json()


async def put(world: World, name: str, *countries: str) -> tuple[int, Any]:
    body = {"group_name": name, "country_names": list(countries)}
    return await send(world, "PUT", "groups/country", body)


async def test_what_was_answered_is_what_is_read_next_and_after_a_restart(tmp_path: Path) -> None:
    async with living(tmp_path) as world:
        assert await put(world, "Europe", "es", "NL") == (
            200, {"group_name": "Europe", "country_names": ["es", "NL"]},
        )  # fmt: skip
        assert (await put(world, "West", "US"))[0] == 200
        status, wanted = await send(
            world, "PUT", "groups/targets/country", {"targets": {"europe": 0.6, "West": 0.2}}
        )
        assert (status, wanted["weights"]) == (200, {"Europe": 0.75, "West": 0.25})
        _, groups = await send(world, "GET", "groups/country")
        assert groups["groups"] == {"Europe": ["NL", "es"], "West": ["US"]}
    async with living(tmp_path) as world:
        assert (await send(world, "GET", "groups/country"))[1] == groups
        assert (await send(world, "GET", "targets"))[1]["country"] == wanted["weights"]


async def test_every_refusal_leaves_all_as_it_was(tmp_path: Path) -> None:
    async with living(tmp_path) as world:
        targets = {"targets": {"Europe": 0.5}}
        assert (await send(world, "PUT", "groups/targets/country", targets))[0] == 400
        await put(world, "Europe", "ES")
        before = await send(world, "GET", "groups/country")
        assert (await put(world, "South", "es"))[0] == 409
        assert (await put(world, "  ", "FR"))[0] == 422
        for weights in ({"Europe": 1.01}, {"Europe": -0.01}, {"Europe": 0}, {}, {"X": 1, "Y": 1}):
            found, problem = await send(
                world, "PUT", "groups/targets/country", {"targets": weights}
            )
            assert (found, problem["errors"][0]["field"]) == (422, "targets")
        assert "X, Y" in problem["detail"]
        assert await send(world, "GET", "groups/country") == before
        assert (await send(world, "GET", "targets"))[1] == {"country": {}, "industry": {}}


async def test_a_group_that_goes_leaves_its_target_to_the_others(tmp_path: Path) -> None:
    async with living(tmp_path) as world:
        await put(world, "Europe", "ES")
        await put(world, "West", "US")
        body = {"targets": {"Europe": 0.6, "West": 0.2}}
        await send(world, "PUT", "groups/targets/country", body)
        for _ in range(2):
            found = await send(world, "DELETE", "groups/country/EUROPE/")
            assert found == (200, {"deleted": "EUROPE"})
        assert (await send(world, "GET", "targets"))[1]["country"] == {"West": 1}
        rows = (await send(world, "GET", "groups/allocation"))[1]["country"]
        assert [row["name"] for row in rows] == ["OTHER", "West"]
