"""What stands beside the steps of a plan: proof, score in parts, and what else was found."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from ledger.plan import Alternative, Breakdown, NewMoney, Plan, Proof, Robustness
from web.api.plan_facts import PlanFactsRow, facts_row
from web.encode import amount, score


class ProofRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How good the plan is among all that its candidates allow; figures are points of the score.

    No sequence of up to `depth` of the `candidates` is worth more than `bound`; the plan is worth
    `bound` − `gap`. Up to `proved_depth` steps there is no gap.
    """

    proved: bool
    gap: float
    bound: float
    explored: int
    budget: int
    depth: int
    proved_depth: int
    candidates: int


class PartRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One component of a score: 0 to 1, its weight, and their product."""

    name: str
    value: float
    weight: float
    contribution: float


class BreakdownRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a score of 0 to 1 is made of, and what the costs of getting there take from it."""

    parts: list[PartRow]
    cost_eur: Decimal
    cost_penalty: float
    total: float


class Breakdowns(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The score of the portfolio as it is, and after the plan."""

    start: BreakdownRow | None
    end: BreakdownRow | None


class PlannedRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    side: str
    symbol: str
    quantity: Decimal
    value_eur: Decimal


class AlternativeRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Another sequence. `net` is its worth beyond doing nothing, in points, after all costs.

    One that is not `executable` breaks a rule on purpose, to show what the rule costs.
    """

    trades: list[PlannedRow]
    net: float
    end: BreakdownRow
    origins: list[str]
    executable: bool


class RobustnessRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the plan does when prices move: scores of 0 to 1 less those of doing nothing."""

    method: str
    scenarios: int
    horizon_days: int
    mean: float
    worst: float
    p10: float
    p90: float
    final: float
    standard_error: float | None


class NewMoneyRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Cash there is to invest, what the plan spends of it, and the smallest deposit by which
    purchases alone would then reach every target; null when none would, for `blocked_by`.
    `deposit_share` is that deposit as a fraction of what the account is worth.
    """

    free_eur: Decimal
    spent_eur: Decimal
    deposit_eur: Decimal | None
    deposit_share: Decimal | None
    blocked_by: list[str]


class Insight(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything a plan tells about itself; empty without one."""

    proof: ProofRow | None = None
    origins: list[str] = []
    breakdown: Breakdowns = Breakdowns(start=None, end=None)
    alternatives: list[AlternativeRow] = []
    robustness: RobustnessRow | None = None
    new_money: NewMoneyRow | None = None
    notes: list[str] = []
    facts: PlanFactsRow | None = None
    config_name: str | None = None
    config_hash: str | None = None
    input_hash: str | None = None
    seed: int | None = None


def insight(plan: Plan) -> Insight:
    return Insight(
        proof=None if plan.proof is None else _proof(plan.proof),
        origins=list(plan.origins),
        breakdown=Breakdowns(start=_breakdown(plan.start), end=_breakdown(plan.end)),
        alternatives=[_alternative(one) for one in plan.alternatives],
        robustness=None if plan.robustness is None else _robustness(plan.robustness),
        new_money=None if plan.new_money is None else _new_money(plan.new_money),
        notes=list(plan.notes),
        facts=None if plan.facts is None else facts_row(plan.facts),
        config_name=plan.config_name or None,
        config_hash=plan.config_hash or None,
        input_hash=plan.input_hash,
        seed=plan.seed,
    )


def _proof(proof: Proof) -> ProofRow:
    return ProofRow(
        proved=proof.proved,
        gap=round(proof.gap, 4),
        bound=round(proof.bound, 4),
        explored=proof.explored,
        budget=proof.budget,
        depth=proof.depth,
        proved_depth=proof.proved_depth,
        candidates=proof.candidates,
    )


def _breakdown(made_of: Breakdown | None) -> BreakdownRow | None:
    return None if made_of is None else _parts(made_of)


def _parts(made_of: Breakdown) -> BreakdownRow:
    return BreakdownRow(
        parts=[
            PartRow(part.name, round(part.value, 4), part.weight, round(part.contribution, 4))
            for part in made_of.parts
        ],
        cost_eur=made_of.cost_eur.amount,
        cost_penalty=round(made_of.cost_penalty, 6),
        total=round(made_of.total, 4),
    )


def _alternative(other: Alternative) -> AlternativeRow:
    return AlternativeRow(
        trades=[
            PlannedRow(trade.side, trade.symbol, trade.quantity.units, trade.value_eur.amount)
            for trade in other.trades
        ],
        net=round(other.net, 4),
        end=_parts(other.end),
        origins=list(other.origins),
        executable=other.executable,
    )


def _robustness(found: Robustness) -> RobustnessRow:
    return RobustnessRow(
        method=found.method,
        scenarios=found.scenarios,
        horizon_days=found.horizon_days,
        mean=round(found.mean, 6),
        worst=round(found.worst, 6),
        p10=round(found.p10, 6),
        p90=round(found.p90, 6),
        final=round(found.final, 6),
        standard_error=score(found.standard_error, 6),
    )


def _new_money(money: NewMoney) -> NewMoneyRow:
    return NewMoneyRow(
        free_eur=money.free_eur.amount,
        spent_eur=money.spent_eur.amount,
        deposit_eur=amount(money.deposit_eur),
        deposit_share=money.deposit_share,
        blocked_by=list(money.blocked_by),
    )
