"""Dividend pots: net money that arrived and waits to be reinvested. Read by drip and planner.

A pot is filled by facts and spent by executions; both happen where those are recorded. A reversal
that comes after the money was spent leaves a pot with a negative rest, which its currency owes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime

from ledger.dividend import DividendPot, PotState
from ledger.errors import Missing
from ledger.money import Money
from store.codec import from_ms, to_ms
from store.engine import Engine, Row, Tx

_OPEN = """
SELECT * FROM pot WHERE paid_ms IS NOT NULL AND (left_minor <> 0 OR reserved_minor > 0)
ORDER BY paid_ms, action_id
"""


class Dividends:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def pots(self) -> tuple[DividendPot, ...]:
        """Pots with money left, reserved or owed (negative `left`), oldest payment first."""
        rows = await self._engine.read(lambda tx: tx.all(_OPEN))
        return tuple(pot_of(row) for row in rows)

    async def earmarked(self) -> Mapping[str, int]:
        """Minor units by currency that belong to reinvestment: left + reserved, never negative."""
        totals: defaultdict[str, int] = defaultdict(int)
        for row in await self._engine.read(lambda tx: tx.all(_OPEN)):
            totals[row["currency"]] += row["left_minor"] + row["reserved_minor"]
        return {currency: max(minor, 0) for currency, minor in totals.items()}

    async def release(self, dividend_id: int, at: datetime) -> Money:
        """Give what is left of a pot back to the planner; returns it, zero when nothing is left.

        Raises Missing for a dividend that does not exist or was not paid yet.
        """

        async def work(tx: Tx) -> Money:
            row = await tx.one("SELECT * FROM pot WHERE dividend_id = ?", (dividend_id,))
            if row is None or row["paid_ms"] is None:
                raise Missing(f"there is no paid dividend {dividend_id}")
            left = max(row["left_minor"], 0)
            if left:
                await tx.execute(
                    "UPDATE dividend SET released_minor = released_minor + ?, released_ms = ?"
                    " WHERE dividend_id = ?",
                    (left, to_ms(at), dividend_id),
                )
            return Money(left, row["currency"])

        return await self._engine.transaction(work)


def pot_of(row: Row) -> DividendPot:
    """A row of the view `pot` whose money has arrived."""
    currency = row["currency"]
    return DividendPot(
        dividend_id=row["dividend_id"],
        action_id=row["action_id"],
        symbol=row["symbol"],
        paid_at=from_ms(row["paid_ms"]),
        net=Money(row["net_minor"], currency),
        left=Money(row["left_minor"], currency),
        state=_state_of(row),
    )


def _state_of(row: Row) -> PotState:
    if row["reserved_minor"]:
        return PotState.RESERVED
    if row["left_minor"]:
        return PotState.ACCUMULATING
    return PotState.REINVESTED if row["reinvested_minor"] else PotState.RELEASED
