"""From wanted brightness to what an addressable light is told: gamma and the current limit.

Both are done here rather than in the device library, which dims before its gamma and so turns
every low level dark.
"""

from functools import lru_cache

from hw.paint import scale_table

GAMMA = 2.2
CHANNEL_MA = 20  # one fully lit channel of a 5050 light
QUIET_MA = 1  # a dark light's own electronics


@lru_cache(maxsize=8)
def gamma_table(brightness: int) -> bytes:
    """Level wanted → duty cycle, after dimming to brightness/255.

    Anything wanted stays visible: only 0 maps to 0, unless the brightness itself is 0.
    """
    if brightness == 0:
        return bytes(256)
    return bytes(
        max(min(level, 1), round((level * brightness / 255 / 255) ** GAMMA * 255))
        for level in range(256)
    )


def current_ma(pixels: bytes) -> int:
    """The supply current of a frame of duty cycles, rounded up, in milliamperes."""
    return -(-sum(pixels) * CHANNEL_MA // 255) + QUIET_MA * (len(pixels) // 3)


def limit_current(pixels: bytes, *, limit_ma: int) -> bytes:
    """The frame dimmed evenly so far that it stays below the supply's limit."""
    if current_ma(pixels) <= limit_ma:
        return pixels
    budget_ma = limit_ma - QUIET_MA * (len(pixels) // 3)
    if budget_ma <= 0:
        return bytes(len(pixels))
    keep = budget_ma * 255 // CHANNEL_MA * 255 // sum(pixels)
    return pixels.translate(scale_table(keep))
