"""The helper process that drives addressable lights: `python -m hw.strip_child OPTIONS`.

The device libraries hold the interpreter lock or the bus for milliseconds, want root for some
pins, and may crash: all reasons to keep them out of the daemon. The helper gets finished
frames through its standard input, a socket, each as `length u32, sequence u32, bytes` in big
endian; it answers one line, `ok` or what went wrong. It shows only the newest frame, blanks
the panel when none came for a while, and blanks and ends when its parent is gone.
"""

import importlib
import json
import select
import signal
import socket
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Literal, NoReturn

from hw.spi import DEVICE, SpiStrip

HEADER = struct.Struct(">II")
MAX_FRAME_BYTES = 1 << 20
SILENCE_S = 5.0

Write = Callable[[bytes], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the helper is told on its command line, as JSON.

    `module` must offer the class `PixelStrip` of the rpi-ws281x package; `module_path` is a
    folder to look for it first.
    """

    kind: Literal["ws281x", "spi"]
    count: int
    pin: int = 18
    dma: int = 10
    device: str = str(DEVICE)
    silence_s: float = SILENCE_S
    module: str = "rpi_ws281x"
    module_path: str = ""


class Inbox:
    """Collects bytes and keeps the newest whole frame."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> bytes | None:
        """The newest frame completed so far, None when there is none; older ones are dropped."""
        self._buffer += data
        newest: bytes | None = None
        while len(self._buffer) >= HEADER.size:
            length, _sequence = HEADER.unpack_from(self._buffer)
            if length > MAX_FRAME_BYTES:
                raise ValueError(f"a frame of {length} bytes was announced")
            end = HEADER.size + length
            if len(self._buffer) < end:
                break
            newest = bytes(self._buffer[HEADER.size : end])
            del self._buffer[:end]
        return newest


def channel_of(pin: int) -> int:
    """The PWM channel of a pin; the library refuses a pin on the wrong one."""
    return 1 if pin in {13, 19} else 0


def open_strip(options: Options) -> Write:
    """Start the device and return the function that shows one frame."""
    if options.kind == "spi":
        return SpiStrip(Path(options.device)).write
    if options.module_path:
        sys.path.insert(0, options.module_path)
    library: Any = importlib.import_module(options.module)
    strip = library.PixelStrip(
        options.count,
        options.pin,
        dma=options.dma,
        brightness=255,
        channel=channel_of(options.pin),
    )
    strip.begin()

    def write(pixels: bytes) -> None:
        for index in range(len(pixels) // 3):
            red, green, blue = pixels[3 * index : 3 * index + 3]
            strip.setPixelColor(index, red << 16 | green << 8 | blue)
        strip.show()

    return write


def serve(link: socket.socket, write: Write, *, count: int, silence_s: float) -> None:
    """Show frames until the parent closes its end; the panel is dark afterwards."""
    inbox, dark, lit = Inbox(), bytes(3 * count), False
    try:
        while True:
            ready, _, _ = select.select([link], [], [], silence_s)
            if not ready:
                if lit:
                    write(dark)
                lit = False
                continue
            data = link.recv(1 << 16)
            if not data:
                return
            newest = inbox.feed(data)
            if newest is not None:
                write(newest)
                lit = True
    finally:
        write(dark)


def main(argument: str) -> int:
    """Returns 0 after a clean end, 1 when the device could not be started."""
    options = Options(**json.loads(argument))
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's Ctrl-C is the parent's matter
    with socket.socket(fileno=0) as link:
        try:
            write = open_strip(options)
        except (ImportError, OSError, RuntimeError) as error:
            link.sendall(f"{type(error).__name__}: {error}\n".encode())
            return 1
        link.sendall(b"ok\n")
        try:
            serve(link, write, count=options.count, silence_s=options.silence_s)
        except ConnectionError:
            return 0
        except OSError as error:  # the bus refused a frame; the parent decides about a new start
            print(f"light helper: {error}", file=sys.stderr)
            return 1
    return 0


def _leave(_signal: int, _frame: FrameType | None) -> NoReturn:
    """A termination becomes a normal exit, so that the panel is blanked on the way."""
    raise SystemExit(0)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
