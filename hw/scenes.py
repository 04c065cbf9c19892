"""The moving pictures without text: breathing wave, sync wave, trade ring, test patterns.

Each painter is a pure function of a time in milliseconds and returns one level per pixel,
row by row, or finished triples where it says so. `hw.frames` decides which one is shown.
"""

import colorsys
from enum import StrEnum
from functools import lru_cache
from math import hypot

from hw.paint import tint
from hw.port import Colour, Size

IDLE_PERIOD_MS = 3000
IDLE_FRAME_MS = 100
IDLE_PEAK = 80
IDLE_REACH = 2.5
SYNC_PERIOD_MS = 1500
SYNC_FRAME_MS = 50
SYNC_PEAK = 150
SYNC_REACH = 3.0
RING_PASS_MS = 1000
RING_FRAME_MS = 25
RING_PEAK = 200
RING_THICKNESS = 1.5
TEST_STEP_MS = 250
TEST_FRAME_MS = 50

WHITE: Colour = (255, 255, 255)
_RING_GRAIN = 8  # distances are kept in eighths of a pixel so that they fit a byte


class Pattern(StrEnum):
    """Pictures for checking the wiring of a panel."""

    RAINBOW = "rainbow"
    ALL = "all"
    ROWS = "rows"
    COLUMNS = "columns"
    PIXEL = "pixel"
    TEXT = "text"


def idle_levels(t_ms: int, size: Size) -> bytes:
    """A soft bar that wanders from left to right once every three seconds."""
    phase = t_ms % IDLE_PERIOD_MS // IDLE_FRAME_MS * IDLE_FRAME_MS / IDLE_PERIOD_MS
    return _wave(phase, peak=IDLE_PEAK, reach=IDLE_REACH, size=size)


def sync_levels(t_ms: int, size: Size) -> bytes:
    """The quicker, brighter bar of work in progress."""
    phase = t_ms % SYNC_PERIOD_MS // SYNC_FRAME_MS * SYNC_FRAME_MS / SYNC_PERIOD_MS
    return _wave(phase, peak=SYNC_PEAK, reach=SYNC_REACH, size=size)


def ring_levels(t_ms: int, size: Size) -> bytes:
    """A ring that grows from the centre to the corners once a second."""
    distances = _centre_distances(size)
    phase = t_ms % RING_PASS_MS // RING_FRAME_MS * RING_FRAME_MS / RING_PASS_MS
    radius = phase * (max(distances) / _RING_GRAIN + RING_THICKNESS)
    glow = (1 - abs(step / _RING_GRAIN - radius) / RING_THICKNESS for step in range(256))
    return distances.translate(bytes(int(RING_PEAK * max(0.0, share)) for share in glow))


def pattern_pixels(pattern: Pattern, t_ms: int, *, size: Size, level: int) -> bytes:
    """A wiring check as finished triples; `Pattern.TEXT` is drawn by the text renderer."""
    step = t_ms // TEST_STEP_MS
    match pattern:
        case Pattern.RAINBOW:
            return _rainbow(t_ms // TEST_FRAME_MS, size=size, level=level)
        case Pattern.ROWS:
            row = step % size.rows
            levels = b"".join(
                bytes((level if y == row else 0,)) * size.columns for y in range(size.rows)
            )
        case Pattern.COLUMNS:
            levels = _one_lit(size.columns, step, level) * size.rows
        case Pattern.PIXEL:
            levels = _one_lit(size.columns * size.rows, step, level)
        case Pattern.ALL | Pattern.TEXT:
            levels = bytes((level,)) * (size.columns * size.rows)
    return tint(levels, WHITE)


def _wave(phase: float, *, peak: int, reach: float, size: Size) -> bytes:
    """One bar at `phase` (0–1) of the width; it leaves on the right and enters on the left."""
    width = size.columns
    centre = phase * width
    row = bytearray(width)
    for x in range(width):
        straight = abs(x - centre)
        distance = min(straight, width - straight)
        row[x] = int(peak * max(0.0, 1 - distance / reach))
    return bytes(row) * size.rows


@lru_cache(maxsize=4)
def _centre_distances(size: Size) -> bytes:
    middle_x, middle_y = (size.columns - 1) / 2, (size.rows - 1) / 2
    return bytes(
        min(255, round(_RING_GRAIN * hypot(x - middle_x, y - middle_y)))
        for y in range(size.rows)
        for x in range(size.columns)
    )


def _one_lit(count: int, step: int, level: int) -> bytes:
    levels = bytearray(count)
    levels[step % count] = level
    return bytes(levels)


def _rainbow(step: int, *, size: Size, level: int) -> bytes:
    row = bytearray()
    for x in range(size.columns):
        hue = (x + step) % size.columns / size.columns
        row += bytes(int(level * share) for share in colorsys.hsv_to_rgb(hue, 1.0, 1.0))
    return bytes(row) * size.rows
