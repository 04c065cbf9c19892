"""/api/allocation: shares of countries, industries and groups of the total value."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from tools.figures.sheet import Pair
from tools.figures.world import World

BASE = "/api/allocation"
LIMITS = {"country": 0.35, "sector": 0.30, "position": 0.15}
WARN, CRITICAL = 0.8, 0.9
CENT = 0.02

Positions = list[dict[str, Any]]
Shares = dict[str, float]


def check(world: World) -> None:
    """Every read route against sums over the positions, as of one moment."""
    paths = [f"{BASE}/{name}" for name in ("current", "deviations", "groups/allocation", "targets")]
    groups = [f"{BASE}/groups/country", f"{BASE}/groups/industry"]
    available = [f"{BASE}/groups/available/{name}" for name in ("countries", "industries")]
    told = world.together("/api/portfolio", *paths, *groups, *available)
    summary, positions, current, deviations, grouped, targets = told[:6]
    members = {"country": told[6]["groups"], "industry": told[7]["groups"]}
    total = float(summary["total_value"])
    for kind, names in (("country", countries), ("industry", industries)):
        shares = _shares(positions, names, total)
        _rows(world, f"{BASE}/current", kind, current[kind], shares)
        _deviations(world, kind, deviations[kind], {r["name"]: r for r in current[kind]})
        of, wanted = members[kind], targets[kind]
        _members(world, kind, current[kind], members=of, targets=wanted, shares=shares)
        by_group = _grouped(shares, of)
        shown = _rows(world, f"{BASE}/groups/allocation", kind, grouped[kind], by_group)
        pairs = [(name, shown.get(name), share) for name, share in wanted.items()]
        world.sheet.compare(f"GET {BASE}/targets", kind, pairs, absolute=6e-5)
    _totals(world, summary, positions, [current, grouped])
    _alerts(world, positions, total, current["alerts"])
    _available(world, told[8], told[9])


def countries(row: Mapping[str, Any]) -> list[str]:
    return [row["country"]] if row["country"] else []


def industries(row: Mapping[str, Any]) -> list[str]:
    """Each once, in equal parts."""
    names = [name.strip() for name in (row["industry"] or "").split(",")]
    return list(dict.fromkeys(name for name in names if name))


def _shares(
    positions: Positions, names: Callable[[Mapping[str, Any]], list[str]], total: float
) -> Shares:
    found: dict[str, Decimal] = defaultdict(Decimal)
    for row in positions:
        named = names(row) or ["OTHER"]
        for name in named:
            found[name] += Decimal(str(row["market_value_eur"])) / len(named)
    return {name: float(value) / total for name, value in found.items()}


def _grouped(shares: Shares, members: Mapping[str, list[str]]) -> Shares:
    group_of = {name.casefold(): group for group, of in members.items() for name in of}
    found: Shares = defaultdict(float)
    for name, share in shares.items():
        found[group_of.get(name.casefold(), "OTHER")] += share
    return found


def _members(
    world: World,
    kind: str,
    rows: list[dict[str, Any]],
    *,
    members: Mapping[str, list[str]],
    targets: Mapping[str, float],
    shares: Shares,
) -> None:
    """A member is wanted in its part of what is held of its group, or equally while nothing is."""
    pairs: list[Pair] = []
    for group, names in members.items():
        held = {name: shares.get(name, 0.0) for name in names}
        whole = sum(held.values())
        for row in rows:
            if row["name"] in held and group in targets and row["target_pct"] is not None:
                part = held[row["name"]] / whole if whole else 1 / len(names)
                pairs.append((row["name"], targets[group] * part, row["target_pct"]))
    world.sheet.compare(f"GET {BASE}/current", f"{kind} target_pct", pairs, places=4, absolute=1e-5)


def _rows(
    world: World, path: str, kind: str, rows: list[dict[str, Any]], shares: Shares
) -> dict[str, float | None]:
    """Compare the rows of one kind; returns their targets."""
    now = [(r["name"], shares.get(r["name"], 0.0), r["current_pct"]) for r in rows]
    now += [(name, share, None) for name, share in shares.items() if name not in _names(rows)]
    world.sheet.compare(f"GET {path}", f"{kind} current_pct", now, places=4, absolute=1e-6)
    gaps: list[Pair] = [
        (r["name"], r["current_pct"] - r["target_pct"], r["deviation"])
        for r in rows
        if r["target_pct"] is not None
    ]
    world.sheet.compare(f"GET {path}", f"{kind} deviation", gaps, absolute=1.01e-4)
    return {r["name"]: r["target_pct"] for r in rows}


def _names(rows: list[dict[str, Any]]) -> set[str]:
    return {row["name"] for row in rows}


def _deviations(
    world: World, kind: str, told: Mapping[str, dict[str, Any]], rows: Mapping[str, dict[str, Any]]
) -> None:
    pairs: list[Pair] = []
    for name, row in told.items():
        gap = rows[name]["deviation"]
        pairs.append((name, gap, row["deviation"]))
        if gap is not None:
            pairs.append((f"{name} need", max(0.0, -gap), row["need"]))
            if abs(abs(gap) - 0.02) > 1e-4:
                side = "balanced" if abs(gap) < 0.02 else "underweight" if gap < 0 else "overweight"
                pairs.append((f"{name} status", side, row["status"]))
    world.sheet.compare(f"GET {BASE}/deviations", kind, pairs)


def _totals(
    world: World, summary: dict[str, Any], positions: Positions, told: list[dict[str, Any]]
) -> None:
    held = sum(Decimal(str(row["market_value_eur"])) for row in positions)
    total = held + Decimal(str(summary["cash_balance"]))
    pairs: list[Pair] = [("total", float(total), row["total_value"]) for row in told]
    world.sheet.compare(f"GET {BASE}/current", "total_value", pairs, absolute=CENT)


def _alerts(world: World, positions: Positions, total: float, alerts: list[dict[str, Any]]) -> None:
    """Whatever has 80 % of its limit is told; 90 % of it is critical, all of it a breach."""
    limits = {**LIMITS, "position": world.setting("max_position_share", LIMITS["position"])}
    held = {row["symbol"]: float(row["market_value_eur"]) / total for row in positions}
    now = {
        "country": _shares(positions, countries, total),
        "sector": _shares(positions, industries, total),
        "position": held,
    }
    told = {(alert["type"], alert["name"]): alert["severity"] for alert in alerts}
    pairs: list[Pair] = []
    for kind, shares in now.items():
        for name, share in shares.items():
            part = share / limits[kind]
            word = "breach" if part >= 1 else "critical" if part >= CRITICAL else "warning"
            ours = word if part >= WARN else None
            if name != "OTHER":
                pairs.append((f"{kind} {name}", ours, told.get((kind, name))))
    world.sheet.compare(f"GET {BASE}/current", "alerts", pairs)


def _available(world: World, told_countries: Any, told_industries: Any) -> None:
    """Those of everything that can be bought."""
    rows = [row for row in world.market.securities.values() if row["product_type"] != "INDEX"]
    for name, of, told in (
        ("countries", countries, told_countries["countries"]),
        ("industries", industries, told_industries["industries"]),
    ):
        ours = {each for row in rows for each in of(row)}
        claims = [(each, each in ours and each in told) for each in sorted(ours | set(told))]
        world.sheet.holds(f"GET {BASE}/groups/available", name, claims)
