"""The compiled sequence kernel; `kernels.sequences_numpy` is its line-by-line twin.

One pass over the batch without the interpreter lock and without allocation.  Base sums come
prepared; a sequence changes only the symbols it touches, and these are put back afterwards.
The order of every addition is the twin's order: change one and change the other.
"""

cimport cython
from libc.math cimport fabs

cdef double NEUTRAL = 0.5
cdef double SCORE_WEIGHT = 0.6
cdef double INCOME_WEIGHT = 0.4
cdef double INCOME_SLOPE = 10.0


@cython.final
cdef class _Groups:
    """Sums by group and the group of every symbol, restored after each sequence."""

    cdef const double[::1] base_sums, goals
    cdef const int[::1] base_group, take
    cdef const int[:, ::1] member
    cdef const double[:, ::1] part
    cdef double[::1] sums
    cdef int[::1] group
    cdef double scale
    cdef Py_ssize_t groups, width
    cdef bint base_labelled, labelled, unbounded

    def __init__(self, axis, smooth):
        self.base_sums = axis.sums
        self.goals = axis.goals
        self.base_group = axis.group
        self.take = axis.take
        self.sums = axis.sums.copy()
        self.group = axis.group.copy()
        self.scale = axis.scale
        self.groups = len(axis.goals)
        self.member, self.part, self.width = axis.member, axis.part, axis.member.shape[1]
        self.unbounded = smooth
        self.base_labelled = axis.labelled

    cdef inline void begin(self) noexcept nogil:
        cdef Py_ssize_t group
        for group in range(self.groups + 1):
            self.sums[group] = self.base_sums[group]
        self.labelled = self.base_labelled

    cdef inline void move(self, int symbol, int action, double old, double new) noexcept nogil:
        cdef int before = self.group[symbol]
        cdef Py_ssize_t column
        if self.width > 0:
            for column in range(self.width):
                self.sums[self.member[symbol, column]] += self.part[symbol, column] * (new - old)
            return
        cdef int take = self.take[action]
        cdef int after = take if take >= 0 else before
        self.sums[before] -= old
        self.sums[after] += new
        self.group[symbol] = after

    cdef inline double attainment(self) noexcept nogil:
        cdef Py_ssize_t group
        cdef double value, deviation = 0.0
        if self.groups == 0 or not self.labelled:
            return NEUTRAL
        for group in range(self.groups):
            deviation += fabs(self.sums[group] - self.goals[group])
        value = 1.0 - deviation * self.scale
        return value if value > 0.0 or self.unbounded else 0.0


@cython.final
cdef class _Batch:
    """The prepared workload and the scratch state of the sequence at hand."""

    cdef const double[::1] base_value, fee, check_need, check_flow, need, flow, delta
    cdef const double[::1] score, income, worth
    cdef const int[::1] base_held, symbol, buy, has_score, has_income
    cdef double base_score_sum, base_income_sum, base_worth_sum
    cdef double start_cash, inverse_total, factor, floor, dust
    cdef double country_weight, industry_weight, quality_weight, worth_weight, constant
    cdef bint smooth
    cdef int base_scored, base_yielding

    cdef double[::1] value
    cdef int[::1] held
    cdef _Groups country, industry
    cdef double score_sum, income_sum, worth_sum, cash, cost
    cdef int scored, yielding
    cdef bint feasible

    def __init__(self, work):
        self.base_value, self.base_held = work.value, work.held
        self.symbol, self.buy, self.fee = work.symbol, work.buy, work.fee
        self.check_need, self.check_flow = work.check_need, work.check_flow
        self.need, self.flow, self.delta = work.need, work.flow, work.delta
        self.score, self.income, self.worth = work.score, work.income, work.worth
        self.has_score, self.has_income = work.has_score, work.has_income
        self.base_score_sum, self.base_income_sum = work.score_sum, work.income_sum
        self.base_worth_sum, self.smooth = work.worth_sum, work.smooth
        self.base_scored, self.base_yielding = work.scored, work.yielding
        self.start_cash, self.inverse_total = work.cash, work.inverse_total
        self.factor, self.floor, self.dust = work.cost_factor, work.floor, work.dust
        self.value, self.held = work.value.copy(), work.held.copy()
        self.country = _Groups(work.country, work.smooth)
        self.industry = _Groups(work.industry, work.smooth)
        self.country_weight, self.industry_weight = work.weights.country, work.weights.industry
        self.quality_weight, self.worth_weight = work.weights.quality, work.weights.worth
        self.constant = work.weights.constant

    cdef void run(
        self,
        const int[:, ::1] sequences,
        double[::1] score,
        double[::1] end_cash,
        double[::1] cost,
        unsigned char[::1] feasible,
    ) noexcept nogil:
        cdef Py_ssize_t row
        for row in range(sequences.shape[0]):
            self.walk_cash(sequences, row)
            score[row] = self.simulate(sequences, row) if self.feasible else 0.0
            end_cash[row] = self.cash if self.feasible else self.start_cash
            cost[row] = self.cost
            feasible[row] = self.feasible

    cdef inline void walk_cash(self, const int[:, ::1] sequences, Py_ssize_t row) noexcept nogil:
        """Costs of all actions, and whether the cash suffices at every step."""
        cdef Py_ssize_t step
        cdef int action
        cdef bint short_of_cash = False
        cdef double cash = self.start_cash, cost = 0.0
        for step in range(sequences.shape[1]):
            action = sequences[row, step]
            if action < 0:
                break
            cost += self.fee[action]
            short_of_cash |= self.check_need[action] > cash
            cash += self.check_flow[action]
        self.cost = cost
        self.feasible = not short_of_cash

    cdef inline double simulate(self, const int[:, ::1] sequences, Py_ssize_t row) noexcept nogil:
        """Walk to the end state, score it, and put everything back."""
        cdef Py_ssize_t step
        cdef double score
        self.begin()
        for step in range(sequences.shape[1]):
            if sequences[row, step] < 0:
                break
            self.apply(sequences[row, step])
        score = self.end_score() if self.feasible else 0.0
        for step in range(sequences.shape[1]):
            if sequences[row, step] < 0:
                break
            self.restore(self.symbol[sequences[row, step]])
        return score

    cdef inline void begin(self) noexcept nogil:
        self.cash = self.start_cash
        self.score_sum, self.income_sum = self.base_score_sum, self.base_income_sum
        self.worth_sum = self.base_worth_sum
        self.scored, self.yielding = self.base_scored, self.base_yielding
        self.country.begin()
        self.industry.begin()

    cdef inline void restore(self, int symbol) noexcept nogil:
        self.value[symbol] = self.base_value[symbol]
        self.held[symbol] = self.base_held[symbol]
        self.country.group[symbol] = self.country.base_group[symbol]
        self.industry.group[symbol] = self.industry.base_group[symbol]

    cdef inline void apply(self, int action) noexcept nogil:
        """One step; a purchase that no longer fits is skipped."""
        cdef int symbol, keys
        cdef double old, new
        cdef bint gone, sell
        if self.need[action] > self.cash:
            return
        self.cash += self.flow[action]
        symbol = self.symbol[action]
        sell = not self.buy[action]
        old = self.value[symbol]
        new = old + self.delta[action]
        self.feasible &= not (sell & (new < self.floor))
        gone = sell & (new <= self.dust)
        new = 0.0 if gone else new
        self.score_sum += self.score[action] * (new - old)
        self.income_sum += self.income[action] * (new - old)
        self.worth_sum += self.worth[action] * (new - old)
        keys = (not gone) - self.held[symbol]
        self.scored += self.has_score[action] * keys
        self.yielding += self.has_income[action] * keys
        self.held[symbol] = not gone
        self.country.move(symbol, action, old, new)
        self.industry.move(symbol, action, old, new)
        self.country.labelled |= not sell
        self.industry.labelled |= not sell
        self.value[symbol] = new

    cdef inline double quality(self) noexcept nogil:
        cdef double scored = self.score_sum * self.inverse_total
        cdef double income = INCOME_SLOPE * (self.income_sum * self.inverse_total)
        income = income if income < 1.0 else 1.0
        if self.scored > 0 and self.yielding > 0:
            return SCORE_WEIGHT * scored + INCOME_WEIGHT * income
        if self.scored > 0:
            return scored
        return income if self.yielding > 0 else NEUTRAL

    cdef inline double end_score(self) noexcept nogil:
        cdef double value
        if self.inverse_total == 0.0:
            return NEUTRAL
        value = (
            self.country_weight * self.country.attainment()
            + self.industry_weight * self.industry.attainment()
            + self.quality_weight * self.quality()
            + self.worth_weight * (self.worth_sum * self.inverse_total)
            + self.constant
        )
        value = value if value < 1.0 or self.smooth else 1.0
        if self.factor > 0.0:
            value = value - (self.cost * self.inverse_total) * self.factor
            value = value if value > 0.0 or self.smooth else 0.0
        return value


def run(work, const int[:, ::1] sequences not None, out, /):
    """Fill one entry of `out` per row of `sequences`; arguments are already checked."""
    cdef _Batch batch = _Batch(work)
    cdef double[::1] score = out.score, end_cash = out.end_cash, cost = out.cost
    cdef unsigned char[::1] feasible = out.feasible.view("uint8")
    with nogil:
        batch.run(sequences, score, end_cash, cost, feasible)
