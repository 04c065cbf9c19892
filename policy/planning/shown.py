"""The scores people see: of the portfolio as it is, after each step, and what they are made of.

shown score    score of the kernel − cost factor × exact costs ÷ total, within 0 to 1
"""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum

import numpy as np

from kernels.checks import Floats
from kernels.choose import SequenceKernel
from kernels.packing import pack_sequences
from kernels.problem import Axis
from kernels.sequences import run
from kernels.workload import DEVIATION_SPAN
from ledger.currency import BASE
from ledger.money import Money
from ledger.plan import Breakdown, ScorePart
from policy.planning.arrays import ScoreArrays, euros
from policy.planning.candidates import Candidate, Scene
from policy.planning.facts import UNKNOWN_FACTS
from policy.planning.space import Combo, TradeSequence, step_cost
from policy.scoring.end_state import PROFILES
from policy.scoring.mix import NEUTRAL

YIELD_SLOPE = 10.0
SCORE_SHARE, YIELD_SHARE = 0.6, 0.4


def shown_scores(
    arrays: ScoreArrays,
    combos: Sequence[Combo],
    costs: Sequence[Money],
    *,
    kernel: SequenceKernel | None = None,
) -> tuple[float, ...]:
    """The shown score at the end of each of `combos`, which cost that much to get to."""
    raw = run(arrays.shown, pack_sequences(combos), kernel=kernel)
    paid = np.array([euros(cost) for cost in costs], dtype=np.float64)
    after = np.maximum(raw.score - paid * arrays.cost_penalty, 0.0)
    return tuple(float(value) for value in after)


def shown_nothing(arrays: ScoreArrays) -> float:
    """The shown score of the portfolio as it is."""
    return shown_scores(arrays, [()], [Money.zero(BASE)])[0]


def score_steps(
    arrays: ScoreArrays, sequence: TradeSequence, *, kernel: SequenceKernel | None = None
) -> tuple[float, ...]:
    """The shown score before the first step and after each one; a conversion only costs."""
    done, costs = [0], [Money.zero(BASE)]
    for step in sequence.steps:
        done.append(done[-1] + isinstance(step, Candidate))
        costs.append(costs[-1] + step_cost(step))
    return shown_scores(arrays, [sequence.combo[:count] for count in done], costs, kernel=kernel)


def breakdown(
    scene: Scene, arrays: ScoreArrays, sequence: TradeSequence | None = None
) -> Breakdown:
    """What the shown score is made of at the end of `sequence`, or now. Its total is that score."""
    cost = sequence.cost if sequence else Money.zero(BASE)
    weights = _end_values(arrays, sequence.combo if sequence else ()) / arrays.total
    spread = scene.config.objective == "diversification"
    parts = _spread_parts(arrays, weights) if spread else _end_parts(scene, arrays, weights)
    penalty = euros(cost) * arrays.cost_penalty
    whole = min(1.0, fsum(part.contribution for part in parts))
    return Breakdown(parts, cost, penalty, max(0.0, whole - penalty))


def _end_values(arrays: ScoreArrays, combo: Combo) -> Floats:
    values = arrays.problem.value.copy()
    actions = arrays.actions
    for number in combo:
        sign = -1.0 if actions.sell[number] else 1.0
        values[actions.symbol[number]] += sign * actions.value[number]
    return np.maximum(values, 0.0)


def _end_parts(scene: Scene, arrays: ScoreArrays, weights: Floats) -> tuple[ScorePart, ...]:
    """The worth of the holdings is promise, stability and, for the rest of it, total return."""
    profile, problem = PROFILES[scene.config.risk_profile], arrays.problem
    known = [scene.facts.get(symbol, UNKNOWN_FACTS).parts for symbol in arrays.symbols]
    promise = _summed(weights * _filled([parts.promise for parts in known]))
    stability = _summed(weights * _filled([parts.stability for parts in known]))
    earned = _summed(weights * problem.worth)
    earned -= profile.promise * promise + profile.stability * stability
    mixed = problem.weights
    spread = mixed.country * _attained(problem.country, weights)
    spread += mixed.industry * _attained(problem.industry, weights)
    return (
        ScorePart("total_return", earned / profile.total_return, profile.total_return),
        ScorePart(
            "diversification", spread / (mixed.country + mixed.industry), profile.diversification
        ),
        ScorePart("long_term_promise", promise, profile.promise),
        ScorePart("stability", stability, profile.stability),
        ScorePart("opinion", NEUTRAL, profile.opinion),
    )


def _summed(terms: Floats) -> float:
    """Correctly rounded: a library's own sums and products of vectors differ by machine."""
    return fsum(terms.tolist())


def _filled(values: Sequence[float | None]) -> Floats:
    """An unknown part of a security counts as middling."""
    return np.array([NEUTRAL if value is None else value for value in values], dtype=np.float64)


def _spread_parts(arrays: ScoreArrays, weights: Floats) -> tuple[ScorePart, ...]:
    problem = arrays.problem
    # A holding that is worth less than a cent is held all the same.
    held = (weights > 0.0) | (problem.held & (problem.value == 0.0))
    return (
        ScorePart("country", _attained(problem.country, weights), problem.weights.country),
        ScorePart("industry", _attained(problem.industry, weights), problem.weights.industry),
        ScorePart(
            "quality",
            _quality(weights[held], problem.score[held], problem.income[held]),
            problem.weights.quality,
        ),
    )


def _attained(axis: Axis, weights: Floats) -> float:
    """1 − mean over the groups with a target of |weight − target| ÷ 0.3, not below 0; 0.5 without
    any target.
    """
    groups = len(axis.targets)
    if groups == 0:
        return NEUTRAL
    assert axis.shares is not None
    columns, targets = axis.shares.T[:groups], axis.targets.tolist()
    off = fsum(
        abs(_summed(weights * column) - target)
        for column, target in zip(columns, targets, strict=True)
    )
    return max(0.0, 1.0 - off / groups / DEVIATION_SPAN)


def _quality(weights: Floats, scores: Floats, yields: Floats) -> float:
    """0.6 of the scores and 0.4 of ten times the yields; what none has is left out."""
    scored = None if np.isnan(scores).all() else _summed(np.nan_to_num(weights * scores))
    earned = None
    if not np.isnan(yields).all():
        earned = min(1.0, YIELD_SLOPE * _summed(np.nan_to_num(weights * yields)))
    if scored is None or earned is None:
        return next((value for value in (scored, earned) if value is not None), NEUTRAL)
    return SCORE_SHARE * scored + YIELD_SHARE * earned
