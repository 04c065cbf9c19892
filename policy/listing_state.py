"""Whether the prices of a security are up to date, judged by the sessions of its exchange."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from ledger.security import ListingState
from policy.calendar_table import Session
from policy.market_hours import LONGEST_CLOSURE_DAYS, Calendars

STALE_AFTER = 5
"""So many sessions without a bar, and the prices are old."""
DELISTED_AFTER = 30
"""So many, and the security is not traded any more."""
DAY = timedelta(days=1)
SATURDAY = 5
# Sessions are counted no further back than this: enough for DELISTED_AFTER of them.
_REACH_DAYS = LONGEST_CLOSURE_DAYS + 2 * DELISTED_AFTER


def listing_state(
    last_bar: date | None, *, listed: bool, mic: str, calendars: Calendars, now: datetime
) -> ListingState:
    """What can be said of a security whose newest bar is of `last_bar`, at the instant `now`.

    `listed`: the broker lists it. Where the calendar has ended, or there is none, weekdays count as
    sessions.
    """
    if not listed:
        return "delisted"
    if last_bar is None:
        return "no_data"
    missed = missed_sessions(last_bar, mic=mic, calendars=calendars, now=now)
    if missed >= DELISTED_AFTER:
        return "delisted"
    return "stale" if missed >= STALE_AFTER else "ok"


def missed_sessions(last_bar: date, *, mic: str, calendars: Calendars, now: datetime) -> int:
    """Sessions after the day `last_bar` that are over at `now`, at most DELISTED_AFTER."""
    known_until = calendars.valid_until(mic) if mic in calendars.mics else date.min
    day, missed = now.date() + DAY, 0
    for _ in range(_REACH_DAYS):
        if day <= last_bar or missed == DELISTED_AFTER:
            break
        if day <= known_until:
            session = calendars.session(mic, day)
            missed += session is not None and session.closes_at <= now
        else:
            missed += day.weekday() < SATURDAY and day < now.date()
        day -= DAY
    return missed


def last_session(mic: str, calendars: Calendars, now: datetime) -> Session | None:
    """The newest session that is over at `now`; None when the calendar knows none."""
    for back in range(LONGEST_CLOSURE_DAYS):
        session = calendars.session(mic, now.date() + (1 - back) * DAY)
        if session is not None and session.closes_at <= now:
            return session
    return None
