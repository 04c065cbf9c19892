"""What was held and what moved it, day by day, from the journal. Read by the analyst.

Simulated orders are no facts, so that nothing of them is here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time

from ledger.holdings import BookedSplit, HoldingsHistory, Movement, Traded
from store.codec import to_ms
from store.engine import Engine, Row, Tx, scalar

# A flow belongs to a security by its own symbol, or by that of the action it refers to.
_FLOW_SYMBOL = """coalesce(c.symbol,
    (SELECT min(a.symbol) FROM corporate_action a WHERE a.action_id = c.reference))"""
_MOVEMENTS = f"""
SELECT date(happened_ms / 1000, 'unixepoch') AS day, account, key, cause,
    CASE cause WHEN 'income' THEN symbol END AS earned_by, sum(delta) AS delta
FROM (
    SELECT f.happened_ms, p.account, p.key, p.delta, {_FLOW_SYMBOL} AS symbol,
        CASE
            WHEN f.kind = 'fill' THEN 'trade'
            WHEN f.kind = 'action' THEN 'split'
            WHEN f.kind = 'opening' OR c.category IN ('deposit', 'withdrawal') THEN 'external'
            WHEN f.kind = 'adjustment' AND json_extract(f.payload, '$.by') <> 'sync'
                THEN 'external'
            WHEN {_FLOW_SYMBOL} IS NULL THEN 'other'
            ELSE 'income'
        END AS cause
    FROM fact f JOIN posting p ON p.fact_seq = f.seq LEFT JOIN cash_flow c ON c.fact_seq = f.seq
    WHERE f.happened_ms >= ? AND f.happened_ms < ?)
GROUP BY day, account, key, cause, earned_by HAVING sum(delta) <> 0
ORDER BY day, account, key, cause, earned_by
"""
_BEFORE = """
SELECT p.account, p.key, sum(p.delta) AS amount
FROM fact f JOIN posting p ON p.fact_seq = f.seq
WHERE f.happened_ms < ? GROUP BY p.account, p.key HAVING sum(p.delta) <> 0
ORDER BY p.account, p.key
"""
_LAST_SEQ = "SELECT coalesce(max(seq), 0) FROM fact"
_SPLITS = """
SELECT symbol, ex_date, date(effective_ms / 1000, 'unixepoch') AS day
FROM corporate_action WHERE kind = 'split' ORDER BY effective_ms, symbol
"""
_TRADES = """
SELECT date(executed_ms / 1000, 'unixepoch') AS day, gross_currency AS currency,
    sum(CASE side WHEN 'BUY' THEN gross_minor ELSE 0 END) AS bought,
    sum(CASE side WHEN 'SELL' THEN gross_minor ELSE 0 END) AS sold
FROM fill WHERE executed_ms >= ? AND executed_ms < ? AND instr(symbol, '/') = 0
GROUP BY day, currency ORDER BY day, currency
"""


class HoldingsHistories:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def last_seq(self) -> int:
        """The newest fact's number; 0 when the journal is empty."""
        return await self._engine.read(lambda tx: scalar(tx, _LAST_SEQ))

    async def between(self, first: date, until: date) -> HoldingsHistory:
        """The market days from `first` until the day before `until`, in one consistent view."""
        window = _midnight(first), _midnight(until)

        async def work(tx: Tx) -> HoldingsHistory:
            before = await tx.all(_BEFORE, window[:1])
            return HoldingsHistory(
                first=first,
                until=until,
                seq=await scalar(tx, _LAST_SEQ),
                holdings=_amounts(before, "holding"),
                cash=_amounts(before, "cash"),
                movements=tuple(_movement(row) for row in await tx.all(_MOVEMENTS, window)),
                splits=tuple(_split(row) for row in await tx.all(_SPLITS)),
                trades=tuple(_traded(row) for row in await tx.all(_TRADES, window)),
            )

        return await self._engine.read(work)


def _midnight(day: date) -> int:
    return to_ms(datetime.combine(day, time(), UTC))


def _amounts(rows: Sequence[Row], account: str) -> dict[str, int]:
    return {row["key"]: row["amount"] for row in rows if row["account"] == account}


def _movement(row: Row) -> Movement:
    return Movement(
        day=date.fromisoformat(row["day"]),
        account=row["account"],
        key=row["key"],
        cause=row["cause"],
        delta=row["delta"],
        earned_by=row["earned_by"],
    )


def _split(row: Row) -> BookedSplit:
    ex_date, day = date.fromisoformat(row["ex_date"]), date.fromisoformat(row["day"])
    return BookedSplit(row["symbol"], ex_date, day)


def _traded(row: Row) -> Traded:
    return Traded(date.fromisoformat(row["day"]), row["currency"], row["bought"], row["sold"])
