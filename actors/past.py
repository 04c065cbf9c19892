"""The past as the analyst reads it: one security's prices at a time, of which only levels are kept.

All computing goes through the runner, so that the event loop never waits for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Protocol

from kernels.series import Series
from ledger.bar import Coverage, PriceBook, RateColumns
from ledger.holdings import HoldingsHistory
from ledger.security import Security
from policy.balance_lines import AssetPrices
from policy.benchmark import equal_mix
from policy.fx_history import FxHistory
from policy.price_history import PriceHistory
from policy.prices import derive_all
from policy.reconstruction import Reconstruction, reconstruct
from wire.runner import Runner

# Closes are checked against those before them.
MARGIN = timedelta(days=60)
# The close that the first return starts from may be as far back as the longest holiday.
LEAD = timedelta(days=15)
# A year of trading days, and the holidays of exchanges that do not keep the same.
LOOK_BACK = timedelta(days=450)


class Journal(Protocol):
    async def last_seq(self) -> int: ...

    async def between(self, first: date, until: date, /) -> HoldingsHistory: ...


class SecurityList(Protocol):
    async def all(self) -> Sequence[Security]: ...


class PriceStore(Protocol):
    async def coverage(self) -> Mapping[int, Coverage]: ...

    async def read(
        self, security_ids: Sequence[int], /, *, since: date | None = None
    ) -> PriceBook: ...

    async def rates(self, currencies: Iterable[str], /) -> Mapping[str, RateColumns]: ...


@dataclass(frozen=True, slots=True)
class Past:
    """Everything up to `today`, a market day; `securities` by symbol are all that ever were,
    `benchmarks` those of them the portfolio is compared with.
    """

    journal: Journal
    prices: PriceStore
    runner: Runner
    today: date
    securities: Mapping[str, Security]
    benchmarks: tuple[str, ...]

    def first(self, days: int) -> date:
        """The first of so many calendar days, of which today is the last."""
        return self.today - timedelta(days=days - 1)

    async def closes(self, days: int) -> Reconstruction:
        """Every close of so many days that is known, with some before them."""
        first = self.first(days) - LEAD
        history = await self.journal.between(first, self.today + timedelta(days=1))
        prices: dict[str, AssetPrices] = {}
        for symbol in history.symbols:
            found = await self._closes_of(symbol, first)
            if found is not None:
                prices[symbol] = found
        used = {move.key for move in history.movements if move.account == "cash"}
        used |= {asset.currency for asset in prices.values()} | history.cash.keys()
        fx = FxHistory(await self.prices.rates(sorted(used)))
        return await self.runner(partial(reconstruct, history, prices, fx))

    async def weights(self) -> Mapping[str, float] | None:
        """What is held, as fractions of the total value at the last close; None when unknown."""
        closes = await self.closes(1)
        if not len(closes.values):
            return None if closes.symbols else {}
        total = float(closes.values[-1])
        parts = zip(closes.symbols, closes.holdings[-1].tolist(), strict=True)
        return {symbol: value / total for symbol, value in parts if value} if total > 0.0 else None

    async def history(self, symbol: str, since: date) -> PriceHistory:
        """Prices of a security from `since` on and for a while before."""
        return await self._derived(symbol, await self._stored(symbol, since))

    async def levels(self, symbols: Iterable[str], since: date) -> Mapping[str, Series]:
        """Total returns in EUR of those that have any."""
        found: dict[str, Series] = {}
        for symbol in symbols:
            if symbol in self.securities:
                level = (await self.history(symbol, since)).total_eur
                if level is not None:
                    found[symbol] = level
        return found

    async def benchmark(self, since: date) -> Series | None:
        """What the portfolio is compared with: a mix of indices in EUR; None without prices."""
        levels = await self.levels(self.benchmarks, since)
        return await self.runner(partial(equal_mix, [*levels.values()]))

    async def _closes_of(self, symbol: str, since: date) -> AssetPrices | None:
        if symbol not in self.securities:
            return None
        book = await self._stored(symbol, since)
        derived = await self._derived(symbol, book)
        if not len(derived.close):
            return None
        splits = [(one.ex_date.toordinal(), float(one.ratio)) for one in book.prices[0].splits]
        return AssetPrices(derived.currency, derived.close, tuple(splits))

    async def _stored(self, symbol: str, since: date) -> PriceBook:
        return await self.prices.read([self.securities[symbol].security_id], since=since - MARGIN)

    async def _derived(self, symbol: str, book: PriceBook) -> PriceHistory:
        names = {self.securities[symbol].security_id: symbol}
        (derived,) = await self.runner(partial(derive_all, book, names))
        return derived
