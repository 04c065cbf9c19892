"""Compiles policy/calendars.json: the sessions of twenty exchanges from 2000 on.

Run `python -m tools.build_calendars` from the root of the repository, where the extra `market`
is installed. The board reads only the table, so that it needs neither pandas nor the calendar
library. Where the library is silent or simplified (lunch breaks, half days in Singapore, the exam
day in Seoul, Athens) the rule stands here with its dates.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import exchange_calendars as xc
import pandas as pd

from tools.athens_calendar import athens_holidays

FIRST = date(2000, 1, 1)
LAST = date(2028, 12, 31)  # rules are trusted two years ahead; published lists may end sooner
TARGET = Path(__file__).parent.parent / "policy" / "calendars.json"
MICS = "XNYS XTSE XLON XETR XPAR XAMS XMIL XSWX XCSE XHKG XSHG XTKS XSES XKRX XTAI XASX XBOM"
SAME_AS = {"XNAS": "XNYS", "XSHE": "XSHG"}


class Hours(NamedTuple):
    """One day's local session, times as HH:MM."""

    open: str
    close: str
    lunch: tuple[str, str] | None


# From these days on the exchange had this lunch break (None: none). Exchange notices; the library
# leaves the older breaks out.
LUNCHES: dict[str, tuple[tuple[date, tuple[str, str] | None], ...]] = {
    "XHKG": (
        (FIRST, ("12:30", "14:30")),
        (date(2011, 3, 7), ("12:00", "13:30")),
        (date(2012, 3, 5), ("12:00", "13:00")),
    ),
    "XTKS": ((FIRST, ("11:00", "12:30")), (date(2011, 11, 21), ("11:30", "12:30"))),
    "XSES": (
        (FIRST, ("12:30", "14:00")),
        (date(2011, 8, 1), None),
        (date(2017, 11, 13), ("12:00", "13:00")),
    ),
}

# First day of the lunar year; its eve is a half day in Singapore.
LUNAR_NEW_YEAR = (
    "2000-02-05 2001-01-24 2002-02-12 2003-02-01 2004-01-22 2005-02-09 2006-01-29 2007-02-18 "
    "2008-02-07 2009-01-26 2010-02-14 2011-02-03 2012-01-23 2013-02-10 2014-01-31 2015-02-19 "
    "2016-02-08 2017-01-28 2018-02-16 2019-02-05 2020-01-25 2021-02-12 2022-02-01 2023-01-22 "
    "2024-02-10 2025-01-29 2026-02-17 2027-02-06 2028-01-26"
)

# University entrance exam in Korea: the session moves back by an hour. The library ends in 2020.
SEOUL_EXAM_DAYS = "2021-11-18 2022-11-17 2023-11-16 2024-11-14 2025-11-13 2026-11-19"
SEOUL_EXAM_HOURS = Hours("10:00", "16:30", None)


def main() -> None:
    exchanges = dict(_compiled(mic) for mic in MICS.split())
    exchanges["ASEX"] = _athens()
    for mic, twin in SAME_AS.items():
        exchanges[mic] = {"same_as": twin}
    table = {
        "version": 1,
        "source": f"exchange-calendars {xc.__version__}, Apache-2.0; Athens by rule",
        "exchanges": dict(sorted(exchanges.items())),
    }
    TARGET.write_text(_compact(table), encoding="utf-8")
    print(TARGET, TARGET.stat().st_size)


def _compiled(mic: str) -> tuple[str, dict[str, Any]]:
    factory = xc.calendar_utils.global_calendar_dispatcher._calendar_factories[mic]
    published = factory.bound_max()
    last = min(LAST, published.date()) if published is not None else LAST
    calendar = factory(start=pd.Timestamp(FIRST), end=pd.Timestamp(last))
    sessions = _corrected(mic, dict(_sessions(calendar)))
    return mic, _entry(str(calendar.tz), last, sessions, _changes(mic, calendar))


def _sessions(calendar: xc.ExchangeCalendar) -> Iterator[tuple[date, Hours]]:
    for day, row in calendar.schedule.iterrows():
        lunch = (_local(row["break_start"], calendar), _local(row["break_end"], calendar))
        opens, closes = _local(row["open"], calendar), _local(row["close"], calendar)
        assert opens is not None
        assert closes is not None
        rest = (lunch[0], lunch[1]) if lunch[0] and lunch[1] else None
        yield day.date(), Hours(opens, closes, rest)


def _local(instant: Any, calendar: xc.ExchangeCalendar) -> str | None:
    return None if pd.isna(instant) else instant.tz_convert(calendar.tz).strftime("%H:%M")


def _corrected(mic: str, sessions: dict[date, Hours]) -> dict[date, Hours]:
    for day, hours in sessions.items():
        for since, lunch in LUNCHES.get(mic, ()):
            if day >= since:
                late_enough = lunch is not None and hours.close > lunch[1]
                sessions[day] = hours._replace(lunch=lunch if late_enough else None)
    if mic == "XSES":
        for day in _singapore_half_days(sessions):
            noon = "12:00" if day >= date(2017, 11, 13) else "12:30"
            sessions[day] = Hours("09:00", noon, None)
    if mic == "XKRX":
        sessions |= {date.fromisoformat(day): SEOUL_EXAM_HOURS for day in SEOUL_EXAM_DAYS.split()}
        # The library also opens the last session of 2028 late, meant for the first of 2029.
        sessions[date(2028, 12, 28)] = sessions[date(2028, 12, 27)]
    return sessions


def _singapore_half_days(sessions: dict[date, Hours]) -> list[date]:
    eves = [date.fromisoformat(day) - timedelta(days=1) for day in LUNAR_NEW_YEAR.split()]
    for year in range(FIRST.year, LAST.year + 1):
        eves += [date(year, 12, 24), date(year, 12, 31)]
    return [day for day in eves if day in sessions]


def _changes(mic: str, calendar: xc.ExchangeCalendar) -> list[date]:
    """The days from which other regular hours hold, the first of the table included."""
    days = {FIRST} | {since for since, _ in LUNCHES.get(mic, ())}
    for times in (calendar.open_times, calendar.close_times):
        days |= {since.date() for since, _ in times if since is not None}
    for breaks in (calendar.break_start_times, calendar.break_end_times):
        days |= {since.date() for since, _ in breaks or () if since is not None}
    return sorted(day for day in days if day >= FIRST)


def _entry(
    zone: str, last: date, sessions: dict[date, Hours], changes: list[date]
) -> dict[str, Any]:
    regular: list[dict[str, Any]] = []
    special: dict[str, list[date]] = defaultdict(list)
    for start, end in zip(changes, [*changes[1:], last + timedelta(days=1)], strict=True):
        inside = {day: hours for day, hours in sessions.items() if start <= day < end}
        usual = Counter(inside.values()).most_common(1)[0][0]
        if not regular or _as_json(usual, start) | {"from": ""} != regular[-1] | {"from": ""}:
            regular.append(_as_json(usual, start))
        for day, hours in inside.items():
            if hours != usual:
                special[_text(hours)].append(day)
    closed = [day for day in _weekdays(last) if day not in sessions]
    return {
        "zone": zone,
        "valid_from": FIRST.isoformat(),
        "valid_until": last.isoformat(),
        "hours": regular,
        "special": {text: _by_year(days) for text, days in sorted(special.items())},
        "holidays": _by_year(closed),
    }


def _as_json(hours: Hours, since: date) -> dict[str, Any]:
    entry: dict[str, Any] = {"from": since.isoformat(), "open": hours.open, "close": hours.close}
    return entry | ({"lunch": list(hours.lunch)} if hours.lunch else {})


def _text(hours: Hours) -> str:
    if hours.lunch is None:
        return f"{hours.open}-{hours.close}"
    return f"{hours.open}-{hours.lunch[0]} {hours.lunch[1]}-{hours.close}"


def _weekdays(last: date) -> Iterator[date]:
    for ordinal in range(FIRST.toordinal(), last.toordinal() + 1):
        day = date.fromordinal(ordinal)
        if day.weekday() < 5:
            yield day


def _by_year(days: Iterable[date]) -> dict[str, str]:
    years: dict[str, list[str]] = defaultdict(list)
    for day in sorted(days):
        years[str(day.year)].append(day.strftime("%m-%d"))
    return {year: " ".join(texts) for year, texts in years.items()}


def _athens() -> dict[str, Any]:
    closed = {day for year in range(FIRST.year, LAST.year + 1) for day in athens_holidays(year)}
    until_2008, since_2008 = Hours("10:00", "17:00", None), Hours("10:00", "17:20", None)
    change = date(2008, 9, 29)
    sessions = {
        day: until_2008 if day < change else since_2008
        for day in _weekdays(LAST)
        if day not in closed
    }
    return _entry("Europe/Athens", LAST, sessions, [FIRST, change])


def _compact(table: dict[str, Any]) -> str:
    """JSON with one line per leaf object: small, and a new holiday is a one-line difference."""
    text = json.dumps(table, indent=1, ensure_ascii=False)
    return "\n".join(line.lstrip() for line in text.splitlines()) + "\n"


if __name__ == "__main__":
    main()
