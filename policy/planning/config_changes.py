"""What changed between two versions of a configuration, in one line for its history."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

from ledger.planner_config import StoredConfig
from policy.planning.config import PlannerConfig
from policy.planning.config_schema import KEYS, Key, Setting, value_at
from policy.planning.config_text import read_config

MOST = 3
"""Changes that are named; of more only how many there are."""


def change_summary(before: StoredConfig, *, name: str, toml: str, bucket_id: str | None) -> str:
    """Such as "max_depth 5 → 7, beam_width 10 → 20, +2 −2 lines"."""
    told = list(_labels(before, name, bucket_id))
    if toml != before.toml:
        told += [*_keys(before.toml, toml), _lines(before.toml, toml)]
    return ", ".join(told) or "nothing"


def _labels(before: StoredConfig, name: str, bucket_id: str | None) -> Iterator[str]:
    if name != before.name:
        yield f"name {before.name} → {name}"
    if bucket_id != before.bucket_id:
        yield f"bucket {before.bucket_id or 'none'} → {bucket_id or 'none'}"


def _keys(before: str, after: str) -> Iterator[str]:
    old, new = read_config(before).config, read_config(after).config
    if old is None or new is None:
        return
    changed = [key for key in KEYS if value_at(old, key.where) != value_at(new, key.where)]
    for key in changed[:MOST]:
        yield f"{_short(key)} {_told(old, key)} → {_told(new, key)}"
    if len(changed) > MOST:
        yield f"{len(changed) - MOST} more keys"


def _short(key: Key) -> str:
    """The name without the words that every key of its kind shares."""
    return ".".join(part for part in key.path[1:] if part != "params")


def _told(config: PlannerConfig, key: Key) -> str:
    return _plain(value_at(config, key.where))


def _plain(value: Setting) -> str:
    if value is None:
        return "unset"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return "/".join(map(_plain, value))
    if isinstance(value, Decimal):
        return format(value.normalize() + 0, "f")
    text = str(value)
    return text if len(text) <= 40 else f"{text[:39]}…"


def _lines(before: str, after: str) -> str:
    """How many lines came and went, wherever they stand."""
    old, new = Counter(before.splitlines()), Counter(after.splitlines())
    return f"+{(new - old).total()} −{(old - new).total()} lines"
