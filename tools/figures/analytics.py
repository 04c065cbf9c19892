"""/api/analytics and /api/portfolio/analytics: returns, and where they came from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from tools.figures import measures, periods
from tools.figures.allocation import countries, industries
from tools.figures.books import Books, Close, Valuation, read_books
from tools.figures.market import Line, Market
from tools.figures.sheet import Pair
from tools.figures.world import World, day_of

BASE = "GET /api/analytics"
DAYS = 365
CLOSE, NEAR = 1e-10, 1e-8
# Of these only the sum is recomputed: what they rest on is the owner's, or a regression.
SUMS_ONLY = ("country_group", "industry_group", "factor")


def check(world: World) -> None:
    """Performance and its parts, from the books built anew."""
    world.attempt(f"{BASE}/performance", _performance)
    for by in ("country", "industry", "currency", *SUMS_ONLY):
        world.attempt(f"{BASE}/attribution by {by}", _attribution, by)
    world.attempt("GET /api/portfolio/analytics", _portfolio)


def _asked(world: World, path: str) -> tuple[Any, Books]:
    """An answer with the books it was made of."""
    daemon, market = world.daemon, world.market
    return world.still(lambda: (daemon.get(path), read_books(daemon, market)))


def _closes(
    market: Market,
    books: Books,
    period: Mapping[str, Any],
    told: float,
    figure: Callable[[Line], float],
) -> list[Close]:
    """Every close up to the last one of `period`, whose `figure` of the daily returns is `told`."""
    last = day_of(period["end_date"])

    def closes() -> list[Close]:
        return Valuation(books, market, last).closes()

    def apart() -> float | None:
        daily = periods.daily_returns(span(closes(), period))
        return abs(figure(daily) - told) if daily else None

    market.try_rates(last, apart)
    return closes()


def _total(daily: Line) -> float:
    return periods.compounded([rate for _, rate in daily])


def _yearly(daily: Line) -> float:
    return periods.annual(_total(daily), len(daily))


def span(closes: Sequence[Close], told: Mapping[str, Any]) -> list[Close]:
    """What lies between the first and the last day that were told, both included."""
    first, last = day_of(told["start_date"]), day_of(told["end_date"])
    return [close for close in closes if first <= close.day <= last]


def _performance(world: World) -> None:
    route = f"{BASE}/performance"
    told, books = _asked(world, f"/api/analytics/performance?days={DAYS}")
    if not told["available"]:
        world.sheet.failed(route, told["reason"])
        return
    closes = _closes(world.market, books, told, told["total_return"], _total)
    shown = span(closes, told)
    daily = periods.daily_returns(shown)
    total, yearly = _total(daily), _yearly(daily)
    theirs = {row["date"]: row["return"] for row in told["daily"]}
    ours = {day.isoformat(): rate for day, rate in daily}
    days = sorted(ours.keys() | theirs.keys())
    world.sheet.compare(
        route, "daily", [(d, ours.get(d), theirs.get(d)) for d in days], absolute=CLOSE
    )
    for figure, form, key in (("monthly", "%Y-%m", "month"), ("yearly", "%Y", "year")):
        mine = periods.by(daily, form)
        pairs = [(row[key], mine.get(row[key]), row["return"]) for row in told[figure]]
        world.sheet.compare(route, figure, pairs, absolute=CLOSE, relative=NEAR)
    pairs = [
        ("total", total, told["total_return"]),
        ("annual", yearly, told["annual_return"]),
    ]
    world.sheet.compare(route, "returns", pairs, absolute=CLOSE, relative=NEAR)
    money: list[Pair] = [
        ("start", shown[0].value, told["start_value"]),
        ("end", shown[-1].value, told["end_value"]),
        ("flows", sum(close.flow for close in shown[1:]), told["flows"]),
    ]
    world.sheet.compare(route, "values", money, places=2)
    _risk(world, told, _levels(shown[0].day, daily), yearly)
    _turnover(world, route, told["turnover"], closes)


def _levels(start: date, daily: Line) -> Line:
    """The growth of one."""
    found: Line = [(start, 1.0)]
    for day, rate in daily:
        found.append((day, found[-1][1] * (1 + rate)))
    return found


def _risk(world: World, told: Mapping[str, Any], levels: Line, yearly: float) -> None:
    risk_free = world.setting("risk_free_rate", 0.0)
    found = periods.risk_pairs(
        "portfolio", levels, told["risk"], risk_free=risk_free, growth=yearly
    )
    rolling = periods.rolling_pairs("portfolio", levels, told["rolling"], risk_free=risk_free)
    for figure, pairs in {**{name: [pair] for name, pair in found.items()}, **rolling}.items():
        world.sheet.compare(f"{BASE}/performance", figure, pairs, absolute=CLOSE, relative=NEAR)


def _turnover(
    world: World, route: str, told: Mapping[str, Any] | None, closes: Sequence[Close]
) -> None:
    """(bought + sold) / 2 over the mean value of a year."""
    if told is None or told["annual_turnover"] is None:
        return
    year = [c for c in closes if c.day > closes[-1].day - timedelta(days=365)]
    ours = sum(close.turnover for close in year) / measures.mean([c.value for c in year])
    pairs: list[Pair] = [("turnover", ours, told["annual_turnover"])]
    word = "critical" if ours >= 1 else "warning" if ours >= 0.5 else "normal"
    world.sheet.compare(route, "turnover", pairs, absolute=CLOSE, relative=NEAR)
    world.sheet.compare(route, "turnover status", [("status", word, told["status"])])


def _attribution(world: World, by: str) -> None:
    route = f"{BASE}/attribution by {by}"
    told, books = _asked(world, f"/api/analytics/attribution?days={DAYS}&by={by}")
    if not told["available"]:
        # Sixty days are needed for factors, and the owner may want none.
        world.sheet.holds(route, "why not", [(route, by in SUMS_ONLY and bool(told["reason"]))])
        return
    parts = {part["name"]: part for part in told["parts"]}
    whole: list[Pair] = [
        ("total", sum(p["contribution"] for p in parts.values()), told["total_return"]),
    ]
    annual = [p["annual_contribution"] for p in parts.values()]
    if None not in annual:
        whole.append(("annual", sum(annual), told["annual_return"]))
    world.sheet.compare(route, "parts add up", whole, absolute=1e-12)
    if by in SUMS_ONLY:
        return
    closes = _closes(world.market, books, told, told["total_return"], _total)
    ours = contributions(world.market, by, span(closes, told))
    names = sorted(ours.keys() | parts.keys())
    pairs = [
        (name, ours.get(name, 0.0), parts[name]["contribution"] if name in parts else 0.0)
        for name in names
    ]
    world.sheet.compare(route, "contribution", pairs, absolute=CLOSE, relative=NEAR)


def contributions(market: Market, by: str, closes: Sequence[Close]) -> dict[str, float]:
    """Linked contributions by bucket; what is neither a security's nor cash's is trading."""
    daily: list[dict[str, float]] = []
    rates: list[float] = []
    for before, now in pairwise(closes):
        if before.value <= 0:
            continue
        parts = _buckets(market, by, now.gains)
        parts["cash"] = now.money
        gained = now.value - before.value - now.flow
        parts["trading"] = gained - sum(now.gains.values()) - now.money
        daily.append({name: part / before.value for name, part in parts.items()})
        rates.append(gained / before.value)
    return periods.linked(daily, rates)


def _buckets(market: Market, by: str, gains: Mapping[str, float]) -> dict[str, float]:
    named: dict[str, Callable[[Mapping[str, Any]], list[str]]] = {
        "country": countries,
        "industry": industries,
        "currency": lambda row: [row["currency"]],
    }
    found: dict[str, float] = {}
    for symbol, gain in gains.items():
        names = named[by](market.securities[symbol]) or ["unknown"]
        for name in names:
            found[name] = found.get(name, 0.0) + gain / len(names)
    return found


def _portfolio(world: World) -> None:
    route = "GET /api/portfolio/analytics"
    told, books = _asked(world, f"/api/portfolio/analytics?days={DAYS}")
    if not told["available"]:
        world.sheet.failed(route, told["error"])
        return
    period = told["period"]
    annual = told["returns"]["annual"]
    shown = span(_closes(world.market, books, period, annual, _yearly), period)
    daily = periods.daily_returns(shown)
    yearly = _yearly(daily)
    mine = {day.isoformat(): rate for day, rate in daily}
    pairs: list[Pair] = [
        (row["date"], mine.get(row["date"]), row["return"]) for row in told["returns"]["daily"]
    ]
    world.sheet.compare(route, "daily", pairs, absolute=CLOSE)
    pairs = [("annual", yearly, told["returns"]["annual"])]
    world.sheet.compare(route, "annual", pairs, absolute=CLOSE, relative=NEAR)
    risk = told["risk_metrics"]
    blank = {"max_drawdown": None}
    found = periods.risk_pairs(
        "portfolio", _levels(shown[0].day, daily), {**_NO_RISK, **risk, **blank},
        risk_free=world.setting("risk_free_rate", 0.0), growth=yearly,
    )  # fmt: skip
    deep = found["max_drawdown depth"][1]
    pairs = [
        found[name] for name in ("volatility", "sharpe_ratio", "sortino_ratio", "calmar_ratio")
    ]
    pairs.append(("max_drawdown", deep, risk["max_drawdown"]))
    world.sheet.compare(route, "risk_metrics", pairs, absolute=CLOSE, relative=NEAR)
    for by in ("country", "industry"):
        ours, theirs = contributions(world.market, by, shown), told["attribution"][by]
        names = sorted(ours.keys() | theirs.keys())
        pairs = [(name, ours.get(name, 0.0), theirs.get(name, 0.0)) for name in names]
        world.sheet.compare(route, f"attribution by {by}", pairs, absolute=CLOSE, relative=NEAR)


_NO_RISK: dict[str, None] = dict.fromkeys(
    ("downside_deviation", "current_drawdown", "days_in_drawdown", "var_95", "cvar_95", "best_day",
     "worst_day")
)  # fmt: skip
