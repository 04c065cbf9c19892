"""The open ends of a search: partial sets that may still lead to something better.

Immutable: every operation makes a new one, so that a batch of a search can be repeated. Kept in the
order of their bounds, those of the same bound in the order in which they came, which sorts the
same on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from kernels.checks import Floats
from policy.planning.space import Combo

Shorts = npt.NDArray[np.int16]

# About 4 MB at the largest depth.
MAX_OPEN = 100_000
PADDING = -1


@dataclass(frozen=True, slots=True, eq=False)
class Frontier:
    """`rows` int16 (N, D) ascending action numbers, padded behind; `bound` (N,) no set that extends
    the row is worth more, `net` (N,) what the row itself is worth, both before exact costs.

    `lost` is the best bound of what was let go because there was too much; it stays open.
    """

    rows: Shorts
    bound: Floats
    net: Floats
    lost: float = -np.inf

    def __len__(self) -> int:
        return len(self.bound)

    @property
    def best(self) -> float:
        """The largest bound of all that is open; -inf when nothing is."""
        return max(float(self.bound[0]), self.lost) if len(self) else self.lost

    def above(self, worth: float) -> Frontier:
        """What may still lead to more than `worth`."""
        count = int(np.searchsorted(-self.bound, -worth, side="left"))
        return self._part(slice(None, count))

    def split(self, count: int) -> tuple[Frontier, Frontier]:
        """The most promising `count`, and the rest."""
        return self._part(slice(None, count)), self._part(slice(count, None))

    def plus(self, rows: Shorts, bound: Floats, net: Floats) -> Frontier:
        """With those rows in their places; what is too much at the end is let go."""
        order = np.argsort(-bound, kind="stable")
        places = np.searchsorted(-self.bound, -bound[order], side="right")
        merged = Frontier(
            np.insert(self.rows, places, rows[order], axis=0),
            np.insert(self.bound, places, bound[order]),
            np.insert(self.net, places, net[order]),
            self.lost,
        )
        if len(merged) <= MAX_OPEN:
            return merged
        gone = float(merged.bound[MAX_OPEN])
        return replace(merged._part(slice(None, MAX_OPEN)), lost=max(self.lost, gone))

    def combo(self, row: int) -> Combo:
        return combo_of(self.rows[row])

    def _part(self, rows: slice) -> Frontier:
        return replace(self, rows=self.rows[rows], bound=self.bound[rows], net=self.net[rows])


def combo_of(row: npt.NDArray[np.integer[Any]]) -> Combo:
    return tuple(int(number) for number in row if number != PADDING)


def root(depth: int, bound: float) -> Frontier:
    """The empty set, with what the best set of up to `depth` is worth at most."""
    return Frontier(
        np.full((1, depth), PADDING, dtype=np.int16), np.array([bound]), np.zeros(1), -np.inf
    )
