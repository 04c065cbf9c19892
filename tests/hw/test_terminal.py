"""The terminal driver, read back from an in-memory stream."""

import io
import threading

import pytest

from hw import terminal
from hw.port import Frame, Lamps, Size
from hw.terminal import TerminalDisplay, half_block_lines

RED, DARK = b"\xff\x00\x00", b"\x00\x00\x00"


def made(rows: int = 4, columns: int = 2) -> tuple[TerminalDisplay, io.StringIO]:
    stream = io.StringIO()
    return TerminalDisplay(Size(rows, columns), stream=stream, force=True), stream


def drain(stream: io.StringIO) -> str:
    text = stream.getvalue()
    stream.seek(0)
    stream.truncate()
    return text


def test_one_character_shows_two_pixels() -> None:
    [line] = half_block_lines(Frame(1, 2, RED + bytes((1, 2, 3))))
    assert line == "\x1b[38;2;255;0;0m\x1b[48;2;1;2;3m▀\x1b[0m"


def test_colour_codes_are_not_repeated() -> None:
    [line] = half_block_lines(Frame(3, 2, RED * 6))
    assert line.count("38;2") == 1
    assert line.count("48;2") == 1
    assert line.count("▀") == 3


def test_an_odd_last_row_gets_a_dark_partner() -> None:
    lines = half_block_lines(Frame(1, 3, RED * 3))
    assert len(lines) == 2
    assert "48;2;0;0;0" in lines[1]


async def test_nothing_is_written_when_the_stream_is_no_terminal() -> None:
    stream = io.StringIO()
    display = TerminalDisplay(Size(4, 2), stream=stream)
    await display.open()
    await display.show(Frame.dark(Size(4, 2)))
    await display.close()
    assert stream.getvalue() == ""
    assert display.status.last_error == "the stream is not a terminal"


async def test_only_changed_lines_are_repainted_in_place() -> None:
    display, stream = made()
    await display.open()
    await display.show(Frame.dark(Size(4, 2)))
    drain(stream)
    await display.show(Frame(2, 4, DARK * 4 + RED * 4))
    painted = drain(stream)
    assert "\x1b[2;1H" in painted
    assert "\x1b[1;1H" not in painted
    assert "\n" not in painted


async def test_an_identical_frame_writes_nothing() -> None:
    display, stream = made()
    await display.open()
    await display.show(Frame.dark(Size(4, 2)))
    drain(stream)
    await display.show(Frame.dark(Size(4, 2)))
    assert drain(stream) == ""


async def test_the_cursor_returns_after_each_repaint() -> None:
    display, stream = made()
    await display.open()
    drain(stream)
    await display.show(Frame(2, 4, RED * 8))
    painted = drain(stream)
    assert painted.startswith("\x1b7")
    assert painted.endswith("\x1b8")


async def test_the_lamps_stand_below_the_matrix() -> None:
    display, stream = made()
    await display.open()
    drain(stream)
    await display.indicate(Lamps(led3=(0, 0, 255)))
    assert "\x1b[3;1H\x1b[38;2;0;0;255m●" in drain(stream)


async def test_closing_restores_region_colours_and_cursor() -> None:
    display, stream = made()
    await display.open()
    opened = drain(stream)
    assert "\x1b[?25l" in opened
    assert "\x1b[4r" in opened
    await display.close()
    closed = drain(stream)
    assert "\x1b[r" in closed
    assert closed.endswith("\x1b[0m\x1b[?25h")


class Stuck(io.StringIO):
    """A terminal whose user pressed Ctrl-S."""

    def __init__(self) -> None:
        super().__init__()
        self.released = threading.Event()

    def write(self, text: str) -> int:
        self.released.wait(5)
        return super().write(text)


async def test_a_stopped_terminal_does_not_stop_the_program(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(terminal, "WRITE_DEADLINE_S", 0.02)
    stream = Stuck()
    display = TerminalDisplay(Size(4, 2), stream=stream, force=True)
    await display.open()
    await display.show(Frame.dark(Size(4, 2)))
    assert "took no output" in (display.status.last_error or "")
    assert display.status.frames_sent == 0
    stream.released.set()
    monkeypatch.setattr(terminal, "WRITE_DEADLINE_S", 5.0)
    await display.show(Frame.dark(Size(4, 2)))
    assert display.status.frames_sent == 1


async def test_a_closed_stream_is_reported_not_raised() -> None:
    display, stream = made()
    await display.open()
    stream.close()
    await display.show(Frame.dark(Size(4, 2)))
    assert not display.status.connected
    assert "closed file" in (display.status.last_error or "")
