"""The bus encoding, decoded again bit by bit."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw.spi import RESET_BYTES, SpiStrip, configure, encode


def decode(bus: bytes) -> bytes:
    """Undo the encoding: three bus bits per data bit, green first."""
    bits = "".join(f"{byte:08b}" for byte in bus[1:-RESET_BYTES])
    symbols = {"110": "1", "100": "0"}
    data = "".join(symbols[bits[at : at + 3]] for at in range(0, len(bits), 3))
    wire = bytes(int(data[at : at + 8], 2) for at in range(0, len(data), 8))
    pixels = bytearray(len(wire))
    pixels[1::3], pixels[0::3], pixels[2::3] = wire[0::3], wire[1::3], wire[2::3]
    return bytes(pixels)


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@given(triples=st.lists(st.binary(min_size=3, max_size=3), max_size=40))
def test_every_frame_survives_the_bus(triples: list[bytes]) -> None:
    pixels = b"".join(triples)
    bus = encode(pixels)
    assert bus[0] == 0
    assert bus.endswith(bytes(RESET_BYTES))
    assert decode(bus) == pixels


def test_a_panel_of_256_lights_fits_the_default_transfer() -> None:
    assert len(encode(bytes(768))) <= 4096


def test_the_strip_writes_one_transfer_per_frame(tmp_path: Path) -> None:
    device = tmp_path / "bus"
    device.touch()
    seen: list[int] = []
    strip = SpiStrip(device, setup=seen.append)
    strip.write(b"\x01\x02\x03")
    strip.close()
    assert device.read_bytes() == encode(b"\x01\x02\x03")
    assert len(seen) == 1


def test_a_file_that_is_no_bus_is_refused_and_closed(tmp_path: Path) -> None:
    device = tmp_path / "plain"
    device.touch()
    before = open_files()
    with pytest.raises(OSError, match="ioctl"):
        SpiStrip(device, setup=configure)
    assert open_files() == before
