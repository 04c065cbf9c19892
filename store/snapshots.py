"""The portfolio's value over time: one row per market day and points within the day.

A day's row also says how much of its value came from outside: the deposits less the withdrawals
among the facts that are in it and were not in the row of the day before. It is added up anew with
every write, so that neither the number of writes in a day, nor a restart, nor days without any
lose a flow or count one twice.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime

from ledger.currency import BASE
from ledger.money import Money
from ledger.rate import RateTable
from store.codec import from_ms, to_ms
from store.engine import Engine, Row, Tx, Value
from store.equity import flows_between

POINT_EVERY_MS = 15 * 60 * 1000

NO_RATES = RateTable({})

_DAY = """
INSERT OR REPLACE INTO snapshot (day, at_ms, total_minor, cash_minor, invested_minor,
    profit_minor, positions, ledger_seq, flow_minor)
VALUES (:day, :at_ms, :total_minor, :cash_minor, :invested_minor, :profit_minor, :positions,
    :ledger_seq, :flow_minor)
"""
_DAY_BEFORE = "SELECT ledger_seq FROM snapshot WHERE day < ? ORDER BY day DESC LIMIT 1"
_SINCE = """
SELECT * FROM snapshot
WHERE day >= coalesce((SELECT max(day) FROM snapshot WHERE day < :first), :first) ORDER BY day
"""
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

    `invested` is what the holdings have cost and `profit` what they gained on that. `flow` is the
    money that came (+) or went (−) since the day before, as far as rows of days go; points have
    neither. `ledger_seq` is the newest fact in these figures, None where it was not noted.
    """

    day: date
    at: datetime
    total: Money | None
    cash: Money | None
    invested: Money | None
    positions: int
    ledger_seq: int | None = None
    profit: Money | None = None
    flow: Money | None = None


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
        profit: Money | None = None,
        rates: RateTable = NO_RATES,
    ) -> None:
        """The day's newest values, and a point when 15 market minutes passed and they changed.

        `rates` turn the day's flows into EUR; a flow without a rate makes their sum unknown.
        """
        values: dict[str, Value] = {
            "day": day.isoformat(),
            "at_ms": to_ms(at),
            "total_minor": _eur_minor(total),
            "cash_minor": _eur_minor(cash),
            "invested_minor": _eur_minor(invested),
            "profit_minor": _eur_minor(profit),
            "positions": positions,
            "ledger_seq": ledger_seq,
        }

        async def work(tx: Tx) -> None:
            flow = await _flow(tx, day, ledger_seq, rates)
            await tx.execute(_DAY, {**values, "flow_minor": _eur_minor(flow)})
            point = {name: value for name, value in values.items() if name != "profit_minor"}
            await tx.execute(_POINT, {**point, "every_ms": POINT_EVERY_MS})

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
    return tuple(_day_of(row) for row in reversed(rows))


async def days_since(tx: Tx, first: date) -> tuple[Snapshot, ...]:
    """Every day from `first` on and the one before it, oldest first."""
    rows = await tx.all(_SINCE, {"first": first.isoformat()})
    return tuple(_day_of(row) for row in rows)


async def _flow(tx: Tx, day: date, upto_seq: int, rates: RateTable) -> Money | None:
    """What came and went after the facts of the day before; None when that is not known."""
    before = await tx.one(_DAY_BEFORE, (day.isoformat(),))
    after_seq: int | None = 0 if before is None else before["ledger_seq"]
    if after_seq is None:
        return None
    total = Money.zero(BASE)
    for flow in await flows_between(tx, after_seq, upto_seq):
        value = rates.to_eur(flow) if flow.minor else Money.zero(BASE)
        if value is None:
            return None
        total += value
    return total


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


def _day_of(row: Row) -> Snapshot:
    profit, flow = _eur(row["profit_minor"]), _eur(row["flow_minor"])
    return replace(_snapshot_of(row), profit=profit, flow=flow)


def _eur(minor: int | None) -> Money | None:
    return None if minor is None else Money(minor, BASE)
