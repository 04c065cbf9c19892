"""Actors that crash and calls that hang: the rest of the daemon goes on, and nothing is doubled."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import trio

from tests.sim import invariants
from tests.sim.life import Life, Trouble
from tests.sim.test_submission import finish, plain_market, world_of
from wire.messages import ShowText

RESTARTED = "SELECT 1 FROM fill"
FLAWS = {
    "before_commit": 0.02,
    "after_commit": 0.02,
    "place": 0.5,
    "fills_since": 0.1,
    "open_orders": 0.1,
    "a computation": 0.1,
}
REPEATED = ("before_commit", "fills_since", "open_orders")


@pytest.mark.parametrize(
    "where",
    ["after_commit", "place", "a computation"]
    + [pytest.param(name, marks=pytest.mark.slow) for name in REPEATED],
)
def test_s1_an_actor_that_crashes_is_restarted_without_a_doubled_effect(
    folder: Path, where: str
) -> None:
    world = world_of(folder, plain_market(volume=2_000), rate=2400.0)
    trouble = Trouble("s1", chance=FLAWS[where], only=where, armed=False)

    async def troubled_day(life: Life) -> None:
        trouble.armed = True
        await life.until(life.market.start + timedelta(hours=10))
        trouble.armed = False
        assert sum(beat.restarts for beat in life.system.health.all()) > 0
        await trio.sleep(70)  # the longest wait before a restart
        states = {beat.state for beat in life.system.health.all()}
        assert states <= {"up", "failed"}

    world.live(troubled_day, trouble=trouble)
    assert trouble.struck > 0
    finish(world)


@pytest.mark.parametrize("method", ["open_orders", "fills_since"])
def test_s1_an_actor_that_crashes_again_and_again_halts_trading(folder: Path, method: str) -> None:
    world = world_of(folder, rate=2400.0)
    trouble = Trouble("s1", chance=1.0, only=method, armed=False)

    async def script(life: Life) -> None:
        await life.when(RESTARTED)
        trouble.armed = True
        await life.when("SELECT 1 FROM latch WHERE name = 'actor_failed'", within_s=1200)
        sent = len(life.line.departures)
        trouble.armed = False
        await life.until(life.clock.market_now() + timedelta(days=1))
        assert len(life.line.departures) == sent

    world.live(script, trouble=trouble)
    finish(world)


HANGING = ("snapshot", "quotes", "open_orders", "fills_since", "rates", "place")


@pytest.mark.parametrize("method", HANGING)
def test_s2_a_call_that_never_returns_stalls_nobody_else(folder: Path, method: str) -> None:
    world = world_of(folder, rate=60.0)

    async def script(life: Life) -> None:
        await life.when("SELECT 1 FROM intent WHERE state = 'filled'")
        life.line.hung.add(method)
        boards = life.system.boards
        seen: list[tuple[int, int, int]] = []
        for _ in range(18):
            await trio.sleep(5)
            now_s = trio.current_time()
            late = [beat.actor for beat in life.system.health.all() if beat.late(now_s)]
            assert late == []
            before_s = trio.current_time()
            await life.system.asks.ticker.ask(ShowText("still here", 1.0), deadline_s=1)
            assert trio.current_time() - before_s < 0.1
            seen.append((boards.ticker.version, boards.display.version, boards.jobs.version))
        assert all(later > earlier for earlier, later in zip(seen[0], seen[-1], strict=True))
        before_s = trio.current_time()
        await life.halt()
        assert trio.current_time() - before_s < 1

    world.live(script)
    assert invariants.broken(folder) == []
    finish(world)
