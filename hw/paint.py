"""Colour arithmetic on whole rows of bytes, so that no pixel is handled one by one.

A *level row* holds one brightness (0–255) per pixel; tinting it gives red, green, blue triples.
"""

from functools import lru_cache

from hw.port import Colour


@lru_cache(maxsize=256)
def scale_table(numerator: int, denominator: int = 255) -> bytes:
    """A translate table that multiplies a byte by numerator/denominator, rounding down."""
    return bytes(min(255, value * numerator // denominator) for value in range(256))


def tint(levels: bytes, colour: Colour) -> bytes:
    """Colour a level row: n bytes of brightness in, 3n bytes of red, green, blue out."""
    painted = bytearray(3 * len(levels))
    for channel, strength in enumerate(colour):
        painted[channel::3] = levels.translate(scale_table(strength))
    return bytes(painted)


def luminance(pixels: bytes) -> bytes:
    """One level per pixel for single-colour panels: its brightest channel."""
    triples = zip(pixels[0::3], pixels[1::3], pixels[2::3], strict=True)
    return bytes(map(max, triples))
