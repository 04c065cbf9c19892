"""How the planner works for one bucket: everything its owner can configure, with defaults.

Each record is one table of the configuration's text; `policy.planning.config_schema` names keys,
bounds and meaning, `config_text` reads and checks the text. Shares and thresholds are fractions;
priorities are 0 to 1 within a kind before their weight.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, Literal

from ledger.money import Money
from policy.scoring.end_state import ProfileName

Objective = Literal["end_state", "diversification"]
RegimeName = Literal["bull", "bear", "sideways"]

PATTERNS: Final[tuple[str, ...]] = (
    "direct_buy",
    "profit_taking",
    "rebalance",
    "averaging_down",
    "single_best",
    "multi_sell",
    "mixed_strategy",
    "opportunity_first",
    "deep_rebalance",
    "cash_generation",
    "cost_optimized",
    "adaptive",
    "market_regime",
)
# Those that need nothing but candidates; on by default.
BASIC_PATTERNS: Final[tuple[str, ...]] = PATTERNS[:11]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfitTaking:
    """`windfall_threshold`: gain on cost from which a position is looked at for a windfall."""

    enabled: bool = True
    windfall_threshold: Decimal = Decimal("0.30")
    priority_weight: float = 1.2


@dataclass(frozen=True, slots=True, kw_only=True)
class AveragingDown:
    """`dip_threshold` ≥ loss > `max_drawdown`: deeper is trouble, shallower is noise."""

    enabled: bool = True
    dip_threshold: Decimal = Decimal("-0.20")
    max_drawdown: Decimal = Decimal("-0.40")
    min_quality_score: float = 0.6
    base_trade_amount_eur: Money | None = None
    priority_weight: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OpportunityBuys:
    enabled: bool = True
    min_quality_score: float = 0.7
    base_trade_amount_eur: Money | None = None
    priority_weight: float = 1.1


@dataclass(frozen=True, slots=True, kw_only=True)
class RebalanceSells:
    enabled: bool = True
    overweight_threshold: Decimal = Decimal("0.02")
    max_sell_pct: Decimal = Decimal("0.30")
    priority_weight: float = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class RebalanceBuys:
    enabled: bool = True
    underweight_threshold: Decimal = Decimal("0.02")
    base_trade_amount_eur: Money | None = None
    priority_weight: float = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightBased:
    """The costs are what a gap's trade must be worth twice; None takes those of the planner."""

    enabled: bool = True
    min_gap_threshold: Decimal = Decimal("0.01")
    transaction_cost_fixed: Money | None = None
    transaction_cost_percent: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Calculators:
    profit_taking: ProfitTaking = ProfitTaking()
    averaging_down: AveragingDown = AveragingDown()
    opportunity_buys: OpportunityBuys = OpportunityBuys()
    rebalance_sells: RebalanceSells = RebalanceSells()
    rebalance_buys: RebalanceBuys = RebalanceBuys()
    weight_based: WeightBased = WeightBased()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """`max_depth` is the longest sequence the pattern makes."""

    enabled: bool = True
    max_depth: int = 5


def _default_patterns() -> Mapping[str, Pattern]:
    return {
        name: Pattern(enabled=name in BASIC_PATTERNS, max_depth=1 if name == "single_best" else 5)
        for name in PATTERNS
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Combinatorial:
    enabled: bool = True
    max_sells: int = 4
    max_buys: int = 4
    priority_threshold: float = 0.3
    max_steps: int = 5
    max_combinations: int = 50
    max_candidates: int = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class PartialExecution:
    enabled: bool = False
    fill_percentages: tuple[Decimal, ...] = (Decimal("0.5"), Decimal("0.75"), Decimal("1.0"))
    min_shares: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ConstraintRelaxation:
    """Research only: what it makes is shown, flagged, and never executed."""

    enabled: bool = False
    relax_allow_sell: bool = True
    relax_min_lot: bool = True
    relax_max_position: bool = False
    relax_cooldown: bool = False
    min_shares_relaxed: Decimal = Decimal("0.1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Generators:
    combinatorial: Combinatorial = Combinatorial(enabled=False)
    enhanced_combinatorial: Combinatorial = Combinatorial()
    partial_execution: PartialExecution = PartialExecution()
    constraint_relaxation: ConstraintRelaxation = ConstraintRelaxation()


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrelationAware:
    enabled: bool = True
    correlation_threshold: float = 0.7
    lookback_days: int = 252


@dataclass(frozen=True, slots=True, kw_only=True)
class Diversity:
    enabled: bool = True
    diversity_weight: float = 0.3
    max_sequences: int = 50
    min_diversity_score: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Eligibility:
    """None takes the planner's own key of that name."""

    enabled: bool = True
    min_hold_days: int | None = None
    sell_cooldown_days: int | None = None
    max_loss_threshold: Decimal | None = None
    enforce_min_hold: bool = True
    enforce_cooldown: bool = True
    enforce_max_loss: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentlyTraded:
    enabled: bool = True
    buy_cooldown_days: int = 30
    sell_cooldown_days: int = 180
    enforce_buy_cooldown: bool = True
    enforce_sell_cooldown: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    correlation_aware: CorrelationAware = CorrelationAware()
    diversity: Diversity = Diversity()
    eligibility: Eligibility = Eligibility()
    recently_traded: RecentlyTraded = RecentlyTraded()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannerConfig:
    """One configuration. `node_budget` bounds the sequences one plan evaluates, whatever the
    machine; `new_money_first` spends free cash on what is furthest below target before any sale is
    considered. A missing `seed` is taken from the input, a missing `min_trade_eur` from the fees.
    """

    name: str = "default"
    description: str = ""
    enable_batch_generation: bool = True
    objective: Objective = "end_state"
    risk_profile: ProfileName = "balanced"
    max_depth: int = 5
    max_opportunities_per_category: int = 5
    priority_threshold: float = 0.3
    enable_diverse_selection: bool = True
    diversity_weight: float = 0.3
    beam_width: int = 10
    node_budget: int = 200_000
    transaction_cost_fixed: Money = Money(2_00, "EUR")
    transaction_cost_percent: Decimal = Decimal("0.002")
    cost_penalty_factor: float = 0.1
    min_improvement: Decimal = Decimal("0.05")
    min_trade_eur: Money | None = None
    seed: int | None = None
    allow_sell: bool = True
    allow_buy: bool = True
    new_money_first: bool = True
    min_hold_days: int = 90
    sell_cooldown_days: int = 180
    max_loss_threshold: Decimal = Decimal("-0.20")
    enable_multi_objective: bool = False
    enable_stochastic_scenarios: bool = False
    enable_monte_carlo_paths: bool = False
    monte_carlo_path_count: int = 100
    scenario_horizon_days: int = 21
    enable_multi_timeframe: bool = False
    enable_market_regime_scenarios: bool = False
    calculators: Calculators = Calculators()
    patterns: Mapping[str, Pattern] = field(default_factory=_default_patterns)
    market_regime: RegimeName = "sideways"
    generators: Generators = Generators()
    filters: Filters = Filters()

    def pattern(self, name: str) -> Pattern:
        return self.patterns[name]


DEFAULT_CONFIG: Final = PlannerConfig()


@dataclass(frozen=True, slots=True)
class AppliedConfig:
    """What a bucket plans by: the configuration and the name of the text it was read from."""

    config: PlannerConfig = DEFAULT_CONFIG
    text_hash: str = ""


Strategies = Mapping[str, AppliedConfig]
"""By bucket id. One that is absent plans by the defaults."""
