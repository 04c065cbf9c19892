"""The event ring: what happened lately, numbered, for streams that may fall behind.

Readers keep their own position, so a stalled one costs nothing; one that fell out of the ring is
told to start over.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import trio

RING = 1000

EventType = Literal[
    "PORTFOLIO_CHANGED",
    "CASH_UPDATED",
    "SECURITY_CHANGED",
    "CASH_FLOW_SYNC_COMPLETE",
    "DEPOSIT_PROCESSED",
    "DIVIDEND_CREATED",
    "TRADE_EXECUTED",
    "ORDER_CHANGED",
    "PLAN_GENERATED",
    "RECOMMENDATIONS_READY",
    "PLANNING_STATUS_UPDATED",
    "SYSTEM_STATUS_CHANGED",
    "SETTINGS_CHANGED",
    "PLANNER_CONFIG_CHANGED",
    "JOB_STARTED",
    "JOB_PROGRESS",
    "JOB_COMPLETED",
    "JOB_FAILED",
    "DISPLAY_STATE_CHANGED",
    "ERROR_OCCURRED",
    "ERROR_CLEARED",
    "REBALANCE_START",
    "REBALANCE_COMPLETE",
    "BACKUP_COMPLETED",
    "MARKETS_STATUS_CHANGED",
]

Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Event:
    """`seq` rises by one; `at` is machine time; `source` is the actor that emitted it."""

    seq: int
    type: EventType
    source: str
    at: datetime
    data: Mapping[str, Scalar]


class EventRing:
    """The newest RING events and a wake-up for those who wait for more."""

    def __init__(self, *, first_seq: int = 1) -> None:
        self._events: deque[Event] = deque(maxlen=RING)
        self._next = first_seq
        self._changed = trio.Event()

    @property
    def last_seq(self) -> int:
        return self._next - 1

    def emit(
        self, type_: EventType, *, source: str, at: datetime, data: Mapping[str, Scalar]
    ) -> Event:
        event = Event(self._next, type_, source, at, data)
        self._next += 1
        self._events.append(event)
        self._changed.set()
        self._changed = trio.Event()
        return event

    def after(self, seq: int) -> tuple[list[Event], bool]:
        """Events newer than `seq`, and whether some of them have already been dropped."""
        if seq >= self.last_seq:
            return [], seq > self.last_seq
        oldest = self._events[0].seq if self._events else self._next
        lost = seq + 1 < oldest
        return [event for event in self._events if event.seq > seq], lost

    async def wait_after(self, seq: int) -> None:
        """Return once an event newer than `seq` exists."""
        while self.last_seq <= seq:
            await self._changed.wait()
