"""/api/allocation: groups and weights are asked of the analyst, shares read from the boards."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from ledger.allocation import AllocationBook, GroupKind, Groups
from ledger.errors import Conflict, Refused
from tests.web.asking import Sender
from tests.web.world import World, empty_world, full_world, portfolio
from wire.allocation_asks import DeleteGroup, GroupView, PutGroup, PutGroupTargets
from wire.messages import TargetWeights

BASE = "/api/allocation"
READS = (
    "targets", "current", "deviations", "groups/country", "groups/industry", "groups/allocation",
    "groups/available/countries", "groups/available/industries",
)  # fmt: skip
OWN = AllocationBook(
    country=Groups(
        {"Iberia": ("es", "PT"), "Rest": ("US",)},
        {"Iberia": Decimal("0.3"), "Rest": Decimal("0.1")},
    )
)


def sender(*answers: object) -> Sender:
    return Sender(full_world(), {"analyst": answers} if answers else None)


async def read(world: World, path: str, status: int = 200) -> Any:
    found, answer = await Sender(world)("GET", f"{BASE}/{path}")
    assert found == status, answer
    return answer


def grouped() -> World:
    world = full_world()
    world.boards.allocation.publish(OWN)
    return world


@pytest.mark.parametrize("path", READS)
async def test_each_spelling_of_a_path_answers_and_before_the_start_it_is_503(path: str) -> None:
    assert await read(grouped(), path) == await read(grouped(), path + "/")
    assert (await read(empty_world(), path, 503))["code"] == "starting"


@pytest.mark.parametrize(
    ("kind", "field"), [("country", "country_names"), ("industry", "industry_names")]
)
@pytest.mark.parametrize("slash", ["", "/"])
async def test_a_group_is_put_whole_and_answered_as_stored(
    kind: GroupKind, field: str, slash: str
) -> None:
    send = sender(GroupView("EU", ("Spain",)))
    body = {"group_name": " EU", field: ["Spain", "spain"]}
    assert await send("PUT", f"{BASE}/groups/{kind}{slash}", body) == (
        200, {"group_name": "EU", field: ["Spain"]},
    )  # fmt: skip
    (asked,) = send.asked
    assert asked == PutGroup(kind, " EU", ("Spain", "spain"), asked.by)
    assert asked.by.startswith("http:token@")


@pytest.mark.parametrize(
    ("path", "name"),
    [("EU", "EU"), ("EU/", "EU"), ("North%20America", "North America"), ("Oil%2FGas", "Oil/Gas"),
     ("Oil/Gas/", "Oil/Gas"), ("%C3%96l", "Öl")],
)  # fmt: skip
async def test_a_group_is_deleted_by_its_name(path: str, name: str) -> None:
    send = sender(name)
    kinds: tuple[GroupKind, ...] = ("country", "industry")
    for kind in kinds:
        found = await send("DELETE", f"{BASE}/groups/{kind}/{path}")
        assert found == (200, {"deleted": name})
        asked = send.asked[-1]
        assert asked == DeleteGroup(kind, name, asked.by)


async def test_weights_are_passed_on_exactly_and_answered_as_shares() -> None:
    send = sender({"EU": Decimal(1) / 3, "US": Decimal(2) / 3})
    status, found = await send(
        "PUT", f"{BASE}/groups/targets/country", {"targets": {"EU": 0.1, "US": 0.2, "X": 0}}
    )
    assert (status, found) == (200, {"weights": {"EU": 0.333333, "US": 0.666667}, "count": 2})
    (asked,) = send.asked
    wanted = {"EU": Decimal("0.1"), "US": Decimal("0.2"), "X": Decimal(0)}
    assert asked == PutGroupTargets("country", wanted, asked.by)


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("country", {"group_name": ""}, "group_name"),
        ("country", {"group_name": "EU"}, "country_names"),
        ("country", {"group_name": "EU", "industry_names": []}, "industry_names"),
        ("country", {"group_name": "EU", "country_names": [], "colour": 1}, "colour"),
        ("industry", {"group_name": "EU", "industry_names": [1]}, "industry_names[0]"),
        ("targets/country", {}, "targets"),
        ("targets/industry", {"targets": [1]}, "targets"),
    ],
)
async def test_a_body_of_another_shape_is_422_and_asks_nobody(
    path: str, body: Any, field: str
) -> None:
    send = sender()
    status, problem = await send("PUT", f"{BASE}/groups/{path}", body)
    assert (status, problem["code"]) == (422, "invalid")
    assert problem["errors"][0]["field"] == field


@pytest.mark.parametrize(
    ("code", "path", "field"),
    [
        ("group_name", "country", "group_name"),
        ("members", "country", "country_names"),
        ("weights", "targets/country", "targets"),
        ("unknown_groups", "targets/country", "targets"),
    ],
)
async def test_what_the_request_got_wrong_is_422_with_its_field(
    code: str, path: str, field: str
) -> None:
    send = sender(Refused("there are no groups named X, Y", code=code))
    body: Any = {"targets": {}} if "targets" in path else {"group_name": "X", "country_names": []}
    status, problem = await send("PUT", f"{BASE}/groups/{path}", body)
    assert (status, problem["errors"][0]["field"]) == (422, field)
    assert "X, Y" in problem["detail"]


async def test_without_groups_weights_are_400_and_a_member_of_another_group_is_409() -> None:
    send = sender(Refused("no country groups are defined yet", code="no_groups"))
    status, problem = await send("PUT", f"{BASE}/groups/targets/country", {"targets": {"A": 1}})
    assert (status, problem["code"]) == (400, "no_groups")
    send = sender(Conflict("Spain is in Iberia", code="member_taken"))
    body = {"group_name": "EU", "country_names": ["Spain"]}
    status, problem = await send("PUT", f"{BASE}/groups/country", body)
    assert (status, problem["code"]) == (409, "member_taken")
    assert "Iberia" in problem["detail"]


async def test_targets_of_groups_are_the_owners_shares_else_the_planners() -> None:
    world = grouped()
    planned = TargetWeights({"AAPL.US": Decimal("0.1"), "ASML.EU": Decimal("0.1")}, Decimal(1))
    assert await read(world, "targets") == {
        "country": {"Iberia": 0.75, "Rest": 0.25},
        "industry": {},
    }
    world.boards.targets.publish(planned)
    assert (await read(world, "targets"))["industry"] == {"Technology": 0.2}


async def test_groups_are_the_owners_else_one_for_each_name() -> None:
    world = grouped()
    assert await read(world, "groups/country") == {
        "groups": {"Iberia": ["PT", "es"], "Rest": ["US"]},
        "own": True,
    }
    shown = await read(world, "groups/industry")
    assert shown["own"] is False
    assert shown["groups"]["Technology"] == ["Technology"]


async def test_every_share_is_of_positions_and_cash_and_beside_it_of_positions() -> None:
    shown = await read(grouped(), "current")
    held = shown["total_value"] - shown["cash_balance"]
    for rows in (shown["country"], shown["industry"]):
        assert abs(sum(row["current_value"] for row in rows) - held) < 0.005
        for row in rows:
            assert abs(row["current_pct"] - row["current_value"] / shown["total_value"]) <= 5.1e-5
            assert abs(row["invested_pct"] - row["current_value"] / held) <= 5.1e-5
    country = {row["name"]: row for row in shown["country"]}
    assert (country["ES"]["target_pct"], country["PT"]["target_pct"]) == (0.75, 0)
    assert country["NL"]["target_pct"] == 0
    assert all(row["target_pct"] is row["deviation"] is None for row in shown["industry"])


async def test_what_is_in_no_group_is_shown_as_other() -> None:
    shown = await read(grouped(), "groups/allocation")
    rows = {row["name"]: row for row in shown["country"]}
    assert list(rows) == ["Iberia", "OTHER", "Rest"]
    assert rows["OTHER"]["target_pct"] == 0
    single = {row["name"]: row for row in (await read(grouped(), "current"))["country"]}
    assert rows["Iberia"]["current_value"] == single["ES"]["current_value"]


async def test_deviations_say_how_much_is_needed_and_on_which_side_a_share_is() -> None:
    found = await read(grouped(), "deviations")
    spain, swiss = found["country"]["ES"], found["country"]["CH"]
    assert spain["status"] == "underweight"
    assert spain["need"] == -spain["deviation"] > 0
    assert (swiss["status"], swiss["need"]) == ("overweight", 0)
    assert found["industry"]["Technology"] == {"deviation": None, "need": None, "status": "unknown"}


async def test_while_a_value_is_unknown_no_share_is_told() -> None:
    world = grouped()
    known = portfolio()
    lost = replace(known.positions[0], value=None, value_eur=None)
    world.boards.portfolio.publish(
        replace(
            known, positions=(lost, *known.positions[1:]), total_eur=None, unvalued=("AAPL.US",)
        )
    )
    shown = await read(world, "current")
    assert (shown["total_value"], shown["alerts"], shown["unvalued"]) == (None, [], ["AAPL.US"])
    assert {row["current_pct"] for row in shown["country"]} == {None}
    assert {row["current_value"] for row in shown["country"]} == {None}
    told = (await read(world, "deviations"))["country"].values()
    assert {one["status"] for one in told} == {"unknown"}


async def test_alerts_are_those_of_the_other_route_of_shares() -> None:
    world = grouped()
    world.boards.targets.publish(TargetWeights({}, Decimal("0.12")))
    other = await (await world.app().test_client().get("/api/trades/allocation")).get_json()
    shown = await read(world, "current")
    assert shown["alerts"] == other["alerts"]
    assert "position" in {alert["type"] for alert in shown["alerts"]}


async def test_available_names_are_single_ones() -> None:
    world = full_world()
    known = portfolio()
    first, *others = known.universe
    several = replace(first, instrument=replace(first.instrument, industry="Chips, technology"))
    world.boards.portfolio.publish(replace(known, universe=(several, *others)))
    names = (await read(world, "groups/available/industries"))["industries"]
    assert names == sorted(names)
    assert {"Chips", "Technology", "Utilities"} <= set(names)
    assert "technology" not in names
    assert "ES" in (await read(world, "groups/available/countries"))["countries"]


async def test_a_change_needs_the_token() -> None:
    client = full_world().app().test_client()
    for method, path in (
        ("PUT", "country"), ("PUT", "targets/industry"), ("DELETE", "country/EU"),
    ):  # fmt: skip
        answer = await client.open(f"{BASE}/groups/{path}", method=method)
        assert answer.status_code == 401
