"""Daily bars, corporate actions and reported figures of an instrument, as a source gives them.

Days are the exchange's own calendar days. Nothing here is adjusted by us: adjusted and total-return
series are derived in memory from these.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction

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


@dataclass(frozen=True, slots=True)
class Coverage:
    """How far the stored bars of a security reach; `synced_at` (market time) is the last look."""

    security_id: int
    currency: str
    first_day: date | None
    last_day: date | None
    bars: int
    synced_at: datetime


MISSING = -1
"""Stands for a figure that is missing in a column of prices, which are above zero."""


@dataclass(frozen=True, slots=True)
class BarColumns:
    """Bars as columns, oldest first: whole numbers joined by commas, "" without any row.

    A text is made by the database and unpacked by a thread that computes, so that no row of it is
    ever handled on the event loop. `days` are proleptic ordinals, prices millionths as received,
    MISSING where there is none. `numerators` and `denominators` make them raw: price × numerator /
    denominator; both are "" when all prices are raw already.
    """

    days: str
    open: str
    high: str
    low: str
    close: str
    numerators: str = ""
    denominators: str = ""


@dataclass(frozen=True, slots=True)
class StoredPrices:
    """What is stored of one security's past; splits and dividends in the order of their days.

    `currency` is that of the bars, "" while none were ever asked for.
    """

    security_id: int
    currency: str
    columns: BarColumns
    splits: tuple[Split, ...]
    dividends: tuple[ShareDividend, ...]


@dataclass(frozen=True, slots=True)
class RateColumns:
    """Reference rates of one currency, oldest first: ordinals and units for one EUR, as texts."""

    days: str
    values: str


@dataclass(frozen=True, slots=True)
class PriceBook:
    """Prices of some securities with the rates of every currency they are in, or pay in."""

    prices: tuple[StoredPrices, ...]
    rates: Mapping[str, RateColumns]


MOST_DENOMINATOR = 10**9
"""Keeps a chain of splits within what a database can hold; it is off by less than any tick."""


def split_basis(day: date, splits: Iterable[Split], adjusted_to: date | None) -> tuple[int, int]:
    """Numerator and denominator by which a price of `day`, adjusted for the splits up to and
    including `adjusted_to`, becomes raw; both are 1 for one that is raw already.
    """
    if adjusted_to is None:
        return 1, 1
    basis = Fraction(1)
    for split in splits:
        if day < split.ex_date <= adjusted_to:
            basis *= Fraction(split.ratio)
    basis = basis.limit_denominator(MOST_DENOMINATOR)
    return basis.numerator, basis.denominator
