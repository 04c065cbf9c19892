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

    day, key, cause, amount are (moves,); `key` is the number of the balance, `cause` that in
    CAUSES. before, unit are (balances,): what was there first, and how much of it is one.
    """

    day: Ints
    key: Rows
    cause: Rows
    amount: Floats
    before: Floats
    unit: Floats

    def moved(self, days: Ints, cause: Cause) -> Floats:
        """(n, balances): what moved for `cause` since the day before in `days`."""
        return self._sums(days, cause) / self.unit

    def level(self, days: Ints) -> Floats:
        """(n, balances): what was there at the end of each of `days`."""
        levels: Floats = (self._sums(days, None).cumsum(axis=0) + self.before) / self.unit
        return levels

    def _sums(self, days: Ints, cause: Cause | None) -> Floats:
        """(n, balances): what moved, in the whole numbers of the journal."""
        row = np.searchsorted(days, self.day)
        chosen = row < len(days)
        if cause is not None:
            chosen &= self.cause == CAUSES.index(cause)
        total = np.zeros((len(days), len(self.unit)))
        np.add.at(total, (row[chosen], self.key[chosen]), self.amount[chosen])
        return total


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
    return Balances(
        day=np.array([move.day.toordinal() for move in moves], dtype=np.int32),
        key=np.array([at[move.key] for move in moves], dtype=np.intp),
        cause=np.array([CAUSES.index(move.cause) for move in moves], dtype=np.intp),
        amount=np.array([move.delta for move in moves], dtype=np.float64),
        before=np.array([before.get(key, 0) for key in keys], dtype=np.float64),
        unit=unit,
    )
