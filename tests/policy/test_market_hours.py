"""Market hours of the shipped table: 2026 day by day, clock changes, lunch, ends of validity."""

from __future__ import annotations

import importlib.util
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from types import ModuleType
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.calendar_table import CalendarTableError
from policy.market_hours import FX, STRICT_MICS, Calendars, resolve_mic

ROOT = Path(__file__).parents[2]
DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)

# Weekday closures and early closes of 2026 as the exchanges publish them.
CLOSED_2026 = {
    "XNYS": "01-01 01-19 02-16 04-03 05-25 06-19 07-03 09-07 11-26 12-25",
    "XNAS": "01-01 01-19 02-16 04-03 05-25 06-19 07-03 09-07 11-26 12-25",
    "XTSE": "01-01 02-16 04-03 05-18 07-01 08-03 09-07 10-12 12-25 12-28",
    "XLON": "01-01 04-03 04-06 05-04 05-25 08-31 12-25 12-28",
    "XETR": "01-01 04-03 04-06 05-01 12-24 12-25 12-31",
    "XPAR": "01-01 04-03 04-06 05-01 12-25",
    "XAMS": "01-01 04-03 04-06 05-01 12-25",
    "XMIL": "01-01 04-03 04-06 05-01 12-24 12-25 12-31",
    "XSWX": "01-01 01-02 04-03 04-06 05-01 05-14 05-25 12-24 12-25 12-31",
    "ASEX": "01-01 01-06 02-23 03-25 04-03 04-06 04-10 04-13 05-01 06-01 10-28 12-24 12-25",
    "XCSE": "01-01 04-02 04-03 04-06 05-14 05-15 05-25 06-05 12-24 12-25 12-31",
    "XHKG": "01-01 02-17 02-18 02-19 04-03 04-06 04-07 05-01 05-25 06-19 07-01 10-01 10-19 12-25",
    "XSHG": "01-01 01-02 02-16 02-17 02-18 02-19 02-20 02-23 04-06 05-01 05-04 05-05 06-19 09-25"
    " 10-01 10-02 10-05 10-06 10-07",
    "XSHE": "01-01 01-02 02-16 02-17 02-18 02-19 02-20 02-23 04-06 05-01 05-04 05-05 06-19 09-25"
    " 10-01 10-02 10-05 10-06 10-07",
    "XTKS": "01-01 01-02 01-12 02-11 02-23 03-20 04-29 05-04 05-05 05-06 07-20 08-11 09-21 09-22"
    " 09-23 10-12 11-03 11-23 12-31",
    "XSES": "01-01 02-17 02-18 04-03 05-01 05-27 06-01 08-10 11-09 12-25",
    "XKRX": "01-01 02-16 02-17 02-18 03-02 05-01 05-05 05-25 08-17 09-24 09-25 10-05 10-09 12-25"
    " 12-31",
    "XTAI": "01-01 02-12 02-13 02-16 02-17 02-18 02-19 02-20 02-27 04-03 04-06 05-01 06-19 09-25"
    " 09-28 10-09 10-26 12-25",
    "XASX": "01-01 01-26 04-03 04-06 06-08 12-25 12-28",
    "XBOM": "01-15 01-26 03-03 03-26 03-31 04-03 04-14 05-01 05-28 06-26 09-14 10-02 10-20 11-10"
    " 11-24 12-25",
}
HOURS_2026 = {
    "XNYS": ("America/New_York", "09:30-16:00"),
    "XNAS": ("America/New_York", "09:30-16:00"),
    "XTSE": ("America/Toronto", "09:30-16:00"),
    "XLON": ("Europe/London", "08:00-16:30"),
    "XETR": ("Europe/Berlin", "09:00-17:30"),
    "XPAR": ("Europe/Paris", "09:00-17:30"),
    "XAMS": ("Europe/Amsterdam", "09:00-17:30"),
    "XMIL": ("Europe/Rome", "09:00-17:30"),
    "XSWX": ("Europe/Zurich", "09:00-17:30"),
    "ASEX": ("Europe/Athens", "10:00-17:20"),
    "XCSE": ("Europe/Copenhagen", "09:00-17:00"),
    "XHKG": ("Asia/Hong_Kong", "09:30-12:00 13:00-16:00"),
    "XSHG": ("Asia/Shanghai", "09:30-11:30 13:00-15:00"),
    "XSHE": ("Asia/Shanghai", "09:30-11:30 13:00-15:00"),
    "XTKS": ("Asia/Tokyo", "09:00-11:30 12:30-15:30"),
    "XSES": ("Asia/Singapore", "09:00-12:00 13:00-17:00"),
    "XKRX": ("Asia/Seoul", "09:00-15:30"),
    "XTAI": ("Asia/Taipei", "09:00-13:30"),
    "XASX": ("Australia/Sydney", "10:00-16:00"),
    "XBOM": ("Asia/Kolkata", "09:15-15:30"),
}
SPECIAL_2026: dict[str, dict[str, str]] = {
    "XNYS": {"11-27": "09:30-13:00", "12-24": "09:30-13:00"},
    "XNAS": {"11-27": "09:30-13:00", "12-24": "09:30-13:00"},
    "XTSE": {"12-24": "09:30-13:00"},
    "XLON": {"12-24": "08:00-12:30", "12-31": "08:00-12:30"},
    "XETR": {"12-30": "09:00-14:00"},
    "XPAR": {"12-24": "09:00-14:05", "12-31": "09:00-14:05"},
    "XAMS": {"12-24": "09:00-14:05", "12-31": "09:00-14:05"},
    "XHKG": dict.fromkeys(("02-16", "12-24", "12-31"), "09:30-12:00"),
    "XSES": dict.fromkeys(("02-16", "12-24", "12-31"), "09:00-12:00"),
    "XKRX": {"01-02": "10:00-15:30", "11-19": "10:00-16:30"},
    "XASX": {"12-24": "10:00-14:10", "12-31": "10:00-14:10"},
}
MICS = tuple(CLOSED_2026)

TABLE_TEXT = (ROOT / "policy" / "calendars.json").read_text(encoding="utf-8")
CALENDARS = Calendars.from_json(TABLE_TEXT)


def local_hours(mic: str, day: date) -> str:
    session = CALENDARS.session(mic, day)
    if session is None:
        return ""
    zone = ZoneInfo(HOURS_2026[mic][0])
    spans = (
        f"{i.opens_at.astimezone(zone):%H:%M}-{i.closes_at.astimezone(zone):%H:%M}"
        for i in session.intervals
    )
    return " ".join(spans)


def expected_hours(mic: str, day: date) -> str:
    month_day = f"{day:%m-%d}"
    if day.weekday() > 4 or month_day in CLOSED_2026[mic].split():
        return ""
    return SPECIAL_2026.get(mic, {}).get(month_day, HOURS_2026[mic][1])


def at(mic: str, text: str) -> datetime:
    """An instant from the exchange's own wall clock."""
    local = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(HOURS_2026[mic][0]))
    return local.astimezone(UTC)


def test_every_exchange_is_in_the_table() -> None:
    assert set(CALENDARS.mics) == set(MICS)


@pytest.mark.parametrize("mic", MICS)
def test_2026_is_as_published(mic: str) -> None:
    days = [date(2026, 1, 1) + n * DAY for n in range(365)]
    wrong = {
        day: local_hours(mic, day)
        for day in days
        if local_hours(mic, day) != expected_hours(mic, day)
    }
    assert wrong == {}
    assert CALENDARS.zone(mic) == HOURS_2026[mic][0]


@pytest.mark.parametrize("mic", MICS)
def test_every_day_from_2000_to_the_end_of_2026_is_known(mic: str) -> None:
    for day in (date(2000, 1, 1), date(2009, 1, 5), date(2026, 12, 31)):
        noon = datetime.combine(day, time(12), tzinfo=UTC)
        assert CALENDARS.state(mic, noon).known


@pytest.mark.parametrize("mic", MICS)
def test_a_year_has_between_235_and_262_sessions(mic: str) -> None:
    for year in range(2000, 2027):
        days = (date(year, 1, 1) + n * DAY for n in range(366))
        sessions = sum(CALENDARS.session(mic, day) is not None for day in days if day.year == year)
        # Athens lost five weeks of 2015 to the bank holiday.
        assert (220 if (mic, year) == ("ASEX", 2015) else 235) <= sessions <= 262


def test_the_interval_is_half_open() -> None:
    opens, closes = at("XNYS", "2026-11-23 09:30"), at("XNYS", "2026-11-23 16:00")
    assert CALENDARS.state("XNYS", opens - TICK).phase == "pre"
    assert CALENDARS.state("XNYS", opens).phase == "open"
    assert CALENDARS.state("XNYS", closes - TICK).phase == "open"
    assert CALENDARS.state("XNYS", closes).phase == "closed"


def test_clock_changes_move_the_session_in_utc() -> None:
    """New York changes its clocks weeks before Europe in spring and a week after in autumn."""
    bells = {
        ("XNYS", date(2026, 3, 6)): "14:30",
        ("XNYS", date(2026, 3, 9)): "13:30",
        ("XNYS", date(2026, 10, 30)): "13:30",
        ("XNYS", date(2026, 11, 2)): "14:30",
        ("XLON", date(2026, 3, 27)): "08:00",
        ("XLON", date(2026, 3, 30)): "07:00",
        ("XASX", date(2026, 4, 2)): "23:00",
        ("XASX", date(2026, 4, 7)): "00:00",
    }
    for (mic, day), expected in bells.items():
        session = CALENDARS.session(mic, day)
        assert session is not None
        assert f"{session.opens_at:%H:%M}" == expected


def test_lunch_is_not_open() -> None:
    state = CALENDARS.state("XHKG", at("XHKG", "2026-11-23 12:00"))
    assert (state.phase, state.is_open) == ("lunch", False)
    assert state.next_open == at("XHKG", "2026-11-23 13:00")
    assert state.next_close == at("XHKG", "2026-11-23 16:00")
    assert state.closes_at == at("XHKG", "2026-11-23 16:00")
    assert CALENDARS.is_open("XHKG", at("XHKG", "2026-11-23 13:00"))


def test_the_break_of_a_day_is_told_when_it_has_one() -> None:
    noon, one = at("XHKG", "2026-11-23 12:00"), at("XHKG", "2026-11-23 13:00")
    assert CALENDARS.lunch("XHKG", date(2026, 11, 23)) == (noon, one)
    for mic, day in (("XHKG", date(2026, 12, 24)), ("XETR", date(2026, 11, 23)), ("XETR", None)):
        assert CALENDARS.lunch(mic, day) is None


def test_the_morning_ends_with_the_lunch_bell() -> None:
    state = CALENDARS.state("XTKS", at("XTKS", "2026-11-24 10:00"))
    assert state.next_close == at("XTKS", "2026-11-24 11:30")
    assert state.closes_at == at("XTKS", "2026-11-24 15:30")


def test_an_early_close_ends_the_day() -> None:
    before = CALENDARS.state("XNYS", at("XNYS", "2026-11-27 12:59"))
    assert (before.phase, before.early_close) == ("open", True)
    after = CALENDARS.state("XNYS", at("XNYS", "2026-11-27 13:00"))
    assert (after.phase, after.is_open, after.early_close) == ("early_closed", False, True)
    assert after.session_date == date(2026, 11, 30)
    assert CALENDARS.state("XNYS", at("XNYS", "2026-11-27 16:00")).phase == "closed"


def test_a_late_opening_is_no_early_close() -> None:
    state = CALENDARS.state("XKRX", at("XKRX", "2026-01-02 09:30"))
    assert (state.phase, state.early_close) == ("pre", False)


def test_the_year_changes_over_the_holidays() -> None:
    state = CALENDARS.state("XETR", at("XETR", "2026-12-30 15:00"))
    assert state.next_open == at("XETR", "2027-01-04 09:00")
    state = CALENDARS.state("XLON", datetime(2008, 12, 31, 23, 59, tzinfo=UTC))
    assert state.session_date == date(2009, 1, 2)


def test_before_midnight_in_sydney_the_utc_day_is_another() -> None:
    """22:59 UTC on Sunday is Monday morning in Sydney, a minute before the bell."""
    state = CALENDARS.state("XASX", datetime(2026, 11, 22, 22, 59, tzinfo=UTC))
    assert (state.phase, state.session_date) == ("pre", date(2026, 11, 23))


@pytest.mark.parametrize(
    ("mic", "day", "hours"),
    [
        ("XHKG", date(2009, 1, 5), "10:00-12:30 14:30-16:00"),
        ("XHKG", date(2009, 12, 24), "10:00-12:30"),
        ("XHKG", date(2011, 3, 7), "09:30-12:00 13:30-16:00"),
        ("XHKG", date(2012, 3, 5), "09:30-12:00 13:00-16:00"),
        ("XTKS", date(2011, 11, 18), "09:00-11:00 12:30-15:00"),
        ("XTKS", date(2024, 11, 1), "09:00-11:30 12:30-15:00"),
        ("XTKS", date(2024, 11, 5), "09:00-11:30 12:30-15:30"),
        ("XSES", date(2011, 7, 29), "09:00-12:30 14:00-17:00"),
        ("XSES", date(2016, 6, 1), "09:00-17:00"),
        ("XKRX", date(2000, 5, 19), "09:00-12:00 13:00-15:00"),
        ("XKRX", date(2016, 7, 29), "09:00-15:00"),
        ("ASEX", date(2008, 9, 26), "10:00-17:00"),
        ("ASEX", date(2008, 9, 29), "10:00-17:20"),
    ],
)
def test_each_era_has_its_own_hours(mic: str, day: date, hours: str) -> None:
    assert local_hours(mic, day) == hours


def test_extraordinary_closures_of_new_york_are_known() -> None:
    for day in ("2001-09-11", "2004-06-11", "2007-01-02", "2012-10-29", "2018-12-05", "2025-01-09"):
        assert CALENDARS.session("XNYS", date.fromisoformat(day)) is None


@pytest.mark.parametrize("mic", MICS)
def test_outside_its_validity_an_exchange_is_closed(mic: str) -> None:
    for year in (1999, 2040):
        for hour in range(24):
            state = CALENDARS.state(mic, datetime(year, 6, 15, hour, tzinfo=UTC))
            assert (state.is_open, state.known, state.next_open) == (False, False, None)
        assert CALENDARS.session(mic, date(year, 6, 15)) is None


def test_the_last_covered_evening_has_no_next_session() -> None:
    state = CALENDARS.state("XSHG", at("XSHG", "2026-12-31 15:00"))
    assert (state.known, state.phase) == (True, "closed")
    assert (state.next_open, state.session_date) == (None, None)


def test_an_unknown_exchange_is_never_open() -> None:
    state = CALENDARS.state("XXXX", datetime(2026, 11, 23, 15, tzinfo=UTC))
    assert (state.is_open, state.known, state.phase) == (False, False, "closed")
    assert CALENDARS.session("XXXX", date(2026, 11, 23)) is None
    assert CALENDARS.next_open("XXXX", datetime(2026, 11, 23, tzinfo=UTC)) is None
    assert CALENDARS.zone("XXXX") is None


def test_a_naive_instant_is_refused() -> None:
    fresh = Calendars.from_json(TABLE_TEXT)
    with pytest.raises(ValueError, match="aware"):
        fresh.state("XNYS", datetime(2026, 11, 23, 15))  # noqa: DTZ001


@pytest.mark.parametrize("text", ["{}", "[]", '{"version": 99, "exchanges": {}}'])
def test_a_table_of_another_version_is_refused(text: str) -> None:
    with pytest.raises(CalendarTableError):
        Calendars.from_json(text)


def test_a_damaged_exchange_is_reported_by_name() -> None:
    text = '{"version": 1, "exchanges": {"XNYS": {"zone": "America/New_York"}}}'
    with pytest.raises(CalendarTableError, match="XNYS"):
        Calendars.from_json(text).session("XNYS", date(2026, 1, 5))


def test_expiring_calendars_are_named_sixty_days_ahead() -> None:
    assert CALENDARS.expiring(date(2026, 10, 31)) == ()
    warned = CALENDARS.expiring(date(2026, 11, 2))
    assert {(expiry.mic, expiry.days_left) for expiry in warned} == {
        (mic, 59) for mic in ("XBOM", "XSES", "XSHE", "XSHG")
    }
    assert CALENDARS.ends_soon("XBOM", date(2026, 10, 31)) is None
    assert CALENDARS.ends_soon("XBOM", date(2026, 11, 2)) == date(2026, 12, 31)
    assert CALENDARS.ends_soon("XBOM", date(2027, 1, 2)) == date(2026, 12, 31)
    assert CALENDARS.ends_soon("XNYS", date(2026, 12, 31)) is None
    assert {e.mic for e in CALENDARS.expiring(date(2027, 1, 2)) if e.days_left < 0} == {
        e.mic for e in warned
    }


def test_currencies_trade_from_monday_to_friday_around_the_clock() -> None:
    monday, saturday = datetime(2026, 11, 23, tzinfo=UTC), datetime(2026, 11, 28, tzinfo=UTC)
    assert not CALENDARS.is_open(FX, monday - TICK)
    assert CALENDARS.is_open(FX, monday)
    assert CALENDARS.is_open(FX, saturday - TICK)
    assert not CALENDARS.is_open(FX, saturday)
    assert CALENDARS.next_open(FX, saturday) == monday + 7 * DAY
    assert CALENDARS.next_open(FX, monday) == monday + 7 * DAY
    assert CALENDARS.state(FX, monday + 2 * DAY).closes_at == saturday
    assert CALENDARS.state(FX, saturday).session_date == date(2026, 11, 30)


@pytest.mark.parametrize(
    ("name", "mic"),
    [
        ("NYSE", "XNYS"),
        ("NasdaqGS", "XNAS"),
        ("nasdaqcm", "XNAS"),
        ("TSX", "XTSE"),
        ("XTSE", "XTSE"),
        ("XETRA", "XETR"),
        ("Amsterdam", "XAMS"),
        ("Athens", "ASEX"),
        ("HKSE", "XHKG"),
        ("Shenzhen", "XSHE"),
        (" Tokyo ", "XTKS"),
        ("NSE", "XBOM"),
        ("FX", "FX"),
        ("Atlantis", None),
        ("", None),
    ],
)
def test_names_lead_to_the_code(name: str, mic: str | None) -> None:
    assert resolve_mic(name) == mic


def test_strict_exchanges_have_a_calendar() -> None:
    assert set(CALENDARS.mics) >= STRICT_MICS


def athens_rule() -> ModuleType:
    path = ROOT / "tools" / "athens_calendar.py"
    spec = importlib.util.spec_from_file_location("athens_calendar", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "easter",
    ["2000-04-30", "2005-05-01", "2009-04-19", "2016-05-01", "2024-05-05", "2026-04-12"],
)
def test_athens_keeps_the_orthodox_easter(easter: str) -> None:
    sunday = date.fromisoformat(easter)
    assert athens_rule().orthodox_easter(sunday.year) == sunday
    for offset in (-48, -2, 1, 50):
        assert CALENDARS.session("ASEX", sunday + offset * DAY) is None


def test_the_table_of_athens_is_its_rule() -> None:
    rule = athens_rule()
    for year in range(2000, 2029):
        weekdays = (date(year, 1, 1) + n * DAY for n in range(366))
        closed = tuple(
            day
            for day in weekdays
            if day.year == year and day.weekday() < 5 and not CALENDARS.session("ASEX", day)
        )
        assert closed == rule.athens_holidays(year)


INSTANTS = st.datetimes(
    min_value=datetime(2000, 1, 2),  # noqa: DTZ001
    max_value=datetime(2026, 12, 30),  # noqa: DTZ001
    timezones=st.just(UTC),
)


@given(st.sampled_from((*MICS, FX)), st.dates(date(2000, 1, 1), date(2026, 12, 31)))
def test_intervals_of_a_session_never_overlap(mic: str, day: date) -> None:
    session = CALENDARS.session(mic, day)
    if session is None:
        return
    bells = [bell for i in session.intervals for bell in (i.opens_at, i.closes_at)]
    assert bells == sorted(set(bells))
    following = CALENDARS.session(mic, day + DAY)
    assert following is None or session.closes_at <= following.opens_at


@given(st.sampled_from((*MICS, FX)), INSTANTS)
def test_the_state_agrees_with_the_sessions(mic: str, instant: datetime) -> None:
    sessions = (CALENDARS.session(mic, instant.date() + n * DAY) for n in (-1, 0, 1))
    intervals = [i for session in sessions if session for i in session.intervals]
    state = CALENDARS.state(mic, instant)
    assert state.known
    assert state.is_open == any(i.opens_at <= instant < i.closes_at for i in intervals)
    assert state.is_open == (state.phase == "open")


@given(st.sampled_from((*MICS, FX)), INSTANTS)
def test_the_next_bells_really_ring(mic: str, instant: datetime) -> None:
    state = CALENDARS.state(mic, instant)
    assert state.next_open is not None
    assert state.next_close is not None
    assert instant < state.next_open
    assert instant < state.next_close
    assert CALENDARS.is_open(mic, state.next_open)
    assert CALENDARS.is_open(mic, state.next_close - TICK)
    assert state.is_open == (state.next_close < state.next_open)


@given(st.sampled_from((*MICS, FX)), INSTANTS, st.integers(0, 60 * 24 * 4))
def test_asking_in_any_order_gives_the_same_answer(
    mic: str, instant: datetime, minutes: int
) -> None:
    """The cached stretch never answers for an instant outside it."""
    fresh = Calendars.from_json(TABLE_TEXT) if mic == "XHKG" else CALENDARS
    later = instant + timedelta(minutes=minutes)
    first = (fresh.state(mic, instant), fresh.state(mic, later))
    assert (fresh.state(mic, instant), fresh.state(mic, later)) == first
