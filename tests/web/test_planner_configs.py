"""Configurations of the planner: read from the views, changed by asking, told with their lines."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ledger.errors import ActorUnavailable, Conflict, Missing, Refused
from ledger.planner_config import ConfigFinding, ConfigRefused, StoredConfig
from tests.web.asking import Sender
from tests.web.planner_world import RIGHT, TOML, WRONG, config, past
from tests.web.world import World, full_world
from wire.planner_asks import (
    ApplyConfig,
    CreateConfig,
    DeleteConfig,
    UpdateConfig,
    ValidateConfig,
)

CONFIGS = "/api/planners"
CORE = f"{CONFIGS}/c-core"
WANTED = {"name": "Core", "toml_config": TOML}


def configured() -> World:
    world = full_world()
    world.views.configs = (config("c-z", "Zest", None), config(), config("c-a", "Able", None))
    world.views.past = (past(2), past(1))
    return world


def asking(*answers: object) -> Sender:
    return Sender(configured(), {"planner": answers} if answers else None)


@pytest.mark.parametrize("slash", ["", "/"])
async def test_configurations_are_listed_by_name(slash: str) -> None:
    status, rows = await asking()("GET", CONFIGS + slash)
    assert (status, [row["name"] for row in rows]) == (200, ["Able", "Core", "Zest"])
    assert [row["bucket_id"] for row in rows] == [None, "core", None]


@pytest.mark.parametrize("slash", ["", "/"])
async def test_one_configuration_has_its_version_as_its_tag(slash: str) -> None:
    send = asking()
    status, row = await send("GET", CORE + slash)
    assert (status, send.headers["etag"]) == (200, '"3"')
    assert row == {
        "id": "c-core", "name": "Core", "toml_config": TOML, "bucket_id": "core", "version": 3,
        "applied": True, "text_hash": "aa11", "applied_hash": "aa11",
        "created_at": "2026-02-20T09:00:00Z", "updated_at": "2026-02-21T09:00:00Z",
    }  # fmt: skip


async def test_a_text_that_was_not_applied_yet_says_so() -> None:
    world = configured()
    world.views.configs = (replace(config(), text_hash="new"),)
    _, row = await Sender(world)("GET", CORE)
    assert (row["applied"], row["applied_hash"]) == (False, "aa11")


@pytest.mark.parametrize("slash", ["", "/"])
async def test_history_comes_newest_first(slash: str) -> None:
    status, rows = await asking()("GET", f"{CORE}/history{slash}")
    assert (status, [row["version"] for row in rows]) == (200, [2, 1])
    assert rows[0] == {
        "id": "h-2", "planner_config_id": "c-core", "name": "Core",
        "toml_config": TOML.replace("5", "2"), "version": 2, "text_hash": "bb2",
        "summary": "max_depth 2 → 3", "saved_at": "2026-02-20T11:00:00Z",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("GET", "/history"), ("POST", "/apply")],
)
async def test_what_is_not_there_is_missing_and_asks_nobody(method: str, path: str) -> None:
    send = asking(config())
    status, problem = await send(method, f"{CONFIGS}/none{path}")
    assert (status, problem["code"], send.asked) == (404, "missing", [])


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize(
    ("given", "bucket"), [({}, None), ({"bucket_id": None}, None), ({"bucket_id": ""}, None),
                          ({"bucket_id": "core"}, "core")]
)  # fmt: skip
async def test_creating_asks_for_exactly_what_was_sent(
    given: dict[str, Any], bucket: str | None, slash: str
) -> None:
    send = asking(config("c-new", "Core", bucket))
    status, row = await send("POST", CONFIGS + slash, {**WANTED, **given})
    assert (status, send.asked) == (201, [CreateConfig("Core", TOML, bucket)])
    assert (row["id"], send.headers["location"]) == ("c-new", "/api/planners/c-new")
    assert send.headers["etag"] == '"3"'


@pytest.mark.parametrize(
    ("body", "change"),
    [
        ({}, (None, None, None)),
        ({"name": None, "toml_config": None, "bucket_id": None}, (None, None, None)),
        ({"bucket_id": ""}, (None, None, "")),
        ({"name": "New", "toml_config": TOML, "bucket_id": "core"}, ("New", TOML, "core")),
    ],
)
async def test_updating_leaves_what_is_not_named(body: Any, change: tuple[Any, ...]) -> None:
    send = asking(replace(config(), version=4))
    status, row = await send("PUT", CORE, body)
    assert (status, send.asked) == (200, [UpdateConfig("c-core", *change, None)])
    assert (row["version"], send.headers["etag"]) == (4, '"4"')


@pytest.mark.parametrize(("tag", "version"), [('"3"', 3), (' "3" ', 3), ("*", None), ('"0"', 0)])
async def test_an_update_may_name_the_version_it_means(tag: str, version: int | None) -> None:
    send = asking(config())
    assert (await send("PUT", CORE, {"name": "New"}, If_Match=tag))[0] == 200
    assert send.asked[0].version == version


@pytest.mark.parametrize("tag", ["3", 'W/"3"', '"x"', '"3", "4"', '""', '"' + "9" * 16 + '"'])
async def test_a_tag_of_no_version_changes_nothing(tag: str) -> None:
    send = asking(config())
    status, problem = await send("PUT", CORE, {"name": "New"}, If_Match=tag)
    assert (status, problem["code"], send.asked) == (412, "stale_version", [])


async def test_a_version_that_is_no_longer_the_newest_is_told_apart() -> None:
    error = Conflict("it was changed since", code="stale_version")
    status, problem = await asking(error)("PUT", CORE, {"name": "New"}, If_Match='"2"')
    assert (status, problem["code"]) == (412, "stale_version")


FINDINGS: list[dict[str, Any]] = [
    {"field": "toml_config", "path": "planner.max_dept",
     "message": "is not known; did you mean max_depth?", "line": 3},
    {"field": "toml_config", "path": "planner.allow_buy", "message": "must be true or false",
     "line": None},
]  # fmt: skip
REFUSED = ConfigRefused(WRONG.errors)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", CONFIGS, WANTED),
        ("PUT", CORE, {"toml_config": TOML}),
        ("PUT", CORE, {"name": "New"}),
        ("POST", f"{CORE}/apply", None),
    ],
)
async def test_a_refused_text_comes_back_with_every_finding_and_its_line(
    method: str, path: str, body: Any
) -> None:
    status, problem = await asking(REFUSED)(method, path, body)
    assert (status, problem["code"], problem["errors"]) == (422, "planner_config", FINDINGS)
    assert problem["detail"] == str(REFUSED)


@pytest.mark.parametrize("text", ["[planner", "x = ", "a = 1\na = 2", "[" * 5000])
async def test_a_text_that_is_no_toml_is_malformed(text: str) -> None:
    refused = ConfigRefused((ConfigFinding("", "expected ']'", 1),))
    status, problem = await asking(refused)("POST", CONFIGS, {"name": "Core", "toml_config": text})
    assert (status, problem["code"], problem["detail"]) == (400, "not_toml", "line 1: expected ']'")
    assert problem["errors"][0]["line"] == 1


CHANGES: tuple[tuple[str, str, Any], ...] = (
    ("POST", CONFIGS, WANTED),
    ("PUT", CORE, {"name": "x"}),
    ("DELETE", CORE, None),
    ("POST", f"{CORE}/apply", None),
)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Missing("there is no configuration"), 404, "missing"),
        (Conflict("core has one already", code="bucket_taken"), 409, "bucket_taken"),
        (Refused("core needs one", code="core_config"), 403, "core_config"),
        (Refused("it has no bucket", code="template"), 400, "template"),
        (Refused("name: must be on one line", code="name"), 422, "name"),
        (ActorUnavailable("planner is busy"), 503, "actor_unavailable"),
    ],
)
async def test_every_refusal_of_a_change_has_its_status(
    error: Exception, status: int, code: str
) -> None:
    send = asking(error)
    for change in CHANGES:
        answer, problem = await send(*change)
        assert (answer, problem["code"], problem["detail"]) == (status, code, str(error))


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", CONFIGS, {"name": "x"}, "toml_config"),
        ("POST", CONFIGS, {"toml_config": TOML}, "name"),
        ("POST", CONFIGS, {**WANTED, "name": ""}, "name"),
        ("POST", CONFIGS, {**WANTED, "bucket": "core"}, "bucket"),
        ("POST", CONFIGS, {**WANTED, "toml_config": "#" * 60_001}, "toml_config"),
        ("PUT", CORE, {"name": 5}, "name"),
        ("PUT", CORE, {"version": 5}, "version"),
        ("POST", f"{CONFIGS}/validate", {}, "toml"),
        ("POST", f"{CONFIGS}/validate", {"toml": TOML, "dry_run": 1}, "dry_run"),
        ("POST", f"{CONFIGS}/validate", {"toml": TOML, "dry": True}, "dry"),
    ],
)
async def test_a_body_that_makes_no_sense_is_refused_by_its_field(
    method: str, path: str, body: Any, field: str
) -> None:
    send = asking(config())
    status, problem = await send(method, path, body)
    assert (status, problem["errors"][0]["field"], send.asked) == (422, field, [])


@pytest.mark.parametrize("slash", ["", "/"])
async def test_deleting_leaves_nothing_to_say(slash: str) -> None:
    send = asking(None)
    assert await send("DELETE", CORE + slash) == (204, None)
    assert send.asked == [DeleteConfig("c-core")]


def applied() -> StoredConfig:
    return replace(config(), version=4)


@pytest.mark.parametrize("slash", ["", "/"])
async def test_applying_tells_what_the_bucket_plans_by(slash: str) -> None:
    send = asking(applied())
    status, done = await send("POST", f"{CORE}/apply{slash}")
    assert (status, send.asked) == (200, [ApplyConfig("c-core")])
    assert done == {
        "message": "core plans by 'Core' from its next plan on", "bucket_id": "core",
        "config_id": "c-core", "name": "Core", "version": 4, "applied": True,
        "applied_hash": "aa11",
    }  # fmt: skip


@pytest.mark.parametrize("slash", ["", "/"])
async def test_validating_tells_every_error_and_warning_at_once(slash: str) -> None:
    send = asking(WRONG)
    status, check = await send("POST", f"{CONFIGS}/validate{slash}", {"toml": "[planer"})
    assert (status, send.asked) == (200, [ValidateConfig("[planer", dry_run=False)])
    assert check == {
        "valid": False,
        "error": "line 3: planner.max_dept: is not known; did you mean max_depth?",
        "errors": [{k: v for k, v in one.items() if k != "field"} for one in FINDINGS],
        "warnings": [{"path": "filters.diversity",
                      "message": "does little without diverse selection", "line": 9}],
        "counts": None, "not_run": None,
    }  # fmt: skip


async def test_a_dry_run_tells_what_it_would_find() -> None:
    send = asking(RIGHT)
    _, check = await send("POST", f"{CONFIGS}/validate", {"toml": TOML, "dry_run": True})
    assert send.asked == [ValidateConfig(TOML, dry_run=True)]
    assert (check["valid"], check["error"], check["errors"]) == (True, None, [])
    assert check["counts"] == {
        "candidates": 24, "by_kind": {"rebalance_buys": 20, "profit_taking": 4}, "seeds": 310,
        "filtered": 180, "explored": 20_000, "steps": 3, "current_score": 72.2, "end_score": 75.2,
    }  # fmt: skip


async def test_a_dry_run_that_was_not_possible_says_why() -> None:
    check = replace(RIGHT, counts=None, not_run="no portfolio yet")
    _, shown = await asking(check)("POST", f"{CONFIGS}/validate", {"toml": TOML, "dry_run": True})
    assert (shown["valid"], shown["counts"], shown["not_run"]) == (True, None, "no portfolio yet")


async def test_nothing_is_asked_without_showing_who_asks() -> None:
    client = configured().app().test_client()
    others = (
        ("POST", f"{CONFIGS}/validate", {}),
        ("POST", "/api/planner/regenerate-sequences", {}),
        ("PUT", "/api/planner/autonomy", {}),
    )
    for method, path, _ in (*CHANGES, *others):
        assert (await client.open(path, method=method, json={})).status_code == 401
