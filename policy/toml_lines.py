"""Where in a TOML text something stands, and which known word an unknown one is near.

The TOML parser forgets lines, so they are looked up again when there is an error to tell.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence

LONGEST_WORD = 64
_HEADER = re.compile(r"\s*\[{1,2}([\w\"'.\s-]+)\]")
_KEY = re.compile(r"([\w\"'.\s-]+)=")
# Comments and strings, so that neither is taken for a key; only strings of several lines matter.
_TEXT = re.compile(
    r'#[^\n]*|"""(?:[^\\]|\\.)*?"""|\'\'\'.*?\'\'\'|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'', re.DOTALL
)


def near(word: str, known: Iterable[str]) -> str:
    """The end of a complaint about `word`: what may have been meant."""
    words = sorted(known)
    found = difflib.get_close_matches(word[:LONGEST_WORD], words, n=1)
    if found:
        return f", did you mean {found[0]}?"
    return f"; known are {', '.join(words)}"


class Lines:
    """The lines of headers and keys of one text; lines count from 1."""

    def __init__(self, text: str) -> None:
        self._named = tuple(_named_lines(text))
        self._first: dict[tuple[str, ...], int] = {}
        for number, names, _ in self._named:
            for length in range(1, len(names) + 1):
                self._first.setdefault(names[:length], number)

    def of(self, *names: str) -> int | None:
        """The first line of a key or table, else of the nearest table around it that is written.

        None when nothing of it is found.
        """
        for length in range(len(names), 0, -1):
            found = self._first.get(names[:length])
            if found is not None:
                return found
        return None

    def of_row(self, array: Sequence[str], row: int, key: str) -> int | None:
        """The line of a key in table number `row` (0 is the first) of [[array]], else its header.

        None when the array is not written as tables.
        """
        wanted, count, first = tuple(array), -1, None
        for number, names, is_header in self._named:
            count += is_header and names == wanted
            if count == row and names[: len(wanted)] == wanted:
                first = first or number
                if names == (*wanted, key):
                    return number
        return first


def _named_lines(text: str) -> Iterator[tuple[int, tuple[str, ...], bool]]:
    """Line number, full name and whether it is a header, of every header and key."""
    table: tuple[str, ...] = ()
    for number, line in enumerate(_TEXT.sub(_blank, text).split("\n"), 1):
        header = _HEADER.match(line)
        if header:
            table = _parts(header[1])
            yield number, table, True
            continue
        key = _KEY.match(line)
        if key:
            yield number, (*table, *_parts(key[1])), False


def _blank(found: re.Match[str]) -> str:
    """A string of several lines keeps its lines, but not what stands in them."""
    return "\n" * found[0].count("\n") or found[0]


def _parts(name: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in name.split("."))
