"""Which lots the owner wants each sale to have taken. Written by sync, after it checked them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ledger.errors import Missing
from ledger.lot import Choices, Pick
from ledger.money import Quantity
from store.engine import Engine, Tx


class Lots:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def sale(self, trade_id: int) -> tuple[str, str]:
        """(fill id, symbol) of the trade shown under this number; raises Missing."""
        row = await self._engine.read(
            lambda tx: tx.one(
                "SELECT fill_id, symbol FROM fill WHERE fact_seq = ? AND side = 'SELL'", (trade_id,)
            )
        )
        if row is None:
            raise Missing(f"there is no sale {trade_id}")
        return row["fill_id"], row["symbol"]

    async def trade_ids(self, symbol: str) -> Mapping[str, int]:
        """The number of every execution of `symbol` among the trades, by its fill id."""
        rows = await self._engine.read(
            lambda tx: tx.all("SELECT fill_id, fact_seq FROM fill WHERE symbol = ?", (symbol,))
        )
        return {row["fill_id"]: row["fact_seq"] for row in rows}

    async def choices(self) -> Choices:
        """What was chosen, by the selling fill; lots in the order of their keys."""
        rows = await self._engine.read(
            lambda tx: tx.all("SELECT * FROM lot_choice ORDER BY fill_id, lot_key")
        )
        found: dict[str, list[Pick]] = {}
        for row in rows:
            pick = Pick(row["lot_key"], Quantity(row["quantity_micro"]))
            found.setdefault(row["fill_id"], []).append(pick)
        return found

    async def choose(self, fill_id: str, picks: Sequence[Pick]) -> None:
        """Replace what was chosen for this sale; nothing takes the choice back.

        The picks have been checked against the lots of that sale; here only the sale itself is:
        raises Missing.
        """

        async def work(tx: Tx) -> None:
            known = await tx.one(
                "SELECT 1 FROM fill WHERE fill_id = ? AND side = 'SELL'", (fill_id,)
            )
            if known is None:
                raise Missing(f"there is no sale {fill_id}")
            await tx.execute("DELETE FROM lot_choice WHERE fill_id = ?", (fill_id,))
            await tx.execute_many(
                "INSERT INTO lot_choice VALUES (?, ?, ?)",
                [(fill_id, pick.lot_key, pick.quantity.micro) for pick in picks],
            )

        await self._engine.transaction(work)
