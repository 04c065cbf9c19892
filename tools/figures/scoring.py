"""POST /api/scoring/score: a company made of a real past and invented reports."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from datetime import date

from tools.figures import measures, scores
from tools.figures.market import Line
from tools.figures.securities import known_of
from tools.figures.sheet import Pair
from tools.figures.world import World

ROUTE = "POST /api/scoring/score"
CLOSES, WEEKS = 365, 252
MARKET_PE, TARGET = 21.0, 0.09
REPORTED = {
    "pe_ratio": 18.0, "forward_pe": 16.5, "dividend_yield": 0.025, "payout_ratio": 0.45,
    "five_year_avg_div_yield": 0.022, "profit_margin": 0.12, "debt_to_equity": 0.8,
    "current_ratio": 1.4, "analyst_recommendation": 0.8, "upside_pct": 0.07,
}  # fmt: skip

Parts = dict[tuple[str, str], float | None]


def check(world: World) -> None:
    """Every security of the market folder as of today, once with reports and once without."""
    for figures in (REPORTED, {}):
        _all(world, figures)


def _all(world: World, figures: Mapping[str, float]) -> None:
    pairs: list[Pair] = []
    totals: list[Pair] = []
    today = world.today()
    for symbol in world.market.securities:
        day = world.market.last_day(symbol, today)
        if day is None:
            continue
        line = world.market.closes(symbol, day)
        daily, monthly = [close for _, close in line][-1000:], _months(line)
        ends = [{"year_month": f"{d:%Y-%m}", "avg_adj_close": v} for d, v in monthly]
        body = {
            "symbol": symbol, "daily_prices": daily, "target_annual_return": TARGET,
            "market_avg_pe": MARKET_PE, **figures,
            "monthly_prices": ends,
        }  # fmt: skip
        told = world.daemon.post("/api/scoring/score", body)["score"]
        ours, total = _scored(daily, monthly, figures, told["sub_scores"])
        for (group, name), value in ours.items():
            if name in told["sub_scores"].get(group, {}):
                theirs = told["sub_scores"][group][name]
                pairs.append((f"{symbol} {group}.{name}", value, theirs))
        totals.append((symbol, total, told["total_score"]))
    kind = "with reports" if figures else "prices alone"
    world.sheet.compare(ROUTE, f"parts, {kind}", pairs, places=3)
    world.sheet.compare(ROUTE, f"total, {kind}", totals, places=4)


def _months(line: Line) -> Line:
    """The last close of each month under its last day."""
    ends = {(d.year, d.month): v for d, v in line}
    return [(date(y, m, monthrange(y, m)[1]), v) for (y, m), v in sorted(ends.items())]


def _scored(
    daily: list[float], monthly: Line, figures: Mapping[str, float], told: scores.Parts
) -> tuple[Parts, float]:
    metrics = _metrics(daily, monthly, figures)
    found: Parts = {**scores.price_parts(metrics, TARGET), **_reported(metrics, figures)}
    parts = {group: {name: found.get((group, name)) for name in of} for group, of in told.items()}
    return found, scores.total_of(parts, known_of(metrics, company=True))[0]


def _metrics(
    daily: list[float], monthly: Line, figures: Mapping[str, float]
) -> dict[str, float | None]:
    close = daily[-CLOSES:]
    moves, high = measures.returns(close), max(daily[-WEEKS:])
    middle, spread = measures.mean(close[-20:]), measures.deviation(close[-20:], ddof=0) or 0.0
    place = (close[-1] - middle + 2 * spread) / (4 * spread)
    long = (monthly[-1][0] - monthly[0][0]).days >= 5 * measures.DAYS_PER_YEAR + 31
    return {
        "CAGR_1Y": measures.growth(monthly, 1),
        "CAGR_3Y": measures.growth(monthly, 3),
        "CAGR_5Y": measures.growth(monthly, 5),
        "CAGR_10Y": measures.growth(monthly, 10) if long else None,
        "SORTINO": measures.sortino(moves),
        "SHARPE": measures.sharpe(moves, 0.0),
        "MAX_DRAWDOWN": min(measures.drawdowns(close)),
        "DISTANCE_FROM_52W_HIGH": (high - close[-1]) / high,
        "MOMENTUM_30D": close[-1] / close[-31] - 1 if len(close) > 30 else None,
        "MOMENTUM_90D": close[-1] / close[-91] - 1 if len(close) > 90 else None,
        "RSI_14": measures.rsi(close, 14),
        "BB_POSITION": min(max(place, 0.0), 1.0),
        "DISTANCE_FROM_EMA_200": close[-1] / measures.ema(close, 200) - 1,
        "PROFIT_MARGIN": figures.get("profit_margin"),
        "DEBT_TO_EQUITY": figures.get("debt_to_equity"),
        "CURRENT_RATIO": figures.get("current_ratio"),
        "PAYOUT_RATIO": figures.get("payout_ratio"),
        "DIVIDEND_YIELD": figures.get("dividend_yield"),
        "DIVIDEND_YIELD_5Y_AVG": figures.get("five_year_avg_div_yield"),
    }


def _reported(metrics: scores.Metrics, figures: Mapping[str, float]) -> Parts:
    strength = [
        (0.40, scores.along(scores.MARGIN, metrics.get("PROFIT_MARGIN"))),
        (0.30, scores.along(scores.DEBT, metrics.get("DEBT_TO_EQUITY"))),
        (0.30, scores.along(scores.LIQUID, metrics.get("CURRENT_RATIO"))),
    ]
    habit = [
        (0.5, scores.along(scores.PAYOUT, metrics.get("PAYOUT_RATIO"))),
        (0.5, scores.along(scores.HABIT, metrics.get("DIVIDEND_YIELD_5Y_AVG"))),
    ]
    five, ten = metrics.get("CAGR_5Y"), metrics.get("CAGR_10Y")
    steady = None if five is None or ten is None else abs(five - ten)
    return {
        ("fundamentals", "financial_strength"): scores.mixed(strength)[0],
        ("fundamentals", "consistency"): scores.along(scores.CONSISTENCY, steady),
        ("opportunity", "pe_ratio"): _cheap(figures),
        ("dividends", "yield"): scores.along(scores.YIELD, metrics.get("DIVIDEND_YIELD")),
        ("dividends", "consistency"): scores.mixed(habit)[0],
        ("opinion", "recommendation"): figures.get("analyst_recommendation"),
        ("opinion", "price_target"): scores.along(scores.UPSIDE, figures.get("upside_pct")),
    }


def _cheap(figures: Mapping[str, float]) -> float | None:
    if "pe_ratio" not in figures:
        return None
    ratio = (figures["pe_ratio"] + figures["forward_pe"]) / 2
    return scores.along(scores.CHEAP, (ratio - MARKET_PE) / MARKET_PE)
