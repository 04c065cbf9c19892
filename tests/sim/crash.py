"""Killing a world at a chosen moment, as `kill -9` would.

A real kill runs no `finally` and commits nothing. In one process the unwinding cannot be left out,
so from the moment of the crash every commit, every call of the broker and every wake-up on the
line is refused with Crash: shielded sections may run on, but nothing of what they do is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import trio

# before/after a commit · before a call leaves, after the broker acted · the same for `place` only
# · before a task runs on
Where = Literal["before_commit", "after_commit", "before_call", "after_call", "before_place",
                "after_place", "step"]  # fmt: skip
WHERE: tuple[Where, ...] = (
    "before_commit", "after_commit", "before_call", "after_call", "before_place", "after_place",
    "step",
)  # fmt: skip


class Crash(BaseException):
    """The process is gone."""


@dataclass(frozen=True, slots=True)
class Fuse:
    """Crash at the `count`-th time (from 1) that the world passes `where`."""

    where: Where
    count: int


class Bomb:
    """Counts what the world passes and goes off once; without a fuse it only counts."""

    def __init__(self, fuse: Fuse | None = None) -> None:
        self.fuse = fuse
        self.passed: dict[Where, int] = dict.fromkeys(WHERE, 0)
        self.exploded = False
        self._world: trio.CancelScope | None = None

    def put_under(self, world: trio.CancelScope) -> None:
        self._world = world

    def check(self) -> None:
        """Nothing may happen any more once the process is gone."""
        if self.exploded:
            raise Crash

    def at(self, where: Where) -> None:
        self.check()
        self.passed[where] += 1
        if self.fuse == Fuse(where, self.passed[where]):
            self.explode()
            raise Crash

    def explode(self) -> None:
        self.exploded = True
        if self._world is not None:
            self._world.cancel()


class StepFuse(trio.abc.Instrument):
    """Passes `step` before every task step."""

    def __init__(self, bomb: Bomb) -> None:
        self._bomb = bomb

    def before_task_step(self, task: trio.lowlevel.Task) -> None:  # noqa: ARG002 — as called
        bomb = self._bomb
        if bomb.exploded:
            return
        bomb.passed["step"] += 1
        if bomb.fuse == Fuse("step", bomb.passed["step"]):
            # An instrument must not raise: the flag alone stops everything that counts.
            bomb.explode()
