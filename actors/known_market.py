"""What is known of the securities, worked out once per change of what it is made from.

Planner, DRIP and rebalancer ask with every portfolio; hundreds of securities are gone through only
when scores, targets, groups, rules or the securities themselves have changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from ledger.allocation import AllocationBook
from ledger.portfolio import PortfolioSnapshot
from ledger.regime import UNKNOWN_REGIME, Regime
from policy.knowledge import Knowledge, knowledge, reserve_in
from policy.limits import Limits
from policy.portfolio_hash import Market, market_hash
from wire.messages import Boards


@dataclass(frozen=True, slots=True)
class Known:
    """`name` is that of everything in `knowledge` and of the market's state."""

    knowledge: Knowledge
    name: str


@dataclass(slots=True)
class KnownMarket:
    boards: Boards
    _shown: tuple[object, ...] = ()
    _settled: tuple[object, ...] = ()
    _known: Known | None = field(default=None)

    @property
    def regime(self) -> Regime:
        return self.boards.regime.value or UNKNOWN_REGIME

    def of(
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
            known = self._known = self._work_out(portfolio, limits, bought_on)
            self._shown, self._settled = shown, settled
        reserve = reserve_in(portfolio, self.regime, limits)
        return replace(known, knowledge=replace(known.knowledge, reserve=reserve))

    def _work_out(
        self, portfolio: PortfolioSnapshot, limits: Limits, bought_on: Mapping[str, date]
    ) -> Known:
        boards = self.boards
        found = knowledge(
            portfolio,
            scores=boards.scores.value,
            run=boards.optimizer.value,
            book=boards.allocation.value or AllocationBook(),
            regime=self.regime,
            limits=limits,
            bought_on=bought_on,
        )
        market = Market(
            targets=found.targets,
            regime=self.regime.regime,
            unfit=found.unfit,
            facts=found.facts,
            correlations=boards.correlations.value,
        )
        return Known(found, market_hash(market))


def _same(these: tuple[object, ...], those: tuple[object, ...]) -> bool:
    """Whether both hold the same values: what a board shows is never changed, only replaced."""
    return len(these) == len(those) and all(a is b for a, b in zip(these, those, strict=True))
