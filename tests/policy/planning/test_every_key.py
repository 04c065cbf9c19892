"""Every key of the configuration changes something one can see, by the planner's own functions.

A case is a situation, two values of the key, and where to look; a key without a case fails. The
name of the whole configuration drives the sampling where no seed is set: it is left out here, so
that nothing changes but what the key itself does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest

from ledger.money import Money
from policy.planning.config import PATTERNS, PlannerConfig
from policy.planning.config_schema import KEYS, Key, Setting
from policy.planning.config_text import read_config
from tests.policy.planning import key_world as look
from tests.policy.planning.config_cases import other_value, written

BY_NAME: Mapping[str, Key] = {key.name: key for key in KEYS}
Values = Mapping[str, Setting]
See = Callable[[PlannerConfig], object]


@dataclass(frozen=True)
class Case:
    """`beside` are other keys of the situation; `other` is the second value, the first one is the
    default or the one in `beside`.
    """

    see: See
    other: Setting = None
    beside: Values = field(default_factory=dict[str, Setting])


def config_of(values: Values) -> PlannerConfig:
    """By its text, as its owner would set it."""
    asked = {BY_NAME[name]: value for name, value in values.items()}
    result = read_config(written(asked))
    assert result.config is not None, result.errors
    return result.config


@cache
def seen(see: See, values: tuple[tuple[str, Setting], ...]) -> object:
    return see(config_of(dict(values)))


def eur(amount: int) -> Money:
    return Money.of(amount, "EUR")


CALCULATOR = "opportunity_calculators"
PATTERN = "pattern_generators"
GENERATOR = "sequence_generators"
ELIGIBILITY = "filters.eligibility.params"
RECENT = "filters.recently_traded.params"
# Nothing is cut off from what patterns and generators make, or patterns alone.
UNCUT: Values = {"filters.diversity.enabled": False}
PATTERNS_ALONE: Values = {**UNCUT, f"{GENERATOR}.enhanced_combinatorial.enabled": False}
FULL_SEARCH: Values = {"planner.new_money_first": False}
WIDE_SEARCH: Values = {
    **FULL_SEARCH,
    "planner.max_opportunities_per_category": 20,
    "planner.max_depth": 7,
    "planner.min_improvement": Decimal("0.001"),
    "planner.beam_width": 50,
}
# Five trades are best by score alone, and not worth what they cost.
DEAR_ORDERS: Values = {
    **FULL_SEARCH,
    "planner.objective": "diversification",
    "planner.transaction_cost_fixed": eur(20),
    "planner.min_improvement": Decimal(0),
    "planner.cost_penalty_factor": 0.0,
    "planner.beam_width": 50,
}
MONTE_CARLO: Values = {**FULL_SEARCH, "planner.enable_monte_carlo_paths": True}
STRICT_HOLD: Values = {"planner.min_hold_days": 120}
STRICT_WAIT: Values = {"planner.sell_cooldown_days": 200}
STRICT_LOSS: Values = {"planner.max_loss_threshold": Decimal("-0.1")}


def alone(name: str, **others: Setting) -> Values:
    """One calculator without the others."""
    names = {key.path[1] for key in KEYS if key.path[0] == CALCULATOR}
    switches = {f"{CALCULATOR}.{one}.enabled": one == name for one in names}
    return {**switches, **{f"{CALCULATOR}.{name}.params.{k}": v for k, v in others.items()}}


THREE_GOOD: Values = {
    **alone("opportunity_buys"),
    "planner.max_opportunities_per_category": 3,
}
SMALL_GAPS: Values = {
    **alone("weight_based", min_gap_threshold=Decimal("0.001")),
    "planner.max_opportunities_per_category": 20,
}


def only(pattern: str) -> Values:
    """One pattern without the others and without generators."""
    return {
        **{f"{PATTERN}.{one}.enabled": one == pattern for one in PATTERNS},
        **PATTERNS_ALONE,
    }


def only_generator(name: str) -> Values:
    return {
        **only("single_best"),
        f"{GENERATOR}.{name}.enabled": True,
    }


def enabled(name: str, **params: Setting) -> Values:
    given = {f"{GENERATOR}.{name}.params.{key}": value for key, value in params.items()}
    return {f"{GENERATOR}.{name}.enabled": True, **given}


PLANNER_CASES: Mapping[str, Case] = {
    "name": Case(look.named),
    "description": Case(look.told_in_history),
    "objective": Case(look.scores),
    "risk_profile": Case(look.scores),
    "max_depth": Case(look.steps, 2),
    "max_opportunities_per_category": Case(look.candidates, 2),
    "priority_threshold": Case(look.sequences, 1.0, PATTERNS_ALONE),
    "enable_diverse_selection": Case(look.candidates, beside=THREE_GOOD),
    "diversity_weight": Case(look.candidates, 0.0, THREE_GOOD),
    "beam_width": Case(look.retained, 1, FULL_SEARCH),
    "node_budget": Case(look.explored, 1_000, {**WIDE_SEARCH, "planner.node_budget": 3_000}),
    "transaction_cost_fixed": Case(look.fees, eur(20)),
    "transaction_cost_percent": Case(look.fees, Decimal("0.004")),
    "cost_penalty_factor": Case(look.scores, 1.0),
    "min_improvement": Case(look.steps, Decimal("1"), FULL_SEARCH),
    "min_trade_eur": Case(look.candidates, eur(600)),
    "seed": Case(look.sequences, 100, UNCUT),
    "allow_sell": Case(look.steps_without_cash),
    "allow_buy": Case(look.steps),
    "new_money_first": Case(look.steps),
    "min_hold_days": Case(look.limits, 120),
    "sell_cooldown_days": Case(look.limits, 200),
    "max_loss_threshold": Case(look.limits, Decimal("-0.1")),
    "enable_multi_objective": Case(look.steps, beside=DEAR_ORDERS),
    "enable_stochastic_scenarios": Case(look.robustness, beside=FULL_SEARCH),
    "enable_monte_carlo_paths": Case(look.robustness, beside=FULL_SEARCH),
    "monte_carlo_path_count": Case(look.robustness, 50, MONTE_CARLO),
    "scenario_horizon_days": Case(look.robustness, 250, MONTE_CARLO),
    "enable_multi_timeframe": Case(look.scores),
    "enable_market_regime_scenarios": Case(look.sequences, beside=only("market_regime")),
}

CALCULATOR_CASES: Mapping[str, Case] = {
    "profit_taking.enabled": Case(look.candidates),
    "profit_taking.params.windfall_threshold": Case(look.candidates, Decimal("0.5")),
    "profit_taking.params.priority_weight": Case(look.candidates),
    "averaging_down.enabled": Case(look.candidates),
    "averaging_down.params.dip_threshold": Case(
        look.candidates, Decimal("-0.30"), alone("averaging_down")
    ),
    "averaging_down.params.max_drawdown": Case(
        look.candidates, Decimal("-0.25"), alone("averaging_down")
    ),
    "averaging_down.params.min_quality_score": Case(look.candidates, 0.8, alone("averaging_down")),
    "averaging_down.params.base_trade_amount_eur": Case(
        look.candidates, eur(900), alone("averaging_down")
    ),
    "averaging_down.params.priority_weight": Case(look.candidates),
    "opportunity_buys.enabled": Case(look.candidates),
    "opportunity_buys.params.min_quality_score": Case(
        look.candidates, 0.9, alone("opportunity_buys")
    ),
    "opportunity_buys.params.base_trade_amount_eur": Case(
        look.candidates, eur(900), alone("opportunity_buys")
    ),
    "opportunity_buys.params.priority_weight": Case(look.candidates),
    "rebalance_sells.enabled": Case(look.candidates),
    "rebalance_sells.params.overweight_threshold": Case(
        look.candidates, Decimal("0.2"), alone("rebalance_sells")
    ),
    "rebalance_sells.params.max_sell_pct": Case(
        look.candidates, Decimal("0.15"), alone("rebalance_sells")
    ),
    "rebalance_sells.params.priority_weight": Case(look.candidates),
    "rebalance_buys.enabled": Case(look.candidates),
    "rebalance_buys.params.underweight_threshold": Case(
        look.candidates, Decimal("0.2"), alone("rebalance_buys")
    ),
    "rebalance_buys.params.base_trade_amount_eur": Case(
        look.candidates, eur(900), alone("rebalance_buys")
    ),
    "rebalance_buys.params.priority_weight": Case(look.candidates),
    "weight_based.enabled": Case(look.candidates),
    "weight_based.params.min_gap_threshold": Case(look.candidates, Decimal("0.01"), SMALL_GAPS),
    "weight_based.params.transaction_cost_fixed": Case(look.candidates, eur(100), SMALL_GAPS),
    "weight_based.params.transaction_cost_percent": Case(
        look.candidates,
        Decimal("0.05"),
        {**SMALL_GAPS, f"{CALCULATOR}.weight_based.params.transaction_cost_fixed": eur(90)},
    ),
}

PATTERN_CASES: Mapping[str, Case] = {
    **{f"{name}.enabled": Case(look.sequences, beside=PATTERNS_ALONE) for name in PATTERNS},
    **{f"{name}.params.max_depth": Case(look.sequences, 2, only(name)) for name in PATTERNS},
    "market_regime.params.market_regime": Case(look.sequences, "bull", only("market_regime")),
}


def _sampled(name: str) -> Mapping[str, Case]:
    beside = only_generator(name)
    return {
        f"{name}.enabled": Case(look.sequences, True, only("single_best")),
        f"{name}.params.max_sells": Case(look.sequences, 1, beside),
        f"{name}.params.max_buys": Case(look.sequences, 1, beside),
        f"{name}.params.priority_threshold": Case(look.sequences, 1.0, beside),
        f"{name}.params.max_steps": Case(look.sequences, 2, beside),
        f"{name}.params.max_combinations": Case(look.sequences, 20, beside),
        f"{name}.params.max_candidates": Case(look.sequences, 5, beside),
    }


PARTS, RELAXED = "partial_execution", "constraint_relaxation"
GENERATOR_CASES: Mapping[str, Case] = {
    **_sampled("combinatorial"),
    **_sampled("enhanced_combinatorial"),
    f"{PARTS}.enabled": Case(look.parts),
    f"{PARTS}.params.fill_percentages": Case(look.parts, (Decimal("0.25"),), enabled(PARTS)),
    f"{PARTS}.params.min_shares": Case(look.parts, 12, enabled(PARTS)),
    f"{RELAXED}.enabled": Case(look.relaxed),
    f"{RELAXED}.params.relax_allow_sell": Case(look.relaxed, beside=enabled(RELAXED)),
    f"{RELAXED}.params.relax_min_lot": Case(look.relaxed, beside=enabled(RELAXED)),
    f"{RELAXED}.params.relax_max_position": Case(look.relaxed, beside=enabled(RELAXED)),
    f"{RELAXED}.params.relax_cooldown": Case(look.relaxed, beside=enabled(RELAXED)),
    f"{RELAXED}.params.min_shares_relaxed": Case(look.relaxed, Decimal("0.7"), enabled(RELAXED)),
}

FILTER_CASES: Mapping[str, Case] = {
    "correlation_aware.enabled": Case(look.sequences),
    "correlation_aware.params.correlation_threshold": Case(look.sequences, 0.8),
    "correlation_aware.params.lookback_days": Case(look.sequences, 120),
    "diversity.enabled": Case(look.sequences),
    "diversity.params.diversity_weight": Case(look.sequences, 1.0),
    "diversity.params.max_sequences": Case(look.sequences, 10),
    "diversity.params.min_diversity_score": Case(look.sequences, 0.9),
    "eligibility.enabled": Case(look.limits, beside=STRICT_HOLD),
    "eligibility.params.min_hold_days": Case(look.limits, 120),
    "eligibility.params.sell_cooldown_days": Case(look.limits, 200),
    "eligibility.params.max_loss_threshold": Case(look.limits, Decimal("-0.1")),
    "eligibility.params.enforce_min_hold": Case(look.limits, beside=STRICT_HOLD),
    "eligibility.params.enforce_cooldown": Case(look.limits, beside=STRICT_WAIT),
    "eligibility.params.enforce_max_loss": Case(look.limits, beside=STRICT_LOSS),
    "recently_traded.enabled": Case(look.limits, beside={f"{RECENT}.buy_cooldown_days": 60}),
    "recently_traded.params.buy_cooldown_days": Case(look.limits, 60),
    "recently_traded.params.sell_cooldown_days": Case(look.limits, 200),
    "recently_traded.params.enforce_buy_cooldown": Case(
        look.limits, beside={f"{RECENT}.buy_cooldown_days": 60}
    ),
    "recently_traded.params.enforce_sell_cooldown": Case(
        look.limits, beside={f"{RECENT}.sell_cooldown_days": 200}
    ),
}


# What is no matter of one plan but of when plans are made.
SHOWN_ELSEWHERE: Mapping[str, str] = {
    "planner.enable_batch_generation": "tests/actors/test_batch_generation.py",
}


def _named(group: str, cases: Mapping[str, Case]) -> Mapping[str, Case]:
    return {f"{group}.{name}": case for name, case in cases.items()}


CASES: Mapping[str, Case] = {
    **_named("planner", PLANNER_CASES),
    **_named(CALCULATOR, CALCULATOR_CASES),
    **_named(PATTERN, PATTERN_CASES),
    **_named(GENERATOR, GENERATOR_CASES),
    **_named("filters", FILTER_CASES),
}


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.name)
def test_every_key_changes_something_one_can_see(key: Key) -> None:
    if key.name in SHOWN_ELSEWHERE:
        file = Path(SHOWN_ELSEWHERE[key.name])
        assert key.path[-1] in file.read_text(encoding="utf-8")
        return
    assert key.name in CASES, f"{key.name} has no case: nobody shows that it changes anything"
    case = CASES[key.name]
    other = other_value(key) if case.other is None else case.other
    first = tuple(sorted(case.beside.items()))
    second = tuple(sorted({**case.beside, key.name: other}.items()))
    assert first != second
    assert seen(case.see, first) != seen(case.see, second)


def test_there_is_no_case_of_a_key_that_is_gone() -> None:
    assert {*CASES, *SHOWN_ELSEWHERE} == set(BY_NAME)
