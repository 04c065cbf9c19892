"""Configurations, a plan that tells everything, and what it changes; and views of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from ledger.errors import Missing
from ledger.money import Money, Quantity
from ledger.plan import (
    Alternative,
    Breakdown,
    NewMoney,
    PlannedTrade,
    Proof,
    Robustness,
    ScorePart,
    StepState,
    StoredPlan,
    StoredStep,
)
from ledger.plan_difference import CashChange, PlanDifference, RiskChange, WeightChange
from ledger.plan_facts import PlanFacts, StepFacts
from ledger.planner_config import (
    ConfigCheck,
    ConfigFinding,
    PastConfig,
    StageCounts,
    StoredConfig,
)

SAVED = datetime(2026, 2, 20, 9, 0, tzinfo=UTC)
TOML = '[planner]\nname = "Core"\nmax_depth = 5\n'


@dataclass
class FakePlannerViews:
    """Rows in memory, the configurations in no order."""

    plans: dict[str, StoredPlan] = field(default_factory=dict[str, StoredPlan])
    configs: tuple[StoredConfig, ...] = ()
    past: tuple[PastConfig, ...] = ()

    async def stored_plan(self, plan_id: str) -> StoredPlan:
        if plan_id not in self.plans:
            raise Missing(f"there is no plan {plan_id}")
        return self.plans[plan_id]

    async def planner_configs(self) -> Sequence[StoredConfig]:
        return self.configs

    async def planner_config(self, config_id: str) -> StoredConfig:
        for one in self.configs:
            if one.config_id == config_id:
                return one
        raise Missing(f"there is no configuration {config_id}")

    async def planner_config_history(self, config_id: str) -> Sequence[PastConfig]:
        return tuple(one for one in self.past if one.config_id == config_id)


def config(
    config_id: str = "c-core", name: str = "Core", bucket: str | None = "core"
) -> StoredConfig:
    return StoredConfig(
        config_id=config_id,
        name=name,
        toml=TOML,
        bucket_id=bucket,
        version=3,
        text_hash="aa11",
        applied_hash="aa11" if bucket else None,
        created_at=SAVED,
        updated_at=SAVED + timedelta(days=1),
    )


def past(version: int) -> PastConfig:
    return PastConfig(
        history_id=f"h-{version}",
        config_id="c-core",
        version=version,
        name="Core",
        toml=TOML.replace("5", str(version)),
        text_hash=f"bb{version}",
        summary=f"max_depth {version} → {version + 1}",
        saved_at=SAVED + timedelta(hours=version),
    )


WRONG = ConfigCheck(
    errors=(
        ConfigFinding("planner.max_dept", "is not known; did you mean max_depth?", 3),
        ConfigFinding("planner.allow_buy", "must be true or false", None),
    ),
    warnings=(ConfigFinding("filters.diversity", "does little without diverse selection", 9),),
)
RIGHT = ConfigCheck(
    errors=(),
    warnings=(),
    counts=StageCounts(24, (("rebalance_buys", 20), ("profit_taking", 4)), 310, 180, 20_000, 3,
                       72.204, 75.199),
)  # fmt: skip


def eur(text: str) -> Money:
    return Money.of(text, "EUR")


_FACTS = PlanFacts(
    strategy="rebalance",
    execution="sells_first",
    steps=(
        StepFacts(1, "trade", "SELL", "AAPL.US", "Apple", eur("184.70"), eur("2.18"), "overweight",
                  ("windfall",), 0.456, Decimal("0.1667"), pays_for="Novartis"),
    ),
    invested_eur=eur("1580.40"),
    proceeds_eur=eur("184.70"),
    costs_eur=eur("6.54"),
    net_eur=eur("1402.24"),
    goals=(("windfall", 1),),
    current_score=72.2,
    end_score=75.2,
)  # fmt: skip


def _breakdown(total: float, cost: str) -> Breakdown:
    parts = (ScorePart("diversification", 0.8, 0.25), ScorePart("total_return", 0.7, 0.35))
    return Breakdown(parts, eur(cost), 0.0004, total)


def _alternative(symbol: str, net: float, *, executable: bool = True) -> Alternative:
    trade = PlannedTrade("BUY", symbol, Quantity.of(7), eur("646.45"))
    return Alternative((trade,), net, _breakdown(0.748, "3.29"), ("single_best",), executable)


def telling(stored: StoredPlan, *, proved: bool = False) -> StoredPlan:
    """`stored` with everything a plan can tell about itself; its first step waits."""
    gap = 0.0 if proved else 0.1204
    made = replace(
        stored.plan,
        input_hash="1f" * 16,
        config_name="Core",
        config_hash="aa11",
        seed=2**63 + 11,
        origins=("profit_taking", "beam"),
        proof=Proof(proved, gap, 2.98 + gap, 200_000, 250_000, 5, 3, 24),
        start=_breakdown(0.722, "0.00"),
        end=_breakdown(0.752, "6.54"),
        alternatives=(_alternative("NOVN.EU", 1.25), _alternative("IBE.EU", 0.5, executable=False)),
        robustness=Robustness("monte_carlo", 100, 63, 0.021, -0.04, -0.01, 0.05, 0.019, 0.0021),
        new_money=NewMoney(eur("500.00"), eur("461.75"), eur("1250.00"), ("DEMO1.XX",)),
        notes=("no correlations yet",),
        facts=_FACTS,
    )
    return replace(stored, plan=made, steps=_waiting(stored.steps))


def _waiting(steps: tuple[StoredStep, ...]) -> tuple[StoredStep, ...]:
    return tuple(replace(step, state=StepState.PROPOSED) for step in steps)


def difference(plan_id: str) -> PlanDifference:
    def weight(name: str, before: str, after: str, target: str | None) -> WeightChange:
        wanted = None if target is None else Decimal(target)
        return WeightChange(name, Decimal(before), Decimal(after), wanted)

    return PlanDifference(
        plan_id=plan_id,
        securities=(
            weight("AAPL.US", "0.1088", "0.0902", "0.09"),
            weight("NOVN.EU", "0.1510", "0.1993", None),
        ),
        countries=(weight("US", "0.1088", "0.0902", "0.10"),),
        industries=(weight("Health care", "0.1510", "0.1993", "0.20"),),
        cash=(CashChange("EUR", eur("1843.27"), eur("440.11")),),
        fees_eur=eur("6.54"),
        traded_eur=eur("1765.10"),
        turnover=Decimal("0.0918273645"),
        score_before=72.204,
        score_after=75.2,
        risk=RiskChange(0.142, 0.137, 0.93, Decimal("0.191"), Decimal("0.199"), Decimal("0.12"),
                        Decimal("0.07")),
    )  # fmt: skip
