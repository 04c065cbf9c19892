"""A clock that is wrong for a while, as after a bad answer of a time server or a flat battery."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import trio

from daemon.clock import ReplayClock

# How far a clock is off, in market time; some of it within what is allowed.
STEPS = (
    timedelta(seconds=-20),
    timedelta(seconds=20),
    timedelta(minutes=3),
    timedelta(minutes=-45),
    timedelta(hours=2),
    timedelta(hours=-7),
    timedelta(days=1, hours=3),
    timedelta(days=-2),
)

# Four reads under their deadlines.
DECISION_S = 45.0


class SkewedClock:
    """`true` with an offset that comes and goes; the exchange keeps the true time."""

    def __init__(self, true: ReplayClock, seed: str, *, chance: float) -> None:
        self._true = true
        self._rng = random.Random(f"skew {seed}")
        self._chance = chance
        self._changes_s = trio.current_time() + self._rng.uniform(10, 120)
        self._since_s = trio.current_time()
        self.offset = timedelta(0)
        # How often it went wrong.
        self.faults = 0

    def settled_offset(self) -> timedelta:
        """The offset, once it has lasted longer than a decision and its submission take."""
        lasted_s = trio.current_time() - self._since_s
        return self.offset if lasted_s > DECISION_S else timedelta(0)

    def market_now(self) -> datetime:
        self._turn()
        return self._true.market_now() + self.offset

    def machine_now(self) -> datetime:
        return self._true.machine_now() + self.offset / self._true.rate

    def monotonic_s(self) -> float:
        return self._true.monotonic_s()

    async def wait_until_market(self, instant: datetime) -> None:
        """Until this clock shows `instant`, by itself or by a step; looked at every second."""
        await trio.lowlevel.checkpoint()
        while (ahead := instant - self.market_now()) > timedelta(0):
            with trio.move_on_after(1.0):
                await self._true.wait_until_market(self._true.market_now() + ahead)

    def _turn(self) -> None:
        now_s = trio.current_time()
        if now_s < self._changes_s:
            return
        self._changes_s = now_s + self._rng.uniform(10, 180)
        self._since_s = now_s
        wrong = self._rng.random() < self._chance
        self.offset = self._rng.choice(STEPS) if wrong else timedelta(0)
        self.faults += wrong
