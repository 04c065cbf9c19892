"""The 5×7 font: reads `font5x7.txt`, which a person can read and edit too.

`hw.strip` asks for glyphs; nobody else needs to.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

GLYPH_COLUMNS = 5
GLYPH_ROWS = 7
CELL_COLUMNS = GLYPH_COLUMNS + 1  # one dark column keeps neighbours apart
FALLBACK = "?"

_FONT_FILE = Path(__file__).with_name("font5x7.txt")
_MASK = bytes.maketrans(b".#", b"\x00\x01")

Glyph = tuple[bytes, ...]


class FontError(ValueError):
    """The font file is malformed; the message names the line."""


@dataclass(frozen=True, slots=True)
class Font:
    """Glyphs by character: seven rows of six bytes, 1 where a pixel is lit."""

    glyphs: dict[str, Glyph]

    def glyph(self, character: str) -> Glyph:
        """The glyph of a character, or that of `?` when the font lacks it."""
        return self.glyphs.get(character) or self.glyphs[FALLBACK]


def parse_font(text: str) -> Font:
    """Read a font; raises FontError with the line number of the first fault."""
    glyphs: dict[str, Glyph] = {}
    lines = iter(_significant(text))
    for number, header in lines:
        character = _parse_header(header, number)
        if character in glyphs:
            raise FontError(f"line {number}: glyph {header!r} is defined twice")
        glyphs[character] = tuple(_parse_rows(lines, header, number))
    if FALLBACK not in glyphs:
        raise FontError(f"the font has no {FALLBACK!r}, which stands in for unknown characters")
    return Font(glyphs)


@cache
def default_font() -> Font:
    """The font shipped with the program."""
    return parse_font(_FONT_FILE.read_text(encoding="utf-8"))


def _significant(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and not line.startswith(";"):
            yield number, line.rstrip()


def _parse_header(header: str, number: int) -> str:
    code = header.split(" ", 1)[0]
    if not code.startswith("U+"):
        raise FontError(f"line {number}: expected 'U+<code point> <name>', got {header!r}")
    try:
        return chr(int(code[2:], 16))
    except (ValueError, OverflowError) as error:
        raise FontError(f"line {number}: {code!r} is not a code point") from error


def _parse_rows(lines: Iterator[tuple[int, str]], header: str, start: int) -> Iterator[bytes]:
    for row in range(GLYPH_ROWS):
        number, line = next(lines, (start, ""))
        if len(line) != GLYPH_COLUMNS or line.strip(".#"):
            raise FontError(
                f"line {number}: row {row + 1} of glyph {header!r} must be "
                f"{GLYPH_COLUMNS} of '.' and '#', got {line!r}"
            )
        yield line.encode("ascii").translate(_MASK) + b"\x00"
