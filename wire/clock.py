"""Two clocks: market time for rules about trading, machine time for transport and deadlines."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Passed in wherever time matters; nothing else asks the operating system.

    Market time and machine time are the same on a live broker; on the paper exchange market time
    is replayed, scaled, and jumps over dead hours, and machine time is never scaled.
    """

    def market_now(self) -> datetime:
        """The market instant, aware UTC."""
        ...

    def machine_now(self) -> datetime:
        """The machine's wall clock, aware UTC."""
        ...

    def monotonic_s(self) -> float:
        """Machine seconds that never step back (trio time)."""
        ...

    async def wait_until_market(self, instant: datetime) -> None:
        """Return once market time has reached `instant`, however it gets there."""
        ...
