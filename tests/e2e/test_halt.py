"""Halting a real daemon: within a second no order leaves any more, until the owner resumes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
import trio

from daemon.clock import machine_wall
from tests.e2e import books
from tests.e2e.process import Daemon, http, running, until, write_config

pytestmark = [pytest.mark.slow, pytest.mark.timeout(150)]

RATE = 1000.0
START = "2009-01-05T08:05:00Z"
GRACE_MS = 1000
# At this rate the planner proposes something every second or two.
WATCH_S = 5.0
ORDER_S = 30.0


def now_ms() -> int:
    return int(machine_wall() * 1000)


async def another_order(daemon: Daemon) -> None:
    """Wait for an order that is sent from now on."""
    since_ms = now_ms()

    async def sent() -> bool | None:
        return any(ms > since_ms for ms in books.submissions(daemon.data)) or None

    await until("an order is sent", sent, within_s=ORDER_S)


async def assert_nothing_is_sent(data: Path, since_ms: int) -> None:
    await trio.sleep(WATCH_S)
    late = [ms - since_ms for ms in books.submissions(data) if ms > since_ms + GRACE_MS]
    assert late == [], "ms after the halt"


async def post(daemon: Daemon, path: str, body: dict[str, Any]) -> httpx.Response:
    async with http(daemon) as client:
        return await client.post(path, json=body, headers=daemon.bearer)


async def latches(daemon: Daemon) -> set[str]:
    async with http(daemon) as client:
        status = (await client.get("/api/system/status")).json()
    return {latch["name"] for latch in status["latches"]}


async def test_a_halt_over_http_stops_orders_until_it_is_confirmed_away(tmp_path: Path) -> None:
    data, config = tmp_path / "data", write_config(tmp_path / "demo.toml", rate=RATE, start=START)
    async with running(data, config) as daemon:
        await daemon.ready()
        await another_order(daemon)
        asked_ms = now_ms()
        answer = await post(daemon, "/api/system/halt", {"reason": "a test"})
        assert answer.status_code == 200
        assert answer.json()["halted"] is True
        await assert_nothing_is_sent(data, asked_ms)
        assert await daemon.stop() == 0
    async with running(data, config) as daemon:
        await daemon.ready()
        assert await latches(daemon) == {"owner"}
        await assert_nothing_is_sent(data, asked_ms)
        for unconfirmed in ({"reasons": ["owner"], "confirm": False}, {"reasons": ["owner"]}):
            answer = await post(daemon, "/api/system/resume", unconfirmed)
            assert answer.status_code == 422
        assert await latches(daemon) == {"owner"}
        answer = await post(daemon, "/api/system/resume", {"reasons": ["owner"], "confirm": True})
        assert (answer.status_code, answer.json()["halted"]) == (200, False)
        await another_order(daemon)
        assert await daemon.stop() == 0
    books.assert_every_order_has_one_intent(data)


async def test_the_halt_file_stops_orders_until_it_is_removed(tmp_path: Path) -> None:
    data, config = tmp_path / "data", write_config(tmp_path / "demo.toml", rate=RATE, start=START)
    resume = {"reasons": ["file"], "confirm": True}
    async with running(data, config) as daemon:
        await daemon.ready()
        await another_order(daemon)
        halted_ms = now_ms()
        (data / "HALT").touch()
        await assert_nothing_is_sent(data, halted_ms)
        assert await latches(daemon) == {"file"}
        answer = await post(daemon, "/api/system/resume", resume)
        assert answer.status_code == 409
        assert await daemon.stop() == 0
    async with running(data, config) as daemon:
        await daemon.ready()
        assert (await daemon.trimtab("resume", "file", "--yes")).code == 1
        (data / "HALT").unlink()
        await assert_nothing_is_sent(data, halted_ms)
        assert await latches(daemon) == {"file"}
        assert (await post(daemon, "/api/system/resume", resume)).json()["halted"] is False
        await another_order(daemon)
        assert await daemon.stop() == 0
    books.assert_every_order_has_one_intent(data)
