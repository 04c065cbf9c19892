"""An ask gets an answer, the actor's error or ActorUnavailable; never silence, never harm."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest
import trio
import trio.testing

from ledger.errors import ActorUnavailable, BadData, Conflict, Refused, StoreFailed, TrimtabError
from wire.mailbox import HANDOVER_S, Ask, AskBox, ReplySlot, Request, serving

Handler = Callable[[Ask], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Double(Request[int]):
    number: int


async def double(ask: Ask) -> None:
    ask.slot.answer(2 * ask.request.number)


async def serve(box: AskBox, handle: Handler = double, *, times: int = 1) -> None:
    for _ in range(times):
        ask = await box.receive()
        async with serving(ask):
            await handle(ask)


def failing(error: Exception) -> Handler:
    async def handle(ask: Ask) -> None:
        raise error

    return handle


async def test_an_ask_returns_the_answer() -> None:
    box = AskBox("planner")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve, box)
        assert await box.ask(Double(21), deadline_s=1) == 42


async def test_many_asks_each_get_their_own_answer() -> None:
    box, answers = AskBox("planner"), dict[int, int]()

    async def ask(number: int) -> None:
        answers[number] = await box.ask(Double(number), deadline_s=1)

    async with trio.open_nursery() as nursery:
        for number in range(10):
            nursery.start_soon(ask, number)
        nursery.start_soon(lambda: serve(box, times=10))
    assert answers == {number: 2 * number for number in range(10)}


async def test_an_actor_that_does_not_listen_is_busy_after_the_handover_time(
    autojump_clock: trio.testing.MockClock,
) -> None:
    box = AskBox("trader")
    with pytest.raises(ActorUnavailable, match="trader is busy"):
        await box.ask(Double(1), deadline_s=60)
    assert trio.current_time() == pytest.approx(HANDOVER_S)


async def test_an_ask_that_was_not_handed_over_is_never_carried_out(
    autojump_clock: trio.testing.MockClock,
) -> None:
    box = AskBox("trader")
    with pytest.raises(ActorUnavailable):
        await box.ask(Double(1), deadline_s=60)
    with trio.move_on_after(60) as scope:
        await box.receive()
    assert scope.cancelled_caught


async def test_an_actor_may_take_the_ask_late_but_within_the_handover_time(
    autojump_clock: trio.testing.MockClock,
) -> None:
    box = AskBox("trader")

    async def busy_first() -> None:
        await trio.sleep(HANDOVER_S - 0.1)
        await serve(box)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(busy_first)
        assert await box.ask(Double(4), deadline_s=0.1) == 8


async def test_the_deadline_counts_from_the_handover(
    autojump_clock: trio.testing.MockClock,
) -> None:
    box = AskBox("trader")

    async def slow(ask: Ask) -> None:
        await trio.sleep(11)
        await double(ask)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve, box, slow)
        with pytest.raises(ActorUnavailable, match="trader did not answer within 10 s"):
            await box.ask(Double(1), deadline_s=10)
        assert trio.current_time() == pytest.approx(10)


async def test_an_actor_outlives_an_asker_that_ran_out_of_time(
    autojump_clock: trio.testing.MockClock,
) -> None:
    box = AskBox("trader")

    async def slow(ask: Ask) -> None:
        await trio.sleep(ask.request.number)
        await double(ask)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(lambda: serve(box, slow, times=2))
        with pytest.raises(ActorUnavailable):
            await box.ask(Double(2), deadline_s=1)
        assert await box.ask(Double(1), deadline_s=5) == 2


async def test_an_actor_can_still_answer_an_asker_that_vanished() -> None:
    box, taken, vanished = AskBox("trader"), trio.Event(), trio.Event()
    answered: list[bool] = []

    async def patient(ask: Ask) -> None:
        taken.set()
        await vanished.wait()
        await double(ask)
        answered.append(ask.slot.answered)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve, box, patient)
        with trio.CancelScope() as asker:
            async with trio.open_nursery() as asking:
                asking.start_soon(lambda: box.ask(Double(1), deadline_s=60))
                await taken.wait()
                asker.cancel()
        vanished.set()
    assert answered == [True]


@pytest.mark.parametrize("error", [Refused("no"), Conflict("stale"), ActorUnavailable("later")])
async def test_an_error_raised_on_purpose_is_the_answer_and_the_actor_goes_on(
    error: TrimtabError,
) -> None:
    box = AskBox("schedule")
    async with trio.open_nursery() as nursery:

        async def act() -> None:
            await serve(box, failing(error))
            await serve(box)

        nursery.start_soon(act)
        with pytest.raises(type(error)) as caught:
            await box.ask(Double(1), deadline_s=1)
        assert caught.value is error
        assert await box.ask(Double(1), deadline_s=1) == 2


async def outcome(box: AskBox, handle: Handler) -> tuple[Exception | None, Exception | None]:
    """What the asker and the actor get to see of one ask."""
    seen: list[Exception | None] = [None, None]

    async def ask() -> None:
        try:
            await box.ask(Double(1), deadline_s=5)
        except TrimtabError as error:
            seen[0] = error

    async def act() -> None:
        try:
            await serve(box, handle)
        except (TrimtabError, RuntimeError) as error:
            seen[1] = error

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask)
        nursery.start_soon(act)
    return seen[0], seen[1]


async def test_a_crash_reaches_the_supervisor_and_the_asker_hears_of_a_restart() -> None:
    crash = RuntimeError("bug")
    told, raised = await outcome(AskBox("trader"), failing(crash))
    assert isinstance(told, ActorUnavailable)
    assert "restarted" in str(told)
    assert raised is crash


@pytest.mark.parametrize("error", [BadData("a price of 0"), StoreFailed("disk full")])
async def test_bad_data_and_a_failed_store_are_told_and_still_end_the_actor(
    error: TrimtabError,
) -> None:
    assert await outcome(AskBox("trader"), failing(error)) == (error, error)


async def test_an_error_after_the_answer_is_not_swallowed() -> None:
    error = Conflict("too late to tell")

    async def answer_then_fail(ask: Ask) -> None:
        await double(ask)
        raise error

    assert await outcome(AskBox("trader"), answer_then_fail) == (None, error)


async def test_an_actor_that_forgets_to_answer_refuses() -> None:
    async def forget(ask: Ask) -> None:
        await trio.lowlevel.checkpoint()

    told, raised = await outcome(AskBox("trader"), forget)
    assert isinstance(told, ActorUnavailable)
    assert raised is None


async def test_a_cancelled_actor_leaves_no_asker_waiting() -> None:
    box = AskBox("trader")

    async def never(ask: Ask) -> None:
        await trio.sleep_forever()

    async with trio.open_nursery() as nursery:
        life = trio.CancelScope()

        async def act() -> None:
            with life:
                await serve(box, never)

        async def stop() -> None:
            await trio.testing.wait_all_tasks_blocked()
            life.cancel()

        nursery.start_soon(act)
        nursery.start_soon(stop)
        with pytest.raises(ActorUnavailable, match="restarted"):
            await box.ask(Double(1), deadline_s=60)


async def test_the_next_life_of_an_actor_serves_the_same_box() -> None:
    box = AskBox("trader")
    await outcome(box, failing(RuntimeError("bug")))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve, box)
        assert await box.ask(Double(3), deadline_s=1) == 6


def test_an_ask_is_answered_once() -> None:
    slot = ReplySlot()
    slot.answer(1)
    with pytest.raises(AssertionError):
        slot.answer(2)
    with pytest.raises(AssertionError):
        slot.refuse(Refused("no"))
