"""What scoring knows besides figures, of the security and the portfolio: replaced whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ledger.allocation import Groups
from ledger.security import ProductType, Security
from policy.scoring.mappings import group_gap

# Whose leverage and liquidity are their business and not comparable with those of others.
FINANCIAL_WORDS = ("bank", "insur", "financ", "capital markets", "asset management")


@dataclass(frozen=True, slots=True)
class Subject:
    """The security that is scored."""

    security_id: int
    symbol: str
    product_type: ProductType = "EQUITY"
    country: str | None = None
    industries: tuple[str, ...] = ()

    @property
    def company(self) -> bool:
        """It has accounts and earnings, and analysts who follow them."""
        return self.product_type == "EQUITY"

    @property
    def financial(self) -> bool:
        return any(word in name.casefold() for name in self.industries for word in FINANCIAL_WORDS)

    @classmethod
    def of(cls, security: Security, industries: tuple[str, ...]) -> Subject:
        told = security.instrument
        return cls(security.security_id, told.symbol, told.product_type, told.country, industries)


@dataclass(frozen=True, slots=True)
class Axis:
    """One way of grouping with its weights, fractions of the total value, by group.

    Without members every country or industry is a group of its own. Without targets it says
    nothing; a group without one is wanted at 0.
    """

    groups: Groups = field(default_factory=Groups)
    targets: Mapping[str, float] = field(default_factory=dict[str, float])
    current: Mapping[str, float] = field(default_factory=dict[str, float])

    def group_of(self, label: str) -> str:
        return self.groups.group_of(label) if self.groups.members else label

    def score(self, label: str) -> float | None:
        """How much the group of a country or industry wants more; None without targets."""
        if not self.targets:
            return None
        group = self.group_of(label)
        return group_gap(self.targets.get(group, 0.0), self.current.get(group, 0.0))


@dataclass(frozen=True, slots=True)
class Holding:
    """A position: `weight` of the total value, `gain` on its average cost as a fraction of it.

    `gain` in the security's own currency; `years_held` since its oldest open lot. None: unknown.
    """

    weight: float
    gain: float | None
    years_held: float | None


@dataclass(frozen=True, slots=True)
class PortfolioContext:
    """`holdings` by security id."""

    country: Axis = Axis()
    industry: Axis = Axis()
    holdings: Mapping[int, Holding] = field(default_factory=dict[int, Holding])


NO_PORTFOLIO = PortfolioContext()
