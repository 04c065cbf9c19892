"""A dry run: what a configuration would find in the portfolio as it is. Nothing is stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from actors.situation import Situation
from ledger.errors import Unavailable
from ledger.planner_config import StageCounts
from policy import planner as planning
from policy.planner import PlanInput, PlanRun
from policy.planning.config import PlannerConfig
from policy.planning.effective import effective_limits
from wire.messages import Boards
from wire.runner import Runner

# A rehearsal shows what is found, not the best of it: it looks at no more than this.
MOST_NODES = 50_000
MAX_BATCHES = 10_000


@dataclass(frozen=True, slots=True)
class Rehearsal:
    situation: Situation
    boards: Boards
    runner: Runner

    async def counts(self, config: PlannerConfig) -> StageCounts:
        """How many are left after each stage. Raises Unavailable without a fit portfolio."""
        portfolio = self.boards.portfolio.value
        if portfolio is None:
            raise Unavailable("no portfolio yet")
        given = _with(await self.situation.now(portfolio), config, self.situation)
        run = await self.runner(partial(planning.start, given))
        for _ in range(MAX_BATCHES):
            if run.done:
                break
            run = await self.runner(partial(planning.step, run))
        return await self.runner(partial(_counts, run))


def _with(given: PlanInput, config: PlannerConfig, situation: Situation) -> PlanInput:
    limits = effective_limits(situation.limits, config)
    return replace(
        given,
        config=replace(config, node_budget=min(config.node_budget, MOST_NODES)),
        limits=replace(limits, min_cash_reserve=given.limits.min_cash_reserve),
    )


def _counts(run: PlanRun) -> StageCounts:
    plan, found = planning.finish(run), run.work.candidates if run.work else ()
    seeds: Mapping[str, int] = run.seeds.counts if run.seeds else dict[str, int]()
    return StageCounts(
        candidates=len(found),
        by_kind=tuple(sorted(Counter(one.kind for one in found).items())),
        seeds=seeds.get("generated", 0),
        filtered=seeds.get("kept", 0),
        explored=run.explored,
        steps=len(plan.steps),
        current_score=plan.current_score,
        end_score=plan.end_score,
    )
