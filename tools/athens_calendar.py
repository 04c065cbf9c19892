"""Holidays of the Athens exchange by rule, for the years the calendar table covers.

Athens follows the Orthodox Easter, which no table on the board knows: `build_calendars.py` takes
the holidays from here.
"""

from __future__ import annotations

from datetime import date, timedelta

from policy.target_days import western_easter

JULIAN_LAG_DAYS = 13  # between the Julian and the Gregorian calendar, 1900-2099

# Single closures that follow no rule: strikes, observed holidays and the bank holiday of 2015.
SINGLE_CLOSURES = (
    date(2002, 5, 7),
    date(2004, 8, 13),
    date(2008, 3, 4),
    date(2008, 3, 5),
    date(2013, 5, 7),
    date(2014, 12, 31),
    date(2016, 5, 3),
)
BANK_HOLIDAY_2015 = (date(2015, 6, 29), date(2015, 7, 31))
CHRISTMAS_EVE_CLOSED_SINCE = 2009


def orthodox_easter(year: int) -> date:
    """Easter Sunday of the Orthodox churches: Meeus' Julian rule, given in Gregorian days."""
    moon = (19 * (year % 19) + 15) % 30
    weekday = (2 * (year % 4) + 4 * (year % 7) - moon + 34) % 7
    month, day = divmod(moon + weekday + 114, 31)
    return date(year, month, day + 1) + timedelta(days=JULIAN_LAG_DAYS)


def athens_holidays(year: int) -> tuple[date, ...]:
    """The weekdays of `year` on which Athens has no session, in order."""
    western, orthodox = western_easter(year), orthodox_easter(year)
    days = {date(year, *month_day) for month_day in ((1, 1), (1, 6), (3, 25), (5, 1), (8, 15))}
    days |= {date(year, 10, 28), date(year, 12, 25), date(year, 12, 26)}
    days |= {western + timedelta(days=offset) for offset in (-2, 1)}
    days |= {orthodox + timedelta(days=offset) for offset in (-48, -2, 1, 50)}
    if year >= CHRISTMAS_EVE_CLOSED_SINCE:
        days.add(date(year, 12, 24))
    days |= {day for day in SINGLE_CLOSURES if day.year == year}
    if year == 2015:
        first, last = BANK_HOLIDAY_2015
        days |= {first + timedelta(days=n) for n in range((last - first).days + 1)}
    return tuple(sorted(day for day in days if day.weekday() < 5))
