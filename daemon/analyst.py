"""The planner's analyst and its desks, wired."""

from __future__ import annotations

from functools import partial

from actors.allocation_desk import AllocationDesk
from actors.analyst import Analyst, AnalystPorts, Desk
from actors.analytics_desk import ASKED as ANALYTICS
from actors.analytics_desk import AnalyticsDesk, AnalyticsPorts
from actors.chart_desk import ChartDesk, ChartPorts
from actors.correlation_maker import CorrelationMaker
from actors.figures import FigureReader
from actors.opinion_maker import OpinionMaker
from actors.optimizer_desk import ASKED as OPTIMIZER
from actors.optimizer_desk import OptimizerDesk
from actors.scoring_desk import ScoringDesk
from daemon.heap import release_unused
from daemon.shared import Shared
from wire.allocation_asks import DeleteGroup, PutGroup, PutGroupTargets
from wire.chart_asks import PriceChart, Sparklines
from wire.messages import Nudge, nudge_for
from wire.scoring_asks import ScoreSeries


def analyst(shared: Shared) -> Analyst:
    parts, store, boards = shared.parts, shared.parts.store, shared.boards
    figures = FigureReader(store.bars, parts.runner)
    scoring = ScoringDesk(
        figures, store.scores, boards.scores, shared.rules, parts.clock, parts.runner
    )
    optimizer = OptimizerDesk(
        runs=store.optimizer_runs,
        dividends=store.views.dividends,
        histories=figures.total_return,
        boards=boards,
        clock=parts.clock,
        rules=shared.rules,
        broker_fees=shared.situation.broker_fees,
        runner=parts.runner,
    )
    allocation = AllocationDesk(
        store.allocation,
        boards.allocation,
        parts.clock,
        partial(shared.nudges["score"].nudge, Nudge("the owner's groups were changed")),
    )
    desks: dict[type, Desk] = {
        ScoreSeries: scoring,
        **dict.fromkeys(OPTIMIZER, optimizer),
        **dict.fromkeys((PutGroup, DeleteGroup, PutGroupTargets), allocation),
        **dict.fromkeys(ANALYTICS, _analytics(shared)),
        **dict.fromkeys((Sparklines, PriceChart), _charts(shared)),
    }
    return Analyst(
        AnalystPorts(
            figures=figures,
            scoring=scoring,
            correlations=CorrelationMaker(shared.strategies, boards.correlations, parts.runner),
            opinions=OpinionMaker(store.histories, boards.opinions, shared.rules, parts.runner),
            optimizer=optimizer,
            allocation=allocation,
            desks=desks,
            facts=store.facts,
            boards=boards,
            rules=shared.rules,
            jobs=shared.jobs,
            clock=parts.clock,
            runner=parts.runner,
            asks=shared.asks.analyst,
            nudges=shared.nudges["score"],
            give_back=release_unused,
        )
    )


def _analytics(shared: Shared) -> AnalyticsDesk:
    parts, store = shared.parts, shared.parts.store
    return AnalyticsDesk(
        AnalyticsPorts(
            journal=store.holdings_history,
            securities=store.securities,
            prices=store.bars,
            rules=shared.rules,
            allocation=shared.boards.allocation,
            clock=parts.clock,
            runner=parts.runner,
        )
    )


def _charts(shared: Shared) -> ChartDesk:
    parts, store = shared.parts, shared.parts.store

    def fetch(security_id: int) -> None:
        nudge_for(shared.nudges["prices"], "a chart lacks prices", security_id)

    return ChartDesk(
        ChartPorts(
            securities=store.securities,
            prices=store.bars,
            sources=store.bar_sources,
            calendars=parts.calendars,
            clock=parts.clock,
            runner=parts.runner,
            fetch=fetch,
        )
    )
