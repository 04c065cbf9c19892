"""From two sets of weights to one that is worth trading: blended, without crumbs, step by step.

Both sets meet the budget and the bounds, so any mixture of them does; what is cut or held back
later is projected onto the same conditions again instead of being clamped and rescaled.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kernels.checks import Bools, Floats
from policy.optimizer.ladder import nearest
from policy.optimizer.qp import Problem, Unsolvable

CRUMB = 0.005
"""A weight is this large or nothing, unless it has to be held."""
LEAP = 0.30
"""Beyond such a change of one weight only half of the way is gone."""
_TINY = 1e-9


def blended(first: Floats, second: Floats, part: float) -> Floats:
    """`part` of the second and the rest of the first."""
    return (1.0 - part) * first + part * second


def without_crumbs(problem: Problem, weights: Floats) -> Floats:
    """`weights` with everything below CRUMB gone, as far as minima and the budget let it.

    The smallest goes first; what it held goes to the others. Nothing with a lower bound goes.
    """
    given, found = problem, weights
    for _ in range(len(weights)):
        crumbs = (found < CRUMB - _TINY) & (found > _TINY) & (given.lower <= _TINY)
        cut = _droppable(given, found, crumbs)
        if not cut.any():
            return found
        given = replace(given, upper=np.where(cut, given.lower, given.upper))
        try:
            found = nearest(given, np.where(cut, 0.0, found))
        except Unsolvable:
            return found
    return found


def _droppable(problem: Problem, weights: Floats, crumbs: Bools) -> Bools:
    """The crumbs, smallest first, that the others have room for."""
    gone = np.zeros(len(weights), dtype=np.bool_)
    nothing = (weights <= _TINY) & (problem.lower <= _TINY) & (problem.upper > 0.0)
    spare = float(problem.upper.sum()) - problem.budget
    for column in sorted(np.flatnonzero(crumbs).tolist(), key=lambda at: (weights[at], at)):
        if problem.upper[column] <= spare + _TINY:
            gone[column] = True
            spare -= problem.upper[column]
    if gone.any():
        # What is at nothing already stays there, or it would come back as a crumb.
        for column in np.flatnonzero(nothing).tolist():
            if problem.upper[column] <= spare + _TINY:
                gone[column] = True
                spare -= problem.upper[column]
    return gone


def in_steps(problem: Problem, weights: Floats) -> tuple[Floats, bool]:
    """Half of the way when one weight would change by more than LEAP, and whether that was so.

    On the way a weight may be outside of its bounds, as far as halfway is.
    """
    if not (np.abs(weights - problem.current) > LEAP).any():
        return weights, False
    halfway = (weights + problem.current) / 2.0
    way = replace(
        problem,
        lower=np.minimum(problem.lower, halfway),
        upper=np.maximum(problem.upper, halfway),
    )
    try:
        return without_crumbs(way, nearest(way, halfway)), True
    except Unsolvable:
        return weights, False
