"""Repairs of negative cash, their moves and their sales. Written by the rebalancer.

An order belongs to a run by its class and source; a sale belongs to its order by its number. So
both are found again after a crash, wherever it came.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

from ledger.currency import BASE
from ledger.emergency import (
    FINAL,
    SALE_PRIORITY,
    EmergencyEvent,
    EmergencyRun,
    EmergencySale,
    EmergencyState,
    OwnerWord,
    Shortfall,
    check_move,
)
from ledger.errors import Conflict, Missing
from ledger.money import Money, Price, Quantity, Rounding, divide
from ledger.order import IN_FLIGHT, TERMINAL, Intent, OrderState
from store.codec import from_json, from_ms, maybe_instant, maybe_ms, sql_list, to_json, to_ms
from store.engine import Engine, Row, Tx, Value
from store.order_queries import intents

_OPEN_ORDERS = IN_FLIGHT | {OrderState.PROPOSED}
_FIND_ORDERS = """
UPDATE emergency_sale SET intent_id = (
    SELECT i.intent_id FROM intent i WHERE i.order_class = 'emergency'
        AND i.source_id = emergency_sale.run_id AND i.step = emergency_sale.number
        AND i.side = 'SELL' AND i.symbol = emergency_sale.symbol)
WHERE intent_id IS NULL
"""
_SETTLE = f"""
UPDATE emergency_sale SET updated_ms = :at, status = :status
WHERE status <> :status AND status <> 'executed' AND intent_id IN (
    SELECT intent_id FROM intent
    WHERE state IN ({sql_list(TERMINAL)}) AND (filled_micro > 0) = (:status = 'executed'))
"""
_DISMISS = f"""
UPDATE emergency_sale SET updated_ms = :at, status = 'dismissed'
WHERE run_id = :run_id AND status = 'pending' AND (intent_id IS NULL OR intent_id NOT IN (
    SELECT intent_id FROM intent WHERE state IN ({sql_list(_OPEN_ORDERS)})))
"""
# What was executed within a day of an emergency sale, and what of one may still be.
_SOLD = f"""
SELECT i.value_minor, i.quantity_micro,
    (SELECT coalesce(sum(f.quantity_micro), 0) FROM fill f WHERE f.intent_id = i.intent_id
        AND f.executed_ms >= :since AND f.executed_ms < :until)
    + CASE WHEN i.state IN ({sql_list(_OPEN_ORDERS)})
        THEN max(i.quantity_micro - i.filled_micro, 0) ELSE 0 END AS sold_micro
FROM intent i
WHERE i.order_class = 'emergency' AND i.side = 'SELL' AND i.value_minor IS NOT NULL
    AND i.security_id IS NOT NULL AND i.proposed_ms >= :since - 7 * 86400000
"""


class Emergencies:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def open(self, run: EmergencyRun) -> EmergencyRun:
        """Write down a new run; Conflict `emergency_open` while another one is open."""

        async def work(tx: Tx) -> EmergencyRun:
            other = await tx.one("SELECT run_id FROM emergency_run WHERE ended_ms IS NULL")
            if other is not None:
                raise Conflict(f"repair {other['run_id']} is open", code="emergency_open")
            await tx.execute(
                "INSERT INTO emergency_run (run_id, mode, state, started_ms, updated_ms, deficits,"
                " note) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    run.run_id, run.mode, run.state, to_ms(run.started_at), to_ms(run.updated_at),
                    to_json(run.deficits), run.note,
                ),
            )  # fmt: skip
            await _event(tx, run.run_id, None, run.state, at=run.started_at, note=run.note)
            return await _load(tx, run.run_id)

        return await self._engine.transaction(work)

    async def move(
        self,
        run_id: str,
        after: EmergencyState,
        *,
        at: datetime,
        note: str,
        waits_until: datetime | None = None,
        before: tuple[Money, ...] = (),
        asked: Money | None = None,
    ) -> EmergencyRun:
        """Move a run, or note something new about it where it stands.

        A question that asks the owner for another sum (`asked`, EUR) takes back the last answer.
        A move to a final state dismisses what was recommended and not ordered. Raises Missing,
        IllegalMove. Where nothing is new nothing is written.
        """

        async def work(tx: Tx) -> EmergencyRun:
            run = await _load(tx, run_id)
            check_move(run.state, after)
            balances, most = before or run.before, asked or run.asked
            known = (run.state, run.note, run.waits_until, run.before, run.asked)
            if known == (after, note, waits_until, balances, most):
                return run
            owner = run.owner if asked is None else None
            await tx.execute(
                "UPDATE emergency_run SET state = ?, updated_ms = ?, ended_ms = ?, note = ?,"
                " waits_until_ms = ?, balances_before = ?, asked_minor = ?, owner = ?"
                " WHERE run_id = ?",
                (
                    after, to_ms(at), to_ms(at) if after in FINAL else None, note,
                    maybe_ms(waits_until), to_json(balances), None if most is None else most.minor,
                    owner, run_id,
                ),
            )  # fmt: skip
            await _event(tx, run_id, run.state, after, at=at, note=note)
            if after in FINAL:
                await tx.execute(_DISMISS, {"run_id": run_id, "at": to_ms(at)})
            return await _load(tx, run_id)

        return await self._engine.transaction(work)

    async def answer(self, run_id: str, word: OwnerWord, *, by: str, at: datetime) -> EmergencyRun:
        """The owner's word on a run that waits for it; raises Missing when none does."""
        after = EmergencyState.SELLING if word == "confirm" else EmergencyState.ABORTED
        note = f"{word}, said {by}"

        async def work(tx: Tx) -> EmergencyRun:
            row = await tx.one("SELECT state FROM emergency_run WHERE run_id = ?", (run_id,))
            if row is None or row["state"] != EmergencyState.WAITING_OWNER:
                raise Missing(f"no repair {run_id} waits for a decision")
            await tx.execute(
                "UPDATE emergency_run SET state = ?, updated_ms = ?, ended_ms = ?, note = ?,"
                " owner = ? WHERE run_id = ?",
                (after, to_ms(at), to_ms(at) if after in FINAL else None, note, word, run_id),
            )
            await _event(tx, run_id, EmergencyState.WAITING_OWNER, after, at=at, note=note)
            if after in FINAL:
                await tx.execute(_DISMISS, {"run_id": run_id, "at": to_ms(at)})
            return await _load(tx, run_id)

        return await self._engine.transaction(work)

    async def recommend(self, run_id: str, sales: Sequence[EmergencySale], *, at: datetime) -> None:
        """Replace what the run recommends and has not ordered; nothing is written when it is so."""

        async def work(tx: Tx) -> None:
            unordered = "run_id = ? AND status = 'pending' AND intent_id IS NULL"
            rows = await tx.all(
                f"SELECT * FROM emergency_sale WHERE {unordered} ORDER BY number", (run_id,)
            )
            now = [(sale.number, sale.symbol, sale.quantity.micro) for sale in sales]
            if now == [(row["number"], row["symbol"], row["quantity_micro"]) for row in rows]:
                return
            await tx.execute(f"DELETE FROM emergency_sale WHERE {unordered}", (run_id,))
            for sale in sales:
                await _insert_sale(tx, sale, at)

        await self._engine.transaction(work)

    async def catch_up(self, *, at: datetime) -> None:
        """Join sales with their orders, and settle those whose order has ended."""

        async def work(tx: Tx) -> None:
            await tx.execute(_FIND_ORDERS)
            for status in ("executed", "dismissed"):
                await tx.execute(_SETTLE, {"status": status, "at": to_ms(at)})

        await self._engine.transaction(work)

    async def current(self) -> EmergencyRun | None:
        """The run that has not ended."""
        found = await self._runs("WHERE ended_ms IS NULL")
        return found[0] if found else None

    async def recent(self, limit: int) -> tuple[EmergencyRun, ...]:
        """Newest first."""
        return await self._runs("ORDER BY started_ms DESC, run_id DESC LIMIT ?", limit)

    async def get(self, run_id: str) -> EmergencyRun:
        """Raises Missing."""
        return await self._engine.read(lambda tx: _load(tx, run_id))

    async def orders(self, run_id: str) -> tuple[Intent, ...]:
        """The run's orders, in their steps."""
        tail = "WHERE order_class = 'emergency' AND source_id = ? ORDER BY step, attempt"
        return await self._engine.read(lambda tx: intents(tx, tail, (run_id,)))

    async def sales(self, run_id: str) -> tuple[EmergencySale, ...]:
        return await self._sales("WHERE run_id = ? ORDER BY number", run_id)

    async def pending_sales(self) -> tuple[EmergencySale, ...]:
        """What is recommended now, the oldest run first: shown before any other recommendation."""
        return await self._sales("WHERE status = 'pending' ORDER BY created_ms, run_id, number")

    async def events(self, run_id: str) -> tuple[EmergencyEvent, ...]:
        sql = "SELECT * FROM emergency_event WHERE run_id = ? ORDER BY event_id"
        rows = await self._engine.read(lambda tx: tx.all(sql, (run_id,)))
        return tuple(_event_of(row) for row in rows)

    async def sold_today(self, day: date) -> Money:
        """EUR value, at the prices decided on, of what emergency sales took or may take on `day`.

        What is still open counts whole. `day` is a day of market time, in UTC.
        """
        since = datetime.combine(day, time(), tzinfo=UTC)
        span = {"since": to_ms(since), "until": to_ms(since + timedelta(days=1))}
        rows = await self._engine.read(lambda tx: tx.all(_SOLD, span))
        parts = (
            divide(row["value_minor"] * row["sold_micro"], row["quantity_micro"], Rounding.CEIL)
            for row in rows
        )
        return Money(sum(parts), BASE)

    async def _runs(self, tail: str, *params: Value) -> tuple[EmergencyRun, ...]:
        sql = f"SELECT * FROM emergency_run {tail}"
        rows = await self._engine.read(lambda tx: tx.all(sql, params))
        return tuple(_run_of(row) for row in rows)

    async def _sales(self, tail: str, *params: Value) -> tuple[EmergencySale, ...]:
        sql = f"SELECT * FROM emergency_sale {tail}"
        rows = await self._engine.read(lambda tx: tx.all(sql, params))
        return tuple(sale_of(row) for row in rows)


async def _event(
    tx: Tx,
    run_id: str,
    before: EmergencyState | None,
    after: EmergencyState,
    *,
    at: datetime,
    note: str,
) -> None:
    await tx.insert(
        "INSERT INTO emergency_event (run_id, at_ms, before, after, note) VALUES (?, ?, ?, ?, ?)",
        (run_id, to_ms(at), before, after, note),
    )


async def _insert_sale(tx: Tx, sale: EmergencySale, at: datetime) -> None:
    await tx.execute(
        "INSERT INTO emergency_sale (run_id, number, symbol, side, quantity_micro, price_micro,"
        " price_currency, value_minor, reason, priority, created_ms, updated_ms)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            sale.run_id, sale.number, sale.symbol, sale.side, sale.quantity.micro,
            sale.price.micro, sale.price.currency, sale.value_eur.minor, sale.reason,
            SALE_PRIORITY, to_ms(at), to_ms(at),
        ),
    )  # fmt: skip


async def _load(tx: Tx, run_id: str) -> EmergencyRun:
    row = await tx.one("SELECT * FROM emergency_run WHERE run_id = ?", (run_id,))
    if row is None:
        raise Missing(f"there is no repair {run_id}")
    return _run_of(row)


def _run_of(row: Row) -> EmergencyRun:
    return EmergencyRun(
        run_id=row["run_id"],
        mode=row["mode"],
        state=EmergencyState(row["state"]),
        started_at=from_ms(row["started_ms"]),
        updated_at=from_ms(row["updated_ms"]),
        deficits=from_json(row["deficits"], tuple[Shortfall, ...]),
        ended_at=maybe_instant(row["ended_ms"]),
        note=row["note"],
        waits_until=maybe_instant(row["waits_until_ms"]),
        before=from_json(row["balances_before"], tuple[Money, ...]),
        asked=None if row["asked_minor"] is None else Money(row["asked_minor"], BASE),
        owner=row["owner"],
    )


def sale_of(row: Row) -> EmergencySale:
    return EmergencySale(
        run_id=row["run_id"],
        number=row["number"],
        symbol=row["symbol"],
        quantity=Quantity(row["quantity_micro"]),
        price=Price(row["price_micro"], row["price_currency"]),
        value_eur=Money(row["value_minor"], BASE),
        reason=row["reason"],
        status=row["status"],
        intent_id=row["intent_id"],
    )


def _event_of(row: Row) -> EmergencyEvent:
    return EmergencyEvent(
        at=from_ms(row["at_ms"]),
        before=None if row["before"] is None else EmergencyState(row["before"]),
        after=EmergencyState(row["after"]),
        note=row["note"],
    )
