"""What the portfolio is compared with: equal parts of the indices that the owner names."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kernels.relations import align
from kernels.series import Series


def equal_mix(levels: Sequence[Series]) -> Series | None:
    """An index of equal parts, made equal again at every close that all `levels` have.

    It begins at 1. None without two such closes, or when a level is not positive.
    """
    if not levels:
        return None
    common = levels[0]
    for other in levels[1:]:
        common, _ = align(common, other)
    columns = np.column_stack([align(one, common)[0].values for one in levels])
    if len(common) < 2 or not columns.min() > 0.0:
        return None
    moves = (columns[1:] / columns[:-1]).mean(axis=1)
    return Series(common.days, np.concatenate(([1.0], moves.cumprod())))
