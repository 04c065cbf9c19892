"""The table of all keys of a strategy in docs/strategies.md, from the registry that checks them.

Run `python -m tools.strategy_keys` after a key was added, removed or described otherwise.
"""

from __future__ import annotations

import re
from decimal import Decimal
from itertools import groupby
from pathlib import Path

from ledger.money import Money
from policy.planning.config import PATTERNS
from policy.planning.config_schema import KEYS, Key, Setting

DOCUMENT = Path(__file__).parent.parent / "docs/strategies.md"
TABLE = re.compile(r"\| Table \| Key .*?(?=\n\n|\Z)", re.DOTALL)
HEADER = "| Table | Key | Default | Bounds | Meaning |\n|---|---|---|---|---|\n"
# What all patterns have is told once.
_PATTERN_ROWS = frozenset({"enabled", "max_depth"})


def table() -> str:
    """The whole table in Markdown."""
    rows: list[str] = []
    keys = [key for key in KEYS if not _repeated(key)]
    for name, group in groupby(keys, key=_table_of):
        for number, key in enumerate(group):
            shown = f"`[{name}]`" if number == 0 else ""
            default = "by pattern" if _of_every_pattern(key) else told(key.default)
            rows.append(
                f"| {shown} | `{key.path[-1]}` | {default} | {bounds(key)} | {key.meaning} |"
            )
    return HEADER + "\n".join(rows)


def _table_of(key: Key) -> str:
    path = key.path[:-1]
    return ".".join((path[0], "*", *path[2:]) if _of_every_pattern(key) else path)


def _of_every_pattern(key: Key) -> bool:
    return key.path[0] == "pattern_generators" and key.path[-1] in _PATTERN_ROWS


def _repeated(key: Key) -> bool:
    return _of_every_pattern(key) and key.path[1] != PATTERNS[0]


def told(value: Setting) -> str:
    """A default as a text would write it."""
    if value is None or value == "":
        return "none"
    if isinstance(value, bool):
        return "`true`" if value else "`false`"
    if isinstance(value, Money):
        value = value.amount
    if isinstance(value, tuple):
        return f"`[{', '.join(str(part) for part in value)}]`"
    if isinstance(value, Decimal):
        return f"`{value}`"
    return f'`"{value}"`' if isinstance(value, str) else f"`{value}`"


def bounds(key: Key) -> str:
    if key.kind == "switch":
        return "true, false"
    if key.kind == "choice":
        return ", ".join(f"`{choice}`" for choice in key.choices)
    span = f"{key.low:,} to {key.high:,}"
    return f"{span} {key.unit}" if key.unit not in {"", "fraction"} else span


def main() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    DOCUMENT.write_text(TABLE.sub(lambda _: table(), text), encoding="utf-8")


if __name__ == "__main__":
    main()
