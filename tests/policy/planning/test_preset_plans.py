"""The strategies that ship make plans, each in its own way."""

from __future__ import annotations

import pytest

from policy.planning.presets import PRESETS, PresetName, preset
from tests.policy.planning import key_world as look


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_makes_a_plan_that_gains_within_its_bounds(name: PresetName) -> None:
    config = preset(name)
    plan = look.plan(config)
    assert 1 <= len(plan.steps) <= config.max_depth
    assert plan.end_score > plan.current_score
    assert plan.proof is not None
    assert plan.proof.explored <= config.node_budget


def test_the_cautious_one_trades_less_than_the_bold_one() -> None:
    few, many = look.plan(preset("conservative")), look.plan(preset("aggressive"))
    assert sum(s.value_eur.minor for s in few.steps) < sum(s.value_eur.minor for s in many.steps)
