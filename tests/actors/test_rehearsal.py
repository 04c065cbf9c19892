"""A dry run of a configuration finds what it would find, and stores nothing."""

from __future__ import annotations

from tests.actors.rig import Rig
from wire.planner_asks import ValidateConfig


async def test_a_dry_run_counts_what_is_left_after_each_stage(rig: Rig) -> None:
    rig.publish_trading("research")
    await rig.start("sync", "planner")
    await rig.settle()
    before = await rig.store.views.planner_runs(10)
    ask = rig.system.asks.planner.ask
    asked = ValidateConfig("[planner]\nmax_depth = 2\n", dry_run=True)
    found = (await ask(asked, deadline_s=30)).counts
    assert found is not None
    assert 0 < found.filtered <= found.seeds
    assert found.candidates == sum(count for _, count in found.by_kind) > 0
    assert found.steps == 1
    assert found.end_score > found.current_score
    without = ValidateConfig("[planner]\nallow_buy = false\n", dry_run=True)
    nothing = (await ask(without, deadline_s=30)).counts
    assert nothing is not None
    assert (nothing.candidates, nothing.steps) == (0, 0)
    assert await rig.store.views.planner_runs(10) == before


async def test_without_a_portfolio_a_dry_run_says_so(rig: Rig) -> None:
    await rig.start("planner")
    asked = ValidateConfig("[planner]\nmax_depth = 2\n", dry_run=True)
    check = await rig.system.asks.planner.ask(asked, deadline_s=30)
    assert check.valid
    assert check.counts is None
    assert check.not_run is not None
