"""Grows the columns of a market while its rows are read, in any order of dates.

Rows go straight into arrays: a hundred securities over twenty years would need more memory as
Python objects, for the length of the load, than the daemon may use at all.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import pairwise

from broker.market_data import BarSeries, RateSeries


class Columns:
    """Date ordinals, the line each row stood on, and `width` values per row."""

    __slots__ = ("_lines", "_width", "days", "values")

    def __init__(self, width: int) -> None:
        self.days = array("i")
        self.values = array("q")
        self._lines = array("i")
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
        values = array("q")
        for index in order:
            values.extend(self.values[index * self._width : (index + 1) * self._width])
        self.values = values
        self.days = array("i", (self.days[index] for index in order))
        self._lines = array("i", (self._lines[index] for index in order))

    def repeated(self) -> list[tuple[int, int]]:
        """(date ordinal, line) of every row whose day an earlier row of a sorted table has."""
        return [
            (day, self._lines[index])
            for index, (before, day) in enumerate(pairwise(self.days), start=1)
            if day == before
        ]

    def bars(self) -> BarSeries:
        return BarSeries(self.days, self.values)

    def rates(self) -> RateSeries:
        return RateSeries(self.days, self.values)
