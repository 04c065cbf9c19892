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

A *smooth* workload (strict mode only) is the same score without its bends to the wrong side: axes
do not stop at 0, nothing is clamped to 0-1, the parts of the quality that count are those of the
start, and an axis without labels stays neutral.  What is left is concave in the values of the
positions, so `kernels.search` can bound what later trades add.  It ranks; people are shown the
plain score.
"""

import math
from dataclasses import dataclass
from typing import Literal, TypedDict

import numpy as np

from kernels.checks import (
    AMOUNT_LIMIT,
    Bools,
    Floats,
    Ints,
    require_amounts,
    require_array,
    require_index,
    require_number,
)
from kernels.problem import KEEP, RATIO_LIMIT, Actions, Axis, Problem, ScoreWeights

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
    member, part  (S, W) the groups each symbol stands in and how much of it; filled up with the
                  group outside every target and part 0.  W is 0 where purchases may relabel
    """

    sums: Floats
    goals: Floats
    group: Ints
    take: Ints
    member: Ints
    part: Floats
    scale: float
    labelled: bool


@dataclass(frozen=True, slots=True, eq=False)
class Workload:
    """Base state over S symbols, action rows over A actions, and the scalars of the loop.

    `scores`, `yields` and `worths` are those of the symbols, 0 where there is none.
    """

    value: Floats
    held: Ints
    scores: Floats
    yields: Floats
    worths: Floats
    country: AxisWork
    industry: AxisWork
    score_sum: float
    income_sum: float
    scored: int
    yielding: int
    worth_sum: float

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
    worth: Floats
    toll: Floats
    """Score that an action has to earn besides its costs; only `kernels.search` charges it."""

    weights: ScoreWeights
    smooth: bool
    total: float
    cash: float
    fee_percent: float
    inverse_total: float
    """1 / total; 0 when the total is not positive and every feasible sequence is neutral."""
    cost_factor: float
    floor: float
    """A sale that would leave less than this makes the sequence infeasible."""
    dust: float
    """What a sale leaves counts as nothing up to this."""
    slack: float
    """EUR by which a purchase may overdraw the cash; already taken off `need`."""


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """One entry per sequence; `end_cash` of an infeasible sequence is the cash it began with."""

    score: Floats
    end_cash: Floats
    cost: Floats
    """Fees of all actions in EUR, those of infeasible and skipped ones included."""
    feasible: Bools


def prepare(
    problem: Problem,
    actions: Actions,
    *,
    mode: Mode,
    smooth: bool = False,
    toll: Floats | None = None,
    slack: float = 0.0,
) -> Workload:
    """Check the actions against the problem and lay everything out for the loops.

    `slack` (EUR, strict mode) is for callers whose exact money decides and whose amounts were
    rounded on their way here: cash may be overdrawn by it at every step, and a sale that exceeds
    the holding by no more than it sells the holding.  `toll` (A,) is 0 or more.
    """
    _require_mode(problem, actions, mode=mode, smooth=smooth)
    strict = mode == "strict"
    require_number("slack", slack, low=0, high=AMOUNT_LIMIT if strict else 0)
    fee = problem.fee_fixed + problem.fee_percent * np.abs(actions.value)
    paid = fee if strict else np.zeros_like(fee)
    used = actions.value if strict else actions.adjusted
    check_need, check_flow = cash_columns(actions.value, fee=paid, sell=actions.sell)
    need, flow = cash_columns(used, fee=paid, sell=actions.sell)
    positive = problem.total > 0
    return Workload(
        value=problem.value,
        held=problem.held.astype(np.int32),
        scores=np.nan_to_num(problem.score),
        yields=np.nan_to_num(problem.income),
        worths=problem.worth,
        country=_axis_work(problem.country, problem, actions, smooth=smooth),
        industry=_axis_work(problem.industry, problem, actions, smooth=smooth),
        score_sum=_weighted_sum(problem.score, problem),
        income_sum=_weighted_sum(problem.income, problem),
        scored=int(np.count_nonzero(problem.held & ~np.isnan(problem.score))),
        yielding=int(np.count_nonzero(problem.held & ~np.isnan(problem.income))),
        worth_sum=_weighted_sum(problem.worth, problem),
        symbol=actions.symbol,
        buy=(~actions.sell).astype(np.int32),
        fee=fee,
        check_need=check_need - slack,
        check_flow=check_flow,
        need=need - slack,
        flow=flow,
        delta=_deltas(problem, actions, used=used, slack=slack),
        **_qualities(problem, actions, smooth=smooth),
        worth=problem.worth[actions.symbol],
        toll=_tolls(toll, actions),
        weights=problem.weights,
        smooth=smooth,
        total=float(problem.total),
        cash=float(problem.cash),
        fee_percent=float(problem.fee_percent),
        inverse_total=1.0 / problem.total if positive else 0.0,
        cost_factor=float(problem.cost_factor),
        floor=-HOLDING_SLACK_EUR if strict else -math.inf,
        dust=HOLDING_SLACK_EUR if strict else 0.0,
        slack=float(slack),
    )


class _Qualities(TypedDict):
    score: Floats
    income: Floats
    has_score: Ints
    has_income: Ints


def _qualities(problem: Problem, actions: Actions, *, smooth: bool) -> _Qualities:
    """What each action trades in; a smooth workload counts no position in or out of the mode."""
    score, income = problem.score[actions.symbol], problem.income[actions.symbol]
    known = [~np.isnan(column) for column in (score, income)]
    counted = [np.zeros_like(column) if smooth else column for column in known]
    return {
        "score": np.where(known[0], score, 0.0),
        "income": np.where(known[1], income, 0.0),
        "has_score": counted[0].astype(np.int32),
        "has_income": counted[1].astype(np.int32),
    }


def _deltas(problem: Problem, actions: Actions, *, used: Floats, slack: float) -> Floats:
    holding = problem.value[actions.symbol]
    all_of_it = actions.sell & (used > holding) & (used <= holding + slack)
    return np.where(all_of_it, -holding, np.where(actions.sell, -used, used))


def _tolls(toll: Floats | None, actions: Actions) -> Floats:
    if toll is None:
        return np.zeros(len(actions.symbol))
    require_array("toll", toll, dtype=np.float64, ndim=1)
    require_amounts("toll", toll, limit=RATIO_LIMIT)
    if len(toll) != len(actions.symbol) or (toll < 0).any():
        raise ValueError(f"toll: expected 0 or more for each of {len(actions.symbol)} actions")
    return toll.copy()


def _require_smooth(problem: Problem, actions: Actions, *, strict: bool) -> None:
    """The smooth score is one of position values alone, of a portfolio with a total."""
    if not strict or problem.total <= 0:
        raise ValueError("smooth: expected the strict mode and a positive total")
    for name, axis in (("country", problem.country), ("industry", problem.industry)):
        bought = axis.bought[actions.symbol]
        moves = (bought != KEEP) & (bought != axis.group[actions.symbol]) & ~actions.sell
        if axis.shares is None and moves.any():
            raise ValueError(f"{name}.bought: a purchase changes the group, expected none to")


def _require_mode(problem: Problem, actions: Actions, *, mode: str, smooth: bool) -> None:
    require_index("symbol", actions.symbol, low=0, high=len(problem.value) - 1)
    if mode == "strict":
        _require_strict(problem, actions)
    elif mode != "compatibility":
        raise ValueError(f"mode: {mode!r}, expected 'strict' or 'compatibility'")
    if smooth:
        _require_smooth(problem, actions, strict=mode == "strict")


def _require_strict(problem: Problem, actions: Actions) -> None:
    """The strict mode knows real trades only: no shorts, no negative or shifted amounts."""
    for field, array in (("value of a position", problem.value), ("value", actions.value)):
        if (array < 0).any():
            raise ValueError(f"{field}: {array.min()}, expected 0 or more in strict mode")
    moved = actions.adjusted != actions.value
    if moved.any():
        found = actions.adjusted[np.flatnonzero(moved)[0]]
        raise ValueError(f"adjusted: {found}, expected the plain value in strict mode")


def cash_columns(value: Floats, *, fee: Floats, sell: Bools) -> tuple[Floats, Floats]:
    """(need, flow) of every action, in any shape that ends in (A,).

    A sale needs cash only when a fee eats more than it yields.
    """
    shortfall = np.where((fee > 0) & (fee > value), fee - value, -math.inf)
    need = np.where(sell, shortfall, value + fee)
    flow = np.where(sell, value - fee, -(value + fee))
    return need, flow


def _axis_work(axis: Axis, problem: Problem, actions: Actions, *, smooth: bool) -> AxisWork:
    if smooth and not axis.labelled:
        axis = _without_targets(axis)
    groups = len(axis.targets)
    neutral = groups == 0 or problem.total <= 0
    member, part = _memberships(axis, smooth=smooth)
    return AxisWork(
        sums=_group_sums(axis, member, part, problem),
        goals=axis.targets * problem.total,
        group=axis.group,
        take=np.where(actions.sell, np.int32(KEEP), axis.bought[actions.symbol]),
        member=member,
        part=part,
        scale=0.0 if neutral else 1.0 / (DEVIATION_SPAN * groups * problem.total),
        labelled=axis.labelled,
    )


def _without_targets(axis: Axis) -> Axis:
    size = len(axis.group)
    group, bought = np.zeros(size, dtype=np.int32), np.full(size, KEEP, dtype=np.int32)
    return Axis(targets=np.zeros(0), group=group, bought=bought)


def _memberships(axis: Axis, *, smooth: bool) -> tuple[Ints, Floats]:
    """The groups of each symbol, ascending, as `AxisWork.member` and `part`."""
    size, outside = len(axis.group), len(axis.targets)
    if axis.shares is None:
        width = 1 if smooth else 0
        return axis.group[:, np.newaxis][:, :width].copy(), np.ones((size, width))
    inside = axis.shares[:, :outside]
    width = int(np.count_nonzero(inside, axis=1).max(initial=0))
    # Stable: the groups with a share come first, each row in ascending order.
    order = np.argsort(inside == 0, axis=1, kind="stable")[:, :width].astype(np.int32)
    part = np.take_along_axis(inside, order, axis=1)
    return np.where(part > 0, order, np.int32(outside)), part


def _group_sums(axis: Axis, member: Ints, part: Floats, problem: Problem) -> Floats:
    sums = np.zeros(len(axis.targets) + 1)
    if not member.shape[1]:
        np.add.at(sums, axis.group, problem.value)
    for column in range(member.shape[1]):
        np.add.at(sums, member[:, column], part[:, column] * problem.value)
    return sums


def _weighted_sum(weights: Floats, problem: Problem) -> float:
    """Correctly rounded Σ weight x value over the positions that have a weight."""
    return math.fsum((weights * problem.value)[problem.held & ~np.isnan(weights)])
