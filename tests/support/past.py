"""Stored pasts of a security, built from a few closes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

from ledger.bar import BarColumns, RateColumns, ShareDividend, Split, StoredPrices
from ledger.money import Price

FIRST = date(2020, 1, 6)


def weekdays(count: int, first: date = FIRST) -> list[date]:
    """`count` Mondays to Fridays from `first`, a Monday, on."""
    return [first + timedelta(days=7 * (n // 5) + n % 5) for n in range(count)]


def packed(numbers: Sequence[int]) -> str:
    return ",".join(map(str, numbers))


def micro(price: float) -> int:
    return round(price * 1_000_000)


def columns(
    close: Sequence[float],
    *,
    days: Sequence[date] | None = None,
    opened: Sequence[float] | None = None,
    high: Sequence[float] | None = None,
    low: Sequence[float] | None = None,
) -> BarColumns:
    """Bars of consecutive weekdays; all of a day at its close, where nothing else is said."""

    def column(values: Sequence[float] | None) -> str:
        return packed([micro(value) for value in (close if values is None else values)])

    used = weekdays(len(close)) if days is None else days
    ordinals = packed([day.toordinal() for day in used])
    return BarColumns(ordinals, column(opened), column(high), column(low), column(close))


def stored(
    bars: BarColumns,
    *,
    currency: str = "EUR",
    splits: Sequence[Split] = (),
    dividends: Sequence[ShareDividend] = (),
) -> StoredPrices:
    return StoredPrices(1, currency, bars, tuple(splits), tuple(dividends))


def dividend(day: date, amount: str, currency: str = "EUR") -> ShareDividend:
    return ShareDividend(day, None, Price.of(amount, currency))


def split(day: date, ratio: str) -> Split:
    return Split(day, Decimal(ratio))


def rate_columns(rates: dict[date, str]) -> RateColumns:
    return RateColumns(packed([day.toordinal() for day in rates]), ",".join(rates.values()))
