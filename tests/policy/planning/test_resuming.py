"""One input, one plan: whatever the back end, however the run is cut up or interrupted."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels.choose import load
from ledger.money import Money
from ledger.plan import Plan
from ledger.portfolio import PortfolioSnapshot
from policy.planner import PlanInput, PlanRun, checkpoint, finish, resume, start, step
from policy.planning.config import DEFAULT_CONFIG, PlannerConfig
from policy.planning.facts import SecurityFacts
from policy.planning.ground import Kernels
from policy.planning.record import canonical_plan
from policy.scoring.end_state import EndStateParts
from tests.policy.accounts import dozen, plan_input, snapshot
from tests.policy.checker import Accountant
from tests.policy.planning.worlds import World, worlds

T = TypeVar("T")
WHOLE = replace(DEFAULT_CONFIG, new_money_first=False)
SMALL = replace(WHOLE, node_budget=300, beam_width=2)


def given_by(world: World, config: PlannerConfig) -> PlanInput:
    where = world.scene
    return replace(
        plan_input(where.snapshot, limits=where.limits),
        config=config,
        facts=where.facts,
        fx_fees=where.rules.fx.fees,
        pots=tuple(Money(minor, currency) for currency, minor in world.kept.items()),
    )


ORDERED = (
    replace(WHOLE, node_budget=300, enable_monte_carlo_paths=True, enable_multi_objective=True),
    replace(WHOLE, node_budget=300, objective="diversification"),
    replace(DEFAULT_CONFIG, node_budget=300, enable_stochastic_scenarios=True),
)


def ended(run: PlanRun) -> PlanRun:
    for _ in range(5_000):
        if run.done:
            return run
        run = step(run)
    raise AssertionError("the run does not end")


def back_end(name: str) -> Kernels:
    loaded = load(name)
    return Kernels(loaded.sequences, loaded.search)


def plan_in_pieces(given_input: PlanInput, every: int) -> Plan:
    """Interrupted after every so many batches, and resumed in a process that knows nothing."""
    run = start(given_input)
    for count in range(1, 5_000):
        if run.done:
            return finish(run)
        run = step(run)
        if count % every == 0 and not run.done:
            run = resume(given_input, checkpoint(run))
    raise AssertionError("the run does not end")


@settings(max_examples=4, deadline=None)
@given(world=worlds(), config=st.sampled_from([DEFAULT_CONFIG, SMALL, *ORDERED]))
def test_both_back_ends_and_every_interruption_give_the_same_plan(
    world: World, config: PlannerConfig
) -> None:
    try:
        compiled = back_end("cython")
    except ImportError:
        pytest.skip("the extension is not built")
    asked = given_by(world, config)
    plan = finish(ended(start(asked, kernels=compiled)))
    assert finish(ended(start(asked, kernels=back_end("numpy")))) == plan
    assert plan_in_pieces(asked, every=7) == plan


@settings(max_examples=6, deadline=None)
@given(world=worlds(), new_money=st.booleans())
def test_every_plan_can_be_paid_for(world: World, new_money: bool) -> None:
    config = replace(DEFAULT_CONFIG, new_money_first=new_money)
    run = ended(start(given_by(world, config)))
    chosen = run.standing.found
    if chosen is None or run.work is None:
        return
    assert Accountant(run.work.scene, kept=world.kept).problems(chosen.sequence) == []
    trades = [s for s in finish(run).steps if s.kind == "trade"]
    assert [(t.side, t.symbol) for t in trades] == [
        (c.side, c.symbol) for c in (run.work.candidates[n] for n in chosen.combo)
    ]


@settings(max_examples=4, deadline=None)
@given(world=worlds())
def test_more_budget_never_gives_a_worse_plan(world: World) -> None:
    gains: list[float] = []
    for budget in (5, 50, 150, 500, 5_000):
        config = replace(WHOLE, node_budget=budget)
        plan = finish(ended(start(given_by(world, config))))
        if plan.proof is None:
            return
        assert plan.proof.explored <= budget
        gains.append(plan.proof.bound - plan.proof.gap)
    assert gains == pytest.approx(sorted(gains), abs=1e-12)


def one_world() -> PlanInput:
    """An account with purchases and sales to choose from."""
    universe = dozen("USD")
    shot = snapshot(
        universe,
        prices={s.symbol: f"{30 + i}.37" for i, s in enumerate(universe)},
        held={"S00": "100", "S05": "31"},
        costs={"S00": "20", "S05": "30"},
        cash={"EUR": "5000", "GBP": "700"},
    )
    return replace(plan_input(shot), config=WHOLE, portfolio_hash="a" * 32, market_hash="b" * 32)


def uneven() -> PlanInput:
    """The same with facts of all, and targets and parts that no float is exact for."""
    one = one_world()
    parts = [n / 13 for n in range(1, 13)]
    facts = {
        s.symbol: SecurityFacts(
            quality=part, dividend_yield=part / 9, parts=EndStateParts(part, 1 - part, part / 3)
        )
        for s, part in zip(one.snapshot.universe, parts, strict=True)
    }
    return replace(one, facts=facts)


def backwards(table: Mapping[str, T]) -> Mapping[str, T]:
    return {name: table[name] for name in reversed(list(table))}


def turned(one: PlanInput) -> PlanInput:
    """The same, with everything that has no order of its own the other way round."""
    shot, aims = one.snapshot, one.targets
    return replace(
        one,
        snapshot=replace(
            shot,
            universe=shot.universe[::-1],
            positions=shot.positions[::-1],
            cash=shot.cash[::-1],
            pairs=shot.pairs[::-1],
            quotes=backwards(shot.quotes),
        ),
        targets=replace(
            aims,
            weights=backwards(aims.weights),
            countries=backwards(aims.countries),
            industries=backwards(aims.industries),
            country_of=backwards(aims.country_of),
            industry_of=backwards(aims.industry_of),
            industries_of=backwards(aims.industries_of),
        ),
        facts=backwards(one.facts),
    )


@pytest.mark.parametrize("number", range(3))
def test_the_order_in_which_an_account_is_told_changes_no_byte_of_its_plan(number: int) -> None:
    one = replace(uneven(), config=ORDERED[number])
    assert canonical_plan(finish(ended(start(turned(one))))) == canonical_plan(
        finish(ended(start(one)))
    )


def half_way(given_input: PlanInput) -> PlanRun:
    run = start(given_input)
    while run.phase != "proof":
        run = step(run)
    return step(run)


def test_a_run_that_is_interrupted_after_every_batch_gives_the_same_plan() -> None:
    assert plan_in_pieces(one_world(), every=1) == finish(ended(start(one_world())))


def test_patterns_that_make_little_share_a_batch() -> None:
    patterns = len(DEFAULT_CONFIG.patterns) * SMALL.max_depth
    run = half_way(one_world())
    assert run.seeds is not None
    assert run.portions < patterns / 2


def test_a_resumed_run_does_not_begin_anew() -> None:
    run = half_way(one_world())
    again = resume(one_world(), checkpoint(run))
    assert (again.phase, again.explored) == ("proof", run.explored)
    assert again.explored > 0


@pytest.mark.parametrize(
    "changed",
    [
        {"portfolio_hash": "c" * 32},
        {"market_hash": "c" * 32},
        {"config_hash": "other"},
        {"config": replace(WHOLE, beam_width=11)},
        {"bucket_id": "other"},
    ],
)
def test_a_checkpoint_of_something_else_is_not_gone_on_with(changed: dict[str, object]) -> None:
    stored = checkpoint(half_way(one_world()))
    other = replace(one_world(), **changed)  # type: ignore[arg-type]
    assert resume(other, stored).explored == 0


@pytest.mark.parametrize("damage", ["empty", "short", "noise", "old"])
def test_a_damaged_checkpoint_begins_anew(damage: str) -> None:
    run = half_way(one_world())
    stored = checkpoint(run)
    damaged = {
        "empty": b"",
        "short": zlib.compress(zlib.decompress(stored)[:-3]),
        "noise": stored[:40] + bytes(len(stored) - 40),
        "old": zlib.compress(zlib.decompress(stored).replace(b'"form": 1', b'"form": 0')),
    }[damage]
    again = resume(one_world(), damaged)
    assert again.explored == 0
    assert finish(ended(again)) == finish(ended(run))


def test_a_run_that_is_done_has_nothing_to_keep() -> None:
    run = ended(start(one_world()))
    assert checkpoint(run) == b""
    assert checkpoint(start(replace(one_world(), snapshot=empty()))) == b""


def empty() -> PortfolioSnapshot:
    return snapshot((), cash={"EUR": "0"})


def test_the_seed_is_the_configured_one_or_that_of_the_input() -> None:
    asked = one_world()
    assert asked.seed == one_world().seed != replace(asked, market_hash="c" * 32).seed
    assert 0 <= asked.seed < 2**63
    assert replace(asked, config=replace(WHOLE, seed=7)).seed == 7
