"""Pictures of frames, checked with an independent decoder."""

import io
from pathlib import Path

import pytest
from PIL import Image

from hw.picture import LED, PLAIN, Look, PngDisplay, encode_gif, encode_png, enlarge
from hw.port import Frame, HardwareError, Size

RED, DARK = b"\xff\x00\x00", b"\x00\x00\x00"
FRAME = Frame(2, 1, RED + DARK)


def names_in(folder: Path) -> list[str]:
    return [one.name for one in folder.iterdir()]


def test_a_plain_png_holds_exactly_the_pixels() -> None:
    frame = Frame(4, 3, bytes(range(36)))
    image = Image.open(io.BytesIO(encode_png(frame)))
    assert (image.mode, image.size) == ("RGB", (4, 3))
    assert image.tobytes() == frame.pixels


def test_a_large_png_draws_round_lights_on_a_dark_panel() -> None:
    image = Image.open(io.BytesIO(encode_png(FRAME, LED)))
    assert image.size == (24, 12)
    assert image.getpixel((6, 6)) == (255, 0, 0)
    assert image.getpixel((0, 0)) == (12, 12, 14)
    assert image.getpixel((18, 6)) == (30, 30, 34)


@pytest.mark.parametrize("pitch", range(1, 20))
@pytest.mark.parametrize("round_dots", [True, False])
def test_every_pitch_fills_its_cell(pitch: int, round_dots: bool) -> None:
    large = enlarge(FRAME, Look(pitch=pitch, round_dots=round_dots))
    assert (large.width, large.height) == (2 * pitch, pitch)


def test_square_pixels_are_only_repeated() -> None:
    assert enlarge(FRAME, Look(pitch=2)).pixels == (RED * 2 + DARK * 2) * 2


def test_a_gif_holds_every_frame_and_repeats_for_ever() -> None:
    frames = [FRAME, Frame(2, 1, DARK + RED), FRAME]
    image = Image.open(io.BytesIO(encode_gif(frames, frame_ms=50, look=PLAIN)))
    assert getattr(image, "n_frames", 1) == 3
    assert image.info["loop"] == 0


def test_a_gif_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        encode_gif([], frame_ms=50)


def test_a_pitch_out_of_bounds_is_refused() -> None:
    with pytest.raises(ValueError, match="1–64"):
        Look(pitch=0)


async def test_the_picture_file_follows_the_frames(tmp_path: Path) -> None:
    path = tmp_path / "matrix.png"
    display = PngDisplay(Size(1, 2), path=path, look=PLAIN)
    await display.open()
    await display.show(FRAME)
    await display.show(FRAME)
    assert display.status.frames_sent == 1
    assert Image.open(path).tobytes() == FRAME.pixels
    await display.close()
    assert Image.open(path).tobytes() == bytes(6)
    assert names_in(tmp_path) == ["matrix.png"]


async def test_a_missing_folder_is_refused_at_the_start(tmp_path: Path) -> None:
    display = PngDisplay(Size(1, 2), path=tmp_path / "absent" / "matrix.png")
    with pytest.raises(HardwareError, match="not a folder"):
        await display.open()
