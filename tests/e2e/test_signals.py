"""Signals: a stop is quick and clean whatever goes on, and a reload disturbs nothing."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
import trio

from tests.e2e import books
from tests.e2e.process import Daemon, Listener, running, until, write_config

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

# Slow enough that an order stays open for a second or two.
SLOW = 5.0
START = "2009-01-05T08:10:00Z"
CLIENTS = 3


async def in_flight(daemon: Daemon) -> bool | None:
    return bool(books.in_flight(daemon.data)) or None


async def next_life(data: Path, config: Path) -> None:
    """Start over the same folder, come to rest, and compare with the exchange."""

    async def settled() -> bool | None:
        return not books.in_flight(data) or None

    async with running(data, config) as daemon:
        await daemon.ready()
        assert (await daemon.trimtab("halt")).code == 0
        await until("the end of every order", settled, within_s=30)
        assert (await daemon.trimtab("sync")).code == 0
        assert await daemon.stop() == 0
    books.assert_files_are_sound(data)
    books.assert_every_order_has_one_intent(data)
    books.assert_every_fill_is_recorded_once(data)
    books.assert_books_equal_the_account(data)
    books.assert_time_only_went_forward(data)


async def test_a_stop_with_readers_and_an_open_order_is_quick_and_clean(tmp_path: Path) -> None:
    data = tmp_path / "data"
    config = write_config(tmp_path / "slow.toml", rate=SLOW, start=START)
    listeners = [Listener() for _ in range(CLIENTS)]
    async with running(data, config) as daemon, trio.open_nursery() as nursery:
        await daemon.ready()
        for listener in listeners:
            await nursery.start(listener.listen, daemon)
        await until("an open order", lambda: in_flight(daemon), within_s=30, every_s=0.01)
        assert await daemon.stop() == 0
        assert daemon.stderr() == ""
        assert daemon.log()[-1]["event"] == "stopped"
        open_orders = books.in_flight(data)
        for listener in listeners:
            with trio.fail_after(5):
                await listener.ended.wait()
    assert open_orders, "the order ended before the stop"
    assert {state for _, state in open_orders} <= {"accepted", "active", "partially_filled"}
    books.assert_files_are_sound(data)
    books.assert_every_order_has_one_intent(data)
    await next_life(data, config)


async def test_a_reload_disturbs_nothing(tmp_path: Path) -> None:
    data = tmp_path / "data"
    config = write_config(tmp_path / "slow.toml", rate=SLOW, start=START)

    async def logged() -> bool | None:
        return [line["event"] for line in daemon.log()].count("reload") == 2 or None

    async with running(data, config) as daemon:
        await daemon.ready()
        before = daemon.status()
        for _ in range(2):
            daemon.process.send_signal(signal.SIGHUP)
            await trio.sleep(0.3)
        await until("both reloads in the log", logged, within_s=5)
        after = daemon.status()
        assert [beat["restarts"] for beat in after["actors"]] == [0] * len(after["actors"])
        assert after["market_time"] >= before["market_time"]
        assert await daemon.stop() == 0


@pytest.mark.parametrize("later_s", [0.0, 0.4, 1.0])
async def test_a_stop_during_the_start_is_quick_and_harmless(
    tmp_path: Path, later_s: float
) -> None:
    """From the moment it holds the folder; before that there is nothing to stop."""
    data = tmp_path / "data"
    config = write_config(tmp_path / "slow.toml", rate=SLOW, start=START)

    async def held() -> bool | None:
        return (data / "logs").exists() or None

    async with running(data, config) as daemon:
        await until("the lock is held", held, within_s=20, every_s=0.01)
        daemon.process.send_signal(signal.SIGHUP)
        await trio.sleep(later_s)
        code = await daemon.stop()
        assert (code, daemon.stderr()) == (0, "")
        assert daemon.log()[-1]["event"] == "stopped"
    async with running(data, config) as daemon:
        await daemon.ready()
        assert await daemon.stop() == 0
        starts = [line for line in daemon.log() if "unclean_stop" in line]
    assert starts[-1]["unclean_stop"] is False
    books.assert_files_are_sound(data)


async def test_a_second_signal_does_not_cut_the_stop_short(tmp_path: Path) -> None:
    data = tmp_path / "data"
    config = write_config(tmp_path / "slow.toml", rate=SLOW, start=START)
    async with running(data, config) as daemon:
        await daemon.ready()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM):
            daemon.process.send_signal(number)
        assert await daemon.ended(10) == 0
        assert daemon.stderr() == ""
        assert daemon.log()[-1]["event"] == "stopped"
