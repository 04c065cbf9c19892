"""Looks back for whoever asks: performance, attribution, the risk of a position.

An answer is kept until a fact, a bar, a setting or the day makes it old.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import partial

from actors.past import LEAD, LOOK_BACK, Journal, Past, PriceStore, SecurityList
from ledger.allocation import AllocationBook
from ledger.analytics import Attribution, Dimension, Performance, PositionRisk, Review
from ledger.security import find_security
from policy.attribution import attribute, bucket_shares
from policy.factor_attribution import attribute_to_factors
from policy.limits import Limits
from policy.performance import YEAR, performance, turnover_of
from policy.position_risk import Surroundings, position_risk
from policy.reconstruction import Reconstruction
from policy.regime import benchmark_symbols
from wire.analytics_asks import (
    AssessPosition,
    AttributeReturns,
    ReviewPerformance,
    ReviewPortfolio,
)
from wire.board import Latest, in_force
from wire.clock import Clock
from wire.runner import Runner

ASKED = (ReviewPerformance, AttributeReturns, ReviewPortfolio, AssessPosition)
MOST_KEPT = 32
MARKET = "market"


@dataclass(frozen=True, slots=True)
class AnalyticsPorts:
    """`rules` and `allocation` are the boards of the limits and of the owner's groups."""

    journal: Journal
    securities: SecurityList
    prices: PriceStore
    rules: Latest[Limits]
    allocation: Latest[AllocationBook]
    clock: Clock
    runner: Runner


@dataclass(frozen=True, slots=True)
class _Terms:
    """What an answer depends on besides the past."""

    limits: Limits
    groups: AllocationBook

    @property
    def risk_free(self) -> float:
        """Per year."""
        return float(self.limits.risk_free_rate)


class AnalyticsDesk:
    """Answers `wire.analytics_asks`, one at a time."""

    def __init__(self, ports: AnalyticsPorts) -> None:
        self._p = ports
        self._kept: dict[tuple[object, ...], object] = {}

    async def answer(self, request: object) -> object:
        """Raises TypeError for what is none of ASKED, and what the request itself names."""
        today, limits = self._p.clock.market_now().date(), in_force(self._p.rules)
        groups = self._p.allocation.version, self._p.allocation.value or AllocationBook()
        key = (request, today, limits, groups[0], *await self._newest())
        if key not in self._kept:
            answer = await self._work_out(request, today, _Terms(limits, groups[1]))
            while len(self._kept) >= MOST_KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[key] = answer
        return self._kept[key]

    async def _newest(self) -> tuple[object, ...]:
        """The newest fact, bar, and look at the prices."""
        covered = (await self._p.prices.coverage()).values()
        return (
            await self._p.journal.last_seq(),
            max((one.last_day for one in covered if one.last_day is not None), default=None),
            max((one.synced_at for one in covered), default=None),
        )

    async def _work_out(self, request: object, today: date, terms: _Terms) -> object:
        securities = {one.symbol: one for one in await self._p.securities.all()}
        past = Past(
            journal=self._p.journal,
            prices=self._p.prices,
            runner=self._p.runner,
            today=today,
            securities=securities,
            benchmarks=benchmark_symbols(securities.values(), terms.limits),
        )
        match request:
            case ReviewPerformance(days):
                year = await past.closes(max(days, YEAR))
                return await past.runner(partial(_reviewed, past, year, terms, days=days))
            case ReviewPortfolio(days):
                year = await past.closes(max(days, YEAR))
                return await past.runner(partial(_all_of, past, year, terms, days=days))
            case AttributeReturns(days, "factor"):
                return await _by_factor(past, terms, days=days)
            case AttributeReturns(days, by):
                closes = await past.closes(days)
                return await past.runner(partial(_split, past, closes, terms, days=days, by=by))
            case AssessPosition(name, days):
                return await _risk(past, terms, name=name, days=days)
            case _:
                raise TypeError(f"{type(request).__name__} is no question about the past")


def _reviewed(past: Past, year: Reconstruction, terms: _Terms, *, days: int) -> Performance:
    closes = year.since(past.first(days))
    return performance(closes, days=days, risk_free=terms.risk_free, turnover=turnover_of(year))


def _split(
    past: Past, closes: Reconstruction, terms: _Terms, *, days: int, by: Dimension
) -> Attribution:
    shares = bucket_shares(past.securities.values(), by, terms.groups)
    return attribute(closes.since(past.first(days)), shares, by=by, days=days)


def _all_of(past: Past, year: Reconstruction, terms: _Terms, *, days: int) -> Review:
    return Review(
        performance=_reviewed(past, year, terms, days=days),
        by_country=_split(past, year, terms, days=days, by="country"),
        by_industry=_split(past, year, terms, days=days, by="industry"),
    )


async def _by_factor(past: Past, terms: _Terms, *, days: int) -> Attribution:
    first = past.first(days)
    closes = (await past.closes(days)).since(first)
    market = await past.benchmark(first - LEAD)
    factors = {} if market is None else {MARKET: market}
    return await past.runner(
        partial(attribute_to_factors, closes, factors, risk_free=terms.risk_free, days=days)
    )


async def _risk(past: Past, terms: _Terms, *, name: str, days: int) -> PositionRisk:
    symbol = find_security(past.securities.values(), name).symbol
    first, year = past.first(days), past.today - LOOK_BACK
    own = await past.history(symbol, min(first, year))
    if own.unusable is not None or own.total_eur is None:
        reason = own.unusable or f"no rate of {own.currency} is known"
        return PositionRisk(symbol=symbol, available=False, reason=reason, days=days)
    weights = await past.weights()
    around = Surroundings(
        weights=weights,
        levels=await past.levels(sorted(weights or {}), year),
        benchmark=await past.benchmark(year),
    )
    return await past.runner(
        partial(
            position_risk,
            symbol,
            own.total_eur,
            around,
            first=first,
            days=days,
            risk_free=terms.risk_free,
        )
    )
