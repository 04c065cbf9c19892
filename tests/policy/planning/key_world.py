"""One account in which every key of a configuration has something to decide, and ways to look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from ledger.correlation import Correlations
from ledger.money import Quantity
from ledger.plan import Plan
from ledger.planner_config import StoredConfig
from ledger.security import Security
from policy.fees import no_less_than
from policy.limits import DEFAULTS
from policy.planner import PlanInput, PlanRun, finish, scene_of, start, step
from policy.planning.calculators import find_candidates
from policy.planning.candidates import Candidate, Scene
from policy.planning.config import PlannerConfig
from policy.planning.config_changes import change_summary
from policy.planning.effective import effective_limits
from policy.planning.facts import SecurityFacts
from policy.planning.generators import partial_candidates, relaxed_candidates
from policy.planning.seeds import Seeds, seeds
from policy.planning.space import space
from policy.scoring.end_state import EndStateParts
from policy.targets import equal_targets
from tests.policy.accounts import FEES, FREE, MIC, NOON, dozen, snapshot

STEPS = 10_000
# S03 may not be sold, S09 is traded in lots of fifty.
UNIVERSE: tuple[Security, ...] = tuple(
    replace(
        one,
        allow_sell=one.symbol != "S03",
        instrument=replace(one.instrument, lot=Quantity.of("50" if one.symbol == "S09" else "1")),
    )
    for one in dozen()
)
# S00 doubled and more, S01 fell by 29 %, S02 is just below its target, S03 near the largest
# position, and S04 gained what is just a windfall.
HELD = {"S00": "60", "S01": "10", "S02": "21", "S03": "39", "S04": "20"}
COSTS = {"S00": "40", "S01": "140", "S02": "100", "S03": "60", "S04": "68"}
QUALITY = (0.6, 0.75, 0.55, 0.9, 0.65, 0.72, 0.4, 0.85, 0.95, 0.5, 0.71, 0.8)


def facts() -> Mapping[str, SecurityFacts]:
    return {
        one.symbol: SecurityFacts(
            quality=quality,
            dividend_yield=0.02,
            parts=EndStateParts(quality, 1.0 - quality / 2, 0.3 + quality / 3),
            growth=0.08,
            returns=(quality / 4, quality / 6, quality / 8),
            volatility=0.15 + quality / 5,
            bought_on=date(2024, 1, 5),
        )
        for one, quality in zip(UNIVERSE, QUALITY, strict=True)
    }


def correlations() -> Correlations:
    """S08 moves with S07 (0.75), all others hardly at all."""
    symbols = tuple(one.symbol for one in UNIVERSE)
    rows = tuple(
        tuple(0.75 if {one, other} == {"S07", "S08"} else 0.1 for other in symbols[:number])
        for number, one in enumerate(symbols)
    )
    return Correlations(date(2026, 3, 3), 252, symbols, rows)


def given(config: PlannerConfig, *, cash: str = "12500", regime: str = "bear") -> PlanInput:
    shot = snapshot(
        UNIVERSE,
        prices={one.symbol: "100" for one in UNIVERSE},
        held=HELD,
        costs=COSTS,
        cash={"EUR": cash},
    )
    limits = effective_limits(DEFAULTS, config)
    return PlanInput(
        plan_id="01PLAN",
        bucket_id="core",
        now=NOON,
        portfolio_hash="0" * 32,
        snapshot=shot,
        trade_rates=shot.rates,
        targets=equal_targets(UNIVERSE, limits),
        fees=no_less_than(limits, FEES),
        fx_fees=FREE,
        limits=limits,
        markets=frozenset({MIC}),
        barred=frozenset({("S05", "BUY")}),
        config=config,
        facts=facts(),
        correlations=correlations(),
        regime=regime,
    )


def scene(config: PlannerConfig) -> Scene:
    made = scene_of(given(config))
    assert made is not None
    return made


def run(config: PlannerConfig, *, cash: str = "12500") -> PlanRun:
    """A whole run."""
    found = start(given(config, cash=cash))
    for _ in range(STEPS):
        if found.done:
            return found
        found = step(found)
    raise AssertionError("the run does not end")


def plan(config: PlannerConfig, *, cash: str = "12500") -> Plan:
    return finish(run(config, cash=cash))


def trades(found: tuple[Candidate, ...]) -> list[tuple[object, ...]]:
    return [(c.kind, c.side, c.symbol, c.quantity.units, c.priority, c.tags) for c in found]


def candidates(config: PlannerConfig) -> object:
    """What the calculators find."""
    return trades(find_candidates(scene(config)))


def parts(config: PlannerConfig) -> object:
    where = scene(config)
    return trades(partial_candidates(where, find_candidates(where)))


def relaxed(config: PlannerConfig) -> object:
    where = scene(config)
    return trades(relaxed_candidates(where, find_candidates(where), find=find_candidates))


def seeded(config: PlannerConfig) -> Seeds:
    asked, where = given(config), scene(config)
    found = find_candidates(where)
    made = space(found, where.purse, where.rules, max_depth=config.max_depth)
    return seeds(made, where, correlations=asked.correlations, regime=asked.regime, seed=asked.seed)


def sequences(config: PlannerConfig) -> object:
    """What patterns, generators and filters make of it."""
    found = seeded(config)
    return found.seeds, found.counts, found.notes


def limits(config: PlannerConfig) -> object:
    """What planner and gates go by."""
    return effective_limits(DEFAULTS, config)


def fees(config: PlannerConfig) -> object:
    """What the trades of a plan are reckoned to cost."""
    return [(c.symbol, c.fee_eur) for c in find_candidates(scene(config))]


def named(config: PlannerConfig) -> object:
    return plan(config).config_name


def steps(config: PlannerConfig, *, cash: str = "12500") -> object:
    """What the plan does."""
    return [(step.side, step.symbol, step.quantity) for step in plan(config, cash=cash).steps]


def steps_without_cash(config: PlannerConfig) -> object:
    return steps(config, cash="600")


def robustness(config: PlannerConfig) -> object:
    return plan(config).robustness


def scores(config: PlannerConfig) -> object:
    """What the plan says that it is worth."""
    found = plan(config)
    return found.current_score, found.end_score


def explored(config: PlannerConfig) -> object:
    found = plan(config).proof
    assert found is not None
    return found.explored, found.proved


def retained(config: PlannerConfig) -> object:
    """The best sequences that the search keeps."""
    return [one.combo for one in run(config).search.found]


def told_in_history(config: PlannerConfig) -> object:
    """How the history of a configuration tells that it has become this one."""
    before = StoredConfig("1", "Mine", "", None, 1, "", None, NOON, NOON)
    text = f'[planner]\nname = "{config.name}"\ndescription = "{config.description}"\n'
    return change_summary(before, name="Mine", toml=text, bucket_id=None)
