"""Dividend pots: net money that arrived and waits to be reinvested. Read by drip and planner."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from ledger.dividend import DividendPot
from ledger.money import Money
from store.engine import Engine


class Dividends:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def pots(self) -> tuple[DividendPot, ...]:
        """Pots with money left, reserved or owed (negative `left`), oldest payment first."""
        ...

    async def earmarked(self) -> Mapping[str, int]:
        """Minor units by currency that belong to reinvestment: left + reserved, never negative."""
        ...

    async def release(self, dividend_id: int, at: datetime) -> Money:
        """Give what is left of a pot back to the planner; returns it."""
        ...
