"""The portfolio's value over time: one row per market day and points within the day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from ledger.currency import BASE
from ledger.money import Money
from store.codec import from_ms, to_ms
from store.engine import Engine, Row, Tx, Value

POINT_EVERY_MS = 15 * 60 * 1000

_POINT = """
INSERT INTO snapshot_point (
    day, at_ms, total_minor, cash_minor, invested_minor, positions, ledger_seq)
SELECT :day, :at_ms, :total_minor, :cash_minor, :invested_minor, :positions, :ledger_seq
WHERE NOT EXISTS (
    SELECT 1 FROM (SELECT * FROM snapshot_point ORDER BY at_ms DESC LIMIT 1) last
    WHERE last.at_ms > :at_ms - :every_ms
        OR (last.total_minor IS :total_minor AND last.cash_minor IS :cash_minor
            AND last.invested_minor IS :invested_minor AND last.positions = :positions))
"""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Value in EUR at a market instant; a figure that was not known is None.

    `ledger_seq` is the newest fact in these figures, None where it was not noted.
    """

    day: date
    at: datetime
    total: Money | None
    cash: Money | None
    invested: Money | None
    positions: int
    ledger_seq: int | None = None


class Snapshots:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def put(
        self,
        day: date,
        at: datetime,
        *,
        total: Money | None,
        cash: Money | None,
        invested: Money | None,
        positions: int,
        ledger_seq: int,
    ) -> None:
        """The day's newest values, and a point when 15 market minutes passed and they changed."""
        values: dict[str, Value] = {
            "day": day.isoformat(),
            "at_ms": to_ms(at),
            "total_minor": _eur_minor(total),
            "cash_minor": _eur_minor(cash),
            "invested_minor": _eur_minor(invested),
            "positions": positions,
            "ledger_seq": ledger_seq,
        }

        async def work(tx: Tx) -> None:
            await tx.execute(
                "INSERT OR REPLACE INTO snapshot (day, at_ms, total_minor, cash_minor,"
                " invested_minor, positions, ledger_seq) VALUES (:day, :at_ms, :total_minor,"
                " :cash_minor, :invested_minor, :positions, :ledger_seq)",
                values,
            )
            await tx.execute(_POINT, {**values, "every_ms": POINT_EVERY_MS})

        await self._engine.transaction(work)

    async def history(self, limit: int) -> tuple[Snapshot, ...]:
        """The last `limit` days, oldest first."""
        return await self._engine.read(lambda tx: day_history(tx, limit))

    async def points(self, limit: int) -> tuple[Snapshot, ...]:
        """The last `limit` points within days, oldest first."""
        sql = "SELECT * FROM snapshot_point ORDER BY at_ms DESC LIMIT ?"
        rows = await self._engine.read(lambda tx: tx.all(sql, (limit,)))
        return tuple(_snapshot_of(row) for row in reversed(rows))


async def day_history(tx: Tx, limit: int) -> tuple[Snapshot, ...]:
    rows = await tx.all("SELECT * FROM snapshot ORDER BY day DESC LIMIT ?", (limit,))
    return tuple(_snapshot_of(row) for row in reversed(rows))


def _eur_minor(money: Money | None) -> int | None:
    if money is None:
        return None
    return (money + Money.zero(BASE)).minor


def _snapshot_of(row: Row) -> Snapshot:
    return Snapshot(
        day=date.fromisoformat(row["day"]),
        at=from_ms(row["at_ms"]),
        total=_eur(row["total_minor"]),
        cash=_eur(row["cash_minor"]),
        invested=_eur(row["invested_minor"]),
        positions=row["positions"],
        ledger_seq=row["ledger_seq"],
    )


def _eur(minor: int | None) -> Money | None:
    return None if minor is None else Money(minor, BASE)
