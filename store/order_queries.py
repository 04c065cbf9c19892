"""Orders, read: what the trader, the gates and the web ask of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from ledger.money import Rounding, divide
from ledger.order import IN_FLIGHT, TERMINAL, Intent, OrderClass, OrderState, Side, Verdict
from store.codec import from_json, from_ms, maybe_instant, sql_list, to_json, to_ms
from store.engine import Engine, Params, Row, Tx, Value, scalar
from store.order_rows import intent_of, load_intent
from store.settings import stored_mode

FOR_EVER = datetime.max.replace(tzinfo=UTC)

# A broker that says no at once must not be asked again at once.
PAUSE_MS = 15 * 60 * 1000
_BARRED = """
SELECT symbol, side, max(until_ms) AS until_ms, max(for_ever) AS for_ever
FROM (
    SELECT symbol, side, retry_after_ms AS until_ms,
        retry_after_ms IS NULL AND source_id = :source_id AS for_ever
    FROM intent
    WHERE state = 'refused' AND mode = :mode
        AND (retry_after_ms > :at OR (retry_after_ms IS NULL AND source_id = :source_id))
    UNION ALL
    SELECT symbol, side, submitted_ms + :pause, 0 FROM intent
    WHERE submitted_ms > :at - :pause AND mode = :mode
        AND (state IN ('rejected', 'not_placed')
            OR (state IN ('cancelled', 'expired') AND filled_micro = 0)))
GROUP BY symbol, side
"""
_LAST_MOVED = """
SELECT at_ms FROM order_event WHERE after NOT IN ('proposed', 'refused', 'simulated')
ORDER BY event_id DESC LIMIT 1
"""
_READY = """
WHERE state = 'proposed'
ORDER BY CASE order_class WHEN 'emergency' THEN 0 WHEN 'fx' THEN 1 ELSE 2 END, intent_id
"""


@dataclass(frozen=True, slots=True)
class OrderEvent:
    """One step of an order's life; `before` equals `after` for a note. `at` is market time."""

    at: datetime
    before: OrderState | None
    after: OrderState
    note: str
    verdicts: tuple[Verdict, ...]


@dataclass(frozen=True, slots=True)
class Looks:
    """Complete looks at the broker that did not show an order of unknown fate (machine time)."""

    count: int
    first_at: datetime | None
    last_at: datetime | None


class OrderQueries:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def get(self, intent_id: int) -> Intent:
        """Raises Missing."""
        return await self._engine.read(lambda tx: load_intent(tx, intent_id))

    async def by_client_order_id(self, client_order_id: int) -> Intent | None:
        found = await self._select("WHERE client_order_id = ?", client_order_id)
        return found[0] if found else None

    async def ready(self) -> tuple[Intent, ...]:
        """Proposed ones: emergency first, then currency exchange, then the oldest."""
        return await self._select(_READY)

    async def in_flight(self) -> tuple[Intent, ...]:
        return await self._select(f"WHERE state IN ({sql_list(IN_FLIGHT)}) ORDER BY intent_id")

    async def given_up(self, client_order_ids: Iterable[int]) -> tuple[Intent, ...]:
        """Those of these that ended here without having executed wholly."""
        ended = sql_list(TERMINAL - {OrderState.FILLED})
        return await self._select(
            f"WHERE state IN ({ended}) AND client_order_id IN (SELECT value FROM json_each(?))",
            to_json(list(client_order_ids)),
        )

    async def last_moved_at(self) -> datetime | None:
        """The market instant of the newest event of an order that was sent; None without one."""
        row = await self._engine.read(lambda tx: tx.one(_LAST_MOVED))
        return None if row is None else from_ms(row["at_ms"])

    async def of_source(self, order_class: OrderClass, source_id: str) -> Intent | None:
        """The first intent of this source; None when it proposed nothing yet."""
        found = await self._select(
            "WHERE order_class = ? AND source_id = ? ORDER BY intent_id LIMIT 1",
            order_class,
            source_id,
        )
        return found[0] if found else None

    async def looks(self, intent_id: int) -> Looks:
        return await self._engine.read(lambda tx: load_looks(tx, intent_id))

    async def reserved_cash(self) -> Mapping[str, int]:
        """Minor units by currency that the rest of live orders may still cost, fees included."""
        return await self._engine.read(_reserved_cash)

    async def barred(
        self, at: datetime, *, source_id: str | None = None
    ) -> Mapping[tuple[str, Side], datetime]:
        """Until when (symbol, side) must not be proposed again, in today's mode.

        From our own refusals, and for PAUSE_MS after the broker took no order. With `source_id`
        also what was refused to that source without a date: barred for ever.
        """
        return await self._engine.read(lambda tx: _barred(tx, at, source_id))

    async def last_attempt(self, order_class: OrderClass, source_id: str, step: int) -> int:
        """0 when nothing was proposed yet."""
        sql = (
            "SELECT coalesce(max(attempt), 0) FROM intent"
            " WHERE order_class = ? AND source_id = ? AND step = ?"
        )
        return await self._engine.read(lambda tx: scalar(tx, sql, (order_class, source_id, step)))

    async def submitted_since(self, at: datetime) -> tuple[Intent, ...]:
        """Intents sent to the broker at or after the market instant `at`, oldest first."""
        return await self._select("WHERE submitted_ms >= ? ORDER BY submitted_ms", to_ms(at))

    async def recent(self, limit: int) -> tuple[Intent, ...]:
        """Newest first."""
        return await self._select("ORDER BY intent_id DESC LIMIT ?", limit)

    async def events(self, intent_id: int) -> tuple[OrderEvent, ...]:
        rows = await self._engine.read(
            lambda tx: tx.all(
                "SELECT * FROM order_event WHERE intent_id = ? ORDER BY event_id", (intent_id,)
            )
        )
        return tuple(event_of(row) for row in rows)

    async def _select(self, tail: str, *params: Value) -> tuple[Intent, ...]:
        return await self._engine.read(lambda tx: intents(tx, tail, params))


async def intents(tx: Tx, tail: str, params: Params = ()) -> tuple[Intent, ...]:
    """Intents chosen by the rest of a SELECT."""
    return tuple(intent_of(row) for row in await tx.all(f"SELECT * FROM intent {tail}", params))


async def _reserved_cash(tx: Tx) -> Mapping[str, int]:
    """Minor units by currency that the rest of live orders may still cost, fees included.

    The reservation shrinks with the executions; the fee stays whole while anything can execute.
    """
    rows = await tx.all(
        f"SELECT * FROM intent WHERE state IN ({sql_list(IN_FLIGHT)})"
        " AND filled_micro < quantity_micro"
    )
    totals: defaultdict[str, int] = defaultdict(int)
    for row in rows:
        totals[row["reserved_currency"]] += _rest_of(row)
        totals[row["reserved_fee_currency"]] += row["reserved_fee_minor"]
    return {currency: minor for currency, minor in totals.items() if minor}


def _rest_of(row: Row) -> int:
    rest = row["quantity_micro"] - row["filled_micro"]
    return divide(row["reserved_minor"] * rest, row["quantity_micro"], Rounding.CEIL)


async def _barred(
    tx: Tx, at: datetime, source_id: str | None
) -> Mapping[tuple[str, Side], datetime]:
    """See OrderQueries.barred; the mode is the one that is stored now."""
    params = {
        "at": to_ms(at),
        "mode": await stored_mode(tx),
        "source_id": source_id,
        "pause": PAUSE_MS,
    }
    return {
        (row["symbol"], row["side"]): FOR_EVER if row["for_ever"] else from_ms(row["until_ms"])
        for row in await tx.all(_BARRED, params)
    }


async def load_looks(tx: Tx, intent_id: int) -> Looks:
    row = await tx.one("SELECT * FROM order_look WHERE intent_id = ?", (intent_id,))
    if row is None:
        return Looks(0, None, None)
    return Looks(row["looks"], maybe_instant(row["first_ms"]), maybe_instant(row["last_ms"]))


async def forget_looks(tx: Tx, intent_id: int) -> None:
    """The order was seen: looks that missed it prove nothing any more."""
    await tx.execute("DELETE FROM order_look WHERE intent_id = ?", (intent_id,))


def event_of(row: Row) -> OrderEvent:
    return OrderEvent(
        at=from_ms(row["at_ms"]),
        before=None if row["before"] is None else OrderState(row["before"]),
        after=OrderState(row["after"]),
        note=row["note"],
        verdicts=from_json(row["verdicts"], tuple[Verdict, ...]),
    )
