"""What a configuration must and should be as a whole, beyond the bounds of its single keys.

An error forbids it, a warning says that part of it does nothing or takes long. Each finding names
the keys it rests on, the first one being where it is told.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from policy.planning.config import PATTERNS, PlannerConfig
from policy.planning.config_schema import CALCULATORS

SELLING = ("profit_taking", "rebalance_sells")
BUYING = ("averaging_down", "opportunity_buys", "rebalance_buys")
# Together these take long on a small board.
DEEP, MANY_PATTERNS, MANY_COMBINATIONS = 7, 10, 100


@dataclass(frozen=True, slots=True)
class RuleFinding:
    severity: Literal["error", "warning"]
    paths: tuple[str, ...]
    message: str


def broken_rules(config: PlannerConfig, *, correlations: bool) -> tuple[RuleFinding, ...]:
    """Every finding, errors first. `correlations`: there are some to filter by."""
    errors = (
        *_sides(config), *_something_to_do(config), *_selling_rules(config), *_dip_band(config)
    )  # fmt: skip
    warnings = (
        *_idle_generators(config),
        *_idle_filters(config, correlations=correlations),
        *_idle_patterns(config),
        *_slow(config),
        *_idle_calculators(config),
    )
    return (*errors, *warnings)


def _sides(config: PlannerConfig) -> Iterator[RuleFinding]:
    if not config.allow_buy and not config.allow_sell:
        paths = ("planner.allow_buy", "planner.allow_sell")
        yield _error(paths, "allow_buy and allow_sell are both false: nothing could be planned")


def _something_to_do(config: PlannerConfig) -> Iterator[RuleFinding]:
    if not any(_on(config.calculators, name) for name in CALCULATORS):
        paths = ("opportunity_calculators", *map(_calculator, CALCULATORS))
        yield _error(paths, f"none is enabled; there are {', '.join(CALCULATORS)}")
    if not any(pattern.enabled for pattern in config.patterns.values()):
        paths = ("pattern_generators", *map(_pattern, PATTERNS))
        yield _error(paths, f"none is enabled; there are {', '.join(PATTERNS)}")


def _selling_rules(config: PlannerConfig) -> Iterator[RuleFinding]:
    rules = config.filters.eligibility
    if not (rules.enabled and rules.enforce_min_hold and rules.enforce_cooldown):
        return
    own_hold, own_wait = rules.min_hold_days, rules.sell_cooldown_days
    hold = config.min_hold_days if own_hold is None else own_hold
    wait = config.sell_cooldown_days if own_wait is None else own_wait
    if hold > wait:
        params = "filters.eligibility.params"
        paths = (
            f"{'planner' if own_hold is None else params}.min_hold_days",
            f"{'planner' if own_wait is None else params}.sell_cooldown_days",
        )
        text = f"min_hold_days = {hold}: must be at most sell_cooldown_days, which is {wait}"
        yield _error(paths, text)


def _dip_band(config: PlannerConfig) -> Iterator[RuleFinding]:
    band = config.calculators.averaging_down
    if band.dip_threshold <= band.max_drawdown:
        params = "opportunity_calculators.averaging_down.params"
        text = (
            f"dip_threshold = {band.dip_threshold}: must be above max_drawdown, which is"
            f" {band.max_drawdown}; only a loss between them buys"
        )
        yield _error((f"{params}.dip_threshold", f"{params}.max_drawdown"), text)


def _idle_generators(config: PlannerConfig) -> Iterator[RuleFinding]:
    patterns = sum(pattern.enabled for pattern in config.patterns.values())
    for name in ("combinatorial", "enhanced_combinatorial"):
        if patterns < 2 and _on(config.generators, name):
            yield _warning(
                (_generator(name), *map(_pattern, PATTERNS)),
                f"combines what patterns find, and fewer than 2 of them are enabled ({patterns})",
            )


def _idle_filters(config: PlannerConfig, *, correlations: bool) -> Iterator[RuleFinding]:
    filters = config.filters
    if filters.correlation_aware.enabled and not correlations:
        yield _warning(
            ("filters.correlation_aware.enabled",),
            "there are no correlations yet, so it keeps everything",
        )
    if filters.diversity.enabled and not config.enable_diverse_selection:
        yield _warning(
            ("filters.diversity.enabled", "planner.enable_diverse_selection"),
            "asks for spread that the selection of candidates does not look for:"
            " enable_diverse_selection is false",
        )


def _idle_patterns(config: PlannerConfig) -> Iterator[RuleFinding]:
    needs = {
        "rebalance": ("rebalance_sells", "rebalance_buys", "weight_based"),
        "deep_rebalance": ("rebalance_sells", "rebalance_buys", "weight_based"),
        "profit_taking": ("profit_taking",),
        "averaging_down": ("averaging_down", "weight_based"),
    }
    for name, kinds in needs.items():
        if config.pattern(name).enabled and not any(_on(config.calculators, k) for k in kinds):
            text = f"finds nothing: none of {', '.join(kinds)} is enabled"
            yield _warning((_pattern(name), *map(_calculator, kinds)), text)


def _slow(config: PlannerConfig) -> Iterator[RuleFinding]:
    patterns = sum(pattern.enabled for pattern in config.patterns.values())
    if config.max_depth >= DEEP and patterns >= MANY_PATTERNS:
        yield _warning(
            ("planner.max_depth", *map(_pattern, PATTERNS)),
            f"max_depth = {config.max_depth} with {patterns} patterns may take minutes on a board",
        )
    for name, generator in (
        ("combinatorial", config.generators.combinatorial),
        ("enhanced_combinatorial", config.generators.enhanced_combinatorial),
    ):
        if generator.enabled and generator.max_combinations > MANY_COMBINATIONS:
            path = f"sequence_generators.{name}.params.max_combinations"
            text = f"max_combinations = {generator.max_combinations}: above 100 it takes long"
            yield _warning((path, _generator(name)), text)


def _idle_calculators(config: PlannerConfig) -> Iterator[RuleFinding]:
    for side, allowed, kinds in (
        ("allow_sell", config.allow_sell, SELLING),
        ("allow_buy", config.allow_buy, BUYING),
    ):
        for name in kinds:
            if not allowed and _on(config.calculators, name):
                text = f"finds nothing: {side} is false"
                yield _warning((_calculator(name), f"planner.{side}"), text)


def _on(modules: object, name: str) -> bool:
    enabled: bool = getattr(modules, name).enabled
    return enabled


def _calculator(name: str) -> str:
    return f"opportunity_calculators.{name}.enabled"


def _pattern(name: str) -> str:
    return f"pattern_generators.{name}.enabled"


def _generator(name: str) -> str:
    return f"sequence_generators.{name}.enabled"


def _error(paths: tuple[str, ...], message: str) -> RuleFinding:
    return RuleFinding("error", paths, message)


def _warning(paths: tuple[str, ...], message: str) -> RuleFinding:
    return RuleFinding("warning", paths, message)
