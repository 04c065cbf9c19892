"""Since when the account holds what it holds, worked out once per state of the journal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from ledger.portfolio import PortfolioSnapshot
from policy.knowledge import held_since
from store.facts import Facts


@dataclass(slots=True)
class HoldingTimes:
    facts: Facts
    _seq: int | None = None
    _known: Mapping[str, date] = field(default_factory=dict[str, date])

    @property
    def newest(self) -> Mapping[str, date]:
        """What the last portfolio that was asked about held."""
        return self._known

    async def of(self, portfolio: PortfolioSnapshot) -> Mapping[str, date]:
        """By symbol, the day on which the oldest share that is still there was bought."""
        if self._seq != portfolio.ledger_seq:
            held = [p.security.symbol for p in portfolio.positions]
            history = await self.facts.cost_history(held)
            self._known = held_since(history, portfolio.as_of.date())
            self._seq = portfolio.ledger_seq
        return self._known
