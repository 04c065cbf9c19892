"""What the words of a plan are made from: figures and reasons, without words around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from ledger.money import Money
from ledger.order import Side

Strategy = Literal[
    "secure_gains_and_average",
    "secure_gains",
    "average_down",
    "rebalance",
    "deploy_cash",
    "reduce_risk",
    "hold",
]
Execution = Literal["nothing", "single", "sells_first", "in_order"]


@dataclass(frozen=True, slots=True)
class StepFacts:
    """`because` is why the trade was proposed, `contributes_to` its tags. Scores are points.

    `sold_share` is the part of the position that a sale takes, `dividend_yield` (a fraction per
    year) and `quality` (0 to 1) are those of what is bought; None where it is not known. `pays_for`
    names what a sale or a conversion pays for, when it does.
    """

    number: int
    kind: Literal["trade", "fx"]
    side: Side
    symbol: str
    name: str
    value_eur: Money
    cost_eur: Money
    because: str
    contributes_to: tuple[str, ...]
    score_change: float
    sold_share: Decimal | None = None
    dividend_yield: float | None = None
    quality: float | None = None
    pays_for: str | None = None

    @property
    def is_windfall(self) -> bool:
        return "windfall" in self.contributes_to

    @property
    def is_averaging_down(self) -> bool:
        return "averaging_down" in self.contributes_to


@dataclass(frozen=True, slots=True)
class PlanFacts:
    """Invested and proceeds are values of trades, costs are fees and spreads of all steps;
    `net_eur` is what all steps together take from cash (negative: they bring some).
    """

    strategy: Strategy
    execution: Execution
    steps: tuple[StepFacts, ...]
    invested_eur: Money
    proceeds_eur: Money
    costs_eur: Money
    net_eur: Money
    goals: tuple[tuple[str, int], ...]
    current_score: float
    end_score: float
    hold_reason: str | None = None

    @property
    def sells(self) -> Sequence[StepFacts]:
        return [s for s in self.steps if s.kind == "trade" and s.side == "SELL"]

    @property
    def buys(self) -> Sequence[StepFacts]:
        return [s for s in self.steps if s.kind == "trade" and s.side == "BUY"]

    @property
    def conversions(self) -> Sequence[StepFacts]:
        return [s for s in self.steps if s.kind == "fx"]
