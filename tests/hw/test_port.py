"""What every driver promises, on those that need no device; and the values of the port."""

import io
from pathlib import Path

import pytest

from hw.null import NullDisplay
from hw.picture import PngDisplay
from hw.port import Display, Frame, Lamps, Size
from hw.terminal import TerminalDisplay

SIZE = Size(2, 3)
LIT = Frame(3, 2, bytes(range(18)))


@pytest.fixture(params=["null", "terminal", "png"])
def display(request: pytest.FixtureRequest, tmp_path: Path) -> Display:
    made: dict[str, Display] = {
        "null": NullDisplay(SIZE),
        "terminal": TerminalDisplay(SIZE, stream=io.StringIO(), force=True),
        "png": PngDisplay(SIZE, path=tmp_path / "matrix.png"),
    }
    return made[request.param]


async def test_a_display_opens_shows_and_closes(display: Display) -> None:
    assert not display.status.connected
    await display.open()
    assert display.status.connected
    await display.show(LIT)
    await display.indicate(Lamps(led3=(0, 0, 255)))
    await display.blank()
    assert display.status.frames_sent >= 1
    assert display.status.last_error is None
    await display.close()
    assert not display.status.connected


async def test_closing_twice_or_unopened_is_harmless(display: Display) -> None:
    await display.close()
    await display.open()
    await display.close()
    await display.close()


async def test_a_frame_of_another_size_is_refused(display: Display) -> None:
    await display.open()
    with pytest.raises(ValueError, match="on a display of 2×3"):
        await display.show(Frame.dark(Size(3, 2)))


def test_a_frame_with_too_few_bytes_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="needs 18 bytes, got 17"):
        Frame(3, 2, bytes(17))


@pytest.mark.parametrize(("rows", "columns"), [(0, 8), (8, 0), (257, 8)])
def test_a_size_out_of_bounds_cannot_be_made(rows: int, columns: int) -> None:
    with pytest.raises(ValueError, match="1–256"):
        Size(rows, columns)


async def test_the_null_display_remembers_the_newest_frame() -> None:
    null = NullDisplay(SIZE)
    await null.show(LIT)
    assert null.last == LIT
    await null.indicate(Lamps(led4=(1, 2, 3)))
    assert null.lamps.led4 == (1, 2, 3)
