"""Blots secrets out of log events before they are written; the log's set-up uses it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import cast

from structlog.typing import EventDict

BLOT = "***"
DEPTH_MAX = 4
SECRET_MIN = 8  # characters; shorter texts would blot out ordinary words
_SECRET_FIELD = re.compile(
    r"token|secret|passw|api_?key|public_?key|authorization|cookie|csrf|login_code|session_id", re.I
)
_SECRET_SHAPES = (
    re.compile(r"(?i)(bearer\s+)[\w.~+/=-]+"),
    re.compile(r"(?i)((?:\?|&)(?:code|token|sid)=)[^&\s\"']+"),
)


class Redactor:
    """Blots secrets out of a log event. Knows exact secrets once they were told to it."""

    def __init__(self) -> None:
        self._known: tuple[str, ...] = ()

    def know(self, *secrets: str) -> None:
        """Never write these texts."""
        self._known += tuple(secret for secret in secrets if len(secret) >= SECRET_MIN)

    def __call__(self, _logger: object, _method: str, event: EventDict) -> EventDict:
        for key, value in event.items():
            if not key.startswith("_"):
                event[key] = BLOT if _names_secret(key) and value else self._clean(value, DEPTH_MAX)
        return event

    def _clean(self, value: object, depth: int) -> object:
        if isinstance(value, str):
            return self._clean_text(value)
        if depth == 0 or value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, Mapping):
            items = cast("Mapping[object, object]", value).items()
            return {
                key: BLOT if _names_secret(str(key)) and inner else self._clean(inner, depth - 1)
                for key, inner in items
            }
        if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
            return [self._clean(inner, depth - 1) for inner in cast("Sequence[object]", value)]
        return self._clean_text(str(value))

    def _clean_text(self, text: str) -> str:
        for secret in self._known:
            text = text.replace(secret, BLOT)
        for shape in _SECRET_SHAPES:
            text = shape.sub(rf"\1{BLOT}", text)
        return text


def _names_secret(key: str) -> bool:
    return _SECRET_FIELD.search(key) is not None
