"""Between the values of the ledger and what SQLite keeps: integers, text and JSON text."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import msgspec

from ledger.errors import BadData
from ledger.money import Money, Price
from store.engine import Row

T = TypeVar("T")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


def to_ms(at: datetime) -> int:
    """Whole milliseconds since 1970; raises BadData for an instant without a zone."""
    if at.tzinfo is None:
        raise BadData(f"instant {at} has no time zone")
    return (at - _EPOCH) // _MS


def from_ms(value: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=value)


def maybe_ms(at: datetime | None) -> int | None:
    return None if at is None else to_ms(at)


def maybe_instant(value: int | None) -> datetime | None:
    return None if value is None else from_ms(value)


def maybe_money(row: Row, minor: str, currency: str) -> Money | None:
    """The money in two columns; None when the amount is missing."""
    return None if row[minor] is None else Money(row[minor], row[currency])


def maybe_price(row: Row, micro: str, currency: str) -> Price | None:
    return None if row[micro] is None else Price(row[micro], row[currency])


def sql_list(names: Iterable[str]) -> str:
    """Names of our own as the inside of an SQL list."""
    return ", ".join(f"'{name}'" for name in sorted(names))


def to_json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def from_json(text: str, kind: type[T]) -> T:
    """`text` as a value of `kind`; raises BadData when it does not have that shape."""
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.ValidationError as error:
        raise BadData(f"stored {kind.__name__} cannot be read: {error}") from error
