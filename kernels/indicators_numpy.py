"""The twin of the indicator kernel: the readable reference, and what serves uncompiled.

Recursions cannot be spread over an array, so these are plain loops, in the very order of the
compiled ones: both back ends agree to the last bit.
"""

from itertools import pairwise

from kernels.checks import Floats


def ema(values: Floats, window: int, out: Floats, /) -> None:
    """s = s + 2 / (window + 1) x (value - s), seeded with the mean of the first `window` values.

    `out` takes one figure for each value from the `window`-th on.
    """
    figures: list[float] = values.tolist()
    smooth = _mean(figures[:window])
    alpha = 2.0 / (window + 1)
    smoothed = [smooth]
    for value in figures[window:]:
        smooth += alpha * (value - smooth)
        smoothed.append(smooth)
    out[:] = smoothed


def rsi(values: Floats, window: int, out: Floats, /) -> None:
    """Wilder's relative strength; `out` takes one figure for each value after the first `window`.

    Average gain and loss: a = (a x (window - 1) + move) / window, seeded with the mean of the
    first `window` moves.
    """
    figures: list[float] = values.tolist()
    gains = [max(after - before, 0.0) for before, after in pairwise(figures)]
    losses = [max(before - after, 0.0) for before, after in pairwise(figures)]
    gain, loss = _mean(gains[:window]), _mean(losses[:window])
    strength = [_strength(gain, loss)]
    for up, down in zip(gains[window:], losses[window:], strict=True):
        gain = (gain * (window - 1) + up) / window
        loss = (loss * (window - 1) + down) / window
        strength.append(_strength(gain, loss))
    out[:] = strength


def _strength(gain: float, loss: float) -> float:
    both = gain + loss
    return 100.0 * (gain / both) if both > 0.0 else 50.0


def _mean(figures: list[float]) -> float:
    """Added one by one: `sum` rounds differently from one Python to the next."""
    total = 0.0
    for figure in figures:
        total += figure
    return total / len(figures)
