"""A series of daily figures that is in order by construction.

Every indicator and every metric takes one of these instead of a bare array, so that figures that
run from new to old cannot be passed at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from kernels.checks import Floats, Ints, owned

DAYS_PER_YEAR = 365.25


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """`values` (n,) float64 at the calendar days `days` (n,) int32, proleptic ordinals.

    The days ascend strictly, the values are finite; both arrays are private and read-only. Raises
    ValueError otherwise.
    """

    days: Ints
    values: Floats

    def __post_init__(self) -> None:
        days = owned("days", self.days, dtype=np.int32)
        values = owned("values", self.values, dtype=np.float64, length=len(days))
        object.__setattr__(self, "days", days)
        object.__setattr__(self, "values", values)
        back = days[1:] <= days[:-1]  # differences could overflow
        if back.any():
            at = int(back.argmax())
            raise ValueError(
                f"days: {days[at]} is followed by {days[at + 1]}, expected a later one"
            )
        finite = np.isfinite(values)
        if not finite.all():
            worst = int(finite.argmin())
            raise ValueError(f"values: {values[worst]} at row {worst}, expected a finite number")

    def __len__(self) -> int:
        return len(self.days)

    @property
    def years(self) -> float:
        """The exact span between the first and the last day; 0 for fewer than two."""
        return float(self.days[-1] - self.days[0]) / DAYS_PER_YEAR if len(self) > 1 else 0.0

    @property
    def months(self) -> int:
        """Calendar months from the first to the last day, both counted."""
        if not len(self):
            return 0
        first, last = (date.fromordinal(int(self.days[row])) for row in (0, -1))
        return 12 * (last.year - first.year) + last.month - first.month + 1

    def last(self, rows: int) -> Series:
        """The newest `rows` figures, fewer when there are fewer."""
        return self._part(max(len(self) - rows, 0), len(self))

    def between(self, first: int, until: int) -> Series:
        """What lies on the days from `first` to `until`, both included."""
        start, stop = np.searchsorted(self.days, (first, until + 1))
        return self._part(int(start), int(stop))

    def _part(self, start: int, stop: int) -> Series:
        """Rows from `start` to before `stop`: what is in order as a whole is so in part."""
        if stop - start == len(self):
            return self
        part = object.__new__(Series)
        for name, whole in (("days", self.days), ("values", self.values)):
            rows = whole[start:stop].copy()  # a view would keep the whole alive
            rows.setflags(write=False)
            object.__setattr__(part, name, rows)
        return part


def distinct(days: Ints) -> Ints:
    """The values of `days` in ascending order, each once.

    As numpy's own function, which for this would load its masked arrays, two mebibytes of them.
    """
    ordered: Ints = np.sort(days)
    first = np.ones(min(len(ordered), 1), np.bool_)
    first = np.ones(min(len(ordered), 1), np.bool_)
    found: Ints = ordered[np.concatenate([first, ordered[1:] != ordered[:-1]])]
    return found
