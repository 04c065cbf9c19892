"""How long the body of a request may be: short, but for routes that take whole series."""

from __future__ import annotations

from typing import Any

from quart_trio.wrappers import TrioRequest

BODY_LIMIT = 64 * 1024
SERIES_LIMIT = 512 * 1024
SERIES_PATHS = frozenset({"/api/scoring/score"})


class SizedRequest(TrioRequest):
    """A request whose limit goes by its path; it is enforced while the body arrives."""

    def __init__(self, method: str, scheme: str, path: str, *args: Any, **kwargs: Any) -> None:
        if path.rstrip("/") in SERIES_PATHS:
            kwargs["max_content_length"] = SERIES_LIMIT
        super().__init__(method, scheme, path, *args, **kwargs)
