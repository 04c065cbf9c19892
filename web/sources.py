"""The three things a stream can follow: the event ring, the planner's status, new plans."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime

import trio

from ledger.plan import StoredPlan
from web.encode import Json
from web.sse import frame
from wire.board import Latest
from wire.events import Event, EventRing, EventType
from wire.messages import PlannerStatus

AT_ONCE = 100
PLANNER_INTERVAL_S = 0.25

READY: frozenset[EventType] = frozenset({"PLAN_GENERATED", "RECOMMENDATIONS_READY"})
INVALIDATING: frozenset[EventType] = frozenset(
    {
        "TRADE_EXECUTED",
        "PORTFOLIO_CHANGED",
        "DEPOSIT_PROCESSED",
        "DIVIDEND_CREATED",
        "SECURITY_CHANGED",
        "SETTINGS_CHANGED",
        "PLANNER_CONFIG_CHANGED",
    }
)


class RingReader:
    """A client's place in the event ring.

    `last_seen` is the Last-Event-ID of a client that comes back: None starts at the newest event,
    a number that the ring no longer holds, or never issued, asks the client to start over.
    """

    def __init__(
        self,
        ring: EventRing,
        *,
        last_seen: int | None,
        types: frozenset[str] | None,
        show: Callable[[Event], bytes],
        hello: Callable[[int], bytes],
    ) -> None:
        self._ring = ring
        self._seq = ring.last_seq if last_seen is None else last_seen
        self._types = types
        self._show = show
        self._hello = hello

    @property
    def seq(self) -> int:
        return self._seq

    def hello(self) -> bytes:
        return self._hello(min(self._seq, self._ring.last_seq))

    def take(self) -> bytes:
        events, lost = self._ring.after(self._seq)
        if lost:
            self._seq = self._ring.last_seq
            return frame({"seq": self._seq}, event="resync", seq=self._seq)
        wanted: list[bytes] = []
        for event in events:
            self._seq = event.seq
            if self._types is None or event.type in self._types:
                wanted.append(self._show(event))
            if len(wanted) == AT_ONCE:
                break
        return b"".join(wanted)

    async def changed(self) -> None:
        await self._ring.wait_after(self._seq)


def envelope(event: Event) -> bytes:
    """An event as the general stream shows it."""
    shown: dict[str, Json | datetime] = {
        "seq": event.seq,
        "type": event.type,
        "module": event.source,
        "timestamp": event.at,
        "data": dict(event.data),
    }
    return frame(shown, seq=event.seq)


class RecommendationNews:
    """An event as the recommendation stream shows it: a new plan, or what made the old one stale.

    The plan named is the current one; a client that reads late fetches that one anyway.
    """

    def __init__(self, plan: Latest[StoredPlan], ring: EventRing) -> None:
        self._plan = plan
        self._ring = ring

    def __call__(self, event: Event) -> bytes:
        shown: dict[str, Json] = {"seq": event.seq, "timestamp": event.at.timestamp()}
        return frame(shown | self._told(event), seq=event.seq)

    def remembered(self, seq: int) -> dict[str, Json]:
        """What a client that comes at `seq` has to know: that the plan may no longer hold."""
        events, _ = self._ring.after(0)
        told = [e for e in events if e.seq <= seq and e.type in READY | INVALIDATING]
        return self._told(told[-1]) if told and told[-1].type in INVALIDATING else {}

    def _told(self, event: Event) -> dict[str, Json]:
        current = self._plan.value
        plan = None if current is None else current.plan
        known: dict[str, Json] = {"portfolio_hash": plan.portfolio_hash[:8] if plan else None}
        if event.type in READY:
            return known | {"ready": True, "plan_id": plan.plan_id if plan else None}
        return known | {"invalidated": True, "reason": event.type}


class PlannerReader:
    """The planner's status, at most four times a second, the newest always delivered."""

    def __init__(
        self, board: Latest[PlannerStatus], show: Callable[[PlannerStatus | None], object]
    ) -> None:
        self._board = board
        self._show = show
        self._version = board.version
        self._sent_at_s = -math.inf

    @property
    def seq(self) -> int:
        return self._version

    def hello(self) -> bytes:
        return self._now()

    def take(self) -> bytes:
        if self._board.version == self._version or trio.current_time() < self._next_s:
            return b""
        return self._now()

    async def changed(self) -> None:
        await self._board.wait_newer(self._version)
        await trio.sleep_until(max(self._next_s, trio.current_time()))

    @property
    def _next_s(self) -> float:
        return self._sent_at_s + PLANNER_INTERVAL_S

    def _now(self) -> bytes:
        self._version = self._board.version
        self._sent_at_s = trio.current_time()
        return frame(self._show(self._board.value), seq=self._version)
