"""Rows of the broker that cannot be booked. Written by sync, shown until they can be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from store.codec import from_ms, to_json, to_ms
from store.engine import Engine, Row, Tx

_OPEN = "SELECT * FROM quarantine WHERE released_ms IS NULL"
_PUT = """
INSERT INTO quarantine (stream, source_key, payload, error, first_ms, last_ms)
VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (stream, source_key) DO UPDATE SET payload = excluded.payload,
    error = excluded.error, last_ms = excluded.last_ms, released_ms = NULL
"""


@dataclass(frozen=True, slots=True)
class QuarantinedRow:
    """One row as it came, and why it cannot be booked; instants are machine time."""

    row_id: int
    stream: str
    source_key: str
    payload: str
    error: str
    first_at: datetime
    last_at: datetime


class Quarantine:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def put(self, stream: str, key: str, row: object, *, error: str, at: datetime) -> bool:
        """Keep a row that was seen at the machine instant `at`; True when it was not there yet."""
        at_ms = to_ms(at)

        async def work(tx: Tx) -> bool:
            known = await tx.one(f"{_OPEN} AND stream = ? AND source_key = ?", (stream, key))
            await tx.execute(_PUT, (stream, key, to_json(row), error, at_ms, at_ms))
            return known is None

        return await self._engine.transaction(work)

    async def release(self, stream: str, *, at: datetime) -> None:
        """Every row of this stream was booked or is gone."""
        if await self._engine.read(lambda tx: tx.one(f"{_OPEN} AND stream = ?", (stream,))):
            await self._engine.write(
                "UPDATE quarantine SET released_ms = ? WHERE stream = ? AND released_ms IS NULL",
                (to_ms(at), stream),
            )

    async def open_rows(self) -> tuple[QuarantinedRow, ...]:
        """Oldest first."""
        return await self._engine.read(quarantined)


async def quarantined(tx: Tx) -> tuple[QuarantinedRow, ...]:
    return tuple(_row_of(row) for row in await tx.all(f"{_OPEN} ORDER BY row_id"))


def _row_of(row: Row) -> QuarantinedRow:
    return QuarantinedRow(
        row_id=row["row_id"],
        stream=row["stream"],
        source_key=row["source_key"],
        payload=row["payload"],
        error=row["error"],
        first_at=from_ms(row["first_ms"]),
        last_at=from_ms(row["last_ms"]),
    )
