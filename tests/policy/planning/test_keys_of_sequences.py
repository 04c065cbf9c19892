"""Every key of patterns, generators and filters changes something that can be seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from functools import cache

import pytest

from ledger.correlation import Correlations
from policy.limits import DEFAULTS
from policy.planning.calculators import find_candidates
from policy.planning.config import PATTERNS, Combinatorial, PlannerConfig
from policy.planning.config_schema import KEYS, Key, Setting, value_at, with_values
from policy.planning.constraints import constraints
from policy.planning.effective import effective_limits
from policy.planning.generators import partial_candidates, relaxed_candidates
from policy.planning.seeds import seeds
from policy.planning.space import space
from tests.policy.accounts import TODAY
from tests.policy.planning.config_cases import other_value
from tests.policy.planning.whole import RELAXED, account, loose

GROUPS = ("pattern_generators", "sequence_generators", "filters")
OURS = [key for key in KEYS if key.path[0] in GROUPS]
OFF = Combinatorial(enabled=False)
SOME = Combinatorial(
    max_sells=2, max_buys=2, max_steps=4, max_combinations=60, max_candidates=6,
    priority_threshold=0.3,
)  # fmt: skip
# Patterns alone, and all rules relaxed. The bucket's own waits and losses are stricter than the
# account's limits, so that they count.
BARE = with_values(
    replace(
        loose(RELAXED),
        max_depth=4,
        generators=replace(RELAXED.generators, combinatorial=OFF, enhanced_combinatorial=OFF),
    ),
    {
        ("filters", "eligibility", "min_hold_days"): 120,
        ("filters", "eligibility", "sell_cooldown_days"): 300,
        ("filters", "eligibility", "max_loss_threshold"): Decimal("-0.1"),
        ("filters", "recently_traded", "buy_cooldown_days"): 60,
        ("filters", "recently_traded", "sell_cooldown_days"): 240,
    },
)
BASES: Mapping[str, PlannerConfig] = {
    "bare": BARE,
    "every": replace(BARE, generators=replace(BARE.generators, combinatorial=SOME)),
    "sampled": replace(BARE, generators=replace(BARE.generators, enhanced_combinatorial=SOME)),
    "few": with_values(BARE, {("filters", "diversity", "max_sequences"): 4}),
    "not eligible": with_values(BARE, {("filters", "eligibility", "enabled"): False}),
}
# What has to be so for a key to matter, where that is more than the first.
NEEDS: Mapping[str, str] = {
    "sequence_generators.combinatorial": "every",
    "sequence_generators.enhanced_combinatorial": "sampled",
    "filters.diversity.enabled": "few",
    "filters.diversity.params.diversity_weight": "few",
    "filters.recently_traded.params.sell_cooldown_days": "not eligible",
    "filters.recently_traded.params.enforce_sell_cooldown": "not eligible",
}
# Where the value that stands for another one is too near to it.
VALUES: Mapping[str, Setting] = {
    **{f"pattern_generators.{name}.params.max_depth": 1 for name in PATTERNS},
    "pattern_generators.single_best.params.max_depth": 2,
    **{
        f"sequence_generators.{name}.params.{key}": value
        for name in ("combinatorial", "enhanced_combinatorial")
        for key, value in {
            "max_sells": 1, "max_buys": 1, "max_steps": 1, "max_candidates": 5,
            "max_combinations": 10, "priority_threshold": 1.05,
        }.items()
    },
    "sequence_generators.partial_execution.params.min_shares": 20,
    "filters.correlation_aware.params.correlation_threshold": 0.99,
    "filters.diversity.params.max_sequences": 5,
    "filters.diversity.params.min_diversity_score": 0.75,
}  # fmt: skip


def correlations() -> Correlations:
    symbols = tuple(f"S{n:02d}" for n in range(12))
    rows = tuple(tuple(0.9 if (n + m) % 5 == 0 else 0.1 for m in range(n)) for n in range(12))
    return Correlations(TODAY, 252, symbols, rows)


def seen(config: PlannerConfig) -> tuple[object, ...]:
    """All that sequences leave behind: limits, candidates, seeds with their origins and counts."""
    where = account(config)
    found = find_candidates(where)
    parts = partial_candidates(where, found)
    broken = relaxed_candidates(where, found, find=find_candidates)
    room = space((*found, *parts, *broken), where.purse, where.rules, max_depth=config.max_depth)
    told = correlations()
    made = seeds(room, where, correlations=told, regime="bull", seed=1)
    rules = constraints(room, where, correlations=told)
    return effective_limits(DEFAULTS, config), parts, broken, made, rules.blocked.tolist()


@cache
def before(base: str) -> tuple[object, ...]:
    return seen(BASES[base])


@pytest.mark.parametrize("key", OURS, ids=lambda key: key.name)
def test_changing_a_key_changes_what_is_seen(key: Key) -> None:
    base = NEEDS.get(key.name, NEEDS.get(".".join(key.path[:2]), "bare"))
    current = value_at(BASES[base], key.where)
    value = VALUES.get(key.name, other_value(key))
    value = key.default if value == current else value
    assert value != current
    assert seen(with_values(BASES[base], {key.where: value})) != before(base)


def test_the_same_keys_show_the_same() -> None:
    assert all(seen(BASES[name]) == before(name) for name in BASES)
