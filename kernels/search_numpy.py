"""The numpy twin of the search kernel: the readable reference, and what serves uncompiled.

One parent at a time, all its children at once, and for the bounds all that may follow each child;
every single figure sees the operations of the compiled loop in the same order.
"""

import numpy as np

from kernels.checks import Bools, Floats, Ints, Rows
from kernels.search_work import Extensions, SearchWork

ROUNDS = 4
"""How often a price of cash is improved."""


def extend(
    work: SearchWork, parents: Ints, steps_left: int, blocked: Bools, out: Extensions, /
) -> None:
    """Fill a row of `out` per parent."""
    for row, parent in enumerate(parents):
        state = _State(work, blocked)
        if not state.replay(parent[parent >= 0].tolist()):
            continue
        children = state.children()
        net, rising, gaps = state.nets(children)
        out.net[row, children] = out.bound[row, children] = net
        if steps_left > 1 and len(children):
            ahead = _Ahead(state, children, gaps, rising, steps_left - 1)
            margin = work.margin + (steps_left - 1) * work.margin_per_step
            out.bound[row, children] = net + (ahead.bound() + margin)


def _penalty(work: SearchWork, gap: Floats) -> float:
    total = 0.0
    for term in (work.price * np.abs(gap)).tolist():
        total += term
    return total


class _State:
    """The portfolio after one parent, and what may still follow."""

    def __init__(self, work: SearchWork, blocked: Bools) -> None:
        self.work, self.blocked = work, blocked
        self.value, self.gap = work.value.copy(), work.gap.copy()
        self.open: Bools = np.ones(len(work.symbol), dtype=np.bool_)
        self.cash, self.last = work.cash, -1
        self._lined = self._charged = 0.0
        self._yielded = work.start_yield

    def replay(self, parent: list[int]) -> bool:
        """Walk to the state after the parent; False when it is not allowed itself."""
        work = self.work
        for action in parent:
            one = np.array([action])
            if not self.open[action] or work.need[action] > self.cash or self._short(one)[0]:
                return False
            change = float(self._change(one)[0])
            self.cash += float(work.flow[action])
            self.value[work.symbol[action]] += change
            for column in range(work.at.shape[1]):
                self.gap[work.at[action, column]] += work.part[action, column] * change
            self._lined += float(work.line[action]) * change
            self._yielded += float(work.rate[action]) * change
            self._charged += float(work.charge[action])
            self.last = action
            self.open[action + 1 :] &= ~self.blocked[action, action + 1 :]
        everything = np.arange(len(work.symbol))
        self.open &= (everything > self.last) & ~self._short(everything)
        return True

    def _short(self, actions: Rows) -> Bools:
        work = self.work
        left = self.value[work.symbol[actions]] + work.delta[actions]
        short: Bools = (work.buy[actions] == 0) & (left < work.floor)
        return short

    def _change(self, actions: Rows) -> Floats:
        """What each action does to its position: a sale clears dust away."""
        work = self.work
        old = self.value[work.symbol[actions]]
        gone = (work.buy[actions] == 0) & (old + work.delta[actions] <= work.dust)
        return np.where(gone, -old, work.delta[actions])

    def children(self) -> Rows:
        return np.flatnonzero(self.open & ~(self.work.need > self.cash))

    def nets(self, children: Rows) -> tuple[Floats, Bools, Floats]:
        """Net of each child, whether its yield still counts, and its gaps (children, M)."""
        work = self.work
        change = self._change(children)
        yielded = self._yielded + work.rate[children] * change
        gaps = np.tile(self.gap, (len(children), 1))
        each = np.arange(len(children))
        penalty = np.full(len(children), _penalty(work, self.gap))
        for column in range(work.at.shape[1]):
            at = work.at[children, column]
            old = gaps[each, at]
            new = old + work.part[children, column] * change
            penalty += work.price[at] * (np.abs(new) - np.abs(old))
            gaps[each, at] = new
        net = (
            (_penalty(work, work.gap) - penalty)
            + (self._lined + work.line[children] * change)
            + work.income_weight * (_at_most_one(yielded) - min(work.start_yield, 1.0))
            - (self._charged + work.charge[children])
        )
        return net, yielded < 1.0, gaps


def _at_most_one(values: Floats) -> Floats:
    return np.where(values < 1.0, values, 1.0)


class _Ahead:
    """What up to `later` actions can add behind each child: (children, A) in every array."""

    def __init__(
        self, state: _State, children: Rows, gaps: Floats, rising: Bools, later: int
    ) -> None:
        work = state.work
        self._work, self._later = work, later
        sales = np.flatnonzero(state.open & (work.buy == 0))
        buys_only = children >= (sales[-1] if len(sales) else -1)
        cash = state.cash + work.flow[children]
        self._room = cash + work.slack
        behind = np.arange(len(work.symbol)) > children[:, np.newaxis]
        dear = buys_only[:, np.newaxis] & (work.need > cash[:, np.newaxis])
        self._counts = behind & state.open & ~state.blocked[children] & ~dear
        self._tangent, self._partial = self._gains(gaps, rising)

    def _gains(self, gaps: Floats, rising: Bools) -> tuple[Floats, Floats]:
        """What each action would add by the tangents, and capped by the gaps."""
        work = self._work
        side = np.sign(gaps).astype(np.int32)
        left = work.price * np.abs(gaps)
        wide = left >= np.where(gaps < 0.0, work.under, work.over)
        plain = work.gain - work.charge
        tangent = np.where(rising[:, np.newaxis], plain + work.lift, plain)
        partial = tangent.copy()
        for column in range(work.at.shape[1]):
            at, pull = work.at[:, column], work.pull[:, column]
            way = np.where(work.buy == 1, side[:, at], -side[:, at])
            right, wrong = way < 0, way > 0
            tangent = np.where(right, tangent + pull, np.where(wrong, tangent - pull, tangent))
            cap = np.where(pull < left[:, at], pull, left[:, at])
            less = np.where(wrong & wide[:, at], partial - pull, partial)
            partial = np.where(right, partial + cap, less)
        return tangent, partial

    def bound(self) -> Floats:
        """The lesser of the bounds; 0 where nothing can follow."""
        return np.minimum(self._within(self._tangent), self._within(self._partial))

    def _within(self, gains: Floats) -> Floats:
        """The least bound over prices of cash, found between two that bound it from either side."""
        room = np.maximum(self._room, 0.0)
        low = np.zeros(len(gains))
        low_worth, low_cost = self._picked(gains, low)
        best, low_slope = low_worth.copy(), room - low_cost
        high = self._highest_price(gains)
        gained, cost = self._picked(gains, high)
        high_worth, high_slope = gained + high * room, room - cost
        going = low_slope < 0.0
        best = np.where(going & (high_worth < best), high_worth, best)
        for _ in range(ROUNDS):
            going &= high_slope > 0.0
            price = np.divide(
                (low_worth - low_slope * low) - (high_worth - high_slope * high),
                high_slope - low_slope,
                out=np.zeros_like(best),
                where=going,
            )
            going &= (low < price) & (price < high)
            gained, cost = self._picked(gains, price)
            worth, slope = gained + price * room, room - cost
            best = np.where(going & (worth < best), worth, best)
            lower, upper = going & (slope < 0.0), going & ~(slope < 0.0)
            low, high = np.where(lower, price, low), np.where(upper, price, high)
            low_worth = np.where(lower, worth, low_worth)
            low_slope = np.where(lower, slope, low_slope)
            high_worth = np.where(upper, worth, high_worth)
            high_slope = np.where(upper, slope, high_slope)
        return best

    def _picked(self, gains: Floats, price: Floats) -> tuple[Floats, Floats]:
        """Gain and cost of the best, per child, when cash has a price."""
        left = np.where(self._counts, gains - price[:, np.newaxis] * self._work.cost, 0.0)
        order = np.argsort(-left, axis=1, kind="stable")[:, : self._later]
        each = np.arange(len(gains))
        gain, cost = np.zeros(len(gains)), np.zeros(len(gains))
        for column in range(order.shape[1]):
            at = order[:, column]
            good = left[each, at] > 0.0
            gain += np.where(good, left[each, at], 0.0)
            cost += np.where(good, self._work.cost[at], 0.0)
        return gain, cost

    def _highest_price(self, gains: Floats) -> Floats:
        """The price of cash at which no purchase is worth it any more."""
        cost = np.broadcast_to(self._work.cost, gains.shape)
        counts = self._counts & (gains > 0.0) & (cost > 0.0)
        ratio = np.divide(gains, cost, out=np.zeros_like(gains), where=counts)
        highest: Floats = ratio.max(axis=1, initial=0.0)
        return highest
