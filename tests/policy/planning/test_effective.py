"""Where a threshold stands in two places, the stricter one counts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.money import Money
from policy.limits import DEFAULTS, Limits
from policy.planning.config import DEFAULT_CONFIG, PlannerConfig
from policy.planning.config_schema import Path, Setting, with_values
from policy.planning.effective import effective_limits


def days(count: int) -> timedelta:
    return timedelta(days=count)


def limits_of(values: dict[Path, Setting], base: Limits = DEFAULTS) -> Limits:
    return effective_limits(base, with_values(DEFAULT_CONFIG, values))


ELIGIBILITY, RECENT = ("filters", "eligibility"), ("filters", "recently_traded")


def test_the_defaults_of_both_agree() -> None:
    assert effective_limits(DEFAULTS, DEFAULT_CONFIG) == DEFAULTS


@pytest.mark.parametrize(
    ("values", "field", "expected"),
    [
        ({("min_hold_days",): 120}, "min_hold", days(120)),
        ({("min_hold_days",): 30}, "min_hold", days(90)),
        ({(*ELIGIBILITY, "min_hold_days"): 100}, "min_hold", days(100)),
        ({("sell_cooldown_days",): 200}, "sell_cooldown", days(200)),
        ({(*ELIGIBILITY, "sell_cooldown_days"): 210}, "sell_cooldown", days(210)),
        ({(*RECENT, "sell_cooldown_days"): 220}, "sell_cooldown", days(220)),
        ({(*RECENT, "buy_cooldown_days"): 45}, "buy_cooldown", days(45)),
        ({(*RECENT, "buy_cooldown_days"): 5}, "buy_cooldown", days(30)),
        ({("max_loss_threshold",): Decimal("-0.1")}, "max_sell_loss", Decimal("0.1")),
        ({("max_loss_threshold",): Decimal("-0.9")}, "max_sell_loss", Decimal("0.2")),
        (
            {(*ELIGIBILITY, "max_loss_threshold"): Decimal("-0.05")},
            "max_sell_loss",
            Decimal("0.05"),
        ),
        (
            {("transaction_cost_fixed",): Money(3_00, "EUR")},
            "transaction_cost_fixed",
            Money(3_00, "EUR"),
        ),
        (
            {("transaction_cost_percent",): Decimal("0.001")},
            "transaction_cost_percent",
            Decimal("0.002"),
        ),
        (
            {("transaction_cost_percent",): Decimal("0.003")},
            "transaction_cost_percent",
            Decimal("0.003"),
        ),
    ],
)
def test_the_stricter_value_counts(
    values: dict[Path, Setting], field: str, expected: object
) -> None:
    assert limits_of(values) == replace(DEFAULTS, **{field: expected})


def test_the_filters_own_value_replaces_that_of_the_planner() -> None:
    values: dict[Path, Setting] = {("min_hold_days",): 150, (*ELIGIBILITY, "min_hold_days"): 100}
    assert limits_of(values).min_hold == days(100)


@pytest.mark.parametrize(
    ("switch", "values"),
    [
        ((*ELIGIBILITY, "enforce_min_hold"), {("min_hold_days",): 120}),
        ((*ELIGIBILITY, "enforce_cooldown"), {("sell_cooldown_days",): 200}),
        ((*ELIGIBILITY, "enforce_max_loss"), {("max_loss_threshold",): Decimal("-0.1")}),
        ((*ELIGIBILITY, "enabled"), {("min_hold_days",): 120, ("sell_cooldown_days",): 200}),
        ((*RECENT, "enforce_buy_cooldown"), {(*RECENT, "buy_cooldown_days"): 45}),
        ((*RECENT, "enforce_sell_cooldown"), {(*RECENT, "sell_cooldown_days"): 220}),
        ((*RECENT, "enabled"), {(*RECENT, "buy_cooldown_days"): 45}),
    ],
)
def test_what_is_not_enforced_leaves_the_global_value_alone(
    switch: Path, values: dict[Path, Setting]
) -> None:
    assert limits_of(values) != DEFAULTS
    assert limits_of({**values, switch: False}) == DEFAULTS


CONFIGS = st.builds(
    lambda hold, wait, buy, loss, switches: with_values(
        DEFAULT_CONFIG,
        {
            ("min_hold_days",): hold,
            ("sell_cooldown_days",): wait,
            (*RECENT, "buy_cooldown_days"): buy,
            ("max_loss_threshold",): -loss,
            (*ELIGIBILITY, "enabled"): switches[0],
            (*RECENT, "enabled"): switches[1],
        },
    ),
    st.integers(0, 365),
    st.integers(0, 365),
    st.integers(0, 365),
    st.decimals(0, 1, places=3),
    st.tuples(st.booleans(), st.booleans()),
)


@given(config=CONFIGS)
def test_no_configuration_makes_a_limit_laxer(config: PlannerConfig) -> None:
    found = effective_limits(DEFAULTS, config)
    assert found.min_hold >= DEFAULTS.min_hold
    assert found.sell_cooldown >= DEFAULTS.sell_cooldown
    assert found.buy_cooldown >= DEFAULTS.buy_cooldown
    assert found.max_sell_loss <= DEFAULTS.max_sell_loss
    assert effective_limits(found, config) == found
