"""/api/analytics/positions/{isin}/risk: of every security, alone and beside the others."""

from __future__ import annotations

import math
from datetime import date
from functools import partial
from typing import Any

from tools.figures import measures, periods
from tools.figures.books import Books, Valuation, read_books
from tools.figures.daemon import NoAnswerError, part
from tools.figures.market import Line
from tools.figures.sheet import Pair
from tools.figures.world import World, day_of

ROUTE = "GET /api/analytics/positions/{isin}/risk"
DAYS = 730
YEAR, LEAST = 252, 60


# Weights rest on cash, which trades move by whole cents.
BOUND = 1e-6

Found = list[tuple[str, Pair]]


def check(world: World) -> None:
    """Of the total return in EUR, over the days each answer names."""
    pairs: dict[str, list[Pair]] = {}
    for symbol, row in world.market.securities.items():
        if row["product_type"] == "INDEX":
            continue
        path = f"/api/analytics/positions/{part(symbol)}/risk?days={DAYS}"
        try:
            told, regime, books = world.still(partial(_asked, world, path))
        except NoAnswerError as error:
            world.sheet.failed(ROUTE, f"{symbol}: {error}")
            continue
        if told["available"]:
            here = _alone(world, symbol, told, regime) + _beside(world, symbol, told, books)
            for figure, pair in here:
                pairs.setdefault(figure, []).append(pair)
    for figure, found in pairs.items():
        world.sheet.compare(ROUTE, figure, found, absolute=BOUND, relative=BOUND)


def _asked(world: World, path: str) -> tuple[Any, Any, Books]:
    """The risk, the regime that names the index, and the books behind the weights."""
    regime = world.daemon.get("/api/analytics/regime")
    return world.daemon.get(path), regime, read_books(world.daemon, world.market)


def _alone(world: World, symbol: str, told: dict[str, Any], regime: dict[str, Any]) -> Found:
    first, last = day_of(told["start_date"]), day_of(told["end_date"])

    def apart() -> float | None:
        line = [value for day, value in _line(world, symbol, last) if day >= first]
        return abs(line[-1] / line[0] - 1 - told["total_return"]) if line else None

    world.market.try_rates(last, apart)
    whole = _line(world, symbol, last)
    shown = [point for point in whole if point[0] >= first]
    risk_free = world.setting("risk_free_rate", 0.0)
    risk = periods.risk_pairs(symbol, shown, told["risk"], risk_free=risk_free, growth=None)
    found: Found = list(risk.items())
    rise = shown[-1][1] / shown[0][1] - 1
    found.append(("total_return", (symbol, rise, told["total_return"])))
    found.append(("observations", (symbol, len(shown) - 1, told["observations"])))
    indices = [_line(world, name, last) for name in regime["per_index"]]
    if len(indices) == 1:
        mine, market = measures.aligned([whole, indices[0]], YEAR)
        if len(mine) >= LEAST:
            found.append(("beta", (symbol, measures.beta(mine, market), told["beta"])))
            pair = (symbol, measures.correlation(mine, market), told["benchmark_correlation"])
            found.append(("benchmark_correlation", pair))
    return found


def _line(world: World, symbol: str, last: date) -> Line:
    return world.market.in_eur(symbol, world.market.total(symbol, last))


def _beside(world: World, symbol: str, told: dict[str, Any], books: Books) -> Found:
    """Weight, concentration, and the part in the risk of everything that is held."""
    if told["weight"] is None or told["left_out"]:
        return []
    newest = max(world.market.bars_known.values())
    valuation = Valuation(books, world.market, newest)

    def apart() -> float:
        square = math.fsum(weight**2 for weight in valuation.weights().values())
        return abs(square - float(told["concentration"]))

    world.market.try_rates(newest, apart)
    weights = valuation.weights()
    square = math.fsum(weight**2 for weight in weights.values())
    found: Found = [
        ("weight", (symbol, weights.get(symbol, 0.0), told["weight"])),
        ("concentration", (symbol, square, told["concentration"])),
    ]
    names = [symbol, *(name for name in weights if name != symbol)]
    lines = [_line(world, name, newest) for name in names]
    high = {row["symbol"]: row["correlation"] for row in told["high_correlations"]}
    for name, line in zip(names, lines, strict=True):
        if name in high:
            pair = measures.correlation(*measures.aligned([lines[0], line], YEAR))
            found.append(("high_correlations", (f"{symbol} {name}", pair, high[name])))
    moves = measures.aligned(lines, YEAR)
    if len(moves[0]) >= LEAST:
        held = [weights.get(name, 0.0) for name in names]
        found += _joint(symbol, moves, held, told)
    return found


def _joint(symbol: str, moves: list[list[float]], held: list[float], told: dict[str, Any]) -> Found:
    """The portfolio's return of a day is the weighted sum of those of its parts."""
    days = zip(*moves, strict=True)
    together = [math.fsum(w * r for w, r in zip(held, day, strict=True)) for day in days]
    rest = [whole - held[0] * own for whole, own in zip(together, moves[0], strict=True)]
    spread = math.sqrt(measures.covariance(together, together) * measures.YEAR)
    adds = held[0] * measures.covariance(moves[0], together) * measures.YEAR / spread
    alike = measures.correlation(moves[0], rest)
    return [
        ("portfolio_volatility", (symbol, spread, told["portfolio_volatility"])),
        ("risk_contribution", (symbol, adds, told["risk_contribution"])),
        ("risk_share", (symbol, adds / spread, told["risk_share"])),
        ("portfolio_correlation", (symbol, alike, told["portfolio_correlation"])),
    ]
