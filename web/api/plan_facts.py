"""The facts that the words of a plan are made from, as JSON."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from ledger.plan_facts import PlanFacts, StepFacts
from web.encode import score


class StepFactsRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`because` is why the trade was proposed, `pays_for` names what its proceeds pay for.

    `sold_share` of a position and `dividend_yield` per year are fractions, `quality` is 0 to 1;
    null where not known.
    """

    number: int
    kind: str
    side: str
    symbol: str
    name: str
    value_eur: Decimal
    cost_eur: Decimal
    because: str
    contributes_to: list[str]
    is_windfall: bool
    is_averaging_down: bool
    score_change: float
    sold_share: Decimal | None
    dividend_yield: float | None
    quality: float | None
    pays_for: str | None


class PlanFactsRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`net_eur` is what all steps together take from cash; below 0 they bring some.

    `goals` counts the steps that contribute to each; `hold_reason` says why there are none.
    """

    strategy: str
    execution: str
    invested_eur: Decimal
    proceeds_eur: Decimal
    costs_eur: Decimal
    net_eur: Decimal
    goals: dict[str, int]
    hold_reason: str | None
    steps: list[StepFactsRow]


def facts_row(facts: PlanFacts) -> PlanFactsRow:
    return PlanFactsRow(
        strategy=facts.strategy,
        execution=facts.execution,
        invested_eur=facts.invested_eur.amount,
        proceeds_eur=facts.proceeds_eur.amount,
        costs_eur=facts.costs_eur.amount,
        net_eur=facts.net_eur.amount,
        goals=dict(facts.goals),
        hold_reason=facts.hold_reason,
        steps=[_step(step) for step in facts.steps],
    )


def _step(step: StepFacts) -> StepFactsRow:
    return StepFactsRow(
        number=step.number,
        kind=step.kind,
        side=step.side,
        symbol=step.symbol,
        name=step.name,
        value_eur=step.value_eur.amount,
        cost_eur=step.cost_eur.amount,
        because=step.because,
        contributes_to=list(step.contributes_to),
        is_windfall=step.is_windfall,
        is_averaging_down=step.is_averaging_down,
        score_change=round(step.score_change, 2),
        sold_share=step.sold_share,
        dividend_yield=score(step.dividend_yield, 6),
        quality=score(step.quality, 4),
        pays_for=step.pays_for,
    )
