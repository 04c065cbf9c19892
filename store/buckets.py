"""Buckets, their status and what may leave them without the owner. Read by the gates."""

from __future__ import annotations

from datetime import datetime

from ledger.bucket import Autonomy, Bucket
from ledger.currency import BASE
from ledger.errors import Missing
from ledger.money import Money
from store.engine import Engine, Row, Tx
from store.recall import OF_BUCKET, recall


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

    async def set_autonomy(self, bucket_id: str, autonomy: Autonomy, *, at: datetime) -> None:
        """For every order that has not left at the market instant `at`: what is about to is taken
        back, and leaves again if it still may. Raises Missing.
        """
        below = autonomy.act_below

        async def work(tx: Tx) -> None:
            changed = await tx.execute(
                "UPDATE bucket SET autonomy = ?, act_below_minor = ? WHERE bucket_id = ?",
                (autonomy.mode, None if below is None else below.minor, bucket_id),
            )
            if changed != 1:
                raise Missing(f"there is no bucket {bucket_id}")
            why = f"the bucket was told to {autonomy.mode.replace('_', ' ')}"
            await recall(tx, OF_BUCKET, (bucket_id,), why=why, at=at)

        await self._engine.transaction(work)


async def autonomy_of(tx: Tx, bucket_id: str, default: Autonomy) -> Autonomy:
    """What the bucket's owner said last, or else the default; raises Missing."""
    row = await tx.one("SELECT * FROM bucket WHERE bucket_id = ?", (bucket_id,))
    if row is None:
        raise Missing(f"there is no bucket {bucket_id}")
    return _autonomy_of(row) or default


def _bucket_of(row: Row) -> Bucket:
    return Bucket(row["bucket_id"], row["name"], row["status"], _autonomy_of(row))


def _autonomy_of(row: Row) -> Autonomy | None:
    if row["autonomy"] is None:
        return None
    below = row["act_below_minor"]
    return Autonomy(row["autonomy"], None if below is None else Money(below, BASE))
