"""A chosen sequence as the steps of a plan: numbered, with running scores and cash.

Called by the planner once, for the sequence that won.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ledger.currency import BASE
from ledger.money import Money
from ledger.plan import PlanStep
from policy.fx import Conversion
from policy.plan_text import conversion_reason
from policy.planning.candidates import Candidate
from policy.planning.space import Step, step_cost


def plan_steps(
    moves: tuple[Step, ...], scores: tuple[float, ...], *, cash: Money
) -> tuple[PlanStep, ...]:
    """The moves as steps. `scores` holds the one before the first move and after each, 0 to 1;
    `cash` is what there is before the first, in EUR over all currencies.
    """
    steps: list[PlanStep] = []
    for index, move in enumerate(moves):
        after = cash + _cash_change(move)
        bare = _trade(move) if isinstance(move, Candidate) else _fx(move, _funds(moves[index:]))
        steps.append(
            replace(
                bare,
                number=index + 1,
                score_before=100 * scores[index],
                score_after=100 * scores[index + 1],
                cash_before_eur=cash,
                cash_after_eur=after,
            )
        )
        cash = after
    return tuple(steps)


def _cash_change(move: Step) -> Money:
    """What a step does to the cash of all currencies, at decision prices."""
    if isinstance(move, Conversion):
        return -step_cost(move)
    flow = move.value_eur if move.side == "SELL" else -move.value_eur
    return flow - step_cost(move)


def _funds(moves: Iterable[Step]) -> str:
    """The symbol of the trade that the conversions in front of it pay for."""
    return next(move.symbol for move in moves if isinstance(move, Candidate))


def _trade(move: Candidate) -> PlanStep:
    zero = Money.zero(BASE)
    return PlanStep(
        number=0,
        kind="trade",
        side=move.side,
        symbol=move.symbol,
        name=move.security.instrument.name,
        security_id=move.security.security_id,
        quantity=move.quantity,
        price=move.price,
        value_eur=move.value_eur,
        fee_eur=move.fee_eur,
        reason=move.reason,
        tags=(move.kind, *move.tags),
        score_before=0.0,
        score_after=0.0,
        cash_before_eur=zero,
        cash_after_eur=zero,
    )


def _fx(move: Conversion, symbol: str) -> PlanStep:
    zero = Money.zero(BASE)
    return PlanStep(
        number=0,
        kind="fx",
        side=move.leg.side,
        symbol=move.leg.pair.symbol,
        name=f"{move.leg.source} → {move.leg.target}",
        security_id=None,
        quantity=move.quantity,
        price=move.price,
        value_eur=move.value_eur,
        fee_eur=move.cost_eur,
        reason=conversion_reason(move, symbol),
        tags=("fx",),
        score_before=0.0,
        score_after=0.0,
        cash_before_eur=zero,
        cash_after_eur=zero,
    )
