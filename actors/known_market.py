"""What is known of the securities, worked out once per change of what it is made from.

Planner, DRIP and rebalancer ask with every portfolio; hundreds of securities are gone through only
when scores, targets, groups, rules or the securities themselves have changed, and away from the
event loop.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial

from ledger.allocation import AllocationBook
from ledger.correlation import Correlations
from ledger.portfolio import PortfolioSnapshot
from ledger.regime import UNKNOWN_REGIME, Regime
from policy.knowledge import Knowledge, knowledge, reserve_in
from policy.limits import Limits
from policy.portfolio_hash import Market, market_hash
from wire.messages import Boards
from wire.runner import Runner


@dataclass(frozen=True, slots=True)
class Known:
    """`name` is that of all the rest together; the boards may have moved on meanwhile."""

    knowledge: Knowledge
    regime: Regime
    correlations: Correlations | None
    name: str


@dataclass(slots=True)
class KnownMarket:
    boards: Boards
    runner: Runner
    _shown: tuple[object, ...] = ()
    _settled: tuple[object, ...] = ()
    _known: Known | None = field(default=None)

    async def of(
        self, portfolio: PortfolioSnapshot, limits: Limits, bought_on: Mapping[str, date]
    ) -> Known:
        """What is known now of the securities of `portfolio`."""
        boards = self.boards
        shown = (
            boards.scores.value,
            boards.optimizer.value,
            boards.allocation.value,
            boards.regime.value,
            boards.correlations.value,
            bought_on,
        )
        settled = (portfolio.universe, limits)
        known = self._known
        if known is None or not _same(shown, self._shown) or settled != self._settled:
            known = await self.runner(self._work(portfolio, limits, bought_on))
            self._known, self._shown, self._settled = known, shown, settled
        reserve = reserve_in(portfolio, known.regime, limits)
        return replace(known, knowledge=replace(known.knowledge, reserve=reserve))

    def _work(
        self, portfolio: PortfolioSnapshot, limits: Limits, bought_on: Mapping[str, date]
    ) -> Callable[[], Known]:
        """What is to be worked out from what the boards show now."""
        boards, regime = self.boards, self.boards.regime.value or UNKNOWN_REGIME
        work_out = partial(
            knowledge,
            portfolio,
            scores=boards.scores.value,
            run=boards.optimizer.value,
            book=boards.allocation.value or AllocationBook(),
            regime=regime,
            limits=limits,
            bought_on=bought_on,
        )
        return partial(_named, work_out, regime, boards.correlations.value)


def _named(
    work_out: Callable[[], Knowledge], regime: Regime, correlations: Correlations | None
) -> Known:
    found = work_out()
    market = Market(
        targets=found.targets,
        regime=regime.regime,
        unfit=found.unfit,
        facts=found.facts,
        correlations=correlations,
    )
    return Known(found, regime, correlations, market_hash(market))


def _same(these: tuple[object, ...], those: tuple[object, ...]) -> bool:
    """Whether both hold the same values: what a board shows is never changed, only replaced."""
    return len(these) == len(those) and all(a is b for a, b in zip(these, those, strict=True))
