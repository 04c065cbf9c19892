"""Addressable lights on the data pin of an SPI bus: needs no root and works on every board.

At 2.4 MHz three SPI bits make one data bit: a one is 110, a zero is 100. So a colour byte
becomes three bus bytes, found by three translate tables. Runs inside the helper process,
because writing to the bus blocks for the whole transfer.
"""

import array
import fcntl
import os
from collections.abc import Callable
from pathlib import Path

DEVICE = Path("/dev/spidev0.0")
SPEED_HZ = 2_400_000
RESET_BYTES = 90  # ≥ 300 µs of silence ends a frame

_SET_MODE = 0x40016B01
_SET_BITS_PER_WORD = 0x40016B03
_SET_SPEED = 0x40046B04


def _spread(value: int) -> int:
    """Eight data bits as 24 bus bits."""
    spread = 0
    for bit in range(7, -1, -1):
        spread = spread << 3 | (0b110 if value >> bit & 1 else 0b100)
    return spread


_TABLES = tuple(
    bytes(_spread(value) >> shift & 0xFF for value in range(256)) for shift in (16, 8, 0)
)


def encode(pixels: bytes) -> bytes:
    """Red, green, blue triples as one bus transfer; the lights want green first."""
    wire = bytearray(len(pixels))
    wire[0::3], wire[1::3], wire[2::3] = pixels[1::3], pixels[0::3], pixels[2::3]
    spread = bytearray(3 * len(wire))
    for place, table in enumerate(_TABLES):
        spread[place::3] = wire.translate(table)
    # The leading zero keeps the data line low before the first bit.
    return b"\x00" + bytes(spread) + bytes(RESET_BYTES)


def configure(descriptor: int) -> None:
    """Mode 0, eight bits per word, the speed the encoding is made for."""
    fcntl.ioctl(descriptor, _SET_MODE, b"\x00")
    fcntl.ioctl(descriptor, _SET_BITS_PER_WORD, b"\x08")
    fcntl.ioctl(descriptor, _SET_SPEED, array.array("I", [SPEED_HZ]))


class SpiStrip:
    """An open bus; raises OSError when the device is absent or not permitted.

    The kernel takes 4096 bytes per transfer, enough for 440 lights, unless the module
    parameter `spidev.bufsiz` says otherwise; beyond it `write` raises OSError.
    """

    def __init__(self, device: Path = DEVICE, *, setup: Callable[[int], None] = configure) -> None:
        self._descriptor = os.open(device, os.O_WRONLY | os.O_CLOEXEC)
        try:
            setup(self._descriptor)
        except OSError:
            self.close()
            raise

    def write(self, pixels: bytes) -> None:
        os.write(self._descriptor, encode(pixels))

    def close(self) -> None:
        os.close(self._descriptor)
