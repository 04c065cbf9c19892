"""The instruments of the account: as the broker lists them, and what is held besides.

Sync refreshes them once a market day. What joins later waits for the owner before it is traded.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from actors.intake import Intake
from ledger.errors import Conflict
from ledger.portfolio import PortfolioSnapshot
from ledger.security import Security
from store.securities import Securities


class Universe:
    """`securities` is what is listed or held, as last read by way of `intake`."""

    def __init__(self, intake: Intake, store: Securities) -> None:
        self.intake = intake
        self._store = store
        self._day: date | None = None
        self._sought: set[str] = set()
        self.securities: tuple[Security, ...] = ()

    async def load(self) -> None:
        """What an earlier life knew."""
        self.securities = await self._store.all()

    def symbol_of(self, name: str) -> str:
        """The symbol that `name`, a symbol or an ISIN, stands for; what is unknown is a symbol.

        Raises Conflict `ambiguous` for an ISIN with several active listings.
        """
        listed = [s.symbol for s in self.securities if s.active and s.instrument.isin == name]
        if len(listed) > 1:
            text = f"{name} is listed as {', '.join(sorted(listed))}: name one of them"
            raise Conflict(text, code="ambiguous")
        return listed[0] if listed else name

    def mics(self, portfolio: PortfolioSnapshot | None) -> tuple[str, ...]:
        """The exchanges of the universe, in a fixed order; before the first read as last known."""
        known = portfolio.universe if portfolio else self.securities
        return tuple(sorted({security.instrument.mic for security in known}))

    async def refresh(self) -> None:
        """Read the broker's list unless it was read this market day."""
        today = self.intake.clock.market_now().date()
        if self._day != today:
            await self._read(first=not self.securities)
            self._day, self._sought = today, set()

    async def include(self, held: Iterable[str]) -> None:
        """What is held belongs to it: as the broker lists it, or as we last knew it.

        A stranger is looked for once a market day; what is not listed any more is not active.
        """
        strangers = set(held) - {security.symbol for security in self.securities}
        if not strangers:
            return
        if not strangers <= self._sought:
            await self._read(first=False)
            self._sought |= strangers
        listed = {security.symbol for security in self.securities}
        missing = strangers - listed
        known = [one for one in await self._store.all() if one.symbol in missing]
        self.securities += tuple(replace(one, active=False) for one in known)

    async def _read(self, *, first: bool) -> None:
        with self.intake.step():
            instruments = await self.intake.broker.instruments()
        self.securities = await self._store.upsert(
            instruments, allow_trading=first, confirmed=first
        )
