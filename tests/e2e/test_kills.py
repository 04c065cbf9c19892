"""Killed at any moment, again and again, in one data folder: nothing is lost, nothing is doubled.

Every second kill waits until the exchange has taken a new order, so that the daemon dies while it
is about to learn, or has just learned, what became of it.
"""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path

import pytest
import trio

from tests.e2e import books
from tests.e2e.process import Daemon, running, until, write_config

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200)]

KILLS = 12
RATE = 2000.0
START = "2009-01-05T07:58:00Z"
ORDER_S = 6.0
LOOK_S = 0.002
END_S = 40.0


def orders_sent(data: Path) -> int:
    """How many orders the exchange has taken."""
    return int(books.exchange(data, "SELECT count(*) FROM orders")[0][0])


async def next_order(data: Path) -> None:
    """Return at the first sight of a new order, or when none comes."""
    before = orders_sent(data)

    async def another() -> bool | None:
        return orders_sent(data) > before or None

    with trio.move_on_after(ORDER_S):
        await until("a new order", another, within_s=2 * ORDER_S, every_s=LOOK_S)


def open_orders(data: Path) -> int:
    try:
        return len(books.in_flight(data))
    except sqlite3.OperationalError:  # killed before there was a ledger
        return 0


async def test_kills_at_random_moments_lose_and_double_nothing(tmp_path: Path) -> None:
    data, rng = tmp_path / "data", random.Random(7)
    hurried = write_config(tmp_path / "hurried.toml", rate=RATE, start=START)
    caught = 0
    for number in range(KILLS):
        async with running(data, hurried) as daemon:
            if number % 2:
                await daemon.ready()
                await next_order(data)
                await trio.sleep(rng.uniform(0, 0.02))
            else:
                await trio.sleep(rng.uniform(0.2, 5.0))
            daemon.kill()
        caught += open_orders(data)
    assert caught, "no kill met an order in flight"
    calm = write_config(tmp_path / "calm.toml", rate=1.0, start=START)
    async with running(data, calm) as daemon:
        await daemon.ready()
        await come_to_rest(daemon)
        assert await daemon.stop() == 0
        assert_the_log_tells_of_every_kill(daemon)
    books.assert_files_are_sound(data)
    books.assert_every_order_has_one_intent(data)
    books.assert_every_fill_is_recorded_once(data)
    books.assert_books_equal_the_account(data)
    books.assert_time_only_went_forward(data)


async def come_to_rest(daemon: Daemon) -> None:
    """No new orders, every order's end known, and the books read once more."""

    async def settled() -> bool | None:
        return not books.in_flight(daemon.data) or None

    assert (await daemon.trimtab("halt")).code == 0
    await until("the end of every order", settled, within_s=END_S)
    assert (await daemon.trimtab("sync")).code == 0


def assert_the_log_tells_of_every_kill(daemon: Daemon) -> None:
    starts = [line for line in daemon.log() if line["event"] in {"started", "recovered"}]
    recovered = [line for line in starts if line["event"] == "recovered"]
    assert len(recovered) >= KILLS // 2
    assert all(line["unclean_stop"] is True for line in recovered)
    assert {line["books"] for line in recovered} == {"agree with the broker"}
    assert [line["market_time"] for line in starts] == sorted(
        line["market_time"] for line in starts
    )
    assert [line["event"] for line in daemon.log()][-1] == "stopped"
