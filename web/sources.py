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
from wire.events import Event, EventRing, EventType, Scalar
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

    The plan named is the current one; a client that reads late fetches that one anyway. A plan is
    announced once, and a portfolio that only its prices changed is no news: `ledger_seq` is how
    much of the journal the client's portfolio knows.
    """

    def __init__(
        self, plan: Latest[StoredPlan], ring: EventRing, *, ledger_seq: int | None
    ) -> None:
        self._plan = plan
        self._ring = ring
        self._ledger_seq: Scalar = ledger_seq
        self._announced: Json = None

    def __call__(self, event: Event) -> bytes:
        told = self._told(event)
        if told is None:
            return b""
        shown: dict[str, Json] = {"seq": event.seq, "timestamp": event.at.timestamp()}
        return frame(shown | told, seq=event.seq)

    def remembered(self, seq: int) -> dict[str, Json]:
        """What a client that comes at `seq` has to know: that the plan may no longer hold."""
        events, _ = self._ring.after(0)
        before = RecommendationNews(self._plan, self._ring, ledger_seq=None)
        last: dict[str, Json] = {}
        for event in events:
            if event.seq <= seq and event.type in READY | INVALIDATING:
                last = before._told(event) or last
        return last if "invalidated" in last else {}

    def _told(self, event: Event) -> dict[str, Json] | None:
        """None when it is no news."""
        current = self._plan.value
        plan = None if current is None else current.plan
        known: dict[str, Json] = {"portfolio_hash": plan.portfolio_hash[:8] if plan else None}
        if event.type in READY:
            named = plan.plan_id if plan else None
            if named is not None and named == self._announced:
                return None
            self._announced = named
            return known | {"ready": True, "plan_id": named}
        if event.type == "PORTFOLIO_CHANGED" and not self._moved(event):
            return None
        self._announced = None
        return known | {"invalidated": True, "reason": event.type}

    def _moved(self, event: Event) -> bool:
        """Whether the journal has grown since; when that cannot be told, it may have."""
        before, self._ledger_seq = self._ledger_seq, event.data.get("ledger_seq")
        return self._ledger_seq is None or before != self._ledger_seq


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
