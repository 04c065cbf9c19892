"""What each exchange is doing at an instant, from the session function that was handed in.

The calendar itself lives elsewhere; here its answers become the four questions the exchange has:
which day trades now, which session closed last, when a given day opens, when a trade settles.
The currency market needs no calendar: Monday to Friday around the clock, UTC.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from broker.paper.instants import DAY, at_utc

Intervals = Sequence[tuple[datetime, datetime]]
SessionFunction = Callable[[str, date], Intervals]

FX = "FX"
LONGEST_CLOSURE_DAYS = 45  # Athens was shut for five weeks in 2015
CACHED_DAYS = 512
_US_MICS = frozenset({"XNYS", "XNAS", "XASE", "ARCX", "BATS"})


@dataclass(frozen=True, slots=True)
class View:
    """An exchange over the half-open stretch [since, until) in which nothing changes.

    `running` is the session date between its first open and last close, lunch included;
    `closed` the date of the newest session that is over, None when the calendar knows none.
    """

    since: datetime
    until: datetime
    running: date | None
    closed: date | None
    is_open: bool


class Sessions:
    def __init__(self, function: SessionFunction) -> None:
        self._function = function
        self._days: dict[tuple[str, date], Intervals] = {}
        self._views: dict[str, View] = {}

    def of(self, mic: str, day: date) -> Intervals:
        """The open intervals of the local date `day`, in order; empty when closed or unknown."""
        key = (mic, day)
        found = self._days.get(key)
        if found is None:
            if len(self._days) >= CACHED_DAYS:
                self._days.clear()
            found = self._days[key] = _fx(day) if mic == FX else self._function(mic, day)
        return found

    def view(self, mic: str, instant: datetime) -> View:
        """What `mic` is doing at `instant`; asking again costs a comparison."""
        known = self._views.get(mic)
        if known is None or not known.since <= instant < known.until:
            known = self._views[mic] = self._look(mic, instant)
        return known

    def opening(self, mic: str, day: date) -> datetime:
        """The opening bell of `day`, or of the next session; midnight UTC when none is known."""
        for ahead in range(LONGEST_CLOSURE_DAYS):
            session = self.of(mic, day + ahead * DAY)
            if session:
                return session[0][0]
        return at_utc(day)

    def settlement(self, mic: str, day: date) -> datetime:
        """When a trade of `day` settles: one session later in the US, two elsewhere."""
        left = 1 if mic in _US_MICS else 2
        for ahead in range(1, LONGEST_CLOSURE_DAYS):
            following = day + ahead * DAY
            left -= 1 if self.of(mic, following) else 0
            if left == 0:
                return at_utc(following)
        return at_utc(day + LONGEST_CLOSURE_DAYS * DAY)

    def _look(self, mic: str, instant: datetime) -> View:
        today = instant.date()
        near = [(day, self.of(mic, day)) for day in (today - DAY, today, today + DAY)]
        running = next(
            (day for day, spans in near if spans and spans[0][0] <= instant < spans[-1][1]), None
        )
        bells = [bell for _, spans in near for span in spans for bell in span]
        return View(
            since=instant,
            until=min((bell for bell in bells if bell > instant), default=at_utc(today + DAY)),
            running=running,
            closed=self._closed(mic, instant),
            is_open=any(opens <= instant < ends for _, spans in near for opens, ends in spans),
        )

    def _closed(self, mic: str, instant: datetime) -> date | None:
        for back in range(LONGEST_CLOSURE_DAYS):
            day = instant.date() - back * DAY
            session = self.of(mic, day)
            if session and session[-1][1] <= instant:
                return day
        return None


def next_open_moment(session: Intervals, instant: datetime) -> datetime | None:
    """`instant` when it lies in an open interval, else the next opening; None after the close."""
    for opens, ends in session:
        if instant < ends:
            return max(opens, instant)
    return None


def _fx(day: date) -> Intervals:
    return ((at_utc(day), at_utc(day + DAY)),) if day.weekday() < 5 else ()
