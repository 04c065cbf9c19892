"""The journal's movements as arrays, added up to whatever days are asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np

from kernels.checks import Floats, Ints, Rows
from ledger.currency import exponent
from ledger.holdings import Cause, HoldingsHistory, Movement

CAUSES: tuple[Cause, ...] = get_args(Cause)
MICRO = 1e6


@dataclass(frozen=True, slots=True, eq=False)
class Balances:
    """The movements of several balances. All sums are exact: whole numbers below 2**53.

    day, cause, amount are (moves,), one balance after the other; `cause` is the number of it in
    CAUSES. start (balances + 1,) is where the movements of each begin; before, unit (balances,) are
    what was there first, and how much of it is one.
    """

    day: Ints
    cause: Rows
    amount: Floats
    start: Rows
    before: Floats
    unit: Floats

    def moved(self, days: Ints, number: int, cause: Cause) -> Floats:
        """(n,): what moved in one balance for `cause` since the day before in `days`."""
        own = self._own(number)
        chosen = self.cause[own] == CAUSES.index(cause)
        sums = _sums(days, self.day[own][chosen], self.amount[own][chosen])
        return sums / float(self.unit[number])

    def level(self, days: Ints, number: int) -> Floats:
        """(n,): what was there of one balance at the end of each of `days`."""
        own = self._own(number)
        moved: Floats = _sums(days, self.day[own], self.amount[own]).cumsum()
        return (moved + float(self.before[number])) / float(self.unit[number])

    def _own(self, number: int) -> slice:
        return slice(int(self.start[number]), int(self.start[number + 1]))


def _sums(days: Ints, day: Ints, amount: Floats) -> Floats:
    """(n,): what moved since the day before in `days`, in the whole numbers of the journal."""
    row = np.searchsorted(days, day)
    seen = row < len(days)
    return np.bincount(row[seen], amount[seen], len(days)).astype(np.float64)


def holdings_of(history: HoldingsHistory, symbols: Sequence[str]) -> Balances:
    """In shares."""
    moves = [move for move in history.movements if move.account == "holding"]
    return _balances(moves, symbols, history.holdings, np.full(len(symbols), MICRO))


def cash_of(history: HoldingsHistory, currencies: Sequence[str]) -> Balances:
    """In units of the currency; raises UnknownCurrency."""
    moves = [move for move in history.movements if move.account == "cash"]
    unit = np.array([10.0 ** exponent(code) for code in currencies])
    return _balances(moves, currencies, history.cash, unit)


def _balances(
    moves: Sequence[Movement], keys: Sequence[str], before: Mapping[str, int], unit: Floats
) -> Balances:
    at = {key: number for number, key in enumerate(keys)}
    ordered = sorted(moves, key=lambda move: at[move.key])
    numbers = [at[move.key] for move in ordered]
    return Balances(
        day=np.array([move.day.toordinal() for move in ordered], dtype=np.int32),
        cause=np.array([CAUSES.index(move.cause) for move in ordered], dtype=np.intp),
        amount=np.array([move.delta for move in ordered], dtype=np.float64),
        start=np.searchsorted(numbers, np.arange(len(keys) + 1)),
        before=np.array([before.get(key, 0) for key in keys], dtype=np.float64),
        unit=unit,
    )
