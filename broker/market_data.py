"""A market to replay, held in memory as columns: what `market_folder` loads and paper plays.

Thirty thousand bars as Python objects would cost a board twenty mebibytes; as arrays they cost
less than one. Prices and amounts are in millionths of one unit of their currency, exchange rates
in 1e-10 units of the currency for one EUR, dates are the exchange's own calendar days.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol

RATE_DIGITS = 10
BAR_WIDTH = 5
ROWS_AT_ONCE = 256
SYNTHETIC_MARK = "(synthetic)"


@dataclass(frozen=True, slots=True)
class SecurityRow:
    """One line of securities.csv. `exchange` is the text of the file, a MIC or a name."""

    symbol: str
    isin: str
    name: str
    currency: str
    exchange: str
    country: str | None
    industry: str | None
    product_type: str
    min_lot: int

    @property
    def synthetic(self) -> bool:
        return SYNTHETIC_MARK in self.name


@dataclass(frozen=True, slots=True)
class Bar:
    """One session's raw, unadjusted prices."""

    day: date
    open_micro: int
    high_micro: int
    low_micro: int
    close_micro: int
    volume: int


@dataclass(frozen=True, slots=True)
class DividendRow:
    """Gross amount per share, in millionths of `currency`."""

    symbol: str
    ex_date: date
    pay_date: date
    amount_micro: int
    currency: str


@dataclass(frozen=True, slots=True)
class SplitRow:
    """From `day` on, one old share is `ratio` new ones."""

    symbol: str
    day: date
    ratio: Decimal


@dataclass(frozen=True, slots=True)
class CashRow:
    """A deposit (positive) or withdrawal (negative), in minor units of `currency`."""

    day: date
    currency: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class OpeningCash:
    currency: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class OpeningPosition:
    """A holding at the start; `price_micro` is what one share cost."""

    symbol: str
    currency: str
    quantity_micro: int
    price_micro: int


@dataclass(frozen=True, slots=True)
class FundamentalRow:
    """One reported figure, known to the market since `as_of`."""

    symbol: str
    as_of: date
    metric: str
    value: Decimal


@dataclass(frozen=True, slots=True)
class OutageRow:
    """A stretch of time in which the exchange does not answer: [since, until), aware UTC."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class ReferenceRate:
    """Units of the currency for one EUR, as published on `day`."""

    day: date
    per_eur: Decimal


class Values(Protocol):
    """What an array of whole numbers can do, wherever the numbers are."""

    def __len__(self) -> int: ...

    def __getitem__(self, part: slice, /) -> array[int]: ...


class BarSeries:
    """The bars of one symbol by ascending date: the days, and five values of each day.

    `values` holds open, high, low, close and volume of each day in turn; prices are in
    `unit_micro` millionths.
    """

    __slots__ = ("days", "unit_micro", "values")

    def __init__(self, days: array[int], values: Values, *, unit_micro: int = 1) -> None:
        self.days = days
        self.values = values
        self.unit_micro = unit_micro

    def __len__(self) -> int:
        return len(self.days)

    def __getitem__(self, index: int) -> Bar:
        place = index % len(self.days)
        return next(self._each(place, place + 1))

    def __iter__(self) -> Iterator[Bar]:
        return self._each(0, len(self))

    def on(self, day: date) -> Bar | None:
        index = bisect_left(self.days, day.toordinal())
        found = index < len(self) and self.days[index] == day.toordinal()
        return self[index] if found else None

    def last_before(self, day: date) -> Bar | None:
        """The latest bar strictly before `day`."""
        index = bisect_left(self.days, day.toordinal()) - 1
        return self[index] if index >= 0 else None

    def between(self, first: date, last: date) -> tuple[Bar, ...]:
        """Bars from `first` to `last`, both included."""
        return tuple(self.each_between(first, last))

    def each_between(self, first: date, last: date) -> Iterator[Bar]:
        """The same one by one, for whoever cannot stop until the last of thousands is made."""
        start = bisect_left(self.days, first.toordinal())
        end = bisect_right(self.days, last.toordinal())
        return self._each(start, end)

    def _each(self, start: int, end: int) -> Iterator[Bar]:
        """The bars in places `start` to `end`, of which the values are taken a few at a time."""
        for first in range(start, end, ROWS_AT_ONCE):
            last = min(first + ROWS_AT_ONCE, end)
            values = self.values[first * BAR_WIDTH : last * BAR_WIDTH]
            for place in range(first, last):
                yield self._bar(self.days[place], values, (place - first) * BAR_WIDTH)

    def _bar(self, ordinal: int, values: array[int], at: int) -> Bar:
        opens, high, low, close, volume = values[at : at + BAR_WIDTH]
        unit = self.unit_micro
        day = date.fromordinal(ordinal)
        return Bar(day, opens * unit, high * unit, low * unit, close * unit, volume)


class RateSeries:
    """Reference rates of one currency by ascending date."""

    __slots__ = ("_days", "_scaled")

    def __init__(self, days: array[int], scaled: array[int]) -> None:
        self._days = days
        self._scaled = scaled

    def __len__(self) -> int:
        return len(self._days)

    def __getitem__(self, index: int) -> ReferenceRate:
        rate = Decimal(self._scaled[index]).scaleb(-RATE_DIGITS).normalize()
        return ReferenceRate(date.fromordinal(self._days[index]), rate)

    def __iter__(self) -> Iterator[ReferenceRate]:
        return (self[index] for index in range(len(self)))

    def latest(self, day: date) -> ReferenceRate | None:
        """The last rate published on or before `day`; the caller judges its age."""
        index = bisect_right(self._days, day.toordinal()) - 1
        return self[index] if index >= 0 else None

    def first_from(self, day: date) -> date | None:
        """The first day with a rate that is `day` or later."""
        index = bisect_left(self._days, day.toordinal())
        return date.fromordinal(self._days[index]) if index < len(self._days) else None

    def each_between(self, first: date, last: date) -> Iterator[ReferenceRate]:
        """Rates from `first` to `last`, both included."""
        start = bisect_left(self._days, first.toordinal())
        end = bisect_right(self._days, last.toordinal())
        return (self[index] for index in range(start, end))


@dataclass(frozen=True, slots=True)
class MarketData:
    """Everything in one market folder. Tuples are sorted by date, then symbol or currency."""

    securities: Mapping[str, SecurityRow]
    bars: Mapping[str, BarSeries]
    dividends: tuple[DividendRow, ...]
    splits: tuple[SplitRow, ...]
    rates: Mapping[str, RateSeries]
    cash: tuple[CashRow, ...]
    opening_cash: tuple[OpeningCash, ...]
    opening_positions: tuple[OpeningPosition, ...]
    fundamentals: tuple[FundamentalRow, ...]
    outages: tuple[OutageRow, ...] = ()

    def bar_on(self, symbol: str, day: date) -> Bar | None:
        series = self.bars.get(symbol)
        return series.on(day) if series else None

    def last_bar_before(self, symbol: str, day: date) -> Bar | None:
        """The latest bar strictly before `day`."""
        series = self.bars.get(symbol)
        return series.last_before(day) if series else None

    def rate_at(self, currency: str, day: date) -> ReferenceRate | None:
        """The last published rate on or before `day`; None for EUR itself and the unknown."""
        series = self.rates.get(currency)
        return series.latest(day) if series else None

    def outage_at(self, instant: datetime) -> OutageRow | None:
        """The outage that `instant` lies in; None while the exchange answers."""
        hit = (row for row in self.outages if row.since <= instant < row.until)
        return next(hit, None)

    @property
    def first_day(self) -> date:
        """The first day with a bar."""
        return min(series[0].day for series in self.bars.values())

    @property
    def last_day(self) -> date:
        """The last day with a bar: there is nothing to replay after it."""
        return max(series[-1].day for series in self.bars.values())
