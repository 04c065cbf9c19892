"""The control socket: the owner's commands over a unix socket, one in flight per connection.

The wiring passes the commands; this module knows framing, access and errors, and nothing about
what a command does. A call that was begun is finished even when its caller has gone: whoever
asked for an order must find it in the books, not half way. Everything a client may do slowly or
wrongly is bounded in bytes, seconds and connections.
"""

from __future__ import annotations

import difflib
import itertools
import os
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import structlog
import trio

from daemon.control_errors import body_of
from daemon.frames import (
    HEADER,
    ID,
    ErrorBody,
    FrameError,
    Request,
    as_request,
    body_size,
    pack,
    unpack,
)
from daemon.logs import correlated
from daemon.peer import may_connect, peer_of
from daemon.unix_listener import listening

CONNECTIONS_MAX = 16
IDLE_S = 300.0  # between two requests of a connection
FRAME_S = 10.0  # from the first byte of a frame to its last
SEND_S = 5.0
CALL_S = 1800.0  # a run that is waited for

_GONE = (trio.BrokenResourceError, trio.ClosedResourceError)

Command = Callable[[Mapping[str, Any]], Awaitable[Any]]
Event = Mapping[str, Any]

log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)

_reporter: ContextVar[Callable[[Event], Awaitable[None]] | None] = ContextVar(
    "reporter", default=None
)


async def report(event: Event) -> None:
    """From within a command: send `event` to its caller, if there is one to listen."""
    send = _reporter.get()
    if send is not None:
        await send(event)


class ControlServer:
    """Answers requests with `commands`; runs until cancelled."""

    def __init__(self, path: Path, commands: Mapping[str, Command]) -> None:
        self._path = path
        self._commands = commands
        self._open = 0
        self._calls = itertools.count(1)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Raises StartError when the socket cannot be had."""
        with listening(self._path) as listener:
            task_status.started()
            served = trio.SocketListener(trio.socket.from_stdlib_socket(listener))
            await trio.serve_listeners(self._serve, [served])

    async def _serve(self, stream: trio.SocketStream) -> None:
        """One connection, from its credentials to its end."""
        connection = _Connection(stream)
        self._open += 1
        try:
            async with stream:
                if self._open > CONNECTIONS_MAX:
                    await connection.refuse(None, ErrorBody("busy", "too many connections"))
                elif not self._admitted(stream):
                    await connection.refuse(None, ErrorBody("forbidden", "not your daemon"))
                else:
                    await self._converse(connection)
        finally:
            self._open -= 1

    def _admitted(self, stream: trio.SocketStream) -> bool:
        peer = peer_of(stream.socket)
        admitted = may_connect(peer, uid=os.getuid(), gid=self._path.stat().st_gid)
        if not admitted:
            log.warning("control client refused", pid=peer.pid, uid=peer.uid)
        return admitted

    async def _converse(self, connection: _Connection) -> None:
        """Read requests until the client stops; answer each, the calls one at a time."""
        async with trio.open_nursery() as nursery:
            try:
                while (request := await connection.next_request()) is not None:
                    if connection.calling:
                        detail = "a call is in flight on this connection"
                        await connection.refuse(request.id, ErrorBody("busy", detail))
                        continue
                    connection.calling = True
                    nursery.start_soon(self._call, connection, request)
            except FrameError as error:
                await connection.refuse(None, error.body)

    async def _call(self, connection: _Connection, request: Request) -> None:
        """Run one command and send what came of it."""
        correlation_id = f"ctl-{next(self._calls)}"
        with correlated(correlation_id=correlation_id, command=request.cmd):
            reply = await self._answer(connection, request, correlation_id)
            connection.calling = False
            await connection.send(reply)

    async def _answer(
        self, connection: _Connection, request: Request, correlation_id: str
    ) -> bytes:
        """The reply frame of `request`; every failure becomes one."""
        command = self._commands.get(request.cmd)
        if command is None:
            return _failure(request.id, _unknown(request.cmd, self._commands))

        async def send_event(event: Event) -> None:
            await connection.send(pack({"id": request.id, "event": event}))

        token = _reporter.set(send_event)
        try:
            with trio.fail_after(CALL_S):
                result = await command(request.args)
            return pack({"id": request.id, "ok": True, "result": result})
        except FrameError as error:
            log.warning("answer too large", size=str(error))
            return _failure(request.id, error.body)
        except Exception as error:  # noqa: BLE001 — a front: whatever broke is told, not spread
            return _failure(request.id, _told(error, correlation_id))
        finally:
            _reporter.reset(token)


class _Connection:
    """Frames in, frames out, each with a deadline."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.calling = False
        self._stream = stream
        self._sending = trio.Lock()

    async def next_request(self) -> Request | None:
        """The next request; None when the client closed its end or was idle for too long.

        Reads on only once everything due has been sent, so that a client which never reads
        cannot pile up answers.
        """
        async with self._sending:
            pass
        first = b""
        with trio.move_on_after(IDLE_S), suppress(*_GONE):
            first = await self._stream.receive_some(1)
        if not first:
            return None
        with trio.move_on_after(FRAME_S):
            header = first + await self._exactly(HEADER.size - 1)
            return as_request(unpack(await self._exactly(body_size(header))))
        raise FrameError("too_slow", f"the frame did not end within {FRAME_S:g} s")

    async def _exactly(self, size: int) -> bytes:
        received = bytearray()
        while len(received) < size:
            chunk = b""
            with suppress(*_GONE):
                chunk = await self._stream.receive_some(size - len(received))
            if not chunk:
                raise FrameError("cut_short", "the connection ended within a frame")
            received += chunk
        return bytes(received)

    async def send(self, frame: bytes) -> None:
        """Send a whole frame; to a client that is gone nothing, and one that does not take it
        in time loses its connection."""
        async with self._sending:
            with suppress(*_GONE), trio.move_on_after(SEND_S) as scope:
                await self._stream.send_all(frame)
            if scope.cancelled_caught:
                await trio.aclose_forcefully(self._stream)

    async def refuse(self, to: ID | None, body: ErrorBody) -> None:
        await self.send(_failure(to, body))


def _failure(to: ID | None, body: ErrorBody) -> bytes:
    return pack({"id": to, "ok": False, "error": body})


def _unknown(name: str, commands: Mapping[str, Command]) -> ErrorBody:
    near = difflib.get_close_matches(name, list(commands), n=1)
    hint = f", did you mean {near[0]}?" if near else ""
    return ErrorBody("unknown_command", f"unknown command {name[:40]!r}{hint}")


def _told(error: Exception, correlation_id: str) -> ErrorBody:
    """What the caller learns; what nobody planned for is logged under the id it is told."""
    if isinstance(error, trio.TooSlowError):
        return ErrorBody("timeout", "there was no answer in time")
    body = body_of(error)
    if body is not None:
        return body
    log.error("command failed", exc_info=error)
    return ErrorBody("internal", f"internal error; the log has it as {correlation_id}")
