"""The analyst's desk for scores: scores what is asked, and refreshes those of the universe."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Protocol

from ledger.score import Score, Scores
from ledger.security import Security
from policy.limits import Limits
from policy.price_history import PriceHistory
from policy.scoring.bare_series import score_prices
from policy.scoring.buy_score import Figures, score_security
from policy.scoring.context import PortfolioContext
from wire.board import Latest, in_force
from wire.clock import Clock
from wire.runner import Runner
from wire.scoring_asks import ScoreSeries


class FigureSource(Protocol):
    """Where the bars and reported figures of a security come from."""

    async def figures(self, security: Security) -> Figures:
        """`history` is None for a security without bars."""
        ...


class ScoreKeeper(Protocol):
    async def put(self, scores: Scores) -> None: ...

    async def newest(self) -> Scores | None: ...


@dataclass(frozen=True, slots=True)
class Refreshed:
    """`unusable` are the names of those without a score because their bars cannot be used."""

    scores: Scores
    unusable: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ScoringDesk:
    source: FigureSource
    store: ScoreKeeper
    board: Latest[Scores]
    rules: Latest[Limits]
    clock: Clock
    runner: Runner

    async def load(self) -> None:
        """Publish what was scored in an earlier life, if anything was."""
        known = await self.store.newest()
        if known is not None:
            self.board.publish(known)

    async def answer(self, request: object) -> object:
        assert isinstance(request, ScoreSeries)
        return await self.score(request)

    async def score(self, asked: ScoreSeries) -> Score:
        limits = in_force(self.rules)
        target, market = asked.target_annual_return, asked.market_avg_pe
        given = replace(
            limits,
            target_annual_return=limits.target_annual_return if target is None else target,
            market_avg_pe=limits.market_avg_pe if market is None else market,
        )
        work = partial(
            score_prices,
            asked.symbol,
            asked.daily,
            asked.monthly,
            asked.figures,
            limits=given,
            today=self.clock.market_now().date(),
        )
        return await self.runner(work)

    async def refresh(
        self,
        universe: Sequence[Security],
        context: PortfolioContext,
        *,
        as_of: date,
        progress: Callable[[int, int], None],
        watch: Callable[[Security, PriceHistory | None], None],
    ) -> Refreshed:
        """Score the active securities of `universe`, keep the scores together and publish them.

        One security is in memory at a time, and `watch` may look at its history meanwhile.
        `progress` is told how many of how many are done.
        """
        limits = in_force(self.rules)
        active = [security for security in universe if security.active]
        found: dict[int, Score] = {}
        unusable: list[str] = []
        for done, security in enumerate(active):
            progress(done, len(active))
            figures = await self.source.figures(security)
            watch(security, figures.history)
            work = partial(score_security, figures, context, limits=limits, as_of=as_of)
            found[security.security_id] = score = await self.runner(work)
            if _is_unusable(figures.history, score):
                unusable.append(security.name_now)
        scores = Scores(as_of, found)
        await self.store.put(scores)
        self.board.publish(scores)
        progress(len(active), len(active))
        return Refreshed(scores, tuple(unusable))


def _is_unusable(history: PriceHistory | None, score: Score) -> bool:
    return history is not None and score.reason is not None and score.reason == history.unusable
