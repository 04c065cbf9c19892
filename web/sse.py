"""Server-sent events: one body that reads from a source at the client's own pace.

The body pulls: while a client does not read, nothing is queued for it, and what it missed is
answered from the ring or by `resync`. A heartbeat with a sequence number and no state goes out
every 5 s. Every stream ends when the daemon shuts down. Responses carry no timeout, because the
server's ordinary limit would cut a stream after a minute.
"""

from __future__ import annotations

from types import TracebackType
from typing import Protocol

import trio
from quart import Response, request
from quart.wrappers.response import ResponseBody

from web.encode import encode
from web.errors import Problem

LIMIT = 64
HEARTBEAT_S = 5.0
RETRY_MS = 3000
LOOK_S = 0.5


class Source(Protocol):
    """Where one client's frames come from; `seq` is the number its heartbeat shows."""

    @property
    def seq(self) -> int: ...

    def hello(self) -> bytes:
        """The first frame."""
        ...

    def take(self) -> bytes:
        """Frames that are due now; empty when there are none."""
        ...

    async def changed(self) -> None:
        """Return when `take` may have something."""
        ...


def frame(data: object, *, event: str = "", seq: int | None = None) -> bytes:
    """One message: optional event name and id, JSON data on one line."""
    head = (f"event: {event}\n" if event else "") + ("" if seq is None else f"id: {seq}\n")
    return head.encode() + b"data: " + encode(data) + b"\n\n"


class StreamSlots:
    """How many streams are open, and the most there may be."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._open = 0

    @property
    def open(self) -> int:
        return self._open

    def check(self) -> None:
        if self._open >= self._limit:
            problem = Problem(503, "too_many_streams", f"{self._limit} streams are open already")
            problem.headers["Retry-After"] = "30"
            raise problem

    def take(self) -> bool:
        """Occupy a slot; False when another client was faster."""
        if self._open >= self._limit:
            return False
        self._open += 1
        return True

    def give_back(self) -> None:
        self._open -= 1


class StreamBody(ResponseBody):
    """Frames of one source until the client leaves or the daemon stops."""

    def __init__(self, source: Source, *, slots: StreamSlots, shutdown: trio.Event) -> None:
        self._source = source
        self._slots = slots
        self._shutdown = shutdown
        self._greeted = False
        self._held = False
        self._beat_at_s = 0.0

    async def __aenter__(self) -> StreamBody:
        self._held = self._slots.take()
        self._beat_at_s = trio.current_time() + HEARTBEAT_S
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        if self._held:
            self._slots.give_back()
            self._held = False

    def __aiter__(self) -> StreamBody:
        return self

    async def __anext__(self) -> bytes:
        while self._held and not self._shutdown.is_set():
            frames = self._due()
            if frames:
                return frames
            await self._wait()
        raise StopAsyncIteration

    def _due(self) -> bytes:
        if not self._greeted:
            self._greeted = True
            return f"retry: {RETRY_MS}\n".encode() + self._source.hello()
        now_s = trio.current_time()
        if now_s >= self._beat_at_s:
            self._beat_at_s = now_s + HEARTBEAT_S
            return frame({"seq": self._source.seq}, event="hb")
        return self._source.take()

    async def _wait(self) -> None:
        """Wait for the source, the next heartbeat, or the next look at `shutdown`.

        Looking twice a second instead of waiting for two things at once spares a nursery and two
        tasks per client and event: with 50 clients most of the cost of an event.
        """
        with trio.move_on_at(min(self._beat_at_s, trio.current_time() + LOOK_S)):
            await self._source.changed()


def stream(source: Source, *, slots: StreamSlots, shutdown: trio.Event) -> Response:
    """An event-stream response over `source`; raises Problem 503 when all slots are taken."""
    if request.method == "HEAD":
        return Response(b"", mimetype="text/event-stream")
    slots.check()
    body = StreamBody(source, slots=slots, shutdown=shutdown)
    response = Response(body, mimetype="text/event-stream")
    response.timeout = None
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"
    return response
