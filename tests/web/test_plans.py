"""A plan in full, and the owner's word on it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from ledger.bucket import Autonomy, Bucket
from ledger.errors import (
    ActorUnavailable,
    Conflict,
    Missing,
    Refused,
    Unanswered,
    Unavailable,
)
from ledger.plan import StepState, StoredPlan
from tests.web.asking import Sender
from tests.web.planner_world import difference, eur, telling
from tests.web.world import NOW, World, full_world, plan, trading
from web.api.plans import named
from wire.planner_asks import (
    ApprovePlan,
    DismissStep,
    PostponePlan,
    RejectPlan,
    SetAutonomy,
    ShowDifference,
)

PLAN = "01HPLAN0000000000000000001"
BY = "http:token@<local>"
RECOMMENDED = "/api/trades/recommendations"


def planned(*, proved: bool = False) -> World:
    """A world whose plan tells everything and is kept in the store, too."""
    world = full_world()
    stored = telling(plan(), proved=proved)
    world.boards.plan.publish(stored)
    world.views.plans[PLAN] = stored
    return world


def say(world: World, autonomy: Autonomy | None) -> None:
    world.boards.buckets.publish((Bucket("core", "Core", "active", autonomy),))


async def recommended(world: World) -> Any:
    return (await Sender(world)("GET", RECOMMENDED))[1]


async def test_a_plan_tells_how_good_it_is_and_what_else_was_found() -> None:
    shown = await recommended(planned())
    assert shown["proof"] == {
        "proved": False, "gap": 0.1204, "bound": 3.1004, "explored": 200_000, "budget": 250_000,
        "depth": 5, "proved_depth": 3, "candidates": 24,
    }  # fmt: skip
    assert shown["origins"] == ["profit_taking", "beam"]
    end = shown["breakdown"]["end"]
    assert (end["total"], end["cost_eur"], shown["breakdown"]["start"]["total"]) == (
        0.752, 6.54, 0.722,
    )  # fmt: skip
    assert end["parts"][0] == {
        "name": "diversification", "value": 0.8, "weight": 0.25, "contribution": 0.2,
    }  # fmt: skip
    first, second = shown["alternatives"]
    assert (first["net"], first["executable"], second["executable"]) == (1.25, True, False)
    assert first["trades"] == [
        {"side": "BUY", "symbol": "NOVN.EU", "quantity": 7, "value_eur": 646.45}
    ]
    assert first["end"]["total"] == 0.748
    assert shown["robustness"]["standard_error"] == 0.0021
    assert shown["new_money"] == {
        "free_eur": 500, "spent_eur": 461.75, "deposit_eur": 1250, "deposit_share": None,
        "blocked_by": ["DEMO1.XX"],
    }  # fmt: skip
    assert shown["notes"] == ["no correlations yet"]
    facts = shown["facts"]
    assert (facts["strategy"], facts["net_eur"], facts["goals"]) == (
        "rebalance", 1402.24, {"windfall": 1},
    )  # fmt: skip
    (sale,) = facts["steps"]
    assert (sale["sold_share"], sale["is_windfall"], sale["pays_for"]) == (0.1667, True, "Novartis")
    assert sale["quality"] is None
    assert (shown["config_name"], shown["config_hash"]) == ("Core", "aa11")
    assert (shown["input_hash"], shown["seed"]) == ("1f" * 16, 2**63 + 11)


async def test_steps_have_a_name_and_flags_from_their_tags() -> None:
    world = planned()
    stored = world.boards.plan.value
    assert stored is not None
    windfall = replace(stored.steps[0].step, tags=("windfall", "profit_taking"))
    first = replace(stored.steps[0], step=windfall)
    world.boards.plan.publish(replace(stored, steps=(first, *stored.steps[1:])))
    one, two, _ = (await recommended(world))["steps"]
    assert (one["step_id"], two["step_id"]) == (f"{PLAN}-1", f"{PLAN}-2")
    assert (one["is_windfall"], one["is_averaging_down"]) == (True, False)
    assert (two["is_windfall"], two["is_averaging_down"]) == (False, True)
    assert one["contributes_to"] == ["windfall", "profit_taking"]


async def test_without_a_plan_nothing_is_claimed_about_one() -> None:
    world = full_world()
    world.boards.plan.publish(replace(plan(), superseded=True))
    shown = await recommended(world)
    assert (shown["proof"], shown["alternatives"], shown["new_money"]) == (None, [], None)
    assert shown["breakdown"] == {"start": None, "end": None}
    assert (shown["awaiting_approval"], shown["config_name"]) == (False, None)


# The first step is worth 184.70 EUR.
@pytest.mark.parametrize(
    ("autonomy", "state", "awaits"),
    [
        (Autonomy("advise"), StepState.PROPOSED, False),
        (Autonomy("approve"), StepState.PROPOSED, True),
        (Autonomy("approve"), StepState.APPROVED, False),
        (Autonomy("approve"), StepState.SUBMITTED, False),
        (Autonomy("act_below", eur("184.70")), StepState.PROPOSED, True),
        (Autonomy("act_below", eur("184.71")), StepState.PROPOSED, False),
        (Autonomy("act"), StepState.PROPOSED, False),
        (None, StepState.PROPOSED, False),
    ],
)
async def test_a_step_awaits_approval_when_it_may_not_leave_by_itself(
    autonomy: Autonomy | None, state: StepState, *, awaits: bool
) -> None:
    world = planned()
    say(world, autonomy)
    stored = world.boards.plan.value
    assert stored is not None
    first = replace(stored.steps[0], state=state)
    world.boards.plan.publish(replace(stored, steps=(first, *stored.steps[1:])))
    shown = await recommended(world)
    assert shown["awaiting_approval"] is awaits
    assert shown["autonomy"] == (autonomy.mode if autonomy else "act")


async def test_what_the_owner_says_of_a_bucket_shows_at_once() -> None:
    world = planned()
    send = Sender(world)
    before = (await send("GET", RECOMMENDED))[1]
    say(world, Autonomy("approve"))
    after = (await send("GET", RECOMMENDED))[1]
    assert (before["awaiting_approval"], after["awaiting_approval"]) == (False, True)


async def test_real_money_waits_for_its_owner_by_default() -> None:
    world = planned()
    world.boards.trading.publish(replace(trading(), broker="tradernet"))
    assert (await recommended(world))["autonomy"] == "approve"


@pytest.mark.parametrize("slash", ["", "/"])
async def test_a_stored_plan_comes_with_what_it_changes(slash: str) -> None:
    world = planned()
    send = Sender(world, {"planner": (difference(PLAN),)})
    status, shown = await send("GET", f"/api/planner/plans/{PLAN}{slash}")
    assert (status, send.asked) == (200, [ShowDifference(PLAN)])
    assert (shown["plan_id"], shown["state"], shown["superseded"]) == (PLAN, "ready", False)
    assert shown["proof"]["depth"] == 5
    changed = shown["difference"]
    assert changed["securities"][1] == {
        "name": "NOVN.EU", "before": 0.151, "after": 0.1993, "target": None,
    }  # fmt: skip
    assert changed["cash"] == [{"currency": "EUR", "before": 1843.27, "after": 440.11}]
    assert (changed["fees_eur"], changed["traded_eur"], changed["turnover"]) == (
        6.54, 1765.1, 0.091827,
    )  # fmt: skip
    assert (changed["score_before"], changed["score_after"]) == (72.2, 75.2)
    assert changed["risk"] == {
        "volatility_before": 0.142, "volatility_after": 0.137, "covered": 0.93,
        "largest_before": 0.191, "largest_after": 0.199, "drift_before": 0.12, "drift_after": 0.07,
    }  # fmt: skip
    assert shown["no_difference"] is None


@pytest.mark.parametrize(
    "error", [Unavailable("its input was not kept"), ActorUnavailable("planner is busy"),
              Unanswered("planner did not answer within 10 s")]
)  # fmt: skip
async def test_a_plan_can_be_read_when_what_it_changes_cannot_be_told(error: Exception) -> None:
    status, shown = await Sender(planned(), {"planner": (error,)})(
        "GET", f"/api/planner/plans/{PLAN}"
    )
    assert (status, shown["difference"], shown["no_difference"]) == (200, None, str(error))
    assert shown["depth"] == 3


async def test_an_older_plan_is_stale_whatever_is_planned_now() -> None:
    world = planned()
    old = telling(plan("01HPLAN0000000000000000000"))
    world.views.plans[old.plan.plan_id] = replace(old, superseded=True)
    _, shown = await Sender(world, {"planner": (difference(PLAN),)})(
        "GET", f"/api/planner/plans/{old.plan.plan_id}"
    )
    assert (shown["state"], shown["superseded"], shown["next_step"]) == ("stale", True, None)


async def test_an_unknown_plan_is_missing_and_asks_nobody() -> None:
    send = Sender(planned(), {"planner": (difference(PLAN),)})
    status, problem = await send("GET", "/api/planner/plans/nothing")
    assert (status, problem["code"], send.asked) == (404, "missing", [])


UNTIL = NOW + timedelta(days=2)
WORDS: tuple[tuple[str, Any, object], ...] = (
    (f"/api/planner/plans/{PLAN}/approve", None, ApprovePlan(PLAN, None, BY)),
    (f"/api/planner/plans/{PLAN}/approve", {}, ApprovePlan(PLAN, None, BY)),
    (f"/api/planner/plans/{PLAN}/approve", {"step": 2}, ApprovePlan(PLAN, 2, BY)),
    (
        f"/api/planner/plans/{PLAN}/postpone",
        {"until": "2026-03-04T16:30:00+02:00"},
        PostponePlan(PLAN, UNTIL, BY),
    ),
    (f"/api/planner/plans/{PLAN}/reject", None, RejectPlan(PLAN, BY)),
    (f"{RECOMMENDED}/{PLAN}-3/dismiss", None, DismissStep(PLAN, 3, BY)),
)


def decided() -> StoredPlan:
    stored = telling(plan())
    first = replace(stored.steps[0], state=StepState.APPROVED)
    return replace(stored, steps=(first, *stored.steps[1:]), postponed_until=UNTIL)


@pytest.mark.parametrize(("path", "body", "asked"), WORDS)
async def test_the_owners_word_is_asked_of_the_planner_and_the_plan_comes_back(
    path: str, body: Any, asked: object
) -> None:
    send = Sender(planned(), {"planner": (decided(),)})
    for slash in ("", "/"):
        status, shown = await send("POST", path + slash, body)
        assert (status, send.asked[-1]) == (200, asked)
        assert (shown["plan_id"], shown["steps"][0]["state"]) == (PLAN, "approved")
        assert datetime.fromisoformat(shown["postponed_until"]) == UNTIL
    assert len(send.asked) == 2


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Conflict("another plan took its place", code="stale_plan"), 409, "stale_plan"),
        (Missing("there is no plan"), 404, "missing"),
        (Refused("halted: owner", code="halted"), 423, "halted"),
        (ActorUnavailable("planner is busy"), 503, "actor_unavailable"),
        (Unanswered("planner did not answer"), 503, "actor_unavailable"),
    ],
)
async def test_every_refusal_of_the_owners_word_has_its_status(
    error: Exception, status: int, code: str
) -> None:
    send = Sender(planned(), {"planner": (error,)})
    for path, body, _ in WORDS:
        answer, problem = await send("POST", path, body)
        assert (answer, problem["code"], problem["detail"]) == (status, code, str(error))


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("approve", {"step": 0}, "step"),
        ("approve", {"step": "1"}, "step"),
        ("approve", {"steps": 1}, "steps"),
        ("postpone", {}, "until"),
        ("postpone", {"until": "2026-03-04T16:30:00"}, "until"),
        ("postpone", {"until": "tomorrow"}, "until"),
        ("postpone", {"until": "9999-12-31T23:59:59-10:00"}, "until"),
    ],
)
async def test_a_body_that_makes_no_sense_is_refused_by_its_field(
    path: str, body: Any, field: str
) -> None:
    send = Sender(planned(), {"planner": (decided(),)})
    status, problem = await send("POST", f"/api/planner/plans/{PLAN}/{path}", body)
    assert (status, problem["errors"][0]["field"], send.asked) == (422, field, [])


async def test_an_instant_that_is_over_is_refused_by_its_field() -> None:
    error = Refused("2026-03-01 is over", code="until")
    status, problem = await Sender(planned(), {"planner": (error,)})(
        "POST", f"/api/planner/plans/{PLAN}/postpone", {"until": "2026-03-01T00:00:00Z"}
    )
    assert (status, problem["code"]) == (422, "until")
    assert problem["errors"] == [{"field": "until", "message": str(error)}]


async def test_nobody_decides_without_showing_who_he_is() -> None:
    client = planned().app().test_client()
    for path, _, _ in WORDS:
        assert (await client.post(path)).status_code == 401


@pytest.mark.parametrize("name", ["P", "P-", "-1", "P-x", "P-1x", "P-100", "P-١", ""])
async def test_what_names_no_step_is_missing(name: str) -> None:
    with pytest.raises(Missing):
        named(name)


def test_the_name_of_a_step_may_hold_hyphens_of_its_plan() -> None:
    assert named("0198-ab-12") == ("0198-ab", 12)


async def test_an_unknown_step_is_missing_and_asks_nobody() -> None:
    send = Sender(planned(), {"planner": (decided(),)})
    assert (await send("POST", f"{RECOMMENDED}/nothing/dismiss"))[0] == 404
    assert send.asked == []


AUTONOMY = "/api/planner/autonomy"


@pytest.mark.parametrize("slash", ["", "/"])
async def test_every_bucket_says_what_its_orders_may_do(slash: str) -> None:
    world = full_world()
    _, unsaid = await Sender(world)("GET", AUTONOMY + slash)
    say(world, Autonomy("act_below", eur("500")))
    _, said = await Sender(world)("GET", AUTONOMY + slash)
    assert [row["autonomy"] for row in unsaid] == ["act"]
    assert said == [
        {"bucket_id": "core", "name": "Core", "autonomy": "act_below", "act_below_eur": 500,
         "broker": "paper", "paper": True}
    ]  # fmt: skip


async def test_autonomy_is_changed_by_asking_the_planner() -> None:
    wanted = Autonomy("act_below", eur("250.50"))
    send = Sender(full_world(), {"planner": (wanted,)})
    status, shown = await send(
        "PUT", AUTONOMY, {"bucket_id": "core", "autonomy": "act_below", "act_below_eur": 250.5}
    )
    assert (status, send.asked) == (200, [SetAutonomy("core", wanted, BY)])
    assert (shown["autonomy"], Decimal(str(shown["act_below_eur"]))) == (
        "act_below", Decimal("250.5"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"autonomy": "always"}, "autonomy"),
        ({}, "autonomy"),
        ({"autonomy": "act_below", "act_below_eur": -1}, "act_below_eur"),
        ({"autonomy": "act_below", "act_below_eur": 0.001}, "act_below_eur"),
        ({"autonomy": "act_below", "act_below_eur": "1e999999"}, "act_below_eur"),
        ({"autonomy": "act", "bucket": "core"}, "bucket"),
    ],
)
async def test_what_is_no_autonomy_is_refused_by_its_field(body: Any, field: str) -> None:
    send = Sender(full_world(), {"planner": (Autonomy("act"),)})
    status, problem = await send("PUT", AUTONOMY, body)
    assert (status, problem["errors"][0]["field"], send.asked) == (422, field, [])


@pytest.mark.parametrize(
    ("error", "status", "field"),
    [
        (Refused("act_below needs an amount", code="act_below"), 422, "act_below_eur"),
        (Missing("there is no bucket x"), 404, None),
    ],
)
async def test_autonomy_that_is_refused_says_why(
    error: Exception, status: int, field: str | None
) -> None:
    send = Sender(full_world(), {"planner": (error,)})
    answer, problem = await send("PUT", AUTONOMY, {"autonomy": "act_below"})
    assert answer == status
    assert [one["field"] for one in problem.get("errors", [])] == ([field] if field else [])
