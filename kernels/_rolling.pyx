"""The compiled rolling metrics; `kernels.rolling_numpy` is the twin and holds the definitions.

Every window is computed anew in two passes, so that no error is carried from one to the next, and
without the interpreter lock. Four running sums side by side keep the processor's pipeline full.
"""

from libc.math cimport NAN, sqrt


cdef inline double mean_of(const double* values, Py_ssize_t count) noexcept nogil:
    cdef double a = 0.0, b = 0.0, c = 0.0, d = 0.0
    cdef Py_ssize_t row = 0
    while row + 4 <= count:
        a += values[row]
        b += values[row + 1]
        c += values[row + 2]
        d += values[row + 3]
        row += 4
    while row < count:
        a += values[row]
        row += 1
    return ((a + b) + (c + d)) / count


cdef inline double product_of(
    const double* values, double mean, const double* others, double other, Py_ssize_t count
) noexcept nogil:
    """Σ (value - mean)(other value - its mean)."""
    cdef double a = 0.0, b = 0.0, c = 0.0, d = 0.0
    cdef Py_ssize_t row = 0
    while row + 4 <= count:
        a += (values[row] - mean) * (others[row] - other)
        b += (values[row + 1] - mean) * (others[row + 1] - other)
        c += (values[row + 2] - mean) * (others[row + 2] - other)
        d += (values[row + 3] - mean) * (others[row + 3] - other)
        row += 4
    while row < count:
        a += (values[row] - mean) * (others[row] - other)
        row += 1
    return (a + b) + (c + d)


cdef inline double deepest_of(const double* prices, Py_ssize_t count) noexcept nogil:
    cdef double peak = prices[0], low = prices[0], deepest = 0.0, drawdown
    cdef Py_ssize_t row
    for row in range(1, count):
        if prices[row] >= peak:
            peak, low = prices[row], prices[row]
        elif prices[row] < low:
            low = prices[row]
            drawdown = (low - peak) / peak
            deepest = drawdown if drawdown < deepest else deepest
    return deepest


cdef void fill_moments(
    const double[::1] values, Py_ssize_t window, double[::1] means, double[::1] deviations
) noexcept nogil:
    cdef Py_ssize_t row
    cdef double mean
    cdef const double* at
    for row in range(values.shape[0] - window + 1):
        at = &values[row]
        mean = mean_of(at, window)
        means[row] = mean
        deviations[row] = sqrt(product_of(at, mean, at, mean, window) / (window - 1))


cdef void fill_drawdowns(
    const double[::1] prices, Py_ssize_t window, double[::1] out
) noexcept nogil:
    cdef Py_ssize_t row
    for row in range(prices.shape[0] - window + 1):
        out[row] = deepest_of(&prices[row], window)


cdef void fill_slopes(
    const double[::1] values,
    const double[::1] others,
    Py_ssize_t window,
    double least,
    double[::1] out,
) noexcept nogil:
    cdef Py_ssize_t row
    cdef double mean, other, square
    for row in range(values.shape[0] - window + 1):
        mean = mean_of(&values[row], window)
        other = mean_of(&others[row], window)
        square = product_of(&others[row], other, &others[row], other, window)
        out[row] = NAN
        if square > least:
            out[row] = product_of(&values[row], mean, &others[row], other, window) / square


def moments(
    const double[::1] values not None,
    Py_ssize_t window,
    double[::1] means not None,
    double[::1] deviations not None,
    /,
):
    """Fill mean and standard deviation (ddof 1) of every `window` values in a row."""
    with nogil:
        fill_moments(values, window, means, deviations)


def drawdowns(const double[::1] prices not None, Py_ssize_t window, double[::1] out not None, /):
    """Fill the deepest drawdown within every `window` prices in a row."""
    with nogil:
        fill_drawdowns(prices, window, out)


def slopes(
    const double[::1] values not None,
    const double[::1] others not None,
    Py_ssize_t window,
    double least,
    double[::1] out not None,
    /,
):
    """Fill cov(value, other) / var(other) of every `window` pairs, NaN up to the `least` square."""
    with nogil:
        fill_slopes(values, others, window, least, out)
