"""Asking a running daemon over HTTP."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

DEADLINE_S = 150.0
TRIES = 6
PAUSE_S = 2.0
LONGEST_PAUSE_S = 65.0
# The daemon has just started, does the same thing already, or was asked too often.
NOT_YET = frozenset({409, 429, 503})


class NoAnswerError(Exception):
    """A route did not answer with a success; the text says how it did."""


class Daemon:
    """`get` and `post` give decoded JSON, and raise NoAnswerError for anything but a success."""

    def __init__(self, url: str, token: Path) -> None:
        self._url = url.rstrip("/")
        self._token = token.read_text(encoding="utf-8").strip()

    def get(self, path: str, **query: str | int) -> Any:
        asked = f"?{urlencode(query)}" if query else ""
        return self._ask("GET", path + asked, None)

    def post(self, path: str, body: object) -> Any:
        return self._ask("POST", path, json.dumps(body).encode())

    def _ask(self, method: str, path: str, body: bytes | None) -> Any:
        for attempt in range(TRIES):
            request = urllib.request.Request(self._url + path, data=body, method=method)
            request.add_header("Authorization", f"Bearer {self._token}")
            if body is not None:
                request.add_header("Content-Type", "application/json")
            try:
                with urllib.request.urlopen(request, timeout=DEADLINE_S) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError as error:
                if error.code not in NOT_YET or attempt == TRIES - 1:
                    text = error.read().decode(errors="replace")[:200]
                    raise NoAnswerError(f"{error.code} {text}") from None
                asked = error.headers.get("Retry-After", "")
                pause_s = min(float(asked), LONGEST_PAUSE_S) if asked.isdigit() else PAUSE_S
                error.close()
            except OSError as error:
                raise NoAnswerError(str(error)) from None
            time.sleep(pause_s)
        raise AssertionError("the last try returns or raises")


def part(name: str) -> str:
    """`name` as one part of a path."""
    return quote(name, safe="")
