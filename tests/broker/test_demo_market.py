"""The shipped demo market: real facts where it claims them, marked where it is invented."""

from __future__ import annotations

import itertools
import math
import statistics
from collections import Counter
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest

from broker.market_data import MarketData
from broker.market_folder import demo_folder, load_market_folder
from policy.market_hours import Calendars
from policy.target_days import is_target_day

SHARES = ("AAPL.US", "GOOG.US", "IBM.US", "MSFT.US")
START = date(2009, 1, 5)


@cache
def market() -> MarketData:
    return load_market_folder(demo_folder())


@cache
def calendars() -> Calendars:
    path = Path(__file__).parents[2] / "policy" / "calendars.json"
    return Calendars.from_json(path.read_text(encoding="utf-8"))


def demo_symbols() -> list[str]:
    return [symbol for symbol in market().securities if symbol not in SHARES]


def test_the_four_shares_are_complete() -> None:
    counts = {symbol: len(market().bars[symbol]) for symbol in SHARES}
    assert counts == {"AAPL.US": 3270, "GOOG.US": 2148, "IBM.US": 3270, "MSFT.US": 3270}
    assert (market().first_day, market().last_day) == (date(2000, 3, 1), date(2013, 3, 1))


def test_92_dividends_of_the_shares_were_recovered() -> None:
    paid = Counter(row.symbol for row in market().dividends if row.symbol in SHARES)
    assert paid == {"IBM.US": 52, "MSFT.US": 37, "AAPL.US": 3}
    apple = [row.amount_micro for row in market().dividends if row.symbol == "AAPL.US"]
    assert apple == [2_650_000] * 3


def test_microsofts_special_dividend_of_2004_is_there() -> None:
    special = [row for row in market().dividends if row.ex_date == date(2004, 11, 15)]
    assert [(row.symbol, row.amount_micro, row.currency) for row in special] == [
        ("MSFT.US", 3_080_000, "USD")
    ]


def test_three_splits_were_recovered() -> None:
    assert [(row.day, row.symbol, row.ratio) for row in market().splits] == [
        (date(2000, 6, 21), "AAPL.US", Decimal(2)),
        (date(2003, 2, 18), "MSFT.US", Decimal(2)),
        (date(2005, 2, 28), "AAPL.US", Decimal(2)),
    ]


def test_prices_are_raw_across_a_split() -> None:
    before = market().last_bar_before("AAPL.US", date(2005, 2, 28))
    after = market().bar_on("AAPL.US", date(2005, 2, 28))
    assert before is not None
    assert after is not None
    assert before.close_micro == 88_990_000
    assert after.close_micro == 44_860_000


def test_recovered_dividends_are_whole_tenths_of_a_cent() -> None:
    assert all(row.amount_micro % 1000 == 0 for row in market().dividends)


@pytest.mark.parametrize(
    ("currency", "day", "per_eur"),
    [
        ("USD", date(2009, 1, 5), "1.3582"),
        ("GBP", date(2008, 12, 29), "0.97855"),
        ("CHF", date(2007, 10, 12), "1.6803"),
        ("JPY", date(2008, 7, 23), "169.75"),
        ("JPY", date(2000, 10, 26), "89.3"),
        ("USD", date(2008, 7, 15), "1.599"),
        ("USD", date(2000, 10, 26), "0.8252"),
    ],
)
def test_rates_are_those_the_ecb_published(currency: str, day: date, per_eur: str) -> None:
    """The records of the period, known from the ECB's own pages."""
    found = market().rate_at(currency, day)
    assert found is not None
    assert (found.day, found.per_eur) == (day, Decimal(per_eur))


def test_every_currency_has_a_rate_on_every_target_day() -> None:
    for currency in ("USD", "GBP", "CHF", "JPY", "HKD", "CAD"):
        days = [rate.day for rate in market().rates[currency]]
        span = range(days[0].toordinal(), days[-1].toordinal() + 1)
        expected = [day for day in map(date.fromordinal, span) if is_target_day(day)]
        assert days == expected


def test_invented_instruments_say_so() -> None:
    assert len(demo_symbols()) >= 8
    for symbol in demo_symbols():
        security = market().securities[symbol]
        assert symbol.startswith("DEMO-")
        assert "DEMO (synthetic)" in security.name
        assert security.synthetic
        assert security.isin.startswith("XF")
    assert not any(market().securities[symbol].synthetic for symbol in SHARES)


def test_the_market_spans_exchanges_and_currencies() -> None:
    securities = market().securities.values()
    assert {row.currency for row in securities} == {"EUR", "USD", "GBP", "HKD"}
    expected = {"XNYS", "XNAS", "XETR", "XPAR", "XAMS", "XLON", "XHKG"}
    assert {row.exchange for row in securities} == expected
    assert all(row.country and row.industry for row in securities)
    lots = {row.min_lot for row in securities if row.exchange == "XHKG"}
    assert lots == {100}


@pytest.mark.parametrize("symbol", [*SHARES, *demo_symbols()])
def test_every_bar_is_a_session_of_its_exchange_and_none_is_missing(symbol: str) -> None:
    mic = market().securities[symbol].exchange
    days = [bar.day for bar in market().bars[symbol]]
    span = range(days[0].toordinal(), days[-1].toordinal() + 1)
    sessions = [day for day in map(date.fromordinal, span) if calendars().session(mic, day)]
    assert days == sessions


@pytest.mark.parametrize("symbol", demo_symbols())
def test_invented_prices_are_plausible(symbol: str) -> None:
    closes = [bar.close_micro for bar in market().bars[symbol]]
    returns = [math.log(b / a) for a, b in itertools.pairwise(closes)]
    assert 0.03 < statistics.stdev(returns) * math.sqrt(252) < 0.35
    assert max(map(abs, returns)) < 0.15
    assert 0.2 < closes[-1] / closes[0] < 5


def test_dividends_leave_and_arrive_on_sessions() -> None:
    for row in market().dividends:
        mic = market().securities[row.symbol].exchange
        assert row.currency == market().securities[row.symbol].currency
        assert calendars().session(mic, row.ex_date)
        assert calendars().session(mic, row.pay_date)
        assert 21 <= (row.pay_date - row.ex_date).days <= 28


def test_the_owner_starts_with_cash_and_positions_in_whole_lots() -> None:
    cash = {row.currency: row.amount_minor for row in market().opening_cash}
    assert cash == {"EUR": 400_000, "USD": 50_000, "GBP": 15_000}
    assert len(market().opening_positions) >= 3
    for position in market().opening_positions:
        lot = market().securities[position.symbol].min_lot
        assert position.quantity_micro % (lot * 1_000_000) == 0
        assert market().last_bar_before(position.symbol, START) is not None


def test_a_newcomer_sees_a_deposit_on_the_first_day() -> None:
    first = market().cash[0]
    assert (first.day, first.currency, first.amount_minor) == (START, "EUR", 100_000)
    assert {row.currency for row in market().cash} == {"EUR", "USD", "GBP"}
    assert sum(row.amount_minor < 0 for row in market().cash) == 1
    assert all(is_target_day(row.day) for row in market().cash)
    months = {(row.day.year, row.day.month) for row in market().cash if row.currency == "EUR"}
    assert len(months) == 50


def test_the_folder_stays_small_and_names_its_sources() -> None:
    assert sum(path.stat().st_size for path in demo_folder().iterdir()) < 700_000
    text = (demo_folder() / "ORIGIN.md").read_text(encoding="utf-8")
    for word in ("ECB", "Quandl", "public domain", "synthetic"):
        assert word in text
