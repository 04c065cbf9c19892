"""What one run of the optimizer rests on: plain numbers, frozen, and the hash that names them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal

import numpy as np

from kernels.checks import Floats
from ledger.money import Money
from ledger.regime import Regime
from policy.optimizer.outlook import Outlook

PLACES = Decimal("0.000001")
"""Weights are kept in millionths."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One security of the universe, held or not. Shares are fractions of the total value T.

    `current` is its weight, `lot_share` that of one lot (None without a price) and `single_lot`
    whether no more than one lot is held. `idle` says why its weight is nobody's to change (not
    active, not confirmed …), None when it takes part. `growth` is the yearly growth of its total
    return in EUR, None when its history is too short; `score` 0 to 1, None without one. `bonus` is
    the dividend money that waits for it as a part of its value, at most 0.05. `country` and
    `industries` name the owner's groups it is in, an equal part of it in each industry. `column`
    is its place in the returns, None when it has none.
    """

    symbol: str
    current: Decimal
    lot_share: Decimal | None
    single_lot: bool
    allow_buy: bool
    allow_sell: bool
    idle: str | None
    min_target: Decimal | None
    max_target: Decimal | None
    priority: Decimal
    growth: float | None
    score: float | None
    bonus: float
    country: str
    industries: tuple[str, ...]
    column: int | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OptimizerInput:
    """Everything a run depends on. `members` are sorted by symbol.

    `returns` (weeks, columns) float64: simple weekly returns in EUR with what was paid, oldest
    first, NaN where a week has no bar. `countries` and `industries` are the owner's targets by
    group, fractions that add up to 1, empty when nothing is wanted. `reserve` is the share of T
    that stays cash. `cost_fixed` (EUR) and `cost_percent` are what a trade costs.
    """

    market_at: datetime
    machine_at: datetime
    total: Money
    members: tuple[Member, ...]
    returns: Floats
    countries: Mapping[str, Decimal]
    industries: Mapping[str, Decimal]
    regime: Regime
    outlook: Outlook
    reserve: Decimal
    max_position: Decimal
    blend: float
    target_return: float
    cost_fixed: float
    cost_percent: float

    @property
    def inputs_hash(self) -> str:
        """BLAKE2b (32 hex digits) over all of it except the two instants."""
        digest = hashlib.blake2b(digest_size=16)
        plain = json.dumps(dict(_plain(self)), sort_keys=True, separators=(",", ":"))
        digest.update(plain.encode())
        digest.update(np.ascontiguousarray(self.returns, dtype="<f8").tobytes())
        return digest.hexdigest()


def _plain(given: OptimizerInput) -> Iterator[tuple[str, object]]:
    for field in fields(given):
        value = getattr(given, field.name)
        if field.name in {"market_at", "machine_at", "returns"}:
            continue
        if field.name == "members":
            yield field.name, [[str(getattr(m, f.name)) for f in fields(m)] for m in value]
        elif field.name in {"countries", "industries"}:
            yield field.name, {name: str(target) for name, target in value.items()}
        elif field.name == "regime":
            yield field.name, [value.regime, repr(value.confidence)]
        else:
            yield field.name, str(value)
    yield "weeks", list(given.returns.shape)
