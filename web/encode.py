"""JSON as it leaves: numbers for decimals, RFC 3339 with Z, encoded once per board version.

Money is rounded to its currency's exponent by construction (`Money.amount`); prices keep the
decimals they are quoted with, at least those of their currency.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import TypeAlias

import msgspec

from ledger.currency import exponent, is_known
from ledger.money import Money, Price

Json: TypeAlias = "str | int | float | bool | Decimal | Mapping[str, Json] | Sequence[Json] | None"

_encoder = msgspec.json.Encoder(decimal_format="number")


def encode(value: object) -> bytes:
    """`value` (structs, mappings, sequences, scalars) as JSON."""
    return _encoder.encode(value)


def amount(money: Money | None) -> Decimal | None:
    return None if money is None else money.amount


def price(value: Price | None) -> Decimal | None:
    """Currency units per share without superfluous zeros."""
    if value is None:
        return None
    places = exponent(value.currency) if is_known(value.currency) else 0
    exact = value.value.normalize()
    shown = exact.as_tuple().exponent
    if isinstance(shown, int) and -shown >= places:
        return exact
    return exact.quantize(Decimal(1).scaleb(-places))


def fraction(part: Money | None, whole: Money | None) -> Decimal | None:
    """part / whole to four decimals; None when either is unknown or the whole is not positive."""
    if part is None or whole is None or whole.minor <= 0:
        return None
    return (Decimal(part.minor) / whole.minor).quantize(Decimal("0.0001"), ROUND_HALF_EVEN)


def score(value: float | None, places: int = 2) -> float | None:
    return None if value is None else round(value, places)


class EncodedOnce:
    """The bytes of one answer per name, valid for one combination of board versions."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[tuple[int, ...], bytes]] = {}

    def get(self, name: str, versions: tuple[int, ...], build: Callable[[], object]) -> bytes:
        """The kept bytes when they were built from `versions`, else those of `build()`."""
        kept = self._kept.get(name)
        if kept is not None and kept[0] == versions:
            return kept[1]
        data = encode(build())
        self._kept[name] = (versions, data)
        return data
