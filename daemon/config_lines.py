"""Where in the configuration file something stands, and which known word an unknown one is near.

The TOML parser forgets lines, so they are looked up again when there is an error to tell.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator

_HEADER = re.compile(r"\s*\[{1,2}\s*([\w\".\s-]+?)\s*\]{1,2}")
_KEY = re.compile(r"\s*([\w\".\s-]+?)\s*=")


def near(word: str, known: Iterable[str]) -> str:
    """The end of a complaint about `word`: what may have been meant."""
    words = sorted(known)
    found = difflib.get_close_matches(word, words, n=1)
    if found:
        return f", did you mean {found[0]}?"
    return f"; known are {', '.join(words)}"


def line_of(text: str, table: str, key: str | None) -> int | None:
    """The line of a key, else of its table's first mention; None when it cannot be found."""
    first = None
    for number, names, _ in _named_lines(text):
        if names[:1] == [table]:
            first = first or number
            if key is not None and names[:2] == [table, key]:
                return number
    return first


def row_line(text: str, array: str, row: int, key: str) -> int | None:
    """The line of a key in table number `row` (0 is the first) of [[array]], else of its header.

    None when the array is not written as tables.
    """
    wanted, count, first = array.split("."), -1, None
    for number, names, is_header in _named_lines(text):
        count += is_header and names == wanted
        if count == row and names[: len(wanted)] == wanted:
            first = first or number
            if names == [*wanted, key]:
                return number
    return first


def _named_lines(text: str) -> Iterator[tuple[int, list[str], bool]]:
    """Line number, full name and whether it is a header, of every header and key."""
    table: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        header = _HEADER.match(line)
        if header:
            table = _parts(header[1])
            yield number, table, True
            continue
        key = _KEY.match(line)
        if key:
            yield number, [*table, *_parts(key[1])], False


def _parts(name: str) -> list[str]:
    return [part.strip().strip('"') for part in name.split(".")]
