"""A market folder, read anew: bars, splits, dividends and rates, up to any day."""

from __future__ import annotations

import csv
import gzip
import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

# A rate counts for three days of the payment system; with a weekend and holidays that is a week.
RATE_LIFE = timedelta(days=7)
# As old as the newest rate usually is over a weekend or a holiday.
OLDEST_NEWEST = 5

Line = list[tuple[date, float]]
"""Days with a value each, oldest first."""


@dataclass(frozen=True, slots=True)
class Bar:
    day: date
    high: float
    low: float
    close: float


@dataclass(frozen=True, slots=True)
class Dividend:
    ex_date: date
    pay_date: date
    amount: float
    currency: str


class Market:
    """Everything is as of a day `until`, itself included: later splits change nothing before.

    `rates_known` is the newest day whose rates count, `bars_known` that of the bars of a symbol: in
    the middle of a day some markets have closed and others have not, and rates come out between.
    """

    def __init__(self, folder: Path) -> None:
        self.forget()
        self.securities = {row["symbol"]: row for row in _rows(folder, "securities")}
        self.opening = list(_rows(folder, "opening"))
        self.cash = list(_rows(folder, "cash"))
        self._bars: dict[str, list[Bar]] = defaultdict(list)
        self._splits: dict[str, list[tuple[date, float]]] = defaultdict(list)
        self._dividends: dict[str, list[Dividend]] = defaultdict(list)
        self._rates: dict[str, Line] = defaultdict(list)
        self._read(folder)

    def _read(self, folder: Path) -> None:
        for row in _rows(folder, "prices"):
            close = float(row["close"])
            high, low = (float(row[name] or close) for name in ("high", "low"))
            self._bars[row["symbol"]].append(Bar(_day(row["date"]), high, low, close))
        for row in _rows(folder, "splits"):
            self._splits[row["symbol"]].append((_day(row["date"]), float(row["ratio"])))
        for row in _rows(folder, "dividends"):
            days = _day(row["ex_date"]), _day(row["pay_date"])
            paid = Dividend(*days, float(row["amount"]), row["currency"])
            self._dividends[row["symbol"]].append(paid)
        for row in _rows(folder, "fx"):
            self._rates[row["currency"]].append((_day(row["date"]), float(row["per_eur"])))
        for bars in self._bars.values():
            bars.sort(key=lambda bar: bar.day)
        for rates in self._rates.values():
            rates.sort()

    def forget(self) -> None:
        """Know everything there is."""
        self.rates_known = date.max
        self.bars_known: dict[str, date] = {}

    def currency(self, symbol: str) -> str:
        return self.securities[symbol]["currency"]

    def last_day(self, symbol: str, before: date) -> date | None:
        """The last day with a bar before `before`."""
        days = [bar.day for bar in self._bars[symbol] if bar.day < before]
        return days[-1] if days else None

    def splits(self, symbol: str, until: date) -> list[tuple[date, float]]:
        return [(day, ratio) for day, ratio in self._splits[symbol] if day <= until]

    def raw(self, symbol: str, until: date) -> list[Bar]:
        last = min(until, self.bars_known.get(symbol, until))
        return [bar for bar in self._bars[symbol] if bar.day <= last]

    def bars(self, symbol: str, until: date) -> list[Bar]:
        """Adjusted for the splits up to `until`."""
        found: list[Bar] = []
        for bar in self.raw(symbol, until):
            by = self._later(symbol, bar.day, until)
            found.append(Bar(bar.day, bar.high / by, bar.low / by, bar.close / by))
        return found

    def closes(self, symbol: str, until: date) -> Line:
        return [(bar.day, bar.close) for bar in self.bars(symbol, until)]

    def paid(self, symbol: str, until: date) -> dict[date, float]:
        """By day of a bar, what it paid per share of `until`, in the security's own currency.

        A dividend counts on the first bar on or after its ex-date.
        """
        days = [bar.day for bar in self.raw(symbol, until)]
        found: dict[date, float] = defaultdict(float)
        for dividend in self._dividends[symbol]:
            at = bisect_right(days, dividend.ex_date - timedelta(days=1))
            if 0 < at < len(days) and dividend.ex_date <= until:
                amount = dividend.amount
                if dividend.currency != self.currency(symbol):
                    amount *= self._cross(dividend.currency, self.currency(symbol), days[at])
                before_ex = dividend.ex_date - timedelta(days=1)
                found[days[at]] += amount / self._later(symbol, before_ex, until)
        return found

    def total(self, symbol: str, until: date) -> Line:
        """Closes with every dividend reinvested at the close of its ex-date."""
        paid = self.paid(symbol, until)
        shares, found = 1.0, []
        for day, close in self.closes(symbol, until):
            shares *= 1 + paid.get(day, 0.0) / close
            found.append((day, close * shares))
        return found

    def in_eur(self, symbol: str, line: Line) -> Line:
        """`line`, in the currency of `symbol`, on the days whose rate is known."""
        rates = ((day, value, self.per_eur(self.currency(symbol), day)) for day, value in line)
        return [(day, value / rate) for day, value, rate in rates if rate is not None]

    def per_eur(self, currency: str, day: date) -> float | None:
        """Units of `currency` for one EUR, the newest of a week; None without one."""
        if currency == "EUR":
            return 1.0
        rates = self._rates[currency]
        at = bisect_right(rates, (min(day, self.rates_known), float("inf"))) - 1
        if at < 0 or day - rates[at][0] > RATE_LIFE:
            return None
        return rates[at][1]

    def try_rates(self, last: date, work: Callable[[], float | None]) -> None:
        """Let the rates of the day `last`, or of one of those before it, be the newest ones.

        The one that makes `work`, a distance from what the daemon told, the least: its other
        figures must then agree with the same rates.
        """
        best = math.inf
        for back in range(OLDEST_NEWEST):
            self.rates_known = last - timedelta(days=back)
            apart = work()
            if apart is not None and apart < best * (1 - 1e-9):
                best, chosen = apart, self.rates_known
        self.rates_known = chosen if best < math.inf else last

    def dividends(self, symbol: str) -> list[Dividend]:
        return self._dividends[symbol]

    def _later(self, symbol: str, day: date, until: date) -> float:
        """Shares of `until` for one of `day`."""
        found = 1.0
        for split, ratio in self.splits(symbol, until):
            if split > day:
                found *= ratio
        return found

    def _cross(self, source: str, target: str, day: date) -> float:
        first, second = self.per_eur(source, day), self.per_eur(target, day)
        return float("nan") if first is None or second is None else second / first


def _rows(folder: Path, name: str) -> Iterator[dict[str, str]]:
    """The rows of a table, plain or packed; none when the folder has no such table."""
    plain, packed = folder / f"{name}.csv", folder / f"{name}.csv.gz"
    if plain.exists():
        with plain.open(encoding="utf-8", newline="") as file:
            yield from csv.DictReader(file)
    elif packed.exists():
        with gzip.open(packed, "rt", encoding="utf-8", newline="") as file:
            yield from csv.DictReader(file)


def _day(text: str) -> date:
    return date.fromisoformat(text)
