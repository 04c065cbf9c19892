"""The frames of the control socket, as daemon and client both speak them.

A frame is a big-endian u32 length and that many bytes of msgpack. Requests are
`{v, id, cmd, args}`, replies `{id, ok, result}` or `{id, ok, error}`, progress `{id, event}`;
`error` is `{code, detail, field?, run_id?}`. Instants are RFC 3339 texts, amounts numbers or
texts, pixels bytes.
"""

from __future__ import annotations

import struct
from typing import Any

import msgspec

VERSION = 1
FRAME_MAX = 64 * 1024  # bytes after the length, in both directions
HEADER = struct.Struct(">I")

ID = int | str


class Request(msgspec.Struct, forbid_unknown_fields=True):
    """One call. `id` comes back on everything that answers it."""

    id: ID
    cmd: str
    v: int = VERSION
    args: dict[str, Any] = {}


class ErrorBody(msgspec.Struct, omit_defaults=True):
    """`code` is a slug for programs, `detail` one line for people."""

    code: str
    detail: str
    field: str | None = None
    run_id: str | None = None


class FrameError(Exception):
    """What came is not a frame; `body` says why."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.body = ErrorBody(code, detail)


class TooLarge(FrameError):
    """The frame would be above FRAME_MAX."""

    def __init__(self, size: int) -> None:
        super().__init__("too_large", f"a frame of {size} bytes; at most {FRAME_MAX}")


def pack(message: object) -> bytes:
    """The frame of `message`. Raises TooLarge, or TypeError for a value msgpack has no word for."""
    plain = msgspec.to_builtins(message, builtin_types=(bytes, bytearray), str_keys=True)
    body = msgspec.msgpack.encode(plain)
    if len(body) > FRAME_MAX:
        raise TooLarge(len(body))
    return HEADER.pack(len(body)) + body


def body_size(header: bytes) -> int:
    """The length a header announces. Raises TooLarge."""
    (size,) = HEADER.unpack(header)
    if size > FRAME_MAX:
        raise TooLarge(size)
    return int(size)


def unpack(body: bytes) -> Any:
    """The message in a frame's body. Raises FrameError when it is not msgpack."""
    try:
        return msgspec.msgpack.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise FrameError("not_msgpack", f"not msgpack: {error}") from error


def as_request(message: object) -> Request:
    """`message` as a request. Raises FrameError when it has another shape or version."""
    try:
        request = msgspec.convert(message, Request)
    except msgspec.ValidationError as error:
        raise FrameError("bad_request", f"not a request {{v, id, cmd, args}}: {error}") from error
    if request.v != VERSION:
        raise FrameError("bad_request", f"version {request.v}; this daemon speaks {VERSION}")
    return request
