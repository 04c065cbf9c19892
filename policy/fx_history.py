"""Exchange rates of past days, for whole series at once.

A rate counts on its own day and until it is three TARGET days old; on any other day it is unknown,
and what depends on it is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from itertools import groupby

import numpy as np

from kernels.checks import Bools, Floats, Ints
from ledger.bar import RateColumns
from ledger.currency import BASE
from ledger.rate import Rate
from policy.target_days import target_days_after

MOST_TARGET_DAYS = 3
MOST_SPIKE = Decimal("0.1")
"""A rate so far from that of the day before and of the day after is an error."""
# Most securities trade on the same days as another one.
KEPT = 16


class SpikeFilter:
    """Reference rates in stretches, later days after earlier ones, without those that are errors:
    a rate that differs from both of its neighbours is one.

    What stays at another level, as the franc did in 2015, is a rate and no error.
    """

    def __init__(self) -> None:
        # The newest two of each currency; the last one waits for its neighbour.
        self._tails: dict[str, tuple[Rate, ...]] = {}

    def take(self, rates: Iterable[Rate]) -> tuple[Rate, ...]:
        """What can be judged by now, each once: all but the newest of each currency."""
        ordered = sorted(set(rates), key=lambda rate: (rate.quote, rate.as_of))
        sound: list[Rate] = []
        for code, following in groupby(ordered, key=lambda rate: rate.quote):
            tail = self._tails.get(code, ())
            line = (*tail, *following)
            self._tails[code] = line[-2:]
            for at in range(max(len(tail) - 1, 0), len(line) - 1):
                if not at or not _spike(*line[at - 1 : at + 2]):
                    sound.append(line[at])
        return tuple(sound)

    def rest(self) -> tuple[Rate, ...]:
        """The newest of each currency, when no more will come."""
        return tuple(tail[-1] for tail in self._tails.values())


def _spike(before: Rate, rate: Rate, after: Rate) -> bool:
    return all(abs(rate.value / beside.value - 1) > MOST_SPIKE for beside in (before, after))


class FxHistory:
    """Reference rates by currency; the texts are unpacked once, when a currency is asked for."""

    def __init__(self, rates: Mapping[str, RateColumns]) -> None:
        self._packed = rates
        self._unpacked: dict[str, tuple[Ints, Floats]] = {}
        self._found: dict[tuple[str, bytes], tuple[Floats, Bools]] = {}

    def per_eur(self, currency: str, days: Ints) -> tuple[Floats, Bools]:
        """Units of `currency` for one EUR on each of `days` (ascending ordinals), and where known.

        Both are (n,); what is not known is NaN.
        """
        key = (currency, days.tobytes())
        found = self._found.get(key)
        if found is None:
            if len(self._found) >= KEPT:
                self._found.clear()
            found = self._found[key] = self._find(currency, days)
        return found

    def _find(self, currency: str, days: Ints) -> tuple[Floats, Bools]:
        if currency == BASE:
            return np.ones(len(days)), np.ones(len(days), dtype=np.bool_)
        published, values = self._columns(currency)
        if not len(published):
            return np.full(len(days), np.nan), np.zeros(len(days), dtype=np.bool_)
        latest = published.searchsorted(days, "right") - 1
        known: Bools = latest >= 0
        latest = np.maximum(latest, 0)
        at = np.minimum(published[latest], days)
        known &= target_days_after(at, days) <= MOST_TARGET_DAYS
        return np.where(known, values[latest], np.nan), known

    def _columns(self, currency: str) -> tuple[Ints, Floats]:
        found = self._unpacked.get(currency)
        if found is None:
            packed = self._packed.get(currency, RateColumns("", ""))
            found = unpacked(packed.days).astype(np.int32), unpacked_rates(packed.values)
            self._unpacked[currency] = found
        return found


def unpacked(column: str) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """A column of whole numbers."""
    return np.fromstring(column, dtype=np.int64, sep=",") if column else np.zeros(0, np.int64)


def unpacked_rates(column: str) -> Floats:
    return np.array(column.split(","), dtype=np.float64) if column else np.zeros(0)
