"""How sequences do when prices are not what they are now.

`paths` is the planner's own: every holding and every trade is worth what the path says, the total
and with it the goals of all groups move along, fees are those of the moved trades, a purchase that
no longer fits is skipped.  Under one path all sequences, and doing nothing, see the same prices.

`stochastic` and `monte_carlo` are the compatibility forms: only what the sequence trades moves,
and only in its trades; the portfolio and the total stay; no feasibility is checked; costs do not
count.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from kernels.checks import Floats, Ints, require_amounts, require_array, require_number
from kernels.choose import SequenceKernel
from kernels.problem import SMALLEST_TOTAL, Actions, Problem
from kernels.sequences import run
from kernels.workload import AxisWork, Workload, cash_columns, prepare

WORST_PART, TENTH_PART, MEAN_PART = 0.4, 0.3, 0.3
TRADING_DAYS = 252
UNKNOWN_VOLATILITY = 0.20
VOLATILITY_BOUNDS = (0.10, 1.00)
MULTIPLIER_BOUNDS = (0.5, 2.0)
PATH_BOUNDS = (10, 500)


@dataclass(frozen=True, slots=True)
class Summary:
    """What many equally likely scores come to.

    A percentile p is the smallest score that at least the fraction p of all does not exceed;
    `final` is 0.4 worst + 0.3 p10 + 0.3 mean; `standard_error` is that of the mean, 0 for one.
    """

    count: int
    mean: float
    worst: float
    best: float
    p10: float
    p90: float
    final: float
    standard_error: float


def summary(scores: Floats) -> Summary:
    """Summarise (P,) scores, P at least 1; sums are correctly rounded, in whatever order."""
    ordered = sorted(scores.tolist())
    count = len(ordered)
    if not count:
        raise ValueError("scores: none, expected at least one")
    mean = math.fsum(ordered) / count
    worst, tenth = ordered[0], percentile(ordered, 10)
    return Summary(
        count=count,
        mean=mean,
        worst=worst,
        best=ordered[-1],
        p10=tenth,
        p90=percentile(ordered, 90),
        final=WORST_PART * worst + TENTH_PART * tenth + MEAN_PART * mean,
        standard_error=_standard_error(ordered, mean),
    )


def percentile(ordered: list[float], percent: int) -> float:
    """The entry i of the ascending list, i the smallest with i + 1 >= percent of their number."""
    return ordered[max(0, -(-percent * len(ordered) // 100) - 1)]


def _standard_error(scores: list[float], mean: float) -> float:
    count = len(scores)
    if count < 2 or scores[0] == scores[-1]:
        return 0.0
    return math.sqrt(math.fsum((score - mean) ** 2 for score in scores) / (count - 1) / count)


def paths(
    work: Workload,
    sequences: Ints,
    multipliers: Floats,
    cash_change: Floats | None = None,
    *,
    kernel: SequenceKernel | None = None,
) -> Floats:
    """(N, P) score of every sequence (int32 (N, depth), padded with -1) on every price path.

    `work` is strict.  `multipliers` (P, S) are more than 0; `cash_change` (P,) EUR come in or go
    out before anything is done.  The total of path p is

        T + Σ value (multiplier - 1) + cash change

    NaN for a sequence that sells more than is held.
    """
    _require_paths(work, multipliers, cash_change)
    moved = np.zeros(len(multipliers)) if cash_change is None else cash_change
    scores = np.empty((len(sequences), len(multipliers)))
    for path, priced in enumerate(_at_prices(work, multipliers, moved)):
        result = run(priced, sequences, kernel=kernel)
        scores[:, path] = np.where(result.feasible, result.score, np.nan)
    return scores


def _require_paths(work: Workload, multipliers: Floats, cash_change: Floats | None) -> None:
    if work.floor == -math.inf or work.total < SMALLEST_TOTAL:
        raise ValueError("work: expected the strict mode and a positive total")
    require_array("multipliers", multipliers, dtype=np.float64, ndim=2)
    require_amounts("multipliers", multipliers)
    if multipliers.shape[1] != len(work.value) or not (multipliers > 0).all():
        raise ValueError(f"multipliers: expected {len(work.value)} columns of more than 0")
    if cash_change is not None:
        require_array("cash_change", cash_change, dtype=np.float64, ndim=1)
        require_amounts("cash_change", cash_change)
        if len(cash_change) != len(multipliers):
            raise ValueError(f"cash_change: length {len(cash_change)}, not {len(multipliers)}")


def _at_prices(work: Workload, multipliers: Floats, cash_change: Floats) -> Iterator[Workload]:
    """The same portfolio and trades at the prices of each path.

    Sums go over the symbols in ascending order, all paths at once, so that they are the same
    everywhere.
    """
    value = work.value * multipliers
    total = work.total + _sums(np.ones(len(work.value)), value - work.value) + cash_change
    traded = work.delta * np.take(multipliers, work.symbol, axis=1)
    fee = work.fee + work.fee_percent * (np.abs(traded) - np.abs(work.delta))
    need, flow = cash_columns(np.abs(traded), fee=fee, sell=work.buy == 0)
    sums = [_group_sums(axis, value) for axis in (work.country, work.industry)]
    scored, earning, worth = (
        _sums(column, value) for column in (work.scores, work.yields, work.worths)
    )
    unchecked = np.full(len(work.symbol), -math.inf)
    for path in range(len(multipliers)):
        share = total[path] / work.total
        yield replace(
            work,
            value=value[path],
            country=_axis_at(work.country, sums[0][path], share),
            industry=_axis_at(work.industry, sums[1][path], share),
            score_sum=float(scored[path]),
            income_sum=float(earning[path]),
            worth_sum=float(worth[path]),
            fee=fee[path],
            check_need=unchecked,
            need=need[path] - work.slack,
            flow=flow[path],
            delta=traded[path],
            total=float(total[path]),
            cash=float(work.cash + cash_change[path]),
            inverse_total=1.0 / total[path] if total[path] >= SMALLEST_TOTAL else 0.0,
        )


def _sums(weights: Floats, value: Floats) -> Floats:
    """(P,) Σ weight x value."""
    total = np.zeros(len(value))
    for symbol in np.flatnonzero(weights).tolist():
        total += weights[symbol] * value[:, symbol]
    return total


def _group_sums(axis: AxisWork, value: Floats) -> Floats:
    """(P, G+1) values by group."""
    member, part = axis.member, axis.part
    if not member.shape[1]:
        member, part = axis.group[:, np.newaxis], np.ones((len(axis.group), 1))
    sums = np.zeros((len(axis.sums), len(value)))
    for symbol in range(len(member)):
        for column in np.flatnonzero(part[symbol]).tolist():
            sums[member[symbol, column]] += part[symbol, column] * value[:, symbol]
    return np.ascontiguousarray(sums.T)


def _axis_at(axis: AxisWork, sums: Floats, share: float) -> AxisWork:
    """The axis of a total that is `share` of what it was; neutral without one."""
    scale = axis.scale / share if share > 0 else 0.0
    return replace(axis, sums=sums, goals=axis.goals * share, scale=scale)


@dataclass(frozen=True, slots=True, eq=False)
class Stochastic:
    """Scores under price shifts, ascending by shift, and their mean by the given weights."""

    shifts: tuple[float, ...]
    scores: Floats
    weighted: float

    def at(self, shift: float) -> float:
        """The score under one of the shifts; a ValueError for any other."""
        return float(self.scores[self.shifts.index(shift)])


def stochastic(
    problem: Problem,
    actions: Actions,
    sequence: Ints,
    weights: Mapping[float, float],
    *,
    kernel: SequenceKernel | None = None,
) -> Stochastic:
    """Compatibility: what one sequence, int32 (depth,), scores under shifts of all it trades.

    `weights` are those of the shifts (fractions above -1) and add up to 1.
    """
    for shift, weight in weights.items():
        require_number("shift", shift, low=-0.99, high=100)
        require_number("weight", weight, low=0, high=1)
    if not abs(math.fsum(weights.values()) - 1.0) <= 1e-9:
        raise ValueError(f"weights: {math.fsum(weights.values())} in all, expected 1")
    shifts = tuple(sorted(weights))
    multipliers = np.tile(1.0 + np.array(shifts)[:, np.newaxis], (1, len(sequence)))
    scores = _adjusted(problem, actions, sequence, multipliers, kernel)
    weighted = math.fsum(
        weights[shift] * score for shift, score in zip(shifts, scores.tolist(), strict=True)
    )
    return Stochastic(shifts, scores, weighted)


def monte_carlo(
    problem: Problem,
    actions: Actions,
    sequence: Ints,
    volatility: Floats,
    *,
    count: int,
    seed: int,
    kernel: SequenceKernel | None = None,
) -> Summary:
    """Compatibility: one trading day of `count` paths (within 10 to 500) for one sequence.

    Each symbol it trades moves by exp(σ / √252 Z), within 0.5 to 2, Z independent and standard
    normal; σ is the annual volatility (S,), within 0.10 to 1.00, or 0.20 where it is NaN.
    """
    require_array("volatility", volatility, dtype=np.float64, ndim=1)
    count = min(max(count, PATH_BOUNDS[0]), PATH_BOUNDS[1])
    symbols, place = np.unique(actions.symbol[sequence], return_inverse=True)
    sigma = clamped_volatility(volatility[symbols]) / math.sqrt(TRADING_DAYS)
    normal = np.random.Generator(np.random.Philox(seed)).standard_normal((count, len(symbols)))
    multipliers = np.clip(np.exp(sigma * normal), *MULTIPLIER_BOUNDS)
    traded = np.ascontiguousarray(multipliers[:, place])
    return summary(_adjusted(problem, actions, sequence, traded, kernel))


def clamped_volatility(volatility: Floats) -> Floats:
    """Annual volatility within 0.10 to 1.00, 0.20 where it is NaN."""
    known = np.where(np.isnan(volatility), UNKNOWN_VOLATILITY, volatility)
    return np.clip(known, *VOLATILITY_BOUNDS)


def _adjusted(
    problem: Problem,
    actions: Actions,
    sequence: Ints,
    multipliers: Floats,
    kernel: SequenceKernel | None,
) -> Floats:
    """(P,) scores of the sequence with its trades times the multipliers (P, depth).

    Every path gets trades of its own in one table, so all paths are one batch.
    """
    require_array("sequence", sequence, dtype=np.int32, ndim=1)
    count, depth = multipliers.shape
    table = Actions(
        symbol=np.tile(actions.symbol[sequence], count),
        sell=np.tile(actions.sell[sequence], count),
        value=np.tile(actions.value[sequence], count),
        adjusted=(actions.value[sequence] * multipliers).ravel(),
    )
    work = prepare(problem, table, mode="compatibility")
    free = replace(work, check_need=np.full(count * depth, -math.inf), cost_factor=0.0)
    rows = np.arange(count * depth, dtype=np.int32).reshape(count, depth)
    return run(free, rows, kernel=kernel).score
