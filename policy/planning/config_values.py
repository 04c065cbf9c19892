"""Readers of single values of a configuration: each gives the value or raises Bad with the bound.

TOML fractions come as Decimal. A value that is absurdly long is never written out.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final, cast

from ledger.currency import BASE
from ledger.money import Money
from policy.planning.config_schema import Key, Kind, Setting

SHARE_DIGITS = 9
MOST_SHARES = 8
_SHOWN = 40


class Bad(Exception):
    """The value is not what its key may hold; the text completes 'key = value: …'."""


def read_value(key: Key, raw: object) -> Setting:
    """The value of a key as its configuration holds it; raises Bad."""
    return _READERS[key.kind](key, raw)


def shown(raw: object) -> str:
    """A value as its owner wrote it, shortened."""
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, str):
        return f'"{raw[:_SHOWN]}…"' if len(raw) > _SHOWN else f'"{raw}"'
    if isinstance(raw, int) and abs(raw) >= 10**_SHOWN:
        return "a number without end"
    if isinstance(raw, Mapping):
        return "a table"
    if isinstance(raw, list):
        return "a list"
    text = str(raw)
    return f"{text[:_SHOWN]}…" if len(text) > _SHOWN else text


def _text(key: Key, raw: object) -> str:
    if isinstance(raw, str) and key.low <= len(raw) <= key.high and raw.isprintable():
        return raw
    raise Bad(f"must be a text in quotes of {key.low} to {key.high} characters on one line")


def _switch(_: Key, raw: object) -> bool:
    if isinstance(raw, bool):
        return raw
    raise Bad("must be true or false")


def _choice(key: Key, raw: object) -> str:
    if isinstance(raw, str) and raw in key.choices:
        return raw
    found = difflib.get_close_matches(shown(raw).strip('"'), key.choices, n=1)
    hint = f", did you mean {found[0]}?" if found else ""
    raise Bad(f"must be one of {', '.join(key.choices)}{hint}")


def _count(key: Key, raw: object) -> int:
    if isinstance(raw, int) and not isinstance(raw, bool) and key.low <= raw <= key.high:
        return raw
    raise Bad(f"must be a whole number from {key.low} to {key.high} {key.unit}".rstrip())


def _number(key: Key, raw: object) -> float:
    number = _within(key, raw)
    if number is None:
        raise Bad(f"must be a number from {key.low} to {key.high}")
    return float(number)


def _share(key: Key, raw: object) -> Decimal:
    number = _within(key, raw)
    if number is None or number != round(number, SHARE_DIGITS):
        raise Bad(f"must be a fraction from {key.low} to {key.high}, of at most nine decimals")
    return number


def _euro(key: Key, raw: object) -> Money:
    number = _within(key, raw)
    if number is None or number != round(number, 2):
        raise Bad(f"must be from {key.low} to {key.high} EUR, with at most two decimals")
    return Money.of(round(number, 2), BASE)


def _shares(key: Key, raw: object) -> tuple[Decimal, ...]:
    parts = cast("list[object]", raw) if isinstance(raw, list) else []
    found = [_within(key, part) for part in parts[: MOST_SHARES + 1]]
    kept = tuple(part for part in found if part is not None and round(part, SHARE_DIGITS) == part)
    distinct = len(set(kept)) == len(found) and all(part > key.low for part in kept)
    if distinct and 1 <= len(kept) <= MOST_SHARES:
        return kept
    raise Bad(
        f"must be 1 to {MOST_SHARES} different fractions above {key.low} and up to {key.high}"
    )


def _within(key: Key, raw: object) -> Decimal | None:
    """The number within its bounds; None when it is no number or beyond them."""
    if isinstance(raw, bool) or not isinstance(raw, int | Decimal):
        return None
    if isinstance(raw, Decimal) and not raw.is_finite():
        return None
    return Decimal(raw) if key.low <= raw <= key.high else None


_READERS: Final[Mapping[Kind, Callable[[Key, object], Setting]]] = {
    "text": _text,
    "switch": _switch,
    "choice": _choice,
    "count": _count,
    "number": _number,
    "share": _share,
    "euro": _euro,
    "shares": _shares,
}
