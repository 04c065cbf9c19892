"""Latest[T]: the newest value of one topic, its version, and a way to wait for the next."""

from __future__ import annotations

from typing import Generic, TypeVar

import trio

T = TypeVar("T")


class Latest(Generic[T]):
    """One owner publishes, anybody reads; readers see the newest value and may skip versions."""

    def __init__(self) -> None:
        self._value: T | None = None
        self._version = 0
        self._changed = trio.Event()

    @property
    def version(self) -> int:
        """0 until the first publication, then rising by one each time."""
        return self._version

    @property
    def value(self) -> T | None:
        """The newest value; None before the first publication."""
        return self._value

    def publish(self, value: T) -> None:
        self._value = value
        self._version += 1
        self._changed.set()
        self._changed = trio.Event()

    async def wait_newer(self, version: int) -> tuple[int, T]:
        """Wait until the version is above `version`; return it with its value."""
        while self._version <= version:
            await self._changed.wait()
        assert self._value is not None
        return self._version, self._value

    async def newer_within(self, version: int, seconds: float) -> tuple[int, T] | None:
        """Like wait_newer; None when nothing newer came within `seconds`."""
        with trio.move_on_after(seconds):
            return await self.wait_newer(version)
        return None


def in_force(rules: Latest[T]) -> T:
    """The value of a board that is published before anybody reads it."""
    value = rules.value
    assert value is not None, "published when the daemon is wired"
    return value
