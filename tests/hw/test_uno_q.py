"""The UNO Q display against the stub router."""

import re
from pathlib import Path

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from hw import uno_q
from hw.msgpack_rpc import MAX_MESSAGE_BYTES, encode
from hw.port import KEEPALIVE_S, Frame, HardwareError, Lamps, Size
from hw.uno_q import UnoQDisplay, level_table, pack_levels
from tests.hw.router import Router, running_router

SIZE = Size(8, 13)
WAIT_S = 10.0


def lit(value: int) -> Frame:
    return Frame(13, 8, bytes((value,)) * 312)


async def opened(router: Router) -> UnoQDisplay:
    display = UnoQDisplay(socket=router.path)
    await display.open()
    return display


async def note(router: Router, count: int) -> None:
    """Wait until the router has seen `count` notifications."""
    with trio.fail_after(WAIT_S):
        while len(router.notes) < count:
            router.noted = trio.Event()
            await router.noted.wait()


@given(brightness=st.integers(1, 255))
def test_levels_rise_and_keep_everything_lit_visible(brightness: int) -> None:
    table = level_table(brightness)
    assert list(table) == sorted(table)
    assert table[0] == 0
    assert max(table) <= 5
    assert all(table[value] for value in range(256) if value * brightness >= 255)


def test_the_levels_cover_the_panel() -> None:
    assert set(level_table(255)) == {0, 1, 2, 3, 4, 5}


@given(levels=st.binary(max_size=104).map(lambda data: bytes(one % 8 for one in data)))
def test_packed_levels_unpack_again(levels: bytes) -> None:
    packed = pack_levels(levels)
    halves = [half for byte in packed for half in (byte >> 4, byte & 15)]
    assert bytes(halves[: len(levels)]) == levels
    assert len(packed) == (len(levels) + 1) // 2


@given(sequence=st.integers(0, 65535), packed=st.binary(min_size=52, max_size=52))
def test_a_frame_message_stays_far_below_the_limit(sequence: int, packed: bytes) -> None:
    assert len(encode([2, "ind.frame", [sequence, packed]])) < MAX_MESSAGE_BYTES // 2


def test_the_sketch_speaks_the_same_protocol() -> None:
    sketch = Path(uno_q.__file__).with_name("uno_q_sketch") / "uno_q_sketch.ino"
    text = sketch.read_text(encoding="utf-8")
    constants = dict(re.findall(r"static const \w+ (\w+) = (\d+);", text))
    assert int(constants["PROTOCOL"]) == uno_q.PROTOCOL
    assert (int(constants["ROWS"]), int(constants["COLUMNS"])) == (SIZE.rows, SIZE.columns)
    assert int(constants["LEVELS"]) == uno_q.LEVELS
    assert int(constants["STATE_BYTES"]) == uno_q.STATE.size
    assert set(re.findall(r'Bridge\.\w+\("(.+?)"', text)) == {
        f"ind.{name}" for name in ("hello", "state", "frame", "clear", "ready")
    }


async def test_opening_registers_and_greets_the_sketch(tmp_path: Path) -> None:
    async with running_router(tmp_path) as router:
        display = await opened(router)
        assert router.calls == ["$/register", "ind.hello"]
        assert display.status.connected
        await display.close()
        assert router.calls[-1] == "ind.clear"
        assert not display.status.connected


async def test_a_booting_sketch_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uno_q, "PING_PAUSE_S", 0.0)
    async with running_router(tmp_path) as router:
        router.refusals["ind.hello"] = [[2, "method not available"]] * 3
        display = await opened(router)
        assert router.calls.count("ind.hello") == 4
        await display.close()


@pytest.mark.parametrize(
    ("hello", "complaint"),
    [
        ([2, "2.0", 8, 13, 8], "protocol 2"),
        ([1, "1.0", 5, 8, 8], "matrix of 5×8"),
        ([1, "1.0", 8, 13, 2], "2 levels"),
        ("hi", "answered 'hi'"),
    ],
)
async def test_a_sketch_that_does_not_fit_is_refused(
    tmp_path: Path, hello: object, complaint: str
) -> None:
    async with running_router(tmp_path) as router:
        router.results["ind.hello"] = hello
        display = UnoQDisplay(socket=router.path)
        with pytest.raises(HardwareError, match=complaint):
            await display.open()
        assert complaint in (display.status.last_error or "")


async def test_a_missing_router_is_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(HardwareError, match="no router"):
        await UnoQDisplay(socket=tmp_path / "absent.sock").open()


async def test_a_frame_arrives_as_packed_levels_and_a_repeated_one_does_not(
    tmp_path: Path,
) -> None:
    async with running_router(tmp_path) as router:
        display = await opened(router)
        await display.show(lit(255))
        await display.show(lit(255))
        await display.show(lit(0))
        await note(router, 2)
        assert [one[1:] for one in router.notes] == [
            ["ind.frame", [1, b"\x55" * 52]],
            ["ind.frame", [2, bytes(52)]],
        ]
        assert display.status.frames_sent == 2
        assert router.largest <= MAX_MESSAGE_BYTES
        await display.close()


async def test_lamps_travel_in_the_state_and_only_on_change(tmp_path: Path) -> None:
    async with running_router(tmp_path) as router:
        display = await opened(router)
        await display.show(lit(0))
        await display.indicate(Lamps(led3=(0, 0, 255)))
        await display.indicate(Lamps(led3=(0, 0, 255)))
        assert router.calls.count("ind.state") == 2
        await display.close()


async def test_the_state_is_repeated_as_a_sign_of_life(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr(trio, "current_time", lambda: now)
    async with running_router(tmp_path) as router:
        display = await opened(router)
        await display.show(lit(9))
        now += KEEPALIVE_S / 2
        await display.show(lit(9))
        assert router.calls.count("ind.state") == 1
        now += KEEPALIVE_S
        await display.show(lit(9))
        assert router.calls.count("ind.state") == 2
        await note(router, 2)
        await display.close()


async def test_while_a_call_hangs_only_the_newest_frame_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_router(tmp_path) as router:
        display = await opened(router)
        router.mute = {"ind.state"}
        async with trio.open_nursery() as nursery:
            nursery.start_soon(display.show, lit(10))
            with trio.fail_after(WAIT_S):
                while "ind.state" not in router.calls:
                    await trio.lowlevel.checkpoint()
            await display.show(lit(100))
            await display.show(lit(255))
            await router.push([1, 2, None, True])
        await note(router, 1)
        assert [one[2][1] for one in router.notes] == [b"\x55" * 52]
        await display.close()


async def test_a_lost_router_is_survived_and_found_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uno_q, "FIRST_RETRY_S", 0.0)
    async with running_router(tmp_path) as router:
        display = await opened(router)
        router.drop_on = {"ind.state"}
        await display.show(lit(255))
        assert not display.status.connected
        assert "router" in (display.status.last_error or "")
        router.drop_on = set()
        await display.show(lit(255))
        assert display.status.connected
        assert router.connections == 2
        assert router.calls.count("$/register") == 2
        await note(router, 1)
        await display.close()


async def test_a_silent_sketch_counts_as_lost_and_is_left_alone_for_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uno_q, "PING_DEADLINE_S", 0.02)
    async with running_router(tmp_path) as router:
        display = await opened(router)
        router.mute = {"ind.state"}
        await display.show(lit(255))
        await display.show(lit(255))
        assert "no answer" in (display.status.last_error or "")
        assert router.connections == 1
        await display.close()


async def test_a_sketch_that_started_anew_is_greeted_again(tmp_path: Path) -> None:
    async with running_router(tmp_path) as router:
        display = await opened(router)
        await router.push([2, "ind.ready", []])
        router.results["ind.hello"] = [2, "2.0", 8, 13, 8]
        await display.show(lit(255))
        assert "protocol 2" in (display.status.last_error or "")
        await display.close()


async def test_nothing_is_sent_after_closing(tmp_path: Path) -> None:
    async with running_router(tmp_path) as router:
        display = await opened(router)
        await display.close()
        await display.show(lit(255))
        await display.close()
        assert router.notes == []
