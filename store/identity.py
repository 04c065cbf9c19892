"""Whose books these are. A ledger belongs to one account of one broker for ever.

Called once at start, after the broker told who it is and before anything else is written.
"""

from __future__ import annotations

from collections.abc import Mapping

from ledger.errors import StartError
from store.engine import Engine, Tx

_KEYS = ("broker_kind", "account_ref")


async def stamp(engine: Engine, *, broker_kind: str, account_ref: str) -> bool:
    """Stamp a new ledger (True), or check the stamp of an old one; raises StartError."""
    wanted = {"broker_kind": broker_kind, "account_ref": account_ref}

    async def work(tx: Tx) -> bool:
        found = await _found(tx)
        if not found:
            await tx.execute_many("INSERT INTO meta VALUES (?, ?)", list(wanted.items()))
            return True
        if found != wanted:
            raise StartError(
                f"{engine.path} holds the books of {_name(found)} and cannot be opened for"
                f" {_name(wanted)}; use another data folder"
            )
        return False

    return await engine.transaction(work)


async def identity(engine: Engine) -> tuple[str, str] | None:
    """(broker kind, account reference), or None while the ledger is not stamped."""
    found = await engine.read(_found)
    return (found["broker_kind"], found["account_ref"]) if found else None


async def _found(tx: Tx) -> Mapping[str, str]:
    rows = await tx.all("SELECT key, value FROM meta WHERE key IN (?, ?)", _KEYS)
    return {row["key"]: row["value"] for row in rows}


def _name(stamped: Mapping[str, str]) -> str:
    return f"account {stamped['account_ref']!r} at broker {stamped['broker_kind']!r}"
