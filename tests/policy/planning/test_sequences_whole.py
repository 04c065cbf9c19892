"""From an account to its seeds: the real calculators, parts, relaxed rules and every pattern."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ledger.order import Side
from policy.limits import DEFAULTS
from policy.planning.calculators import find_candidates
from policy.planning.candidates import Scene
from policy.planning.config import (
    DEFAULT_CONFIG,
    PATTERNS,
    Combinatorial,
    ConstraintRelaxation,
    Generators,
    PartialExecution,
    Pattern,
    PlannerConfig,
)
from policy.planning.facts import SecurityFacts
from policy.planning.generators import partial_candidates, relaxed_candidates
from policy.planning.seeds import Seeds, seeds
from policy.planning.space import space
from tests.policy.accounts import TODAY, dozen, eur, scene, snapshot

ALL_ON = replace(
    DEFAULT_CONFIG,
    patterns={name: Pattern() for name in PATTERNS},
    generators=Generators(
        combinatorial=Combinatorial(),
        partial_execution=PartialExecution(enabled=True),
    ),
)
RELAXED = replace(
    ALL_ON,
    generators=replace(
        ALL_ON.generators,
        constraint_relaxation=ConstraintRelaxation(
            enabled=True, relax_max_position=True, relax_cooldown=True
        ),
    ),
)


def account(
    config: PlannerConfig = ALL_ON,
    barred: frozenset[tuple[str, Side]] = frozenset({("S08", "SELL")}),
) -> Scene:
    """Something for everybody: S00 tripled, S01 fell by a quarter, Germany is far too heavy; S04
    may not be sold, S08 is in its hold, S02 comes in lots of twenty.
    """
    universe = tuple(
        replace(s, allow_sell=s.symbol != "S04", instrument=replace(
            s.instrument, lot=replace(s.instrument.lot, micro=20_000_000)
        )) if s.symbol in {"S04", "S02"} and s.instrument.lot else s
        for s in dozen()
    )  # fmt: skip
    shot = snapshot(
        universe,
        prices={s.symbol: "45" for s in universe},
        held={"S00": "120", "S01": "20", "S04": "60", "S08": "60"},
        costs={"S00": "15", "S01": "60", "S04": "40", "S08": "40"},
        cash={"EUR": "2500"},
    )
    where = scene(shot, limits=replace(DEFAULTS, min_cash_reserve=eur(0)), barred=barred)
    facts = {s.symbol: SecurityFacts(quality=0.8) for s in universe}
    return replace(where, config=config, facts=facts, today=TODAY)


def whole(where: Scene, *, regime: str = "bull") -> Seeds:
    found = find_candidates(where)
    everything = (
        *found,
        *partial_candidates(where, found),
        *relaxed_candidates(where, found, find=find_candidates),
    )
    room = space(everything, where.purse, where.rules, max_depth=where.config.max_depth)
    return seeds(room, where, correlations=None, regime=regime, seed=1)


def loose(config: PlannerConfig) -> PlannerConfig:
    """With room for all seeds, so that the one a test asks for is not among those cut off."""
    diversity = replace(config.filters.diversity, max_sequences=1000)
    return replace(config, filters=replace(config.filters, diversity=diversity))


@pytest.mark.parametrize("name", [*PATTERNS, "combinatorial", "enhanced_combinatorial"])
def test_every_pattern_and_generator_makes_something_of_a_real_account(name: str) -> None:
    found = whole(account(loose(ALL_ON)))
    assert any(name in one.origins for one in found.seeds)


def test_a_trade_of_several_calculators_serves_the_patterns_of_all_of_them() -> None:
    # S01 fell, and is good, too: that is one trade of the stronger kind.
    where = account(loose(ALL_ON))
    (fell,) = (c for c in find_candidates(where) if "buy_low" in c.tags)
    assert fell.kind == "opportunity_buys"
    found = whole(where)
    assert any({"averaging_down", "opportunity_first"} <= set(one.origins) for one in found.seeds)


def test_parts_of_real_trades_are_smaller_than_the_whole() -> None:
    where = account()
    found = find_candidates(where)
    parts = partial_candidates(where, found)
    largest = {one.symbol: one.quantity.micro for one in reversed(found)}
    for one in found:
        largest[one.symbol] = max(largest[one.symbol], one.quantity.micro)
    assert parts
    assert all(part.quantity.micro < largest[part.symbol] for part in parts)
    assert partial_candidates(account(DEFAULT_CONFIG), found) == ()


@pytest.mark.parametrize(
    ("rule", "symbol"),
    [
        ("relax_allow_sell", "S04"),
        ("relax_cooldown", "S08"),
        ("relax_min_lot", "S02"),
        ("relax_max_position", "S00"),
    ],
)
def test_a_relaxed_rule_shows_what_it_forbids_on_a_real_account(rule: str, symbol: str) -> None:
    where = account(RELAXED)
    found = find_candidates(where)
    shown = relaxed_candidates(where, found, find=find_candidates)
    assert symbol in {one.symbol for one in shown if rule in one.tags}
    asked = ALL_ON.generators.constraint_relaxation
    off = replace(asked, enabled=True, relax_allow_sell=False, relax_min_lot=False)
    only = replace(RELAXED, generators=replace(
        RELAXED.generators, constraint_relaxation=replace(off, **{rule: True})  # type: ignore[arg-type]
    ))  # fmt: skip
    alone = relaxed_candidates(account(only), found, find=find_candidates)
    assert alone
    assert all(rule in one.tags and not one.executable for one in alone)


def test_relaxed_rules_change_nothing_about_what_can_be_executed() -> None:
    strict, relaxed = whole(account(loose(ALL_ON))), whole(account(loose(RELAXED)))
    assert strict.relaxed == ()
    assert relaxed.relaxed
    assert len(relaxed.seeds) == len(strict.seeds)
    assert [one.origins for one in relaxed.seeds] == [one.origins for one in strict.seeds]
