"""One security or one currency of an account at many closes: price, amount, and what moved it.

Shares are counted in units of the newest split, as the closes are. A holding is in old shares
until the day its split is booked, however late that is, and prices are from the ex-date on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from kernels.checks import Bools, Floats, Ints, Rows
from kernels.series import Series
from ledger.currency import BASE
from ledger.holdings import HoldingsHistory
from policy.movements import Balances, cash_of, holdings_of

MAX_CLOSE_AGE = 10
"""Calendar days for which the last close counts: no market takes a longer holiday."""


class Rates(Protocol):
    """Exchange rates of past days."""

    def per_eur(self, currency: str, days: Ints, /) -> tuple[Floats, Bools]:
        """Units of `currency` for one EUR on each of `days` (n,), NaN where it is not known."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class AssetPrices:
    """Closes of one security in `currency`, adjusted for exactly these `splits`.

    `splits` are pairs of the ordinal of the ex-date and the ratio, new shares for one old.
    """

    currency: str
    close: Series
    splits: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """One security or currency at n closes.

    `price` is in the security's currency, or EUR for one unit of the currency, NaN where it is not
    known. `held`, `traded` and `given` are in shares of the newest split or in units; the last two
    since the close before, by trades and by the owner.
    """

    price: Floats
    held: Floats
    traded: Floats
    given: Floats

    @property
    def needed(self) -> Bools:
        """(n,): at which closes the price decides a value.

        What neither is there nor was the owner's came and went between two closes: its price at
        them moves nothing.
        """
        needed: Bools = self.held != 0.0
        needed[1:] |= self.given[1:] != 0.0
        return needed

    @property
    def filled(self) -> Floats:
        """(n,): `price` without gaps. Where a holding ended it stays at the last one, so that what
        it was sold for counts as trading; where it is not needed otherwise it is 0.
        """
        price = self.price.copy()
        gaps = np.isnan(price)
        price[1:][gaps[1:]] = self.price[:-1][gaps[1:]]
        return np.nan_to_num(price)


@dataclass(frozen=True, slots=True, eq=False)
class Books:
    """The journal beside the prices; `home` (m,) is the number of each security's currency."""

    history: HoldingsHistory
    prices: Mapping[str, AssetPrices]
    fx: Rates
    symbols: tuple[str, ...]
    currencies: tuple[str, ...]
    home: Rows
    holdings: Balances
    cash: Balances


def books_of(history: HoldingsHistory, prices: Mapping[str, AssetPrices], fx: Rates) -> Books:
    earners = {move.earned_by for move in history.movements if move.earned_by}
    symbols = tuple(sorted({*history.symbols, *earners}))
    used = {move.key for move in history.movements if move.account == "cash"}
    homes = [prices[symbol].currency if symbol in prices else BASE for symbol in symbols]
    currencies = tuple(sorted({BASE, *history.cash, *used, *homes}))
    return Books(
        history=history,
        prices=prices,
        fx=fx,
        symbols=symbols,
        currencies=currencies,
        home=np.array([currencies.index(code) for code in homes], dtype=np.intp),
        holdings=holdings_of(history, symbols),
        cash=cash_of(history, currencies),
    )


def security_line(books: Books, number: int, days: Ints) -> Line:
    asset = books.prices.get(books.symbols[number])
    price, factor = np.full(len(days), np.nan), np.ones(len(days))
    if asset is not None:
        price = carried(asset.close, days, days - MAX_CLOSE_AGE)
        factor = _factor(books.history, books.symbols[number], asset, days)
    return Line(
        price=price,
        held=books.holdings.level(days, number) * factor,
        traded=books.holdings.moved(days, number, "trade") * factor,
        given=books.holdings.moved(days, number, "external") * factor,
    )


def currency_line(books: Books, number: int, days: Ints) -> Line:
    return Line(
        price=1.0 / books.fx.per_eur(books.currencies[number], days)[0],
        held=books.cash.level(days, number),
        traded=books.cash.moved(days, number, "trade"),
        given=books.cash.moved(days, number, "external"),
    )


def _factor(history: HoldingsHistory, symbol: str, asset: AssetPrices, days: Ints) -> Floats:
    """Shares of the newest split for one as the books count them on `days` (n,)."""
    booked = {
        split.ex_date.toordinal(): split.day.toordinal()
        for split in history.splits
        if split.symbol == symbol
    }
    factor = np.ones(len(days))
    for ex_day, ratio in asset.splits:
        factor[days < booked.get(ex_day, ex_day)] *= ratio
    return factor


def carried(series: Series, days: Ints, oldest: Ints) -> Floats:
    """The newest figure on or before each of `days` (n,), NaN when it is from before `oldest`."""
    row = np.searchsorted(series.days, days, side="right") - 1
    values = np.full(len(days), np.nan)
    known = np.flatnonzero(row >= 0)
    known = known[series.days[row[known]] >= oldest[known]]
    values[known] = series.values[row[known]]
    return values
