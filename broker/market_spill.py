"""Moves the bars of a large market into a file without a name, out of which rows are read.

A hundred securities over twenty years are ten megabytes, of which an exchange that replays them
needs a row per security and day. The file has no name from the start: it goes with the market,
however the program ends.
"""

from __future__ import annotations

import os
import tempfile
from array import array
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from broker.market_data import BarSeries, MarketData
from ledger.errors import Unavailable

# What is smaller, as the demo is, is not worth a file.
LEAST_VALUES = 500_000


class Spill:
    """An open file, until nobody reads from it any more."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def __del__(self) -> None:
        os.close(self.descriptor)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Values in a file, sliced like the array they were written from; several threads may read.

    Raises Unavailable when the disk fails.
    """

    spill: Spill
    offset: int
    typecode: str
    count: int

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, part: slice) -> array[int]:
        first, last, _ = part.indices(self.count)
        values: array[int] = array(self.typecode)
        size = values.itemsize
        at, wanted = self.offset + first * size, max(last - first, 0) * size
        try:
            values.frombytes(os.pread(self.spill.descriptor, wanted, at))
        except OSError as error:
            raise Unavailable(f"the bars of the market cannot be read: {error}") from error
        return values


def spilled(market: MarketData, folder: Path) -> MarketData:
    """The same market with its bars in a file on the disk of `folder`.

    A small one stays as it is, and so does one for which there is no room.
    """
    if sum(len(series.values) for series in market.bars.values()) < LEAST_VALUES:
        return market
    offset, moved = 0, dict[str, BarSeries]()
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            spill = Spill(os.dup(file.fileno()))
            for symbol, series in market.bars.items():
                values = series.values[:]
                stretch = Stretch(spill, offset, values.typecode, len(values))
                moved[symbol] = BarSeries(series.days, stretch, unit_micro=series.unit_micro)
                offset += file.write(values)
    except OSError:
        return market
    return replace(market, bars=MappingProxyType(moved))
