"""What a configuration must and should be as a whole."""

from __future__ import annotations

import pytest

from policy.planning.config import PATTERNS
from policy.planning.config_schema import CALCULATORS
from policy.planning.config_text import ConfigCheckResult, read_config
from policy.planning.presets import preset_text

Told = list[tuple[str, int | None]]


def off(group: str, *names: str) -> str:
    return "\n".join(f"[{group}.{name}]\nenabled = false" for name in names)


def on(group: str, *names: str) -> str:
    return off(group, *names).replace("false", "true")


def only_patterns(*names: str) -> str:
    return "\n".join(
        f"[pattern_generators.{name}]\nenabled = {'true' if name in names else 'false'}"
        for name in PATTERNS
    )


def errors(text: str) -> Told:
    return [(one.path, one.line) for one in read_config(text).errors]


def warnings(text: str, *, correlations: bool = True) -> Told:
    found: ConfigCheckResult = read_config(text, correlations=correlations)
    assert found.errors == ()
    return [(one.path, one.line) for one in found.warnings]


CALCULATORS_OFF = off("opportunity_calculators", *CALCULATORS)
PATTERNS_OFF = off("pattern_generators", *PATTERNS)
HOLD, ELIGIBLE = "planner.min_hold_days", "filters.eligibility.params.min_hold_days"
DIP = "opportunity_calculators.averaging_down.params.dip_threshold"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[planner]\nallow_buy = false\nallow_sell = false", [("planner.allow_buy", 2)]),
        (CALCULATORS_OFF, [("opportunity_calculators", 1)]),
        (PATTERNS_OFF, [("pattern_generators", 1)]),
        ("[planner]\nmin_hold_days = 200", [(HOLD, 2)]),
        ("[planner]\nsell_cooldown_days = 89", [(HOLD, 2)]),
        ("[filters.eligibility.params]\nmin_hold_days = 181", [(ELIGIBLE, 2)]),
        ("[opportunity_calculators.averaging_down.params]\nmax_drawdown = -0.2", [(DIP, 2)]),
        ("[opportunity_calculators.averaging_down.params]\ndip_threshold = -0.4", [(DIP, 2)]),
    ],
)
def test_what_contradicts_itself_is_an_error(text: str, told: Told) -> None:
    assert errors(text) == told


@pytest.mark.parametrize(
    "text",
    [
        "[planner]\nallow_buy = false\n" + off("opportunity_calculators", "averaging_down"),
        off("filters", "correlation_aware", "diversity", "eligibility", "recently_traded"),
        off("sequence_generators", "enhanced_combinatorial"),
        "[planner]\nmin_hold_days = 200\nsell_cooldown_days = 200",
        "[planner]\nmin_hold_days = 200\n[filters.eligibility.params]\nenforce_min_hold = false",
        "[planner]\nmin_hold_days = 200\n[filters.eligibility.params]\nenforce_cooldown = false",
        "[planner]\nmin_hold_days = 200\n" + off("filters", "eligibility"),
        "[planner]\nmin_hold_days = 200\n[filters.eligibility.params]\nmin_hold_days = 90",
    ],
)
def test_what_is_merely_unusual_is_no_error(text: str) -> None:
    assert errors(text) == []


def test_a_rule_says_nothing_of_a_key_that_is_wrong_itself() -> None:
    text = "[planner]\nmin_hold_days = 9999\nsell_cooldown_days = 60"
    assert errors(text) == [("planner.min_hold_days", 2)]


def test_a_broken_rule_is_told_beside_a_broken_bound() -> None:
    text = "[planner]\nallow_buy = false\nallow_sell = false\nmax_depth = 11"
    assert errors(text) == [("planner.allow_buy", 2), ("planner.max_depth", 4)]


ENHANCED = "sequence_generators.enhanced_combinatorial.enabled"


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (only_patterns("direct_buy"), ENHANCED),
        ("[planner]\nenable_diverse_selection = false", "filters.diversity.enabled"),
        (
            off("opportunity_calculators", "rebalance_sells", "rebalance_buys", "weight_based"),
            "pattern_generators.rebalance.enabled",
        ),
        (
            off("opportunity_calculators", "rebalance_sells", "rebalance_buys", "weight_based"),
            "pattern_generators.deep_rebalance.enabled",
        ),
        (
            off("opportunity_calculators", "profit_taking"),
            "pattern_generators.profit_taking.enabled",
        ),
        (
            off("opportunity_calculators", "averaging_down", "weight_based"),
            "pattern_generators.averaging_down.enabled",
        ),
        ("[planner]\nmax_depth = 7", "planner.max_depth"),
        (
            "[sequence_generators.enhanced_combinatorial.params]\nmax_combinations = 101",
            "sequence_generators.enhanced_combinatorial.params.max_combinations",
        ),
        (
            "[planner]\nallow_sell = false",
            "opportunity_calculators.profit_taking.enabled",
        ),
        (
            "[planner]\nallow_sell = false",
            "opportunity_calculators.rebalance_sells.enabled",
        ),
        (
            "[planner]\nallow_buy = false",
            "opportunity_calculators.opportunity_buys.enabled",
        ),
    ],
)
def test_what_does_nothing_or_takes_long_is_warned_of(text: str, path: str) -> None:
    assert path in [found for found, _ in warnings(text)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[planner]\nmax_depth = 7\n" + only_patterns(*PATTERNS[:9]),
        "[planner]\nmax_depth = 6\n" + on("pattern_generators", *PATTERNS),
        only_patterns("direct_buy") + "\n" + off("sequence_generators", "enhanced_combinatorial"),
        only_patterns("direct_buy", "single_best"),
        "[sequence_generators.combinatorial.params]\nmax_combinations = 101",
        off("opportunity_calculators", "rebalance_sells", "rebalance_buys"),
        "[planner]\nenable_diverse_selection = false\n" + off("filters", "diversity"),
    ],
)
def test_nothing_is_warned_of_without_a_cause(text: str) -> None:
    assert warnings(text) == []


def test_a_correlation_filter_without_correlations_is_warned_of() -> None:
    told = [("filters.correlation_aware.enabled", None)]
    assert warnings("", correlations=False) == told
    assert warnings(off("filters", "correlation_aware"), correlations=False) == []


def test_a_warning_says_where_in_the_text_its_cause_is() -> None:
    text = "[planner]\n# none\nallow_sell = false"
    assert warnings(text)[0][1] == 3


def test_the_default_strategy_warns_of_nothing() -> None:
    assert warnings(preset_text("default")) == []
