"""An account with something for everybody, and the way from it to its seeds."""

from __future__ import annotations

from dataclasses import replace

from ledger.money import Quantity
from ledger.order import Side
from ledger.security import Security
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
    barred: frozenset[tuple[str, Side]] = frozenset({("S08", "SELL"), ("S11", "BUY")}),
) -> Scene:
    """Something for everybody: S00 tripled, S01 fell by a quarter, Germany is far too heavy; S04
    may not be sold, S08 is in its hold and S11 in its cool-down, S02 comes in lots of twenty.
    """
    universe = tuple(_changed(one) for one in dozen())
    shot = snapshot(
        universe,
        prices={s.symbol: "45" for s in universe},
        held={"S00": "120", "S01": "20", "S04": "60", "S06": "70", "S08": "60"},
        costs={"S00": "15", "S01": "60", "S04": "40", "S06": "40", "S08": "40"},
        cash={"EUR": "2500"},
    )
    where = scene(shot, limits=replace(DEFAULTS, min_cash_reserve=eur(0)), barred=barred)
    facts = {s.symbol: SecurityFacts(quality=0.8) for s in universe}
    return replace(where, config=config, facts=facts, today=TODAY)


def _changed(one: Security) -> Security:
    one = replace(one, allow_sell=one.symbol != "S04")
    if one.symbol not in {"S02", "S04"}:
        return one
    return replace(one, instrument=replace(one.instrument, lot=Quantity.of(20)))


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
