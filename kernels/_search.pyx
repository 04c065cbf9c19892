"""The compiled search kernel; `kernels.search_numpy` is its line-by-line twin.

A parent is replayed once, each of its children is reached by changing the few groups its symbol
stands in.  The order of every addition is the twin's order: change one and change the other.
"""

cimport cython
from libc.math cimport fabs
from libc.string cimport memset

import numpy as np

cdef enum:
    MOST = 16  # MAX_STEPS of the front door
    PICKED = 8  # purchases a full purse is filled with one by one


cdef struct Best:
    # The largest gains, descending.
    int count
    double gain[MOST]


cdef struct Basket:
    # The best purchases by gain per EUR, descending; the first come first among equals.
    int count
    double ratio[PICKED]
    double gain[PICKED]
    double cost[PICKED]


cdef inline double smaller(double one, double other) noexcept nogil:
    return one if one < other else other


cdef inline double at_most_one(double value) noexcept nogil:
    return value if value < 1.0 else 1.0


cdef inline void keep(Best *best, int size, double gain) noexcept nogil:
    cdef int at
    if not gain > 0.0 or (best.count == size and gain <= best.gain[size - 1]):
        return
    at = best.count if best.count < size else size - 1
    best.count = at + 1
    while at > 0 and best.gain[at - 1] < gain:
        best.gain[at] = best.gain[at - 1]
        at -= 1
    best.gain[at] = gain


cdef inline double together(Best *best) noexcept nogil:
    cdef int at
    cdef double total = 0.0
    for at in range(best.count):
        total += best.gain[at]
    return total


cdef inline void put(Basket *basket, double gain, double cost) noexcept nogil:
    cdef int at
    cdef double ratio
    if not gain > 0.0:
        return
    ratio = gain / cost
    if basket.count == PICKED and ratio <= basket.ratio[PICKED - 1]:
        return
    at = basket.count if basket.count < PICKED else PICKED - 1
    basket.count = at + 1
    while at > 0 and basket.ratio[at - 1] < ratio:
        basket.ratio[at] = basket.ratio[at - 1]
        basket.gain[at] = basket.gain[at - 1]
        basket.cost[at] = basket.cost[at - 1]
        at -= 1
    basket.ratio[at], basket.gain[at], basket.cost[at] = ratio, gain, cost


cdef inline double filled(Basket *basket, double room) noexcept nogil:
    """The fractional knapsack; what is not in the basket is no better than its last entry."""
    cdef int at
    cdef double total = 0.0
    for at in range(basket.count):
        if basket.cost[at] > room:
            return total + basket.ratio[at] * room
        total += basket.gain[at]
        room -= basket.cost[at]
    if basket.count == PICKED:
        total += basket.ratio[PICKED - 1] * room
    return total


@cython.final
cdef class _Search:
    """The laid-out workload and the state of the set at hand."""

    cdef const double[::1] base_value, base_gap, price, under, over
    cdef const double[::1] need, flow, delta, cost, line, rate, gain, lift, charge
    cdef const double[:, ::1] part, pull
    cdef const int[:, ::1] at
    cdef const int[::1] symbol, buy
    cdef const unsigned char[:, ::1] blocked
    cdef double start_cash, slack, floor, dust, start_yield, income_weight, margin
    cdef double start_penalty
    cdef Py_ssize_t actions, groups, width
    cdef int later

    cdef double[::1] value, gap, left, saved
    cdef int[::1] side
    cdef unsigned char[::1] open, wide
    cdef double cash, penalty, lined, yielded, charged
    cdef Py_ssize_t last, last_sale

    def __init__(self, work, later, blocked, scratch):
        self.base_value, self.base_gap, self.price = work.value, work.gap, work.price
        self.under, self.over = work.under, work.over
        self.need, self.flow, self.delta, self.cost = work.need, work.flow, work.delta, work.cost
        self.line, self.rate, self.gain, self.lift = work.line, work.rate, work.gain, work.lift
        self.charge, self.part, self.pull, self.at = work.charge, work.part, work.pull, work.at
        self.symbol, self.buy = work.symbol, work.buy
        self.blocked = blocked
        self.start_cash, self.slack = work.cash, work.slack
        self.floor, self.dust = work.floor, work.dust
        self.start_yield, self.income_weight = work.start_yield, work.income_weight
        self.margin = work.margin + later * work.margin_per_step
        self.actions, self.groups = len(work.symbol), len(work.gap)
        self.width, self.later = work.at.shape[1], later
        self.value, self.gap = work.value.copy(), work.gap.copy()
        self.left, self.saved, self.side, self.open, self.wide = scratch
        self.start_penalty = self.total_penalty()

    cdef double total_penalty(self) noexcept nogil:
        cdef Py_ssize_t group
        cdef double total = 0.0
        for group in range(self.groups):
            total += self.price[group] * fabs(self.gap[group])
        return total

    cdef void run(
        self, const int[:, ::1] parents, double[:, ::1] net, double[:, ::1] bound
    ) noexcept nogil:
        cdef Py_ssize_t row, action
        for row in range(parents.shape[0]):
            if self.replay(parents, row):
                self.look_ahead()
                for action in range(self.last + 1, self.actions):
                    if self.open[action] and not self.need[action] > self.cash:
                        self.child(action, &net[row, action], &bound[row, action])
            self.restore(parents, row)

    cdef inline bint replay(self, const int[:, ::1] parents, Py_ssize_t row) noexcept nogil:
        """Walk to the state after the parent; False when it is not allowed itself."""
        cdef Py_ssize_t step, other
        cdef int action
        cdef double change
        self.cash, self.last = self.start_cash, -1
        self.lined = self.charged = 0.0
        self.yielded = self.start_yield
        memset(&self.open[0], 1, self.actions)
        for step in range(parents.shape[1]):
            action = parents[row, step]
            if action < 0:
                break
            if not self.open[action] or self.need[action] > self.cash or self.short(action):
                return False
            change = self.change(action)
            self.cash += self.flow[action]
            self.value[self.symbol[action]] += change
            self.move(action, change)
            self.lined += self.line[action] * change
            self.yielded += self.rate[action] * change
            self.charged += self.charge[action]
            self.last = action
            for other in range(action + 1, self.actions):
                self.open[other] &= not self.blocked[action, other]
        self.penalty = self.total_penalty()
        return True

    cdef inline bint short(self, Py_ssize_t action) noexcept nogil:
        return not self.buy[action] and (
            self.value[self.symbol[action]] + self.delta[action] < self.floor
        )

    cdef inline double change(self, Py_ssize_t action) noexcept nogil:
        """What the action does to its position: a sale clears dust away."""
        cdef double old = self.value[self.symbol[action]]
        cdef double new = old + self.delta[action]
        return -old if not self.buy[action] and new <= self.dust else self.delta[action]

    cdef inline void move(self, Py_ssize_t action, double change) noexcept nogil:
        cdef Py_ssize_t column
        for column in range(self.width):
            self.gap[self.at[action, column]] += self.part[action, column] * change

    cdef inline void restore(self, const int[:, ::1] parents, Py_ssize_t row) noexcept nogil:
        cdef Py_ssize_t step, group
        for step in range(parents.shape[1]):
            if parents[row, step] < 0:
                break
            self.value[self.symbol[parents[row, step]]] = (
                self.base_value[self.symbol[parents[row, step]]]
            )
        for group in range(self.groups):
            self.gap[group] = self.base_gap[group]

    cdef inline void look_ahead(self) noexcept nogil:
        """What can follow at all, the last sale among it, and how the groups stand."""
        cdef Py_ssize_t action, group
        self.last_sale = -1
        for action in range(self.last + 1, self.actions):
            if self.short(action):
                self.open[action] = False
            if self.open[action] and not self.buy[action]:
                self.last_sale = action
        for group in range(self.groups):
            self.stand(group)

    cdef inline void stand(self, Py_ssize_t group) noexcept nogil:
        """On which side of its goal a group is, by how much score, and if that is a wide gap."""
        cdef double gap = self.gap[group]
        self.side[group] = (gap > 0.0) - (gap < 0.0)
        self.left[group] = self.price[group] * fabs(gap)
        self.wide[group] = self.left[group] >= (
            self.under[group] if gap < 0.0 else self.over[group]
        )

    cdef inline void child(self, Py_ssize_t action, double *net, double *bound) noexcept nogil:
        cdef Py_ssize_t column, group
        cdef double change = self.change(action), penalty = self.penalty
        cdef double old, yielded = self.yielded + self.rate[action] * change
        for column in range(self.width):
            group = self.at[action, column]
            old = self.gap[group]
            penalty += self.price[group] * (
                fabs(old + self.part[action, column] * change) - fabs(old)
            )
        net[0] = (
            (self.start_penalty - penalty)
            + (self.lined + self.line[action] * change)
            + self.income_weight * (at_most_one(yielded) - at_most_one(self.start_yield))
            - (self.charged + self.charge[action])
        )
        bound[0] = net[0]
        if self.later > 0:
            self.enter(action, change)
            bound[0] += self.ahead(action, yielded < 1.0) + self.margin
            self.leave(action)

    cdef inline void enter(self, Py_ssize_t action, double change) noexcept nogil:
        cdef Py_ssize_t column, group
        for column in range(self.width):
            group = self.at[action, column]
            self.saved[column] = self.gap[group]
            self.gap[group] += self.part[action, column] * change
            self.stand(group)

    cdef inline void leave(self, Py_ssize_t action) noexcept nogil:
        cdef Py_ssize_t column
        for column in range(self.width - 1, -1, -1):
            self.gap[self.at[action, column]] = self.saved[column]
            self.stand(self.at[action, column])

    cdef inline double ahead(self, Py_ssize_t action, bint rising) noexcept nogil:
        """The least of the bounds on what up to `later` actions behind this one can add."""
        cdef Py_ssize_t other
        cdef Best slope, capped
        cdef Basket steep, modest
        cdef double tangent, partial, bound, room = self.cash + self.flow[action] + self.slack
        cdef bint buys_only = action >= self.last_sale
        slope.count = capped.count = steep.count = modest.count = 0
        for other in range(action + 1, self.actions):
            if not self.open[other] or self.blocked[action, other]:
                continue
            if buys_only and self.cost[other] > room:
                continue
            self.gains(other, rising, &tangent, &partial)
            keep(&slope, self.later, tangent)
            keep(&capped, self.later, partial)
            if buys_only:
                put(&steep, tangent, self.cost[other])
                put(&modest, partial, self.cost[other])
        bound = smaller(together(&slope), together(&capped))
        if buys_only:
            bound = smaller(bound, filled(&steep, room))
            bound = smaller(bound, filled(&modest, room))
        return bound

    cdef inline void gains(
        self, Py_ssize_t action, bint rising, double *tangent, double *partial
    ) noexcept nogil:
        """What the action would add by the tangents, and capped by the gaps."""
        cdef Py_ssize_t column, group
        cdef int way
        cdef double pull, plain
        plain = self.gain[action] - self.charge[action]
        if rising:
            plain = plain + self.lift[action]
        tangent[0] = partial[0] = plain
        for column in range(self.width):
            group = self.at[action, column]
            pull = self.pull[action, column]
            way = self.side[group] if self.buy[action] else -self.side[group]
            if way < 0:
                tangent[0] += pull
                partial[0] += smaller(pull, self.left[group])
            elif way > 0:
                tangent[0] -= pull
                if self.wide[group]:
                    partial[0] -= pull


def extend(
    work, const int[:, ::1] parents not None, int steps_left, blocked, out, /
):
    """Fill a row of `out` per parent; arguments are already checked."""
    groups = len(work.gap)
    scratch = (
        np.zeros(groups),
        np.zeros(max(work.at.shape[1], 1)),
        np.zeros(groups, dtype=np.int32),
        np.zeros(len(work.symbol) + 1, dtype=np.uint8),
        np.zeros(groups, dtype=np.uint8),
    )
    cdef _Search search = _Search(work, steps_left - 1, blocked.view(np.uint8), scratch)
    cdef double[:, ::1] net = out.net, bound = out.bound
    with nogil:
        search.run(parents, net, bound)
