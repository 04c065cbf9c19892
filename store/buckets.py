"""Buckets and their status. Read by the gates."""

from __future__ import annotations

from ledger.bucket import Autonomy, Bucket
from ledger.currency import BASE
from ledger.money import Money
from store.engine import Engine, Row


class Buckets:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def get(self, bucket_id: str) -> Bucket | None:
        row = await self._engine.read(
            lambda tx: tx.one("SELECT * FROM bucket WHERE bucket_id = ?", (bucket_id,))
        )
        return None if row is None else _bucket_of(row)

    async def all(self) -> tuple[Bucket, ...]:
        """Core first, then by id."""
        rows = await self._engine.read(
            lambda tx: tx.all("SELECT * FROM bucket ORDER BY bucket_id <> 'core', bucket_id")
        )
        return tuple(_bucket_of(row) for row in rows)


def _bucket_of(row: Row) -> Bucket:
    return Bucket(row["bucket_id"], row["name"], row["status"], _autonomy_of(row))


def _autonomy_of(row: Row) -> Autonomy | None:
    if row["autonomy"] is None:
        return None
    below = row["act_below_minor"]
    return Autonomy(row["autonomy"], None if below is None else Money(below, BASE))
