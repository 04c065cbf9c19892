"""A push button: one press is one press, and what is missing is said."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import pytest
import trio
import trio.testing

from hw.button import DEBOUNCE_S, LineButton, open_button
from hw.port import HardwareError


class PipeLine:
    """A line whose edges are bytes in a pipe."""

    def __init__(self) -> None:
        self.fd, self._finger = os.pipe()
        self.released = False

    def edge(self, count: int = 1) -> None:
        os.write(self._finger, b"v" * count)

    def read_edge_events(self, max_events: int | None = None) -> list[int]:
        return list(os.read(self.fd, max_events or 64))

    def release(self) -> None:
        self.released = True
        os.close(self.fd)
        os.close(self._finger)


@pytest.fixture
def line() -> Generator[PipeLine]:
    line = PipeLine()
    yield line
    if not line.released:
        line.release()


async def pressed_within(button: LineButton, seconds: float) -> bool:
    with trio.move_on_after(seconds):
        await button.pressed()
        return True
    return False


async def test_a_press_is_heard_at_once(line: PipeLine) -> None:
    button = LineButton(line)
    line.edge()
    before_s = trio.current_time()
    await button.pressed()
    assert trio.current_time() - before_s < DEBOUNCE_S


async def test_a_press_is_waited_for(line: PipeLine) -> None:
    button = LineButton(line)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(button.pressed)
        await trio.testing.wait_all_tasks_blocked()
        line.edge()


async def test_a_bouncing_contact_is_one_press(line: PipeLine) -> None:
    button = LineButton(line)
    line.edge(5)
    assert await pressed_within(button, 1)
    line.edge(3)
    assert not await pressed_within(button, DEBOUNCE_S / 5)


async def test_a_later_press_counts_again(line: PipeLine, autojump_clock: object) -> None:
    button = LineButton(line)
    line.edge()
    await button.pressed()
    await trio.sleep(DEBOUNCE_S)
    line.edge()
    await button.pressed()


async def test_a_cancelled_wait_loses_no_press(line: PipeLine) -> None:
    button = LineButton(line)
    assert not await pressed_within(button, 0.001)
    line.edge()
    assert await pressed_within(button, 1)


def test_closing_gives_the_pin_back(line: PipeLine) -> None:
    LineButton(line).close()
    assert line.released


def test_without_the_package_a_button_is_an_error_that_names_it() -> None:
    with pytest.raises(HardwareError, match=r"pin 17 of /dev/gpiochip0.*no_such_gpio.*\[button\]"):
        open_button(17, package="no_such_gpio")


def test_without_the_chip_a_button_is_an_error_that_names_both(tmp_path: Path) -> None:
    pytest.importorskip("gpiod")
    chip = tmp_path / "gpiochip9"
    with pytest.raises(HardwareError, match=rf"pin 17 of {chip} \(by gpiod\)"):
        open_button(17, chip=chip)
