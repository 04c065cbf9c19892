"""The numpy twin of the sequence kernel: the readable reference, and what serves uncompiled.

Each line works on one step of all sequences at once, yet every single sequence sees the same
operations in the same order as in the compiled loop, so the results are equal to the last bit.
"""

import numpy as np

from kernels.checks import Bools, Floats, Ints, Rows
from kernels.workload import AxisWork, Scores, Workload

CHUNK = 2048
"""Rows worked on at once: keeps the state of 100 symbols in about 4 MiB."""

NEUTRAL = 0.5
SCORE_WEIGHT, INCOME_WEIGHT, INCOME_SLOPE = 0.6, 0.4, 10.0


def run(work: Workload, sequences: Ints, out: Scores, /) -> None:
    """Fill one entry of `out` per row of `sequences`."""
    for start in range(0, len(sequences), CHUNK):
        rows = slice(start, start + CHUNK)
        batch = _Batch(work, sequences[rows])
        out.score[rows] = batch.score()
        out.end_cash[rows] = np.where(batch.feasible, batch.cash, work.cash)
        out.cost[rows] = batch.cost
        out.feasible[rows] = batch.feasible


class _Groups:
    """Sums by group, and the group of every symbol, for each sequence of a chunk."""

    def __init__(self, axis: AxisWork, count: int, *, unbounded: bool) -> None:
        self._axis = axis
        self._unbounded = unbounded
        self._sums = np.tile(axis.sums, (count, 1))
        self._group = np.tile(axis.group, (count, 1))
        self._labelled = np.full(count, axis.labelled)

    def move(self, rows: Rows, symbol: Ints, action: Ints, *, old: Floats, new: Floats) -> None:
        """Take the old value out of its group and put the new one where the action says."""
        width = self._axis.member.shape[1]
        for column in range(width):
            change = self._axis.part[symbol, column] * (new - old)
            self._sums[rows, self._axis.member[symbol, column]] += change
        if width:
            return
        before = self._group[rows, symbol]
        take = self._axis.take[action]
        after = np.where(take >= 0, take, before)
        self._sums[rows, before] -= old
        self._sums[rows, after] += new
        self._group[rows, symbol] = after

    def create_labels(self, rows: Rows) -> None:
        self._labelled[rows] = True

    def attainment(self) -> Floats:
        groups = len(self._axis.goals)
        if groups == 0:
            return np.full(len(self._sums), NEUTRAL)
        deviation = np.zeros(len(self._sums))
        for group in range(groups):
            deviation += np.abs(self._sums[:, group] - self._axis.goals[group])
        value = 1.0 - deviation * self._axis.scale
        bounded = np.where((value > 0.0) | self._unbounded, value, 0.0)
        return np.where(self._labelled, bounded, NEUTRAL)


class _Batch:
    """A chunk of sequences, walked through once for feasibility and once for the end state."""

    def __init__(self, work: Workload, sequences: Ints) -> None:
        count = len(sequences)
        self._work = work
        self.cost = np.zeros(count)
        self.feasible: Bools = np.ones(count, dtype=np.bool_)
        self.cash = np.full(count, work.cash)
        self._value = np.tile(work.value, (count, 1))
        self._held = np.tile(work.held, (count, 1))
        self._country = _Groups(work.country, count, unbounded=work.smooth)
        self._industry = _Groups(work.industry, count, unbounded=work.smooth)
        self._score_sum = np.full(count, work.score_sum)
        self._income_sum = np.full(count, work.income_sum)
        self._worth_sum = np.full(count, work.worth_sum)
        self._scored = np.full(count, work.scored, dtype=np.int32)
        self._yielding = np.full(count, work.yielding, dtype=np.int32)
        self._walk_cash(sequences)
        for step in range(sequences.shape[1]):
            self._apply(sequences[:, step])

    def _walk_cash(self, sequences: Ints) -> None:
        """Costs of all actions, and whether the cash suffices at every step."""
        cash = self.cash.copy()
        for step in range(sequences.shape[1]):
            rows = np.flatnonzero(sequences[:, step] >= 0)
            action = sequences[rows, step]
            self.cost[rows] += self._work.fee[action]
            self.feasible[rows] &= ~(self._work.check_need[action] > cash[rows])
            cash[rows] += self._work.check_flow[action]

    def _apply(self, column: Ints) -> None:
        """One step of every sequence that still has one and can pay for it."""
        work = self._work
        rows = np.flatnonzero(self.feasible & (column >= 0))
        rows = rows[~(work.need[column[rows]] > self.cash[rows])]
        action = column[rows]
        symbol, buy = work.symbol[action], work.buy[action]
        self.cash[rows] += work.flow[action]
        old = self._value[rows, symbol]
        left = old + work.delta[action]
        sell = buy == 0
        self.feasible[rows] &= ~(sell & (left < work.floor))
        gone = sell & (left <= work.dust)
        new = np.where(gone, 0.0, left)
        self._count(rows, symbol, action, held=(~gone).astype(np.int32), change=new - old)
        self._country.move(rows, symbol, action, old=old, new=new)
        self._industry.move(rows, symbol, action, old=old, new=new)
        self._country.create_labels(rows[buy == 1])
        self._industry.create_labels(rows[buy == 1])
        self._value[rows, symbol] = new

    def _count(self, rows: Rows, symbol: Ints, action: Ints, *, held: Ints, change: Floats) -> None:
        """Keep the weighted sums and the numbers of positions that have a score or a yield."""
        work = self._work
        self._score_sum[rows] += work.score[action] * change
        self._income_sum[rows] += work.income[action] * change
        self._worth_sum[rows] += work.worth[action] * change
        keys = held - self._held[rows, symbol]
        self._scored[rows] += work.has_score[action] * keys
        self._yielding[rows] += work.has_income[action] * keys
        self._held[rows, symbol] = held

    def _quality(self) -> Floats:
        scored = self._score_sum * self._work.inverse_total
        income = INCOME_SLOPE * (self._income_sum * self._work.inverse_total)
        income = np.where(income < 1.0, income, 1.0)
        both = SCORE_WEIGHT * scored + INCOME_WEIGHT * income
        single = np.where(self._scored > 0, scored, np.where(self._yielding > 0, income, NEUTRAL))
        return np.where((self._scored > 0) & (self._yielding > 0), both, single)

    def score(self) -> Floats:
        """The score of the end state, 0 where the sequence is infeasible."""
        work = self._work
        if work.inverse_total == 0.0:
            return np.where(self.feasible, NEUTRAL, 0.0)
        value = (
            work.weights.country * self._country.attainment()
            + work.weights.industry * self._industry.attainment()
            + work.weights.quality * self._quality()
            + work.weights.worth * (self._worth_sum * work.inverse_total)
            + work.weights.constant
        )
        value = np.where((value < 1.0) | work.smooth, value, 1.0)
        if work.cost_factor > 0.0:
            value = value - (self.cost * work.inverse_total) * work.cost_factor
            value = np.where((value > 0.0) | work.smooth, value, 0.0)
        return np.where(self.feasible, value, 0.0)
