"""Windows of time in which something must not be traded, and the pace of trading as a whole.

The gates refuse by these functions and the planner leaves out by the same ones, so that nothing is
proposed which would be refused. Windows are half-open: at their last instant they are over. What
lies in the future, because a clock was set back, lies inside. Instants may come in any time zone,
but never without one. A window of no length is switched off.

Executions are stamped by the broker's clock and windows are read off ours: every window that counts
from an execution ends later by what the two may differ, so that it is over by either.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta, tzinfo

from ledger.order import Side
from ledger.trade_history import Trade, TradeHistory
from policy.limits import Limits

WEEK = timedelta(hours=168)
DAY = timedelta(days=1)


def look_back(limits: Limits) -> timedelta:
    """How far back the orders in a history must reach for every rule here to be answered."""
    pauses = (limits.min_time_between_trades, limits.repeat_guard, limits.manual_sell_guard)
    return max(WEEK, *pauses) + limits.max_clock_skew


def next_allowed(
    history: TradeHistory, symbol: str, side: Side, *, now: datetime, limits: Limits
) -> datetime | None:
    """From when on this side of `symbol` may be planned again; None when it may be now."""
    ends = [repeat_until(history, symbol, side, guard=limits.repeat_guard, now=now)]
    if side == "BUY":
        ends.append(cooloff_until(history, symbol, now=now, limits=limits))
    else:
        ends.append(hold_until(history, symbol, now=now, limits=limits))
        ends.append(cooldown_until(history, symbol, now=now, limits=limits))
    return max((end for end in ends if end is not None), default=None)


def barred(history: TradeHistory, *, now: datetime, limits: Limits) -> frozenset[tuple[str, Side]]:
    """Every security and side that must not be planned now."""
    symbols = {*history.bought, *history.sold}
    symbols |= {trade.symbol for trade in history.trades if not trade.conversion}
    sides: tuple[Side, ...] = ("BUY", "SELL")
    return frozenset(
        (symbol, side)
        for symbol in symbols
        for side in sides
        if next_allowed(history, symbol, side, now=now, limits=limits) is not None
    )


def cooloff_until(
    history: TradeHistory, symbol: str, *, now: datetime, limits: Limits
) -> datetime | None:
    """End of the pause between two purchases of the same security."""
    return _over(_bought_at(history, symbol, now), limits.buy_cooldown, now, limits)


def hold_until(
    history: TradeHistory, symbol: str, *, now: datetime, limits: Limits
) -> datetime | None:
    """End of the time for which a security is kept after a purchase."""
    return _over(_bought_at(history, symbol, now), limits.min_hold, now, limits)


def cooldown_until(
    history: TradeHistory, symbol: str, *, now: datetime, limits: Limits
) -> datetime | None:
    """End of the pause between two sales of the same security."""
    live = any(t.live and (t.symbol, t.side) == (symbol, "SELL") for t in history.trades)
    sold = _newer(history.sold.get(symbol), now if live else None)
    return _over(sold, limits.sell_cooldown, now, limits)


def repeat_until(
    history: TradeHistory, symbol: str, side: Side, *, guard: timedelta, now: datetime
) -> datetime | None:
    """End of the time in which the same again is taken for the same decision made twice."""
    same = (t for t in history.trades if (t.symbol, t.side) == (symbol, side))
    return _end(max((_instant(trade, now) for trade in same), default=None), guard, now)


def next_trade_at(
    history: TradeHistory, *, now: datetime, limits: Limits, zone: tzinfo
) -> datetime | None:
    """From when on any security may be traded again; None when one may be now.

    Orders count, not their executions, and those in flight count as if they executed now; a
    conversion counts as no trade. A day is a calendar day in `zone`.
    """
    if not limits.trade_frequency_limits:
        return None
    here, most = _utc(now), limits.max_trades_per_day
    trades = (trade for trade in history.trades if not trade.conversion)
    newest_first = sorted((_instant(trade, now) for trade in trades), reverse=True)
    ends: list[datetime] = []
    if newest_first and limits.min_time_between_trades:
        ends.append(newest_first[0] + limits.min_time_between_trades + limits.max_clock_skew)
    if len(newest_first) >= most:
        ends.append(day_after(newest_first[most - 1], zone) + limits.max_clock_skew)
    if len(newest_first) >= limits.max_trades_per_week:
        ends.append(newest_first[limits.max_trades_per_week - 1] + WEEK + limits.max_clock_skew)
    return max((end for end in ends if here < end), default=None)


def day_after(instant: datetime, zone: tzinfo) -> datetime:
    """The first instant of the calendar day in `zone` that follows the one of `instant`."""
    tomorrow = _utc(instant).astimezone(zone).date() + DAY
    # Of an hour that a clock change repeats, the first; of one that it skips, the change itself.
    return datetime.combine(tomorrow, time(), tzinfo=zone).astimezone(UTC)


def _bought_at(history: TradeHistory, symbol: str, now: datetime) -> datetime | None:
    """The last purchase; one that is under way happens now."""
    live = any(
        t.live and (t.symbol, t.side) == (symbol, "BUY") and t.order_class != "drip"
        for t in history.trades
    )
    return _newer(history.bought.get(symbol), now if live else None)


def _instant(trade: Trade, now: datetime) -> datetime:
    """When an order counts; one that is live may execute at any moment, so it counts as now."""
    at = _utc(trade.at)
    return max(at, _utc(now)) if trade.live else at


def _newer(at: datetime | None, other: datetime | None) -> datetime | None:
    return max((_utc(one) for one in (at, other) if one is not None), default=None)


def _over(
    start: datetime | None, window: timedelta, now: datetime, limits: Limits
) -> datetime | None:
    """Where a window of executions ends by either clock."""
    return _end(start, window + limits.max_clock_skew, now) if window else None


def _end(start: datetime | None, window: timedelta, now: datetime) -> datetime | None:
    """Where a window ends that is still running; None when it is over, or was never begun."""
    if start is None or not window:
        return None
    end = start + window
    return end if _utc(now) < end else None


def _utc(instant: datetime) -> datetime:
    """Arithmetic on local instants would skip the hours of a clock change."""
    if instant.tzinfo is None:
        raise ValueError(f"instant {instant} has no time zone")
    return instant.astimezone(UTC)
