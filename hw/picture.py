"""Frames as pictures: PNG from the standard library alone, GIF through Pillow.

The web preview, the documentation and people debugging a layout see what the matrix shows.
"""

import io
import math
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import trio

from hw.port import Caps, DriverStatus, Frame, HardwareError, Lamps, Size, Tally

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PANEL = bytes((12, 12, 14))  # the board between the lights
_UNLIT = bytes((30, 30, 34))  # a light that is off is still visible


@dataclass(frozen=True, slots=True)
class Look:
    """How a pixel is drawn: `pitch` picture pixels wide, as a square or as a round light."""

    pitch: int = 1
    round_dots: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.pitch <= 64:
            raise ValueError(f"pitch {self.pitch}: must be 1–64")


PLAIN = Look()
LED = Look(pitch=12, round_dots=True)


def encode_png(frame: Frame, look: Look = PLAIN) -> bytes:
    """The frame as an RGB PNG file."""
    large = enlarge(frame, look)
    stride = 3 * large.width
    # Each PNG line starts with its filter number; 0 stores the line as it is.
    raw = b"".join(
        b"\x00" + large.pixels[at : at + stride] for at in range(0, len(large.pixels), stride)
    )
    header = struct.pack(">IIBBBBB", large.width, large.height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(raw, 6)), (b"IEND", b""))
    return _PNG_SIGNATURE + b"".join(_chunk(kind, data) for kind, data in chunks)


def encode_gif(frames: Sequence[Frame], *, frame_ms: int, look: Look = LED) -> bytes:
    """The frames as an endless GIF; needs Pillow, which only developers install."""
    try:
        from PIL import Image  # noqa: PLC0415 - an optional package
    except ImportError as error:
        raise HardwareError("writing a GIF needs the package Pillow") from error
    if not frames:
        raise ValueError("a GIF needs at least one frame")
    large = [enlarge(frame, look) for frame in frames]
    images = [Image.frombytes("RGB", (one.width, one.height), one.pixels) for one in large]
    target = io.BytesIO()
    images[0].save(
        target,
        format="GIF",
        save_all=True,
        append_images=images[1:],
        duration=frame_ms,
        loop=0,
    )
    return target.getvalue()


def enlarge(frame: Frame, look: Look) -> Frame:
    """The frame with every pixel drawn as a cell of pitch × pitch."""
    if look == PLAIN:
        return frame
    stride = 3 * frame.width
    lines: list[bytes] = []
    for at in range(0, len(frame.pixels), stride):
        row = frame.pixels[at : at + stride]
        lights = [row[x : x + 3] for x in range(0, stride, 3)]
        lines += [_scan_line(lights, run, look) for run in _dot_runs(look)]
    return Frame(frame.width * look.pitch, frame.height * look.pitch, b"".join(lines))


def _dot_runs(look: Look) -> list[int]:
    """How many picture pixels of each scan line of a cell belong to the light."""
    if not look.round_dots:
        return [look.pitch] * look.pitch
    radius = 0.42 * look.pitch
    offsets = [line + 0.5 - look.pitch / 2 for line in range(look.pitch)]
    chords = [2 * math.sqrt(max(0.0, radius**2 - dy**2)) for dy in offsets]
    # The run keeps the parity of the pitch so that the light stays centred.
    return [round((chord - look.pitch % 2) / 2) * 2 + look.pitch % 2 for chord in chords]


def _scan_line(lights: list[bytes], run: int, look: Look) -> bytes:
    width = max(0, run)
    margin = _PANEL * ((look.pitch - width) // 2)
    unlit = _UNLIT if look.round_dots else bytes(3)
    dots = [(unlit if light == b"\x00\x00\x00" else light) * width for light in lights]
    return b"".join(margin + dot + margin for dot in dots)


def _chunk(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


class PngDisplay:
    """Keeps one PNG file up to date, for a page or a picture frame that polls it.

    The file is replaced in one step, so a reader never sees half a picture.
    """

    def __init__(self, size: Size, *, path: Path, look: Look = LED) -> None:
        self.caps = Caps(size.rows, size.columns, "rgb", max_fps=2)
        self._path = path
        self._look = look
        self._tally = Tally("png")
        self._last: Frame | None = None

    @property
    def status(self) -> DriverStatus:
        return self._tally.status()

    async def open(self) -> None:
        if not await trio.Path(self._path.parent).is_dir():
            self._tally.down(f"{self._path.parent} is not a folder")
            raise HardwareError(f"{self._path.parent} is not a folder")
        self._tally.up()

    async def show(self, frame: Frame) -> None:
        self.caps.require(frame)
        if frame == self._last:
            return
        try:
            await trio.to_thread.run_sync(self._replace, frame)
        except OSError as error:
            self._tally.down(str(error))
            return
        self._last = frame
        self._tally.up()
        self._tally.frames_sent += 1

    async def indicate(self, lamps: Lamps) -> None:
        """The picture has no lamps."""

    async def blank(self) -> None:
        await self.show(Frame.dark(self.caps.size))

    async def close(self) -> None:
        if self._tally.connected:
            await self.blank()
        self._tally.connected = False

    def _replace(self, frame: Frame) -> None:
        fresh = self._path.with_suffix(".new")
        fresh.write_bytes(encode_png(frame, self._look))
        fresh.replace(self._path)
