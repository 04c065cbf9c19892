"""The registry of keys: complete, without a name twice, and with defaults within their bounds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from typing import Any

import pytest

from ledger.money import Money
from policy.planning.config import DEFAULT_CONFIG
from policy.planning.config_schema import KEYS, Key, Path


def places(record: Any, path: Path = ()) -> Iterator[Path]:
    """Where every single value of a configuration is."""
    if isinstance(record, Mapping):
        for name, inner in record.items():
            yield from places(inner, (*path, name))
    elif is_dataclass(record) and not isinstance(record, Money):
        for one in fields(record):
            yield from places(getattr(record, one.name), (*path, one.name))
    else:
        yield path


def test_every_value_of_a_configuration_has_exactly_one_key() -> None:
    assert sorted(key.where for key in KEYS) == sorted(places(DEFAULT_CONFIG))
    assert len({key.path for key in KEYS}) == len(KEYS)


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.name)
def test_every_default_is_within_its_own_bounds(key: Key) -> None:
    default = key.default
    assert key.meaning
    if isinstance(default, Money):
        default = default.amount
    if isinstance(default, str) and key.kind == "choice":
        assert default in key.choices
    elif isinstance(default, int | float | Decimal) and not isinstance(default, bool):
        assert key.low <= Decimal(str(default)) <= key.high
