"""A client that reads one stream at its own pace, straight on the application's ASGI face."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import trio
from quart_trio import QuartTrio


class Connection:
    """One request; `send` blocks until the test reads, as a slow network would."""

    def __init__(self) -> None:
        self._chunks, self._inbox = trio.open_memory_channel[bytes](0)
        self._gone = trio.Event()
        self._asked = False
        self.ended = trio.Event()
        self.status = 0
        self.headers: dict[str, str] = {}
        self._buffer = b""

    async def receive(self) -> Mapping[str, Any]:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Mapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {
                name.decode().lower(): value.decode() for name, value in message["headers"]
            }
        elif message["type"] == "http.response.body" and message["body"]:
            await self._chunks.send(message["body"])

    def leave(self) -> None:
        self._gone.set()

    async def next(self) -> tuple[str, int | None, Any]:
        """The next message as (event, id, data); raises EndOfChannel when the stream has ended."""
        while b"\n\n" not in self._buffer:
            self._buffer += await self._inbox.receive()
        message, _, self._buffer = self._buffer.partition(b"\n\n")
        fields = dict(line.split(": ", 1) for line in message.decode().splitlines())
        number = fields.get("id")
        return (
            fields.get("event", "message"),
            None if number is None else int(number),
            json.loads(fields["data"]),
        )

    async def next_event(self) -> dict[str, Any]:
        """The next message that is not a heartbeat."""
        while True:
            name, _, data = await self.next()
            if name != "hb":
                return {"event": name, **data}

    async def run(self, app: QuartTrio, path: str, headers: Mapping[str, str]) -> None:
        target, _, query = path.partition("?")
        named = {"host": "localhost", **headers}
        scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": target,
            "raw_path": target.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.lower().encode(), value.encode()) for name, value in named.items()],
            "client": ("127.0.0.1", 50000),
            "server": ("127.0.0.1", 8000),
            "extensions": {},
            "state": {},
        }
        face: Any = app
        await face(scope, self.receive, self.send)
        self._chunks.close()
        self.ended.set()


@asynccontextmanager
async def opened(
    app: QuartTrio, path: str = "/api/events/stream", **headers: str
) -> AsyncIterator[Connection]:
    """An open request; leaving the block hangs up."""
    connection = Connection()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with trio.open_nursery() as nursery:
        nursery.start_soon(connection.run, app, path, named)
        yield connection
        connection.leave()
        await connection.ended.wait()
