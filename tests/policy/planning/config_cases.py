"""Values of configuration keys other than their defaults, and how a text writes them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from ledger.money import Money
from policy.planning.config_schema import Key, Kind, Setting


def other_value(key: Key) -> Setting:
    """A value the key may hold that is not its default."""
    default = key.default
    if key.kind == "switch":
        return not default
    if key.kind == "choice":
        return next(choice for choice in key.choices if choice != default)
    if key.kind == "count":
        return _other_count(key, default)
    others: Mapping[Kind, tuple[Setting, ...]] = {
        "text": ("another",),
        "number": (float(key.high), float(key.low)),
        "share": ((key.low + key.high) / 4, (key.low + key.high) / 8),
        "euro": (Money.of(33, "EUR"),),
        "shares": ((Decimal("0.25"), Decimal("0.8")),),
    }
    return next(value for value in others[key.kind] if value != default)


def _other_count(key: Key, default: Setting) -> int:
    if default is None:
        return 100
    assert isinstance(default, int)
    return default - 1 if default > key.low else default + 1


def written(values: Mapping[Key, object], *, raw: bool = False) -> str:
    """A text with these values, table by table; `raw` takes them as they stand."""
    tables: dict[str, list[str]] = {}
    for key, value in values.items():
        told = str(value) if raw else _toml(value)
        lines = tables.setdefault(".".join(key.path[:-1]), [])
        lines.append(f"{key.path[-1]} = {told}")
    return "".join("\n".join((f"[{name}]", *lines, "")) for name, lines in tables.items())


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, Money):
        return str(value.amount)
    if isinstance(value, tuple):
        return f"[{', '.join(_toml(part) for part in value)}]"
    return str(value)
