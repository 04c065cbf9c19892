"""What both back ends of the search kernel consume: a smooth workload, laid out for small steps.

Both axes become one row of M groups; group m is G+1 entries of the country axis, then G+1 of the
industry axis.  The smooth score of a state is, up to a constant,

    score = - Σ_m price_m |gap_m| + Σ_a line_a d_a + income_weight x min(1, y) - Σ_a charge_a

over the actions a done so far, with d_a the change of their position in EUR, gap_m the EUR a group
is above its goal (below when negative), price_m the score that one EUR of it costs (0 outside every
target), and y ten times the dividend yield of the whole.
"""

from dataclasses import dataclass

import numpy as np

from kernels.checks import Floats, Ints
from kernels.sequences_numpy import INCOME_SLOPE, INCOME_WEIGHT, SCORE_WEIGHT
from kernels.workload import AxisWork, Workload

ROUNDING = 1e-12
"""Relative room for rounding that every bound leaves, so that it bounds what is computed too."""


@dataclass(frozen=True, slots=True, eq=False)
class SearchWork:
    """Base state, action rows over A actions, and scalars.

    gap, price   (M,)
    at, part     (A, W) groups the action's symbol stands in, and how much of it
    pull         (A, W) score that the whole of the action moves in that group
    under, over  (M,) the largest pull of any purchase, of any sale in the group
    line, rate   (A,) score, and yield y, per EUR of change
    gain, lift   (A,) the same for the whole of the action
    charge       (A,) toll and penalty for costs
    cost         (A,) what the action takes out of the cash, negative for most sales
    margin, margin_per_step  what a bound is raised by: for rounding, and for the dust that a sale
                 may clear away besides its value
    """

    value: Floats
    gap: Floats
    price: Floats
    under: Floats
    over: Floats

    symbol: Ints
    buy: Ints
    need: Floats
    flow: Floats
    delta: Floats
    cost: Floats
    at: Ints
    part: Floats
    pull: Floats
    line: Floats
    rate: Floats
    gain: Floats
    lift: Floats
    charge: Floats

    cash: float
    slack: float
    floor: float
    dust: float
    start_yield: float
    income_weight: float
    margin: float
    margin_per_step: float


@dataclass(frozen=True, slots=True, eq=False)
class Extensions:
    """(K, A) each: of parent k extended by action a.

    Where that is not allowed `net` is NaN and `bound` is -inf: a is not behind the parent's last
    action, is blocked by one of its members, needs more cash than there is, or sells more than is
    held.  A parent that is not allowed itself has no extension.
    """

    net: Floats
    bound: Floats


def search_work(work: Workload) -> SearchWork:
    """Lay out a smooth workload; everything here is O(A x W + M)."""
    axes = ((work.country, work.weights.country), (work.industry, work.weights.industry))
    price = np.concatenate([_prices(axis, weight) for axis, weight in axes])
    at, part = _places(work)
    score_weight, income_weight = _quality_weights(work)
    line = (score_weight * work.score + work.weights.worth * work.worth) * work.inverse_total
    rate = INCOME_SLOPE * (work.income * work.inverse_total)
    pull = price[at] * part * np.abs(work.delta)[:, np.newaxis]
    buy = work.buy == 1
    steepest = _steepest(price, line, income_weight * rate)
    reach = 1.0 / work.inverse_total + float(np.abs(work.delta).max(initial=0.0))
    return SearchWork(
        value=work.value,
        gap=np.concatenate([_gaps(axis) for axis, _ in axes]),
        price=price,
        under=_largest(at[buy], pull[buy], len(price)),
        over=_largest(at[~buy], pull[~buy], len(price)),
        symbol=work.symbol,
        buy=work.buy,
        need=work.need,
        flow=work.flow,
        delta=work.delta,
        cost=-work.flow,
        at=at,
        part=part,
        pull=pull,
        line=line,
        rate=rate,
        gain=line * work.delta,
        lift=income_weight * (rate * work.delta),
        charge=work.toll + (work.fee * work.inverse_total) * work.cost_factor,
        cash=work.cash,
        slack=work.slack,
        floor=work.floor,
        dust=work.dust,
        start_yield=INCOME_SLOPE * (work.income_sum * work.inverse_total),
        income_weight=income_weight,
        margin=ROUNDING * (1.0 + steepest * reach),
        margin_per_step=steepest * work.dust,
    )


def _prices(axis: AxisWork, weight: float) -> Floats:
    """Score per EUR of deviation; nothing outside every target."""
    return np.append(np.full(len(axis.goals), weight * axis.scale), 0.0)


def _gaps(axis: AxisWork) -> Floats:
    gaps: Floats = axis.sums - np.append(axis.goals, 0.0)
    return gaps


def _places(work: Workload) -> tuple[Ints, Floats]:
    """The groups of both axes that each action moves, and their parts."""
    first = len(work.country.goals) + 1
    at = (work.country.member[work.symbol], work.industry.member[work.symbol] + np.int32(first))
    part = (work.country.part[work.symbol], work.industry.part[work.symbol])
    return np.concatenate(at, axis=1), np.concatenate(part, axis=1)


def _quality_weights(work: Workload) -> tuple[float, float]:
    """What the scores and the yields of the positions weigh, by what is known at the start."""
    quality = work.weights.quality
    if work.scored and work.yielding:
        return quality * SCORE_WEIGHT, quality * INCOME_WEIGHT
    return (quality if work.scored else 0.0), (quality if work.yielding else 0.0)


def _largest(at: Ints, pull: Floats, groups: int) -> Floats:
    largest = np.zeros(groups)
    np.maximum.at(largest, at, pull)
    return largest


def _steepest(price: Floats, line: Floats, lift: Floats) -> float:
    """No EUR moved changes the score by more than this."""
    slopes = 2.0 * price.max(initial=0.0) + np.abs(line) + np.abs(lift)
    return float(slopes.max(initial=0.0))
