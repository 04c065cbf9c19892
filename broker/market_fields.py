"""One field of a market file from text to value, or the reason why not.

Strict on purpose: ISO dates with dashes, plain decimals, no signs or exponents where none belong.
A price that was misread by a factor of a thousand looks like a bargain.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Decimal

from ledger.currency import exponent, is_known
from ledger.isin import is_isin, looks_like_isin

MICRO_DIGITS = 6
# What London calls a price in pence: hundredths of the pound in which it is paid.
PENCE, POUND = "GBX", "GBP"
PENCE_DIGITS = MICRO_DIGITS - 2
LARGEST = 10**12  # units; keeps millionths inside 64 bits
LARGEST_VOLUME = 10**18
LONGEST_TEXT = 200
MEMO_SIZE = 1 << 14

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?Z")
_DECIMAL = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,18})?")
_SYMBOL = re.compile(r"[A-Za-z0-9^][A-Za-z0-9.^&_-]{0,31}")


class BadField(ValueError):
    """Why a field cannot be used; becomes the reason of a bad row."""


def day(text: str) -> date:
    if not _DATE.fullmatch(text):
        raise BadField(f"{text!r} is not a date like 2009-01-05")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadField(f"{text!r} is not a day of the calendar") from None


def instant(text: str, field: str) -> datetime:
    """An instant in UTC, to the second; aware."""
    if not _INSTANT.fullmatch(text):
        raise BadField(f"{field} {text!r} is not an instant like 2009-01-05T08:00:00Z")
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        raise BadField(f"{field} {text!r} is not an instant of the calendar") from None


def decimal(text: str, field: str) -> Decimal:
    if not _DECIMAL.fullmatch(text):
        raise BadField(f"{field} {text!r} is not a plain decimal number")
    value = Decimal(text)
    if abs(value) > LARGEST:
        raise BadField(f"{field} {text} is out of range")
    return value


def positive(text: str, field: str) -> Decimal:
    value = decimal(text, field)
    if value <= 0:
        raise BadField(f"{field} {text} is not above zero")
    return value


def scaled(text: str, digits: int, field: str) -> int:
    """A positive decimal in units of 10**-digits, rounded half to even; never rounded to 0."""
    units, point, fraction = text.partition(".")
    figures, missing = units + fraction, digits - len(fraction)
    if missing >= 0 and units and bool(point) == bool(fraction) and figures.isdecimal():
        # Exact, and several times as fast as by way of Decimal.
        value = int(figures) * 10**missing if figures.isascii() and len(units) <= 15 else 0
        if 0 < value <= LARGEST * 10**digits:
            return value
    rounded = positive(text, field).scaleb(digits).to_integral_value(ROUND_HALF_EVEN)
    if rounded == 0:
        raise BadField(f"{field} {text} is too small")
    return int(rounded)


def exact_micro(text: str, field: str) -> int:
    """A positive number of millionths; a finer quantity is an error, not a rounding."""
    value = positive(text, field).scaleb(MICRO_DIGITS)
    if value != value.to_integral_value():
        raise BadField(f"{field} {text} is finer than a millionth")
    return int(value)


def minor(text: str, code: str, field: str) -> int:
    """An amount of either sign in whole minor units of currency `code`."""
    value = decimal(text, field).scaleb(exponent(code))
    if value != value.to_integral_value():
        raise BadField(f"{field} {text} is finer than the smallest unit of {code}")
    return int(value)


def volume(text: str) -> int:
    """Units traded; zero is allowed, and a whole number written with a decimal point."""
    return whole(text.removesuffix(".0"), "volume")


def whole(text: str, field: str) -> int:
    value = int(text) if text.isdigit() and text.isascii() else -1
    if not 0 <= value <= LARGEST_VOLUME:
        raise BadField(f"{field} {text!r} is not a whole number")
    return value


def currency(text: str) -> str:
    if not is_known(text):
        raise BadField(f"currency {text!r} is not known")
    return text


def quoted(text: str) -> tuple[str, int]:
    """The currency of prices given in `text`, and the decimals with which they are millionths."""
    return (POUND, PENCE_DIGITS) if text == PENCE else (currency(text), MICRO_DIGITS)


def symbol(text: str) -> str:
    if not _SYMBOL.fullmatch(text):
        raise BadField(f"symbol {text!r} is not a ticker")
    return text


def isin(text: str) -> str:
    """An ISIN whose check digit holds."""
    if not looks_like_isin(text):
        raise BadField(f"ISIN {text!r} is not two letters, nine characters and a digit")
    if not is_isin(text):
        raise BadField(f"ISIN {text} has a wrong check digit")
    return text


def required(text: str, field: str) -> str:
    if not text.strip() or len(text) > LONGEST_TEXT:
        raise BadField(f"{field} is empty or longer than {LONGEST_TEXT} characters")
    return text.strip()


def optional(text: str, field: str) -> str | None:
    return required(text, field) if text.strip() else None


class DayMemo:
    """Remembers the days of one load, where the same text comes again and again."""

    __slots__ = ("_days",)

    def __init__(self) -> None:
        self._days: dict[str, int] = {}

    def ordinal(self, text: str) -> int:
        found = self._days.get(text)
        if found is None:
            if len(self._days) >= MEMO_SIZE:
                self._days.clear()
            found = self._days[text] = day(text).toordinal()
        return found
