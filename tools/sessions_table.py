"""Prints what the compiled calendars know about a year, one line per exchange.

Run `python -m tools.sessions_table [YEAR]` after building the calendars and read it against what
the exchanges have published: governments add days, and only a person notices.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from zoneinfo import ZoneInfo

from daemon.clock import machine_wall
from policy.calendar_table import SATURDAY, Session
from policy.market_hours import Calendars, names_of

HEADER = ("Names", "Code", "Zone", "Session", "Lunch", "Closed", "Other hours")


@dataclass(frozen=True, slots=True)
class Row:
    """One exchange in one year; times are local, days are MM-DD.

    `closed` are weekdays without a session, `other` the days with hours of their own. A weekday
    after `known_until` is in neither: nobody knows it yet.
    """

    names: tuple[str, ...]
    code: str
    zone: str
    session: str
    lunch: str
    closed: tuple[str, ...]
    other: tuple[tuple[str, str], ...]
    known_until: date

    def cells(self, year: int) -> tuple[str, ...]:
        """The row as texts under HEADER."""
        short = ", ".join(f"{day} {hours}" for day, hours in self.other)
        if self.known_until < date(year, 12, 31):
            short = f"{short} (known until {self.known_until})".strip()
        names = ", ".join(self.names)
        closed = " ".join(self.closed)
        return (names, self.code, self.zone, self.session, self.lunch, closed, short or "none")


def rows(calendars: Calendars, year: int) -> tuple[Row, ...]:
    """Every exchange of the table that knows a day of `year`, by its code."""
    found = (_row(calendars, mic, year) for mic in sorted(calendars.mics))
    return tuple(row for row in found if row is not None)


def _row(calendars: Calendars, mic: str, year: int) -> Row | None:
    zone = ZoneInfo(calendars.zone(mic) or "UTC")
    until = calendars.valid_until(mic)
    days = [day for day in _weekdays(year) if day <= until]
    sessions = {day: calendars.session(mic, day) for day in days}
    hours = {day: _hours(session, zone) for day, session in sessions.items() if session}
    if not hours:
        return None
    listed = list(hours.values())
    usual = max(dict.fromkeys(listed), key=listed.count)
    bells = [bell for span in usual.split() for bell in span.split("-")]
    return Row(
        names=names_of(mic),
        code=mic,
        zone=zone.key,
        session=f"{bells[0]}-{bells[-1]}",
        lunch="-".join(bells[1:-1]) or "none",
        closed=tuple(f"{day:%m-%d}" for day in days if sessions[day] is None),
        other=tuple((f"{day:%m-%d}", text) for day, text in hours.items() if text != usual),
        known_until=until,
    )


def _hours(session: Session, zone: ZoneInfo) -> str:
    """`09:30-12:00 13:00-16:00`, local."""
    spans = ((i.opens_at.astimezone(zone), i.closes_at.astimezone(zone)) for i in session.intervals)
    return " ".join(f"{opens:%H:%M}-{closes:%H:%M}" for opens, closes in spans)


def _weekdays(year: int) -> Iterator[date]:
    day = date(year, 1, 1)
    while day.year == year:
        if day.weekday() < SATURDAY:
            yield day
        day += timedelta(days=1)


def table(year: int) -> str:
    """The whole year as a Markdown table."""
    text = files("policy").joinpath("calendars.json").read_text("utf-8")
    lines = [HEADER, ("---",) * len(HEADER)]
    lines += [row.cells(year) for row in rows(Calendars.from_json(text), year)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main(arguments: list[str]) -> None:
    """`[YEAR]`, by default this one."""
    year = int(arguments[0]) if arguments else datetime.fromtimestamp(machine_wall(), UTC).year
    print(table(year))


if __name__ == "__main__":
    main(sys.argv[1:])
