"""The printed table of a year is what the exchanges published for it."""

from __future__ import annotations

import pytest

from policy.market_hours import Calendars
from tests.policy.test_market_hours import (
    CALENDARS,
    CLOSED_2026,
    HOURS_2026,
    MICS,
    SPECIAL_2026,
)
from tools.sessions_table import HEADER, Row, rows, table

ROWS = {row.code: row for row in rows(CALENDARS, 2026)}

# The early closes and late openings that the exchanges list for 2026. Two exchanges say less in
# advance than is known: Singapore calls its half days by circular (the eves of the new year, the
# lunar new year and Christmas have been ones every year), and Seoul moves the session of the
# university entrance exam, whose date the ministry sets.
LISTED = {
    "XNYS": {"11-27": "13:00", "12-24": "13:00"},
    "XNAS": {"11-27": "13:00", "12-24": "13:00"},
    "XTSE": {"12-24": "13:00"},
    "XLON": {"12-24": "12:30", "12-31": "12:30"},
    "XETR": {"12-30": "14:00"},
    "XPAR": {"12-24": "14:05", "12-31": "14:05"},
    "XAMS": {"12-24": "14:05", "12-31": "14:05"},
    "XHKG": {"02-16": "12:00", "12-24": "12:00", "12-31": "12:00"},
    "XASX": {"12-24": "14:10", "12-31": "14:10"},
    "XKRX": {"01-02": "15:30"},
}
BY_RULE = {"XSES": {"02-16", "12-24", "12-31"}, "XKRX": {"11-19"}}


@pytest.mark.parametrize("mic", MICS)
def test_a_row_is_the_exchanges_own_year(mic: str) -> None:
    row = ROWS[mic]
    zone, hours = HOURS_2026[mic]
    bells = [bell for span in hours.split() for bell in span.split("-")]
    assert (row.zone, row.session) == (zone, f"{bells[0]}-{bells[-1]}")
    assert row.lunch == ("-".join(bells[1:-1]) or "none")
    assert row.closed == tuple(CLOSED_2026[mic].split())
    assert dict(row.other) == SPECIAL_2026.get(mic, {})


@pytest.mark.parametrize("mic", MICS)
def test_a_day_with_hours_of_its_own_is_listed_or_known_by_rule(mic: str) -> None:
    other = dict(ROWS[mic].other)
    by_rule = BY_RULE.get(mic, set())
    ends = {day: hours.rpartition("-")[2] for day, hours in other.items() if day not in by_rule}
    assert ends == LISTED.get(mic, {})
    assert by_rule <= set(other)


def test_a_calendar_that_ends_within_the_year_says_so() -> None:
    assert all(row.known_until.year >= 2026 for row in ROWS.values())
    assert "XBOM" not in {row.code for row in rows(CALENDARS, 2027)}
    row = Row((), "X", "UTC", "09:00-10:00", "none", (), (), ROWS["XBOM"].known_until)
    assert row.cells(2026)[-1] == "none"
    assert row.cells(2027)[-1] == "(known until 2026-12-31)"


def test_the_table_has_a_line_per_exchange() -> None:
    lines = table(2026).splitlines()
    assert len(lines) == 2 + len(MICS)
    assert lines[0] == f"| {' | '.join(HEADER)} |"
    assert all(line.count(" | ") == len(HEADER) - 1 for line in lines)
    shanghai = next(line for line in lines if "XSHG" in line)
    assert "11:30-13:00" in shanghai


def test_no_exchange_knows_the_far_future() -> None:
    assert rows(Calendars.from_json('{"version": 1, "exchanges": {}}'), 2026) == ()
    assert rows(CALENDARS, 2040) == ()
