"""The compiled risk scan; `kernels.risk_numpy` is its twin and holds the definition.

One pass over the prices without the interpreter lock.  Sums are compensated: each keeps the
rounding error of every addition (the branch-free two-sum of Knuth) beside the running total.
A move is a difference over a price, because the difference of prices that are close is exact.
"""

cdef double LOWEST_PRICE = 1e-30
cdef double HIGHEST_PRICE = 1e30


cdef struct Sum:
    double total
    double lost


cdef inline void add(Sum* sum, double term) noexcept nogil:
    cdef double total = sum.total + term
    cdef double part = total - sum.total
    sum.lost += (sum.total - (total - part)) + (term - part)
    sum.total = total


cdef inline bint valid(double price) noexcept nogil:
    return LOWEST_PRICE < price and price < HIGHEST_PRICE


cdef bint fill_returns(const double[::1] prices, double[::1] out) noexcept nogil:
    cdef Py_ssize_t day
    if not valid(prices[0]):
        return False
    for day in range(1, prices.shape[0]):
        if not valid(prices[day]):
            return False
        out[day - 1] = (prices[day] - prices[day - 1]) / prices[day - 1]
    return True


cdef bint fill_scan(
    const double[::1] prices, double shift, double least, double[::1] out
) noexcept nogil:
    cdef Sum moved = Sum(0.0, 0.0), squares = Sum(0.0, 0.0), below = Sum(0.0, 0.0)
    cdef double last = prices[0], peak = prices[0], low = prices[0]
    cdef double price, change, off, missed, drawdown
    cdef double deepest = 0.0, best = -1.0, worst = HIGHEST_PRICE * HIGHEST_PRICE
    cdef Py_ssize_t day, peak_day = 0
    if not valid(last):
        return False
    for day in range(1, prices.shape[0]):
        price = prices[day]
        if not valid(price):
            return False
        change = (price - last) / last
        last = price
        off = change - shift
        missed = change - least
        missed = missed if missed < 0.0 else 0.0
        add(&moved, off)
        add(&squares, off * off)
        add(&below, missed * missed)
        best = change if change > best else best
        worst = change if change < worst else worst
        if price >= peak:
            peak, low, peak_day = price, price, day
        elif price < low:
            # Only a new low under the same peak can be the deepest: most days need no division.
            low = price
            drawdown = (price - peak) / peak
            deepest = drawdown if drawdown < deepest else deepest
    out[0] = moved.total + moved.lost
    out[1] = squares.total + squares.lost
    out[2] = below.total + below.lost
    out[3] = deepest
    out[4] = (last - peak) / peak
    out[5] = <double>(prices.shape[0] - 1 - peak_day)
    out[6] = best
    out[7] = worst
    return True


def simple_returns(const double[::1] prices not None, double[::1] out not None, /):
    """Fill the n-1 returns; False when a price is no price, and `out` is then undefined."""
    cdef bint done
    with nogil:
        done = fill_returns(prices, out)
    return done


def scan(const double[::1] prices not None, double shift, double least, double[::1] out not None, /):
    """Fill the eight sums of the series; False when a price is no price."""
    cdef bint done
    with nogil:
        done = fill_scan(prices, shift, least, out)
    return done
