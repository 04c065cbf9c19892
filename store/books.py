"""Differences between books and broker that wait for an explanation. Written by sync."""

from __future__ import annotations

from datetime import datetime

from ledger.portfolio import BookDifference
from store.engine import Engine


class Books:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def open_items(self) -> tuple[BookDifference, ...]: ...

    async def found(
        self, account: str, key: str, books: int, broker: int, blocking: bool, at: datetime
    ) -> BookDifference:
        """The one open item of this account and key, with these figures."""
        ...

    async def resolve(self, item_id: int, at: datetime, how: str) -> None:
        """Raises Missing when there is no such open item."""
        ...
