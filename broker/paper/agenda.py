"""What the market folder says will happen: deposits, splits and ex-dates, in order of time.

Rows become events a month at a time, because the instant of a split needs the exchange's calendar
and most of a folder is never reached.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time

from broker.market_data import CashRow, DividendRow, MarketData, SplitRow
from broker.paper.books import Moment
from broker.paper.instants import DAY, at_utc, from_ms, to_ms
from broker.paper.sessions import LONGEST_CLOSURE_DAYS, Sessions
from ledger.security import Instrument

BOOKED = time(6)  # UTC: deposits, withdrawals and payments of dividends
WINDOW = 31 * DAY

CASH, PAYMENT, EX_DATE, SPLIT, EXPIRY, CANCELLATION, MATCH = range(7)

AgendaRow = CashRow | DividendRow | SplitRow


@dataclass(frozen=True, slots=True)
class AgendaItem:
    moment: Moment
    row: AgendaRow


class Agenda:
    def __init__(
        self,
        market: MarketData,
        *,
        instruments: Mapping[str, Instrument],
        sessions: Sessions,
        start: datetime,
        reached: Moment,
    ) -> None:
        """Everything after `reached`; rows from before `start` are history."""
        self._market = market
        self._instruments = instruments
        self._sessions = sessions
        self._start = start
        self._reached = reached
        back = (LONGEST_CLOSURE_DAYS + 1) * DAY
        self._loaded = from_ms(reached.ms).date() - back
        self._last_day = _last_day(market)
        self._items: list[AgendaItem] = []

    def next(self) -> AgendaItem | None:
        """The next item; None when the folder has no more."""
        while not self._items or self._items[0].moment.ms >= self._complete_ms():
            if self._loaded > self._last_day:
                break
            self._load_window()
        return self._items[0] if self._items else None

    def done(self) -> None:
        """The next item has been dealt with."""
        self._reached = self._items.pop(0).moment

    def _complete_ms(self) -> int:
        """No row that is not loaded yet can happen before this."""
        return to_ms(at_utc(self._loaded - DAY))

    def _load_window(self) -> None:
        first, end = self._loaded, self._loaded + WINDOW
        fresh = [
            *self._cash(first, end),
            *self._of_symbols(self._dividends(first, end), EX_DATE),
            *self._of_symbols(self._splits(first, end), SPLIT),
        ]
        self._loaded = end
        self._items += (item for item in fresh if item.moment > self._reached)
        self._items.sort(key=lambda item: item.moment)

    def _cash(self, first: date, end: date) -> Iterator[AgendaItem]:
        rows = self._market.cash
        begin = bisect_left(rows, max(first, self._start.date()), key=lambda row: row.day)
        for index in range(begin, bisect_left(rows, end, key=lambda row: row.day)):
            booked = max(at_utc(rows[index].day, BOOKED), self._start)
            yield AgendaItem(Moment(to_ms(booked), CASH, f"{index:06d}"), rows[index])

    def _dividends(self, first: date, end: date) -> tuple[DividendRow, ...]:
        rows = self._market.dividends
        begin = bisect_left(rows, first, key=lambda row: row.ex_date)
        return rows[begin : bisect_left(rows, end, key=lambda row: row.ex_date)]

    def _splits(self, first: date, end: date) -> tuple[SplitRow, ...]:
        rows = self._market.splits
        begin = bisect_left(rows, first, key=lambda row: row.day)
        return rows[begin : bisect_left(rows, end, key=lambda row: row.day)]

    def _of_symbols(
        self, rows: tuple[DividendRow, ...] | tuple[SplitRow, ...], rank: int
    ) -> Iterator[AgendaItem]:
        seen: dict[str, int] = {}
        for row in rows:
            name = action_id(row)
            count = seen[name] = seen.get(name, 0) + 1
            opening = self._sessions.opening(self._instruments[row.symbol].mic, ex_date(row))
            unique = name if count == 1 else f"{name}-{count}"
            yield AgendaItem(Moment(to_ms(opening), rank, unique), row)


def ex_date(row: DividendRow | SplitRow) -> date:
    return row.ex_date if isinstance(row, DividendRow) else row.day


def action_id(row: DividendRow | SplitRow) -> str:
    kind = "DIV" if isinstance(row, DividendRow) else "SPLIT"
    return f"{kind}-{row.symbol}-{ex_date(row).isoformat()}"


def _last_day(market: MarketData) -> date:
    days = (
        [row.day for row in market.cash[-1:]]
        + [row.ex_date for row in market.dividends[-1:]]
        + [row.day for row in market.splits[-1:]]
    )
    return max(days, default=date.min)
