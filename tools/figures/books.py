"""The account built anew: what was there at first, what came and went, and what was traded.

Opening positions and cash are from the market folder; flows and trades are what the daemon tells
of them. Values are in EUR at the close of every trading day.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from tools.figures.daemon import Daemon
from tools.figures.market import Line, Market
from tools.figures.world import day_of, instant

PAGE = 1000
# A close that is older says nothing about a value.
CLOSE_LIFE = timedelta(days=10)
CENT = Decimal("0.01")
COMPLETED = 3

Moves = dict[str, list[tuple[date, Decimal]]]


@dataclass(frozen=True, slots=True)
class Books:
    """Changes by day, oldest first: shares as traded by symbol, units of money by currency.

    `owner` are the deposits and withdrawals among the money, `income` what single securities paid
    and what was taxed of it, by symbol and currency; `earned` are interest and fees of the account,
    `traded` is what was bought and sold.
    """

    shares: Moves = field(default_factory=lambda: defaultdict(list))
    money: Moves = field(default_factory=lambda: defaultdict(list))
    owner: Moves = field(default_factory=lambda: defaultdict(list))
    income: dict[tuple[str, str], list[tuple[date, Decimal]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    earned: Moves = field(default_factory=lambda: defaultdict(list))
    traded: Moves = field(default_factory=lambda: defaultdict(list))
    opened: date = date.max

    def cash(self, currency: str, until: date) -> Decimal:
        return total_of(self.money[currency], date.min, until)


@dataclass(frozen=True, slots=True)
class Close:
    """One trading day in EUR: its value, and since the close before what came from the owner.

    `gains` by symbol, `money` what cash gained by rates, interest and fees; the rest is trading.
    """

    day: date
    value: float
    flow: float
    gains: Mapping[str, float]
    money: float
    turnover: float


def read_books(daemon: Daemon, market: Market) -> Books:
    """Everything until now."""
    books = Books()
    flows = [row for row in daemon.get("/api/cash-flows") if row["status_c"] == COMPLETED]
    trades = _trades(daemon)
    started = min([day_of(row["date"]) for row in flows] + [_market_day(t) for t in trades])
    opened = _opened(daemon, started)
    for row in market.opening:
        if row["kind"] == "cash":
            books.money[row["currency"]].append((opened, Decimal(row["quantity"])))
        else:
            books.shares[row["symbol"]].append((opened, Decimal(row["quantity"])))
    for row in flows:
        _take_flow(books, row)
    for row in trades:
        _take_trade(books, row)
    for moves in (*books.shares.values(), *books.money.values(), *books.owner.values()):
        moves.sort()
    return replace(books, opened=opened)


def _opened(daemon: Daemon, started: date) -> date:
    """The day before anything moved, and the first one whose value is known if that is earlier."""
    rows = daemon.get("/api/portfolio/history", days=3650)
    return min([day_of(row["date"]) for row in rows] + [started])


def _trades(daemon: Daemon) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    before: int | None = None
    while True:
        query = {"limit": PAGE} | ({"before_id": before} if before else {})
        rows = daemon.get("/api/trades", **query)
        found += [row for row in rows if row["mode"] == "live"]
        if len(rows) < PAGE:
            return found
        before = min(row["id"] for row in rows)


def _market_day(row: Mapping[str, Any]) -> date:
    moment: datetime = instant(row["executed_at"])
    return moment.date()


def _take_flow(books: Books, row: Mapping[str, Any]) -> None:
    day, amount = day_of(row["date"]), Decimal(str(row["amount"]))
    books.money[row["currency"]].append((day, amount))
    if row["category"] in {"deposit", "withdrawal"}:
        books.owner[row["currency"]].append((day, amount))
    elif row["category"] in {"dividend", "tax"} and row["symbol"]:
        books.income[row["symbol"], row["currency"]].append((day, amount))
    else:
        books.earned[row["currency"]].append((day, amount))


def _take_trade(books: Books, row: Mapping[str, Any]) -> None:
    day, sign = _market_day(row), 1 if row["side"] == "BUY" else -1
    quantity, price = Decimal(str(row["quantity"])), Decimal(str(row["price"]))
    # The paper exchange rounds against whoever trades there.
    gross = (quantity * price).quantize(CENT, ROUND_CEILING if sign > 0 else ROUND_FLOOR)
    base, pair, _ = row["symbol"].partition("/")
    if pair:
        books.money[base].append((day, sign * quantity))
    else:
        books.shares[row["symbol"]].append((day, sign * quantity))
        books.traded[row["currency"]].append((day, gross))
    books.money[row["currency"]].append((day, -sign * gross))
    for fee in row["fees"]:
        books.money[fee["currency"]].append((day, -Decimal(str(fee["amount"]))))


def total_of(moves: list[tuple[date, Decimal]], after: date, until: date) -> Decimal:
    """What moved after one day and until another."""
    return sum((amount for day, amount in moves if after < day <= until), Decimal(0))


def held(books: Books, market: Market, symbol: str, day: date, until: date) -> float:
    """Shares at the end of `day`, in shares of `until`."""
    shares = 0.0
    for moved, amount in books.shares[symbol]:
        if moved <= day:
            by = 1.0
            for split, ratio in market.splits(symbol, until):
                # What is traded on the day of a split is in new shares already.
                by *= ratio if moved < split else 1.0
            shares += float(amount) * by
    return shares


class Valuation:
    """Every close until `until`.

    `today` counts once everything that is held has its bar of it.
    """

    def __init__(
        self, books: Books, market: Market, until: date, today: date | None = None
    ) -> None:
        self._books, self._market, self._until, self._today = books, market, until, today
        self._symbols = [symbol for symbol, moves in books.shares.items() if moves]
        self._lines: dict[str, Line] = {s: market.closes(s, until) for s in self._symbols}

    def closes(self) -> list[Close]:
        """Oldest first, without the days on which something needed is not known."""
        found: list[Close] = []
        for day in self._trading_days():
            if (value := self.value(day)) is not None:
                found.append(self._close(day, value, found[-1] if found else None))
        return found

    def weights(self) -> dict[str, float]:
        """What is held, as parts of the value, at the last close whose value is known."""
        for day in reversed(self._trading_days()):
            value = self.value(day)
            if value:
                worth = {s: self.shares(s, day) * (self._price(s, day) or 0) for s in self._symbols}
                return {symbol: amount / value for symbol, amount in worth.items() if amount}
        return {}

    def shares(self, symbol: str, day: date) -> float:
        return held(self._books, self._market, symbol, day, self._until)

    def _trading_days(self) -> list[date]:
        days: set[date] = set()
        for symbol in self._symbols:
            first = self._books.shares[symbol][0][0]
            own = {day for day, _ in self._lines[symbol] if day >= first}
            days |= {day for day in own if self.shares(symbol, day) or self._had(symbol, day)}
        counted = sorted(day for day in days if day >= self._books.opened)
        if counted and counted[-1] == self._today and not self._over(counted[-1]):
            counted.pop()
        return counted

    def _over(self, day: date) -> bool:
        held_now = [symbol for symbol in self._symbols if self.shares(symbol, day)]
        return all(self._lines[symbol][-1][0] == day for symbol in held_now)

    def _had(self, symbol: str, day: date) -> bool:
        return bool(self.shares(symbol, day - timedelta(days=1)))

    def _price(self, symbol: str, day: date) -> float | None:
        """The newest close in EUR at the rate of `day`."""
        line = self._lines[symbol]
        at = bisect_right(line, (day, float("inf"))) - 1
        rate = self._market.per_eur(self._market.currency(symbol), day)
        if at < 0 or day - line[at][0] > CLOSE_LIFE or rate is None:
            return None
        return line[at][1] / rate

    def value(self, day: date) -> float | None:
        """At the close of `day`; None when a price or a rate is not known."""
        found = 0.0
        for symbol in self._symbols:
            if shares := self.shares(symbol, day):
                price = self._price(symbol, day)
                if price is None:
                    return None
                found += shares * price
        for currency in self._books.money:
            if cash := float(self._books.cash(currency, day)):
                rate = self._market.per_eur(currency, day)
                if rate is None:
                    return None
                found += cash / rate
        return found

    def _close(self, day: date, value: float, before: Close | None) -> Close:
        if before is None:
            return Close(day, value, 0.0, {}, 0.0, 0.0)
        since = before.day
        gains = {symbol: self._gain(symbol, since, day) for symbol in self._symbols}
        return Close(
            day, value,
            flow=self._eur(self._books.owner, since, day),
            gains={symbol: gain for symbol, gain in gains.items() if gain},
            money=self._money(since, day),
            turnover=self._eur(self._books.traded, since, day) / 2,
        )  # fmt: skip

    def _gain(self, symbol: str, since: date, day: date) -> float:
        """Shares held × change of the price, and what was paid, at the rate of `day`."""
        before, after = self._price(symbol, since), self._price(symbol, day)
        gain = 0.0
        if (shares := self.shares(symbol, since)) and before is not None and after is not None:
            gain = shares * (after - before)
        for (of, currency), moves in self._books.income.items():
            if of == symbol and (amount := total_of(moves, since, day)):
                gain += float(amount) / (self._market.per_eur(currency, day) or float("nan"))
        return gain

    def _money(self, since: date, day: date) -> float:
        """Balances held × change of the rate, interest and fees."""
        found = self._eur(self._books.earned, since, day)
        for currency in self._books.money:
            balance = float(self._books.cash(currency, since))
            before = self._market.per_eur(currency, since)
            after = self._market.per_eur(currency, day)
            if balance and before is not None and after is not None:
                found += balance * (1 / after - 1 / before)
        return found

    def _eur(self, moves: Moves, since: date, day: date) -> float:
        found = 0.0
        for currency, of in moves.items():
            if amount := total_of(of, since, day):
                found += float(amount) / (self._market.per_eur(currency, day) or float("nan"))
        return found
