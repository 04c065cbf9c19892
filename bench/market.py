"""Writes a large market folder from a seed, about 30 MB of CSV.

Only for benchmarks: the prices wander, nothing else about them is like a market.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np

LAST = date(2019, 12, 31)
# Nearly all of it is history when a daemon begins to replay it here, just before a session.
START = "2019-06-03T07:55:00Z"
# Currency, exchange and country of every fifth security.
PLACES = (
    ("EUR", "XETR", "Germany"),
    ("USD", "XNAS", "United States"),
    ("GBP", "XLON", "United Kingdom"),
    ("EUR", "XPAR", "France"),
    ("USD", "XNYS", "United States"),
)
INDUSTRIES = ("Software", "Banks", "Pharma", "Energy", "Retail", "Utilities", "Chemicals")
RATES = {"USD": 1.2, "GBP": 0.8}
DAILY_DRIFT, DAILY_SPREAD = 0.0002, 0.012


@dataclass(frozen=True, slots=True)
class Size:
    """How many securities there are, and since when."""

    securities: int
    first: date


LONG = Size(100, date(2000, 1, 3))
WIDE = Size(200, date(2010, 1, 4))


def write_market(folder: Path, size: Size = LONG, *, seed: int = 1) -> None:
    """The whole folder; prices in rows sorted by day, as an exporter would write them."""
    rng = np.random.default_rng(seed)
    days = [day for day in _days(size.first) if day.weekday() < 5]
    symbols = [f"M{number:03d}.XX" for number in range(size.securities)]
    folder.mkdir(parents=True, exist_ok=True)
    _write(
        folder / "securities.csv",
        "symbol,isin,name,currency,exchange,country,industry,product_type,min_lot",
        (_security(number, symbol) for number, symbol in enumerate(symbols)),
    )
    _write(
        folder / "prices.csv",
        "date,symbol,open,high,low,close,volume",
        _prices(rng, days, symbols),
    )
    _write(folder / "fx.csv", "date,currency,per_eur", _rates(rng, days))
    _write(
        folder / "opening.csv",
        "kind,currency,symbol,quantity,price",
        [["cash", "EUR", "", "20000.00", ""], ["cash", "USD", "", "5000.00", ""]],
    )


def _days(first: date) -> Iterator[date]:
    return (first + timedelta(days=offset) for offset in range((LAST - first).days + 1))


def _write(path: Path, header: str, rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(header.split(","))
        writer.writerows(rows)


def _security(number: int, symbol: str) -> list[object]:
    currency, exchange, country = PLACES[number % len(PLACES)]
    industry = INDUSTRIES[number % len(INDUSTRIES)]
    name = f"Bench (synthetic) {number}"
    return [symbol, _isin(number), name, currency, exchange, country, industry, "EQUITY", 1]


def _isin(number: int) -> str:
    """An ISIN of a country that does not exist, with its check digit (Luhn)."""
    body = f"XF{number:09d}"
    digits = "".join(str(int(character, 36)) for character in body)
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-1::-2])
    total = sum(doubled) + sum(int(digit) for digit in digits[-2::-2])
    return f"{body}{-total % 10}"


def _prices(
    rng: np.random.Generator, days: Sequence[date], symbols: Sequence[str]
) -> Iterator[Sequence[object]]:
    close = rng.uniform(10.0, 200.0, len(symbols))
    for day in days:
        opens = close * np.exp(rng.normal(0.0, DAILY_SPREAD / 3, len(symbols)))
        close = opens * np.exp(rng.normal(DAILY_DRIFT, DAILY_SPREAD, len(symbols)))
        high, low = np.maximum(opens, close) * 1.004, np.minimum(opens, close) * 0.996
        volume = rng.integers(10_000, 1_000_000, len(symbols))
        columns = zip(symbols, opens, high, low, close, volume, strict=True)
        for symbol, first, top, bottom, last, traded in columns:
            prices = (f"{price:.2f}" for price in (first, top, bottom, last))
            yield (day.isoformat(), symbol, *prices, traded)


def _rates(rng: np.random.Generator, days: Sequence[date]) -> Iterator[Sequence[object]]:
    level = dict(RATES)
    for day in days:
        for currency in sorted(level):
            level[currency] *= float(np.exp(rng.normal(0.0, 0.003)))
            yield (day.isoformat(), currency, f"{level[currency]:.4f}")
