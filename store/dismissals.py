"""What the owner does not want proposed while holdings, cash and configuration stay as they are."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from ledger.order import Side
from store.codec import to_ms
from store.engine import Engine, Tx


class Dismissals:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def of(self, bucket_id: str, portfolio_hash: str) -> frozenset[tuple[str, Side]]:
        """The (symbol, side) pairs dismissed in the situation of that name."""
        rows = await self._engine.read(
            lambda tx: tx.all(
                "SELECT symbol, side FROM dismissal WHERE bucket_id = ? AND portfolio_hash = ?",
                (bucket_id, portfolio_hash),
            )
        )
        return frozenset((row["symbol"], row["side"]) for row in rows)


async def dismiss(
    tx: Tx,
    bucket_id: str,
    portfolio_hash: str,
    trades: Iterable[tuple[str, Side]],
    *,
    by: str,
    at: datetime,
) -> None:
    """Remember them; what was dismissed before stays as it was written."""
    await tx.execute_many(
        "INSERT INTO dismissal VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        [(bucket_id, portfolio_hash, symbol, side, to_ms(at), by) for symbol, side in trades],
    )
