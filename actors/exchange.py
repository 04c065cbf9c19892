"""Currency exchange as sync keeps it: the routes in force, which are proven, which rates count.

Sync asks `accept` of every rate table it read, and `prove` whenever the books were compared with
the account; the portfolio carries the result to everybody who converts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from ledger.portfolio import BookDifference
from ledger.quote import Quote
from ledger.rate import HeldRate, Rate, RateTable
from ledger.security import FxPair
from policy.fx_proof import proves
from policy.fx_rates import accept, live_rates
from policy.limits import Limits
from store.fx_proofs import FxProofs
from store.market import MarketStore
from wire.board import Latest, in_force


class Exchange:
    """`routes` are the pairs in force; on a `trusted` exchange none needs to be proven."""

    def __init__(
        self,
        routes: tuple[FxPair, ...],
        *,
        trusted: bool,
        proofs: FxProofs,
        market: MarketStore,
        rules: Latest[Limits],
    ) -> None:
        self.routes = routes
        self._trusted = trusted
        self._proofs = proofs
        self._market = market
        self._rules = rules
        self._proven: frozenset[str] | None = None
        self._table: RateTable | None = None
        self._held: tuple[Rate, ...] | None = None

    async def pairs(self) -> tuple[FxPair, ...]:
        """The routes, each saying whether it is proven."""
        if self._trusted:
            return self.routes
        proven = await self._known_proofs()
        return tuple(replace(pair, proven=pair.symbol in proven) for pair in self.routes)

    async def prove(self, differences: Iterable[BookDifference], *, at: datetime) -> None:
        """Look for conversions that prove their pair, after books and account were compared."""
        if self._trusted:
            return
        proven, standing = await self._known_proofs(), tuple(differences)
        open_routes = {pair.symbol: pair for pair in self.routes if pair.symbol not in proven}
        if not open_routes:
            return
        for one in await self._proofs.newest_conversions(open_routes):
            if proves(one.fill, one.asked, open_routes[one.fill.symbol], standing):
                await self._proofs.prove(one.fill, at=at)
                self._proven = None

    async def accept(
        self, read: RateTable, quotes: Mapping[str, Quote], *, at: datetime
    ) -> RateTable:
        """The rates that count from now on; `at` is the market instant of asking for `quotes`."""
        limits = in_force(self._rules)
        before = await self._last_rates()
        live = live_rates(self.routes, quotes, now=at, limits=limits)
        judged = accept(read, before, live, limits=limits)
        await self._keep(before, judged.table, judged.held, at)
        return judged.table

    async def _keep(
        self, before: RateTable, now: RateTable, held: tuple[HeldRate, ...], at: datetime
    ) -> None:
        """Write only what changed, to spare the card."""
        fresh = {c: rate for c, rate in now.per_eur.items() if before.per_eur.get(c) != rate}
        waiting = tuple(item.rate for item in held)
        if fresh or waiting != self._held:
            await self._market.put_rates(RateTable(fresh), at=at, held=held)
        self._table, self._held = now, waiting

    async def _known_proofs(self) -> frozenset[str]:
        if self._proven is None:
            self._proven = await self._proofs.proven()
        return self._proven

    async def _last_rates(self) -> RateTable:
        if self._table is None:
            self._table = await self._market.rates()
        return self._table
