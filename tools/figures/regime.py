"""/api/analytics/regime: the state of the market, replayed from the bars of its indices."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from tools.figures import measures
from tools.figures.market import Line
from tools.figures.sheet import Pair
from tools.figures.world import World, day_of

ROUTE = "GET /api/analytics/regime"
SMA, HYSTERESIS, SWITCH, FULL = 200, 0.01, 3, 0.05


def check(world: World) -> None:
    """Price over its mean of 200 closes; three days beyond a threshold make it another one."""
    told = world.daemon.get("/api/analytics/regime")
    if told["as_of"] is None:
        world.sheet.failed(ROUTE, told["reason"] or "no index has been read")
        return
    distances = {
        symbol: _distances(world.market.closes(symbol, day_of(told["as_of"])))
        for symbol in told["per_index"]
    }
    pairs: list[Pair] = [
        (symbol, line[-1][1] if line else None, told["per_index"][symbol])
        for symbol, line in distances.items()
    ]
    world.sheet.compare(ROUTE, "per_index", pairs)
    means = _means(list(distances.values()))
    world.sheet.compare(ROUTE, "mean_distance", [("mean", means[-1], told["mean_distance"])])
    if len(distances) == 1:
        bull = world.setting("market_regime_bull_threshold", 0.05)
        bear = world.setting("market_regime_bear_threshold", -0.05)
        now = _replayed(means, bull, bear)
        world.sheet.compare(ROUTE, "regime", [("now", now, told["regime"])])
        off = min(abs(means[-1] - bull), abs(means[-1] - bear))
        sure = min(1.0, off / FULL)
        world.sheet.compare(ROUTE, "confidence", [("now", sure, told["confidence"])])


def _distances(line: Line) -> Line:
    values = [value for _, value in line]
    return [
        (line[at][0], values[at] / measures.mean(values[at - SMA + 1 : at + 1]) - 1)
        for at in range(SMA - 1, len(values))
    ]


def _means(lines: Sequence[Line]) -> list[float]:
    """Of every day all of them have."""
    tables = [dict(line) for line in lines]
    days = sorted(set[date].intersection(*(set(table) for table in tables)))
    return [measures.mean([table[day] for table in tables]) for day in days]


def _replayed(means: Sequence[float], bull: float, bear: float) -> str:
    state, other, times = "sideways", "", 0
    for mean in means:
        up = bull - HYSTERESIS if state == "bull" else bull
        down = bear + HYSTERESIS if state == "bear" else bear
        now = "bull" if mean >= up else "bear" if mean <= down else "sideways"
        times = times + 1 if now == other else 1
        other = now
        if now != state and times >= SWITCH:
            state = now
    return state
