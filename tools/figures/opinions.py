"""What is thought of the holdings: sell scores, windfalls, health and end state.

From the scores' figures and from what is told of gain and time, since both are of the last scoring.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tools.figures import scores
from tools.figures.daemon import part
from tools.figures.sheet import Figure, Pair
from tools.figures.world import World

ROUTE = "GET /api/securities/{isin}"
SUMMARY = "GET /api/portfolio/summary"
SELL = {
    "underperformance": 0.35, "time_held": 0.18, "portfolio_balance": 0.18, "instability": 0.14,
    "drawdown": 0.15,
}  # fmt: skip
EARNING = ((-0.075, 0.9), (-0.025, 0.7), (0.04, 0.5), (0.115, 0.1), (0.20, 0.3))
HELD = ((45.0, 0.0), (135.0, 0.3), (272.5, 0.6), (547.5, 0.8), (912.5, 1.0))
LASTING = ((45.0, 0.5), (135.0, 0.7), (225.0, 0.9))
BEYOND = ((0.0, 0.0), (0.25, 0.5), (0.50, 1.0))
HEALTH = {"diversification": 0.40, "dividend": 0.30, "quality": 0.30}
USUAL_GROWTH = 0.10
# A gain is told to four decimals, and a score rises by up to 4 for each unit of its rate per year.
TOLD = 2e-3

Figures = dict[str, Figure]


def check(world: World) -> None:
    """Of every holding, and of the whole."""
    rows = [row for row in world.daemon.get("/api/securities") if row["position_quantity"]]
    details = [world.daemon.get(f"/api/securities/{part(row['symbol'])}") for row in rows]
    world.attempt(ROUTE, _sells, [one for one in details if one["sell"] is not None])
    world.attempt(ROUTE, _windfalls, [one for one in details if one["windfall"] is not None])
    world.attempt(SUMMARY, _whole)


def _sells(world: World, details: list[dict[str, Any]]) -> None:
    worst = world.setting("max_loss_threshold", -0.20)
    for name in ("time_held", "drawdown", "underperformance", "total_score", "suggested_sell_pct"):
        pairs: list[Pair] = [
            (one["symbol"], sell_of(one["sell"], one["metrics"], worst)[name], one["sell"][name])
            for one in details
        ]
        absolute = TOLD if name == "underperformance" else 5e-5
        world.sheet.compare(ROUTE, f"sell {name}", pairs, places=4, absolute=absolute)


def sell_of(told: Mapping[str, Any], metrics: Mapping[str, float | None], worst: float) -> Figures:
    """Components from profit, time and figures; the total from the components that are told."""
    mean, known = scores.mixed([(weight, told[name]) for name, weight in SELL.items()])
    total = None if mean is None else 0.5 + known * (mean - 0.5)
    share = None if total is None else min(0.10 + 0.40 * total, 0.50)
    days, eligible = told["days_held"], told["eligible"]
    return {
        "time_held": scores.along(HELD, days),
        "drawdown": _fallen(metrics.get("CURRENT_DRAWDOWN"), metrics.get("DAYS_IN_DRAWDOWN")),
        "underperformance": _earning(told["profit_pct"], days, worst),
        "total_score": total if eligible else 0.0,
        "suggested_sell_pct": share if eligible else 0.0,
    }


def _fallen(depth: float | None, bars: float | None) -> float | None:
    if depth is None or bars is None:
        return None
    lasting = scores.along(LASTING, bars) or 0.0
    return scores.along(((0.05, 0.1), (0.125, 0.3), (0.20, lasting), (0.30, 1.0)), -depth)


def _earning(profit: float | None, days: int | None, worst: float) -> float | None:
    """By the rate a year, which is the profit itself within a quarter."""
    if profit is None or days is None:
        return None
    if profit < worst:
        return 0.0
    short = days < 0.25 * 365
    return scores.along(EARNING, profit if short else (1 + profit) ** (365 / days) - 1)


def _windfalls(world: World, details: list[dict[str, Any]]) -> None:
    pairs: dict[str, list[Pair]] = {}
    for one in details:
        told = {**one["windfall"], **one["windfall"]["recommendation"]}
        for name, ours in windfall_of(told, one["metrics"], one["sell"]["days_held"]).items():
            pairs.setdefault(name, []).append((one["symbol"], ours, told[name]))
    for name, found in pairs.items():
        world.sheet.compare(ROUTE, f"windfall {name}", found, places=4, absolute=2e-4)


def windfall_of(told: Mapping[str, Any], metrics: Mapping[str, float | None], days: int) -> Figures:
    """Beyond (1 + growth)^years - 1, by growth of five years, of ten, or 10 %."""
    five, ten = metrics.get("CAGR_5Y"), metrics.get("CAGR_10Y")
    known = ten if five is None else five
    gain, years = told["current_gain_pct"], max(days / 365, 0.1)
    expected = (1 + (USUAL_GROWTH if known is None else known)) ** years - 1
    excess = gain - expected
    share = 0.40 if excess >= 0.50 else 0.20 if excess >= 0.25 else None
    if gain >= 1:
        share = 0.50 if excess > 0.30 else 0.30
    return {
        "years_held": years,
        "historical_cagr_pct": known,
        "expected_gain_pct": expected,
        "excess_gain_pct": excess,
        "windfall_score": scores.along(BEYOND, excess),
        "suggested_sell_pct": share,
        "take_profits": share is not None,
    }


def _whole(world: World) -> None:
    told = world.daemon.get("/api/portfolio/summary")
    health, state = told["health"], told["end_state"]
    if health is None or state is None:
        world.sheet.failed(SUMMARY, "nothing was scored yet")
        return
    total = sum(weight * health[name] for name, weight in HEALTH.items())
    world.sheet.compare(SUMMARY, "health", [("total", total, health["total"])], places=1)
    parts = state["components"]
    pairs: list[Pair] = [
        (name, one["score"] * one["weight"], one["contribution"]) for name, one in parts.items()
    ]
    world.sheet.compare(SUMMARY, "contributions", pairs, places=4, absolute=5e-5)
    whole = sum(one["score"] * one["weight"] for one in parts.values())
    world.sheet.compare(
        SUMMARY, "end_state", [("score", min(whole, 1.0), state["score"])], places=4, absolute=5e-5
    )
