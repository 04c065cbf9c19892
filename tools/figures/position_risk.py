"""/api/analytics/positions/{isin}/risk: of every security, alone and beside the others."""

from __future__ import annotations

import math
from datetime import date
from functools import partial
from typing import Any

from tools.figures import measures, periods
from tools.figures.books import Books, Valuation, read_books
from tools.figures.daemon import NoAnswerError, part
from tools.figures.market import Line, Market
from tools.figures.sheet import Pair
from tools.figures.world import World, day_of

ROUTE = "GET /api/analytics/positions/{isin}/risk"
DAYS = 730
YEAR, LEAST = 252, 60


BOUND = 1e-9

Found = list[tuple[str, Pair]]


def check(world: World) -> None:
    """Of the total return in EUR, over the days each answer names."""
    pairs: dict[str, list[Pair]] = {}
    for symbol, row in world.market.securities.items():
        if row["product_type"] == "INDEX":
            continue
        path = f"/api/analytics/positions/{part(symbol)}/risk?days={DAYS}"
        try:
            told, regime, books, today = world.still(partial(_asked, world, path))
        except NoAnswerError as error:
            world.sheet.failed(ROUTE, f"{symbol}: {error}")
            continue
        if told["available"]:
            here = _alone(world, symbol, told, regime)
            if told["weight"] is not None and not told["left_out"]:
                newest = max(world.market.bars_known.values())
                valuation = Valuation(books, world.market, newest, today)
                here += _beside(world.market, symbol, told, newest, valuation)
            for figure, pair in here:
                pairs.setdefault(figure, []).append(pair)
    for figure, found in pairs.items():
        world.sheet.compare(ROUTE, figure, found, absolute=BOUND, relative=BOUND)


def _asked(world: World, path: str) -> tuple[Any, Any, Books, date]:
    """The risk, the regime that names the index, the books behind the weights, and today."""
    regime = world.daemon.get("/api/analytics/regime")
    told = world.daemon.get(path)
    return told, regime, read_books(world.daemon, world.market), world.today()


def _alone(world: World, symbol: str, told: dict[str, Any], regime: dict[str, Any]) -> Found:
    first, last = day_of(told["start_date"]), day_of(told["end_date"])

    def apart() -> float | None:
        line = [value for day, value in _line(world.market, symbol, last) if day >= first]
        return abs(line[-1] / line[0] - 1 - told["total_return"]) if line else None

    world.market.try_rates(last, apart)
    whole = _line(world.market, symbol, last)
    shown = [point for point in whole if point[0] >= first]
    risk_free = world.setting("risk_free_rate", 0.0)
    risk = periods.risk_pairs(symbol, shown, told["risk"], risk_free=risk_free, growth=None)
    found: Found = list(risk.items())
    rolling = periods.rolling_pairs(symbol, shown, told["rolling"], risk_free=risk_free)
    found += [(figure, pair) for figure, pairs in rolling.items() for pair in pairs]
    rise = shown[-1][1] / shown[0][1] - 1
    found.append(("total_return", (symbol, rise, told["total_return"])))
    found.append(("observations", (symbol, len(shown) - 1, told["observations"])))
    indices = [_line(world.market, name, last) for name in regime["per_index"]]
    if len(indices) == 1:
        mine, market = measures.aligned([whole, indices[0]], YEAR)
        if len(mine) >= LEAST:
            found.append(("beta", (symbol, measures.beta(mine, market), told["beta"])))
            pair = (symbol, measures.correlation(mine, market), told["benchmark_correlation"])
            found.append(("benchmark_correlation", pair))
    return found


def _line(market: Market, symbol: str, last: date) -> Line:
    return market.in_eur(symbol, market.total(symbol, last))


def _beside(
    market: Market, symbol: str, told: dict[str, Any], newest: date, valuation: Valuation
) -> Found:
    """Weight, concentration, and the part in the risk of everything that is held."""

    def spread_out() -> float:
        return math.fsum(weight**2 for weight in valuation.weights().values())

    market.try_rates(newest, lambda: abs(spread_out() - float(told["concentration"])))
    weights = valuation.weights()
    found: Found = [
        ("weight", (symbol, weights.get(symbol, 0.0), told["weight"])),
        ("concentration", (symbol, spread_out(), told["concentration"])),
    ]
    names = [symbol, *(name for name in weights if name != symbol)]
    held = [weights.get(name, 0.0) for name in names]

    def joint() -> dict[str, tuple[str, float, float]]:
        moves = measures.aligned([_line(market, name, newest) for name in names], YEAR)
        return _joint(symbol, moves, held, told) if len(moves[0]) >= LEAST else {}

    def apart() -> float | None:
        pairs = joint().values()
        return max((abs(ours - theirs) for _, ours, theirs in pairs), default=None)

    market.try_rates(newest, apart)
    found += list(joint().items())
    own = _line(market, symbol, newest)
    for row in told["high_correlations"]:
        moves = measures.aligned([own, _line(market, row["symbol"], newest)], YEAR)
        pair = (f"{symbol} {row['symbol']}", measures.correlation(*moves), row["correlation"])
        found.append(("high_correlations", pair))
    return found


def _joint(
    symbol: str, moves: list[list[float]], held: list[float], told: dict[str, Any]
) -> dict[str, tuple[str, float, float]]:
    """The portfolio's return of a day is the weighted sum of those of its parts."""
    days = zip(*moves, strict=True)
    together = [math.fsum(w * r for w, r in zip(held, day, strict=True)) for day in days]
    rest = [whole - held[0] * own for whole, own in zip(together, moves[0], strict=True)]
    spread = math.sqrt(measures.covariance(together, together) * measures.YEAR)
    adds = held[0] * measures.covariance(moves[0], together) * measures.YEAR / spread
    ours = {
        "portfolio_volatility": spread,
        "risk_contribution": adds,
        "risk_share": adds / spread,
        "portfolio_correlation": measures.correlation(moves[0], rest) or 0.0,
    }
    return {figure: (symbol, value, float(told[figure])) for figure, value in ours.items()}
