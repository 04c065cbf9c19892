"""Writes broker/demo: the market the paper broker replays when nothing else is configured.

Run `python -m tools.build_market` from the root of the repository, where the extra `market` is
installed. Four real shares with their dividends and splits recovered from the adjusted closes,
the ECB's reference rates, invented instruments of `demo_model`, and the cash flows of an owner.
The output is the same byte for byte on every run.
"""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from importlib import resources
from itertools import pairwise
from pathlib import Path

from policy.market_hours import Calendars
from policy.target_days import is_target_day
from tools.demo_model import first_session_from, invented_histories

ROOT = Path(__file__).parent.parent
TARGET = ROOT / "broker" / "demo"
FIRST_RATE, LAST_RATE = date(2000, 2, 28), date(2013, 3, 1)
CURRENCIES = ("USD", "GBP", "CHF", "JPY", "HKD", "CAD")
SPLIT_BELOW = 0.7  # a day's factor this small is a split, anything nearer to one a dividend
SMALLEST_STEP = 1e-5
PAYS_AFTER_DAYS = 21
START = date(2009, 1, 5)
COST_DAY = date(2008, 7, 2)

# symbol of the source, symbol here, ISIN, name, MIC, industry
SHARES = (
    ("AAPL", "AAPL.US", "US0378331005", "Apple Inc.", "XNAS", "Computers"),
    ("GOOG", "GOOG.US", "US38259P5089", "Google Inc. Class A", "XNAS", "Internet"),
    ("IBM", "IBM.US", "US4592001014", "International Business Machines", "XNYS", "IT Services"),
    ("MSFT", "MSFT.US", "US5949181045", "Microsoft Corporation", "XNAS", "Software"),
)
OPENING_CASH = (("EUR", "4000.00"), ("USD", "500.00"), ("GBP", "150.00"))
OPENING_POSITIONS = (
    ("IBM.US", 6),
    ("MSFT.US", 25),
    ("DEMO-EURO.EU", 40),
    ("DEMO-BANK.UK", 120),
    ("DEMO-PORT.AS", 200),
)


@dataclass(frozen=True, slots=True)
class SourceDay:
    day: date
    texts: tuple[str, str, str, str]
    volume: int
    adjusted: float

    @property
    def close(self) -> float:
        return float(self.texts[3])


@dataclass(slots=True)
class Tables:
    """Rows of every file, as text in the order of its header."""

    securities: list[tuple[str, ...]]
    prices: list[tuple[str, ...]]
    dividends: list[tuple[str, ...]]
    splits: list[tuple[str, ...]]


def main() -> None:
    text = (ROOT / "policy" / "calendars.json").read_text(encoding="utf-8")
    calendars = Calendars.from_json(text)
    tables = Tables([], [], [], [])
    _add_shares(tables, calendars)
    _add_invented(tables, calendars)
    TARGET.mkdir(exist_ok=True)
    _write("securities.csv", "symbol isin name currency exchange country industry product_type "
           "min_lot", tables.securities)  # fmt: skip
    _write("prices.csv.gz", "date symbol open high low close volume", tables.prices)
    _write("dividends.csv", "ex_date pay_date symbol amount currency", sorted(tables.dividends))
    _write("splits.csv", "date symbol ratio", sorted(tables.splits))
    _write("fx.csv.gz", "date currency per_eur", _rates())
    _write("cash.csv", "date currency amount", sorted(_cash_flows()))
    _write("opening.csv", "kind currency symbol quantity price", _opening(tables))
    print(sum(path.stat().st_size for path in TARGET.iterdir()), "bytes in", TARGET)


def _add_shares(tables: Tables, calendars: Calendars) -> None:
    history = _source_days()
    for ticker, symbol, isin, name, mic, industry in SHARES:
        tables.securities.append(
            (symbol, isin, name, "USD", mic, "United States", industry, "EQUITY", "1")
        )
        days = history[ticker]
        for day in days:
            tables.prices.append((day.day.isoformat(), symbol, *day.texts, str(day.volume)))
        _add_actions(tables, symbol, days, mic=mic, calendars=calendars)
    assert len(tables.dividends) == 92, len(tables.dividends)
    assert len(tables.splits) == 3, tables.splits


def _source_days() -> dict[str, list[SourceDay]]:
    packed = resources.files("bokeh_sampledata").joinpath("_data/stocks.csv.gz").read_bytes()
    history: dict[str, list[SourceDay]] = defaultdict(list)
    for row in csv.DictReader(io.StringIO(gzip.decompress(packed).decode())):
        texts = (row["Open"], row["High"], row["Low"], row["Close"])
        history[row["Ticker"]].append(
            SourceDay(
                date.fromisoformat(row["Date"]), texts, int(row["Volume"]), float(row["Adj Close"])
            )
        )
    return history


def _add_actions(
    tables: Tables, symbol: str, days: list[SourceDay], *, mic: str, calendars: Calendars
) -> None:
    """Dividends and splits from the steps of the ratio of adjusted to raw close."""
    for before, after in pairwise(days):
        factor = (before.adjusted / before.close) / (after.adjusted / after.close)
        if abs(factor - 1) < SMALLEST_STEP:
            continue
        ex_date = after.day.isoformat()
        if factor < SPLIT_BELOW:
            tables.splits.append((ex_date, symbol, str(round(1 / factor))))
            continue
        amount = Decimal(repr(round(after.close * (1 / factor - 1), 6))).normalize()
        paid = first_session_from(mic, after.day + timedelta(days=PAYS_AFTER_DAYS), calendars)
        tables.dividends.append((ex_date, paid.isoformat(), symbol, f"{amount:f}", "USD"))


def _add_invented(tables: Tables, calendars: Calendars) -> None:
    for item, bars, dividends in invented_histories(calendars):
        tables.securities.append(
            (item.symbol, item.isin, item.name, item.currency, item.mic, item.country,
             item.industry, item.product_type, str(item.min_lot))
        )  # fmt: skip
        tables.prices.extend(
            (bar.day.isoformat(), item.symbol, bar.open, bar.high, bar.low, bar.close,
             str(bar.volume))
            for bar in bars
        )  # fmt: skip
        tables.dividends.extend(
            (paid.ex_date.isoformat(), paid.pay_date.isoformat(), item.symbol, paid.amount,
             item.currency)
            for paid in dividends
        )  # fmt: skip


def _rates() -> list[tuple[str, ...]]:
    """The ECB's rates, the digits as published."""
    path = resources.files("currency_converter").joinpath("eurofxref-hist.zip")
    with path.open("rb") as stream, zipfile.ZipFile(stream) as archive:
        text = archive.read("eurofxref-hist.csv").decode()
    published = {date.fromisoformat(row["Date"]): row for row in csv.DictReader(io.StringIO(text))}
    days = sorted(day for day in published if FIRST_RATE <= day <= LAST_RATE)
    return [
        (day.isoformat(), currency, published[day][currency])
        for currency in CURRENCIES
        for day in days
    ]


def _cash_flows() -> list[tuple[str, ...]]:
    """What the owner pays in and out: EUR every month, some USD and GBP, one withdrawal."""
    flows = [(START.isoformat(), "EUR", "1000.00"), ("2010-07-15", "EUR", "-750.00")]
    for year in range(START.year, LAST_RATE.year + 1):
        for month in range(1, 13):
            day = _bank_day(date(year, month, 1))
            if not START + timedelta(days=7) < day < LAST_RATE:
                continue
            flows.append((day.isoformat(), "EUR", "400.00"))
            if month in (3, 9):
                flows.append((_bank_day(date(year, month, 15)).isoformat(), "USD", "250.00"))
            if month in (6, 12):
                flows.append((_bank_day(date(year, month, 15)).isoformat(), "GBP", "120.00"))
    return flows


def _bank_day(day: date) -> date:
    while not is_target_day(day):
        day += timedelta(days=1)
    return day


def _opening(tables: Tables) -> list[tuple[str, ...]]:
    """Cash, and a few positions at what they cost half a year before the start."""
    costs = {row[1]: row[5] for row in tables.prices if row[0] == COST_DAY.isoformat()}
    currencies = {row[0]: row[3] for row in tables.securities}
    rows = [("cash", currency, "", amount, "") for currency, amount in OPENING_CASH]
    return rows + [
        ("position", currencies[symbol], symbol, str(quantity), costs[symbol])
        for symbol, quantity in OPENING_POSITIONS
    ]


def _write(name: str, header: str, rows: Iterable[tuple[str, ...]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header.split())
    writer.writerows(rows)
    data = text.getvalue().encode()
    if name.endswith(".gz"):
        data = _packed(data)
    (TARGET / name).write_bytes(data)


def _packed(data: bytes) -> bytes:
    """Gzip without name and time, so that the same rows give the same bytes."""
    target = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=target, compresslevel=9, mtime=0) as stream:
        stream.write(data)
    return target.getvalue()


if __name__ == "__main__":
    main()
