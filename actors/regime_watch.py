"""Keeps the regime of the market on its board: reads the index bars, has them replayed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
from functools import partial

import numpy as np

from kernels.series import Series
from ledger.portfolio import PortfolioSnapshot
from ledger.regime import Regime
from ledger.security import Security
from policy.limits import Limits
from policy.regime import benchmark_symbols, detect
from wire.board import Latest, in_force
from wire.runner import Runner

Closes = Callable[[Security, date], Awaitable[Series | None]]
"""The closes of one security in its own currency up to a market day; None when there are none."""


class RegimeWatch:
    def __init__(
        self,
        *,
        closes: Closes,
        portfolio: Latest[PortfolioSnapshot],
        board: Latest[Regime],
        rules: Latest[Limits],
        runner: Runner,
    ) -> None:
        self._closes = closes
        self._portfolio = portfolio
        self._board = board
        self._rules = rules
        self._runner = runner

    async def refresh(self) -> Regime | None:
        """The regime as of the portfolio's day, shown when it moved; None before the first read."""
        portfolio = self._portfolio.value
        if portfolio is None:
            return None
        today = portfolio.as_of.date()
        known = {security.symbol: security for security in portfolio.universe}
        indices: dict[str, Series] = {}
        for symbol in benchmark_symbols(portfolio.universe):
            series = await self._closes(known[symbol], today)
            # An index without bars counts as missing, not as not wanted.
            indices[symbol] = _none() if series is None else series
        found = await self._runner(
            partial(detect, indices, today=today, limits=in_force(self._rules))
        )
        if found != self._board.value:
            self._board.publish(found)
        return found


def _none() -> Series:
    return Series(np.zeros(0, dtype=np.int32), np.zeros(0))
