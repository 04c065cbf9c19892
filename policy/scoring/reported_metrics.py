"""What companies report and analysts say: the newest figure known by a day, if it is not too old.

A figure out of the bounds its unit can have counts as unknown: a percent taken for a fraction must
not become the best of all companies.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from ledger.bar import Fundamental
from policy.metric_registry import Metrics, names_of

PRODUCES = names_of("reported")
# Reports are yearly and late; what analysts say is of the day.
REPORT_LIFE = timedelta(days=548)
OPINION_LIFE = timedelta(days=120)
LEAST_ANALYSTS = 3
ANALYSTS = "NUM_ANALYSTS"
REPORTED_YIELD = "DIVIDEND_YIELD"


@dataclass(frozen=True, slots=True)
class Bounds:
    low: float
    high: float
    life: timedelta = REPORT_LIFE


BELIEVABLE: Mapping[str, Bounds] = {
    "PE_RATIO": Bounds(-1e6, 1e6),
    "FORWARD_PE": Bounds(-1e6, 1e6),
    "PROFIT_MARGIN": Bounds(-10.0, 1.0),
    "DEBT_TO_EQUITY": Bounds(-50.0, 50.0),
    "CURRENT_RATIO": Bounds(0.0, 1000.0),
    "PAYOUT_RATIO": Bounds(0.0, 10.0),
    "DIVIDEND_YIELD_5Y_AVG": Bounds(0.0, 0.30),
    "ANALYST_RECOMMENDATION": Bounds(0.0, 1.0, OPINION_LIFE),
    "PRICE_TARGET_UPSIDE": Bounds(-1.0, 5.0, OPINION_LIFE),
    ANALYSTS: Bounds(0.0, 1000.0, OPINION_LIFE),
    REPORTED_YIELD: Bounds(0.0, 0.30),
}


def newest(reported: Iterable[Fundamental], as_of: date) -> Metrics:
    """The newest believable figure by name among those known on `as_of`; names in any case."""
    found: dict[str, Fundamental] = {}
    for figure in reported:
        name = figure.metric.upper()
        known = found.get(name)
        if figure.as_of <= as_of and (known is None or figure.as_of > known.as_of):
            found[name] = figure
    return {name: _believed(found.get(name), bounds, as_of) for name, bounds in BELIEVABLE.items()}


def from_reported(figures: Metrics) -> Metrics:
    """Every name of PRODUCES, of what `newest` found.

    What fewer than three analysts say is no opinion; it is one when nobody told how many they are.
    """
    analysts = figures.get(ANALYSTS)
    alone = analysts is not None and analysts < LEAST_ANALYSTS
    opinions = {"ANALYST_RECOMMENDATION", "PRICE_TARGET_UPSIDE"} if alone else frozenset[str]()
    return {name: None if name in opinions else figures.get(name) for name in PRODUCES}


def _believed(figure: Fundamental | None, bounds: Bounds, as_of: date) -> float | None:
    if figure is None or as_of - figure.as_of > bounds.life:
        return None
    value = float(figure.value)
    return value if bounds.low <= value <= bounds.high else None
