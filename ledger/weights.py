"""Where the money is: the one definition of weight that every screen and alert uses.

A weight is a value in EUR ÷ the total value, positions and cash together, so that all weights and
the share of cash add up to 1. A position of several industries counts in equal parts in each, to
the cent. Names that differ in case or spacing only are one name. While a value is unknown the
total is, and with it every weight.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, TypeVar

from ledger.allocation import folded, industries_of
from ledger.money import Money
from ledger.portfolio import Position
from ledger.security import Security

UNKNOWN = "unknown"
"""The country or industry of a security for which nobody has said one."""
TOLERANCE = Decimal("0.02")
"""A weight this near its target is as wanted."""
COUNTRY_LIMIT = Decimal("0.35")
INDUSTRY_LIMIT = Decimal("0.30")
# Told from this part of a limit on, and urgent from that part.
ALERT_FROM = Decimal("0.80")
CRITICAL_FROM = Decimal("0.90")

Standing = Literal["underweight", "balanced", "overweight", "unknown"]
Concern = Literal["country", "sector", "position"]
Severity = Literal["warning", "critical", "breach"]
# What can be added up under a name: values, or shares of the total.
V = TypeVar("V", Money, Decimal)


def split(money: Money, parts: int) -> tuple[Money, ...]:
    """`money` in equal parts; the first ones carry the minor units that do not divide."""
    each, rest = divmod(money.minor, parts)
    return tuple(Money(each + (number < rest), money.currency) for number in range(parts))


def spellings(names: Iterable[str]) -> dict[str, str]:
    """For each folded name the spelling that is shown: of several the first by character."""
    shown: dict[str, str] = {}
    for name in names:
        key = folded(name)
        shown[key] = min(name, shown.get(key, name))
    return shown


def added(parts: Iterable[tuple[str, V]]) -> dict[str, V]:
    """The sum under each name, whatever its spelling."""
    listed = list(parts)
    shown = spellings(name for name, _ in listed)
    sums: dict[str, V] = {}
    for name, part in listed:
        key = shown[folded(name)]
        sums[key] = sums[key] + part if key in sums else part
    return sums


def _by_key(parts: Mapping[str, V]) -> dict[str, V]:
    """The sums by folded name."""
    return {folded(name): part for name, part in added(parts.items()).items()}


def countries_of(security: Security) -> tuple[str, ...]:
    return (security.instrument.country or UNKNOWN,)


def sectors_of(security: Security) -> tuple[str, ...]:
    """Its industries in alphabetical order, so that the odd cent always lands in the same one."""
    names = industries_of(security.instrument.industry)
    return tuple(sorted(names, key=folded)) or (UNKNOWN,)


def values_by(
    positions: Iterable[Position], names_of: Callable[[Security], tuple[str, ...]]
) -> dict[str, Money]:
    """EUR under each name; a position whose value is unknown is left out."""
    return added(
        (name, part)
        for position in positions
        if position.value_eur is not None
        for names in (names_of(position.security),)
        for name, part in zip(names, split(position.value_eur, len(names)), strict=True)
    )


@dataclass(frozen=True, slots=True)
class Weight:
    """One name: its value in EUR, its weight, and the weight aimed at; None is not known."""

    name: str
    value: Money | None
    weight: Decimal | None
    target: Decimal | None

    @property
    def deviation(self) -> Decimal | None:
        """Weight less target."""
        if self.weight is None or self.target is None:
            return None
        return self.weight - self.target

    @property
    def standing(self) -> Standing:
        deviation = self.deviation
        if deviation is None:
            return "unknown"
        if abs(deviation) <= TOLERANCE:
            return "balanced"
        return "underweight" if deviation < 0 else "overweight"


def weights(
    values: Mapping[str, Money],
    total: Money | None,
    targets: Mapping[str, Decimal] | None,
    names: Iterable[str] = (),
) -> tuple[Weight, ...]:
    """Everything held, aimed at or in `names`, by name.

    Without a known, positive total neither values nor weights are known; without `targets` no
    target is, and a name they do not hold is not wanted at all.
    """
    shown = spellings([*values, *(targets or ()), *names])
    worth = _by_key(values)
    wanted = None if targets is None else _by_key(targets)
    known = total is not None and total.minor > 0

    def row(key: str, name: str) -> Weight:
        target = None if wanted is None else wanted.get(key, Decimal(0))
        if total is None or not known:
            return Weight(name, None, None, target)
        value = worth.get(key, Money.zero(total.currency))
        return Weight(name, value, Decimal(value.minor) / total.minor, target)

    return tuple(sorted((row(*item) for item in shown.items()), key=lambda found: found.name))


@dataclass(frozen=True, slots=True)
class Concentration:
    """Much of the total value in one place: from four fifths of its limit on."""

    concern: Concern
    name: str
    weight: Decimal
    limit: Decimal

    @property
    def told_from(self) -> Decimal:
        return self.limit * ALERT_FROM

    @property
    def severity(self) -> Severity:
        """A `breach` is at its limit or beyond, `critical` within a tenth of it."""
        if self.weight >= self.limit:
            return "breach"
        return "critical" if self.weight >= self.limit * CRITICAL_FROM else "warning"


def concentrations(
    positions: tuple[Position, ...], total: Money | None, max_position_share: Decimal | None
) -> tuple[Concentration, ...]:
    """Countries, then industries, then positions, the largest first; none without a total.

    `max_position_share` is the one limit of a position, None while it is not known.
    """
    if total is None or total.minor <= 0:
        return ()
    found = [
        *_over("country", values_by(positions, countries_of), total, COUNTRY_LIMIT),
        *_over("sector", values_by(positions, sectors_of), total, INDUSTRY_LIMIT),
    ]
    if max_position_share is not None:
        held = {p.security.name_now: p.value_eur for p in positions if p.value_eur is not None}
        found += _over("position", held, total, max_position_share)
    return tuple(found)


def _over(
    concern: Concern, values: Mapping[str, Money], total: Money, limit: Decimal
) -> list[Concentration]:
    ranked = sorted(values.items(), key=lambda item: (-item[1].minor, item[0]))
    every = (
        Concentration(concern, name, Decimal(value.minor) / total.minor, limit)
        for name, value in ranked
        if name != UNKNOWN or concern == "position"
    )
    return [one for one in every if one.weight >= one.told_from]
