"""Where computing happens: a worker thread on the device, inline under a virtual clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

import trio

T = TypeVar("T")


class Runner(Protocol):
    """Runs one pure function away from the event loop and returns its result."""

    async def __call__(self, work: Callable[[], T], /) -> T: ...


class ThreadRunner:
    """One computation at a time in a worker thread; the kernels release the interpreter lock."""

    def __init__(self) -> None:
        self._limiter = trio.CapacityLimiter(1)

    async def __call__(self, work: Callable[[], T], /) -> T:
        return await trio.to_thread.run_sync(work, limiter=self._limiter)


async def run_inline(work: Callable[[], T], /) -> T:
    """For simulation: a thread would let the virtual clock run away while it works."""
    await trio.lowlevel.checkpoint()
    return work()
