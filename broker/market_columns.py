"""Grows the columns of a market while its rows are read, in any order of dates.

Rows go straight into arrays: a hundred securities over twenty years would need more memory as
Python objects, for the length of the load, than the daemon may use at all.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import pairwise

from broker.market_data import BAR_WIDTH, BarSeries, RateSeries

# Bars are kept in 32 bits as long as their prices are whole hundreds of millionths.
NARROW_UNIT_MICRO = 100
NARROW_MOST = (1 << 32) - 1


class Columns:
    """Date ordinals, the line each row stood on, and `width` values per row."""

    __slots__ = ("_lines", "_width", "days", "values")

    def __init__(self, width: int) -> None:
        self.days: array[int] = array("i")
        self.values: array[int] = array("q")
        self._lines: array[int] = array("i")
        self._width = width

    def append(self, ordinal: int, line: int, values: Sequence[int]) -> None:
        """One row; `values` must be as many as the table is wide."""
        self.days.append(ordinal)
        self._lines.append(line)
        self.values.extend(values)

    def sort(self) -> None:
        """By day; rows of the same day stay in the order of the file."""
        if all(a <= b for a, b in pairwise(self.days)):
            return
        order = sorted(range(len(self.days)), key=self.days.__getitem__)
        values: array[int] = array(self.values.typecode)
        for index in order:
            values.extend(self.values[index * self._width : (index + 1) * self._width])
        self.values = values
        self.days = array("i", (self.days[index] for index in order))
        self._lines = array("i", (self._lines[index] for index in order))

    def share_days(self, known: dict[bytes, array[int]]) -> None:
        """Use the equal array of an earlier table: most securities trade on the same days."""
        self.days = known.setdefault(self.days.tobytes(), self.days)

    def repeated(self) -> list[tuple[int, int]]:
        """(date ordinal, line) of every row whose day an earlier row of a sorted table has."""
        return [
            (day, self._lines[index])
            for index, (before, day) in enumerate(pairwise(self.days), start=1)
            if day == before
        ]

    def rates(self) -> RateSeries:
        return RateSeries(self.days, self.values)


class BarColumns(Columns):
    """Bars in half the memory where all of them fit: most prices have four decimals at most."""

    __slots__ = ("_unit_micro",)

    def __init__(self) -> None:
        super().__init__(BAR_WIDTH)
        self.values = array("I")
        self._unit_micro = NARROW_UNIT_MICRO

    def append(self, ordinal: int, line: int, values: Sequence[int]) -> None:
        """Open, high, low and close in millionths, and the volume; high must be the highest."""
        unit = self._unit_micro
        if unit == 1:
            super().append(ordinal, line, values)
            return
        opens, high, low, close, volume = values
        if opens % unit or high % unit or low % unit or close % unit or not _fits(high, volume):
            self._widen()
            super().append(ordinal, line, values)
            return
        narrow = (opens // unit, high // unit, low // unit, close // unit, volume)
        super().append(ordinal, line, narrow)

    def _widen(self) -> None:
        """From now on millionths in 64 bits."""
        unit = self._unit_micro
        wide: array[int] = array("q", self.values)
        for place in range(BAR_WIDTH - 1):
            wide[place::BAR_WIDTH] = array("q", (v * unit for v in wide[place::BAR_WIDTH]))
        self.values, self._unit_micro = wide, 1

    def bars(self) -> BarSeries:
        return BarSeries(self.days, self.values, unit_micro=self._unit_micro)


def _fits(high_micro: int, volume: int) -> bool:
    return high_micro <= NARROW_MOST * NARROW_UNIT_MICRO and volume <= NARROW_MOST
