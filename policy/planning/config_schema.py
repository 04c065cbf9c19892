"""Every key of a planner configuration: where it stands, what it may hold, what it means.

The text has a table [planner] and four groups of modules, [opportunity_calculators.X],
[pattern_generators.X], [sequence_generators.X] and [filters.X], each module with its switch
`enabled` and its numbers in [….X.params]. Defaults are those of `PlannerConfig`; a key is here
because something in a plan depends on it.

    text     in quotes            switch   true or false         choice   one of a few words
    count    a whole number       number   0.3                   share    a fraction, 0.05 is 5 %
    euro     an amount in EUR     shares   a list of fractions
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final, Literal, cast

from ledger.money import Money
from policy.planning.config import DEFAULT_CONFIG, PATTERNS, PlannerConfig

Kind = Literal["text", "switch", "choice", "count", "number", "share", "euro", "shares"]
Setting = str | bool | int | float | Decimal | Money | tuple[Decimal, ...] | None
Path = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """`path` is its name in the text, table by table; `where` the same from PlannerConfig down.

    `low` and `high` are inclusive, in `unit`; of a text they bound its length.
    """

    path: Path
    where: Path
    kind: Kind
    meaning: str
    low: Decimal = Decimal(0)
    high: Decimal = Decimal(1)
    unit: str = ""
    choices: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return ".".join(self.path)

    @property
    def default(self) -> Setting:
        return value_at(DEFAULT_CONFIG, self.where)


def value_at(config: PlannerConfig, where: Path) -> Setting:
    """What a configuration holds at this place."""
    found: Any = config
    for step in where:
        found = _part(found, step)
    value: Setting = found
    return value


def with_values(config: PlannerConfig, values: Mapping[Path, Setting]) -> PlannerConfig:
    """`config` with other values, by their places."""
    for where, value in values.items():
        config = _placed(config, where, value)
    return config


def _placed(record: Any, where: Path, value: Setting) -> Any:
    first, rest = where[0], where[1:]
    inner = _placed(_part(record, first), rest, value) if rest else value
    if isinstance(record, Mapping):
        return {**cast("Mapping[str, Any]", record), first: inner}
    return replace(record, **{first: inner})


def _part(record: Any, name: str) -> Any:
    if isinstance(record, Mapping):
        return cast("Mapping[str, Any]", record)[name]
    return getattr(record, name)


def _text(name: str, low: int, high: int, meaning: str) -> Key:
    return _key(name, "text", meaning, low=low, high=high, unit="characters")


def _switch(name: str, meaning: str) -> Key:
    return _key(name, "switch", meaning)


def _choice(name: str, choices: tuple[str, ...], meaning: str) -> Key:
    return replace(_key(name, "choice", meaning), choices=choices)


def _count(name: str, low: int, high: int, meaning: str, unit: str = "") -> Key:
    return _key(name, "count", meaning, low=low, high=high, unit=unit)


def _number(name: str, meaning: str, high: int = 1) -> Key:
    return _key(name, "number", meaning, high=high)


def _share(name: str, low: str, high: str, meaning: str) -> Key:
    return _key(name, "share", meaning, low=low, high=high, unit="fraction")


def _euro(name: str, low: str, high: str, meaning: str) -> Key:
    return _key(name, "euro", meaning, low=low, high=high, unit="EUR")


def _key(
    name: str,
    kind: Kind,
    meaning: str,
    *,
    low: str | int = 0,
    high: str | int = 1,
    unit: str = "",
) -> Key:
    return Key(
        path=(name,), where=(name,), kind=kind, meaning=meaning,
        low=Decimal(low), high=Decimal(high), unit=unit,
    )  # fmt: skip


def _under(keys: Iterable[Key], path: Path, where: Path) -> tuple[Key, ...]:
    return tuple(replace(key, path=(*path, *key.path), where=(*where, *key.where)) for key in keys)


def _inherited(key: Key) -> Key:
    return replace(key, meaning=f"{key.meaning}; as in [planner] when absent")


_WEIGHT = _number("priority_weight", "how much its trades count against those of other kinds", 2)
_BASE_AMOUNT = _euro(
    "base_trade_amount_eur", "0.01", "1000000",
    "what one purchase is for; the smallest worthwhile trade when absent",
)  # fmt: skip
_FIXED = _euro("transaction_cost_fixed", "0", "100", "what an order costs, whatever its value")
_PERCENT = _share(
    "transaction_cost_percent", "0", "0.05", "what an order costs besides, of its value"
)
_HOLD = _count("min_hold_days", 0, 365, "from the last purchase to a sale", "days")
_COOLDOWN = _count("sell_cooldown_days", 0, 365, "from one sale to the next", "days")
_LOSS = _share("max_loss_threshold", "-1", "0", "loss beyond which nothing is sold")

PLANNER: Final = (
    _text("name", 1, 100, "what the configuration calls itself"),
    _text("description", 0, 1000, "what it is for"),
    _switch("enable_batch_generation", "plans are made by themselves, not only when asked for"),
    _choice("objective", ("end_state", "diversification"), "what a plan is to improve"),
    _choice(
        "risk_profile", ("conservative", "balanced", "aggressive"),
        "how growth, spread, promise and calm are weighed in the end state",
    ),
    _count("max_depth", 1, 10, "most trades in one plan"),
    _count("max_opportunities_per_category", 1, 20, "candidates kept of each kind"),
    _number("priority_threshold", "a sequence whose mean priority is lower is dropped"),
    _switch("enable_diverse_selection", "candidates of one kind are spread over countries"),
    _number("diversity_weight", "how much spread counts against priority in that selection"),
    _count("beam_width", 1, 50, "partial sequences kept at each depth of the search"),
    _count("node_budget", 1_000, 5_000_000, "sequences evaluated for one plan at most"),
    _FIXED,
    _PERCENT,
    _number("cost_penalty_factor", "how much costs lower a score, by their share of the total"),
    _share("min_improvement", "0", "1", "a plan must gain this, times the share it trades"),
    _euro("min_trade_eur", "0.01", "100000", "the smallest trade; derived from fees when absent"),
    _count("seed", 0, 2**63 - 1, "of every random choice; taken from the input when absent"),
    _switch("allow_sell", "plans may sell"),
    _switch("allow_buy", "plans may buy"),
    _switch("new_money_first", "free cash fills the largest gaps before any sale is considered"),
    _HOLD,
    _COOLDOWN,
    _LOSS,
    _switch("enable_multi_objective", "spread, risk and cost help to choose among the best"),
    _switch("enable_stochastic_scenarios", "the best are tried under price shifts"),
    _switch("enable_monte_carlo_paths", "the best are tried under random prices"),
    _count("monte_carlo_path_count", 10, 500, "random price paths"),
    _count("scenario_horizon_days", 1, 1260, "how far scenarios look ahead", "trading days"),
    _switch("enable_multi_timeframe", "returns of one, three and five years count, not five alone"),
    _switch("enable_market_regime_scenarios", "market_regime goes by the observed state"),
)  # fmt: skip
CALCULATORS: Final[Mapping[str, tuple[Key, ...]]] = {
    "profit_taking": (
        _share("windfall_threshold", "0", "2", "gain on cost from which a windfall is looked for"),
        _WEIGHT,
    ),
    "averaging_down": (
        _share("dip_threshold", "-1", "0", "loss on cost from which more is bought"),
        _share("max_drawdown", "-1", "0", "loss from which it is trouble and nothing is bought"),
        _number("min_quality_score", "below it nothing is bought"),
        _BASE_AMOUNT,
        _WEIGHT,
    ),
    "opportunity_buys": (
        _number("min_quality_score", "below it nothing is bought"),
        _BASE_AMOUNT,
        _WEIGHT,
    ),
    "rebalance_sells": (
        _share("overweight_threshold", "0", "0.20", "weight of a group above target that counts"),
        _share("max_sell_pct", "0", "1", "of a position that one sale takes"),
        _WEIGHT,
    ),
    "rebalance_buys": (
        _share("underweight_threshold", "0", "0.20", "weight of a group below target that counts"),
        _BASE_AMOUNT,
        _WEIGHT,
    ),
    "weight_based": (
        _share("min_gap_threshold", "0", "0.10", "distance from a target weight that counts"),
        _inherited(_FIXED),
        _inherited(_PERCENT),
    ),
}
_SAMPLES: Final = (
    _count("max_sells", 1, 10, "sales in one combination"),
    _count("max_buys", 1, 10, "purchases in one combination"),
    _number("priority_threshold", "candidates of lower priority are left out"),
    _count("max_steps", 1, 10, "trades in one combination"),
    _count("max_combinations", 10, 1000, "combinations for each depth"),
    _count("max_candidates", 5, 50, "candidates of each side, the strongest first"),
)
GENERATORS: Final[Mapping[str, tuple[Key, ...]]] = {
    "combinatorial": _SAMPLES,
    "enhanced_combinatorial": _SAMPLES,
    "partial_execution": (
        _key("fill_percentages", "shares", "parts of a trade that are tried", unit="fraction"),
        _count("min_shares", 1, 1000, "units that a part must have"),
    ),
    "constraint_relaxation": (
        _switch("relax_allow_sell", "also what must not be sold"),
        _switch("relax_min_lot", "also parts of a lot"),
        _switch("relax_max_position", "also positions larger than allowed"),
        _switch("relax_cooldown", "also what was traded lately"),
        _share("min_shares_relaxed", "0.001", "1", "shares that stand for a lot then"),
    ),
}
FILTERS: Final[Mapping[str, tuple[Key, ...]]] = {
    "correlation_aware": (
        _number("correlation_threshold", "correlation beyond which two are not bought together"),
        _count("lookback_days", 60, 1260, "returns it is computed from", "trading days"),
    ),
    "diversity": (
        _number("diversity_weight", "how much spread counts against priority"),
        _count("max_sequences", 1, 1000, "sequences kept, the best first"),
        _number("min_diversity_score", "less spread is dropped"),
    ),
    "eligibility": (
        _inherited(_HOLD),
        _inherited(_COOLDOWN),
        _inherited(_LOSS),
        _switch("enforce_min_hold", "the hold counts"),
        _switch("enforce_cooldown", "the wait between sales counts"),
        _switch("enforce_max_loss", "the largest loss counts"),
    ),
    "recently_traded": (
        _count("buy_cooldown_days", 0, 365, "from one purchase to the next", "days"),
        _COOLDOWN,
        _switch("enforce_buy_cooldown", "the wait between purchases counts"),
        _switch("enforce_sell_cooldown", "the wait between sales counts"),
    ),
}
_DEPTH: Final = _count("max_depth", 1, 10, "longest sequence it makes")
_REGIME: Final = _choice(
    "market_regime", ("bull", "bear", "sideways"),
    "what it takes the market for while enable_market_regime_scenarios is off",
)  # fmt: skip


def _modules(group: str, home: Path, params: Mapping[str, tuple[Key, ...]]) -> tuple[Key, ...]:
    keys: list[Key] = []
    for name, inner in params.items():
        path, where = (group, name), (*home, name)
        keys += _under((_switch("enabled", "it takes part in planning"),), path, where)
        keys += _under(inner, (*path, "params"), where)
    return tuple(keys)


KEYS: Final[tuple[Key, ...]] = (
    *_under(PLANNER, ("planner",), ()),
    *_modules("opportunity_calculators", ("calculators",), CALCULATORS),
    *_modules("pattern_generators", ("patterns",), dict.fromkeys(PATTERNS, (_DEPTH,))),
    *_under((_REGIME,), ("pattern_generators", "market_regime", "params"), ()),
    *_modules("sequence_generators", ("generators",), GENERATORS),
    *_modules("filters", ("filters",), FILTERS),
)
