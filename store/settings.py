"""Mode, latches and the owner's settings, with an audit row per change of the first two."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ledger.halt import Latch, LatchName
from ledger.order import Mode
from store.engine import Engine


class Settings:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def mode(self) -> Mode:
        """Absent or unreadable means research."""
        ...

    async def set_mode(self, mode: Mode, by: str, at: datetime) -> None:
        """Raises Conflict when going live while an order is in flight."""
        ...

    async def latches(self) -> tuple[Latch, ...]: ...

    async def set_latch(self, latch: Latch, by: str) -> tuple[Latch, ...]:
        """Halt; a latch that stands keeps its reason and instant. Returns all that stand."""
        ...

    async def clear_latches(
        self, names: Sequence[LatchName], by: str, at: datetime
    ) -> tuple[Latch, ...]:
        """Clear the named ones; returns those that still stand."""
        ...

    async def get(self, key: str) -> str | None: ...

    async def put(self, key: str, value: str) -> None:
        """Raises Refused for the trading mode, which only set_mode changes."""
        ...
