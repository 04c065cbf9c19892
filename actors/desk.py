"""What the trader reads for one decision, gathered fresh and under deadlines.

A read that fails leaves its field empty, and the gates say no to what they cannot see.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeVar

import trio

from broker.port import Broker
from ledger.account import AccountSnapshot
from ledger.currency import BASE
from ledger.errors import BrokerError
from ledger.fact import is_pair
from ledger.halt import Latch
from ledger.money import Money, Price, Quantity, Rounding
from ledger.order import Intent, Mode, OrderView, Proposal
from ledger.portfolio import PortfolioSnapshot
from ledger.quote import Quote
from ledger.rate import RateTable
from ledger.security import FxPair, Security
from policy.fees import FeeTerms, fee
from policy.fx import reserve
from policy.gate_context import GateContext, foreign_reservations
from policy.limits import Limits
from policy.market_hours import FX, Calendars, SessionState
from policy.pricing import LimitPrice, limit_price
from policy.target_days import target_days_between
from policy.valuation import known_rates
from store.facts import Facts
from store.orders import Orders
from store.settings import Settings
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
    """The outside world at the moment of one decision."""

    account: AccountSnapshot | None
    open_orders: tuple[OrderView, ...] | None
    quote: Quote | None


@dataclass(frozen=True, slots=True)
class Desk:
    """The ports that decisions about orders read from."""

    broker: Broker
    orders: Orders
    facts: Facts
    settings: Settings
    portfolio: Latest[PortfolioSnapshot]
    clock: Clock
    calendars: Calendars
    rules: Latest[Limits]
    fees: FeeTerms
    fx_fees: FeeTerms

    @property
    def limits(self) -> Limits:
        """The limits in force now."""
        return in_force(self.rules)

    @property
    def pairs(self) -> tuple[FxPair, ...]:
        """The currency pairs that may be traded."""
        return self.broker.capabilities.pairs

    def tradable_rates(self) -> RateTable:
        """Reference rates young enough to trade with, now."""
        return self._tradable_rates(self.portfolio.value, self.clock.market_now().date())

    async def look(self, symbol: str) -> Seen:
        """Account, open orders and the quote of `symbol`, read now."""
        account = await read(self.broker.snapshot)
        listed = await read(self.broker.open_orders)
        quotes = await read(lambda: self.broker.quotes([symbol]))
        return Seen(
            account,
            None if listed is None else tuple(listed),
            None if quotes is None else quotes.get(symbol),
        )

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
        now = self.clock.market_now()
        rates = self._tradable_rates(board, now.date())
        limit = self._limit(proposal, seen.quote, security, pair)
        session = self.session_of(proposal)
        return GateContext(
            proposal=proposal,
            proposed_at=intent.proposed_at,
            mode=mode,
            latches=latches,
            now=now,
            now_s=self.clock.monotonic_s(),
            account=seen.account,
            open_orders=seen.open_orders,
            in_flight=others,
            security=security,
            pair=pair,
            quote=seen.quote,
            limit=limit,
            market_open=session.is_open if session and session.known else None,
            next_open=session.next_open if session else None,
            books_cash=balances.cash,
            books_held=Quantity(balances.holdings.get(proposal.symbol, 0)),
            reserved=await self._reserved(others, seen.open_orders),
            reserves=self._reserves(rates),
            fee=self.worst_fee(proposal, limit.price, rates),
            total_eur=board.total_eur if board else None,
            rates=rates,
            differences=board.differences if board else (),
            limits=self.limits,
        )

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
        for currency, minor in foreign_reservations(open_orders or (), ours).items():
            promised[currency] = promised.get(currency, 0) + minor
        return promised

    def session_of(self, proposal: Proposal) -> SessionState | None:
        """The state of the market the order trades on; None when that market is not known."""
        security, pair = self._instrument(proposal, self.portfolio.value)
        if pair is not None:
            return self.calendars.state(FX, self.clock.market_now())
        if security is None:
            return None
        return self.calendars.state(security.instrument.mic, self.clock.market_now())

    def close_of(self, proposal: Proposal, at: datetime) -> datetime | None:
        """The closing bell of the session that was running, or came next, at the instant `at`."""
        security, pair = self._instrument(proposal, self.portfolio.value)
        mic = FX if pair is not None else security.instrument.mic if security else None
        return None if mic is None else self.calendars.state(mic, at).closes_at

    def worst_fee(self, proposal: Proposal, price: Price | None, rates: RateTable) -> Money | None:
        """The worst-case fee at the limit price; None when it cannot be known."""
        if price is None:
            return None
        terms = self.fx_fees if is_pair(proposal.symbol) else self.fees
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
        if quote.last.currency != tick.currency:
            detail = f"{proposal.symbol} is quoted in {quote.last.currency}, not {tick.currency}"
            return LimitPrice(None, detail)
        return limit_price(
            proposal.side, quote, tick, order_class=proposal.order_class, limits=self.limits
        )
