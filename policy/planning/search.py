"""The search: the best affordable set of candidates, and how good it is among all there are.

 1. seeds  the sequences of patterns and generators, walked exactly
 2. beam   the best `beam_width` sets of each size extended by every candidate
 3. dive   the same by what may come of a set: a sale is worth nothing until its proceeds are spent
 4. proof  branch and bound over all sets, the most promising first: every set of up to three trades
           is looked at or ruled out, then longer ones, stage by stage, to the largest depth, and
           between two stages the beam extends the best of the last

A set is ruled out when no set that extends it can be worth more than the best that was found: the
bounds of the kernel are never too low, and neither is what it says a set is worth. What might beat
the best is walked exactly before it counts, and a set that cannot be paid for ends its branch.

Work is counted in evaluated sets, never in time, and batches have one size, so that the same
account gives the same plan on every machine, and a larger budget only goes on where a smaller one
stopped. Every state is immutable: a batch can be repeated, and a search resumed from any state.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Literal

import numpy as np

from kernels.checks import Floats, Ints, Rows
from policy.planning.found import Found, best_of
from policy.planning.frontier import PADDING, Frontier, Shorts, combo_of, root
from policy.planning.ground import Ground
from policy.planning.seeds import Seed
from policy.planning.space import Combo

Phase = Literal["seeds", "beam", "dive", "proof", "done"]

# One batch is about 10 ms of work on a fast machine, 100 ms on a small board: sets of the frontier
# looked at, sets evaluated, and sets walked because they might be the best.
BLOCK_PARENTS = 32
BLOCK_SETS = 8192
BLOCK_CHECKS = 16
SEED_BLOCK = 32
# The proof is led for so many trades before it is for more: what is found on the way rules out most
# of the next stage, and when the budget ends there the best of the last one stands.
STAGES = (3, 5, 7)
LEAST_KEPT = 5
# Scores nearer than this are the same: nothing is bought, and no branch followed, for less.
SAME = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How far a search goes: sets evaluated at most, and sets kept of each size by the beam."""

    budget: int
    beam_width: int

    @property
    def kept(self) -> int:
        """How many of the best sequences are retained."""
        return max(LEAST_KEPT, self.beam_width)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Search:
    """A search between two batches.

    `explored` counts evaluated sets, `tried` seeds; `found` are the best sequences, best first.
    `beam` holds the kept sets of the size that beam or dive extend next. `open` is what the proof
    to `depth` trades has left; `ceiling` bounds every set up to the largest depth, and up to
    `proved_depth` none is worth more than the best found.
    """

    phase: Phase = "seeds"
    explored: int = 0
    tried: int = 0
    found: tuple[Found, ...] = ()
    beam: tuple[Combo, ...] = ((),)
    open: Frontier | None = None
    depth: int = 0
    proved_depth: int = 0
    ceiling: float = np.inf

    @property
    def done(self) -> bool:
        return self.phase == "done"

    @property
    def best(self) -> Found | None:
        """The best sequence that is worth more than doing nothing."""
        return self.found[0] if self.found and self.found[0].net > SAME else None

    @property
    def best_net(self) -> float:
        """What the best is worth beyond doing nothing, which is a competitor."""
        return self.best.net if self.best else 0.0

    def bound(self, max_depth: int) -> float:
        """No sequence of up to `max_depth` trades is worth more (less than `SAME` is no more)."""
        if self.proved_depth >= max_depth:
            return self.best_net
        held = self.ceiling
        if self.open is not None and self.depth >= max_depth:
            held = min(held, self.open.best)
        return max(self.best_net, held)


def begin(ground: Ground) -> Search:
    """The state before the first batch. The bound of everything there is costs no budget."""
    if ground.max_depth == 0:
        return Search(phase="done", ceiling=0.0)
    nothing = np.full((1, 1), PADDING, dtype=np.int32)
    first = ground.extended(nothing, steps_left=ground.max_depth)
    return Search(ceiling=max(0.0, float(first.bound.max())))


def advance(ground: Ground, terms: Terms, seeds: Sequence[Seed], now: Search) -> Search:
    """The state after the next batch; one that is done comes back as it is.

    A batch that the budget has no room for ends the search: going on with a smaller one could find
    less than a smaller budget does.
    """
    if now.phase == "seeds":
        return _try_seeds(ground, terms, seeds, now)
    if now.phase == "beam":
        return _extend_beam(ground, terms, now)
    if now.phase == "dive":
        return _dive(ground, terms, now)
    if now.phase == "proof":
        return _prove(ground, terms, now)
    return now


def _with_found(terms: Terms, now: Search, more: Sequence[Found]) -> Search:
    return replace(now, found=best_of((*now.found, *more), terms.kept)) if more else now


# Seeds


def _try_seeds(ground: Ground, terms: Terms, seeds: Sequence[Seed], now: Search) -> Search:
    if now.tried >= len(seeds):
        return replace(now, phase="beam")
    room = min(SEED_BLOCK, terms.budget - now.explored)
    if room <= 0:
        return replace(now, phase="done")
    batch = seeds[now.tried : now.tried + room]
    allowed = [s for s in batch if ground.possible(s.combo) and ground.rules.accepts(s.combo)]
    after = _with_found(terms, now, ground.found([(s.combo, s.origins) for s in allowed]))
    return replace(after, tried=now.tried + len(batch), explored=now.explored + len(batch))


# Beam


def _extend_beam(ground: Ground, terms: Terms, now: Search) -> Search:
    """Every kept set with every candidate that may stand with it, wherever that is in the order."""
    if not now.beam or len(now.beam[0]) == ground.max_depth:
        return _stage(ground, now) if now.depth else replace(now, phase="dive", beam=((),))
    rows = _longer(ground, now.beam)
    if now.explored + len(rows) > terms.budget:
        return replace(now, phase="done")
    nets = ground.nets(rows)
    kept: list[Combo] = []
    for row in np.argsort(-nets, kind="stable")[: 2 * terms.beam_width + SEED_BLOCK].tolist():
        if len(kept) == terms.beam_width or nets[row] == -np.inf:
            break
        combo = combo_of(rows[row])
        if ground.possible(combo):
            kept.append(combo)
    accepted = [(combo, ("beam",)) for combo in kept if ground.rules.accepts(combo)]
    after = _with_found(terms, now, ground.found(accepted))
    return replace(after, beam=tuple(kept), explored=now.explored + len(rows))


def _longer(ground: Ground, sets: Sequence[Combo]) -> Ints:
    """int32 (N, size): each set with one more member, each once, in ascending order."""
    blocked = ground.rules.blocked
    size = len(sets[0]) + 1
    parts = [_no_rows(size)]
    for combo in sets:
        members = np.array(combo, dtype=np.int32)
        free = ~(blocked[members].any(axis=0) | blocked.diagonal())
        free[members] = False
        more = np.flatnonzero(free).astype(np.int32)
        rows = np.empty((len(more), size), dtype=np.int32)
        rows[:, :-1] = members
        rows[:, -1] = more
        parts.append(np.sort(rows, axis=1))
    return _distinct(np.concatenate(parts))


def _distinct(rows: Ints) -> Ints:
    """Each row once, in order. What numpy has for this loads 2 MiB of masked arrays first."""
    ordered: Ints = rows[np.lexsort(rows.T[::-1])]
    first = np.ones(len(ordered), dtype=np.bool_)
    first[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    return ordered[first]


def _no_rows(size: int) -> Ints:
    return np.empty((0, size), dtype=np.int32)


# Dive


def _dive(ground: Ground, terms: Terms, now: Search) -> Search:
    """Every kept set with every later candidate; kept is what may lead to most."""
    if not now.beam or len(now.beam[0]) == ground.max_depth:
        return _stage(ground, now)
    cost = sum(ground.actions - 1 - max(combo, default=-1) for combo in now.beam)
    if now.explored + cost > terms.budget:
        return replace(now, phase="done")
    rows, bound, net = _children(ground, now.beam, ground.max_depth, now.best_net + SAME)
    now, keep = _check_worthiest(
        ground, terms, replace(now, explored=now.explored + cost), rows, net
    )
    kept: list[Combo] = []
    for row in keep[np.argsort(-bound[keep], kind="stable")][: 2 * terms.beam_width + SEED_BLOCK]:
        if len(kept) == terms.beam_width:
            break
        combo = combo_of(rows[row])
        if ground.possible(combo):
            kept.append(combo)
    return replace(now, beam=tuple(kept))


# Proof


def _stage(ground: Ground, now: Search) -> Search:
    """The next stage of the proof, from its beginning; none when nothing can beat the best."""
    if now.ceiling <= now.best_net + SAME:
        return replace(now, phase="done", beam=(), proved_depth=ground.max_depth)
    deeper = (depth for depth in STAGES if now.depth < depth < ground.max_depth)
    depth = next(deeper, ground.max_depth)
    start = root(ground.max_depth, now.ceiling)
    return replace(now, phase="proof", beam=(), depth=depth, open=start)


def _prove(ground: Ground, terms: Terms, now: Search) -> Search:
    assert now.open is not None
    live = now.open.above(now.best_net + SAME)
    if not len(live):
        return _stage_done(ground, replace(now, open=live))
    block, rest = _block(ground, live)
    cost = _sets_of(ground, block, now.depth)
    if now.explored + cost > terms.budget:
        return replace(now, phase="done", open=live)
    return _expand(ground, terms, replace(now, open=rest, explored=now.explored + cost), block)


def _stage_done(ground: Ground, now: Search) -> Search:
    """Nothing is open that could beat the best, unless it was let go for want of room."""
    assert now.open is not None
    if now.open.lost > now.best_net + SAME:
        return replace(now, phase="done")
    proved = replace(now, proved_depth=now.depth)
    if now.depth == ground.max_depth:
        return replace(proved, phase="done", open=None)
    best = (one.combo for one in proved.found if len(one.combo) == now.depth)
    return replace(proved, phase="beam", beam=tuple(best), open=None)


def _block(ground: Ground, live: Frontier) -> tuple[Frontier, Frontier]:
    """The most promising sets, as many as one batch may extend."""
    head = live.rows[:BLOCK_PARENTS]
    total = np.cumsum(ground.actions - 1 - head.max(axis=1).astype(np.int64))
    return live.split(max(1, int(np.searchsorted(total, BLOCK_SETS, side="right"))))


def _sets_of(ground: Ground, block: Frontier, depth: int) -> int:
    """How many sets come of extending the block: one per later action, none at full depth."""
    longer = (block.rows != PADDING).sum(axis=1) < depth
    return int((ground.actions - 1 - block.rows.max(axis=1).astype(np.int64))[longer].sum())


def _expand(ground: Ground, terms: Terms, now: Search, block: Frontier) -> Search:
    """Walk the sets of the block exactly, extend those that can be paid for, and keep of their
    extensions what may beat the best, the worthiest of them walked at once.
    """
    sets = [(block.combo(row), float(block.net[row])) for row in range(len(block))]
    sets = [(combo, net) for combo, net in sets if not combo or ground.possible(combo)]
    full = len(now.found) >= terms.kept
    least = now.found[-1].net if full else -np.inf
    accepted = [
        (combo, ("search",)) for combo, net in sets if net > least and ground.rules.accepts(combo)
    ]
    now = _with_found(terms, now, ground.found(accepted))
    assert now.open is not None
    open_ = now.open
    for size, group in groupby(sorted((combo for combo, _ in sets), key=len), key=len):
        parents = list(group)
        if size < now.depth:
            rows, bound, net = _children(ground, parents, now.depth, now.best_net + SAME)
            now, keep = _check_worthiest(ground, terms, now, rows, net)
            open_ = open_.plus(rows[keep], bound[keep], net[keep])
    return replace(now, open=open_)


def _children(
    ground: Ground, parents: Sequence[Combo], depth: int, worth: float
) -> tuple[Shorts, Floats, Floats]:
    """Rows, bounds and nets of the extensions that may lead to more than `worth`. The conversions
    of a parent are part of whatever extends it, so their costs come off the bounds.
    """
    size = len(parents[0])
    matrix = np.full((len(parents), max(1, size)), PADDING, dtype=np.int32)
    matrix[:, :size] = np.array(parents, dtype=np.int32).reshape(len(parents), size)
    paid = np.array([[ground.conversions_cost(parent)] for parent in parents])
    made = ground.extended(matrix, steps_left=depth - size)
    bound = made.bound - paid
    parent, action = np.nonzero(bound > worth)
    rows = np.full((len(parent), ground.max_depth), PADDING, dtype=np.int16)
    rows[:, :size] = matrix[parent, :size]
    rows[:, size] = action
    return rows, bound[parent, action], made.net[parent, action]


def _check_worthiest(
    ground: Ground, terms: Terms, now: Search, rows: Shorts, net: Floats
) -> tuple[Search, Rows]:
    """The search with what the best of the rows are worth, and the numbers of the rows to keep:
    all but those that turned out impossible.
    """
    keep = np.ones(len(rows), dtype=np.bool_)
    accepted: list[tuple[Combo, tuple[str, ...]]] = []
    best = now.best_net
    for row in np.argsort(-net, kind="stable")[:BLOCK_CHECKS].tolist():
        if net[row] <= best:
            break
        combo = combo_of(rows[row])
        if not ground.possible(combo):
            keep[row] = False
        elif ground.rules.accepts(combo):
            best = max(best, float(net[row]) - ground.conversions_cost(combo))
            accepted.append((combo, ("search",)))
    return _with_found(terms, now, ground.found(accepted)), np.flatnonzero(keep)
