"""The situation a decision is made in: one snapshot with everything that planning depends on.

Planner and DRIP see the same one, so that they never disagree about what is free to spend.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from actors.holding_times import HoldingTimes
from actors.known_market import Known, KnownMarket
from ledger.allocation import AllocationBook
from ledger.fact import CORE
from ledger.ids import ulid
from ledger.money import Money
from ledger.order import OrderView, Side
from ledger.portfolio import PortfolioSnapshot
from ledger.quote import Quote
from ledger.rate import RateTable
from ledger.security import Security
from ledger.trade_history import TradeHistory
from policy import windows
from policy.fees import FeeTerms, no_less_than
from policy.foreign_orders import kept_out, promised
from policy.gate_checks import may_wait_for_open
from policy.knowledge import Knowledge
from policy.limits import Limits
from policy.market_hours import Calendars, SessionState
from policy.planner import PlanInput
from policy.planning.config import AppliedConfig, PlannerConfig, Strategies
from policy.planning.config_text import config_hash
from policy.planning.effective import effective_limits
from policy.portfolio_hash import Configuration, portfolio_hash, with_refused
from policy.target_days import target_days_between
from policy.valuation import known_rates, unfit
from store.dismissals import Dismissals
from store.dividends import Dividends
from store.emergency import Emergencies
from store.facts import Facts
from store.orders import Orders
from store.trade_history import TradeHistories
from wire.board import Latest, in_force
from wire.clock import Clock
from wire.messages import Boards

# Machine seconds: three times as long as sync takes between two portfolios.
PORTFOLIO_LIFE_S = 900.0


@dataclass(slots=True)
class ConfigName:
    """The name of the configuration in force, worked out once per configuration."""

    _config: PlannerConfig | None = None
    _name: str = ""

    def of(self, config: PlannerConfig) -> str:
        if config is not self._config:
            self._config, self._name = config, config_hash(config)
        return self._name


@dataclass(frozen=True, slots=True)
class Situation:
    orders: Orders
    histories: TradeHistories
    dividends: Dividends
    facts: Facts
    emergencies: Emergencies
    dismissals: Dismissals
    holding_times: HoldingTimes
    known_market: KnownMarket
    boards: Boards
    clock: Clock
    calendars: Calendars
    rules: Latest[Limits]
    strategies: Latest[Strategies]
    broker_fees: FeeTerms
    fx_fees: FeeTerms
    rng: random.Random
    zone: ZoneInfo
    config_name: ConfigName = field(default_factory=ConfigName)

    @property
    def limits(self) -> Limits:
        """The limits in force now."""
        return in_force(self.rules)

    @property
    def fees(self) -> FeeTerms:
        """What an order of a security is reckoned to cost, now."""
        return no_less_than(self.bucket_limits(), self.broker_fees)

    async def obstacle(self, portfolio: PortfolioSnapshot | None) -> str | None:
        """Why nothing may be decided on this portfolio now."""
        if portfolio is None:
            return "no portfolio yet"
        # In the order in which an intent moves on, so that none slips through between two reads.
        if await self.orders.ready() or await self.orders.in_flight():
            return "an order is in flight"
        run = await self.emergencies.current()
        if run is not None and run.mode == "live":
            return "negative cash is being repaired"
        return await self.lag(portfolio) or unfit(portfolio)

    async def lag(self, portfolio: PortfolioSnapshot) -> str | None:
        """Why the portfolio does not show how things stand; None when it does."""
        if self.clock.monotonic_s() - portfolio.read_at_s > PORTFOLIO_LIFE_S:
            return "the portfolio has not been renewed for too long"
        if portfolio.ledger_seq < await self.facts.last_seq():
            return "the portfolio does not yet show the newest facts"
        return None

    def strategy(self, bucket_id: str = CORE) -> AppliedConfig:
        """What the bucket plans by."""
        return (self.strategies.value or {}).get(bucket_id, AppliedConfig())

    def bucket_limits(self, bucket_id: str = CORE) -> Limits:
        """The limits in force for the bucket: of settings and configuration the stricter."""
        return effective_limits(self.limits, self.strategy(bucket_id).config)

    async def now(self, portfolio: PortfolioSnapshot) -> PlanInput:
        """Everything a decision made now would depend on."""
        market, limits, strategy = self.clock.market_now(), self.bucket_limits(), self.strategy()
        cooldown, refused = await self._waiting(market)
        foreign, rates = await self._foreign(portfolio), self.trade_rates(portfolio)
        earmarked = await self.dividends.earmarked()
        pots = tuple(Money(minor, currency) for currency, minor in sorted(earmarked.items()))
        opens = self._opens(portfolio, market)
        named = portfolio_hash(
            portfolio,
            self._configuration(cooldown),
            bucket_id=CORE,
            open_orders=foreign,
            pots=pots,
        )
        dismissed = await self.dismissals.of(CORE, named)
        await self.holding_times.of(portfolio)
        known_market = await self._known(portfolio)
        known = known_market.knowledge
        return PlanInput(
            plan_id=ulid(self.clock.machine_now(), self.rng),
            bucket_id=CORE,
            now=market,
            portfolio_hash=named,
            snapshot=portfolio,
            trade_rates=rates,
            targets=known.targets,
            fees=self.fees,
            fx_fees=self.fx_fees,
            limits=replace(limits, min_cash_reserve=known.reserve),
            markets=frozenset(opens),
            barred=cooldown
            | refused
            | _purchases(known.unfit)
            | dismissed
            | kept_out(foreign, portfolio),
            pots=pots,
            reserved=promised(foreign, fees=self.fees, fx_fees=self.fx_fees, rates=rates),
            opens=opens,
            config=strategy.config,
            config_hash=self.config_name.of(strategy.config),
            facts=known.facts,
            correlations=known_market.correlations,
            regime=known_market.regime.regime,
            market_hash=with_refused(known_market.name, refused),
        )

    def _configuration(self, cooldown: frozenset[tuple[str, Side]]) -> Configuration:
        return Configuration(
            limits=self.limits,
            fees=self.fees,
            fx_fees=self.fx_fees,
            config_hash=self.config_name.of(self.strategy().config),
            book=self.boards.allocation.value or AllocationBook(),
            cooldown=cooldown,
        )

    async def knowledge(self, portfolio: PortfolioSnapshot) -> Knowledge:
        """What is known of the securities now."""
        return (await self._known(portfolio)).knowledge

    async def _known(self, portfolio: PortfolioSnapshot) -> Known:
        return await self.known_market.of(
            portfolio, self.bucket_limits(), self.holding_times.newest
        )

    async def barred(self, portfolio: PortfolioSnapshot) -> frozenset[tuple[str, Side]]:
        """What must not be proposed now: refused lately, in a hold or cool-down, beside a foreign
        order, or bought on a score that does not carry it.

        The gates would refuse the former; both ask the same functions.
        """
        cooldown, refused = await self._waiting(self.clock.market_now())
        unfit = (await self.knowledge(portfolio)).unfit
        foreign = kept_out(await self._foreign(portfolio), portfolio)
        return cooldown | refused | _purchases(unfit) | foreign

    async def _foreign(self, portfolio: PortfolioSnapshot) -> tuple[OrderView, ...]:
        """Live orders at the broker that never were ours."""
        found: list[OrderView] = []
        for order in portfolio.open_orders:
            tag = order.client_order_id
            if tag is None or await self.orders.by_client_order_id(tag) is None:
                found.append(order)
        return tuple(found)

    async def _waiting(
        self, now: datetime
    ) -> tuple[frozenset[tuple[str, Side]], frozenset[tuple[str, Side]]]:
        """What waits because of earlier trades, and what because a gate said no lately."""
        refused = frozenset(await self.orders.barred(now))
        history = await self._history(now)
        return windows.barred(history, now=now, limits=self.bucket_limits()), refused

    async def pace(self) -> datetime | None:
        """From when on anything may be traded again; None when the pace allows a trade now."""
        now, limits = self.clock.market_now(), self.limits
        history = await self._history(now)
        return windows.next_trade_at(history, now=now, limits=limits, zone=self.zone)

    async def _history(self, now: datetime) -> TradeHistory:
        return await self.histories.since(now - windows.look_back(self.bucket_limits()))

    def trading(self, mic: str) -> SessionState:
        """When an exchange may be traded on by the hours in force."""
        return self._trading(mic, self.clock.market_now())

    def may_leave(self, security: Security, side: Side, quote: Quote | None) -> bool:
        """Whether the hours let such an order leave now, as far as calendar and quote can tell."""
        mic = security.instrument.mic
        session = self.trading(mic)
        if not session.is_open:
            return session.known and may_wait_for_open(side, mic, self.limits)
        # What the broker said outside these hours says nothing about them.
        if quote is None or not self._trading(mic, quote.at).is_open:
            return True
        return quote.market_open is True

    def _trading(self, mic: str, at: datetime) -> SessionState:
        return self.calendars.trading(mic, at, core_only=self.limits.core_hours_only)

    def _opens(self, portfolio: PortfolioSnapshot, now: datetime) -> dict[str, datetime]:
        """When each exchange of the universe can be traded on next: now, while it is open.

        Without the ones that never open again because their hours are known no further.
        """
        opens: dict[str, datetime] = {}
        for mic in {security.instrument.mic for security in portfolio.universe}:
            state = self.trading(mic)
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


def _purchases(symbols: frozenset[str]) -> frozenset[tuple[str, Side]]:
    return frozenset((symbol, "BUY") for symbol in symbols)
