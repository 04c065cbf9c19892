"""How much of each of the owner's groups there may be: bands around their targets.

Countries and industries are two views of the same money, so each dimension is made consistent by
itself and they are never added. A band always contains its target, so the bands of a dimension can
be met together; where securities or the other dimension do not allow it, they give way and the
rest is reported.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, NamedTuple

import numpy as np

from kernels.checks import Floats
from ledger.optimization import GroupBand
from policy.optimizer.given import Member

Dimension = Literal["country", "industry"]
COUNTRY_TOLERANCE, INDUSTRY_TOLERANCE = 0.10, 0.15
COUNTRY_CAP = 0.35


class Band(NamedTuple):
    """Fractions of the total value."""

    kind: Dimension
    name: str
    target: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, eq=False)
class Bands:
    """`parts` (groups, members): which part of a member counts to which group."""

    bands: tuple[Band, ...]
    parts: Floats

    @property
    def low(self) -> Floats:
        return np.array([band.low for band in self.bands])

    @property
    def high(self) -> Floats:
        return np.array([band.high for band in self.bands])

    def measured(self, weights: Floats) -> tuple[GroupBand, ...]:
        """Every band with how far `weights` (members,) are outside of it."""
        sums = self.parts @ weights
        return tuple(
            GroupBand(
                kind=band.kind,
                name=band.name,
                target=band.target,
                low=band.low,
                high=band.high,
                slack=_outside(float(total), band),
            )
            for band, total in zip(self.bands, sums, strict=True)
        )


def bands_of(
    members: Sequence[Member],
    countries: Mapping[str, Decimal],
    industries: Mapping[str, Decimal],
    invested: float,
) -> Bands:
    """The bands of the groups that are wanted, when `invested` of the total value is invested."""
    found = [
        *_dimension("country", countries, invested, COUNTRY_TOLERANCE, COUNTRY_CAP),
        *_dimension(
            "industry", industries, invested, INDUSTRY_TOLERANCE, _industry_cap(len(industries))
        ),
    ]
    parts = np.zeros((len(found), len(members)))
    rows = {(band.kind, band.name): row for row, band in enumerate(found)}
    for column, member in enumerate(members):
        row = rows.get(("country", member.country))
        if row is not None:
            parts[row, column] = 1.0
        for industry in member.industries:
            row = rows.get(("industry", industry))
            if row is not None:
                parts[row, column] += 1.0 / len(member.industries)
    return Bands(tuple(found), parts)


def _industry_cap(groups: int) -> float:
    if groups <= 2:
        return 0.70 if groups == 1 else 0.50
    return 0.40 if groups <= 4 else 0.30


def _dimension(
    kind: Dimension, targets: Mapping[str, Decimal], invested: float, tolerance: float, cap: float
) -> Iterable[Band]:
    """The target, with the tolerance on both sides; the cap never cuts below what is wanted."""
    for name, wanted in sorted(targets.items()):
        share = float(wanted)
        if share > 0.0:
            high = max(min(share + tolerance, cap), share)
            yield Band(
                kind,
                name,
                share * invested,
                max(share - tolerance, 0.0) * invested,
                high * invested,
            )


def _outside(total: float, band: Band) -> float:
    return max(band.low - total, total - band.high, 0.0)
