"""Differences between books and broker that wait for an explanation. Written by sync."""

from __future__ import annotations

from datetime import datetime

from ledger.errors import Missing
from ledger.portfolio import BookDifference
from store.codec import from_ms, to_ms
from store.engine import Engine, Row, Tx, scalar

_FOUND = """
INSERT INTO book_item (account, key, books, broker, blocking, found_ms, seen_ms)
VALUES (:account, :key, :books, :broker, :blocking, :at_ms, :at_ms)
ON CONFLICT (account, key) WHERE resolved_ms IS NULL DO UPDATE SET
    books = excluded.books, broker = excluded.broker, blocking = excluded.blocking,
    seen_ms = excluded.seen_ms
"""
# `since` is market time, like the instant of an adjustment.
_SETTLED = """
SELECT coalesce(sum(abs(p.delta)), 0) FROM fact f JOIN posting p ON p.fact_seq = f.seq
WHERE f.kind = 'adjustment' AND coalesce(f.payload ->> 'by', 'sync') = 'sync'
    AND p.account = 'cash' AND p.key = ? AND f.happened_ms > ?
"""
_OPEN = "SELECT * FROM book_item WHERE resolved_ms IS NULL"


class Books:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def open_items(self) -> tuple[BookDifference, ...]:
        """Oldest first."""
        rows = await self._engine.read(lambda tx: tx.all(f"{_OPEN} ORDER BY item_id"))
        return tuple(_difference_of(row) for row in rows)

    async def found(
        self, account: str, key: str, *, books: int, broker: int, blocking: bool, at: datetime
    ) -> BookDifference:
        """The one open item of this account and key, with these figures."""

        async def work(tx: Tx) -> BookDifference:
            await tx.execute(
                _FOUND,
                {
                    "account": account,
                    "key": key,
                    "books": books,
                    "broker": broker,
                    "blocking": blocking,
                    "at_ms": to_ms(at),
                },
            )
            row = await tx.one(f"{_OPEN} AND account = ? AND key = ?", (account, key))
            assert row is not None
            return _difference_of(row)

        return await self._engine.transaction(work)

    async def settled(self, currency: str, since: datetime) -> int:
        """What was settled without the owner after `since`, each amount without its sign."""
        return await self._engine.read(lambda tx: scalar(tx, _SETTLED, (currency, to_ms(since))))

    async def resolve(self, item_id: int, at: datetime, how: str) -> None:
        """Raises Missing when there is no such open item."""
        changed = await self._engine.write(
            "UPDATE book_item SET resolved_ms = ?, how = ?"
            " WHERE item_id = ? AND resolved_ms IS NULL",
            (to_ms(at), how, item_id),
        )
        if not changed:
            raise Missing(f"there is no open difference {item_id}")


def _difference_of(row: Row) -> BookDifference:
    return BookDifference(
        item_id=row["item_id"],
        account=row["account"],
        key=row["key"],
        books=row["books"],
        broker=row["broker"],
        blocking=bool(row["blocking"]),
        found_at=from_ms(row["found_ms"]),
    )
