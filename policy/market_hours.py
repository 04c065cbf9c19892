"""Is this exchange open, and until when? Pure: the instant is always a parameter.

Called by the gates, the schedule, the paper exchange (injected) and the markets page. Everything
here fails closed: an exchange that is not in the table, or a day outside its validity, is not
open. Intervals are half-open, so that the closing bell itself is already closed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal

from policy.calendar_table import CalendarTable, Exchange, Interval, Session
from policy.core_hours import CORE_WINDOWS, clip

Phase = Literal["closed", "pre", "open", "lunch", "early_closed"]

FX = "FX"
"""The currency market: Monday to Friday around the clock, UTC."""

EXPIRY_WARNING_DAYS = 60
LONGEST_CLOSURE_DAYS = 45  # Athens was shut for five weeks in 2015
SESSION_CACHE = 512  # days per table; a year of two exchanges
DAY = timedelta(days=1)

# Exchanges that take no order outside their session, whatever the setting for off-hours buys.
STRICT_MICS = frozenset(
    {"XHKG", "XSHG", "XSHE", "XTKS", "XSES", "XKRX", "XTAI", "XASX", "XBOM"},
)

_NAMES = {
    "XNYS": ("NYSE", "New York"),
    "XNAS": ("NASDAQ", "NasdaqGS", "NasdaqCM", "NasdaqGM"),
    "XTSE": ("TSX", "Toronto"),
    "XLON": ("LSE", "London"),
    "XETR": ("XETRA", "Frankfurt"),
    "XPAR": ("Paris", "Euronext Paris"),
    "XAMS": ("Amsterdam", "Euronext Amsterdam"),
    "XMIL": ("Milan", "Borsa Italiana"),
    "XSWX": ("Swiss", "SIX", "Zurich"),
    "ASEX": ("Athens", "ATHEX"),
    "XCSE": ("Copenhagen",),
    "XHKG": ("HKSE", "HKEX", "Hong Kong"),
    "XSHG": ("Shanghai", "SSE"),
    "XSHE": ("Shenzhen", "SZSE"),
    "XTKS": ("Tokyo", "JPX"),
    "XSES": ("SGX", "Singapore"),
    "XKRX": ("KRX", "Korea"),
    "XTAI": ("TWSE", "Taiwan"),
    "XASX": ("ASX", "Sydney"),
    "XBOM": ("BSE", "NSE", "NSE/BSE", "Mumbai"),
    FX: ("Forex",),
}
_MIC_BY_NAME = {
    name.casefold(): mic for mic, names in _NAMES.items() for name in (mic, *names)
}  # XTSE is Toronto; Tokyo is XTKS


def resolve_mic(name: str) -> str | None:
    """The MIC behind an exchange's name or code, without regard to case; None when unknown."""
    return _MIC_BY_NAME.get(name.strip().casefold())


def names_of(mic: str) -> tuple[str, ...]:
    """What else an exchange is called; () for one without another name."""
    return _NAMES.get(mic, ())


@dataclass(frozen=True, slots=True)
class SessionState:
    """What an exchange is doing at one instant. All instants are aware UTC.

    `session_date`, `opens_at` and `closes_at` describe the running session or, when none is
    running, the next one. `next_open` and `next_close` are the next bells after the instant,
    those of a lunch break included. `known` is false for an exchange or a day without a calendar.
    """

    mic: str
    phase: Phase
    is_open: bool
    known: bool
    early_close: bool = False
    session_date: date | None = None
    opens_at: datetime | None = None
    closes_at: datetime | None = None
    next_open: datetime | None = None
    next_close: datetime | None = None


@dataclass(frozen=True, slots=True)
class Expiry:
    """An exchange whose calendar ends soon, or has ended when `days_left` is negative."""

    mic: str
    valid_until: date
    days_left: int


@dataclass(frozen=True, slots=True)
class _Span:
    """A state and the half-open stretch of time over which it does not change."""

    since: datetime
    until: datetime
    state: SessionState


class Calendars:
    """Market hours of every exchange in one compiled table.

    Answers are cached: a state holds until the next bell, so that asking again costs a comparison.
    """

    def __init__(self, table: CalendarTable) -> None:
        self._table = table
        self._sessions: dict[tuple[str, date], Session | None] = {}
        self._spans: dict[tuple[str, bool], _Span] = {}

    @classmethod
    def from_json(cls, text: str) -> Calendars:
        """From the text of policy/calendars.json. Raises CalendarTableError."""
        return cls(CalendarTable.from_json(text))

    @property
    def mics(self) -> tuple[str, ...]:
        """Every exchange with a calendar; the currency market is not among them."""
        return self._table.mics

    def zone(self, mic: str) -> str | None:
        """IANA name of the exchange's time zone."""
        if mic == FX:
            return "UTC"
        exchange = self._table.exchange(mic)
        return exchange.zone.key if exchange else None

    def valid_until(self, mic: str) -> date:
        """The last day whose hours are known. Raises KeyError for an exchange without a table."""
        return self._table.valid_until(mic)

    def session(self, mic: str, day: date) -> Session | None:
        """The session of the exchange's local date `day`; None when there is none or unknown."""
        if mic == FX:
            return _fx_session(day)
        exchange = self._table.exchange(mic)
        return self._session(exchange, day) if exchange else None

    def lunch(self, mic: str, day: date | None) -> tuple[datetime, datetime] | None:
        """Begin and end of the break in the session of `day`; None when it has none."""
        session = None if day is None else self.session(mic, day)
        if session is None or len(session.intervals) < 2:
            return None
        return session.intervals[0].closes_at, session.intervals[-1].opens_at

    def state(self, mic: str, instant: datetime) -> SessionState:
        """What `mic` is doing at `instant` (aware). Never raises for an unknown exchange."""
        return self._state(mic, instant, core_only=False)

    def trading(self, mic: str, instant: datetime, *, core_only: bool) -> SessionState:
        """As `state`, with `core_only` for the session clipped to the exchange's core hours.

        Its bells are then those of the clipped intervals, and `is_open` implies that of `state`.
        The currency market and exchanges without core hours keep their whole session.
        """
        return self._state(mic, instant, core_only=core_only and mic in CORE_WINDOWS)

    def _state(self, mic: str, instant: datetime, *, core_only: bool) -> SessionState:
        span = self._spans.get((mic, core_only))
        if span is None or not span.since <= instant < span.until:
            span = self._span(mic, _aware_utc(instant), core_only)
            if span.state.known:
                self._spans[mic, core_only] = span
        return span.state

    def is_open(self, mic: str, instant: datetime) -> bool:
        return self.state(mic, instant).is_open

    def next_open(self, mic: str, instant: datetime) -> datetime | None:
        """The first opening bell after `instant`, after a lunch break too; None when unknown."""
        return self.state(mic, instant).next_open

    def expiring(self, today: date, days: int = EXPIRY_WARNING_DAYS) -> tuple[Expiry, ...]:
        """Exchanges whose calendar ends within `days` of `today` or has ended, soonest first."""
        ends = sorted((self._table.valid_until(mic), mic) for mic in self._table.mics)
        left = (Expiry(mic, until, (until - today).days) for until, mic in ends)
        return tuple(expiry for expiry in left if expiry.days_left <= days)

    def ends_soon(self, mic: str, today: date) -> date | None:
        """The last day of the calendar of `mic` when `expiring` would name it, else None."""
        ends = (e.valid_until for e in self.expiring(today) if e.mic == mic)
        return next(ends, None)

    def _span(self, mic: str, instant: datetime, core_only: bool) -> _Span:
        if mic == FX:
            return _fx_span(instant)
        exchange = self._table.exchange(mic)
        if exchange is None:
            return _unknown(mic, instant)
        today = instant.astimezone(exchange.zone).date()
        if not exchange.covers(today):
            return _unknown(mic, instant)
        return self._known_span(exchange, today, instant, core_only=core_only)

    def _known_span(
        self, exchange: Exchange, today: date, instant: datetime, *, core_only: bool
    ) -> _Span:
        session = self._hours(exchange, today, core_only)
        following = self._following(exchange, today, core_only)
        phase = _phase(session, instant)
        current = session if session and instant < session.closes_at else following
        bells = _intervals(session) + _intervals(following)
        state = SessionState(
            mic=exchange.mic,
            phase=phase,
            is_open=phase == "open",
            known=True,
            early_close=phase == "early_closed" or (current is not None and current.early_close),
            session_date=current.date if current else None,
            opens_at=current.opens_at if current else None,
            closes_at=current.closes_at if current else None,
            next_open=next((i.opens_at for i in bells if i.opens_at > instant), None),
            next_close=next((i.closes_at for i in bells if i.closes_at > instant), None),
        )
        return _Span(instant, _next_change(exchange, session, today, instant), state)

    def _following(self, exchange: Exchange, today: date, core_only: bool) -> Session | None:
        for ahead in range(1, LONGEST_CLOSURE_DAYS):
            session = self._hours(exchange, today + ahead * DAY, core_only)
            if session is not None:
                return session
        return None

    def _hours(self, exchange: Exchange, day: date, core_only: bool) -> Session | None:
        session = self._session(exchange, day)
        return clip(session, exchange.zone) if session and core_only else session

    def _session(self, exchange: Exchange, day: date) -> Session | None:
        key = (exchange.mic, day)
        if key not in self._sessions:
            if len(self._sessions) >= SESSION_CACHE:
                self._sessions.clear()
            self._sessions[key] = exchange.session(day)
        return self._sessions[key]


def _phase(session: Session | None, instant: datetime) -> Phase:
    if session is None:
        return "closed"
    if instant < session.opens_at:
        return "pre"
    if instant < session.closes_at:
        inside = any(i.opens_at <= instant < i.closes_at for i in session.intervals)
        return "open" if inside else "lunch"
    return "early_closed" if instant < session.regular_close else "closed"


def _next_change(
    exchange: Exchange, session: Session | None, today: date, instant: datetime
) -> datetime:
    midnight = datetime.combine(today + DAY, time(), tzinfo=exchange.zone).astimezone(UTC)
    bells = [bell for i in _intervals(session) for bell in (i.opens_at, i.closes_at)]
    if session is not None:
        bells.append(session.regular_close)
    return min((bell for bell in bells if bell > instant), default=midnight)


def _intervals(session: Session | None) -> tuple[Interval, ...]:
    return session.intervals if session else ()


def _unknown(mic: str, instant: datetime) -> _Span:
    return _Span(instant, instant, SessionState(mic, "closed", is_open=False, known=False))


def _fx_session(day: date) -> Session | None:
    if day.weekday() > 4:
        return None
    opens_at = datetime.combine(day, time(), tzinfo=UTC)
    return Session(FX, day, (Interval(opens_at, opens_at + DAY),), opens_at + DAY)


def _fx_span(instant: datetime) -> _Span:
    """The currency week has one opening bell, Monday 00:00, and one close, Saturday 00:00."""
    day = datetime.combine(instant.date(), time(), tzinfo=UTC)
    monday = day - day.weekday() * DAY
    is_open = day.weekday() < 5
    week = monday if is_open else monday + 7 * DAY
    state = SessionState(
        mic=FX,
        phase="open" if is_open else "closed",
        is_open=is_open,
        known=True,
        session_date=instant.date() if is_open else week.date(),
        opens_at=week,
        closes_at=week + 5 * DAY,
        next_open=monday + 7 * DAY,
        next_close=week + 5 * DAY,
    )
    return _Span(day, day + DAY, state)


def _aware_utc(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError("market hours need an aware instant")
    return instant.astimezone(UTC)
