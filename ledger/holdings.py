"""What the account held day by day, and what moved it: the journal by market day.

A fact belongs to the UTC date of the instant at which it happened, the day under which the
portfolio's snapshots are kept, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

Cause = Literal["trade", "income", "other", "split", "external"]
"""Why a balance moved.

trade     an execution with its fees, of a security or of a currency pair
income    what a security paid or cost: dividends, their taxes, fractions paid out, …
other     interest, account fees and taxes, small differences of the books
split     shares that became more or fewer by a split
external  what came from or went to the owner: deposits, withdrawals, what the account began with,
          and differences that the owner decided
"""


@dataclass(frozen=True, slots=True)
class Movement:
    """All changes of one balance on one day for one cause, never zero.

    `delta` is in minor units of the currency `key`, or in millionths of the security `key`.
    `earned_by` names the security behind an income.
    """

    day: date
    account: Literal["cash", "holding"]
    key: str
    cause: Cause
    delta: int
    earned_by: str | None = None


@dataclass(frozen=True, slots=True)
class BookedSplit:
    """A split of a holding: the day from which prices show it, and the day the books did."""

    symbol: str
    ex_date: date
    day: date


@dataclass(frozen=True, slots=True)
class Traded:
    """What was paid and received for securities on one day, fees apart, in minor units."""

    day: date
    currency: str
    bought: int
    sold: int


@dataclass(frozen=True, slots=True)
class HoldingsHistory:
    """The days from `first` until the day before `until`, as the journal has them after `seq`.

    `holdings` (millionths by symbol) and `cash` (minor units by currency) are what was there before
    `first`; `movements` come by day. `splits` are all that were ever booked.
    """

    first: date
    until: date
    seq: int
    holdings: Mapping[str, int] = field(default_factory=dict[str, int])
    cash: Mapping[str, int] = field(default_factory=dict[str, int])
    movements: tuple[Movement, ...] = ()
    splits: tuple[BookedSplit, ...] = ()
    trades: tuple[Traded, ...] = ()

    @property
    def symbols(self) -> tuple[str, ...]:
        """Every security that was held at some time, in a fixed order."""
        moved = {m.key for m in self.movements if m.account == "holding"}
        return tuple(sorted(moved | {symbol for symbol, micro in self.holdings.items() if micro}))

    def quantities(self, symbol: str) -> tuple[tuple[date, int], ...]:
        """Millionths held from `first` and from the end of each day that changed them, zero too."""
        return tuple(self._levels("holding", symbol, self.holdings.get(symbol, 0)))

    def balances(self, currency: str) -> tuple[tuple[date, int], ...]:
        """Minor units from `first` and from the end of each day that changed them, zero too."""
        return tuple(self._levels("cash", currency, self.cash.get(currency, 0)))

    def _levels(self, account: str, key: str, level: int) -> Iterator[tuple[date, int]]:
        changes: dict[date, int] = {}
        for moved in self.movements:
            if moved.account == account and moved.key == key:
                changes[moved.day] = changes.get(moved.day, 0) + moved.delta
        if self.first not in changes:
            yield self.first, level
        for day in sorted(changes):
            level += changes[day]
            yield day, level
