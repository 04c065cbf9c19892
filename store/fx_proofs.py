"""Currency pairs that were seen to work, and the conversions that can show it. Written by sync."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from ledger.fact import Fill
from ledger.order import Side
from store.codec import to_json, to_ms
from store.engine import Engine
from store.fact_rows import fact_of

_NEWEST_FILLS = """
SELECT max(f.seq), f.kind, f.payload, i.side
FROM fill e JOIN fact f ON f.seq = e.fact_seq JOIN intent i USING (intent_id)
WHERE e.symbol IN (SELECT value FROM json_each(?))
GROUP BY e.symbol ORDER BY e.symbol
"""


@dataclass(frozen=True, slots=True)
class OwnConversion:
    """An execution of an order of ours, and the side that order asked for."""

    fill: Fill
    asked: Side


class FxProofs:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def proven(self) -> frozenset[str]:
        rows = await self._engine.read(lambda tx: tx.all("SELECT symbol FROM fx_proof"))
        return frozenset(row["symbol"] for row in rows)

    async def newest_conversions(self, symbols: Iterable[str]) -> tuple[OwnConversion, ...]:
        """The newest execution of ours on each of these pairs, where there is one."""
        wanted = to_json(sorted(symbols))
        rows = await self._engine.read(lambda tx: tx.all(_NEWEST_FILLS, (wanted,)))
        found: list[OwnConversion] = []
        for row in rows:
            fill = fact_of(row["kind"], row["payload"])
            assert isinstance(fill, Fill)
            found.append(OwnConversion(fill, row["side"]))
        return tuple(found)

    async def prove(self, fill: Fill, *, at: datetime) -> None:
        """Note that `fill` proved its pair; the first proof stays."""
        await self._engine.write(
            "INSERT OR IGNORE INTO fx_proof VALUES (?, ?, ?)",
            (fill.symbol, fill.fill_id, to_ms(at)),
        )
