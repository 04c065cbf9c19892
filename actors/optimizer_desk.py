"""Runs the optimizer: gathers what it rests on, has it computed, keeps and shows the run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import date
from functools import partial
from typing import Protocol

from kernels.series import Series
from ledger.allocation import AllocationBook
from ledger.currency import BASE
from ledger.dividend import DividendRecord
from ledger.errors import Busy, Refused, Unavailable
from ledger.money import Money
from ledger.optimization import OptimizerRun
from ledger.portfolio import PortfolioSnapshot
from ledger.regime import UNKNOWN_REGIME
from ledger.security import Security
from policy.fees import FeeTerms, min_trade_eur, no_less_than
from policy.limits import Limits
from policy.optimizer.build import optimizer_input
from policy.optimizer.outlook import outlook_of
from policy.optimizer.run import optimize
from policy.optimizer.weekly import weekly
from policy.regime import benchmark_symbols
from store.optimizer_runs import OptimizerRuns
from wire.board import Latest, in_force
from wire.clock import Clock
from wire.messages import Boards
from wire.optimizer_asks import OptimizerState, RunOptimizer, ShowOptimizer
from wire.runner import Runner

ASKED = (RunOptimizer, ShowOptimizer)

TotalReturns = Callable[[Security, date], Awaitable[Series | None]]
"""The total return of one security in EUR up to a market day; None when there is none."""


class Dividends(Protocol):
    async def all(self) -> Iterable[DividendRecord]:
        """Every dividend there is a record of."""
        ...


class OptimizerDesk:
    """One run at a time. Histories are read one after the other; only their weeks are kept.

    The board holds the newest run that found weights, as long as there is one: targets that were
    found are not given up because figures are missing today. `state` tells of the newest of all.
    """

    def __init__(
        self,
        *,
        runs: OptimizerRuns,
        dividends: Dividends,
        histories: TotalReturns,
        boards: Boards,
        clock: Clock,
        rules: Latest[Limits],
        broker_fees: FeeTerms,
        runner: Runner,
    ) -> None:
        self._runs = runs
        self._dividends = dividends
        self._histories = histories
        self._boards = boards
        self._clock = clock
        self._rules = rules
        self._broker_fees = broker_fees
        self._runner = runner
        self._last: OptimizerRun | None = None
        self._running = False

    async def load(self) -> None:
        """Show the newest run of an earlier life; before anything is asked."""
        self._last = await self._runs.last()
        shown = await self._runs.last(successful=True) or self._last
        if shown is not None:
            self._boards.optimizer.publish(shown)

    async def answer(self, request: object) -> object:
        match request:
            case RunOptimizer():
                return await self.run()
            case ShowOptimizer():
                return self.state()
            case other:
                raise AssertionError(f"the optimizer desk does not answer {other!r}")

    def state(self) -> OptimizerState:
        limits, portfolio = in_force(self._rules), self._boards.portfolio.value
        fees = no_less_than(limits, self._broker_fees)
        return OptimizerState(
            blend=limits.optimizer_blend,
            target_return=limits.optimizer_target_return,
            min_cash_reserve=limits.min_cash_reserve,
            min_trade=None if portfolio is None else min_trade_eur(fees, limits, portfolio.rates),
            last=self._last,
            running=self._running,
        )

    async def run(self) -> OptimizerRun:
        """One run from the portfolio of now, stored and then shown.

        Raises Busy while another one goes on, Refused `no_securities` for an empty universe,
        Unavailable before the account is read or while its total value is not known.
        """
        portfolio = self._boards.portfolio.value
        if portfolio is None:
            raise Unavailable("the account has not been read yet")
        if not portfolio.universe:
            raise Refused("No securities in universe", code="no_securities")
        if self._running:
            raise Busy("the optimizer is already running")
        self._running = True
        try:
            run = await self._computed(portfolio)
            await self._runs.put(run)
        finally:
            self._running = False
        self._last = run
        shown = self._boards.optimizer.value
        if run.success or shown is None or not shown.success:
            self._boards.optimizer.publish(run)
        return run

    async def _computed(self, portfolio: PortfolioSnapshot) -> OptimizerRun:
        boards, limits = self._boards, in_force(self._rules)
        bonuses = await self._bonuses()
        histories = await self._weeks(portfolio)
        build = partial(
            optimizer_input,
            portfolio,
            boards.allocation.value or AllocationBook(),
            boards.scores.value,
            histories,
            regime=boards.regime.value or UNKNOWN_REGIME,
            limits=limits,
            machine_at=self._clock.machine_now(),
            outlook=outlook_of(
                portfolio.quotes,
                scores=boards.scores.value,
                benchmarks=benchmark_symbols(portfolio.universe, limits),
            ),
            bonuses=bonuses,
        )
        return await self._runner(lambda: optimize(build()))

    async def _weeks(self, portfolio: PortfolioSnapshot) -> Mapping[int, Series]:
        today = portfolio.as_of.date()
        found: dict[int, Series] = {}
        for security in portfolio.universe:
            history = await self._histories(security, today)
            if history is not None:
                kept = await self._runner(partial(weekly, history, today))
                found[security.security_id] = kept
        return found

    async def _bonuses(self) -> Mapping[str, Money]:
        """What waits to be reinvested by symbol; a security with an unknown part has none."""
        sums: dict[str, Money] = {}
        unknown: set[str] = set()
        for record in await self._dividends.all():
            if record.pending_bonus is None:
                unknown.add(record.symbol)
            else:
                before = sums.get(record.symbol, Money.zero(BASE))
                sums[record.symbol] = before + record.pending_bonus
        return {symbol: money for symbol, money in sums.items() if symbol not in unknown}
