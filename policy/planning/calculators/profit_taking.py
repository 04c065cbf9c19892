"""Windfalls: part of a position that gained far more than its security usually does is sold.

A position is looked at from a gain of `windfall_threshold` on its cost; what is sold of it follows
from the gain and from its excess over usual growth, see `policy.scoring.windfall`.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from ledger.opinion import Windfall
from ledger.portfolio import Position
from policy.plan_text import percent
from policy.planning.calculators.trades import liking, sale, sellable
from policy.planning.candidates import Candidate, Idea, Scene
from policy.scoring.windfall import windfall

DAYS_PER_YEAR: Final = 365
# For a position of which nobody knows since when it is held.
UNKNOWN_YEARS: Final = 1.0
# Every windfall counts for something, however small its score.
BASE_STRENGTH: Final = 0.5


def profit_taking(scene: Scene) -> Iterator[Candidate]:
    """Strength: (windfall score + 0.5) ÷ the owner's priority of the security."""
    least = scene.config.calculators.profit_taking.windfall_threshold
    for position, gained in sellable(scene):
        if gained < least:
            continue
        found = _windfall(scene, position, float(gained))
        lot = position.security.instrument.lot
        if found is None or found.sell_share is None or lot is None:
            continue
        lots = int(position.quantity.micro * Decimal(str(found.sell_share))) // lot.micro
        taken = sale(scene, position, lots, _idea(scene, position, found))
        if taken is not None:
            yield taken


def _windfall(scene: Scene, position: Position, gained: float) -> Windfall | None:
    known = scene.known(position.security)
    years = UNKNOWN_YEARS
    if known.bought_on is not None and scene.today is not None:
        years = (scene.today - known.bought_on).days / DAYS_PER_YEAR
    usual = {"CAGR_5Y": known.growth, "CAGR_10Y": None}
    return windfall(usual, gain=gained, years_held=years)


def _idea(scene: Scene, position: Position, found: Windfall) -> Idea:
    security = position.security
    dated = scene.known(security).bought_on is not None and scene.today is not None
    held = f"{found.years_held:.1f} years" if dated else "a time that is not known, taken as a year"
    usual = "is assumed" if found.assumed_growth else "is usual for it"
    words = (
        f"{security.symbol} gained {percent(Decimal(found.gain))} on its cost in {held},"
        f" {percent(Decimal(found.excess))} more than the"
        f" {percent(Decimal(found.growth))} a year that {usual}"
    )
    return Idea(
        "profit_taking",
        (found.score + BASE_STRENGTH) / liking(security),
        lambda value: f"{words}: selling {value} secures part of it",
        ("windfall", "profit_taking"),
    )
