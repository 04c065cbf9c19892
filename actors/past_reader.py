"""Reads the past from the broker into the store: one security, or the exchange rates, at a time.

Used by history. Every outside call has its own deadline, and what makes no sense is refused before
it is stored.
"""

from __future__ import annotations

from collections.abc import Awaitable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import TypeVar

import trio

from broker.port import RATE_DAYS, Broker
from ledger.bar import BarRead, Coverage
from ledger.errors import BadData, MalformedAnswer
from ledger.rate import Rate
from ledger.security import Security
from policy.bar_intake import OVERLAP, arranged, on_another_basis, sound_actions
from policy.fx_history import SpikeFilter
from store.bars import Bars, Fetched
from store.market import MarketStore
from wire.clock import Clock
from wire.runner import Runner

T = TypeVar("T")

CALL_S = 30.0
RATES_AT_ONCE = 1_000
RATES_OVERLAP = timedelta(days=10)
STRETCH = timedelta(days=RATE_DAYS)
# Of a year each; a broker that never comes to an end is left.
MOST_STRETCHES = 100
# The last place on earth begins a day when it is still the day before in UTC.
DAY_AHEAD = timedelta(days=1)
# Part of the stored bars that a whole series must have to take their place.
ENOUGH = 0.9


@dataclass(frozen=True, slots=True)
class PastReader:
    """What it raises: BrokerError, or trio.TooSlowError when a call is not answered."""

    broker: Broker
    bars: Bars
    market: MarketStore
    clock: Clock
    runner: Runner

    async def rates(self, *, everything: bool) -> None:
        """Exchange rates of the newest days, or all there are; read and stored a few at a time."""
        now = self.clock.market_now()
        since = None if everything else now.date() - RATES_OVERLAP
        spikes = SpikeFilter()
        for _ in range(MOST_STRETCHES):
            read = await _answer(self.broker.rates_since(since))
            if not read:
                break
            await self._keep(await self.runner(partial(spikes.take, read)), now)
            days = [rate.as_of for rate in read]
            if since is not None and max(days) < since:
                raise MalformedAnswer(f"rates up to {max(days)} came for {since}")
            since = max(days) + timedelta(days=1)
            if max(since, min(days) + STRETCH) > now.date():
                break
        await self._keep(spikes.rest(), now)

    async def _keep(self, rates: Sequence[Rate], now: datetime) -> None:
        for start in range(0, len(rates), RATES_AT_ONCE):
            batch = rates[start : start + RATES_AT_ONCE]
            await self.market.put_past_rates(batch, at=now)

    async def security(self, security: Security, known: Coverage | None) -> tuple[Coverage, bool]:
        """Everything about one security, in one transaction; how far its bars reach now, and
        whether there are new ones.
        """
        number, symbol = security.security_id, security.symbol
        splits = await _answer(self.broker.splits(symbol))
        dividends = await _answer(self.broker.share_dividends(symbol))
        figures = await _answer(self.broker.fundamentals(symbol))
        with _malformed():
            sound_actions(splits, dividends)
        now = self.clock.market_now()
        same_money = known is not None and known.currency == security.currency
        stored = await self.bars.newest(number, OVERLAP) if same_money else ()
        read = await self._read(security, stored[0].day if stored else None, now)
        whole = not stored
        if on_another_basis(stored, read, splits):
            whole, read = True, await self._read(security, None, now)
            self._check_length(read, known)
        fetched = Fetched(read, splits, dividends, figures)
        covered = await self.bars.record(number, fetched, at=now, whole=whole)
        last = stored[-1].day if stored else None
        return covered, covered.bars > 0 and (whole or covered.last_day != last)

    async def _read(self, security: Security, since: date | None, now: datetime) -> BarRead:
        read = await _answer(self.broker.bars(security.symbol, since))
        work = partial(
            arranged,
            read,
            symbol=security.symbol,
            currency=security.currency,
            last=(now + DAY_AHEAD).date(),
        )
        with _malformed():
            return await self.runner(work)

    @staticmethod
    def _check_length(read: BarRead, known: Coverage | None) -> None:
        """A stump never takes the place of a history."""
        if known is not None and len(read.bars) < ENOUGH * known.bars:
            raise MalformedAnswer(f"only {len(read.bars)} bars came where {known.bars} are stored")


async def _answer(call: Awaitable[T]) -> T:
    with trio.fail_after(CALL_S):
        return await call


@contextmanager
def _malformed() -> Generator[None]:
    """Figures in an answer that make no sense are an answer that makes no sense."""
    try:
        yield
    except BadData as error:
        raise MalformedAnswer(str(error)) from error
