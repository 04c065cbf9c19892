"""Which sequence is worth more than doing nothing, and by how much.

    score   end-state score of the kernel − cost factor × exact costs ÷ total, not below 0
    net     score − score of doing nothing − min_improvement × value traded ÷ total

A sequence is worth it only with a net above 0, and the highest net wins: every euro traded has to
earn its own hurdle. Ties go to the smaller canonical encoding. Costs and hurdle are applied with
the same few operations whatever back end scored, so both choose the same plan to the last bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kernels.checks import Floats
from kernels.choose import SequenceKernel
from kernels.packing import pack_sequences
from kernels.sequences import run
from ledger.currency import BASE
from ledger.money import Money
from policy.limits import Limits
from policy.planning.arrays import ScoreArrays, euros
from policy.planning.candidates import Candidate
from policy.planning.space import TradeSequence, step_cost

# Sets tried between two chances of the caller to do something else: about 10 ms of work on a fast
# machine, 100 ms on a small board.
BATCH = 100


@dataclass(frozen=True, slots=True)
class Ranked:
    """A sequence with its ranking score, 0 to 1, and its net gain over doing nothing."""

    net: float
    score: float
    sequence: TradeSequence

    def beats(self, other: Ranked | None) -> bool:
        if other is None:
            return self.net > 0
        if self.net != other.net:
            return self.net > other.net
        return self.sequence.encoding < other.sequence.encoding


def score_nothing(arrays: ScoreArrays, *, kernel: SequenceKernel | None = None) -> float:
    """The ranking score of the portfolio as it is."""
    return float(run(arrays.ranking, pack_sequences([()]), kernel=kernel).score[0])


def shown_nothing(arrays: ScoreArrays, *, kernel: SequenceKernel | None = None) -> float:
    """The shown score of the portfolio as it is."""
    return float(run(arrays.shown, pack_sequences([()]), kernel=kernel).score[0])


def best_of(
    arrays: ScoreArrays,
    batch: Sequence[TradeSequence],
    *,
    nothing: float,
    limits: Limits,
    best: Ranked | None = None,
    kernel: SequenceKernel | None = None,
) -> Ranked | None:
    """The best of `best` and the batch (at most BATCH sequences); None: nothing is worth it."""
    assert len(batch) <= BATCH
    if not batch:
        return best
    raw = run(arrays.ranking, pack_sequences([s.combo for s in batch]), kernel=kernel)
    costs = np.array([euros(s.cost) for s in batch], dtype=np.float64)
    traded = np.array([euros(s.traded) for s in batch], dtype=np.float64)
    score = _after_costs(raw.score, costs, arrays.total, limits)
    net = (score - nothing) - float(limits.min_improvement) * (traded / arrays.total)
    net = np.where(raw.feasible, net, -np.inf)
    for row in np.flatnonzero(net == net.max()).tolist():
        ranked = Ranked(float(net[row]), float(score[row]), batch[row])
        if ranked.beats(best):
            best = ranked
    return best


def score_steps(
    arrays: ScoreArrays,
    sequence: TradeSequence,
    limits: Limits,
    *,
    kernel: SequenceKernel | None = None,
) -> tuple[float, ...]:
    """The shown score before the first step and after each one; a conversion only costs."""
    done, costs = [0], [Money.zero(BASE)]
    for step in sequence.steps:
        done.append(done[-1] + isinstance(step, Candidate))
        costs.append(costs[-1] + step_cost(step))
    rows = pack_sequences([sequence.combo[:count] for count in done])
    raw = run(arrays.shown, rows, kernel=kernel)
    paid = np.array([euros(cost) for cost in costs], dtype=np.float64)
    after = _after_costs(raw.score, paid, arrays.total, limits)
    return tuple(float(value) for value in after)


def _after_costs(score: Floats, costs: Floats, total: float, limits: Limits) -> Floats:
    penalty = (costs / total) * limits.cost_penalty_factor
    return np.maximum(score - penalty, 0.0)
