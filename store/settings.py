"""Mode, latches and the owner's settings, with an audit row per change of the first two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import cast

from ledger.errors import Conflict, Refused
from ledger.halt import Latch, LatchName
from ledger.order import IN_FLIGHT, Mode
from store.codec import from_ms, sql_list, to_ms
from store.engine import Engine, Tx

MODE_KEY = "trading_mode"
# What the owner set, beside what the daemon notes for itself.
LIMIT_PREFIX = "limit."
# What has a meaning only while nothing leaves.
RESEARCH_ONLY = ("virtual_test_cash",)


class Settings:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def mode(self) -> Mode:
        """Absent or unreadable means research."""
        return await self._engine.read(stored_mode)

    async def set_mode(self, mode: Mode, by: str, at: datetime) -> None:
        """Raises Conflict when going live while an order is in flight.

        Going live forgets the settings of RESEARCH_ONLY in the same transaction.
        """

        async def work(tx: Tx) -> None:
            before = await stored_mode(tx)
            if mode == "live" != before and await _in_flight(tx):
                raise Conflict("an order is in flight", code="order_in_flight")
            if mode == "live":
                await _forget(tx, RESEARCH_ONLY, by=by, at=at)
            await _put(tx, MODE_KEY, mode)
            await _audit(tx, at, who=by, what=MODE_KEY, before=before, after=mode)

        await self._engine.transaction(work)

    async def latches(self) -> tuple[Latch, ...]:
        return await self._engine.read(_latches)

    async def set_latch(self, latch: Latch, by: str) -> tuple[Latch, ...]:
        """Halt; a latch that stands keeps its reason and instant. Returns all that stand."""

        async def work(tx: Tx) -> tuple[Latch, ...]:
            await put_latch(tx, latch, by)
            return await _latches(tx)

        return await self._engine.transaction(work)

    async def clear_latches(
        self, names: Sequence[LatchName], by: str, at: datetime
    ) -> tuple[Latch, ...]:
        """Clear the named ones; returns those that still stand."""

        async def work(tx: Tx) -> tuple[Latch, ...]:
            for latch in await _latches(tx):
                if latch.name in names:
                    await tx.execute("DELETE FROM latch WHERE name = ?", (latch.name,))
                    what = f"latch {latch.name}"
                    await _audit(tx, at, who=by, what=what, before=latch.reason, after=None)
            return await _latches(tx)

        return await self._engine.transaction(work)

    async def stored(self) -> Mapping[str, str]:
        """Every ordinary setting that was ever changed, as text."""
        sql = f"SELECT key, value FROM setting WHERE key LIKE '{LIMIT_PREFIX}%'"
        rows = await self._engine.read(lambda tx: tx.all(sql))
        return {row["key"].removeprefix(LIMIT_PREFIX): row["value"] for row in rows}

    async def change(self, key: str, value: str, *, by: str, at: datetime) -> None:
        """Store one ordinary setting, with who changed it; its owner has checked the value."""

        async def work(tx: Tx) -> None:
            before = await _get(tx, LIMIT_PREFIX + key)
            await _put(tx, LIMIT_PREFIX + key, value)
            await _audit(tx, at, who=by, what=f"setting {key}", before=before, after=value)

        await self._engine.transaction(work)

    async def get(self, key: str) -> str | None:
        return await self._engine.read(lambda tx: _get(tx, key))

    async def put(self, key: str, value: str) -> None:
        """Raises Refused for the trading mode, which only set_mode changes."""
        if key == MODE_KEY:
            raise Refused("the trading mode is not an ordinary setting", code="reserved_key")
        await self._engine.transaction(lambda tx: _put(tx, key, value))


async def put_latch(tx: Tx, latch: Latch, by: str) -> None:
    """Set a latch within a transaction; one that stands keeps its reason and instant."""
    fresh = await tx.execute(
        "INSERT INTO latch VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        (latch.name, latch.reason, to_ms(latch.set_at)),
    )
    if fresh:
        what = f"latch {latch.name}"
        await _audit(tx, latch.set_at, who=by, what=what, before=None, after=latch.reason)


async def stored_mode(tx: Tx) -> Mode:
    """The mode as the transaction sees it; anything unreadable means research."""
    return "live" if await _get(tx, MODE_KEY) == "live" else "research"


async def _get(tx: Tx, key: str) -> str | None:
    row = await tx.one("SELECT value FROM setting WHERE key = ?", (key,))
    return None if row is None else row["value"]


async def _put(tx: Tx, key: str, value: str) -> None:
    await tx.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (key, value))


async def _in_flight(tx: Tx) -> bool:
    sql = f"SELECT 1 FROM intent WHERE state IN ({sql_list(IN_FLIGHT)}) LIMIT 1"
    return await tx.one(sql) is not None


async def _forget(tx: Tx, keys: Sequence[str], *, by: str, at: datetime) -> None:
    """Make ordinary settings what they are by default."""
    for key in keys:
        before = await _get(tx, LIMIT_PREFIX + key)
        if before is not None:
            await tx.execute("DELETE FROM setting WHERE key = ?", (LIMIT_PREFIX + key,))
            await _audit(tx, at, who=by, what=f"setting {key}", before=before, after=None)


async def _latches(tx: Tx) -> tuple[Latch, ...]:
    rows = await tx.all("SELECT * FROM latch ORDER BY set_ms, name")
    return tuple(
        Latch(cast("LatchName", row["name"]), row["reason"], from_ms(row["set_ms"])) for row in rows
    )


async def _audit(
    tx: Tx, at: datetime, *, who: str, what: str, before: str | None, after: str | None
) -> None:
    await tx.insert(
        "INSERT INTO audit (at_ms, who, what, before, after) VALUES (?, ?, ?, ?, ?)",
        (to_ms(at), who, what, before, after),
    )
