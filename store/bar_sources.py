"""Where the stored bars of a security came from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from store.engine import Engine, Tx

_SOURCES = """
SELECT source, group_concat(day) AS days
FROM (SELECT source, day FROM bar WHERE security_id = ? AND day >= ? ORDER BY source, day)
GROUP BY source ORDER BY source
"""


class BarSources:
    """Over the engine of `market.db`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def days(self, security_id: int, *, since: date | None = None) -> Mapping[str, str]:
        """The days each source told of, by its name: ordinals joined by commas, oldest first.

        The texts are made by the database and unpacked by whoever computes with them.
        """
        first = 0 if since is None else since.toordinal()

        async def work(tx: Tx) -> dict[str, str]:
            rows = await tx.all(_SOURCES, (security_id, first))
            return {row["source"]: row["days"] for row in rows}

        return await self._engine.read(work)
