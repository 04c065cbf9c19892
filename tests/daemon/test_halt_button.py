"""The halt button: the switch at once, the latch as soon as somebody can write it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import trio
import trio.testing

from daemon import halt_button
from daemon.config import HaltConfig
from daemon.halt_button import HaltButton, open_configured
from ledger.errors import ActorUnavailable, StartError
from wire.health import Health
from wire.kill_switch import KillSwitch
from wire.mailbox import AskBox, serving
from wire.messages import RaiseLatch

BEFORE_ANYONE_ANSWERS = 3


@dataclass(slots=True)
class Finger:
    """Presses a button that is an event."""

    touched: trio.Event = field(default_factory=trio.Event)

    async def pressed(self) -> None:
        await self.touched.wait()
        self.touched = trio.Event()

    def press(self) -> None:
        self.touched.set()


@dataclass(slots=True)
class Bench:
    finger: Finger = field(default_factory=Finger)
    kill: KillSwitch = field(default_factory=lambda: KillSwitch(lambda: False))
    schedule: AskBox = field(default_factory=lambda: AskBox("schedule"))
    halt: HaltButton = field(init=False)

    def __post_init__(self) -> None:
        self.kill.follow(latched=False)
        self.halt = HaltButton(self.finger, self.kill, self.schedule, Health())

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        async with trio.open_nursery() as nursery:
            await nursery.start(self.halt.run)
            yield
            nursery.cancel_scope.cancel()

    async def press(self) -> None:
        self.finger.press()
        await trio.testing.wait_all_tasks_blocked()

    async def commit(self) -> RaiseLatch:
        """What schedule does with the next ask: write the latch, then let the switch follow it."""
        ask = await self.schedule.receive()
        async with serving(ask):
            self.kill.follow(latched=True)
            ask.slot.answer(())
        await trio.testing.wait_all_tasks_blocked()
        assert isinstance(ask.request, RaiseLatch)
        return ask.request


async def test_s4_a_press_stops_orders_before_anything_is_asked() -> None:
    bench = Bench()
    async with bench.running():
        assert not bench.kill.engaged
        bench.finger.press()
        while not bench.halt.owed:
            await trio.lowlevel.checkpoint()
        assert bench.kill.engaged


async def test_s4_a_press_becomes_a_latch_of_the_owner() -> None:
    bench = Bench()
    async with bench.running():
        await bench.press()
        latch = await bench.commit()
        assert (latch.name, latch.by) == ("owner", "button")
        assert "halt button" in latch.reason
        assert not bench.halt.owed
        # From here on the store speaks: when the owner resumes, orders may leave again.
        bench.kill.follow(latched=False)
        assert not bench.kill.engaged


async def test_s4_until_the_latch_is_committed_no_older_view_releases_the_switch() -> None:
    bench = Bench()
    async with bench.running():
        await bench.press()
        bench.kill.follow(latched=False)
        assert bench.kill.engaged


async def test_a_halt_is_asked_for_until_somebody_answers(
    autojump_clock: trio.testing.MockClock,
) -> None:
    bench = Bench()
    async with bench.running():
        await bench.press()
        await trio.sleep(BEFORE_ANYONE_ANSWERS * 2.5)
        assert bench.halt.owed
        await bench.commit()
        assert not bench.halt.owed


async def test_an_answer_that_is_an_error_is_no_latch(
    autojump_clock: trio.testing.MockClock,
) -> None:
    bench = Bench()
    async with bench.running():
        await bench.press()
        ask = await bench.schedule.receive()
        ask.slot.refuse(ActorUnavailable("restarting"))
        await trio.testing.wait_all_tasks_blocked()
        assert bench.halt.owed
        await bench.commit()
        assert not bench.halt.owed


async def test_a_press_nobody_could_write_is_kept_across_a_restart(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(halt_button, "TRIES", 2)
    bench = Bench()
    bench.finger.press()
    with pytest.raises(ActorUnavailable):
        await bench.halt.run()
    assert bench.kill.engaged
    async with bench.running():
        await bench.commit()
        assert not bench.halt.owed


def test_a_button_that_cannot_be_heard_ends_the_start(tmp_path: Path) -> None:
    chip = tmp_path / "gpiochip7"
    with (
        pytest.raises(StartError, match=rf"\[halt\] pin = 17: .*{chip}.*gpiod"),
        open_configured(HaltConfig(17, chip)),
    ):
        pass


def test_without_a_pin_there_is_no_button(tmp_path: Path) -> None:
    with open_configured(HaltConfig(None, tmp_path)) as button:
        assert button is None
