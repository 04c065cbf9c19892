"""The two clocks of the daemon, and the only place that asks the operating system for the time.

`SystemClock` serves a live broker: market time is machine time. `ReplayClock` serves the paper
exchange: market time starts at an anchor, runs `rate` times as fast as the machine, and jumps
forward over hours in which nothing can happen. The machine's wall clock is injected, so that a
simulation can derive it from trio's virtual time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import trio

WallClock = Callable[[], float]  # seconds since 1970

# A wall clock may be stepped while somebody waits, so no single wait is longer than this.
WAIT_MAX_S = 60.0
# Shorter sleeps may vanish in the resolution of trio's time and would then spin.
WAIT_MIN_S = 1e-6
LANDING = timedelta(minutes=5)


def machine_wall() -> float:
    """The machine's wall clock."""
    return time.time()


def monotonic_us() -> int:
    """CLOCK_MONOTONIC in microseconds, as the service manager counts it."""
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000


def simulated_wall(epoch: datetime) -> WallClock:
    """A wall clock that starts at `epoch` now and follows trio's time."""
    start_s = epoch.timestamp() - trio.current_time()
    return lambda: start_s + trio.current_time()


class SystemClock:
    """Market time is machine time."""

    def __init__(self, wall: WallClock = machine_wall) -> None:
        self._wall = wall

    def market_now(self) -> datetime:
        return self.machine_now()

    def machine_now(self) -> datetime:
        return datetime.fromtimestamp(self._wall(), UTC)

    def monotonic_s(self) -> float:
        return trio.current_time()

    async def wait_until_market(self, instant: datetime) -> None:
        await trio.lowlevel.checkpoint()
        while (  # noqa: ASYNC110 — a wall clock tells nobody that it was stepped
            ahead_s := (instant - self.market_now()).total_seconds()
        ) > 0:
            await trio.sleep(_bounded(ahead_s))


class ReplayClock:
    """Market time = anchor + rate × machine time since; it never steps back."""

    def __init__(self, anchor: datetime, *, rate: float, wall: WallClock = machine_wall) -> None:
        """Market time begins at `anchor` now; call inside trio. `rate` is market s per s, > 0."""
        if not rate > 0:
            raise ValueError(f"rate {rate} must be above 0")
        self.rate = rate
        self._wall = wall
        self._anchor = anchor.astimezone(UTC)
        self._anchor_s = trio.current_time()
        self._jumped = trio.Event()

    def market_now(self) -> datetime:
        elapsed_s = trio.current_time() - self._anchor_s
        return self._anchor + timedelta(seconds=elapsed_s * self.rate)

    def machine_now(self) -> datetime:
        return datetime.fromtimestamp(self._wall(), UTC)

    def monotonic_s(self) -> float:
        return trio.current_time()

    def jump_to(self, instant: datetime) -> bool:
        """Make it `instant` now and wake every waiter; False when that is not ahead."""
        if instant <= self.market_now():
            return False
        self._anchor = instant.astimezone(UTC)
        self._anchor_s = trio.current_time()
        self._jumped.set()
        self._jumped = trio.Event()
        return True

    async def wait_until_market(self, instant: datetime) -> None:
        await trio.lowlevel.checkpoint()
        while (ahead_s := (instant - self.market_now()).total_seconds()) > 0:
            with trio.move_on_after(_bounded(ahead_s / self.rate)):
                await self._jumped.wait()


def next_jump(
    *, now: datetime, next_open: datetime | None, next_due: datetime | None, busy: bool
) -> datetime | None:
    """The market instant to jump to; None to let time pass. All instants aware.

    `next_open` is the earliest opening over all exchanges (None: none will open again, so there
    is nothing to hurry to), `next_due` the next job of the calendar, `busy` whether a market is
    open, an order is in flight or work is running. Lands LANDING before an opening, so that the
    preparations of the day happen at their normal pace, and exactly on a job.
    """
    if busy or next_open is None:
        return None
    target = next_open - LANDING
    if next_due is not None:
        target = min(target, next_due)
    return target if target > now else None


def _bounded(wait_s: float) -> float:
    return min(max(wait_s, WAIT_MIN_S), WAIT_MAX_S)
