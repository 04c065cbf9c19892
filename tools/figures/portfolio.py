"""/api/portfolio: positions, cash, totals and their past, from the books built anew."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from tools.figures.books import Books, Valuation, held, read_books
from tools.figures.market import Market
from tools.figures.sheet import Pair
from tools.figures.world import World, day_of, instant

BASE = "GET /api/portfolio"
# Values in EUR are rounded to a cent, and made of prices that are as exact as they are told.
CENT = 0.0101
# A quote moves between the bars around it, half a spread beyond.
AROUND = 0.01
# A day's last look is at quotes, not at closes.
NEAR = 0.05
MOST_FLOWS = 500


def check(world: World) -> None:
    """As of one moment; the past of the value against the closes of the market folder."""
    books = read_books(world.daemon, world.market)
    summary, positions = world.together("/api/portfolio")
    today = instant(summary["as_of"]).date()
    world.attempt(BASE, _positions, positions, summary)
    world.attempt(BASE, _holdings, books, positions, today)
    world.attempt(f"{BASE}/summary", _cash, books, summary, today)
    world.attempt(f"{BASE}/summary", _totals, positions, summary)
    world.attempt(f"{BASE}/cash-breakdown", _breakdown)
    world.attempt(f"{BASE}/history", _history, books, today)
    world.attempt(f"{BASE}/transactions", _transactions)


def _positions(world: World, positions: list[dict[str, Any]], summary: dict[str, Any]) -> None:
    today = instant(summary["as_of"]).date()
    values: list[Pair] = []
    euros: list[Pair] = []
    weights: list[Pair] = []
    rates: list[tuple[str, bool]] = []
    prices: list[tuple[str, bool]] = []
    for row in positions:
        symbol = row["symbol"]
        value = Decimal(str(row["quantity"])) * Decimal(str(row["current_price"]))
        values.append((symbol, float(value), row["market_value"]))
        in_eur = float(value) * row["currency_rate"]
        euros.append((symbol, in_eur, row["market_value_eur"]))
        weights.append((symbol, in_eur / summary["total_value"], row["weight"]))
        rates.append((symbol, _known_rate(world.market, row, today)))
        prices.append((symbol, _plausible(world.market, row, today)))
    world.sheet.compare(BASE, "market_value", values, absolute=CENT)
    world.sheet.compare(BASE, "market_value_eur", euros, absolute=CENT, relative=2e-6)
    world.sheet.compare(BASE, "weight", weights, places=4, absolute=1e-5)
    world.sheet.holds(BASE, "currency_rate is published", rates)
    world.sheet.holds(BASE, "current_price within its bars", prices)
    gains = [(r["symbol"], _gain(r), r["profit_eur"]) for r in positions if r["avg_price"]]
    world.sheet.compare(BASE, "profit_eur", gains, absolute=0.05, relative=1e-5)


def _gain(row: dict[str, Any]) -> float:
    rise: float = row["current_price"] - row["avg_price"]
    return rise * float(row["quantity"]) * float(row["currency_rate"])


def _known_rate(market: Market, row: dict[str, Any], today: date) -> bool:
    """The rate of today, or of one of the days before it that may still count."""
    days = [today - timedelta(days=back) for back in range(5)]
    found = [market.per_eur(row["currency"], day) for day in days]
    return any(rate and abs(1 / rate - row["currency_rate"]) < 1e-6 for rate in found)


def _plausible(market: Market, row: dict[str, Any], today: date) -> bool:
    bars = market.raw(row["symbol"], today)[-2:]
    low, high = min(bar.low for bar in bars), max(bar.high for bar in bars)
    price: float = row["current_price"]
    return low * (1 - AROUND) <= price <= high * (1 + AROUND)


def _holdings(world: World, books: Books, positions: list[dict[str, Any]], today: date) -> None:
    told = {row["symbol"]: row["quantity"] for row in positions}
    symbols = sorted({symbol for symbol, moves in books.shares.items() if moves} | told.keys())
    pairs: list[Pair] = []
    for symbol in symbols:
        ours = held(books, world.market, symbol, today, today)
        if ours or symbol in told:
            pairs.append((symbol, ours, told.get(symbol, 0)))
    world.sheet.compare(BASE, "quantity", pairs)


def _cash(world: World, books: Books, summary: dict[str, Any], today: date) -> None:
    shown = {row["currency"]: row["amount"] for row in summary["cash"]}
    pairs: list[Pair] = []
    for currency in sorted({*books.money, *shown}):
        ours = books.cash(currency, today)
        if ours or currency in shown:
            pairs.append((currency, float(ours), shown.get(currency, 0)))
    world.sheet.compare(f"{BASE}/summary", "cash from the journal", pairs, absolute=0.005)


def _breakdown(world: World) -> None:
    summary, told = world.together("/api/portfolio/cash-breakdown")
    route, today = f"{BASE}/cash-breakdown", instant(summary["as_of"]).date()
    shown = {row["currency"]: row["amount"] for row in summary["cash"]}
    pairs = [(r["currency"], shown.get(r["currency"]), r["amount"]) for r in told["balances"]]
    world.sheet.compare(route, "balances", pairs)
    known = [row["amount_eur"] for row in told["balances"]]
    pairs = [("total", sum(known) if None not in known else None, told["total_eur"])]
    world.sheet.compare(route, "total_eur", pairs, absolute=CENT * len(known))
    euros = [
        (r["currency"], _in_eur(world.market, r["currency"], r["amount"], today), r["amount_eur"])
        for r in told["balances"]
    ]
    # The rate of the day before still counts until that of today is out.
    world.sheet.compare(route, "in EUR", euros, absolute=CENT, relative=0.05)


def _in_eur(market: Market, currency: str, amount: float, day: date) -> float | None:
    rate = market.per_eur(currency, day)
    return None if rate is None else amount / rate


def _totals(world: World, positions: list[dict[str, Any]], summary: dict[str, Any]) -> None:
    held_eur = sum(row["market_value_eur"] for row in positions)
    profit = sum(row["profit_eur"] for row in positions)
    pairs: list[Pair] = [
        ("total", held_eur + summary["cash_balance"], summary["total_value"]),
        ("invested", held_eur, summary["invested"]),
        ("profit", profit, summary["profit_eur"]),
        ("positions", len(positions), summary["position_count"]),
    ]
    world.sheet.compare(f"{BASE}/summary", "totals", pairs, absolute=CENT)
    told = world.daemon.get("/api/allocation/groups/country")
    groups = told["groups"].items() if told["own"] else ()
    group_of = {country: group for group, countries in groups for country in countries}
    by_country: dict[str, float] = {}
    for row in positions:
        country = row["country"] or "OTHER"
        name = group_of.get(country, "OTHER" if told["own"] else country)
        by_country[name] = by_country.get(name, 0.0) + row["market_value_eur"]
    shares = [
        (name, by_country.get(name, 0.0) / summary["total_value"], share)
        for name, share in summary["allocations"].items()
    ]
    world.sheet.compare(f"{BASE}/summary", "allocations", shares, places=4, absolute=1e-5)


def _history(world: World, books: Books, today: date) -> None:
    rows = world.daemon.get("/api/portfolio/history", days=90)
    closes = {c.day: c.value for c in Valuation(books, world.market, today).closes()}
    pairs: list[Pair] = [
        (row["date"], closes[day_of(row["date"])], row["total_value"])
        for row in rows
        if day_of(row["date"]) in closes and day_of(row["date"]) < today
        and row["total_value"] is not None
    ]  # fmt: skip
    world.sheet.compare(f"{BASE}/history", "total_value near the closes", pairs, relative=NEAR)


def _transactions(world: World) -> None:
    """Every deposit and withdrawal is one of the market folder, and its value in EUR is right."""
    told = world.daemon.get("/api/portfolio/transactions")
    route = f"{BASE}/transactions"
    for kind, sign in (("deposits", 1), ("withdrawals", -1)):
        rows = told[kind]
        due = {(r["date"], r["currency"], sign * float(r["amount"])) for r in world.market.cash}
        known = [((r["date"], r["currency"], r["amount"]), r) for r in rows]
        claims = [(f"{key[0]} {key[2]} {key[1]}", key in due) for key, _ in known]
        world.sheet.holds(route, f"{kind} are of the folder", claims)
        euros: list[Pair] = [
            (key[0], _in_eur(world.market, key[1], key[2], day_of(key[0])), row["amount_eur"])
            for key, row in known
        ]
        world.sheet.compare(route, f"{kind} in EUR", euros, absolute=CENT, relative=0.05)
        sums = [r["amount_eur"] for r in rows]
        if len(rows) < MOST_FLOWS:
            total = None if None in sums else sum(sums)
            pairs: list[Pair] = [(kind, total, told[f"total_{kind}"])]
            world.sheet.compare(route, f"total {kind}", pairs, absolute=CENT)
