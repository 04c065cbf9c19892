"""The matrix as coloured half blocks in the top lines of a terminal: demo and development.

Each character cell shows two pixels, the upper one as its foreground and the lower one as its
background. The rest of the screen becomes a scrolling region, so log lines keep their place.
"""

import sys
from collections.abc import Iterator
from typing import TextIO

import trio

from hw.port import Caps, DriverStatus, Frame, Lamps, Size, Tally

WRITE_DEADLINE_S = 1.0

_ESC = "\x1b["
_RESET = f"{_ESC}0m"


def _place(line: int) -> str:
    return f"{_ESC}{line};1H"


def _colour(layer: int, rgb: bytes) -> str:
    return f"{_ESC}{layer};2;{rgb[0]};{rgb[1]};{rgb[2]}m"


def half_block_lines(frame: Frame) -> list[str]:
    """The frame as one string per character line, with colour codes only where they change."""
    stride = 3 * frame.width
    padded = frame.pixels + bytes(stride * (frame.height % 2))
    return [
        "".join(_cells(padded[at : at + stride], padded[at + stride : at + 2 * stride])) + _RESET
        for at in range(0, len(padded), 2 * stride)
    ]


def _cells(upper: bytes, lower: bytes) -> Iterator[str]:
    ink, paper = b"", b""
    for at in range(0, len(upper), 3):
        top, bottom = upper[at : at + 3], lower[at : at + 3]
        if top != ink:
            yield _colour(38, top)
        if bottom != paper:
            yield _colour(48, bottom)
        ink, paper = top, bottom
        yield "▀"


def lamp_line(lamps: Lamps) -> str:
    return f"{_colour(38, bytes(lamps.led3))}● {_colour(38, bytes(lamps.led4))}●{_RESET}"


class TerminalDisplay:
    """Repaints only the lines that changed; silent when the stream is no terminal.

    Writing happens in a worker thread under a deadline, because a terminal stopped by its
    user (Ctrl-S) would otherwise stop the whole program. While a write hangs, frames are
    dropped, and the next one that gets through repaints everything.
    """

    def __init__(self, size: Size, *, stream: TextIO | None = None, force: bool = False) -> None:
        self.caps = Caps(size.rows, size.columns, "rgb", max_fps=20)
        self._stream = sys.stdout if stream is None else stream
        self._force = force
        self._tally = Tally("terminal")
        self._painted: dict[int, str] = {}
        self._limiter = trio.CapacityLimiter(1)
        self._lamps = Lamps()

    @property
    def status(self) -> DriverStatus:
        return self._tally.status()

    @property
    def _lamp_row(self) -> int:
        return (self.caps.rows + 1) // 2 + 1

    async def open(self) -> None:
        if not (self._force or self._stream.isatty()):
            self._tally.down("the stream is not a terminal")
            return
        self._tally.up()
        cleared = "".join(f"{_place(line)}{_ESC}2K" for line in range(1, self._lamp_row + 1))
        below = self._lamp_row + 1
        await self._write(f"{_ESC}?25l{cleared}{_ESC}{below}r{_place(below)}")

    async def show(self, frame: Frame) -> None:
        self.caps.require(frame)
        if self._tally.connected and await self._paint(self._lines(frame)):
            self._tally.frames_sent += 1

    async def indicate(self, lamps: Lamps) -> None:
        self._lamps = lamps
        if self._tally.connected:
            await self._paint({self._lamp_row: lamp_line(lamps)})

    async def blank(self) -> None:
        await self.show(Frame.dark(self.caps.size))

    async def close(self) -> None:
        if not self._tally.connected:
            return
        self._tally.connected = False
        cleared = "".join(f"{_place(line)}{_ESC}2K" for line in range(1, self._lamp_row + 1))
        # Resetting the region moves the cursor home, so its place is saved around it.
        with trio.CancelScope(shield=True):
            await self._write(f"\x1b7{_ESC}r{cleared}\x1b8{_RESET}{_ESC}?25h")

    def _lines(self, frame: Frame) -> dict[int, str]:
        lines = dict(enumerate(half_block_lines(frame), start=1))
        lines[self._lamp_row] = lamp_line(self._lamps)
        return lines

    async def _paint(self, lines: dict[int, str]) -> bool:
        changed = {row: text for row, text in lines.items() if self._painted.get(row) != text}
        if not changed:
            return True
        body = "".join(f"{_place(row)}{text}" for row, text in changed.items())
        if not await self._write(f"\x1b7{body}\x1b8"):
            self._painted = {}
            return False
        self._painted |= changed
        return True

    async def _write(self, text: str) -> bool:
        """Write in a thread; False when the terminal did not take it in time."""
        with trio.move_on_after(WRITE_DEADLINE_S):
            try:
                await trio.to_thread.run_sync(
                    self._write_now, text, abandon_on_cancel=True, limiter=self._limiter
                )
            except (OSError, ValueError) as error:  # ValueError: the stream was closed
                self._tally.down(str(error))
                return False
            self._tally.last_error = None
            return True
        self._tally.last_error = f"the terminal took no output for {WRITE_DEADLINE_S} s"
        return False

    def _write_now(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
