"""A stub of the board's router on a unix socket, with the sketch's answers behind it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgpack
import trio

HELLO = [1, "1.0", 8, 13, 8]


class Router:
    """Answers as told by `results` and `refusals`; records everything it was sent.

    `prefix` is sent before anything else, `chunk` splits every answer, `mute` methods get no
    answer, `drop_on` closes the connection instead of answering.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.results: dict[str, Any] = {"$/register": True, "ind.hello": HELLO}
        self.refusals: dict[str, list[list[Any]]] = {}
        self.prefix = b""
        self.chunk = 0
        self.mute: set[str] = set()
        self.drop_on: set[str] = set()
        self.calls: list[str] = []
        self.notes: list[list[Any]] = []
        self.answers: list[list[Any]] = []
        self.connections = 0
        self.largest = 0
        self.noted = trio.Event()
        self._sending = trio.Lock()
        self._streams: list[trio.SocketStream] = []

    async def serve(self, *, task_status: trio.TaskStatus[list[trio.SocketListener]]) -> None:
        listener = trio.socket.socket(trio.socket.AF_UNIX, trio.socket.SOCK_STREAM)
        await listener.bind(str(self.path))
        listener.listen(8)
        await trio.serve_listeners(
            self._handle, [trio.SocketListener(listener)], task_status=task_status
        )

    async def push(self, message: list[Any]) -> None:
        await self._send(self._streams[-1], msgpack.packb(message))

    async def _handle(self, stream: trio.SocketStream) -> None:
        self.connections += 1
        self._streams.append(stream)
        unpacker = msgpack.Unpacker()
        try:
            if self.prefix:
                await self._send(stream, self.prefix)
            async for data in stream:
                self.largest = max(self.largest, len(data))
                unpacker.feed(data)
                for message in unpacker:
                    await self._take(stream, message)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return

    async def _take(self, stream: trio.SocketStream, message: list[Any]) -> None:
        if message[0] == 1:
            self.answers.append(message)
        elif message[0] == 2:
            self.notes.append(message)
            self.noted.set()
        else:
            await self._answer(stream, message[1], message[2])

    async def _answer(self, stream: trio.SocketStream, call_id: int, method: str) -> None:
        self.calls.append(method)
        if method in self.drop_on:
            await stream.aclose()
        elif method not in self.mute:
            queued = self.refusals.get(method)
            refusal = queued.pop(0) if queued else None
            result = self.results.get(method, True)
            await self._send(stream, msgpack.packb([1, call_id, refusal, result]))

    async def _send(self, stream: trio.SocketStream, data: bytes) -> None:
        step = self.chunk or len(data)
        async with self._sending:
            for start in range(0, len(data), step):
                await stream.send_all(data[start : start + step])
                await trio.lowlevel.checkpoint()


@asynccontextmanager
async def running_router(folder: Path) -> AsyncIterator[Router]:
    router = Router(folder / "router.sock")
    async with trio.open_nursery() as nursery:
        await nursery.start(router.serve)
        yield router
        nursery.cancel_scope.cancel()
