"""Scrolling text: a text is drawn once into a long strip, every frame is a window of it.

The strip starts and ends with one dark screen, so the text enters from the right, leaves to
the left, and the last window equals the first. Cutting a window is one slice per row.
"""

from dataclasses import dataclass
from functools import lru_cache

from hw.font import CELL_COLUMNS, GLYPH_ROWS, Font, default_font
from hw.paint import tint
from hw.port import Colour, Frame, Size

MAX_TEXT_CHARACTERS = 400  # bounds the memory of a strip: about 70 KiB


@dataclass(frozen=True, slots=True)
class Strip:
    """Painted rows of one text, and the dark bytes above and below them."""

    rows: tuple[bytes, ...]
    above: bytes
    below: bytes
    size: Size
    period: int

    def window(self, offset: int) -> Frame:
        """The frame `offset` columns into the scroll; the picture repeats every `period`."""
        start = 3 * (offset % self.period)
        stop = start + 3 * self.size.columns
        pixels = b"".join([self.above, *[row[start:stop] for row in self.rows], self.below])
        return Frame(self.size.columns, self.size.rows, pixels)


def text_levels(text: str, *, level: int, font: Font) -> tuple[bytes, ...]:
    """The seven level rows of a text, `level` where a pixel is lit."""
    lit = bytes((0, level)).ljust(256, b"\x00")
    glyphs = [font.glyph(character) for character in text]
    return tuple(
        b"".join([glyph[row] for glyph in glyphs]).translate(lit) for row in range(GLYPH_ROWS)
    )


@lru_cache(maxsize=8)
def make_strip(text: str, *, colour: Colour, level: int, size: Size) -> Strip:
    """Draw a text for a matrix; kept for the texts that were shown last."""
    shown = text[:MAX_TEXT_CHARACTERS]
    margin = bytes(size.columns)
    rows = text_levels(shown, level=level, font=default_font())
    painted = [tint(margin + row + margin, colour) for row in rows]
    top = max(0, (size.rows - GLYPH_ROWS) // 2)
    visible = tuple(painted[: size.rows])
    dark_row = bytes(3 * size.columns)
    return Strip(
        rows=visible,
        above=dark_row * top,
        below=dark_row * (size.rows - top - len(visible)),
        size=size,
        period=CELL_COLUMNS * len(shown) + size.columns,
    )
