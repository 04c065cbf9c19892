"""What both back ends of the sequence kernel consume: base sums and one flat row per action.

Everything that does not depend on the sequence is computed here once, in one stated order
(symbols ascending), so that the two back ends start from the same bits.

Both evaluation modes are one loop with different columns.  Per action:

    need   cash that must be there before the step; -inf when the step needs none
    flow   signed change of cash
    delta  signed change of the position

    compatibility  need = v for a purchase, flow = ∓v, no fee leaves the cash; the feasibility
                   walk uses the plain value, the simulation the adjusted one
    strict         need = v + fee for a purchase and fee - v for a sale worth less than its fee,
                   flow = -(v + fee) or v - fee; both walks use the plain value
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from kernels.checks import Bools, Floats, Ints, require_index
from kernels.problem import KEEP, Actions, Axis, Problem

Mode = Literal["strict", "compatibility"]

DEVIATION_SPAN = 0.3
"""Mean absolute deviation from the targets at which an axis scores 0."""

HOLDING_SLACK_EUR = 1e-6
"""Rounding room of the strict mode when a position is sold in parts: a millionth of a euro."""


@dataclass(frozen=True, slots=True, eq=False)
class AxisWork:
    """One axis: base sums (G+1, the last one outside every target) and the labels of purchases.

    goals  (G,) wanted EUR, target x total
    scale  1 / (span x G x total): deviation in EUR to loss of score; 0 when the axis is neutral
    take   (A,) group the action assigns to its symbol, KEEP for none (every sale)
    """

    sums: Floats
    goals: Floats
    group: Ints
    take: Ints
    scale: float
    labelled: bool


@dataclass(frozen=True, slots=True, eq=False)
class Workload:
    """Base state over S symbols, action rows over A actions, and the scalars of the loop."""

    value: Floats
    held: Ints
    country: AxisWork
    industry: AxisWork
    score_sum: float
    income_sum: float
    scored: int
    yielding: int

    symbol: Ints
    buy: Ints
    fee: Floats
    check_need: Floats
    check_flow: Floats
    need: Floats
    flow: Floats
    delta: Floats
    score: Floats
    income: Floats
    has_score: Ints
    has_income: Ints

    cash: float
    inverse_total: float
    """1 / total; 0 when the total is not positive and every feasible sequence is neutral."""
    cost_factor: float
    floor: float
    """A sale that would leave less than this makes the sequence infeasible."""
    dust: float
    """What a sale leaves counts as nothing up to this."""


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """One entry per sequence; `end_cash` of an infeasible sequence is the cash it began with."""

    score: Floats
    end_cash: Floats
    cost: Floats
    """Fees of all actions in EUR, those of infeasible and skipped ones included."""
    feasible: Bools


def prepare(problem: Problem, actions: Actions, *, mode: Mode) -> Workload:
    """Check the actions against the problem and lay everything out for the loops."""
    require_index("symbol", actions.symbol, low=0, high=len(problem.value) - 1)
    strict = mode == "strict"
    if strict:
        _require_strict(problem, actions)
    elif mode != "compatibility":
        raise ValueError(f"mode: {mode!r}, expected 'strict' or 'compatibility'")
    fee = problem.fee_fixed + problem.fee_percent * np.abs(actions.value)
    paid = fee if strict else np.zeros_like(fee)
    used = actions.value if strict else actions.adjusted
    check_need, check_flow = _cash_columns(actions.value, fee=paid, sell=actions.sell)
    need, flow = _cash_columns(used, fee=paid, sell=actions.sell)
    score, income = problem.score[actions.symbol], problem.income[actions.symbol]
    has_score, has_income = ~np.isnan(score), ~np.isnan(income)
    positive = problem.total > 0
    return Workload(
        value=problem.value,
        held=problem.held.astype(np.int32),
        country=_axis_work(problem.country, problem, actions),
        industry=_axis_work(problem.industry, problem, actions),
        score_sum=_weighted_sum(problem.score, problem),
        income_sum=_weighted_sum(problem.income, problem),
        scored=int(np.count_nonzero(problem.held & ~np.isnan(problem.score))),
        yielding=int(np.count_nonzero(problem.held & ~np.isnan(problem.income))),
        symbol=actions.symbol,
        buy=(~actions.sell).astype(np.int32),
        fee=fee,
        check_need=check_need,
        check_flow=check_flow,
        need=need,
        flow=flow,
        delta=np.where(actions.sell, -used, used),
        score=np.where(has_score, score, 0.0),
        income=np.where(has_income, income, 0.0),
        has_score=has_score.astype(np.int32),
        has_income=has_income.astype(np.int32),
        cash=float(problem.cash),
        inverse_total=1.0 / problem.total if positive else 0.0,
        cost_factor=float(problem.cost_factor),
        floor=-HOLDING_SLACK_EUR if strict else -math.inf,
        dust=HOLDING_SLACK_EUR if strict else 0.0,
    )


def _require_strict(problem: Problem, actions: Actions) -> None:
    """The strict mode knows real trades only: no shorts, no negative or shifted amounts."""
    for field, array in (("value of a position", problem.value), ("value", actions.value)):
        if (array < 0).any():
            raise ValueError(f"{field}: {array.min()}, expected 0 or more in strict mode")
    moved = actions.adjusted != actions.value
    if moved.any():
        found = actions.adjusted[np.flatnonzero(moved)[0]]
        raise ValueError(f"adjusted: {found}, expected the plain value in strict mode")


def _cash_columns(value: Floats, *, fee: Floats, sell: Bools) -> tuple[Floats, Floats]:
    """(need, flow) of every action; a sale needs cash only when a fee eats more than it yields."""
    shortfall = np.where((fee > 0) & (fee > value), fee - value, -math.inf)
    need = np.where(sell, shortfall, value + fee)
    flow = np.where(sell, value - fee, -(value + fee))
    return need, flow


def _axis_work(axis: Axis, problem: Problem, actions: Actions) -> AxisWork:
    groups = len(axis.targets)
    neutral = groups == 0 or problem.total <= 0
    return AxisWork(
        sums=_group_sums(axis, problem),
        goals=axis.targets * problem.total,
        group=axis.group,
        take=np.where(actions.sell, np.int32(KEEP), axis.bought[actions.symbol]),
        scale=0.0 if neutral else 1.0 / (DEVIATION_SPAN * groups * problem.total),
        labelled=axis.labelled,
    )


def _group_sums(axis: Axis, problem: Problem) -> Floats:
    sums = np.zeros(len(axis.targets) + 1)
    np.add.at(sums, axis.group, problem.value)
    return sums


def _weighted_sum(weights: Floats, problem: Problem) -> float:
    """Correctly rounded Σ weight x value over the positions that have a weight."""
    return math.fsum((weights * problem.value)[problem.held & ~np.isnan(weights)])
