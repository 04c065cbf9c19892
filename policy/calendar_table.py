"""The compiled exchange calendars as Python sees them: one exchange's local sessions by date.

`market_hours` asks here which hours an exchange keeps on a date. An exchange is parsed when it is
first asked for: a board that trades three exchanges does not hold twenty. The table is compiled
by tools/build_calendars.py; times in it are local to the exchange.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

TABLE_VERSION = 1
SATURDAY = 5


class CalendarTableError(ValueError):
    """The compiled table is not what this version reads."""


@dataclass(frozen=True, slots=True)
class LocalHours:
    """Local times between which an exchange trades: one pair, or two with a lunch break."""

    spans: tuple[tuple[time, time], ...]

    @property
    def close(self) -> time:
        return self.spans[-1][1]


@dataclass(frozen=True, slots=True)
class Interval:
    """A stretch of open market, half-open: [opens_at, closes_at), aware UTC."""

    opens_at: datetime
    closes_at: datetime


@dataclass(frozen=True, slots=True)
class Session:
    """One trading day. `regular_close` is when it would have ended without an early close."""

    mic: str
    date: date
    intervals: tuple[Interval, ...]
    regular_close: datetime

    @property
    def opens_at(self) -> datetime:
        return self.intervals[0].opens_at

    @property
    def closes_at(self) -> datetime:
        return self.intervals[-1].closes_at

    @property
    def early_close(self) -> bool:
        return self.closes_at < self.regular_close


@dataclass(frozen=True, slots=True)
class Exchange:
    """One exchange's table: dated regular hours, holidays, days with hours of their own."""

    mic: str
    zone: ZoneInfo
    valid_from: date
    valid_until: date
    changes: tuple[date, ...]
    regular: tuple[LocalHours, ...]
    special: dict[int, LocalHours]
    holidays: frozenset[int]

    def covers(self, day: date) -> bool:
        return self.valid_from <= day <= self.valid_until

    def session(self, day: date) -> Session | None:
        """The session of a local date; None when closed all day or outside the table."""
        if not self.covers(day):
            return None
        ordinal = day.toordinal()
        own = self.special.get(ordinal)
        if own is None and (day.weekday() >= SATURDAY or ordinal in self.holidays):
            return None
        regular = self.regular[bisect_right(self.changes, day) - 1]
        spans = (own or regular).spans
        return Session(
            mic=self.mic,
            date=day,
            intervals=tuple(Interval(self._utc(day, a), self._utc(day, b)) for a, b in spans),
            regular_close=self._utc(day, regular.close),
        )

    def _utc(self, day: date, local: time) -> datetime:
        return datetime.combine(day, local, tzinfo=self.zone).astimezone(UTC)


class CalendarTable:
    """The exchanges of one compiled table, parsed on demand and then kept."""

    def __init__(self, raw: dict[str, dict[str, Any]]) -> None:
        self._raw = raw
        self._parsed: dict[str, Exchange] = {}

    @classmethod
    def from_json(cls, text: str) -> CalendarTable:
        table: Any = json.loads(text)
        if "version" not in table or table["version"] != TABLE_VERSION:
            raise CalendarTableError(f"calendar table is not of version {TABLE_VERSION}")
        return cls(table["exchanges"])

    @property
    def mics(self) -> tuple[str, ...]:
        return tuple(self._raw)

    def exchange(self, mic: str) -> Exchange | None:
        found = self._parsed.get(mic)
        if found is None and mic in self._raw:
            found = self._parsed[mic] = _parse(mic, self._entry(mic))
        return found

    def valid_until(self, mic: str) -> date:
        """Last covered day, read without parsing the exchange."""
        return date.fromisoformat(self._entry(mic)["valid_until"])

    def _entry(self, mic: str) -> dict[str, Any]:
        entry = self._raw[mic]
        return self._raw[entry["same_as"]] if "same_as" in entry else entry


def _parse(mic: str, entry: dict[str, Any]) -> Exchange:
    try:
        return Exchange(
            mic=mic,
            zone=ZoneInfo(entry["zone"]),
            valid_from=date.fromisoformat(entry["valid_from"]),
            valid_until=date.fromisoformat(entry["valid_until"]),
            changes=tuple(date.fromisoformat(hours["from"]) for hours in entry["hours"]),
            regular=tuple(_regular(hours) for hours in entry["hours"]),
            special={
                day: hours
                for text, years in entry["special"].items()
                for hours in (_special(text),)
                for day in _days(years)
            },
            holidays=frozenset(_days(entry["holidays"])),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise CalendarTableError(f"calendar of {mic} cannot be read: {error!r}") from error


def _regular(hours: dict[str, Any]) -> LocalHours:
    opens, closes = time.fromisoformat(hours["open"]), time.fromisoformat(hours["close"])
    if "lunch" not in hours:
        return LocalHours(((opens, closes),))
    lunch_starts, lunch_ends = (time.fromisoformat(text) for text in hours["lunch"])
    return LocalHours(((opens, lunch_starts), (lunch_ends, closes)))


def _special(text: str) -> LocalHours:
    """`09:30-11:30 13:00-15:00` as spans."""
    pairs = (span.split("-") for span in text.split())
    return LocalHours(tuple((time.fromisoformat(a), time.fromisoformat(b)) for a, b in pairs))


def _days(years: dict[str, str]) -> list[int]:
    return [
        date.fromisoformat(f"{year}-{day}").toordinal()
        for year, days in years.items()
        for day in days.split()
    ]
