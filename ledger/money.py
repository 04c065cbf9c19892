"""Money, prices and quantities as scaled integers; every rounding names its direction.

`Money.minor` counts the smallest unit of its currency (cents). `Price.micro` counts millionths of
one currency unit per share, `Quantity.micro` millionths of a share. Multiplying a price by a
quantity is exact in units of 1e-12; only the last step to minor units rounds.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from enum import Enum

from ledger.currency import exponent
from ledger.errors import BadData, CurrencyMismatch

MICRO = 1_000_000


class Rounding(Enum):
    """Direction in which an exact amount becomes whole minor units."""

    FLOOR = "floor"  # what we receive
    CEIL = "ceil"  # what we pay
    HALF_EVEN = "half_even"  # what we show


def divide(numerator: int, denominator: int, rounding: Rounding) -> int:
    """Integer division rounded as named; `denominator` must be positive."""
    if denominator <= 0:
        raise BadData(f"division by {denominator}")
    quotient, rest = divmod(numerator, denominator)
    if rest == 0 or rounding is Rounding.FLOOR:
        return quotient
    if rounding is Rounding.CEIL:
        return quotient + 1
    twice = 2 * rest
    if twice == denominator:
        return quotient + (quotient & 1)
    return quotient + (1 if twice > denominator else 0)


def _whole(value: Decimal, places: int) -> int | None:
    """`value` × 10**places when that is a whole number; exact, whatever the decimal context."""
    if not value.is_finite():
        return None
    numerator, denominator = value.as_integer_ratio()
    whole, rest = divmod(numerator * 10**places, denominator)
    return None if rest else whole


@dataclass(frozen=True, slots=True)
class Money:
    """An amount of one currency in its smallest unit; may be negative."""

    minor: int
    currency: str

    @classmethod
    def zero(cls, currency: str) -> Money:
        return cls(0, currency)

    @classmethod
    def of(cls, amount: Decimal | int | str, currency: str) -> Money:
        """Exactly `amount`; raises BadData when it has more decimals than the currency."""
        minor = _whole(Decimal(amount), exponent(currency))
        if minor is None:
            raise BadData(f"{amount} {currency} is not a whole number of its smallest unit")
        return cls(minor, currency)

    @classmethod
    def half_even(cls, amount: Decimal, currency: str) -> Money:
        """`amount` rounded half to even to the smallest unit."""
        if not amount.is_finite():
            raise BadData(f"{amount} {currency} is not an amount")
        scaled = amount.scaleb(exponent(currency)).to_integral_value(ROUND_HALF_EVEN)
        return cls(int(scaled), currency)

    @property
    def amount(self) -> Decimal:
        return Decimal(self.minor).scaleb(-exponent(self.currency))

    def _same(self, other: Money) -> int:
        if self.currency != other.currency:
            raise CurrencyMismatch(self.currency, other.currency)
        return other.minor

    def __add__(self, other: Money) -> Money:
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.minor - self._same(other), self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.minor < self._same(other)

    def __le__(self, other: Money) -> bool:
        return self.minor <= self._same(other)

    def __gt__(self, other: Money) -> bool:
        return self.minor > self._same(other)

    def __ge__(self, other: Money) -> bool:
        return self.minor >= self._same(other)

    def __str__(self) -> str:
        return f"{self.amount:,.{exponent(self.currency)}f} {self.currency}"


@dataclass(frozen=True, slots=True)
class Quantity:
    """Shares (or units of a currency pair's base) in millionths; may be negative as a delta."""

    micro: int

    @classmethod
    def of(cls, units: Decimal | int | str) -> Quantity:
        """Exactly `units`; raises BadData below a millionth."""
        micro = _whole(Decimal(units), 6)
        if micro is None:
            raise BadData(f"quantity {units} is finer than a millionth")
        return cls(micro)

    @property
    def units(self) -> Decimal:
        value = Decimal(self.micro).scaleb(-6).normalize()
        return value.quantize(Decimal(1)) if value == value.to_integral_value() else value

    def floor_to_lot(self, lot: Quantity) -> Quantity:
        """The largest multiple of `lot` not above this quantity."""
        return Quantity(divide(self.micro, lot.micro, Rounding.FLOOR) * lot.micro)

    def ceil_to_lot(self, lot: Quantity) -> Quantity:
        """The smallest multiple of `lot` not below this quantity."""
        return Quantity(divide(self.micro, lot.micro, Rounding.CEIL) * lot.micro)

    def is_multiple_of(self, lot: Quantity) -> bool:
        return lot.micro > 0 and self.micro % lot.micro == 0

    def __add__(self, other: Quantity) -> Quantity:
        return Quantity(self.micro + other.micro)

    def __sub__(self, other: Quantity) -> Quantity:
        return Quantity(self.micro - other.micro)

    def __neg__(self) -> Quantity:
        return Quantity(-self.micro)

    def __lt__(self, other: Quantity) -> bool:
        return self.micro < other.micro

    def __le__(self, other: Quantity) -> bool:
        return self.micro <= other.micro

    def __gt__(self, other: Quantity) -> bool:
        return self.micro > other.micro

    def __ge__(self, other: Quantity) -> bool:
        return self.micro >= other.micro

    def __str__(self) -> str:
        return f"{self.units:f}"


@dataclass(frozen=True, slots=True)
class Price:
    """Currency units per share (or quote units per base unit) in millionths; positive."""

    micro: int
    currency: str

    @classmethod
    def of(cls, value: Decimal | int | str, currency: str) -> Price:
        """`value` rounded half to even to a millionth; raises BadData unless that is positive."""
        exact = Decimal(value)
        micro = int(exact.scaleb(6).to_integral_value(ROUND_HALF_EVEN)) if exact.is_finite() else 0
        if micro <= 0:
            raise BadData(f"price {value} {currency} is not positive")
        return cls(micro, currency)

    @property
    def value(self) -> Decimal:
        return Decimal(self.micro).scaleb(-6)

    def times(self, quantity: Quantity, rounding: Rounding) -> Money:
        """Value of `quantity` at this price in minor units, rounded as named."""
        scale = 10 ** (12 - exponent(self.currency))
        return Money(divide(self.micro * quantity.micro, scale, rounding), self.currency)

    def floor_to_tick(self, tick: Price) -> Price:
        step = self._same(tick)
        return Price(divide(self.micro, step, Rounding.FLOOR) * step, self.currency)

    def ceil_to_tick(self, tick: Price) -> Price:
        step = self._same(tick)
        return Price(divide(self.micro, step, Rounding.CEIL) * step, self.currency)

    def scaled(self, factor: Decimal, rounding: Rounding = Rounding.HALF_EVEN) -> Price:
        """This price times an exact factor, rounded to a millionth."""
        numerator, denominator = factor.as_integer_ratio()
        return Price(divide(self.micro * numerator, denominator, rounding), self.currency)

    def _same(self, other: Price) -> int:
        if self.currency != other.currency:
            raise CurrencyMismatch(self.currency, other.currency)
        return other.micro

    def __lt__(self, other: Price) -> bool:
        return self.micro < self._same(other)

    def __le__(self, other: Price) -> bool:
        return self.micro <= self._same(other)

    def __gt__(self, other: Price) -> bool:
        return self.micro > self._same(other)

    def __ge__(self, other: Price) -> bool:
        return self.micro >= self._same(other)

    def __str__(self) -> str:
        return f"{self.value.normalize():f} {self.currency}"
