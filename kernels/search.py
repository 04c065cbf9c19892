"""Extend sets of trades by one: what each longer set is worth, and what could still come of it.

A set is an ascending row of action numbers, sales before purchases.  Its *net* is the smooth score
of the portfolio it ends in, less that of the start, less the tolls of its actions; more than 0 is
better than doing nothing.  The *bound* of a set is never below the net of any set that extends it
by up to `steps_left` - 1 later actions, so a search may drop what cannot beat the best it has.

Let F be the smooth score less all charges, c the state after the set, E any allowed extension by
at most k actions.  F is concave in the values of the positions: a sum of -price |gap| over groups,
of lines, and of min(1, y).  Each part is replaced by something that is never below it and is a sum
over the actions of E, in two ways:

    tangent  -|gap| lies below its tangent at c (at a kink: the flat one), and so does min(1, y).
    capped   The actions of E that move a group towards its goal take at most their sum, and at
             most the whole gap, off |gap|, hence at most Σ min(move, gap); the others take nothing
             off it.  Group by group this or the tangent may be used, the same for all of E; the
             tangent is, where no action moves the group by more than the gap.

Either gives each action a gain, and F(E) <= net(c) + Σ gains of E.  Nor can E cost more, sales
counting negative, than the cash there is, or 0 when there is none: an action that takes cash needs
it there, all others add to it.  So for any price >= 0 of cash

    F(E) <= net(c) + price x cash + Σ (gain - price x cost) of E

and the last sum is at most that of the k largest positive terms.  This bound is convex in the
price; a few points of it are tried, from 0 (cash does not matter) to the price at which no purchase
is worth it.  Purchases dearer than the cash there is are left out when no sale can follow.

The bound is the least of all these, plus a margin for rounding and for the dust sales clear away;
it is the net itself when no step is left.
"""

import numpy as np

from kernels.checks import Bools, Ints, require_array, require_index
from kernels.choose import SearchKernel, choose
from kernels.search_work import Extensions, search_work
from kernels.workload import Workload

__all__ = ["MAX_STEPS", "Extensions", "extend"]

PADDING = -1
MAX_STEPS = 16


def extend(
    work: Workload,
    parents: Ints,
    *,
    steps_left: int,
    blocked: Bools,
    kernel: SearchKernel | None = None,
) -> Extensions:
    """Extend each row of `parents` (int32 (K, D), padded with -1 behind) by every action.

    `work` is smooth.  `blocked[a, b]`, a < b, says that b may not follow a; only what is above the
    diagonal counts.  `steps_left`, 1 to MAX_STEPS, counts the extension itself.
    """
    actions = len(work.symbol)
    if not work.smooth:
        raise ValueError("work: expected a smooth workload")
    if not 1 <= steps_left <= MAX_STEPS:
        raise ValueError(f"steps_left: {steps_left}, expected 1 to {MAX_STEPS}")
    require_array("blocked", blocked, dtype=np.bool_, ndim=2)
    if blocked.shape != (actions, actions):
        raise ValueError(f"blocked: shape {blocked.shape}, expected {(actions, actions)}")
    _require_sets(parents, actions=actions)
    shape = (len(parents), actions)
    found = Extensions(np.full(shape, np.nan), np.full(shape, -np.inf))
    used = choose("search") if kernel is None else kernel
    used.extend(search_work(work), parents, steps_left, blocked, found)
    return found


def _require_sets(parents: Ints, *, actions: int) -> None:
    require_array("parents", parents, dtype=np.int32, ndim=2)
    require_index("parents", parents, low=PADDING, high=actions - 1)
    before, after = parents[:, :-1], parents[:, 1:]
    wrong = (after >= 0) & (after <= before) | (after >= 0) & (before < 0)
    if wrong.any():
        row = int(np.flatnonzero(wrong.any(axis=1))[0])
        raise ValueError(f"parents: row {row} is not ascending, expected a set")
