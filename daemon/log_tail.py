"""The last lines of the log, read backwards, for the control socket and for `doctor`.

A log of any size costs the same: blocks are read from the end until enough lines matched, and
never more than SCAN_MAX bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

BLOCK = 64 * 1024
SCAN_MAX = 20 * 1024 * 1024
PAGE_MAX = 48 * 1024  # bytes of lines in one answer of the control socket
LEVELS = ("debug", "info", "warning", "error", "critical")


@dataclass(frozen=True, slots=True)
class Page:
    """Matching lines, oldest first. `before` is the cursor of the page that comes before them;
    None at the beginning of the file. `truncated`: SCAN_MAX was reached first."""

    lines: tuple[str, ...]
    before: int | None
    truncated: bool


def tail(
    path: Path, *, lines: int, level: str = "debug", search: str = "", before: int | None = None
) -> Page:
    """The last `lines` lines at `level` or above that contain `search` (in any case).

    `before` is a byte offset from an earlier page. A missing file has no lines.
    """
    if not path.exists():
        return Page((), None, truncated=False)
    found: list[bytes] = []
    size = 0
    with path.open("rb") as file:
        newest = file.seek(0, 2)
        start = end = newest if before is None else min(before, newest)
        for offset, line in _backwards(file, end):
            if _matches(line, level, search):
                size += len(line)
                if len(found) == lines or (found and size > PAGE_MAX):
                    break
                found.append(line[:PAGE_MAX])
            start = offset
    truncated = start > 0 and end - start > SCAN_MAX - BLOCK
    texts = tuple(line.decode(errors="replace") for line in reversed(found))
    return Page(texts, start or None, truncated)


def _backwards(file: BinaryIO, end: int) -> Iterator[tuple[int, bytes]]:
    """Whole lines before `end`, last first, each with the offset at which it starts."""
    rest = b""
    position = end
    while position > 0 and end - position < SCAN_MAX:
        step = min(BLOCK, position)
        position -= step
        file.seek(position)
        rest = file.read(step) + rest
        first, *whole = rest.split(b"\n")
        start = position + len(rest)
        for line in reversed(whole):
            start -= len(line)
            if line:
                yield start, line
            start -= 1
        rest = first
    if position == 0 and rest:
        yield 0, rest


def _matches(line: bytes, level: str, search: str) -> bool:
    text = line.decode(errors="replace")
    if search and search.casefold() not in text.casefold():
        return False
    return LEVELS.index(_level(text)) >= LEVELS.index(level)


def _level(text: str) -> str:
    try:
        level = json.loads(text)["level"]
    except (ValueError, KeyError, TypeError):
        return "info"
    return level if level in LEVELS else "info"
