"""What the socket's commands about plans and configurations ask, and what they refuse by name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, cast

import pytest

from daemon.control_errors import BadArgument
from daemon.plan_commands import PlanCommands
from daemon.planner_config_commands import PlannerConfigCommands
from daemon.system import System
from ledger.bucket import Autonomy, Bucket
from ledger.errors import ActorUnavailable, Missing, Unavailable
from ledger.plan import StepState
from tests.daemon.test_order_commands import asked_of
from tests.web.planner_world import RIGHT, TOML, WRONG, config, difference, eur, past, telling
from tests.web.world import NOW, World, empty_world, full_world, plan
from wire.planner_asks import (
    ApplyConfig,
    ApprovePlan,
    CreateConfig,
    DeleteConfig,
    DismissStep,
    PostponePlan,
    Recomputed,
    RecomputePlan,
    RejectPlan,
    SetAutonomy,
    ShowDifference,
    UpdateConfig,
    ValidateConfig,
)

PLAN = "01HPLAN0000000000000000001"
BY = "socket"


def planned() -> World:
    world = full_world()
    stored = telling(plan())
    world.boards.plan.publish(stored)
    world.views.plans["old"] = replace(telling(plan("old")), superseded=True)
    world.views.configs = (config("c-z", "Zest", None), config())
    world.views.past = (past(2), past(1))
    return world


def plans(world: World, *, paper: bool = True) -> PlanCommands:
    """Over the boards and boxes of the web's small world, which have the same shape."""
    return PlanCommands(cast(System, world), cast(Any, world.views), world.clock, paper)


def configs(world: World) -> PlannerConfigCommands:
    return PlannerConfigCommands(world.asks.planner, cast(Any, world.views))


async def asked(
    world: World, command: Callable[[], Awaitable[Any]], answer: object
) -> tuple[Any, list[Any]]:
    return await asked_of(world.asks.planner, command, answer)


async def test_a_plan_is_told_in_full_with_what_it_changes() -> None:
    world = planned()
    told, requests = await asked(world, lambda: plans(world).plan({}), difference(PLAN))
    assert requests == [ShowDifference(PLAN)]
    assert (told["plan_id"], told["proof"]["candidates"], told["no_difference"]) == (PLAN, 24, None)
    assert told["new_money"]["deposit_eur"] == "1250.00"
    assert told["alternatives"][0]["trades"] == "BUY 7 NOVN.EU"
    assert told["steps"][0]["step_id"] == f"{PLAN}-1"
    assert told["difference"]["securities"][0] == {
        "name": "AAPL.US", "before": 0.1088, "after": 0.0902, "target": 0.09,
    }  # fmt: skip
    assert told["difference"]["risk"]["drift"] == [0.12, 0.07]


async def test_a_plan_is_told_as_one_document() -> None:
    told = await plans(planned()).plan_report({})
    assert told is not None
    assert told["plan_id"] == PLAN
    assert told["markdown"].startswith(f"# Plan {PLAN}\n")
    other = await plans(planned()).plan_report({"plan_id": "old"})
    assert other is not None
    assert other["plan_id"] == "old"
    assert await plans(empty_world()).plan_report({}) is None


async def test_only_securities_that_change_are_told() -> None:
    world = planned()
    found = difference(PLAN)
    by_fees = found.securities[0].before + Decimal("0.0004")
    still = replace(found.securities[0], name="STILL.EU", after=by_fees)
    answer = replace(found, securities=(*found.securities, still))
    told, _ = await asked(world, lambda: plans(world).plan({}), answer)
    assert [row["name"] for row in told["difference"]["securities"]] == ["AAPL.US", "NOVN.EU"]


@pytest.mark.parametrize("error", [ActorUnavailable("busy"), Unavailable("not kept")])
async def test_a_plan_is_told_when_what_it_changes_is_not_known(error: Exception) -> None:
    world = planned()
    told, _ = await asked(world, lambda: plans(world).plan({"plan_id": "old"}), error)
    assert (told["plan_id"], told["superseded"]) == ("old", True)
    assert (told["difference"], told["no_difference"]) == (None, str(error))


async def test_an_unknown_plan_is_missing_and_none_is_none() -> None:
    with pytest.raises(Missing):
        await plans(planned()).plan({"plan_id": "x"})
    assert await plans(empty_world()).plan({}) is None


@pytest.mark.parametrize(
    ("said", "paper", "holds", "waits"),
    [
        (None, True, "act", False),
        (None, False, "approve", True),
        (Autonomy("act_below", eur("184.70")), True, "act_below", True),
        (Autonomy("advise"), True, "advise", False),
    ],
)
async def test_a_step_that_may_not_leave_alone_awaits_approval(
    said: Autonomy | None, holds: str, *, paper: bool, waits: bool
) -> None:
    world = planned()
    world.boards.buckets.publish((Bucket("core", "Core", "active", said),))
    told, _ = await asked(world, lambda: plans(world, paper=paper).plan({}), difference(PLAN))
    assert (told["autonomy"], told["awaiting_approval"]) == (holds, waits)


UNTIL = "2026-03-04T16:30:00+02:00"
WORDS: tuple[tuple[str, dict[str, Any], object], ...] = (
    ("approve", {}, ApprovePlan(PLAN, None, BY)),
    ("approve", {"step": 2}, ApprovePlan(PLAN, 2, BY)),
    ("approve", {"step": 2, "plan_id": "old"}, ApprovePlan("old", 2, BY)),
    ("reject", {}, RejectPlan(PLAN, BY)),
    ("reject", {"plan_id": "old"}, RejectPlan("old", BY)),
    ("postpone", {"until": UNTIL}, PostponePlan(PLAN, NOW + timedelta(days=2), BY)),
    ("postpone", {"minutes": 90}, PostponePlan(PLAN, NOW + timedelta(minutes=90), BY)),
    ("dismiss", {"step_id": f"{PLAN}-3"}, DismissStep(PLAN, 3, BY)),
)


@pytest.mark.parametrize(("name", "args", "request_"), WORDS)
async def test_the_owners_word_is_asked_of_the_planner(
    name: str, args: dict[str, Any], request_: object
) -> None:
    world = planned()
    stored = telling(plan())
    said = replace(stored.steps[0], state=StepState.APPROVED)
    answer = replace(stored, steps=(said, *stored.steps[1:]))
    table = plans(world).table()
    told, requests = await asked(world, lambda: table[name](args), answer)
    assert requests == [request_]
    assert (told["plan_id"], told["steps"][0]["state"]) == (PLAN, "approved")


@pytest.mark.parametrize("name", ["approve", "reject"])
async def test_without_a_plan_there_is_nothing_to_say(name: str) -> None:
    with pytest.raises(Missing):
        await plans(empty_world()).table()[name]({})


@pytest.mark.parametrize(
    ("name", "args", "field"),
    [
        ("approve", {"step": 0}, "step"),
        ("approve", {"step": True}, "step"),
        ("postpone", {}, "until"),
        ("postpone", {"until": "2026-03-04T16:30:00"}, "until"),
        ("postpone", {"until": "9999-12-31T23:59:59-10:00"}, "until"),
        ("postpone", {"minutes": 0}, "minutes"),
        ("postpone", {"minutes": 1e9}, "minutes"),
        ("dismiss", {}, "step_id"),
        ("dismiss", {"step_id": "-2"}, "step_id"),
        ("dismiss", {"step_id": "P-x"}, "step_id"),
        ("dismiss", {"step_id": "P-100"}, "step_id"),
        ("autonomy", {"mode": "always"}, "mode"),
        ("autonomy", {"mode": "act_below", "act_below_eur": "-1"}, "act_below_eur"),
        ("autonomy", {"mode": "act_below", "act_below_eur": "0.001"}, "act_below_eur"),
        ("recompute", {}, "plan_id"),
    ],
)
async def test_a_wrong_argument_is_named(name: str, args: dict[str, Any], field: str) -> None:
    with pytest.raises(BadArgument) as caught:
        await plans(planned()).table()[name](args)
    assert caught.value.field == field


async def test_autonomy_is_told_of_every_bucket_and_set_for_one() -> None:
    world = planned()
    assert await plans(world, paper=False).autonomy({}) == [
        {"bucket_id": "core", "autonomy": "approve", "act_below_eur": None, "paper": False}
    ]
    wanted = Autonomy("act_below", eur("500"))
    given = {"mode": "act_below", "act_below_eur": "500"}
    rows, requests = await asked(world, lambda: plans(world).autonomy(given), wanted)
    assert requests == [SetAutonomy("core", wanted, BY)]
    assert rows[0]["act_below_eur"] == "500.00"


async def test_a_plan_is_made_again_by_the_planner() -> None:
    world = planned()
    found = Recomputed(PLAN, "1f", same=False, differs="steps", explored=7)
    told, requests = await asked(world, lambda: plans(world).recompute({"plan_id": PLAN}), found)
    assert requests == [RecomputePlan(PLAN)]
    assert (told["same"], told["differs"]) == (False, "steps")


async def test_configurations_are_listed_by_name_and_told_with_their_text() -> None:
    world = planned()
    rows = await configs(world).configs({})
    assert [row["name"] for row in rows] == ["Core", "Zest"]
    assert "toml" not in rows[0]
    assert (await configs(world).show({"id": "c-core"}))["toml"] == TOML
    history = await configs(world).history({"id": "c-core"})
    assert [row["version"] for row in history] == [2, 1]
    (one,) = await configs(world).history({"id": "c-core", "version": 1})
    assert one["toml"] == TOML.replace("5", "1")


@pytest.mark.parametrize("name", ["planner_show", "planner_history"])
async def test_an_unknown_configuration_is_missing(name: str) -> None:
    with pytest.raises(Missing):
        await configs(planned()).table()[name]({"id": "x"})


CHANGES: tuple[tuple[str, dict[str, Any], object], ...] = (
    ("planner_save", {"name": "New", "toml": TOML}, CreateConfig("New", TOML, None)),
    (
        "planner_save",
        {"id": "c-core", "toml": TOML, "version": 3},
        UpdateConfig("c-core", None, TOML, None, 3),
    ),
    (
        "planner_save",
        {"id": "c-core", "bucket_id": ""},
        UpdateConfig("c-core", None, None, "", None),
    ),
    ("planner_apply", {"id": "c-core"}, ApplyConfig("c-core")),
)


@pytest.mark.parametrize(("name", "args", "request_"), CHANGES)
async def test_a_configuration_is_changed_by_asking_the_planner(
    name: str, args: dict[str, Any], request_: object
) -> None:
    world = planned()
    told, requests = await asked(world, lambda: configs(world).table()[name](args), config())
    assert (requests, told["id"], told["applied"]) == ([request_], "c-core", True)


async def test_a_configuration_is_deleted_by_asking_the_planner() -> None:
    world = planned()
    told, requests = await asked(world, lambda: configs(world).delete({"id": "c-core"}), None)
    assert (requests, told) == ([DeleteConfig("c-core")], {"deleted": "c-core"})


async def test_a_text_is_checked_with_every_finding_and_tried_when_asked() -> None:
    world = planned()
    told, requests = await asked(world, lambda: configs(world).validate({"toml": TOML}), WRONG)
    assert requests == [ValidateConfig(TOML, dry_run=False)]
    assert (told["valid"], told["errors"][0]["line"], told["counts"]) == (False, 3, None)
    given = {"toml": TOML, "dry_run": True}
    told, requests = await asked(world, lambda: configs(world).validate(given), RIGHT)
    assert requests == [ValidateConfig(TOML, dry_run=True)]
    assert told["counts"]["by_kind"] == {"rebalance_buys": 20, "profit_taking": 4}


@pytest.mark.parametrize(
    ("name", "args", "field"),
    [
        ("planner_validate", {}, "toml"),
        ("planner_validate", {"toml": "#" * 60_001}, "toml"),
        ("planner_save", {"toml": TOML}, "name"),
        ("planner_save", {"id": "c-core", "toml": 5}, "toml"),
        ("planner_save", {"id": "c-core", "version": 0}, "version"),
        ("planner_apply", {}, "id"),
        ("planner_show", {"id": "x" * 201}, "id"),
    ],
)
async def test_a_wrong_argument_of_a_configuration_is_named(
    name: str, args: dict[str, Any], field: str
) -> None:
    with pytest.raises(BadArgument) as caught:
        await configs(planned()).table()[name](args)
    assert caught.value.field == field
