"""Quotes and exchange rates: what can be fetched again, in a file of its own. Written by sync."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ledger.quote import Quote
from ledger.rate import RateTable
from store.engine import Engine


class MarketStore:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def put_quotes(self, quotes: Iterable[Quote]) -> None:
        """Keep the newest quote of each symbol; an older one changes nothing."""
        ...

    async def quotes(self) -> Mapping[str, Quote]: ...

    async def put_rates(self, table: RateTable) -> None: ...

    async def rates(self) -> RateTable:
        """The newest rate of each currency."""
        ...
