"""Daily bars, corporate actions and reported figures of an instrument, as a source gives them.

Days are the exchange's own calendar days. Nothing here is adjusted by us: adjusted and total-return
series are derived in memory from these.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from ledger.money import Price


@dataclass(frozen=True, slots=True)
class Bar:
    """One session as received, in millionths of the currency; a missing figure is None."""

    day: date
    open_micro: int | None
    high_micro: int | None
    low_micro: int | None
    close_micro: int
    volume: int | None


@dataclass(frozen=True, slots=True)
class BarRead:
    """What a source answered, oldest first. Prices are adjusted for the splits up to and including
    `adjusted_to`, and raw when that is None.
    """

    symbol: str
    currency: str
    source: str
    bars: tuple[Bar, ...]
    adjusted_to: date | None = None


@dataclass(frozen=True, slots=True)
class Split:
    """From `ex_date` on one old share is `ratio` new ones."""

    ex_date: date
    ratio: Decimal


@dataclass(frozen=True, slots=True)
class ShareDividend:
    """The gross amount that a share held before `ex_date` pays."""

    ex_date: date
    pay_date: date | None
    per_share: Price


@dataclass(frozen=True, slots=True)
class Fundamental:
    """A figure as reported, or as analysts see it; known since `as_of`. Ratios are fractions."""

    metric: str
    as_of: date
    value: Decimal
