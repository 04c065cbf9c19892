"""Part of the analyst: publishes what is thought of the holdings after their scores were made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial

from ledger.opinion import Opinions
from ledger.portfolio import PortfolioSnapshot
from ledger.score import Scores
from policy.limits import Limits
from policy.opinions import opinions
from policy.scoring.context import PortfolioContext
from store.trade_history import TradeHistories
from wire.board import Latest, in_force
from wire.runner import Runner


@dataclass(frozen=True, slots=True)
class OpinionMaker:
    histories: TradeHistories
    board: Latest[Opinions]
    rules: Latest[Limits]
    runner: Runner

    async def publish(
        self,
        portfolio: PortfolioSnapshot,
        scores: Scores,
        context: PortfolioContext,
        *,
        oldest_buys: Mapping[str, date],
        now: datetime,
    ) -> None:
        """Of the market instant `now`; arguments as those of `policy.opinions.opinions`."""
        work = partial(
            opinions,
            portfolio,
            scores,
            context,
            oldest_buys=oldest_buys,
            trades=await self.histories.since(now),
            limits=in_force(self.rules),
            today=now.date(),
        )
        self.board.publish(await self.runner(work))
