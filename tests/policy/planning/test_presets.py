"""The configurations that ship with the program."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from policy.planning.config import DEFAULT_CONFIG, PATTERNS
from policy.planning.config_schema import KEYS, value_at
from policy.planning.config_text import read_config
from policy.planning.presets import PRESETS, PresetName, preset, preset_text

# Left to follow from the portfolio and the fees, or from [planner].
UNSET = {key.name for key in KEYS if key.default is None}


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_valid_and_names_every_key_it_can(name: PresetName) -> None:
    text = preset_text(name)
    assert read_config(text).errors == ()
    table, found = "", set[str]()
    for line in text.splitlines():
        if line.startswith("["):
            table = line.strip("[]")
        elif "=" in line and not line.startswith("#"):
            found.add(f"{table}.{line.split(' = ')[0]}")
    assert found == {key.name for key in KEYS} - UNSET


def test_the_default_preset_is_the_default_configuration() -> None:
    found = preset("default")
    words = {"name": DEFAULT_CONFIG.name, "description": DEFAULT_CONFIG.description}
    assert replace(found, **words) == DEFAULT_CONFIG
    assert found.name != DEFAULT_CONFIG.name
    assert found.new_money_first


SHIPPED = {
    "planner.max_depth": (5, 2, 7),
    "planner.max_opportunities_per_category": (5, 3, 10),
    "planner.priority_threshold": (0.3, 0.5, 0.2),
    "planner.enable_diverse_selection": (True, True, True),
    "planner.diversity_weight": (0.3, 0.2, 0.4),
    "planner.transaction_cost_percent": (Decimal("0.002"),) * 3,
    "planner.min_hold_days": (90, 120, 60),
    "planner.sell_cooldown_days": (180, 240, 120),
    "planner.max_loss_threshold": (Decimal("-0.2"), Decimal("-0.15"), Decimal("-0.25")),
    "planner.beam_width": (10, 5, 20),
    "planner.cost_penalty_factor": (0.1, 0.15, 0.05),
    "planner.enable_multi_objective": (False, False, True),
    "planner.enable_stochastic_scenarios": (False, False, True),
    "planner.enable_multi_timeframe": (False, False, True),
    "planner.enable_market_regime_scenarios": (False, False, True),
    "planner.enable_monte_carlo_paths": (False, False, True),
    "planner.monte_carlo_path_count": (100, 50, 200),
    "opportunity_calculators.averaging_down.enabled": (True, False, True),
    "opportunity_calculators.opportunity_buys.params.min_quality_score": (0.7, 0.8, 0.6),
    "opportunity_calculators.weight_based.enabled": (True, False, True),
    "pattern_generators.adaptive.enabled": (False, False, True),
    "pattern_generators.multi_sell.enabled": (True, False, True),
    "pattern_generators.direct_buy.params.max_depth": (5, 2, 7),
    "pattern_generators.single_best.params.max_depth": (1, 1, 1),
    "pattern_generators.market_regime.params.market_regime": ("sideways", "sideways", "bull"),
    "sequence_generators.combinatorial.enabled": (False, False, False),
    "sequence_generators.enhanced_combinatorial.enabled": (True, False, True),
    "sequence_generators.enhanced_combinatorial.params.max_combinations": (50, 20, 100),
    "sequence_generators.partial_execution.enabled": (False, False, True),
    "sequence_generators.constraint_relaxation.enabled": (False, False, False),
    "filters.correlation_aware.params.correlation_threshold": (0.7, 0.6, 0.8),
    "filters.diversity.params.max_sequences": (50, 20, 100),
    "filters.recently_traded.params.buy_cooldown_days": (30, 60, 15),
    "filters.recently_traded.params.sell_cooldown_days": (180, 240, 120),
}


@pytest.mark.parametrize("name", SHIPPED)
def test_what_the_presets_differ_in_is_as_described(name: str) -> None:
    (key,) = (key for key in KEYS if key.name == name)
    assert tuple(value_at(preset(which), key.where) for which in PRESETS) == SHIPPED[name]


def test_how_many_patterns_each_preset_uses() -> None:
    counts = [sum(preset(name).pattern(one).enabled for one in PATTERNS) for name in PRESETS]
    assert counts == [11, 7, 13]
