"""/api/securities: what is held, every figure that prices tell, and the scores made of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from tools.figures import measures, scores
from tools.figures.daemon import part
from tools.figures.market import Market
from tools.figures.sheet import Pair
from tools.figures.world import World, day_of

ROUTE = "GET /api/securities/{isin}"
# The newest closes that risk and trend are computed from, and those of 52 weeks.
CLOSES, WEEKS = 365, 252
BEYOND_FIVE = 5 * measures.DAYS_PER_YEAR + 31
LEAST = {"MOMENTUM_90D": 91, "VOLATILITY_60D": 61, "HIGH_52W": 50, "LOW_52W": 50, "SHARPE": 50}
BELIEVABLE_YIELD = 0.30
BARS_BEHIND = 4

Metrics = dict[str, float | None]


def check(world: World) -> None:
    """The list against the portfolio, and every security against the market folder."""
    world.attempt("GET /api/securities", _list)
    rows = world.daemon.get("/api/securities")
    names = [row["journal_symbol"] for row in rows if row["last_bar"] is not None]
    details = [world.daemon.get(f"/api/securities/{part(name)}") for name in names]
    world.attempt(ROUTE, _metrics, details)
    world.attempt(ROUTE, _scores, details)


def _list(world: World) -> None:
    summary, rows, positions = world.together("/api/securities", "/api/portfolio")
    held = {row["symbol"]: row for row in positions}
    pairs: list[Pair] = []
    for row in rows:
        symbol, position = row["journal_symbol"], held.get(row["journal_symbol"], {})
        pairs.append((f"{symbol} quantity", position.get("quantity", 0), row["position_quantity"]))
        value = position.get("market_value_eur")
        pairs.append((f"{symbol} value", value, row["position_value"]))
    world.sheet.compare("GET /api/securities", f"held at {summary['as_of']}", pairs)
    priority = (
        (r["symbol"], _times(r["total_score"], r["priority_multiplier"]), r["priority_score"])
        for r in rows
    )
    world.sheet.compare("GET /api/securities", "priority_score", priority, places=3, absolute=1e-4)
    known = (
        (
            row["symbol"],
            row["name"],
            world.market.securities.get(row["journal_symbol"], {}).get("name"),
        )
        for row in rows
    )
    world.sheet.compare("GET /api/securities", "name", known)


def _times(total: float | None, priority: float) -> float | None:
    return None if total is None else total * priority


def _metrics(world: World, details: list[dict[str, Any]]) -> None:
    """One line per figure, of all securities."""
    risk_free = world.setting("risk_free_rate", 0.0)
    pairs: dict[str, list[Pair]] = {}
    for detail in details:
        symbol, theirs = detail["journal_symbol"], detail["metrics"]
        ours = of_prices(world.market, symbol, _scored_on(world.market, detail), risk_free)
        for name, value in ours.items():
            if name in theirs:
                pairs.setdefault(name, []).append((symbol, value, theirs[name]))
    for name, found in sorted(pairs.items()):
        world.sheet.compare(ROUTE, name, found, absolute=1e-11)


def _scored_on(market: Market, detail: Mapping[str, Any]) -> date:
    """The bar its figures are of: the newest one, or one before it until the next scoring.

    Told by one figure; all others must then agree.
    """
    symbol, average = detail["journal_symbol"], detail["metrics"].get("EMA_50")
    newest = day_of(detail["last_bar"])
    days = [bar.day for bar in market.raw(symbol, newest)][-BARS_BEHIND:]
    if average is None or not days:
        return newest

    def apart(day: date) -> float:
        closes = [close for _, close in market.closes(symbol, day)][-CLOSES:]
        return abs(measures.ema(closes, 50) - float(average))

    return min(reversed(days), key=apart)


def of_prices(market: Market, symbol: str, day: date, risk_free: float) -> Metrics:
    """Every figure that bars and dividends up to `day` tell."""
    bars = market.bars(symbol, day)
    whole = [value for _, value in market.total(symbol, day)]
    total, close = whole[-CLOSES:], [bar.close for bar in bars][-CLOSES:]
    daily = measures.returns(total)
    high = max(bar.high for bar in bars[-WEEKS:])
    found = {
        "VOLATILITY_30D": measures.volatility(measures.returns(whole[-31:])),
        "VOLATILITY_60D": measures.volatility(measures.returns(whole[-61:])),
        "VOLATILITY_ANNUAL": measures.volatility(daily),
        "SHARPE": measures.sharpe(daily, risk_free),
        "SORTINO": measures.sortino(daily),
        "MAX_DRAWDOWN": min(measures.drawdowns(total)),
        "CURRENT_DRAWDOWN": measures.drawdowns(total)[-1],
        "DAYS_IN_DRAWDOWN": measures.under_water(total),
        "HIGH_52W": high,
        "LOW_52W": min(bar.low for bar in bars[-WEEKS:]),
        "DISTANCE_FROM_52W_HIGH": (high - close[-1]) / high,
        **_trend(close),
        **_growth(market, symbol, day),
        **_dividends(market, symbol, day),
    }
    least = {**LEAST, "MOMENTUM_30D": 31, "VOLATILITY_30D": 31, "RSI_30": 31}
    return {name: v if len(bars) >= least.get(name, 30) else None for name, v in found.items()}


def _trend(close: list[float]) -> Metrics:
    middle = measures.mean(close[-20:])
    spread = measures.deviation(close[-20:], ddof=0) or 0.0
    low, high = middle - 2 * spread, middle + 2 * spread
    inside = min(max((close[-1] - low) / (high - low), 0.0), 1.0) if high > low else None
    average = measures.ema(close, 200)
    return {
        "RSI_14": measures.rsi(close, 14),
        "RSI_30": measures.rsi(close, 30),
        "EMA_50": measures.ema(close, 50),
        "EMA_200": average,
        "DISTANCE_FROM_EMA_200": close[-1] / average - 1,
        "BB_LOWER": low,
        "BB_MIDDLE": middle,
        "BB_UPPER": high,
        "BB_POSITION": inside,
        "MOMENTUM_30D": close[-1] / close[-31] - 1 if len(close) > 30 else None,
        "MOMENTUM_90D": close[-1] / close[-91] - 1 if len(close) > 90 else None,
    }


def _growth(market: Market, symbol: str, day: date) -> Metrics:
    line = market.closes(symbol, day)
    long = (line[-1][0] - line[0][0]).days >= BEYOND_FIVE
    return {
        "CAGR_1Y": measures.growth(line, 1),
        "CAGR_3Y": measures.growth(line, 3),
        "CAGR_5Y": measures.growth(line, 5),
        "CAGR_10Y": measures.growth(line, 10) if long else None,
    }


def _dividends(market: Market, symbol: str, day: date) -> Metrics:
    """What was paid in a year by the close, its growth by calendar years, and the newest cut."""
    paid, line = market.paid(symbol, day), market.closes(symbol, day)
    (first, _), (last, close) = line[0], line[-1]
    year = sum(amount for on, amount in paid.items() if on > last - timedelta(days=365))
    rate = None if (last - first).days < 365 else year / close
    if rate is not None and rate > BELIEVABLE_YIELD:
        rate = None
    start = first.year if first.timetuple().tm_yday <= 7 else first.year + 1
    years = [sum(v for on, v in paid.items() if on.year == y) for y in range(start, last.year)]
    while years and not years[0]:
        years.pop(0)
    paying = sum(amount > 0 for amount in years)
    rise = (years[-1] / years[0]) ** (1 / (len(years) - 1)) - 1 if paying > 1 else None
    cuts = [at for at in range(1, len(years)) if years[at] < 0.8 * years[at - 1]]
    return {
        "DIVIDEND_YIELD": rate,
        "DIVIDEND_GROWTH": rise,
        "YEARS_SINCE_DIVIDEND_CUT": len(years) - cuts[-1] if cuts else None,
    }


def _scores(world: World, details: list[dict[str, Any]]) -> None:
    """Parts from figures, groups from parts, and the total with its coverage."""
    target = world.setting("target_annual_return", 0.11)
    by_part: dict[str, list[Pair]] = {}
    groups: list[Pair] = []
    totals: list[Pair] = []
    coverages: list[Pair] = []
    for detail in details:
        symbol, parts = detail["symbol"], detail["parts"]
        if detail["total_score"] is None:
            continue
        for (group, name), ours in scores.price_parts(detail["metrics"], target).items():
            if name in parts.get(group, {}):
                pair = (symbol, ours, parts[group][name])
                by_part.setdefault(f"{group}.{name}", []).append(pair)
        known = known_of(detail["metrics"], company=detail["product_type"] == "EQUITY")
        total, coverage = scores.total_of(parts, known)
        totals.append((symbol, total, detail["total_score"]))
        coverages.append((symbol, coverage, detail["coverage"]))
        groups += _groups(symbol, parts, known, detail["groups"])
    for name, pairs in sorted(by_part.items()):
        world.sheet.compare(ROUTE, name, pairs, places=4)
    # Parts are told to four decimals, so that what is made of them is known to as many.
    world.sheet.compare(ROUTE, "groups", groups, places=4, absolute=5e-5)
    world.sheet.compare(ROUTE, "total_score", totals, places=4, absolute=5e-5)
    world.sheet.compare(ROUTE, "coverage", coverages, places=4)


def _groups(
    symbol: str, parts: scores.Parts, known: Mapping[tuple[str, str], float], told: Metrics
) -> list[Pair]:
    found: list[Pair] = []
    for group, of in parts.items():
        weights = [
            (scores.PARTS[group][name] * known.get((group, name), 1.0), value)
            for name, value in of.items()
        ]
        found.append((f"{symbol} {group}", scores.mixed(weights)[0], told.get(group)))
    return found


def known_of(metrics: Mapping[str, float | None], *, company: bool) -> dict[tuple[str, str], float]:
    """How much is known of the parts that are mixtures themselves.

    What is no company has no earnings to pay from: there the record is all of it.
    """
    strength = [
        (0.40, metrics.get("PROFIT_MARGIN")),
        (0.30, metrics.get("DEBT_TO_EQUITY")),
        (0.30, metrics.get("CURRENT_RATIO")),
    ]
    growth = metrics.get("DIVIDEND_GROWTH")
    record = metrics.get("DIVIDEND_YIELD_5Y_AVG") if growth is None else growth
    habit = [(0.5, metrics.get("PAYOUT_RATIO")), (0.5, record)] if company else [(1.0, record)]
    return {
        ("fundamentals", "financial_strength"): scores.mixed(strength)[1],
        ("dividends", "consistency"): scores.mixed(habit)[1],
    }
