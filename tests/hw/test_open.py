"""The driver a configuration names, and the one found on the board."""

import socket
from pathlib import Path

import pytest

from hw.detect import detect
from hw.open import DRIVERS, make_display
from hw.port import Frame, HardwareError, Size


@pytest.mark.parametrize("driver", DRIVERS)
def test_every_named_driver_can_be_made(driver: str, tmp_path: Path) -> None:
    display = make_display(driver, rows=8, columns=13, png_path=tmp_path / "matrix.png")
    assert display.caps.size == Size(8, 13)
    assert display.caps.max_fps <= 30
    assert not display.status.connected
    if driver != "auto":
        assert display.status.kind == driver


def test_a_misspelt_driver_is_refused_with_a_suggestion() -> None:
    with pytest.raises(HardwareError, match="did you mean 'terminal'"):
        make_display("terminl", rows=8, columns=8)
    with pytest.raises(HardwareError, match="one of auto"):
        make_display("zzz", rows=8, columns=8)


def test_the_picture_needs_a_path() -> None:
    with pytest.raises(HardwareError, match="path"):
        make_display("png", rows=8, columns=8)


def test_an_empty_board_has_no_display(tmp_path: Path) -> None:
    assert detect(tmp_path) == "null"


def test_a_bus_that_may_be_written_drives_lights(tmp_path: Path) -> None:
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/spidev0.0").touch()
    assert detect(tmp_path) == "spi"


def test_a_router_outranks_a_bus(tmp_path: Path) -> None:
    for folder in ("dev", "var/run"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "dev/spidev0.0").touch()
    with socket.socket(socket.AF_UNIX) as router:
        router.bind(str(tmp_path / "var/run/arduino-router.sock"))
        assert detect(tmp_path) == "unoq"


def test_brightness_dims_the_lights() -> None:
    lit = Frame(8, 8, b"\x80" * 192)
    wires = [
        make_display("spi", rows=8, columns=8, brightness=one, limit_ma=9000) for one in (60, 255)
    ]
    dim, bright = [getattr(wire, "wire_bytes")(lit) for wire in wires]  # noqa: B009
    assert max(dim) < max(bright)
