"""The universe: instruments as the broker describes them, and what the owner allows."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.security import Instrument, Security
from store.engine import Engine


class Securities:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def upsert(
        self, instruments: Sequence[Instrument], *, allow_trading: bool, confirmed: bool
    ) -> tuple[Security, ...]:
        """Add or refresh; the flags count for new ones only. Returns these, in this order."""
        ...

    async def all(self) -> tuple[Security, ...]: ...

    async def set_flags(
        self,
        security_id: int,
        *,
        allow_buy: bool | None = None,
        allow_sell: bool | None = None,
        active: bool | None = None,
        confirmed: bool | None = None,
    ) -> Security:
        """Change the owner's flags that are given; raises Missing."""
        ...
