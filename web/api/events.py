"""/api/events/stream: everything that happens, numbered, with replay for those who come back."""

from __future__ import annotations

from typing import Annotated, get_args

import msgspec
from msgspec import Meta
from quart import Blueprint, Response

from web.api.planner import last_seen
from web.asking import query
from web.context import here
from web.errors import invalid
from web.openapi import EVENT_STREAM, describe
from web.sources import RingReader, envelope
from web.sse import frame, stream
from wire.events import EventType

bp = Blueprint("events", __name__, url_prefix="/api/events")
_TYPES = frozenset(get_args(EventType))


class StreamQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`types` is a comma-separated list of event types; without it all are sent."""

    types: Annotated[str, Meta(max_length=1000)] = ""


@bp.get("/stream")
@describe(query=StreamQuery, media=EVENT_STREAM)
async def events() -> Response:
    """Events as they happen; `Last-Event-ID` replays, `resync` says that some are gone."""
    web = here()

    def hello(seq: int) -> bytes:
        shown = {"seq": seq, "version": web.info.version, "boot": web.boot}
        return frame(shown, event="connected", seq=seq)

    reader = RingReader(
        web.events,
        last_seen=last_seen(),
        types=_wanted(query(StreamQuery).types),
        show=envelope,
        hello=hello,
    )
    return stream(reader, slots=web.streams, shutdown=web.shutdown)


def _wanted(csv: str) -> frozenset[str] | None:
    """The types asked for; None for all of them; raises Problem 422 for one that is unknown."""
    names = frozenset(name.strip() for name in csv.split(",") if name.strip())
    unknown = sorted(names - _TYPES)
    if unknown:
        message = "not an event type"
        raise invalid(
            [{"field": "types", "value": name[:100], "message": message} for name in unknown[:10]]
        )
    return names or None
