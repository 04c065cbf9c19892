"""The portfolio beside what is wanted of it: by country or industry, and by the owner's groups.

While the owner has made no group of a kind, every country or industry is a group of its own. The
owner's weights say what is wanted of the groups; without them it is what the planner aims at. The
target of a single country or industry is its part of its group's target: in proportion to what is
held of the group, since the owner prefers none of its members, and in equal parts of its members
while nothing is held. So the targets of the members add up to that of their group, and all held
members of a group are on the same side of theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from ledger.allocation import OTHER, GroupKind, Groups, folded, industries_of
from ledger.money import Money
from ledger.portfolio import PortfolioSnapshot
from ledger.security import Security
from ledger.weights import (
    UNKNOWN,
    V,
    Weight,
    added,
    countries_of,
    sectors_of,
    spellings,
    values_by,
    weights,
)

_NAMES_OF: Mapping[GroupKind, Callable[[Security], tuple[str, ...]]] = {
    "country": countries_of,
    "industry": sectors_of,
}


# In the universe to be looked at, never to be held.
_NEVER_HELD = frozenset({"INDEX", "FX"})


def available(kind: GroupKind, universe: Iterable[Security]) -> tuple[str, ...]:
    """Every country or single industry of what can be held of these, once, by name."""
    found: list[str] = []
    for security in universe:
        instrument = security.instrument
        if instrument.product_type in _NEVER_HELD:
            continue
        if kind == "industry":
            found += industries_of(instrument.industry)
        elif instrument.country:
            found.append(instrument.country)
    return tuple(sorted(spellings(found).values()))


def grouped(parts: Mapping[str, V], groups: Groups) -> dict[str, V]:
    """What is known by country or industry, by group; what is in none is in OTHER."""
    group_of = groups.index
    own = bool(groups.members)

    def group(name: str) -> str:
        if own:
            return group_of.get(folded(name), OTHER)
        return OTHER if name == UNKNOWN else name

    return added((group(name), part) for name, part in parts.items())


@dataclass(frozen=True, slots=True)
class Placement:
    """One kind of names: what is held under each of them, and what is wanted.

    `planned` is what the planner aims at by symbol, as fractions of the total value; None before
    there is a plan.
    """

    kind: GroupKind
    snapshot: PortfolioSnapshot
    own: Groups
    planned: Mapping[str, Decimal] | None

    @property
    def values(self) -> dict[str, Money]:
        return values_by(self.snapshot.positions, _NAMES_OF[self.kind])

    @property
    def names(self) -> tuple[str, ...]:
        """What the active universe holds of this kind."""
        return available(self.kind, (s for s in self.snapshot.universe if s.active))

    @property
    def groups(self) -> Mapping[str, tuple[str, ...]]:
        """Members by group, the owner's or, without any, one for each name."""
        return self.own.members or {name: (name,) for name in self.names}

    def by_member(self) -> tuple[Weight, ...]:
        """Each country or industry that is held, aimed at or in the universe."""
        return weights(self.values, self.snapshot.total_eur, self._member_targets(), self.names)

    def by_group(self) -> tuple[Weight, ...]:
        """Each group, and OTHER when something is in none."""
        values = grouped(self.values, self.own)
        return weights(values, self.snapshot.total_eur, self.group_targets(), self.groups)

    def group_targets(self) -> Mapping[str, Decimal] | None:
        """What is wanted of each group; None when neither owner nor planner has said."""
        if self.own.targets:
            return self.own.targets
        planned = self._planned()
        return None if planned is None else grouped(planned, self.own)

    def _planned(self) -> Mapping[str, Decimal] | None:
        """The planner's targets by country, or in equal parts by single industry."""
        if self.planned is None:
            return None
        names_of = _NAMES_OF[self.kind]
        return added(
            (name, self.planned[security.symbol] / len(names))
            for security in self.snapshot.universe
            if security.symbol in self.planned
            for names in (names_of(security),)
            for name in names
        )

    def _member_targets(self) -> Mapping[str, Decimal] | None:
        wanted = self.own.targets
        if not wanted:
            return self._planned()
        if self.snapshot.total_eur is None:
            return None
        values = self.values
        targets: dict[str, Decimal] = {}
        for group, target in wanted.items():
            targets |= _shared(target, self.own.members[group], values)
        return targets


def _shared(
    target: Decimal, members: tuple[str, ...], values: Mapping[str, Money]
) -> dict[str, Decimal]:
    """A group's target between its members: by value, equally while they are worth nothing."""
    worth = {folded(name): value.minor for name, value in values.items()}
    held = {name: worth.get(folded(name), 0) for name in members}
    whole = sum(held.values())
    if whole > 0:
        return {name: target * value / whole for name, value in held.items()}
    return {name: target / len(members) for name in members}
