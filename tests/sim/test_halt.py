"""A halt, by latch or by file, at hundreds of moments at which an order is about to leave."""

from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path

import pytest
import trio

from broker.market_data import OpeningCash
from tests.sim.life import Life, proposal
from tests.sim.market import small_market
from tests.sim.test_submission import finish
from tests.sim.world import World

MOMENTS = 20
# How many turns of the scheduler may lie between a proposal and the halt.
TURNS = 60
HALTED_S = 1.0


def busy_world(folder: Path, seed: int, *, rate: float = 2400.0) -> World:
    """Much money and thin markets: one order after the other for days."""
    cash = (OpeningCash("EUR", 400_000_00),)
    market = small_market(
        seed, days=60, mics=("XETR", "XPAR"), opening_cash=cash, volume=400, eventful=False
    )
    return World(folder, market, seed=seed, rate=rate)


async def halt_at_random_moments(life: Life, rng: random.Random) -> None:
    for _ in range(MOMENTS):
        await proposal(life)
        for _ in range(rng.randrange(TURNS)):
            await trio.lowlevel.checkpoint()
        by_file = rng.random() < 0.5
        if by_file:
            (life.folder / "HALT").touch()
        else:
            await life.halt()
        sent = len(life.line.departures)
        await trio.sleep(HALTED_S)
        assert len(life.line.departures) == sent, "an order left while halted"
        (life.folder / "HALT").unlink(missing_ok=True)
        await life.resume("owner", "file")


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 6))]
)
def test_s4_after_a_halt_at_any_moment_nothing_leaves(folder: Path, seed: int) -> None:
    world, rng = busy_world(folder, seed), random.Random(seed)

    async def script(life: Life) -> None:
        await halt_at_random_moments(life, rng)

    world.live(script)
    assert len(world.departures) > MOMENTS // 3
    finish(world)


@pytest.mark.parametrize("name", ["latch", "file", "crash"])
def test_s4_a_halt_survives_restarts_and_is_ended_by_name_only(folder: Path, name: str) -> None:
    world = busy_world(folder, 1)

    async def halted(life: Life) -> None:
        await proposal(life)
        if name == "file":
            (life.folder / "HALT").touch()
        else:
            await life.halt()
        if name == "crash":
            life.bomb.explode()
        await life.until(life.clock.market_now() + timedelta(hours=1))

    async def half_a_day(life: Life) -> None:
        await life.until(life.clock.market_now() + timedelta(hours=12))
        assert life.line.departures == []

    async def resumed(life: Life) -> None:
        (life.folder / "HALT").unlink(missing_ok=True)
        await life.resume("owner", "file")
        await life.when("SELECT 1 FROM fill")

    assert world.live(halted).exploded == (name == "crash")
    world.live(half_a_day)
    world.live(resumed)
    finish(world)
