"""Prices are old, or gone, after so many sessions of their exchange and not after so many days."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from daemon.paper_world import load_calendars
from policy.listing_state import (
    DELISTED_AFTER,
    STALE_AFTER,
    last_session,
    listing_state,
    missed_sessions,
)

CALENDARS = load_calendars()
DAY = timedelta(days=1)
# Frankfurt keeps Good Friday and Easter Monday: 10 and 13 April 2009. New York keeps the first.
THURSDAY = date(2009, 4, 9)
EVENING = datetime(2009, 4, 9, 20, tzinfo=UTC)


def state(last_bar: date | None, now: datetime, *, listed: bool = True, mic: str = "XETR") -> str:
    return listing_state(last_bar, listed=listed, mic=mic, calendars=CALENDARS, now=now)


def test_a_price_of_the_last_session_is_fresh_over_any_holiday() -> None:
    assert state(THURSDAY, EVENING) == "ok"
    assert missed_sessions(THURSDAY, mic="XETR", calendars=CALENDARS, now=EVENING + 4 * DAY) == 0
    assert missed_sessions(THURSDAY, mic="XNYS", calendars=CALENDARS, now=EVENING + 4 * DAY) == 1


def test_a_session_is_missed_once_it_is_over() -> None:
    tuesday = datetime(2009, 4, 14, 15, 29, tzinfo=UTC)  # Frankfurt closes at 15:30 UTC
    assert [
        missed_sessions(THURSDAY, mic="XETR", calendars=CALENDARS, now=tuesday + minute)
        for minute in (timedelta(0), timedelta(minutes=1))
    ] == [0, 1]


@pytest.mark.parametrize(
    ("sessions", "expected"),
    [
        (STALE_AFTER - 1, "ok"),
        (STALE_AFTER, "stale"),
        (DELISTED_AFTER - 1, "stale"),
        (DELISTED_AFTER, "delisted"),
        (DELISTED_AFTER + 400, "delisted"),
    ],
)
def test_prices_are_stale_and_then_gone(sessions: int, expected: str) -> None:
    now, left = EVENING, sessions
    while left:
        now += DAY
        left -= CALENDARS.session("XETR", now.date()) is not None
    assert state(THURSDAY, now) == expected


def test_what_the_broker_dropped_is_delisted_whatever_its_prices() -> None:
    assert state(THURSDAY, EVENING, listed=False) == "delisted"
    assert state(None, EVENING, listed=False) == "delisted"


def test_without_any_bar_there_is_no_data() -> None:
    assert state(None, EVENING) == "no_data"


def test_without_a_calendar_weekdays_count() -> None:
    friday = date(2009, 4, 10)
    assert missed_sessions(friday, mic="NOWHERE", calendars=CALENDARS, now=EVENING + 5 * DAY) == 1
    beyond = datetime(2150, 1, 10, 12, tzinfo=UTC)  # a Saturday, long after any calendar
    assert state((beyond - 8 * DAY).date(), beyond) == "stale"


def test_the_last_session_is_the_one_that_is_over() -> None:
    easter_monday = datetime(2009, 4, 13, 12, tzinfo=UTC)
    found = last_session("XETR", CALENDARS, easter_monday)
    assert found is not None
    assert found.date == THURSDAY
    assert last_session("NOWHERE", CALENDARS, easter_monday) is None
    # Hong Kong is ahead: its Thursday is over while Europe is at breakfast.
    morning = datetime(2009, 4, 9, 8, 30, tzinfo=UTC)
    hong_kong = last_session("XHKG", CALENDARS, morning)
    assert hong_kong is not None
    assert hong_kong.date == THURSDAY
