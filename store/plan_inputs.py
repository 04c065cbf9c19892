"""What plans were made from, kept by the name of its content. Written by the planner."""

from __future__ import annotations

from datetime import datetime

from ledger.errors import Unavailable
from store.codec import to_ms
from store.engine import Engine, Tx

_UNUSED = """
DELETE FROM plan_input WHERE
    input_hash NOT IN (SELECT input_hash FROM plan WHERE input_hash IS NOT NULL)
    AND input_hash NOT IN (SELECT input_hash FROM planner_run)
"""


class PlanInputs:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def get(self, input_hash: str | None) -> bytes:
        """The stored bytes; raises Unavailable when they were not kept."""
        row = await self._engine.read(
            lambda tx: tx.one("SELECT payload FROM plan_input WHERE input_hash = ?", (input_hash,))
        )
        if row is None:
            raise Unavailable("what the plan was made from was not kept")
        payload: bytes = row["payload"]
        return payload


async def keep_input(tx: Tx, input_hash: str, payload: bytes, at: datetime) -> None:
    """Once per content, whoever stores it."""
    await tx.execute(
        "INSERT INTO plan_input VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        (input_hash, payload, to_ms(at)),
    )


async def forget_unused(tx: Tx) -> int:
    """Forget what no plan and no run was made from; how many."""
    return await tx.execute(_UNUSED)
