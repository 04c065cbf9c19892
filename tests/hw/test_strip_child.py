"""The helper process: newest frame, silence, a lost parent, a missing device."""

import itertools
import shutil
import signal
import socket
import struct
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from hw import helper as hw_helper
from hw import ws281x
from hw.helper import Helper
from hw.port import Frame, HardwareError, Size
from hw.strip_child import Inbox, Options, channel_of
from hw.ws281x import StripDisplay, StripSettings

SIZE = Size(1, 2)
WAIT_S = 20.0


class Panel:
    """The far end of the stand-in: what the lights were told."""

    def __init__(self, folder: Path) -> None:
        shutil.copy(Path(__file__).with_name("standin_strip.py"), folder)
        self._socket = trio.socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._address = str(folder / "standin.sock")
        self.folder = folder

    async def listen(self) -> "Panel":
        await self._socket.bind(self._address)
        return self

    async def shown(self) -> bytes:
        with trio.fail_after(WAIT_S):
            return await self._socket.recv(4096)

    def close(self) -> None:
        self._socket.close()

    def options(self, *, pin: int = 18, silence_s: float = 60.0) -> Options:
        return Options(
            kind="ws281x",
            count=2,
            pin=pin,
            silence_s=silence_s,
            module="standin_strip",
            module_path=str(self.folder),
        )


@pytest.fixture
async def panel(tmp_path: Path) -> AsyncIterator[Panel]:
    made = await Panel(tmp_path).listen()
    yield made
    made.close()


def message(payload: bytes, sequence: int = 0) -> bytes:
    return struct.pack(">II", len(payload), sequence) + payload


@given(
    frames=st.lists(st.binary(max_size=20), min_size=1, max_size=6),
    cuts=st.lists(st.integers(0, 150), max_size=5),
)
def test_the_newest_whole_frame_survives_any_fragmentation(
    frames: list[bytes], cuts: list[int]
) -> None:
    stream = b"".join(message(frame, number) for number, frame in enumerate(frames))
    edges = sorted({0, len(stream), *(min(cut, len(stream)) for cut in cuts)})
    inbox = Inbox()
    seen = [inbox.feed(stream[start:stop]) for start, stop in itertools.pairwise(edges)]
    assert next(frame for frame in reversed(seen) if frame is not None) == frames[-1]


def test_of_several_frames_read_at_once_only_the_newest_is_shown() -> None:
    assert Inbox().feed(message(b"old") + message(b"new") + b"\x00\x00") == b"new"


def test_an_absurd_length_is_refused() -> None:
    with pytest.raises(ValueError, match="was announced"):
        Inbox().feed(b"\xff" * 8)


def test_the_second_pwm_needs_the_second_channel() -> None:
    assert [channel_of(pin) for pin in (12, 18, 13, 19, 21, 10)] == [0, 0, 1, 1, 0, 0]


async def test_frames_reach_the_lights_and_closing_blanks_them(panel: Panel) -> None:
    settings = StripSettings(limit_ma=60_000)
    display = StripDisplay(SIZE, options=panel.options(), settings=settings)
    await display.open()
    await display.show(Frame(2, 1, b"\xff\x00\x00\x00\x00\xff"))
    assert await panel.shown() == b"\xff\x00\x00\x00\x00\xff"
    assert display.status.frames_sent == 1
    await display.close()
    assert await panel.shown() == bytes(6)
    await display.show(Frame.dark(SIZE))
    assert not display.status.connected


async def test_silence_blanks_the_panel_once(panel: Panel) -> None:
    helper = Helper(panel.options(silence_s=0.02))
    await helper.start()
    await helper.send(b"\x09" * 6)
    assert await panel.shown() == b"\x09" * 6
    assert await panel.shown() == bytes(6)
    await helper.send(b"\x08" * 6)
    assert await panel.shown() == b"\x08" * 6
    await helper.stop()


async def test_a_lost_parent_leaves_the_panel_dark(panel: Panel) -> None:
    helper = Helper(panel.options())
    await helper.start()
    await helper.send(b"\x09" * 6)
    assert await panel.shown() == b"\x09" * 6
    assert helper.process is not None
    assert helper.link is not None
    await helper.link.aclose()
    assert await panel.shown() == bytes(6)
    with trio.fail_after(WAIT_S):
        assert await helper.process.wait() == 0


async def test_a_termination_blanks_the_panel_too(panel: Panel) -> None:
    helper = Helper(panel.options())
    await helper.start()
    await helper.send(b"\x09" * 6)
    assert await panel.shown() == b"\x09" * 6
    assert helper.process is not None
    helper.process.send_signal(signal.SIGTERM)
    assert await panel.shown() == bytes(6)
    await helper.stop()


async def test_a_device_that_cannot_start_says_why(panel: Panel) -> None:
    display = StripDisplay(SIZE, options=panel.options(pin=99))
    with pytest.raises(HardwareError, match="illegal GPIO"):
        await display.open()
    assert "illegal GPIO" in (display.status.last_error or "")


async def test_a_missing_package_says_so() -> None:
    options = Options(kind="ws281x", count=2, module="no_such_strip_module")
    with pytest.raises(HardwareError, match="no_such_strip_module"):
        await Helper(options).start()


async def test_a_missing_launcher_says_so() -> None:
    with pytest.raises(HardwareError, match="did not start"):
        await Helper(Options(kind="spi", count=2), launcher=("/nonexistent/python",)).start()


async def test_a_dead_helper_is_noticed_and_started_again(
    panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ws281x, "FIRST_RETRY_S", 0.0)
    helper = Helper(panel.options())
    display = StripDisplay(SIZE, options=panel.options(), helper=helper)
    lit = Frame(2, 1, b"\xff" * 6)
    await display.open()
    assert helper.process is not None
    helper.process.kill()
    await helper.process.wait()
    await display.show(lit)
    assert not display.status.connected
    assert "ended" in (display.status.last_error or "")
    await display.show(lit)
    assert display.status.connected
    assert display.status.last_error is None
    assert any(await panel.shown())
    await display.close()


async def test_a_helper_that_hangs_is_given_up_and_killed(
    panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hw_helper, "SEND_DEADLINE_S", 0.02)
    monkeypatch.setattr(hw_helper, "STOP_DEADLINE_S", 0.02)
    helper = Helper(panel.options())
    await helper.start()
    process = helper.process
    assert process is not None
    process.send_signal(signal.SIGSTOP)
    with pytest.raises(HardwareError, match="takes no frames"):
        await helper.send(bytes(1 << 20))
    await helper.stop()
    with trio.fail_after(WAIT_S):
        assert await process.wait() == -signal.SIGKILL


async def test_sending_without_a_helper_is_an_error() -> None:
    with pytest.raises(HardwareError, match="not running"):
        await Helper(Options(kind="spi", count=2)).send(b"")


def test_the_dangerous_dma_channel_is_refused() -> None:
    with pytest.raises(ValueError, match="memory card"):
        StripDisplay(SIZE, options=Options(kind="ws281x", count=2, dma=5))


def test_wire_bytes_respect_layout_gamma_and_current() -> None:
    size = Size(8, 32)
    display = StripDisplay(size, options=Options(kind="spi", count=256))
    wire = display.wire_bytes(Frame(32, 8, b"\xff" * 768))
    assert len(wire) == 768
    assert 0 < max(wire) < 30
    corner = bytearray(768)
    corner[3 * 33 : 3 * 33 + 3] = b"\xff\x00\x00"  # second column, second row
    lit = display.wire_bytes(Frame(32, 8, bytes(corner)))
    assert [place // 3 for place, duty in enumerate(lit) if duty] == [14]


def test_settings_out_of_bounds_are_refused() -> None:
    with pytest.raises(ValueError, match="brightness 256: must be"):
        StripSettings(brightness=256)
    with pytest.raises(ValueError, match="limit 0 mA: must be"):
        StripSettings(limit_ma=0)
