"""What speaks for rebalancing, as rebalancer and web see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from ledger.money import Money


@dataclass(frozen=True, slots=True)
class OutsideBand:
    """A security whose weight is further from its target than a position of its size may be.

    All figures are fractions of the total value; `target` is 0 for a holding without one.
    """

    symbol: str
    weight: Decimal
    target: Decimal
    band: Decimal


@dataclass(frozen=True, slots=True)
class Triggers:
    """Whether to rebalance, every reason for it (or the one against it), and who is off course."""

    triggered: bool
    reasons: tuple[str, ...]
    outside: tuple[OutsideBand, ...] = ()


@dataclass(frozen=True, slots=True)
class CashShortfalls:
    """What is missing to the reserve, by currency; `total_eur` is None while a rate is unknown."""

    has_negative: bool
    below_minimum: bool
    shortfalls: Mapping[str, Money]
    total_eur: Money | None
