"""What the planner is doing, and asking it for a new plan."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from ledger.errors import ActorUnavailable, Busy
from tests.web.asking import Sender
from tests.web.wire_client import opened
from tests.web.world import World, empty_world, full_world, plan, planner_status
from wire.planner_asks import PlanAgain

STATUS = "/api/planner/status"
AGAIN = "/api/planner/regenerate-sequences"
NEWS = "/api/trades/recommendations/stream"


async def status_of(world: World) -> Any:
    return (await Sender(world)("GET", STATUS))[1]


async def test_progress_counts_what_this_run_looked_at() -> None:
    world = full_world()
    running = planner_status(state="evaluating", evaluated=7103)
    world.boards.planner.publish(
        replace(running, run_id="R7", phase="beam", gap=0.123456, notes=("no correlations yet",))
    )
    shown = await status_of(world)
    assert (shown["is_planning"], shown["is_finished"]) == (True, False)
    assert (shown["evaluated_count"], shown["progress_percentage"]) == (7103, 25.0)
    assert (shown["run_id"], shown["phase"], shown["gap"]) == ("R7", "beam", 0.1235)
    assert (shown["notes"], shown["portfolio_hash"]) == (["no correlations yet"], "9f2c4b7a")


@pytest.mark.parametrize(("evaluated", "total"), [(28_412, 28_412), (40, 28_412), (0, 0)])
async def test_a_run_is_finished_when_it_is_complete_however_much_it_looked_at(
    evaluated: int, total: int
) -> None:
    world = full_world()
    world.boards.planner.publish(replace(planner_status(evaluated=evaluated), total=total))
    shown = await status_of(world)
    assert (shown["is_finished"], shown["is_planning"]) == (True, False)
    assert (shown["progress_percentage"], shown["evaluated_count"]) == (100.0, evaluated)


@pytest.mark.parametrize("state", ["idle", "failed", "generating", "evaluating"])
async def test_a_run_that_is_not_complete_is_not_finished(state: str) -> None:
    world = full_world()
    world.boards.planner.publish(replace(planner_status(state=state), error="no rate for USD"))
    shown = await status_of(world)
    assert shown["is_finished"] is False
    assert (shown["state"], shown["error"]) == (state, "no rate for USD")


async def test_before_the_planner_has_spoken_it_is_idle() -> None:
    shown = await status_of(empty_world())
    assert (shown["state"], shown["is_planning"], shown["is_finished"]) == ("idle", False, False)
    assert (shown["progress_percentage"], shown["portfolio_hash"]) == (0.0, None)


@pytest.mark.parametrize("slash", ["", "/"])
async def test_a_new_plan_is_asked_for_and_its_run_named(slash: str) -> None:
    send = Sender(full_world(), {"planner": ("01HRUN7",)})
    status, done = await send("POST", AGAIN + slash)
    assert (status, send.asked) == (202, [PlanAgain("core")])
    assert done == {
        "status": "success", "message": "a new plan is being made", "portfolio_hash": "9f2c4b7a",
        "run_id": "01HRUN7",
    }  # fmt: skip


async def test_the_hash_is_that_of_the_plan_while_the_planner_names_none() -> None:
    world = empty_world()
    world.boards.planner.publish(replace(planner_status(state="idle"), portfolio_hash=""))
    send = Sender(world, {"planner": ("R1", "R2")})
    assert (await send("POST", AGAIN))[1]["portfolio_hash"] is None
    world.boards.plan.publish(plan())
    assert (await send("POST", AGAIN))[1]["portfolio_hash"] == "9f2c4b7a"


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Busy("a plan is being made", run_id="R1"), 409, "already_running"),
        (ActorUnavailable("planner is busy"), 503, "actor_unavailable"),
    ],
)
async def test_no_second_plan_is_made_beside_the_first(
    error: Exception, status: int, code: str
) -> None:
    answer, problem = await Sender(full_world(), {"planner": (error,)})("POST", AGAIN)
    assert (answer, problem["code"]) == (status, code)
    assert problem.get("run_id") == getattr(error, "run_id", None)


async def test_every_status_has_a_number_that_rises_and_the_last_one_arrives(
    autojump_clock: MockClock,
) -> None:
    world = full_world()
    numbers: list[int | None] = []
    async with opened(world.app(), f"{STATUS}/stream") as client:
        for evaluated in range(40):
            world.boards.planner.publish(planner_status(state="evaluating", evaluated=evaluated))
            await trio.sleep(0.05)
        world.boards.planner.publish(planner_status())
        data: dict[str, Any] = {}
        while data.get("state") != "complete":
            name, number, data = await client.next()
            if name == "message":
                numbers.append(number)
    known = [number for number in numbers if number is not None]
    assert known == sorted(set(known))
    assert len(known) == len(numbers)
    assert (data["is_finished"], data["progress_percentage"]) == (True, 100.0)


async def test_a_quiet_status_stream_beats_without_state(autojump_clock: MockClock) -> None:
    async with opened(full_world().app(), f"{STATUS}/stream") as client:
        await client.next()
        name, number, beat = await client.next()
    assert (name, number, set(beat)) == ("hb", None, {"seq"})


async def test_a_client_that_comes_late_is_told_that_the_plan_may_no_longer_hold() -> None:
    world = full_world()
    world.tell("PLAN_GENERATED")
    world.tell("TRADE_EXECUTED")
    world.tell("JOB_STARTED")
    async with opened(world.app(), NEWS) as client:
        _, number, hello = await client.next()
    assert (number, hello["seq"], hello["connected"], hello["invalidated"]) == (3, 3, True, True)
    assert (hello["reason"], hello["portfolio_hash"]) == ("TRADE_EXECUTED", "9f2c4b7a")


async def test_a_newer_plan_makes_up_for_what_made_the_old_one_stale() -> None:
    world = full_world()
    world.tell("TRADE_EXECUTED")
    world.tell("PLAN_GENERATED")
    async with opened(world.app(), NEWS) as client:
        _, _, hello = await client.next()
    assert "invalidated" not in hello


async def test_what_was_invalidated_is_said_once_and_never_by_a_heartbeat(
    autojump_clock: MockClock,
) -> None:
    world = full_world()
    async with opened(world.app(), NEWS) as client:
        await client.next()
        for reason in ("SETTINGS_CHANGED", "SECURITY_CHANGED"):
            world.tell(reason)
        told = [await client.next() for _ in range(5)]
    news = [data for name, _, data in told if name == "message"]
    assert [one["reason"] for one in news] == ["SETTINGS_CHANGED", "SECURITY_CHANGED"]
    assert news[0]["seq"] < news[1]["seq"]
    assert [data for name, _, data in told if name == "hb"] == [{"seq": 2}] * 3


async def test_prices_alone_are_no_news_and_a_plan_is_announced_once(
    autojump_clock: MockClock,
) -> None:
    world = full_world()
    async with opened(world.app(), NEWS) as client:
        await client.next()
        world.tell("PORTFOLIO_CHANGED", ledger_seq=42)
        world.tell("PLAN_GENERATED")
        world.tell("RECOMMENDATIONS_READY")
        world.tell("PORTFOLIO_CHANGED", ledger_seq=42)
        world.tell("PORTFOLIO_CHANGED", ledger_seq=43)
        world.tell("PORTFOLIO_CHANGED", ledger_seq=43)
        world.tell("RECOMMENDATIONS_READY")
        told = [await client.next() for _ in range(4)]
    assert [(number, data.get("reason")) for _, number, data in told] == [
        (2, None), (5, "PORTFOLIO_CHANGED"), (7, None), (None, None),
    ]  # fmt: skip


async def test_a_client_that_comes_late_is_not_told_of_prices() -> None:
    world = full_world()
    for seq in (41, 42):
        world.tell("PORTFOLIO_CHANGED", ledger_seq=seq)
    world.tell("PLAN_GENERATED")
    world.tell("PORTFOLIO_CHANGED", ledger_seq=42)
    async with opened(world.app(), NEWS) as client:
        _, _, hello = await client.next()
    assert "invalidated" not in hello
