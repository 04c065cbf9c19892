"""The client's end of the control socket: one connection, one call at a time, plain sockets."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

from daemon.frames import HEADER, FrameError, body_size, pack, unpack

CONNECT_S = 5.0
ANSWER_S = 120.0

OnEvent = Callable[[Mapping[str, Any]], None]

# Errors that are the caller's own: they end with the exit code of a wrong argument.
USAGE_CODES = frozenset({"bad_argument", "bad_request", "unknown_command", "too_large"})


class CallFailed(Exception):
    """The daemon said no, or could not be asked. `body` is the error as it came."""

    def __init__(self, code: str, detail: str, *, body: Mapping[str, Any] | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.body = body or {"code": code, "detail": detail}

    @property
    def usage(self) -> bool:
        return self.code in USAGE_CODES


class NoDaemon(CallFailed):
    """Nobody answers at the socket."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__("no_daemon", f"no trimtabd answers at {path}: {why}")


class Link:
    """A connection to the daemon. Raises NoDaemon when there is none."""

    def __init__(self, path: Path, *, answer_s: float = ANSWER_S) -> None:
        self._calls = 0
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(CONNECT_S)
        try:
            self._socket.connect(str(path))
        except OSError as error:
            self._socket.close()
            raise NoDaemon(path, error.strerror or str(error)) from error
        self._socket.settimeout(answer_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._socket.close()

    def call(
        self, cmd: str, args: Mapping[str, Any] | None = None, *, on_event: OnEvent | None = None
    ) -> Any:
        """The result of one command; events that come before it go to `on_event`.

        Raises CallFailed.
        """
        self._calls += 1
        request = {"v": 1, "id": self._calls, "cmd": cmd, "args": dict(args or {})}
        try:
            self._socket.sendall(pack(request))
            reply = self._receive()
            while "event" in reply:
                if on_event is not None:
                    on_event(reply["event"])
                reply = self._receive()
        except FrameError as error:
            raise CallFailed(error.body.code, error.body.detail) from error
        except TimeoutError as error:
            raise CallFailed("timeout", "the daemon did not answer in time") from error
        except OSError as error:
            raise CallFailed("disconnected", f"the daemon hung up: {error}") from error
        return _result(reply)

    def _receive(self) -> dict[str, Any]:
        reply = unpack(self._exactly(body_size(self._exactly(HEADER.size))))
        if not isinstance(reply, dict):
            raise CallFailed("protocol", "the daemon answered something that is no reply")
        return cast("dict[str, Any]", reply)

    def _exactly(self, size: int) -> bytes:
        received = bytearray()
        while len(received) < size:
            chunk = self._socket.recv(size - len(received))
            if not chunk:
                raise CallFailed("disconnected", "the daemon hung up")
            received += chunk
        return bytes(received)


def _result(reply: Mapping[str, Any]) -> Any:
    if reply.get("ok"):
        return reply.get("result")
    error: Mapping[str, Any] = reply.get("error") or {}
    raise CallFailed(
        str(error.get("code", "protocol")),
        str(error.get("detail", "the daemon refused without a reason")),
        body=error,
    )
