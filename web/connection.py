"""One HTTP request between server and application, so that every connection stays usable.

The server reports a disconnect as soon as an answer is complete, and the framework then cancels
the task that is still handing the connection back. A client would find it neither free for its
next request nor closed, and an idle one would stay open for ever. Here a disconnect after the
answer is nobody's business any more. And an answer that needs no body, such as a refusal, waits a
moment for the rest of the body: a connection with unread input could only be thrown away.
"""

from __future__ import annotations

import trio
from hypercorn.typing import (
    ASGIReceiveCallable,
    ASGIReceiveEvent,
    ASGISendCallable,
    ASGISendEvent,
)
from quart_trio.asgi import TrioASGIHTTPConnection

BODY_WAIT_S = 2.0


class Connection(TrioASGIHTTPConnection):
    async def __call__(self, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        between = _Between(receive, send)
        await super().__call__(between.receive, between.send)


class _Between:
    def __init__(self, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        self._receive = receive
        self._send = send
        self._all_read = trio.Event()
        self._answered = False

    async def receive(self) -> ASGIReceiveEvent:
        event = await self._receive()
        if event["type"] == "http.request":
            if not event.get("more_body", False):
                self._all_read.set()
        elif self._answered:
            await trio.sleep_forever()
        else:
            self._all_read.set()
        return event

    async def send(self, event: ASGISendEvent) -> None:
        if event["type"] == "http.response.start":
            with trio.move_on_after(BODY_WAIT_S):
                await self._all_read.wait()
        elif event["type"] == "http.response.body" and not event.get("more_body", False):
            self._answered = True
        await self._send(event)
