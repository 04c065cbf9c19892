"""Core hours: the quiet middle of the session, clipped to what really trades that day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.core_hours import CORE_WINDOWS
from policy.market_hours import FX, Calendars, SessionState

ROOT = Path(__file__).parents[2]
TICK = timedelta(microseconds=1)
TABLE_TEXT = (ROOT / "policy" / "calendars.json").read_text(encoding="utf-8")
CALENDARS = Calendars.from_json(TABLE_TEXT)

# An ordinary Wednesday: what may trade in core hours, local time.
WINDOWS = {
    "XNYS": "10:00-15:00",
    "XNAS": "10:00-15:00",
    "XTSE": "10:00-15:00",
    "XLON": "10:00-15:00",
    "XETR": "10:00-16:00",
    "XPAR": "10:00-16:00",
    "XAMS": "10:00-16:00",
    "XMIL": "10:00-16:00",
    "XSWX": "10:00-16:00",
    "ASEX": "11:00-16:00",
    "XCSE": "10:00-15:00",
    "XHKG": "10:00-11:30 13:30-15:30",
    "XSHG": "10:00-11:00 13:30-14:30",
    "XSHE": "10:00-11:00 13:30-14:30",
    "XTKS": "10:00-11:00 13:00-14:30",
    "XSES": "10:00-12:00 13:00-16:00",  # the exchange rests at noon, the window does not
    "XKRX": "10:00-14:30",
    "XTAI": "10:00-12:00",
    "XASX": "11:00-15:00",
    "XBOM": "10:30-14:30",
}
WEDNESDAY = "2026-11-25"


def at(mic: str, text: str) -> datetime:
    zone = CALENDARS.zone(mic)
    assert zone is not None
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def core(mic: str, instant: datetime) -> SessionState:
    return CALENDARS.trading(mic, instant, core_only=True)


def open_hours(mic: str, day: str) -> str:
    """The core hours of a local day, found by walking from bell to bell."""
    zone = CALENDARS.zone(mic)
    spans: list[str] = []
    assert zone is not None
    instant, midnight = at(mic, f"{day} 00:00"), at(mic, f"{day} 23:59")
    while (rings := core(mic, instant).next_open) is not None and rings < midnight:
        closes = core(mic, rings).next_close
        assert closes is not None
        local = (bell.astimezone(ZoneInfo(zone)) for bell in (rings, closes))
        spans.append("-".join(f"{bell:%H:%M}" for bell in local))
        instant = closes
    return " ".join(spans)


@pytest.mark.parametrize("mic", WINDOWS)
def test_each_exchange_has_its_core_hours(mic: str) -> None:
    assert open_hours(mic, WEDNESDAY) == WINDOWS[mic]


def test_every_exchange_with_a_calendar_has_core_hours() -> None:
    assert set(CORE_WINDOWS) == set(CALENDARS.mics)


@pytest.mark.parametrize(
    ("mic", "day", "hours"),
    [
        ("XNYS", "2026-11-27", "10:00-13:00"),  # the day after Thanksgiving
        ("XLON", "2026-12-24", "10:00-12:30"),
        ("XPAR", "2026-12-31", "10:00-14:05"),
        ("XETR", "2026-12-30", "10:00-14:00"),
        ("XHKG", "2026-02-16", "10:00-11:30"),  # lunar new year's eve: no afternoon
        ("XSES", "2026-02-16", "10:00-12:00"),
        ("XKRX", "2026-11-19", "10:00-14:30"),  # exam day opens at ten and ends an hour later
        ("XASX", "2026-12-24", "11:00-14:10"),
        ("XNYS", "2026-11-26", ""),
    ],
)
def test_a_short_day_cuts_the_core_hours(mic: str, day: str, hours: str) -> None:
    assert open_hours(mic, day) == hours


def test_core_hours_are_half_open() -> None:
    opens, closes = at("XNYS", f"{WEDNESDAY} 10:00"), at("XNYS", f"{WEDNESDAY} 15:00")
    assert core("XNYS", opens - TICK).phase == "pre"
    assert core("XNYS", opens).is_open
    assert core("XNYS", closes - TICK).is_open
    assert core("XNYS", closes).phase == "closed"
    assert CALENDARS.is_open("XNYS", closes)


def test_only_an_early_close_is_called_one() -> None:
    assert not core("XNYS", at("XNYS", f"{WEDNESDAY} 11:00")).early_close
    assert core("XNYS", at("XNYS", "2026-11-27 11:00")).early_close
    assert core("XNYS", at("XNYS", "2026-11-27 13:30")).phase == "early_closed"


def test_the_break_between_two_windows_counts_as_lunch() -> None:
    state = core("XHKG", at("XHKG", f"{WEDNESDAY} 11:45"))
    assert (state.phase, state.is_open) == ("lunch", False)
    assert state.next_open == at("XHKG", f"{WEDNESDAY} 13:30")
    assert state.closes_at == at("XHKG", f"{WEDNESDAY} 15:30")


def test_the_session_described_is_the_clipped_one() -> None:
    state = core("XETR", at("XETR", f"{WEDNESDAY} 08:00"))
    assert state.session_date == date(2026, 11, 25)
    assert state.opens_at == state.next_open == at("XETR", f"{WEDNESDAY} 10:00")
    assert state.closes_at == state.next_close == at("XETR", f"{WEDNESDAY} 16:00")


def test_without_core_only_it_is_the_whole_session() -> None:
    instant = at("XETR", f"{WEDNESDAY} 09:01")
    assert CALENDARS.trading("XETR", instant, core_only=False) == CALENDARS.state("XETR", instant)


def test_an_exchange_without_a_calendar_has_no_core_hours() -> None:
    state = core("XXXX", at("XETR", f"{WEDNESDAY} 12:00"))
    assert (state.is_open, state.known, state.next_open) == (False, False, None)


MICS = st.sampled_from((*WINDOWS, FX))
INSTANTS = st.datetimes(
    min_value=datetime(2000, 1, 2),  # noqa: DTZ001
    max_value=datetime(2026, 12, 26),  # noqa: DTZ001
    timezones=st.just(UTC),
)


@given(MICS, INSTANTS)
def test_m1_core_hours_lie_inside_the_session(mic: str, instant: datetime) -> None:
    state, whole = core(mic, instant), CALENDARS.state(mic, instant)
    assert state.is_open == (state.phase == "open")
    assert whole.is_open or not state.is_open
    if mic == FX:
        assert state == whole


@given(MICS, INSTANTS)
def test_m1_the_bells_of_core_hours_really_ring(mic: str, instant: datetime) -> None:
    state = core(mic, instant)
    assert state.next_open is not None
    assert state.next_close is not None
    assert instant < state.next_open
    assert instant < state.next_close
    assert core(mic, state.next_open).is_open
    assert CALENDARS.is_open(mic, state.next_open)
    assert not core(mic, state.next_open - TICK).is_open or mic == FX
    assert core(mic, state.next_close - TICK).is_open
    assert not core(mic, state.next_close).is_open
    assert state.is_open == (state.next_close < state.next_open)


@given(MICS, INSTANTS, st.integers(0, 60 * 24 * 4))
def test_core_hours_asked_in_any_order_are_the_same(
    mic: str, instant: datetime, minutes: int
) -> None:
    """The cached stretch answers neither for another instant nor for the whole session."""
    later = instant + timedelta(minutes=minutes)
    first = (core(mic, instant), CALENDARS.state(mic, instant), core(mic, later))
    assert (core(mic, instant), CALENDARS.state(mic, instant), core(mic, later)) == first
