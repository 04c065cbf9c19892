"""A small random market, drawn from a seed: instruments on a few exchanges, prices, rates, cash."""

from __future__ import annotations

import random
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache

from broker.market_data import (
    RATE_DIGITS,
    BarSeries,
    CashRow,
    DividendRow,
    MarketData,
    OpeningCash,
    OpeningPosition,
    RateSeries,
    SecurityRow,
    SplitRow,
)
from daemon import paper_world
from daemon.clock import LANDING
from policy.market_hours import Calendars

DAY = timedelta(days=1)
MICRO = 1_000_000
HISTORY_DAYS = 30
# Further back there are prices only, enough of them for most securities to be scored.
PAST_DAYS = 420
YOUNG_DAYS = 60
# A world of so few days gets money nearly every day, a longer one now and then.
SHORT_DAYS = 10
# Currency, country and usual lots of the exchanges that worlds are made of.
PLACES: dict[str, tuple[str, str, tuple[int, ...]]] = {
    "XETR": ("EUR", "Germany", (1,)),
    "XPAR": ("EUR", "France", (1,)),
    "XNYS": ("USD", "United States", (1,)),
    "XLON": ("GBP", "United Kingdom", (1, 5)),
    "XHKG": ("HKD", "Hong Kong", (10, 100)),
}
PER_EUR = {"USD": 1.1, "GBP": 0.86, "HKD": 8.5}
# Shares a day: on the thin ones every order of a few hundred euros is filled in slices.
VOLUMES = (400, 2_000, 20_000, 1_000_000)


@dataclass(frozen=True, slots=True)
class SmallMarket:
    """What one world trades on; `start` is five minutes before its first session."""

    data: MarketData
    mics: tuple[str, ...]
    start: datetime
    first_day: date
    days: int

    def with_position(self, row: OpeningPosition) -> SmallMarket:
        """The same market, whose account holds `row` as well."""
        positions = (*self.data.opening_positions, row)
        return replace(self, data=replace(self.data, opening_positions=positions))


@cache
def calendars() -> Calendars:
    return paper_world.load_calendars()


def small_market(
    seed: int,
    *,
    days: int,
    mics: Sequence[str] | None = None,
    opening_cash: Sequence[OpeningCash] | None = None,
    volume: int | None = None,
    first: date | None = None,
    eventful: bool = True,
    withdrawals: bool = False,
    silent_rates: bool = False,
) -> SmallMarket:
    """Three to five instruments on two or three exchanges, with some `days` to replay.

    Without `eventful` there are no dividends, splits, deposits and opening positions. With
    `withdrawals` the owner takes money out, at times more than there is. With `silent_rates`
    nobody publishes a rate for some days, for up to two weeks.
    """
    rng = random.Random(f"market {seed}")
    first = first or date(2010, 1, 4) + DAY * rng.randrange(15 * 365)
    places = tuple(mics or rng.sample(sorted(PLACES), rng.choice((2, 2, 3))))
    securities = _securities(rng, places)
    span = [first + DAY * n for n in range(-HISTORY_DAYS, days * 2 + 14)]
    splits = _splits(rng, securities, span) if eventful else {}
    bars = {
        name: _bars(rng, row, span, split=splits.get(name), volume=volume)
        for name, row in securities.items()
    }
    past = [first - DAY * n for n in range(HISTORY_DAYS + 1, PAST_DAYS)]
    bars = {name: _with_past(seed, securities[name], series, past) for name, series in bars.items()}
    opening = opening_cash if opening_cash is not None else _opening_cash(rng, securities)
    # In this order: each draws on what the one before left of the randomness.
    dividends = _dividends(rng, securities, bars, first) if eventful else ()
    if eventful and days > SHORT_DAYS:
        later = random.Random(f"dividends {seed}")
        for week in range(1, days // 7):
            dividends += _dividends(later, securities, bars, first + 7 * DAY * week)
        dividends = tuple(sorted(dividends, key=lambda row: (row.ex_date, row.symbol)))
    silence = _silence(seed, first, days) if silent_rates else {}
    rates = {
        code: _with_past_rates(seed, code, _rates(rng, code, span, silence.get(code, set())), past)
        for code in PER_EUR
    }
    deposits = _deposits(rng, securities, first, days) if eventful else ()
    taken = _withdrawals(seed, securities, first, days) if withdrawals else ()
    data = MarketData(
        securities=securities,
        bars=bars,
        dividends=dividends,
        splits=tuple(sorted(splits.values(), key=lambda row: (row.day, row.symbol))),
        rates=rates,
        cash=tuple(sorted((*deposits, *taken), key=lambda row: row.day)),
        opening_cash=tuple(opening),
        opening_positions=_positions(rng, securities, bars, first) if eventful else (),
        fundamentals=(),
    )
    midnight = datetime(first.year, first.month, first.day, tzinfo=UTC)
    openings = [calendars().next_open(mic, midnight) for mic in places]
    start = min(opening for opening in openings if opening is not None) - LANDING
    return SmallMarket(data, tuple(sorted(places)), start, start.date(), days)


def _securities(rng: random.Random, places: Sequence[str]) -> dict[str, SecurityRow]:
    found: dict[str, SecurityRow] = {}
    for number in range(rng.choice((3, 4, 5))):
        mic = places[number % len(places)]
        currency, country, lots = PLACES[mic]
        symbol = f"{mic[1:3]}{number}.{currency}"
        found[symbol] = SecurityRow(
            symbol=symbol,
            isin=f"XX00000000{number:02d}",
            name=f"Number {number}",
            currency=currency,
            exchange=mic,
            country=country,
            industry=rng.choice(("Energy", "Health", "Technology")),
            product_type=rng.choice(("EQUITY", "ETF")),
            min_lot=rng.choice(lots),
        )
    return found


def _sessions(row: SecurityRow, span: Sequence[date]) -> Iterator[date]:
    for day in span:
        session = calendars().session(row.exchange, day)
        if session is not None and session.intervals:
            yield day


def _bars(
    rng: random.Random,
    row: SecurityRow,
    span: Sequence[date],
    *,
    split: SplitRow | None,
    volume: int | None,
) -> BarSeries:
    days, values = array("i"), array("q")
    # A lot should cost tens of euros, so that orders of every size are possible.
    price = rng.uniform(8, 90) * PER_EUR.get(row.currency, 1.0) / (row.min_lot**0.5)
    shares = volume or rng.choice(VOLUMES)
    for day in _sessions(row, span):
        if split is not None and day == split.day:
            price /= float(split.ratio)
        opened = max(price * (1 + rng.gauss(0, 0.008)), 0.5)
        price = max(opened * (1 + rng.gauss(0, 0.012)), 0.5)
        high = max(opened, price) * (1 + rng.uniform(0, 0.006))
        low = min(opened, price) * (1 - rng.uniform(0, 0.006))
        days.append(day.toordinal())
        values.extend(round(p * 100) * 10_000 for p in (opened, high, low, price))
        values.append(round(shares * rng.uniform(0.5, 1.5)))
    return BarSeries(days, values)


def _rates(rng: random.Random, code: str, span: Sequence[date], silence: set[date]) -> RateSeries:
    days, scaled = array("i"), array("q")
    rate = PER_EUR[code] * rng.uniform(0.9, 1.1)
    for day in span:
        if day.weekday() < 5:
            rate *= 1 + rng.gauss(0, 0.003)
            if day not in silence:
                days.append(day.toordinal())
                scaled.append(round(round(rate, 4) * 10**RATE_DIGITS))
    return RateSeries(days, scaled)


def _with_past(seed: int, row: SecurityRow, later: BarSeries, past: Sequence[date]) -> BarSeries:
    """`later` with bars on the days `past`, newest first; one in six is too young for a score.

    Drawn apart, so that a longer past changes nothing else in a world.
    """
    rng = random.Random(f"past {seed} {row.symbol}")
    known = past[:YOUNG_DAYS] if rng.random() < 1 / 6 else past
    price = later[0].open_micro / MICRO
    days, values = array("i"), array("q")
    for day in _sessions(row, known):
        price = max(price / (1 + rng.gauss(0.0004, 0.012)), 0.5)
        close = round(price * 100) * 10_000
        days.append(day.toordinal())
        values.extend((close, close + 10_000, close - 10_000, close, 1_000))
    for bar in later:
        days.append(bar.day.toordinal())
        values.extend((bar.open_micro, bar.high_micro, bar.low_micro, bar.close_micro, bar.volume))
    return BarSeries(*_ascending(days, values, width=5))


def _with_past_rates(seed: int, code: str, later: RateSeries, past: Sequence[date]) -> RateSeries:
    """`later` with rates on the weekdays of `past`."""
    rng = random.Random(f"past {seed} {code}")
    rate = float(later[0].per_eur)
    days, scaled = array("i"), array("q")
    for day in past:
        if day.weekday() < 5:
            rate /= 1 + rng.gauss(0, 0.003)
            days.append(day.toordinal())
            scaled.append(round(round(rate, 4) * 10**RATE_DIGITS))
    for known in later:
        days.append(known.day.toordinal())
        scaled.append(int(known.per_eur.scaleb(RATE_DIGITS)))
    return RateSeries(*_ascending(days, scaled, width=1))


def _ascending(
    days: array[int], values: array[int], *, width: int
) -> tuple[array[int], array[int]]:
    order = sorted(range(len(days)), key=days.__getitem__)
    sorted_values = array("q")
    for index in order:
        sorted_values.extend(values[index * width : (index + 1) * width])
    return array("i", (days[index] for index in order)), sorted_values


def _silence(seed: int, first: date, days: int) -> dict[str, set[date]]:
    """Days without a rate, by currency: of all or of one, a few in a row, once or twice."""
    rng = random.Random(f"silence {seed}")
    found: dict[str, set[date]] = {code: set() for code in PER_EUR}
    for _ in range(rng.choice((1, 2))):
        begin = first + DAY * rng.choice((-2, 0, 1, 3, rng.randrange(1, max(days, 2))))
        gap = {begin + DAY * n for n in range(rng.choice((3, 5, 7, 14)))}
        for code in rng.choice((sorted(found), [rng.choice(sorted(found))])):
            found[code] |= gap
    return found


def _splits(
    rng: random.Random, securities: dict[str, SecurityRow], span: Sequence[date]
) -> dict[str, SplitRow]:
    if rng.random() > 0.25:
        return {}
    symbol = rng.choice(sorted(securities))
    later = [day for day in _sessions(securities[symbol], span) if day > span[HISTORY_DAYS]]
    return {symbol: SplitRow(symbol, rng.choice(later[:4]), Decimal(rng.choice((2, 3))))}


def _dividends(
    rng: random.Random, securities: dict[str, SecurityRow], bars: dict[str, BarSeries], first: date
) -> tuple[DividendRow, ...]:
    rows: list[DividendRow] = []
    for symbol, row in sorted(securities.items()):
        if rng.random() < 0.6:
            ex = first + DAY * rng.randrange(0, 4)
            bar = bars[symbol].last_before(ex)
            assert bar is not None
            amount = round(bar.close_micro * rng.uniform(0.005, 0.06) / 10_000) * 10_000
            pay = ex + DAY * rng.randrange(0, 3)
            rows.append(DividendRow(symbol, ex, pay, amount, row.currency))
    return tuple(sorted(rows, key=lambda row: (row.ex_date, row.symbol)))


def _opening_cash(rng: random.Random, securities: dict[str, SecurityRow]) -> list[OpeningCash]:
    found = [OpeningCash("EUR", rng.randrange(4_000_00, 40_000_00))]
    for currency in sorted({row.currency for row in securities.values()} - {"EUR"}):
        kind = rng.random()
        if kind < 0.25:
            minor = -rng.randrange(20_00, 900_00)
        elif kind < 0.5:
            minor = rng.randrange(1, 8_000_00)
        else:
            continue
        found.append(OpeningCash(currency, minor))
    return found


def _positions(
    rng: random.Random, securities: dict[str, SecurityRow], bars: dict[str, BarSeries], first: date
) -> tuple[OpeningPosition, ...]:
    rows: list[OpeningPosition] = []
    for symbol, row in sorted(securities.items()):
        bar = bars[symbol].last_before(first)
        if rng.random() < 0.35 and bar is not None:
            euros = rng.uniform(300, 9_000) * PER_EUR.get(row.currency, 1.0)
            lots = max(1, int(euros * 1_000_000 / bar.close_micro / row.min_lot))
            quantity = lots * row.min_lot * 1_000_000
            rows.append(OpeningPosition(symbol, row.currency, quantity, bar.close_micro))
    return tuple(rows)


def _deposits(
    rng: random.Random, securities: dict[str, SecurityRow], first: date, days: int
) -> tuple[CashRow, ...]:
    often = 0.6 if days <= SHORT_DAYS else 0.1
    currencies = ["EUR", "EUR", *sorted({row.currency for row in securities.values()})]
    return tuple(
        CashRow(first + DAY * n, rng.choice(currencies), rng.randrange(200_00, 6_000_00))
        for n in range(days * 2)
        if rng.random() < often
    )


def _withdrawals(
    seed: int, securities: dict[str, SecurityRow], first: date, days: int
) -> tuple[CashRow, ...]:
    """A few, some of them larger than any balance in their currency."""
    rng = random.Random(f"withdrawals {seed}")
    currencies = ["EUR", *sorted({row.currency for row in securities.values()})]
    return tuple(
        CashRow(
            first + DAY * rng.randrange(1, max(days, 2)),
            rng.choice(currencies),
            -rng.choice((rng.randrange(100_00, 2_000_00), rng.randrange(2_000_00, 15_000_00))),
        )
        for _ in range(rng.choice((2, 3, 4, 6)))
    )
