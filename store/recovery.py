"""What each start found unfinished and what became of it, written by the trader; and how far market
time had come in the records, which a replay must not fall behind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from store.codec import from_ms, maybe_instant, to_ms
from store.engine import Engine

_NEWEST = """
SELECT max(at_ms) AS at_ms FROM (
    SELECT max(market_ms) AS at_ms FROM fact
    UNION ALL SELECT max(at_ms) FROM order_event
    UNION ALL SELECT max(created_ms) FROM plan
    UNION ALL SELECT max(market_ms) FROM run
    UNION ALL SELECT max(at_ms) FROM snapshot_point
    UNION ALL SELECT max(at_ms) FROM recovery)
"""


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

    async def newest_market_instant(self) -> datetime | None:
        """The latest market instant any record carries; None in a new ledger."""
        row = await self._engine.read(lambda tx: tx.one(_NEWEST))
        return None if row is None else maybe_instant(row["at_ms"])
