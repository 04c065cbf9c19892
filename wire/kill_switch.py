"""The switch between a decision and the broker: while it is engaged no order may leave.

Schedule, the owner of the latches, engages it before it commits a halt and releases it only after
every latch is gone; the trader asks it in the same instant in which it hands an order to the
broker, with nothing awaited in between. So once a halt was acknowledged, not one byte of an order
follows. It starts engaged: until the latches have been read nobody knows that there is none.
"""

from __future__ import annotations

from collections.abc import Callable

# What is recorded of an order that the switch stopped after it had been committed.
HALTED_BEFORE_SENT = "halted before it was sent"
# And of one that certainly never arrived.
BROKER_AWAY = "the broker was away: "


class KillSwitch:
    """`file_there` looks for the HALT file, which engages the switch by its presence alone."""

    def __init__(self, file_there: Callable[[], bool]) -> None:
        self._file_there = file_there
        self._latched = True
        self._held = False

    @property
    def engaged(self) -> bool:
        return self._latched or self._held or self._file_there()

    def engage(self) -> None:
        """Stop everything from this instant on; called before a halt is committed."""
        self._latched = True

    def hold(self) -> None:
        """Engage, and stay engaged whatever the store says, until the halt asked for is in it."""
        self._held = True
        self.engage()

    def let_go(self) -> None:
        """The halt is committed: from here on the latches speak."""
        self._held = False

    def follow(self, *, latched: bool) -> None:
        """Take over what the store says; called with the latches that were just read."""
        self._latched = latched
