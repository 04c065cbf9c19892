"""The portfolio's value over time: one row per market day and points within the day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from ledger.money import Money
from store.engine import Engine


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Value in EUR at a market instant; a figure that was not known is None."""

    day: date
    at: datetime
    total: Money | None
    cash: Money | None
    invested: Money | None
    positions: int


class Snapshots:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def put(
        self,
        day: date,
        at: datetime,
        total: Money | None,
        cash: Money | None,
        invested: Money | None,
        positions: int,
    ) -> None:
        """The day's newest values, and a point when 15 market minutes passed and they changed."""
        ...

    async def history(self, limit: int) -> tuple[Snapshot, ...]:
        """The last `limit` days, oldest first."""
        ...

    async def points(self, limit: int) -> tuple[Snapshot, ...]:
        """The last `limit` points within days, oldest first."""
        ...
