"""What was traded lately, from recorded executions and orders in flight. Read by gates and planner.

Only live orders count: what research mode simulated has no execution and is never in flight.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ledger.order import IN_FLIGHT
from ledger.trade_history import Trade, TradeHistory
from store.codec import from_ms, sql_list, to_ms
from store.engine import Engine, Row, Tx

_LAST = """
SELECT f.symbol, f.side, max(f.executed_ms) AS at_ms
FROM fill f LEFT JOIN intent i USING (intent_id)
WHERE instr(f.symbol, '/') = 0 AND i.mode IS NOT 'research'
    AND (f.side = 'SELL' OR i.order_class IS NOT 'drip')
GROUP BY f.symbol, f.side
"""

# One row per order, however many executions it has; a foreign one by the broker's own number.
_TRADES = f"""
SELECT f.symbol, f.side, i.order_class, max(f.executed_ms) AS at_ms, 0 AS live
FROM fill f LEFT JOIN intent i USING (intent_id)
WHERE f.executed_ms > :since AND i.mode IS NOT 'research'
    AND (i.state IS NULL OR i.state NOT IN ({sql_list(IN_FLIGHT)}))
GROUP BY f.intent_id, CASE WHEN f.intent_id IS NULL THEN f.broker_order_id END
UNION ALL
SELECT i.symbol, i.side, i.order_class, coalesce(max(f.executed_ms), i.submitted_ms), 1
FROM intent i LEFT JOIN fill f USING (intent_id)
WHERE i.state IN ({sql_list(IN_FLIGHT)}) AND i.mode = 'live'
GROUP BY i.intent_id
ORDER BY at_ms
"""


class TradeHistories:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def since(self, at: datetime) -> TradeHistory:
        """The last trades by symbol, and the orders after the market instant `at`."""

        async def work(tx: Tx) -> TradeHistory:
            last = await tx.all(_LAST)
            trades = await tx.all(_TRADES, {"since": to_ms(at)})
            return _history(last, trades)

        return await self._engine.read(work)


def _history(last: Sequence[Row], trades: Sequence[Row]) -> TradeHistory:
    return TradeHistory(
        bought={row["symbol"]: from_ms(row["at_ms"]) for row in last if row["side"] == "BUY"},
        sold={row["symbol"]: from_ms(row["at_ms"]) for row in last if row["side"] == "SELL"},
        trades=tuple(
            Trade(
                symbol=row["symbol"],
                side=row["side"],
                order_class=row["order_class"],
                at=from_ms(row["at_ms"]),
                live=bool(row["live"]),
            )
            for row in trades
        ),
    )
