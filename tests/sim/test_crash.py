"""The daemon is killed at every step of one order's way; nothing is lost and nothing done twice.

The way begins when the order is proposed and ends with its fill. It is walked once to count its
commits, calls and task steps, and then again and again with a crash at each of them.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.sim import invariants
from tests.sim.campaign import settle
from tests.sim.crash import Bomb, Fuse, Where
from tests.sim.life import Life, proposal
from tests.sim.market import SmallMarket
from tests.sim.test_submission import plain_market
from tests.sim.world import World

RATE = 600.0
PROPOSED = "SELECT 1 FROM intent"
FILLED = "SELECT 1 FROM intent WHERE intent_id = 1 AND state = 'filled'"
SETTLED = "SELECT 1 FROM intent WHERE state IN ('filled', 'not_placed', 'rejected', 'cancelled')"
# Far fewer task steps matter than there are: those without effect lie between the others.
STEP_STRIDE = 3


@dataclass(frozen=True, slots=True)
class Way:
    """A folder just before the first session, and where the way begins and ends, by counter."""

    folder: Path
    market: SmallMarket
    machine_s: float
    begin: dict[Where, int]
    end: dict[Where, int]

    def crash_at(self, where: Where, count: int, folder: Path) -> World:
        """Walk the way in a fresh copy until the crash, then restart and let the order end."""
        shutil.copytree(self.folder, folder)
        world = self.world(folder)
        bomb = world.live(until_filled, bomb=Bomb(Fuse(where, count)))
        assert bomb.exploded
        assert invariants.broken(folder) == []
        world.live(until_ended)
        return world

    def world(self, folder: Path) -> World:
        return World(folder, self.market, seed=1, rate=RATE, machine_s=self.machine_s)


async def until_filled(life: Life) -> None:
    await life.when(FILLED)


async def until_ended(life: Life) -> None:
    await life.when(SETTLED)
    await settle(life)


async def nothing(life: Life) -> None:
    """Start, read the account, stop."""


def problems(world: World) -> list[str]:
    tags = [departure.tag for departure in world.departures]
    twice = ["an order was sent twice"] if len(tags) != len({*tags}) else []
    found = [*invariants.broken(world.folder), *invariants.unsettled(world.folder)]
    return [*found, *world.violations, *world.crashed_actors, *twice]


def walk(folder: Path) -> Way:
    market = plain_market()
    start, copy = folder / "start", folder / "counted"
    start.mkdir()
    first = World(start, market, seed=1, rate=RATE)
    first.live(nothing)
    way = Way(start, market, first.machine_s, {}, {})
    shutil.copytree(start, copy)
    begin: dict[Where, int] = {}

    async def note_and_go_on(life: Life) -> None:
        await proposal(life)
        # The proposal has just been committed: its own commit belongs to the way.
        begin.update({where: max(count, 1) for where, count in life.bomb.passed.items()})
        while not life.ask(FILLED):
            await life.committed()

    end = way.world(copy).live(note_and_go_on).passed
    return Way(start, market, first.machine_s, begin, dict(end))


def crash_everywhere(folder: Path, where: Where, *, stride: int = 1) -> None:
    way = walk(folder)
    points = range(way.begin[where], way.end[where] + 1, stride)
    assert len(points) > 5
    for count in points:
        world = way.crash_at(where, count, folder / f"{where}-{count}")
        assert problems(world) == [], Fuse(where, count)
        shutil.rmtree(world.folder)


@pytest.mark.parametrize("where", ["after_commit", "after_call"])
def test_o2_o5_a_crash_after_any_commit_or_call_of_an_order_loses_and_doubles_nothing(
    folder: Path, where: Where
) -> None:
    crash_everywhere(folder, where)


@pytest.mark.slow
@pytest.mark.parametrize("where", ["before_commit", "before_call"])
def test_o2_o5_a_crash_before_any_commit_or_call_of_an_order_loses_and_doubles_nothing(
    folder: Path, where: Where
) -> None:
    crash_everywhere(folder, where)


def test_o2_an_order_that_was_placed_but_not_recorded_is_found_after_the_crash(
    folder: Path,
) -> None:
    way = walk(folder)
    world = way.crash_at("after_place", 1, folder / "world")
    path = "SELECT after FROM order_event WHERE intent_id = 1 ORDER BY event_id"
    states = [state for (state,) in invariants.rows(world.folder, path)]
    assert states[:4] == ["proposed", "submitting", "unknown", "accepted"]
    assert invariants.count(world.folder, "SELECT count(*) FROM recovery") == 1
    assert problems(world) == []


def test_o5_an_order_that_was_committed_but_not_sent_is_proved_absent_after_the_crash(
    folder: Path,
) -> None:
    way = walk(folder)
    world = way.crash_at("before_place", 1, folder / "world")
    state = "SELECT state FROM intent WHERE intent_id = 1"
    assert invariants.rows(world.folder, state) == [("not_placed",)]
    assert invariants.count(world.folder, "SELECT looks FROM order_look") >= 3
    assert problems(world) == []


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_o2_a_crash_at_any_task_step_of_an_order_loses_and_doubles_nothing(folder: Path) -> None:
    crash_everywhere(folder, "step", stride=STEP_STRIDE)
