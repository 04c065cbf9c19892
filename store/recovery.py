"""What each start found unfinished and what became of it. Written by the trader."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from store.codec import from_ms, to_ms
from store.engine import Engine


@dataclass(frozen=True, slots=True)
class RecoveryLine:
    """One finding; `at` is market time."""

    at: datetime
    line: str


class RecoveryLog:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def add(self, at: datetime, lines: Sequence[str]) -> None:
        rows = [(to_ms(at), line) for line in lines]
        await self._engine.transaction(
            lambda tx: tx.execute_many("INSERT INTO recovery (at_ms, line) VALUES (?, ?)", rows)
        )

    async def recent(self, limit: int) -> tuple[RecoveryLine, ...]:
        """Newest first."""
        sql = "SELECT * FROM recovery ORDER BY recovery_id DESC LIMIT ?"
        rows = await self._engine.read(lambda tx: tx.all(sql, (limit,)))
        return tuple(RecoveryLine(from_ms(row["at_ms"]), row["line"]) for row in rows)
