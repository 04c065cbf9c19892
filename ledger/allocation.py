"""How the owner groups countries and industries, and how much of each group is wanted."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

GroupKind = Literal["country", "industry"]
OTHER = "OTHER"
"""The group of what the owner has put into none."""


def folded(name: str) -> str:
    """What all spellings of one name have in common: neither case nor spacing counts."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


@dataclass(frozen=True, slots=True)
class Groups:
    """One way of grouping. `members` by group name; `wanted` are the owner's raw 0–1 weights.

    `index` is the group of every member, by the member's folded name.
    """

    members: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    wanted: Mapping[str, Decimal] = field(default_factory=dict[str, Decimal])
    index: Mapping[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        pairs = ((folded(name), group) for group, names in self.members.items() for name in names)
        object.__setattr__(self, "index", dict(pairs))

    @property
    def targets(self) -> Mapping[str, Decimal]:
        """The wanted weights as fractions that add up to 1; empty while nothing is wanted."""
        total = sum(self.wanted.values(), Decimal(0))
        if not total:
            return {}
        return {name: weight / total for name, weight in sorted(self.wanted.items()) if weight}

    def group_of(self, member: str) -> str:
        """The group a country or industry is in, whatever its case; OTHER if in none."""
        return self.index.get(folded(member), OTHER)


@dataclass(frozen=True, slots=True)
class AllocationBook:
    country: Groups = Groups()
    industry: Groups = Groups()

    def of(self, kind: GroupKind) -> Groups:
        return self.country if kind == "country" else self.industry


def industries_of(text: str | None) -> tuple[str, ...]:
    """The single industries of a comma-separated list, trimmed, each once, in their order."""
    if text is None:
        return ()
    names: dict[str, str] = {}
    for part in text.split(","):
        if part.strip():
            names.setdefault(folded(part), part.strip())
    return tuple(names.values())
