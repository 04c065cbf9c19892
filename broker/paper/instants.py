"""Instants as the exchange stores them: whole milliseconds since 1970, UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
SECOND_MS = 1000
_MILLISECOND = timedelta(milliseconds=1)


def to_ms(instant: datetime) -> int:
    """The millisecond that `instant` (aware) falls into."""
    return (instant - EPOCH) // _MILLISECOND


def from_ms(ms: int) -> datetime:
    return EPOCH + ms * _MILLISECOND


def at_utc(day: date, of_day: time = time()) -> datetime:
    """`of_day` of the calendar day, UTC; midnight by default."""
    return datetime.combine(day, of_day, tzinfo=UTC)


def weekdays_before(instant: datetime, days: int) -> datetime:
    """The same time of day, `days` Mondays to Fridays earlier."""
    back = instant
    while days > 0:
        back -= DAY
        if back.weekday() < 5:
            days -= 1
    return back
