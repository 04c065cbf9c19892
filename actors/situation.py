"""The situation a decision is made in: one snapshot with everything that planning depends on.

Planner and DRIP see the same one, so that they never disagree about what is free to spend.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime

from ledger.fact import CORE
from ledger.ids import ulid
from ledger.money import Money
from ledger.portfolio import PortfolioSnapshot
from ledger.rate import RateTable
from policy.fees import FeeTerms
from policy.limits import Limits
from policy.market_hours import Calendars
from policy.planner import PlanInput
from policy.portfolio_hash import Configuration, portfolio_hash
from policy.target_days import target_days_between
from policy.targets import equal_targets
from policy.valuation import known_rates, unfit
from store.dividends import Dividends
from store.facts import Facts
from store.orders import Orders
from wire.board import Latest, in_force
from wire.clock import Clock

# Machine seconds: three times as long as sync takes between two portfolios.
PORTFOLIO_LIFE_S = 900.0


@dataclass(frozen=True, slots=True)
class Situation:
    orders: Orders
    dividends: Dividends
    facts: Facts
    clock: Clock
    calendars: Calendars
    rules: Latest[Limits]
    fees: FeeTerms
    fx_fees: FeeTerms
    rng: random.Random

    @property
    def limits(self) -> Limits:
        """The limits in force now."""
        return in_force(self.rules)

    async def obstacle(self, portfolio: PortfolioSnapshot | None) -> str | None:
        """Why nothing may be decided on this portfolio now."""
        if portfolio is None:
            return "no portfolio yet"
        # In the order in which an intent moves on, so that none slips through between two reads.
        if await self.orders.ready() or await self.orders.in_flight():
            return "an order is in flight"
        return await self.lag(portfolio) or unfit(portfolio)

    async def lag(self, portfolio: PortfolioSnapshot) -> str | None:
        """Why the portfolio does not show how things stand; None when it does."""
        if self.clock.monotonic_s() - portfolio.read_at_s > PORTFOLIO_LIFE_S:
            return "the portfolio has not been renewed for too long"
        if portfolio.ledger_seq < await self.facts.last_seq():
            return "the portfolio does not yet show the newest facts"
        return None

    async def now(self, portfolio: PortfolioSnapshot) -> PlanInput:
        """Everything a decision made now would depend on."""
        market = self.clock.market_now()
        barred = frozenset(await self.orders.barred(market))
        earmarked = await self.dividends.earmarked()
        pots = tuple(Money(minor, currency) for currency, minor in sorted(earmarked.items()))
        targets = equal_targets(portfolio.universe, self.limits)
        configuration = Configuration(
            limits=self.limits,
            targets=targets,
            fees=self.fees,
            fx_fees=self.fx_fees,
            barred=barred,
        )
        return PlanInput(
            plan_id=ulid(self.clock.machine_now(), self.rng),
            bucket_id=CORE,
            now=market,
            portfolio_hash=portfolio_hash(portfolio, configuration, bucket_id=CORE, pots=pots),
            snapshot=portfolio,
            trade_rates=self.trade_rates(portfolio),
            targets=targets,
            fees=self.fees,
            fx_fees=self.fx_fees,
            limits=self.limits,
            markets=frozenset(self.calendars.mics),
            barred=barred,
            pots=pots,
            opens=self._opens(portfolio, market),
        )

    def _opens(self, portfolio: PortfolioSnapshot, now: datetime) -> dict[str, datetime]:
        """When each exchange of the universe can be traded on next: now, while it is open."""
        opens: dict[str, datetime] = {}
        for mic in {security.instrument.mic for security in portfolio.universe}:
            state = self.calendars.state(mic, now)
            instant = now if state.is_open else state.next_open
            if instant is not None:
                opens[mic] = instant
        return opens

    def trade_rates(self, portfolio: PortfolioSnapshot) -> RateTable:
        """Reference rates young enough to trade with."""
        today = self.clock.market_now().date()
        return known_rates(
            portfolio.rates,
            lambda rate: target_days_between(rate.as_of, today),
            most=self.limits.max_trade_rate_days,
        )
