"""The compiled indicators; `kernels.indicators_numpy` is the twin and holds the definitions.

Loops without the interpreter lock, in the order of the twin: both agree to the last bit.
"""


cdef inline double strength(double gain, double loss) noexcept nogil:
    cdef double both = gain + loss
    return 100.0 * (gain / both) if both > 0.0 else 50.0


cdef void fill_ema(const double[::1] values, Py_ssize_t window, double[::1] out) noexcept nogil:
    cdef double smooth = 0.0, alpha = 2.0 / (window + 1)
    cdef Py_ssize_t row
    for row in range(window):
        smooth += values[row]
    smooth /= window
    out[0] = smooth
    for row in range(window, values.shape[0]):
        smooth += alpha * (values[row] - smooth)
        out[row - window + 1] = smooth


cdef void fill_rsi(const double[::1] values, Py_ssize_t window, double[::1] out) noexcept nogil:
    cdef double gain = 0.0, loss = 0.0, move
    cdef Py_ssize_t row
    for row in range(1, window + 1):
        move = values[row] - values[row - 1]
        gain += move if move > 0.0 else 0.0
        loss += -move if move < 0.0 else 0.0
    gain /= window
    loss /= window
    out[0] = strength(gain, loss)
    for row in range(window + 1, values.shape[0]):
        move = values[row] - values[row - 1]
        gain = (gain * (window - 1) + (move if move > 0.0 else 0.0)) / window
        loss = (loss * (window - 1) + (-move if move < 0.0 else 0.0)) / window
        out[row - window] = strength(gain, loss)


def ema(const double[::1] values not None, Py_ssize_t window, double[::1] out not None, /):
    """Fill the exponential averages from the `window`-th value on."""
    with nogil:
        fill_ema(values, window, out)


def rsi(const double[::1] values not None, Py_ssize_t window, double[::1] out not None, /):
    """Fill the relative strength of every value after the first `window`."""
    with nogil:
        fill_rsi(values, window, out)
