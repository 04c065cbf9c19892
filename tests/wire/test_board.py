"""A board shows the newest value, counts its versions and wakes those who wait."""

from __future__ import annotations

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from wire.board import Latest
from wire.messages import Boards


def test_a_new_board_is_empty_at_version_zero() -> None:
    board = Latest[int]()
    assert (board.version, board.value) == (0, None)


@given(st.lists(st.integers(), min_size=1))
def test_the_newest_value_stays_and_every_publication_counts(values: list[int]) -> None:
    board = Latest[int]()
    for value in values:
        board.publish(value)
    assert (board.version, board.value) == (len(values), values[-1])


async def test_a_slow_reader_skips_to_the_newest_value() -> None:
    board = Latest[str]()
    seen: list[tuple[int, str]] = []

    async def read() -> None:
        version = 0
        while version < 3:
            version, value = await board.wait_newer(version)
            seen.append((version, value))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(read)
        await trio.testing.wait_all_tasks_blocked()
        for value in ("first", "second", "third"):
            board.publish(value)
    assert seen == [(3, "third")]


async def test_a_reader_that_is_behind_does_not_wait() -> None:
    board = Latest[str]()
    board.publish("here")
    with trio.fail_after(0):
        assert await board.wait_newer(0) == (1, "here")


async def test_a_reader_that_is_up_to_date_waits_for_the_next_value(
    autojump_clock: trio.testing.MockClock,
) -> None:
    board = Latest[str]()
    board.publish("old")

    async def publish_later() -> None:
        await trio.sleep(60)
        board.publish("new")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(publish_later)
        began_s = trio.current_time()
        assert await board.wait_newer(1) == (2, "new")
        assert trio.current_time() - began_s == pytest.approx(60)


async def test_publishing_an_equal_value_still_wakes(
    autojump_clock: trio.testing.MockClock,
) -> None:
    board = Latest[str]()
    board.publish("same")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(board.wait_newer, 1)
        await trio.testing.wait_all_tasks_blocked()
        board.publish("same")
        with trio.fail_after(1):
            assert await board.wait_newer(1) == (2, "same")


async def test_every_waiting_reader_is_woken() -> None:
    board = Latest[int]()
    seen: list[int] = []

    async def read() -> None:
        seen.append((await board.wait_newer(0))[1])

    async with trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(read)
        await trio.testing.wait_all_tasks_blocked()
        board.publish(7)
    assert seen == [7] * 5


async def test_a_reader_that_gives_up_disturbs_nobody(
    autojump_clock: trio.testing.MockClock,
) -> None:
    board = Latest[int]()
    with trio.move_on_after(5) as scope:
        await board.wait_newer(0)
    assert scope.cancelled_caught
    board.publish(1)
    assert await board.wait_newer(0) == (1, 1)


def test_two_systems_do_not_share_boards() -> None:
    first, second = Boards(), Boards()
    first.ticker.publish(None)  # type: ignore[arg-type]
    assert second.ticker.version == 0
