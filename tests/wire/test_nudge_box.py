"""A nudge box wakes its actor once, however often it was nudged."""

from __future__ import annotations

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from wire.mailbox import NudgeBox


@given(st.lists(st.integers(), min_size=1, max_size=20))
def test_one_nudge_waits_and_the_newest_reason_wins(reasons: list[int]) -> None:
    async def main() -> None:
        box = NudgeBox[int]()
        fresh = [box.nudge(reason) for reason in reasons]
        assert fresh == [True] + [False] * (len(reasons) - 1)
        assert await box.receive() == reasons[-1]
        assert await box.receive_within(1) is None

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


async def test_a_taken_nudge_makes_room_for_a_fresh_one() -> None:
    box = NudgeBox[str]()
    assert box.nudge("calendar")
    assert await box.receive() == "calendar"
    assert box.nudge("owner")
    assert await box.receive() == "owner"


async def test_a_nudge_wakes_the_actor(autojump_clock: trio.testing.MockClock) -> None:
    box = NudgeBox[str]()

    async def nudge_later() -> None:
        await trio.sleep(10)
        box.nudge("late")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(nudge_later)
        assert await box.receive() == "late"
        assert trio.current_time() == pytest.approx(10)


async def test_a_nudge_during_work_is_found_after_it() -> None:
    box, done = NudgeBox[str](), list[str]()

    async def act() -> None:
        for _ in range(2):
            done.append(await box.receive())
            await trio.testing.wait_all_tasks_blocked()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(act)
        box.nudge("first")
        await trio.testing.wait_all_tasks_blocked(cushion=0)
        box.nudge("while working")
    assert done == ["first", "while working"]


async def test_waiting_within_a_time_ends_without_a_nudge(
    autojump_clock: trio.testing.MockClock,
) -> None:
    box = NudgeBox[str]()
    assert await box.receive_within(30) is None
    assert trio.current_time() == pytest.approx(30)
    box.nudge("after the wait")
    assert await box.receive_within(30) == "after the wait"
    assert trio.current_time() == pytest.approx(30)


async def test_a_nudge_at_the_end_of_the_wait_is_taken_or_still_there(
    autojump_clock: trio.testing.MockClock,
) -> None:
    for _ in range(20):
        box = NudgeBox[str]()
        got: list[str | None] = []

        async def wait(box: NudgeBox[str] = box, got: list[str | None] = got) -> None:
            got.append(await box.receive_within(5))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait)
            await trio.sleep(5)
            box.nudge("just in time")
        if got == [None]:
            got = [await box.receive_within(0)]
        assert got == ["just in time"]


async def test_an_actor_that_was_restarted_finds_the_nudge_of_its_former_life(
    autojump_clock: trio.testing.MockClock,
) -> None:
    box = NudgeBox[str]()
    with trio.move_on_after(1):
        await box.receive()
    box.nudge("between two lives")
    with trio.fail_after(1):
        assert await box.receive() == "between two lives"
