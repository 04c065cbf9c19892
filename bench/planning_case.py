"""Accounts of any size for the planning benchmark: unevenly held, in four currencies, all known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np

from ledger.correlation import Correlations
from ledger.money import Money
from ledger.security import Security
from policy.correlations import DECIMALS
from policy.planner import PlanInput
from policy.planning.config import PlannerConfig
from policy.planning.facts import SecurityFacts
from policy.scoring.end_state import EndStateParts
from tests.policy import accounts

CURRENCIES = ("EUR", "USD", "GBP", "HKD")
COUNTRIES = ("Germany", "United States", "United Kingdom", "Hong Kong", "France", "Japan")
INDUSTRIES = ("Software", "Banks", "Pharma", "Energy", "Retail", "Utilities", "Chemicals")
TODAY = date(2026, 3, 4)


@dataclass(frozen=True, slots=True)
class Size:
    held: int
    securities: int

    def __str__(self) -> str:
        return f"{self.held}/{self.securities}"


SIZES = (Size(25, 50), Size(100, 200), Size(400, 1000))


def situation(size: Size, config: PlannerConfig) -> PlanInput:
    """The account; everything about it follows from its size."""
    rng = np.random.default_rng(size.securities)
    universe = tuple(_security(number) for number in range(size.securities))
    prices = {one.symbol: f"{rng.uniform(5, 120):.2f}" for one in universe}
    held = {one.symbol: str(int(rng.integers(5, 200))) for one in universe[: size.held]}
    costs = {s: f"{float(prices[s]) * rng.uniform(0.6, 1.7):.2f}" for s in held}
    shot = accounts.snapshot(
        universe,
        prices=prices,
        quotes=[
            accounts.quote("EUR/USD", "1.10", "USD", spread="0.0002"),
            accounts.quote("EUR/GBP", "0.85", "GBP", spread="0.0002"),
            accounts.quote("GBP/USD", "1.294", "USD", spread="0.0002"),
            accounts.quote("HKD/EUR", "0.11765", "EUR", spread="0.0002"),
            accounts.quote("HKD/USD", "0.12941", "USD", spread="0.0002"),
        ],
        held=held,
        costs=costs,
        cash={"EUR": "9000", "USD": "2500", "GBP": "1200", "HKD": "9000"},
    )
    return replace(
        accounts.plan_input(shot),
        pots=(Money(12_00, "EUR"),),
        config=config,
        facts={one.symbol: _facts(rng) for one in universe},
        correlations=_correlations(rng, universe),
    )


def _security(number: int) -> Security:
    return accounts.security(
        f"S{number:03d}",
        number=number + 1,
        currency=CURRENCIES[number % len(CURRENCIES)],
        country=COUNTRIES[number % len(COUNTRIES)],
        industry=INDUSTRIES[number % len(INDUSTRIES)],
    )


def _facts(rng: np.random.Generator) -> SecurityFacts:
    one, two, three = (float(value) for value in rng.random(3))
    return SecurityFacts(
        quality=float(rng.uniform(0.4, 0.95)),
        dividend_yield=float(rng.uniform(0, 0.06)),
        parts=EndStateParts(one, two, three),
        growth=float(rng.uniform(0.0, 0.12)),
        returns=(one / 5, two / 6, three / 7),
        volatility=float(rng.uniform(0.1, 0.5)),
        bought_on=TODAY - timedelta(days=int(rng.integers(200, 2000))),
    )


def _correlations(rng: np.random.Generator, universe: tuple[Security, ...]) -> Correlations:
    """Of one common factor, so that they are correlations of something."""
    loads = rng.uniform(0.2, 0.95, len(universe))
    rows = tuple(
        tuple(np.round(loads[number] * loads[:number], DECIMALS).tolist())
        for number in range(len(universe))
    )
    return Correlations(TODAY, 252, tuple(one.symbol for one in universe), rows)
