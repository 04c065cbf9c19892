"""A fresh folder, the demo as it ships: the first minute of an owner."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import trio

from tests.e2e.process import Answer, Daemon, Listener, http, running, until, write_config

pytestmark = [pytest.mark.slow, pytest.mark.timeout(150)]

FIRST_FILL_S = 60.0
BUSY_TRIES = 25


async def filled_buy(daemon: Daemon) -> dict[str, Any] | None:
    """The oldest executed purchase of a security."""
    async with http(daemon) as client:
        answer = await client.get("/api/trades", params={"side": "BUY", "limit": 1000})
    found = [row for row in answer.json() if "/" not in row["symbol"]]
    return found[-1] if found else None


async def test_the_demo_fills_a_buy_within_a_minute(tmp_path: Path) -> None:
    config = write_config(tmp_path / "demo.toml")
    async with running(tmp_path / "data", config) as daemon, trio.open_nursery() as nursery:
        listener = Listener()
        await daemon.ready()
        await nursery.start(listener.listen, daemon)
        left_s = FIRST_FILL_S - (trio.current_time() - daemon.started_s)
        trade = await until("a filled buy", lambda: filled_buy(daemon), within_s=left_s)
        await assert_it_shows_everywhere(daemon, listener, trade)
        await assert_the_client_works(daemon)
        assert await daemon.stop() == 0
        with trio.fail_after(5):
            await listener.ended.wait()
        assert daemon.stderr() == ""


async def assert_it_shows_everywhere(
    daemon: Daemon, listener: Listener, trade: dict[str, Any]
) -> None:
    """Lights, portfolio and stream tell of the purchase."""
    assert trade["paper"] is True
    assert float(trade["quantity"]) > 0

    async def bought() -> str | None:
        async with http(daemon) as client:
            text: str = (await client.get("/api/display/state")).json()["current_text"]
        return text if "BOUGHT" in text else None

    async def position() -> dict[str, Any] | None:
        async with http(daemon) as client:
            portfolio = (await client.get("/api/portfolio")).json()
        return next((p for p in portfolio if p["symbol"] == trade["symbol"]), None)

    async def streamed() -> bool | None:
        return {"TRADE_EXECUTED", "PORTFOLIO_CHANGED"} <= set(listener.types) or None

    await until("the matrix tells of it", bought, within_s=10)
    await until("the portfolio has it", position, within_s=10)
    await until("the stream told of it", streamed, within_s=10)


async def idle(daemon: Daemon, words: tuple[str, ...]) -> Answer:
    """The answer to `words`, once the job it may start is not running by itself any more."""
    for _ in range(BUSY_TRIES):
        answer = await daemon.trimtab("--json", *words)
        if '"code":"busy"' not in answer.out:
            break
        await trio.sleep(0.2)
    return answer


async def assert_the_client_works(daemon: Daemon) -> None:
    """Every command ends with 0 and answers JSON when asked to; wrong ones end with 2."""
    for words in (
        ("status",), ("sync",), ("plan", "--last"), ("recommend",), ("jobs",), ("led",),
        ("led", "HELLO", "--ttl", "5"), ("logs", "-n", "5"), ("mode",), ("halt", "a", "test"),
        ("resume", "--yes"), ("backup",), ("plan",), ("doctor",), ("mode", "research"),
    ):  # fmt: skip
        answer = await idle(daemon, words)
        assert (answer.code, answer.err) == (0, ""), (words, answer)
        json.loads(answer.out)
        if words[0] in {"status", "jobs", "doctor", "recommend", "led", "logs"}:
            plain = await daemon.trimtab(*words)
            assert (plain.code, plain.err) == (0, ""), (words, plain)
            assert plain.out.strip()
    for words in (
        ("fly",), ("run", "dishes"), ("logs", "--lines", "0"), ("mode", "yolo"), ("mode", "live"),
        ("execute", "P1"), ("led", "HELLO", "--ttl", "0"),
    ):  # fmt: skip
        wrong = await daemon.trimtab(*words)
        assert (wrong.code, wrong.out) == (2, ""), (words, wrong)
        assert len(wrong.err.splitlines()) == 1, wrong.err
