"""Successful answers: JSON, and JSON that is encoded once per board version and has an ETag."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from quart import Response, request

from web.context import here
from web.encode import encode
from wire.board import Latest

JSON = "application/json"


def reply(value: object, *, status: int = 200) -> Response:
    return Response(encode(value), status=status, mimetype=JSON)


def from_boards(
    name: str, boards: tuple[Latest[Any], ...], build: Callable[[], object]
) -> Response:
    """`build()` as JSON, kept until one of `boards` moves; 304 when the client has that version.

    `build` must depend on those boards alone.
    """
    web = here()
    versions = tuple(board.version for board in boards)
    tag = f'"{web.boot}.{".".join(map(str, versions))}"'
    if request.headers.get("If-None-Match") == tag:
        response = Response(b"", status=304)
    else:
        response = Response(web.encoded.get(name, versions, build), mimetype=JSON)
    response.headers["ETag"] = tag
    response.headers["Cache-Control"] = "no-cache"
    return response
