"""/api/analytics/positions/{isin}/risk: of every security, alone and beside the others."""

from __future__ import annotations

import math
from datetime import date
from typing import Any

from tools.figures import measures, periods
from tools.figures.daemon import NoAnswerError, part
from tools.figures.market import Line
from tools.figures.sheet import Pair
from tools.figures.world import World, day_of

ROUTE = "GET /api/analytics/positions/{isin}/risk"
DAYS = 730
YEAR, LEAST = 252, 60


# What depends on weights is known to the four decimals they are told with.
LOOSE = dict.fromkeys(
    ("weight", "concentration", "portfolio_volatility", "risk_contribution", "risk_share",
     "portfolio_correlation"),
    1e-3,
)  # fmt: skip

Found = list[tuple[str, Pair]]


def check(world: World) -> None:
    """Of the total return in EUR, over the days each answer names."""
    pairs: dict[str, list[Pair]] = {}
    for symbol, row in world.market.securities.items():
        if row["product_type"] == "INDEX":
            continue
        path = f"/api/analytics/positions/{part(symbol)}/risk?days={DAYS}"
        try:
            told = world.together(path, "/api/portfolio", "/api/analytics/regime")
        except NoAnswerError as error:
            world.sheet.failed(ROUTE, f"{symbol}: {error}")
            continue
        for figure, pair in _pairs(world, symbol, told) if told[1]["available"] else ():
            pairs.setdefault(figure, []).append(pair)
    for figure, found in pairs.items():
        apart = LOOSE.get(figure, 1e-10)
        world.sheet.compare(ROUTE, figure, found, absolute=apart, relative=1e-8)


def _pairs(world: World, symbol: str, answers: list[Any]) -> Found:
    _, told, _, regime = answers
    first, last = day_of(told["start_date"]), day_of(told["end_date"])
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
    return found + _beside_others(world, symbol, last, answers)


def _line(world: World, symbol: str, last: date) -> Line:
    return world.market.in_eur(symbol, world.market.total(symbol, last))


def _beside_others(world: World, symbol: str, last: date, answers: list[Any]) -> Found:
    """Weight, concentration, and the part in the risk of everything that is held."""
    summary, told, positions, _ = answers
    if told["weight"] is None or told["left_out"]:
        return []
    total = summary["total_value"]
    weights = {row["symbol"]: row["market_value_eur"] / total for row in positions}
    square = math.fsum(weight**2 for weight in weights.values())
    found: Found = [
        ("weight", (symbol, weights.get(symbol, 0.0), told["weight"])),
        ("concentration", (symbol, square, told["concentration"])),
    ]
    names = [symbol, *(name for name in weights if name != symbol)]
    moves = measures.aligned([_line(world, name, last) for name in names], YEAR)
    if len(moves[0]) < LEAST:
        return found
    held = [weights.get(name, 0.0) for name in names]
    return found + _joint(names, moves, held, told)


def _joint(
    names: list[str], moves: list[list[float]], held: list[float], told: dict[str, Any]
) -> Found:
    """The portfolio's return of a day is the weighted sum of those of its parts."""
    symbol = names[0]
    together = [
        math.fsum(w * r for w, r in zip(held, day, strict=True)) for day in zip(*moves, strict=True)
    ]
    rest = [whole - held[0] * own for whole, own in zip(together, moves[0], strict=True)]
    spread = math.sqrt(measures.covariance(together, together) * YEAR)
    adds = held[0] * measures.covariance(moves[0], together) * YEAR / spread
    found: Found = [
        ("portfolio_volatility", (symbol, spread, told["portfolio_volatility"])),
        ("risk_contribution", (symbol, adds, told["risk_contribution"])),
        ("risk_share", (symbol, adds / spread, told["risk_share"])),
        (
            "portfolio_correlation",
            (symbol, measures.correlation(moves[0], rest), told["portfolio_correlation"]),
        ),
    ]
    high = {row["symbol"]: row["correlation"] for row in told["high_correlations"]}
    for name, other in zip(names[1:], moves[1:], strict=True):
        if name in high:
            pair = (f"{symbol} {name}", measures.correlation(moves[0], other), high[name])
            found.append(("high_correlations", pair))
    return found
