"""Computing leaves the event loop free on the device, and holds virtual time still inline."""

from __future__ import annotations

import hashlib
import threading

import pytest
import trio
import trio.testing

from wire.runner import Runner, ThreadRunner, run_inline

BLOCK = bytes(1 << 16)


def pure_work() -> str:
    """About 0.2 s of computing that gives the interpreter lock away, as the kernels do."""
    digest = hashlib.sha256()
    for _ in range(2500):
        digest.update(BLOCK)
    return digest.hexdigest()


async def test_the_loop_answers_while_a_thread_computes() -> None:
    runner, beats, done = ThreadRunner(), list[float](), trio.Event()

    async def beat() -> None:
        while not done.is_set():
            beats.append(trio.current_time())
            await trio.sleep(0.002)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(beat)
        began_s = trio.current_time()
        await runner(pure_work)
        done.set()
    during = [at_s for at_s in beats if began_s <= at_s]
    assert len(during) >= 5


@pytest.mark.parametrize("runner", [ThreadRunner(), run_inline], ids=["thread", "inline"])
async def test_a_result_and_an_error_come_back_as_they_are(runner: Runner) -> None:
    assert await runner(lambda: 42) == 42
    with pytest.raises(ZeroDivisionError):
        await runner(lambda: 1 // 0)


async def test_a_thread_is_not_the_loops_own_and_inline_is() -> None:
    here = threading.get_ident()
    assert await ThreadRunner()(threading.get_ident) != here
    assert await run_inline(threading.get_ident) == here


async def test_only_one_computation_runs_at_a_time() -> None:
    runner, running, most = ThreadRunner(), list[int](), list[int]()
    entered, leave = threading.Event(), threading.Event()

    def work() -> None:
        running.append(1)
        most.append(len(running))
        entered.set()
        assert leave.wait(5)
        running.pop()

    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(runner, work)
        await trio.to_thread.run_sync(entered.wait, 5)
        leave.set()
    assert most == [1, 1, 1]


async def test_inline_work_takes_no_virtual_time(autojump_clock: trio.testing.MockClock) -> None:
    await run_inline(pure_work)
    assert trio.current_time() == 0


async def test_inline_work_lets_a_cancellation_in_before_it_starts() -> None:
    ran: list[int] = []
    with trio.CancelScope() as scope:
        scope.cancel()
        await run_inline(lambda: ran.append(1))
    assert scope.cancelled_caught
    assert ran == []
