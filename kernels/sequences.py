"""Score trade sequences: the front door of the kernel the planner's search runs on.

Definition of one score, for the portfolio a sequence ends in (total T, positions V):

    axis     1 - mean over target groups |S_g / T - target_g| / 0.3, not below 0;
             0.5 without targets or without any label map
    quality  0.6 Σ score v/T + 0.4 min(1, 10 Σ yield v/T) when positions with both kinds exist,
             the one part alone when only one kind exists, 0.5 when neither does
    score    min(1, 0.40 country + 0.30 industry + 0.30 quality), 0.5 when T <= 0,
             less (costs / T) x factor, within 0-1; 0 for an infeasible sequence

Two modes differ in what a step does.  `strict` is the planner's own: a purchase needs its value
and fee in cash, a sale yields its value less the fee and never exceeds the holding, anything else
makes the sequence infeasible.  `compatibility` leaves fees out of the cash, clamps sales at the
holding, credits them in full, and skips purchases that stop fitting under adjusted prices.
"""

import numpy as np

from kernels.checks import Ints, require_array, require_index
from kernels.choose import SequenceKernel, choose
from kernels.problem import Actions, Problem
from kernels.workload import Mode, Scores, Workload, prepare

__all__ = ["Mode", "Scores", "Workload", "evaluate", "evaluate_steps", "prepare", "run"]

PADDING = -1


def evaluate(
    problem: Problem,
    actions: Actions,
    sequences: Ints,
    *,
    mode: Mode,
    kernel: SequenceKernel | None = None,
) -> Scores:
    """Score every row of `sequences`: int32 (n, depth), action numbers padded with -1 behind."""
    return run(prepare(problem, actions, mode=mode), sequences, kernel=kernel)


def evaluate_steps(
    problem: Problem,
    actions: Actions,
    sequence: Ints,
    *,
    mode: Mode,
    kernel: SequenceKernel | None = None,
) -> Scores:
    """Score the start (entry 0) and the state after each step of one sequence: int32 (depth,)."""
    require_array("sequence", sequence, dtype=np.int32, ndim=1)
    depth = len(sequence)
    behind = np.arange(depth) >= np.arange(depth + 1)[:, np.newaxis]
    prefixes = np.where(behind, np.int32(PADDING), sequence)
    return evaluate(problem, actions, prefixes, mode=mode, kernel=kernel)


def run(work: Workload, sequences: Ints, *, kernel: SequenceKernel | None = None) -> Scores:
    """Score a batch on a prepared workload; a search prepares once and runs many batches."""
    _require_sequences(sequences, actions=len(work.symbol))
    count = len(sequences)
    scores = Scores(
        np.empty(count), np.empty(count), np.empty(count), np.empty(count, dtype=np.bool_)
    )
    used = choose("sequences") if kernel is None else kernel
    used.run(work, sequences, scores)
    return scores


def _require_sequences(sequences: Ints, *, actions: int) -> None:
    require_array("sequences", sequences, dtype=np.int32, ndim=2)
    require_index("sequences", sequences, low=PADDING, high=actions - 1)
    gaps = (sequences[:, :-1] < 0) & (sequences[:, 1:] >= 0)
    if gaps.any():
        row = int(np.flatnonzero(gaps.any(axis=1))[0])
        raise ValueError(f"sequences: row {row} has an action behind padding, expected none")
