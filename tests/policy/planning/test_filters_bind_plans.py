"""Filters hold for the plan, however it was found: by a pattern, by the search, by new money."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from itertools import combinations

import pytest

from ledger.correlation import Correlations
from ledger.plan import Plan
from policy.planner import finish, start, step
from policy.planning.config import (
    DEFAULT_CONFIG,
    ConstraintRelaxation,
    CorrelationAware,
    Diversity,
    Eligibility,
    Filters,
    PlannerConfig,
    RecentlyTraded,
)
from policy.planning.plan_input import PlanInput
from tests.policy.accounts import TODAY, dozen, plan_input, snapshot
from tests.policy.planning.whole import RELAXED

MOST_BATCHES = 2_000
SMALL = replace(DEFAULT_CONFIG, node_budget=4_000, max_depth=3)


def planned(given: PlanInput) -> Plan:
    run = start(given)
    for _ in range(MOST_BATCHES):
        if run.done:
            break
        run = step(run)
    assert run.done
    return finish(run)


def rich(
    config: PlannerConfig = SMALL, *, cash: str = "9000", cost: str = "38", **held: str
) -> PlanInput:
    universe = dozen()
    shot = snapshot(
        universe,
        prices={s.symbol: "40" for s in universe},
        held=held,
        costs=dict.fromkeys(held, cost),
        cash={"EUR": cash},
    )
    return replace(plan_input(shot), config=config)


def traded(plan: Plan) -> set[str]:
    return {s.symbol for s in plan.steps if s.kind == "trade"}


def alike(*pairs: tuple[str, str]) -> Correlations:
    names = tuple(s.symbol for s in dozen())
    wanted = {frozenset(pair) for pair in pairs}
    rows = tuple(
        tuple(0.9 if frozenset((one, other)) in wanted else 0.0 for other in names[:n])
        for n, one in enumerate(names)
    )
    return Correlations(TODAY, 252, names, rows)


@pytest.mark.parametrize("new_money_first", [True, False])
def test_a_plan_buys_no_two_that_move_alike(new_money_first: bool) -> None:
    given = rich(replace(SMALL, new_money_first=new_money_first))
    before = traded(planned(given))
    assert len(before) > 1
    related = alike(*combinations(sorted(before), 2))
    after = traded(planned(replace(given, correlations=related)))
    assert after
    assert len(after & before) <= 1
    off = Filters(correlation_aware=CorrelationAware(enabled=False))
    unfiltered = replace(given, correlations=related, config=replace(given.config, filters=off))
    assert traded(planned(unfiltered)) == before


@pytest.mark.parametrize("new_money_first", [True, False])
def test_a_plan_opens_no_position_beside_an_overweight_one_that_moves_like_it(
    new_money_first: bool,
) -> None:
    given = rich(replace(SMALL, new_money_first=new_money_first, allow_sell=False), S00="60")
    free, *bought = sorted(traded(planned(given)))
    assert bought
    others = [s.symbol for s in dozen() if s.symbol not in {"S00", free}]
    related = replace(given, correlations=alike(*(("S00", other) for other in others)))
    assert traded(planned(related)) == {free}


@pytest.mark.parametrize("new_money_first", [True, False])
def test_a_plan_has_the_mean_priority_and_diversity_that_are_asked_for(
    new_money_first: bool,
) -> None:
    base = replace(SMALL, new_money_first=new_money_first, allow_sell=False)
    strict = Filters(diversity=Diversity(min_diversity_score=0.95))
    assert planned(rich(base)).steps
    assert planned(rich(replace(base, filters=strict))).steps == ()
    weak = replace(
        base.calculators, weight_based=replace(base.calculators.weight_based, enabled=False)
    )
    weights = replace(
        weak,
        rebalance_buys=replace(weak.rebalance_buys, priority_weight=0.5),
        opportunity_buys=replace(weak.opportunity_buys, enabled=False),
    )
    low = replace(base, calculators=weights, new_money_first=False)
    assert planned(rich(replace(low, priority_threshold=0.5))).steps
    assert planned(rich(replace(low, priority_threshold=0.51))).steps == ()


def test_a_plan_sells_nothing_at_a_deeper_loss_than_allowed() -> None:
    config = replace(SMALL, new_money_first=False)
    heavy = rich(config, cash="520", cost="41", S00="200")
    assert "S00" in traded(planned(heavy))
    strict = Filters(eligibility=Eligibility(max_loss_threshold=Decimal("-0.02")))
    assert "S00" not in traded(planned(replace(heavy, config=replace(config, filters=strict))))


def test_what_breaks_a_rule_is_in_no_plan() -> None:
    generators = replace(
        RELAXED.generators,
        constraint_relaxation=ConstraintRelaxation(
            enabled=True, relax_max_position=True, relax_cooldown=True
        ),
    )
    config = replace(SMALL, generators=generators, new_money_first=False)
    barred = frozenset((s.symbol, "BUY") for s in dozen()[:11])
    given = replace(rich(config, S00="100"), barred=barred)  # type: ignore[arg-type]
    made = planned(given)
    assert traded(made) <= {"S00", "S11"}
    assert not any("relaxed" in s.tags for s in made.steps)
    lax = Filters(
        eligibility=Eligibility(enabled=False), recently_traded=RecentlyTraded(enabled=False)
    )
    # The filters are a second line: without them candidates are still made by what is barred.
    again = planned(replace(given, config=replace(config, filters=lax)))
    assert traded(again) <= {"S00", "S11"}
