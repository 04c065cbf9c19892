"""Shares by group beside their targets, and what is too much in one place."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ledger.allocation import AllocationBook, Groups
from ledger.portfolio import PortfolioSnapshot
from tests.web.world import World, empty_world, full_world, portfolio
from web.api.allocation import allocate
from wire.messages import TargetWeights

PATH = "/api/trades/allocation"
HALF, FIFTH = Decimal("0.5"), Decimal("0.2")


def targets(limit: str = "0.15") -> TargetWeights:
    return TargetWeights({"AAPL.US": FIFTH, "SONY.JP": FIFTH}, Decimal(limit))


def with_sony() -> PortfolioSnapshot:
    """The portfolio, and in the universe a Japanese security that is not held."""
    known = portfolio()
    first = known.universe[0]
    listed = replace(first.instrument, symbol="SONY.JP", country="JP", industry="Games, Technology")
    return replace(known, universe=(*known.universe, replace(first, instrument=listed)))


async def read(world: World, status: int = 200) -> Any:
    response = await world.app().test_client().get(PATH)
    assert response.status_code == status
    return json.loads(await response.get_data(), parse_float=Decimal)


async def test_every_group_held_or_aimed_at_is_shown_with_its_distance() -> None:
    world = full_world()
    world.boards.portfolio.publish(with_sony())
    world.boards.targets.publish(targets())
    shown = await read(world)
    country = {row["name"]: row for row in shown["country"]}
    assert list(country) == sorted(country)
    japan = country["JP"]
    assert (japan["current_pct"], japan["deviation"]) == (0, Decimal("-0.2"))
    america = country["US"]
    assert america["deviation"] == america["current_pct"] - america["target_pct"]
    assert country["NL"]["target_pct"] == 0
    industry = {row["name"]: row["target_pct"] for row in shown["industry"]}
    assert (industry["Games"], industry["Technology"]) == (Decimal("0.1"), Decimal("0.3"))
    assert shown["paper"] is True


async def test_the_target_of_an_owners_group_is_shared_by_its_countries() -> None:
    world = full_world()
    groups = Groups({"A": ("ES", "US"), "B": ("NL",)}, {"A": HALF, "B": HALF})
    world.boards.allocation.publish(AllocationBook(country=groups))
    country = {row["name"]: row for row in (await read(world))["country"]}
    assert abs(country["ES"]["target_pct"] + country["US"]["target_pct"] - HALF) <= Decimal(
        "0.0001"
    )
    assert country["NL"]["target_pct"] == HALF
    assert country["CH"]["target_pct"] == 0


async def test_shares_are_of_positions_and_cash_together() -> None:
    shown = await read(full_world())
    held = sum(row["current_value"] for row in shown["country"])
    assert held + shown["cash_balance"] == shown["total_value"]
    shares = sum(row["current_pct"] for row in shown["industry"])
    assert abs(shares - held / shown["total_value"]) < Decimal("0.001")


async def test_without_a_plan_there_are_shares_and_no_targets() -> None:
    shown = await read(full_world())
    assert all(row["target_pct"] is None is row["deviation"] for row in shown["country"])
    assert "position" not in {alert["type"] for alert in shown["alerts"]}


async def test_before_the_first_snapshot_it_is_503() -> None:
    assert (await read(empty_world(), 503))["code"] == "starting"


async def test_concentrations_are_told_from_four_fifths_of_their_limit_on() -> None:
    world = full_world()
    world.boards.targets.publish(targets())
    for alert in (await read(world))["alerts"]:
        assert alert["alert_threshold_pct"] == alert["limit_pct"] * Decimal("0.8")
        assert alert["current_pct"] >= alert["alert_threshold_pct"]
        reached = alert["current_pct"] / alert["limit_pct"]
        urgent = (
            "breach" if reached >= 1 else "critical" if reached >= Decimal("0.9") else "warning"
        )
        assert alert["severity"] == urgent


@given(limit=st.decimals("0.01", "1", places=3))
def test_the_limit_of_a_position_is_the_setting(limit: Decimal) -> None:
    snapshot = portfolio()
    alerts = [a for a in allocate(snapshot, targets(str(limit)), AllocationBook(), "paper").alerts
              if a.type == "position"]  # fmt: skip
    assert snapshot.total_eur is not None
    over = {
        position.security.symbol
        for position in snapshot.positions
        if position.value_eur is not None
        and position.value_eur.minor >= limit * Decimal("0.8") * snapshot.total_eur.minor
    }
    assert {alert.name for alert in alerts} == over
    assert [alert.current_pct for alert in alerts] == sorted(
        (alert.current_pct for alert in alerts), reverse=True
    )
