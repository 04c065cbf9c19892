"""Exchange rates with their age. rate(a→b) is units of b for one a; unknown is never 1.0."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property

from ledger.currency import BASE, exponent
from ledger.errors import BadData, CurrencyMismatch
from ledger.money import Money, Rounding, divide


@dataclass(frozen=True, slots=True)
class Rate:
    """`value` units of `quote` for one unit of `base`, as published for `as_of`."""

    base: str
    quote: str
    value: Decimal
    as_of: date
    source: str

    def __post_init__(self) -> None:
        if not self.value.is_finite() or self.value <= 0:
            raise BadData(f"rate {self.base}→{self.quote} {self.value} is not positive")

    def convert(self, money: Money, rounding: Rounding) -> Money:
        """`money` of the base currency in the quote currency."""
        if money.currency != self.base:
            raise CurrencyMismatch(money.currency, self.base)
        numerator, denominator = self.ratio
        return Money(divide(money.minor * numerator, denominator, rounding), self.quote)

    @property
    def ratio(self) -> tuple[int, int]:
        """Minor units of `quote` for minor units of `base`, as an exact fraction."""
        numerator, denominator = self.value.as_integer_ratio()
        shift = exponent(self.quote) - exponent(self.base)
        if shift >= 0:
            return numerator * 10**shift, denominator
        return numerator, denominator * 10**-shift

    @property
    def inverse(self) -> Rate:
        return Rate(self.quote, self.base, 1 / self.value, self.as_of, self.source)


@dataclass(frozen=True, slots=True)
class HeldRate:
    """A rate that is not used until a second source confirms it, and why; market time."""

    rate: Rate
    reason: str
    fetched_at: datetime


@dataclass(frozen=True)
class RateTable:
    """Units of each currency for one EUR. A currency that is not here has no known rate.

    Cross rates and exact fractions are worked out once per pair: a plan asks for the same few
    thousands of times.
    """

    per_eur: Mapping[str, Rate]

    @cached_property
    def _rates(self) -> dict[tuple[str, str], Rate | None]:
        return {}

    @cached_property
    def _ratios(self) -> dict[tuple[str, str], tuple[int, int] | None]:
        return {}

    def rate(self, base: str, quote: str) -> Rate | None:
        """The rate base→quote across EUR, as old as its older leg; None when unknown."""
        pair = base, quote
        if pair not in self._rates:
            self._rates[pair] = self._across(base, quote)
        return self._rates[pair]

    def convert(self, money: Money, currency: str, rounding: Rounding) -> Money | None:
        """`money` in `currency`; None when no rate is known."""
        if money.currency == currency:
            return money
        pair = money.currency, currency
        if pair not in self._ratios:
            rate = self.rate(*pair)
            self._ratios[pair] = None if rate is None else rate.ratio
        ratio = self._ratios[pair]
        if ratio is None:
            return None
        return Money(divide(money.minor * ratio[0], ratio[1], rounding), currency)

    def to_eur(self, money: Money) -> Money | None:
        return self.convert(money, BASE, Rounding.HALF_EVEN)

    def _across(self, base: str, quote: str) -> Rate | None:
        if base == quote:
            return None
        if base == BASE:
            return self.per_eur.get(quote)
        leg = self.per_eur.get(base)
        if leg is None:
            return None
        if quote == BASE:
            return leg.inverse
        other = self.per_eur.get(quote)
        if other is None:
            return None
        return Rate(base, quote, other.value / leg.value, min(leg.as_of, other.as_of), other.source)
