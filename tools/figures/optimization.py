"""/api/optimizer: a run, held against its own rules and against weekly returns made anew."""

from __future__ import annotations

import math
from datetime import date, timedelta
from functools import partial
from typing import Any

from tools.figures import measures
from tools.figures.market import Line
from tools.figures.sheet import Pair
from tools.figures.world import World

GET, RUN = "GET /api/optimizer", "POST /api/optimizer/run"
WEEKS, LEAST, HIGH = 261, 60, 0.80
FRIDAY, PER_YEAR = 4, 52


def check(world: World) -> None:
    """Start a run and take its answer apart."""
    summary = world.daemon.get("/api/portfolio/summary")
    today, told, regime, last = world.still(partial(_run, world))
    if not told["success"]:
        world.sheet.failed(RUN, told["result"]["error"])
        return
    run = told["result"]
    total = float(summary["total_value"])
    world.attempt(RUN, _budget, run, total)
    world.attempt(RUN, _changes, run, total)
    world.attempt(RUN, _groups, run)
    world.attempt(RUN, _correlations, run, today)
    world.attempt(RUN, _achieved, run, regime, today)
    same = last is not None and all(last[name] == run[name] for name in ("run_id", "weights"))
    world.sheet.holds(GET, "the last run is kept", [("last_run", same)])


def _run(world: World) -> tuple[date, Any, Any, Any]:
    """A run with the day and the regime it was made in, and what is the last one after it."""
    regime = world.daemon.get("/api/analytics/regime")
    told = world.daemon.post("/api/optimizer/run", {})
    last = world.daemon.get("/api/optimizer")["last_run"]
    return world.today(), told, regime, last


def _budget(world: World, run: dict[str, Any], total: float) -> None:
    weights = run["weights"]
    largest = world.setting("max_position_share", 0.15)
    reserve = world.setting("min_cash_reserve", 500.0) / total
    pairs: list[Pair] = [("sum", math.fsum(weights.values()) + run["cash_pct"], 1.0)]
    world.sheet.compare(RUN, "weights and cash add up", pairs, absolute=5.1e-5 * (len(weights) + 1))
    free = {"locked_positions", "sell_blocked", "held_without_data"}
    kept = {name for key in free for name in run["constraints"][key]}
    claims = [
        (f"{name} {w:.4f}", 0 <= w <= largest + 1e-4 or name in kept) for name, w in weights.items()
    ]
    world.sheet.holds(RUN, "weights within their bounds", claims)
    enough = run["cash_pct"] >= reserve - 1e-3 or bool(run["notes"])
    world.sheet.holds(
        RUN, "the reserve stays cash", [(f"{run['cash_pct']} of {reserve:.4f}", enough)]
    )


def _changes(world: World, run: dict[str, Any], total: float) -> None:
    rows, weights = run["top_adjustments"], run["weights"]
    held = {row["symbol"]: row["weight"] for row in world.daemon.get("/api/portfolio")}
    changes: list[Pair] = [
        (r["symbol"], r["target_pct"] - r["current_pct"], r["change_pct"]) for r in rows
    ]
    world.sheet.compare(RUN, "change_pct", changes, absolute=1.01e-4)
    targets: list[Pair] = [
        (r["symbol"], weights.get(r["symbol"], 0.0), r["target_pct"]) for r in rows
    ]
    world.sheet.compare(RUN, "target_pct", targets, absolute=1e-9)
    # Prices go on between two answers.
    currents: list[Pair] = [
        (r["symbol"], held.get(r["symbol"], 0.0), r["current_pct"]) for r in rows
    ]
    world.sheet.compare(RUN, "current_pct", currents, absolute=0.01)
    euros: list[Pair] = [(r["symbol"], r["change_pct"] * total, r["change_eur"]) for r in rows]
    world.sheet.compare(RUN, "change_eur", euros, absolute=1 + 6e-5 * total, relative=0.02)
    sides = [(r["symbol"], (r["direction"] == "buy") == (r["change_pct"] > 0)) for r in rows]
    world.sheet.holds(RUN, "direction", sides)


def _groups(world: World, run: dict[str, Any]) -> None:
    """How far each band is missed, from the weights themselves."""
    rows = {row["journal_symbol"]: row for row in world.daemon.get("/api/securities")}
    pairs: list[Pair] = []
    for kind, column in (("country", "country"), ("industry", "industry")):
        groups = world.daemon.get(f"/api/allocation/groups/{kind}")["groups"]
        of = {member.casefold(): group for group, names in groups.items() for member in names}
        held: dict[str, float] = {}
        for symbol, weight in run["weights"].items():
            names = [name.strip() for name in (rows[symbol][column] or "").split(",")]
            for name in names:
                group = of.get(name.casefold(), "OTHER")
                held[group] = held.get(group, 0.0) + weight / len(names)
        for band in run["constraints"][f"{kind}_constraints"]:
            low, high = band["range"]
            there = held.get(band["name"], 0.0)
            pairs.append((band["name"], max(0.0, low - there, there - high), band["slack"]))
    world.sheet.compare(RUN, "slack of the bands", pairs, absolute=1e-3)


def _correlations(world: World, run: dict[str, Any], today: date) -> None:
    """Pearson's r of weekly returns in EUR with what was paid, on the weeks two have in common."""
    told = run["high_correlations"]
    pairs: list[Pair] = []
    for row in told:
        first, second = (_weekly(world, row[name], today) for name in ("symbol1", "symbol2"))
        weeks = sorted(first.keys() & second.keys())
        ours = measures.correlation([first[w] for w in weeks], [second[w] for w in weeks])
        pairs.append((f"{row['symbol1']} {row['symbol2']}", ours, row["correlation"]))
    world.sheet.compare(RUN, "high_correlations", pairs, places=3)
    names = sorted(run["weights"])
    lines = {name: _weekly(world, name, today) for name in names}
    found = 0
    for at, one in enumerate(names):
        for other in names[at + 1 :]:
            weeks = sorted(lines[one].keys() & lines[other].keys())
            if len(weeks) >= LEAST:
                r = measures.correlation(
                    [lines[one][w] for w in weeks], [lines[other][w] for w in weeks]
                )
                found += r is not None and abs(r) >= HIGH
    count: list[Pair] = [("pairs", min(found, 5), len(told))]
    world.sheet.compare(RUN, "how many are high", count)


def _achieved(world: World, run: dict[str, Any], regime: dict[str, Any], today: date) -> None:
    """Σ w e and the root of Σ w_i w_j S_ij, the latter shrunk a little there and not here."""
    weights = {name: weight for name, weight in run["weights"].items() if weight}
    expected = _expected(world, run, regime, today)
    if weights.keys() <= expected.keys():
        ours = math.fsum(weight * expected[name] for name, weight in weights.items())
        pairs: list[Pair] = [("return", ours, run["achieved_return_pct"])]
        world.sheet.compare(RUN, "achieved_return_pct", pairs, places=4, absolute=3e-4)
    lines = {name: _weekly(world, name, today) for name in weights}
    variance = 0.0
    for one, first in weights.items():
        for other, second in weights.items():
            weeks = sorted(lines[one].keys() & lines[other].keys())
            apart = [lines[one][w] for w in weeks], [lines[other][w] for w in weeks]
            variance += first * second * measures.covariance(*apart) * PER_YEAR
    near: list[Pair] = [("volatility", math.sqrt(variance), run["achieved_volatility_pct"])]
    world.sheet.compare(RUN, "achieved_volatility_pct near the sample's", near, relative=0.1)


def _expected(
    world: World, run: dict[str, Any], told: dict[str, Any], today: date
) -> dict[str, float]:
    """a growth + (1 - a) target score / 0.5 + target (tilts) + bonus, within -0.10 to 0.30."""
    target: float = run["target_return_pct"]
    sure = told["confidence"] if told["regime"] == run["regime"] else 0.0
    part = 0.7 + 0.1 * (sure if run["regime"] == "bull" else 0.0)
    tilt = -0.25 * (sure if run["regime"] == "bear" else 0.0)
    waiting = {
        r["symbol"]: r["ratio"] or 0.0 for r in world.daemon.get("/api/dividends/pending-bonuses")
    }
    found: dict[str, float] = {}
    for row in world.daemon.get("/api/securities"):
        symbol, score = row["journal_symbol"], row["total_score"]
        growth = _growth(world, symbol, today)
        if growth is not None:
            liked = (0.5 if score is None else score) / 0.5
            leaning = tilt + row["priority_multiplier"] - 1
            value = part * growth + (1 - part) * target * liked + target * leaning
            value += min(0.05, waiting.get(symbol, 0.0))
            found[symbol] = max(-0.10, min(0.30, value))
    return found


def _growth(world: World, symbol: str, today: date) -> float | None:
    """Of the total return in EUR over five years, in closes of the ends of weeks that are over."""
    day = world.market.last_day(symbol, today) or today
    start = today - timedelta(days=round(5 * measures.DAYS_PER_YEAR))
    line = world.market.in_eur(symbol, world.market.total(symbol, day))
    ends = {_friday(on): (on, value) for on, value in line if _friday(on) < today}
    shown = [point for point in ends.values() if point[0] >= start]
    if len(shown) < 2 or (shown[-1][0] - shown[0][0]).days < measures.DAYS_PER_YEAR:
        return None
    (first, before), (last, now) = shown[0], shown[-1]
    return float((now / before) ** (measures.DAYS_PER_YEAR / (last - first).days) - 1)


def _weekly(world: World, symbol: str, today: date) -> dict[date, float]:
    """By Friday: from the last close of the week before to that of the week, both with one."""
    day = world.market.last_day(symbol, today) or today
    line: Line = world.market.in_eur(symbol, world.market.total(symbol, day))
    newest = today - timedelta(days=1)
    newest -= timedelta(days=(newest.weekday() - FRIDAY) % 7)
    closes: dict[date, float] = {}
    for on, value in line:
        closes[_friday(on)] = value
    week = timedelta(days=7)
    wanted = [newest - week * back for back in range(WEEKS)]
    return {
        friday: closes[friday] / closes[friday - week] - 1
        for friday in wanted
        if friday in closes and friday - week in closes
    }


def _friday(day: date) -> date:
    """The Friday that ends the week of `day`, which begins on a Saturday."""
    return day + timedelta(days=(FRIDAY - day.weekday()) % 7)
