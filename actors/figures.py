"""What a security is judged by, read one at a time: its past, and what is reported of it.

Deriving goes through the runner, so that the event loop never waits for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import partial

from kernels.series import Series
from ledger.allocation import industries_of
from ledger.security import Security
from policy.price_history import PriceHistory
from policy.prices import derive_all
from policy.scoring.buy_score import Figures
from policy.scoring.context import Subject
from store.bars import Bars
from wire.runner import Runner


@dataclass(frozen=True, slots=True)
class FigureReader:
    bars: Bars
    runner: Runner

    async def history(self, security: Security) -> PriceHistory | None:
        """Everything that is stored of its prices, ready to be computed with; None without bars."""
        book = await self.bars.read([security.security_id])
        if not book.prices[0].columns.days:
            return None
        names = {security.security_id: security.symbol}
        (found,) = await self.runner(partial(derive_all, book, names))
        return found

    async def figures(self, security: Security) -> Figures:
        reported = await self.bars.fundamentals([security.security_id])
        return Figures(
            Subject.of(security, industries_of(security.instrument.industry)),
            await self.history(security),
            reported[security.security_id],
        )

    async def total_return(self, security: Security, today: date) -> Series | None:
        """Its total return in EUR up to `today`; None when it cannot be used or valued."""
        found = await self.history(security)
        if found is None or found.unusable is not None or found.total_eur is None:
            return None
        return found.total_eur.between(0, today.toordinal())
