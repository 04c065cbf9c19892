"""MessagePack-RPC over the UNO Q's router socket.

The router sits between Linux programs and the microcontroller. Messages are MessagePack arrays
back to back without a length, so reading them means decoding them:

    request       [0, id, method, [parameters]]
    response      [1, id, error or nil, result or nil]
    notification  [2, method, [parameters]]

One request is outstanding at a time, by construction: `call` sends, then reads until its own
answer comes. Answers that come after their deadline carry an old id and are dropped. Used by
`hw.uno_q` only.
"""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import trio

from hw.port import HardwareError

msgpack: Any = import_module("msgpack")  # the package carries no types; `Any` says so once

REQUEST, RESPONSE, NOTIFICATION = 0, 1, 2
# Longer messages hang the microcontroller behind older routers; newer ones refuse them.
MAX_MESSAGE_BYTES = 256
MAX_WAITING_BYTES = 1024  # of a value that is not complete yet
CALL_DEADLINE_S = 10.0
SEND_DEADLINE_S = 1.0

NOT_AVAILABLE = 2
ROUTE_EXISTS = 5
TOO_LARGE = 6

_ID_RANGE = 1 << 32

Message = list[Any]


class RpcError(HardwareError):
    """The other side refused a call; `code` is the router's or the sketch's number."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"error {code}: {message}")
        self.code = code


class NoAnswer(HardwareError):
    """The deadline of a call passed; its answer, should it still come, will be ignored."""


class LinkLost(HardwareError):
    """The connection ended or is stuck; it must be opened anew."""


def encode(message: Message) -> bytes:
    """One message as bytes; raises RpcError 6 when the microcontroller could not take it."""
    data = cast(bytes, msgpack.packb(message, use_bin_type=True))
    if len(data) > MAX_MESSAGE_BYTES:
        raise RpcError(TOO_LARGE, f"message of {len(data)} bytes, limit {MAX_MESSAGE_BYTES}")
    return data


class Decoder:
    """Finds messages in a byte stream that may start with, or contain, other text.

    While the microcontroller boots it prints plain text. Bytes that decode to anything but a
    message are skipped; bytes that do not decode at all, or that announce a value longer than
    any message can be, are skipped one by one.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Message]:
        self._buffer += data
        while self._buffer:
            try:
                value, used = self._unpack()
            except msgpack.OutOfData:
                if len(self._buffer) <= MAX_WAITING_BYTES:
                    break
                value, used = None, 1
            except (ValueError, msgpack.UnpackException):
                value, used = None, 1
            del self._buffer[:used]
            if _is_message(value):
                yield cast(Message, value)

    def _unpack(self) -> tuple[object, int]:
        # Garbage that announces a huge collection fails at once instead of waiting for it.
        unpacker = msgpack.Unpacker(max_array_len=64, max_map_len=64, max_ext_len=0)
        unpacker.feed(self._buffer)
        return unpacker.unpack(), unpacker.tell()


def _is_message(value: object) -> bool:
    parts = cast(list[object], value) if isinstance(value, list) else []
    match parts:
        case [0, int(), str(), list()] | [1, int(), _, _] | [2, str(), list()]:
            return True
        case _:
            return False


class RouterClient:
    """One connection to the router; not usable again after LinkLost."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stream: trio.SocketStream | None = None
        self._decoder = Decoder()
        self._next_id = 0
        self._registered: set[str] = set()
        self._called: set[str] = set()

    async def connect(self) -> None:
        """Raises LinkLost when nobody listens."""
        try:
            with trio.fail_after(SEND_DEADLINE_S):
                self._stream = await trio.open_unix_socket(self._path)
        except (OSError, trio.TooSlowError) as error:
            raise LinkLost(f"no router at {self._path}: {error}") from error

    async def aclose(self) -> None:
        if self._stream is not None:
            await self._stream.aclose()

    async def call(
        self, method: str, *parameters: object, deadline_s: float = CALL_DEADLINE_S
    ) -> object:
        """The result of a call; raises RpcError when refused, NoAnswer at the deadline."""
        call_id = self._next_id
        self._next_id = (call_id + 1) % _ID_RANGE
        data = encode([REQUEST, call_id, method, list(parameters)])
        await self._send(data)
        try:
            with trio.fail_after(deadline_s):
                return await self._answer(call_id)
        except trio.TooSlowError as error:
            raise NoAnswer(f"{method}: no answer within {deadline_s} s") from error

    async def notify(self, method: str, *parameters: object) -> None:
        """Send without an answer: the router drops it silently when nobody provides it."""
        await self._send(encode([NOTIFICATION, method, list(parameters)]))

    async def register(self, method: str) -> None:
        """Offer a method to the microcontroller; that it is ours already is success."""
        try:
            await self.call("$/register", method)
        except RpcError as error:
            if error.code != ROUTE_EXISTS:
                raise
        self._registered.add(method)

    def take_called(self) -> set[str]:
        """The registered methods the microcontroller has called since the last question."""
        called, self._called = self._called, set()
        return called

    async def _answer(self, call_id: int) -> object:
        while True:
            answers = [one for one in await self._receive() if one[:2] == [RESPONSE, call_id]]
            if answers:
                _kind, _id, refusal, result = answers[0]
                if refusal is not None:
                    raise _refusal(refusal)
                return result

    async def _receive(self) -> list[Message]:
        """Read once; requests of the other side are answered here, responses returned."""
        try:
            data = await self._open_stream().receive_some(4096)
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise LinkLost("the router broke the connection") from error
        if not data:
            raise LinkLost("the router closed the connection")
        messages = list(self._decoder.feed(bytes(data)))
        for message in messages:
            await self._serve(message)
        return messages

    async def _serve(self, message: Message) -> None:
        if message[0] == NOTIFICATION and message[1] in self._registered:
            self._called.add(message[1])
        if message[0] != REQUEST:
            return
        _kind, call_id, method, _parameters = message
        if method in self._registered:
            self._called.add(method)
            await self._send(encode([RESPONSE, call_id, None, True]))
        else:
            refusal = [NOT_AVAILABLE, "method not available"]
            await self._send(encode([RESPONSE, call_id, refusal, None]))

    async def _send(self, data: bytes) -> None:
        try:
            with trio.fail_after(SEND_DEADLINE_S):
                await self._open_stream().send_all(data)
        except trio.TooSlowError as error:  # half a message may be out: nothing can follow it
            raise LinkLost("the router takes no data") from error
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise LinkLost("the router broke the connection") from error

    def _open_stream(self) -> trio.SocketStream:
        if self._stream is None:
            raise LinkLost("not connected")
        return self._stream


def _refusal(refusal: object) -> RpcError:
    match refusal:
        case [int(code), str(message)]:
            return RpcError(code, message)
        case _:
            return RpcError(0, str(refusal)[:200])
