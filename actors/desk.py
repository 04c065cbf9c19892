"""What the trader reads for one decision, gathered fresh and under deadlines.

A read that fails leaves its field empty, and the gates say no to what they cannot see.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TypeVar
from zoneinfo import ZoneInfo

import trio

from broker.port import Broker
from ledger.account import AccountSnapshot
from ledger.currency import BASE, is_known
from ledger.errors import BrokerError
from ledger.fact import Fill, is_pair
from ledger.halt import Latch
from ledger.money import Money, Price, Quantity, Rounding
from ledger.order import Intent, Mode, OrderView, Proposal
from ledger.portfolio import PortfolioSnapshot
from ledger.quote import Quote
from ledger.rate import RateTable
from ledger.security import FxPair, Security
from policy import windows
from policy.breaker import equity_change
from policy.fees import FeeTerms, fee, no_less_than
from policy.foreign_orders import fee_of
from policy.fx import reserve
from policy.gate_context import (
    GateContext,
    clock_skew,
    foreign_reservations,
    no_worse_than,
)
from policy.limits import Limits
from policy.market_hours import FX, Calendars, SessionState
from policy.planning.config import AppliedConfig, Strategies
from policy.planning.effective import effective_limits
from policy.price_checks import MEAN_BARS, mean_close
from policy.pricing import LimitPrice, limit_price
from policy.target_days import target_days_between
from policy.valuation import known_rates
from store.bars import Bars
from store.buckets import Buckets
from store.equity import Equity
from store.facts import Facts
from store.orders import Orders
from store.settings import Settings
from store.trade_history import TradeHistories
from wire.board import Latest, in_force
from wire.clock import Clock

READ_DEADLINE_S = 10.0
T = TypeVar("T")


async def read(call: Callable[[], Awaitable[T]]) -> T | None:
    """One read of the broker under its deadline; None when it failed or took too long."""
    try:
        with trio.fail_after(READ_DEADLINE_S):
            return await call()
    except (BrokerError, trio.TooSlowError):
        return None


async def shielded(work: Callable[[], Awaitable[T]]) -> T:
    """The result of `work`, which is finished whatever is being cancelled around us."""
    results: list[T] = []
    with trio.CancelScope(shield=True):
        results.append(await work())
    return results[0]


@dataclass(frozen=True, slots=True)
class Seen:
    """The outside world at the moment of one decision.

    `clock_skew` is None when the broker's clock could not be read.
    """

    clock_skew: timedelta | None
    account: AccountSnapshot | None
    unbooked: tuple[Fill, ...] | None
    open_orders: tuple[OrderView, ...] | None
    quote: Quote | None


@dataclass(frozen=True, slots=True)
class Desk:
    """The ports that decisions about orders read from."""

    broker: Broker
    orders: Orders
    facts: Facts
    settings: Settings
    buckets: Buckets
    histories: TradeHistories
    bars: Bars
    equity: Equity
    portfolio: Latest[PortfolioSnapshot]
    clock: Clock
    calendars: Calendars
    rules: Latest[Limits]
    strategies: Latest[Strategies]
    broker_fees: FeeTerms
    fx_fees: FeeTerms
    zone: ZoneInfo

    @property
    def limits(self) -> Limits:
        """The limits in force now."""
        return in_force(self.rules)

    @property
    def fees(self) -> FeeTerms:
        """What an order of a security is reckoned to cost, now."""
        return no_less_than(self.limits, self.broker_fees)

    def limits_of(self, bucket_id: str) -> Limits:
        """The limits for orders of a bucket: of settings and configuration the stricter.

        One that nobody has shown yet is taken for the usual one, as it is when plans are made.
        """
        applied = (self.strategies.value or {}).get(bucket_id, AppliedConfig())
        return effective_limits(self.limits, applied.config)

    @property
    def pairs(self) -> tuple[FxPair, ...]:
        """The currency pairs that may be traded: the routes in force."""
        board = self.portfolio.value
        return board.pairs if board else ()

    def tradable_rates(self) -> RateTable:
        """Reference rates young enough to trade with, now."""
        return self._tradable_rates(self.portfolio.value, self.clock.market_now().date())

    async def look(self, symbol: str) -> Seen:
        """The broker's clock, open orders, account, news and the quote of `symbol`, read now.

        Orders first: what executes between two reads then counts twice, never not at all.
        """
        skew = await self._clock_skew()
        listed = await read(self.broker.open_orders)
        account = await read(self.broker.snapshot)
        unbooked = await self._unbooked()
        quotes = await read(lambda: self.broker.quotes([symbol]))
        return Seen(
            skew,
            account,
            unbooked,
            None if listed is None else tuple(listed),
            None if quotes is None else quotes.get(symbol),
        )

    async def _clock_skew(self) -> timedelta | None:
        before = self.clock.market_now()
        broker = await read(self.broker.probe)
        return None if broker is None else clock_skew(before, broker, self.clock.market_now())

    async def _unbooked(self) -> tuple[Fill, ...] | None:
        """Executions that the journal does not hold yet; None when they could not be read."""
        cursor = await self.facts.cursor("fills")
        answer = await read(lambda: self.broker.fills_since(cursor))
        return None if answer is None else await self.facts.unrecorded(answer[0])

    async def context(
        self, intent: Intent, *, mode: Mode, latches: tuple[Latch, ...]
    ) -> GateContext:
        """Everything the gates may look at for this one decision."""
        proposal = intent.proposal
        seen = await self.look(proposal.symbol)
        others = tuple(o for o in await self.orders.in_flight() if o.intent_id != intent.intent_id)
        balances = await self.facts.balances()
        board = self.portfolio.value
        security, pair = self._instrument(proposal, board)
        limits, now = self.limits_of(proposal.bucket_id), self.clock.market_now()
        rates = self._tradable_rates(board, now.date())
        limit = self._limit(proposal, seen.quote, security, pair)
        session, exchange = self.session_of(proposal), self.exchange_at(proposal, now)
        return GateContext(
            proposal=proposal,
            proposed_at=intent.proposed_at,
            mode=mode,
            latches=latches,
            now=now,
            now_s=self.clock.monotonic_s(),
            account=seen.account,
            open_orders=seen.open_orders,
            in_flight=(*others, *await self._revived(seen.open_orders)),
            security=security,
            pair=pair,
            quote=seen.quote,
            limit=limit,
            market_open=session.is_open if session and session.known else None,
            next_open=session.next_open if session else None,
            closes_at=exchange.next_close if exchange else None,
            books_cash=balances.cash,
            books_held=Quantity(balances.holdings.get(proposal.symbol, 0)),
            unbooked=seen.unbooked,
            reserved=await self._reserved(others, seen.open_orders),
            reserves=self._reserves(rates),
            fee=self.worst_fee(proposal, limit.price, rates),
            total_eur=board.total_eur if board else None,
            rates=rates,
            differences=board.differences if board else (),
            bucket=await self.buckets.get(proposal.bucket_id),
            clock_skew=seen.clock_skew,
            position=board.held(proposal.symbol) if board else None,
            history=await self.histories.since(now - windows.look_back(limits)),
            equity_change=await self._equity_change(board),
            mean_close=await self._mean_close(security, now.date()),
            zone=self.zone,
            limits=limits,
        )

    async def _revived(self, open_orders: tuple[OrderView, ...] | None) -> tuple[Intent, ...]:
        """Orders of ours that we took for ended and the broker shows as live."""
        live = (order.client_order_id for order in open_orders or () if order.live)
        return await self.orders.given_up(tag for tag in live if tag is not None)

    async def _equity_change(self, board: PortfolioSnapshot | None) -> Decimal | None:
        """What the account gained since the last day; None while it cannot be known."""
        if board is None or board.stale is not None:
            return None
        base = await self.equity.base(board.as_of.astimezone(UTC).date())
        if base is None:
            return None
        flows = await self.equity.flows_between(base.ledger_seq, board.ledger_seq)
        return equity_change(board.total_eur, base.total, flows, board.rates)

    async def _mean_close(self, security: Security | None, today: date) -> float | None:
        """The mean of the last closes of a security; None for a pair, or while they are few."""
        if security is None:
            return None
        bars, splits = await self.bars.lately(security.security_id, MEAN_BARS)
        return mean_close(bars, splits, today=today)

    def _reserves(self, rates: RateTable) -> dict[str, Money]:
        """What every currency with a known rate must keep."""
        kept = {c: reserve(c, rates, self.limits) for c in (BASE, *rates.per_eur)}
        return {currency: money for currency, money in kept.items() if money is not None}

    def _tradable_rates(self, board: PortfolioSnapshot | None, today: date) -> RateTable:
        """Reference rates young enough to trade with."""
        if board is None:
            return RateTable({})
        return known_rates(
            board.rates,
            lambda rate: target_days_between(rate.as_of, today),
            most=self.limits.max_trade_rate_days,
        )

    async def _reserved(
        self, ours: tuple[Intent, ...], open_orders: tuple[OrderView, ...] | None
    ) -> dict[str, int]:
        """Cash promised to live orders, ours and foreign ones."""
        promised = dict(await self.orders.reserved_cash())
        foreign = foreign_reservations(open_orders or (), ours, self._foreign_fee)
        for currency, minor in foreign.items():
            promised[currency] = promised.get(currency, 0) + minor
        return promised

    def _foreign_fee(self, symbol: str, paid: Money) -> Money:
        rates = self.tradable_rates()
        return fee_of(symbol, paid, fees=self.fees, fx_fees=self.fx_fees, rates=rates)

    def session_of(self, proposal: Proposal) -> SessionState | None:
        """When the order may be traded; None when its market is not known."""
        security, pair = self._instrument(proposal, self.portfolio.value)
        if pair is None and security is None:
            return None
        mic = FX if security is None else security.instrument.mic
        core_only = self.limits.core_hours_only
        return self.calendars.trading(mic, self.clock.market_now(), core_only=core_only)

    def exchange_at(self, proposal: Proposal, at: datetime) -> SessionState | None:
        """What its exchange itself does at the instant `at`, whenever we would trade on it."""
        security, pair = self._instrument(proposal, self.portfolio.value)
        mic = FX if pair is not None else security.instrument.mic if security else None
        return None if mic is None else self.calendars.state(mic, at)

    def worst_fee(self, proposal: Proposal, price: Price | None, rates: RateTable) -> Money | None:
        """The worst-case fee at the limit price; None when it cannot be known."""
        if price is None:
            return None
        limits = self.limits_of(proposal.bucket_id)
        terms = self.fx_fees if is_pair(proposal.symbol) else no_less_than(limits, self.broker_fees)
        return fee(terms, price.times(proposal.quantity, Rounding.CEIL), rates)

    def _instrument(
        self, proposal: Proposal, board: PortfolioSnapshot | None
    ) -> tuple[Security | None, FxPair | None]:
        if is_pair(proposal.symbol):
            return None, next((p for p in self.pairs if p.symbol == proposal.symbol), None)
        universe = board.universe if board else ()
        return next((s for s in universe if s.symbol == proposal.symbol), None), None

    def _limit(
        self,
        proposal: Proposal,
        quote: Quote | None,
        security: Security | None,
        pair: FxPair | None,
    ) -> LimitPrice:
        tick = pair.tick if pair else security.instrument.tick if security else None
        if quote is None or tick is None:
            return LimitPrice(None, f"no quote for {proposal.symbol}")
        if not is_known(tick.currency):
            return LimitPrice(None, f"the currency {tick.currency} is unknown")
        if quote.last.currency != tick.currency:
            detail = f"{proposal.symbol} is quoted in {quote.last.currency}, not {tick.currency}"
            return LimitPrice(None, detail)
        found = limit_price(
            proposal.side, quote, tick, order_class=proposal.order_class, limits=self.limits
        )
        asked = proposal.asked_limit
        return found if asked is None else no_worse_than(asked, proposal.side, found, tick)
