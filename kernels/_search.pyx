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
    ROUNDS = 4  # how often a price of cash is improved


cdef struct Best:
    # The largest gains, descending, the first come first among equals; and what they cost.
    int count
    double gain[MOST]
    double cost[MOST]


cdef struct Total:
    double gain
    double cost


cdef inline double smaller(double one, double other) noexcept nogil:
    return one if one < other else other


cdef inline double at_most_one(double value) noexcept nogil:
    return value if value < 1.0 else 1.0


cdef inline void keep(Best *best, int size, double gain, double cost) noexcept nogil:
    cdef int at
    if not gain > 0.0 or (best.count == size and gain <= best.gain[size - 1]):
        return
    at = best.count if best.count < size else size - 1
    best.count = at + 1
    while at > 0 and best.gain[at - 1] < gain:
        best.gain[at], best.cost[at] = best.gain[at - 1], best.cost[at - 1]
        at -= 1
    best.gain[at], best.cost[at] = gain, cost


cdef struct Items:
    # What may follow a set: `later` of `count` at most, with their gains and costs.
    int count
    int later
    double *gain
    double *cost


cdef inline Total picked(Items *items, double price) noexcept nogil:
    """The best of the items when cash has a price."""
    cdef int at
    cdef Best best
    cdef Total total
    best.count = 0
    for at in range(items.count):
        keep(&best, items.later, items.gain[at] - price * items.cost[at], items.cost[at])
    total.gain = total.cost = 0.0
    for at in range(best.count):
        total.gain += best.gain[at]
        total.cost += best.cost[at]
    return total


cdef inline double highest_price(Items *items) noexcept nogil:
    """The price of cash at which no purchase is worth it any more."""
    cdef int at
    cdef double price = 0.0
    for at in range(items.count):
        if items.gain[at] > 0.0 and items.cost[at] > 0.0:
            if items.gain[at] / items.cost[at] > price:
                price = items.gain[at] / items.cost[at]
    return price


cdef double within(Items *items, double room) noexcept nogil:
    """The least bound over prices of cash, found between two that bound it from either side."""
    cdef int turn
    cdef double low, low_worth, low_slope, high, high_worth, high_slope, price, worth, best
    cdef Total total = picked(items, 0.0)
    low, low_worth, low_slope = 0.0, total.gain, room - total.cost
    best = low_worth
    if not low_slope < 0.0:
        return best
    high = highest_price(items)
    total = picked(items, high)
    high_worth, high_slope = total.gain + high * room, room - total.cost
    best = smaller(best, high_worth)
    for turn in range(ROUNDS):
        if not high_slope > 0.0:
            break
        price = ((low_worth - low_slope * low) - (high_worth - high_slope * high)) / (
            high_slope - low_slope
        )
        if not (low < price < high):
            break
        total = picked(items, price)
        worth = total.gain + price * room
        best = smaller(best, worth)
        if room - total.cost < 0.0:
            low, low_worth, low_slope = price, worth, room - total.cost
        else:
            high, high_worth, high_slope = price, worth, room - total.cost
    return best


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

    cdef double[::1] value, gap, left, saved, tangents, partials, costs
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
        self.left, self.saved, self.side, self.open, self.wide = scratch[:5]
        self.tangents, self.partials, self.costs = scratch[5]
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
        """The lesser of the bounds on what up to `later` actions behind this one can add; 0 when
        there is none.
        """
        cdef Py_ssize_t other
        cdef int count = 0
        cdef double cash = self.cash + self.flow[action], room = cash + self.slack
        cdef bint buys_only = action >= self.last_sale
        cdef Items tangent, partial
        for other in range(action + 1, self.actions):
            if not self.open[other] or self.blocked[action, other]:
                continue
            if buys_only and self.need[other] > cash:
                continue
            self.gains(other, rising, &self.tangents[count], &self.partials[count])
            self.costs[count] = self.cost[other]
            count += 1
        if count == 0:
            return 0.0
        tangent.count = partial.count = count
        tangent.later = partial.later = self.later
        tangent.gain, partial.gain = &self.tangents[0], &self.partials[0]
        tangent.cost = partial.cost = &self.costs[0]
        room = room if room > 0.0 else 0.0
        return smaller(within(&tangent, room), within(&partial, room))

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
        np.zeros((3, len(work.symbol) + 1)),
    )
    cdef _Search search = _Search(work, steps_left - 1, blocked.view(np.uint8), scratch)
    cdef double[:, ::1] net = out.net, bound = out.bound
    with nogil:
        search.run(parents, net, bound)
