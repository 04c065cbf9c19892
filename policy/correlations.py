"""How alike securities move: Pearson's r of their daily total returns in EUR.

The analyst feeds one history after the other to `RecentReturns`, which keeps only the end of each,
and makes the table of all pairs from that. Two securities are compared on the days that both have:
prices are brought onto those days first and returns taken after that, so that both returns of a day
span the same stretch of time whatever holidays each market keeps. Of those the newest `days` count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import combinations_with_replacement
from typing import Final

import numpy as np

from kernels.checks import Floats, Ints
from kernels.relations import MIN_OBSERVATIONS
from kernels.risk import NOISE
from kernels.series import Series
from ledger.correlation import Correlations
from ledger.security import Security
from policy.planning.config import DEFAULT_CONFIG, Strategies
from policy.price_history import PriceHistory
from policy.targets import UNTRADED

# So that a plan which depends on them is the same on any machine.
DECIMALS: Final = 6
# One more close in so many is kept, for the holidays on which two markets differ.
SPARE: Final = 8


def lookback(strategies: Strategies | None) -> int:
    """The trading days that the most far-sighted strategy looks back."""
    configs = [applied.config for applied in (strategies or {}).values()] or [DEFAULT_CONFIG]
    return max(config.filters.correlation_aware.lookback_days for config in configs)


@dataclass(frozen=True, slots=True)
class RecentReturns:
    """The newest figures of total return of each security seen, by symbol, for `days` returns."""

    days: int
    lines: dict[str, Series] = field(default_factory=dict[str, Series])

    def see(self, security: Security, history: PriceHistory | None) -> None:
        """Keep what is needed of a history that can be used and valued in EUR."""
        if history is None or history.unusable is not None or history.total_eur is None:
            return
        line = history.total_eur.last(self.days + 1 + self.days // SPARE)
        if security.instrument.product_type not in UNTRADED and (line.values > 0.0).all():
            # A part of a history would keep all of it in memory until everything is scored.
            self.lines[security.symbol] = Series(line.days.copy(), line.values.copy())

    def table(self, as_of: date) -> Correlations:
        """The correlation of every two; None for fewer than 60 common returns or a still line."""
        symbols = tuple(sorted(self.lines))
        found = _table([self.lines[symbol] for symbol in symbols], self.days)
        return Correlations(as_of, self.days, symbols, _rows(found))


def _table(lines: Sequence[Series], most: int) -> Floats:
    """(n, n) float64 in the order of `lines`, NaN where there is none.

    Lines on the same days are compared all at once, so the work grows with the number of different
    calendars rather than of pairs.
    """
    found = np.full((len(lines), len(lines)), np.nan)
    calendars: dict[bytes, list[int]] = {}
    for number, line in enumerate(lines):
        calendars.setdefault(line.days.tobytes(), []).append(number)
    for first, second in combinations_with_replacement(calendars.values(), 2):
        common = _common(lines[first[0]].days, lines[second[0]].days)[-(most + 1) :]
        if len(common) <= MIN_OBSERVATIONS:
            continue
        one, other = (_directions(lines, members, common) for members in (first, second))
        part = np.clip(one @ other.T, -1.0, 1.0)
        found[np.ix_(first, second)] = part
        found[np.ix_(second, first)] = part.T
    return found


def _common(first: Ints, second: Ints) -> Ints:
    at = np.searchsorted(second, first)
    at[at == len(second)] = 0
    days: Ints = first[second[at] == first] if len(second) else second
    return days


def _directions(lines: Sequence[Series], members: Sequence[int], days: Ints) -> Floats:
    """(members, days − 1) float64: returns less their mean, of length one; NaN for a still line."""
    at = np.searchsorted(lines[members[0]].days, days)
    prices = np.array([lines[number].values[at] for number in members])
    returns = prices[:, 1:] / prices[:, :-1] - 1.0
    returns -= returns.mean(axis=1, keepdims=True)
    squares = (returns * returns).sum(axis=1, keepdims=True)
    moves = squares > NOISE * NOISE * returns.shape[1]
    scaled: Floats = np.where(moves, returns / np.sqrt(np.where(moves, squares, 1.0)), np.nan)
    return scaled


def _rows(found: Floats) -> tuple[tuple[float | None, ...], ...]:
    rounded = np.round(found, DECIMALS)
    return tuple(
        tuple(None if value != value else value for value in row[:number].tolist())  # noqa: PLR0124
        for number, row in enumerate(rounded)
    )
