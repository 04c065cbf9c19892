"""Knows the securities: scores them, keeps the market's state and the target weights, and answers
what takes computing. The planner runs it beside its own work.

On the job `score`, which new bars, a changed setting and the owner start, it works in this order:

 1. the regime of the market, from its indices
 2. a score for every active security, and how alike they move
 3. what is thought of the holdings, by the targets of before
 4. the optimizer, whose run is the last thing published: planning follows it

What it publishes on the way belongs together: `done` tells when all of it is there. Asks are
answered beside that, a few at a time, so that none waits behind a long one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any, NoReturn, Protocol

import trio

from actors.allocation_desk import AllocationDesk
from actors.correlation_maker import CorrelationMaker
from actors.figures import FigureReader
from actors.job import JobDesk, Report
from actors.opinion_maker import OpinionMaker
from actors.optimizer_desk import OptimizerDesk
from actors.scoring_desk import Refreshed, ScoringDesk
from kernels.series import Series
from ledger.allocation import AllocationBook
from ledger.errors import Busy, Refused, Unavailable
from ledger.portfolio import PortfolioSnapshot
from ledger.run import RunStatus
from policy.knowledge import targets_in_force
from policy.limits import Limits
from policy.lots import lot_book
from policy.regime import benchmark_symbols, detect
from policy.scoring.context import PortfolioContext
from policy.scoring.portfolio_view import context_of
from store.facts import Facts
from wire.board import Latest, in_force
from wire.clock import Clock
from wire.mailbox import AskBox, NudgeBox, serving
from wire.messages import Boards, Nudge
from wire.runner import Runner

# Whoever comes later waits in the box.
AT_ONCE = 4
PROGRESS_STEPS = 20
# The names of more securities than these would hide the rest of a run's result.
MOST_NAMES = 10


class Desk(Protocol):
    async def answer(self, request: Any, /) -> object: ...


@dataclass(frozen=True, slots=True)
class AnalystPorts:
    """`desks` answer by the type of what is asked; `give_back` returns memory that a job took."""

    figures: FigureReader
    scoring: ScoringDesk
    correlations: CorrelationMaker
    opinions: OpinionMaker
    optimizer: OptimizerDesk
    allocation: AllocationDesk
    desks: Mapping[type, Desk]
    facts: Facts
    boards: Boards
    rules: Latest[Limits]
    jobs: JobDesk
    clock: Clock
    runner: Runner
    asks: AskBox
    nudges: NudgeBox[Nudge]
    give_back: Callable[[], None]


class Analyst:
    """See the module's docstring; `run` never returns."""

    def __init__(self, ports: AnalystPorts) -> None:
        self._p = ports
        self.done = Latest[str]()

    @property
    def working(self) -> bool:
        """Whether the job goes on: some of what it finds may be published, and some not yet."""
        return self._p.jobs.running("score") is not None

    async def load(self) -> None:
        """Show what an earlier life knew, before anybody plans."""
        await self._p.allocation.load()
        await self._p.scoring.load()
        await self._p.optimizer.load()

    async def run(self) -> None:
        async with trio.open_nursery() as nursery:
            for _ in range(AT_ONCE):
                nursery.start_soon(self._serve)
            nursery.start_soon(self._work)

    async def _serve(self) -> NoReturn:
        while True:
            ask = await self._p.asks.receive()
            async with serving(ask):
                desk = self._p.desks[type(ask.request)]
                ask.slot.answer(await desk.answer(ask.request))

    # The job

    async def _work(self) -> NoReturn:
        await self._p.boards.portfolio.wait_newer(0)
        nudge, rules = Nudge("start"), self._p.rules.version
        while True:
            async with self._p.jobs.run("score", nudge) as report:
                await self._refresh(report)
            self.done.publish(nudge.reason)
            await self._p.runner(self._p.give_back)
            nudge, rules = await self._wait(rules)

    async def _wait(self, rules: int) -> tuple[Nudge, int]:
        """The next reason to work, and the version of the rules it comes with."""
        taken: list[Nudge] = []

        async def nudged(scope: trio.CancelScope) -> None:
            taken.append(await self._p.nudges.receive())
            scope.cancel()

        async def ruled(scope: trio.CancelScope) -> None:
            await self._p.rules.wait_newer(rules)
            scope.cancel()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(nudged, nursery.cancel_scope)
            nursery.start_soon(ruled, nursery.cancel_scope)
        nudge = taken[0] if taken else Nudge("a setting was changed")
        return nudge, self._p.rules.version

    async def _refresh(self, report: Report) -> None:
        portfolio = self._p.boards.portfolio.value
        assert portfolio is not None
        now = self._p.clock.market_now()
        await self._find_regime(portfolio, now)
        bought = await self._oldest_buys([p.security.symbol for p in portfolio.positions])
        context = self._context(portfolio, bought, now)
        recent = self._p.correlations.begin()
        done = await self._p.scoring.refresh(
            portfolio.universe,
            context,
            as_of=now.date(),
            progress=self._tell,
            watch=recent.see,
        )
        await self._p.correlations.publish(recent, now.date())
        await self._p.opinions.publish(portfolio, done.scores, context, oldest_buys=bought, now=now)
        report.result = _told(done)
        try:
            run = await self._p.optimizer.run()
        except (Busy, Refused, Unavailable) as error:
            report.status = RunStatus.PARTIAL
            report.result += f"; no targets: {error}"
        else:
            report.result += f"; {run.error}" if run.error else f"; {len(run.weights)} targets"

    async def _find_regime(self, portfolio: PortfolioSnapshot, now: datetime) -> None:
        limits = in_force(self._p.rules)
        named = set(benchmark_symbols(portfolio.universe, limits))
        indices: dict[str, Series | None] = {}
        for security in portfolio.universe:
            if security.symbol in named:
                found = await self._p.figures.history(security)
                usable = found is not None and found.unusable is None
                indices[security.symbol] = found.close if found and usable else None
        regime = await self._p.runner(partial(detect, indices, today=now.date(), limits=limits))
        if regime != self._p.boards.regime.value:
            self._p.boards.regime.publish(regime)

    def _context(
        self, portfolio: PortfolioSnapshot, oldest_buys: Mapping[str, date], now: datetime
    ) -> PortfolioContext:
        book = self._p.boards.allocation.value or AllocationBook()
        limits = in_force(self._p.rules)
        targets = targets_in_force(portfolio.universe, self._p.boards.optimizer.value, book, limits)
        return context_of(
            portfolio,
            book,
            {"country": targets.countries, "industry": targets.industries},
            oldest_buys=oldest_buys,
            today=now.date(),
        )

    async def _oldest_buys(self, held: Sequence[str]) -> Mapping[str, date]:
        """The purchase of the oldest share that is still there, first in first out, by symbol."""
        history = await self._p.facts.cost_history(held)
        books = {symbol: lot_book(facts, "fifo") for symbol, facts in history.items()}
        return {
            symbol: min(lot.opened_at for lot in book.lots).date()
            for symbol, book in books.items()
            if book.lots
        }

    def _tell(self, done: int, count: int) -> None:
        if done % max(count // PROGRESS_STEPS, 1) == 0:
            self._p.jobs.say("score", f"{done} of {count}")


def _told(done: Refreshed) -> str:
    scores = done.scores.by_id.values()
    text = f"{sum(score.total is not None for score in scores)} of {len(scores)} scored"
    if not done.unusable:
        return text
    names = ", ".join(done.unusable[:MOST_NAMES])
    more = len(done.unusable) - MOST_NAMES
    return f"{text}; bars that cannot be used: {names}" + (f" and {more} more" if more > 0 else "")
