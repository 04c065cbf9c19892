"""The quiet middle of the trading day: away from the auctions, with deep books and thin spreads.

`market_hours` clips a real session to these windows for orders that keep core hours. A window is
never a promise that the exchange is open: only what lies inside the day's session counts, so an
early close, a late opening and the lunch break cut it further.
"""

from __future__ import annotations

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

from policy.calendar_table import Interval, Session

Window = tuple[time, time]

_TEN_TO_THREE: tuple[Window, ...] = ((time(10), time(15)),)
_TEN_TO_FOUR: tuple[Window, ...] = ((time(10), time(16)),)
_CHINA: tuple[Window, ...] = ((time(10), time(11)), (time(13, 30), time(14, 30)))

CORE_WINDOWS: dict[str, tuple[Window, ...]] = {
    "XNYS": _TEN_TO_THREE,
    "XNAS": _TEN_TO_THREE,
    "XTSE": _TEN_TO_THREE,  # Toronto
    "XLON": _TEN_TO_THREE,
    "XETR": _TEN_TO_FOUR,
    "XPAR": _TEN_TO_FOUR,
    "XAMS": _TEN_TO_FOUR,
    "XMIL": _TEN_TO_FOUR,
    "XSWX": _TEN_TO_FOUR,
    "ASEX": ((time(11), time(16)),),
    "XCSE": _TEN_TO_THREE,
    "XHKG": ((time(10), time(11, 30)), (time(13, 30), time(15, 30))),
    "XSHG": _CHINA,
    "XSHE": _CHINA,
    "XTKS": ((time(10), time(11)), (time(13), time(14, 30))),
    "XSES": _TEN_TO_FOUR,
    "XKRX": ((time(10), time(14, 30)),),
    "XTAI": ((time(10), time(12)),),
    "XASX": ((time(11), time(15)),),
    "XBOM": ((time(10, 30), time(14, 30)),),
}
"""Local times of each exchange, half-open. An exchange without an entry has no core hours of
its own: its whole session counts."""


def clip(session: Session, zone: ZoneInfo) -> Session | None:
    """The part of `session` inside its exchange's windows; None when nothing is left of it.

    The regular close becomes the end of the last window, so that a session cut short by an early
    close still says so, and one that merely outlasts its window does not.
    """
    windows = CORE_WINDOWS.get(session.mic)
    if windows is None:
        return session
    bells = [_bells(session, window, zone) for window in windows]
    kept = tuple(part for bell in bells for part in _inside(session, bell))
    if not kept:
        return None
    return Session(
        mic=session.mic,
        date=session.date,
        intervals=kept,
        regular_close=min(session.regular_close, bells[-1].closes_at),
    )


def _bells(session: Session, window: Window, zone: ZoneInfo) -> Interval:
    starts, ends = (
        datetime.combine(session.date, local, tzinfo=zone).astimezone(UTC) for local in window
    )
    return Interval(starts, ends)


def _inside(session: Session, window: Interval) -> list[Interval]:
    """The stretches of open market within one window."""
    cuts = (
        Interval(max(i.opens_at, window.opens_at), min(i.closes_at, window.closes_at))
        for i in session.intervals
    )
    return [cut for cut in cuts if cut.opens_at < cut.closes_at]
