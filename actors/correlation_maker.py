"""Part of the analyst: how alike securities move, from the histories that scoring reads anyway."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import partial

from ledger.correlation import Correlations
from policy.correlations import RecentReturns, lookback
from policy.planning.config import Strategies
from wire.board import Latest
from wire.runner import Runner


@dataclass(frozen=True, slots=True)
class CorrelationMaker:
    """`begin`, show it every history, then `publish`."""

    strategies: Latest[Strategies]
    board: Latest[Correlations]
    runner: Runner

    def begin(self) -> RecentReturns:
        return RecentReturns(lookback(self.strategies.value))

    async def publish(self, seen: RecentReturns, as_of: date) -> None:
        found = await self.runner(partial(seen.table, as_of))
        if found != self.board.value:
            self.board.publish(found)
