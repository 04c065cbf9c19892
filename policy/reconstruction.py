"""What the portfolio was worth at every close, and what made the difference from one to the next.

Between two closes the value V changes, in EUR, by exactly these:

    flows      F: what came from (+) and went to (−) the owner, shares at the close
    gains      by security: shares held × change of the close, and what it paid
    cash       balances held × change of the rate, interest, account fees
    trading    what was bought and sold, at the close, less what was paid for it with all fees

so that the time-weighted return (V_t − V_(t−1) − F_t) / V_(t−1) has the last three as its parts.

A trading day is one with a bar of a security that was held in the window. What happened since the
trading day before belongs to it, all of it at that day's close and rate: hence a deposit changes
no return in whatever currency it comes. A day on which something needed has no price or rate is
left out and reported; what happened on it belongs to the next day that is known.

Shares are counted in units of the newest split, as the closes are. A holding is in old shares
until the day its split is booked, however late that is, and prices are from the ex-date on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Protocol

import numpy as np

from kernels.checks import Bools, Floats, Ints, Rows
from kernels.series import Series
from ledger.analytics import UnknownDay
from ledger.currency import BASE
from ledger.holdings import HoldingsHistory
from policy.movements import Balances, cash_of, holdings_of

MAX_CLOSE_AGE = 10
"""Calendar days for which the last close counts: no market takes a longer holiday."""
_CHANGES = ("flows", "gains", "cash_gains", "trading", "turnover")
_ROWS = ("days", "values", "holdings", "cash", *_CHANGES)


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
class Reconstruction:
    """Values and their changes in EUR at n closes, of m securities and k currencies.

    values (n,), holdings (n, m), cash (n, k) are at the close of `days` (n,), proleptic ordinals;
    flows (n,), gains (n, m), cash_gains (n,), trading (n,) are the change since the close before
    and 0 in the first row. `turnover` (n,) is half of what was bought and sold.
    """

    days: Ints
    symbols: tuple[str, ...]
    currencies: tuple[str, ...]
    values: Floats
    holdings: Floats
    cash: Floats
    flows: Floats
    gains: Floats
    cash_gains: Floats
    trading: Floats
    turnover: Floats
    unknown: tuple[UnknownDay, ...]

    def since(self, first: date) -> Reconstruction:
        """From the last close before `first` on, or from the first one there is."""
        day = first.toordinal()
        start = max(int(np.searchsorted(self.days, day)) - 1, 0)
        cut = {name: getattr(self, name)[start:].copy() for name in _ROWS}
        for name in _CHANGES:
            cut[name][:1] = 0.0
        unknown = tuple(one for one in self.unknown if one.day >= first)
        return replace(self, unknown=unknown, **cut)

    @property
    def counted(self) -> Rows:
        """The rows that have a return: those after a close at which there was something."""
        return np.flatnonzero(self.values[:-1] > 0.0) + 1

    @property
    def returns(self) -> Floats:
        """The time-weighted returns of the rows `counted`."""
        rows = self.counted
        before = self.values[rows - 1]
        returns: Floats = (self.values[rows] - before - self.flows[rows]) / before
        return returns

    @property
    def span(self) -> tuple[date, date]:
        """The closes between which the returns lie; only when there is a return."""
        rows = self.counted
        first, last = self.days[[rows[0] - 1, rows[-1]]].tolist()
        return date.fromordinal(first), date.fromordinal(last)

    @property
    def index(self) -> Series:
        """The growth of one EUR: 1 at the first close of the span, then after every return."""
        rows = self.counted
        growth = np.concatenate(([1.0], (1.0 + self.returns).cumprod()))
        return Series(np.concatenate((self.days[rows[:1] - 1], self.days[rows])), growth)


@dataclass(frozen=True, slots=True, eq=False)
class _Closes:
    """All that is needed at the close of `days` (n,), NaN where it is not known.

    price, factor, shares are (n, m): in the security's currency, shares of the newest split for
    one as booked, shares as booked. rate, balances are (n, k): EUR for one unit, units.
    """

    days: Ints
    price: Floats
    factor: Floats
    shares: Floats
    rate: Floats
    balances: Floats


@dataclass(frozen=True, slots=True, eq=False)
class _Books:
    """The journal beside the prices; `home` (m,) is the number of each security's currency."""

    history: HoldingsHistory
    prices: Mapping[str, AssetPrices]
    fx: Rates
    symbols: tuple[str, ...]
    currencies: tuple[str, ...]
    home: Rows
    holdings: Balances
    cash: Balances


def reconstruct(
    history: HoldingsHistory, prices: Mapping[str, AssetPrices], fx: Rates
) -> Reconstruction:
    """The closes of the window of `history`, as far as bars and rates reach.

    A security without prices and a currency without rates leave every day unknown on which they
    are needed. Raises UnknownCurrency for a currency of unknown exponent.
    """
    books = _books(history, prices, fx)
    at = _closes(books, _trading_days(history, prices))
    names = np.array([*books.symbols, *books.currencies], dtype=object)
    unknown: list[UnknownDay] = []
    # Leaving a day out moves what happened on it to the next, which may then need more than it did.
    while (lacking := _lacking(books, at)).any():
        bad = lacking.any(axis=1)
        unknown += [
            UnknownDay(date.fromordinal(int(at.days[row])), tuple(names[lacking[row]]))
            for row in np.flatnonzero(bad)
        ]
        at = _closes(books, at.days[~bad])
    return _explained(books, at, tuple(sorted(unknown, key=lambda one: one.day)))


def carried(series: Series, days: Ints, oldest: Ints) -> Floats:
    """The newest figure on or before each of `days` (n,), NaN when it is from before `oldest`."""
    row = np.searchsorted(series.days, days, side="right") - 1
    values = np.full(len(days), np.nan)
    known = np.flatnonzero(row >= 0)
    known = known[series.days[row[known]] >= oldest[known]]
    values[known] = series.values[row[known]]
    return values


def _trading_days(history: HoldingsHistory, prices: Mapping[str, AssetPrices]) -> Ints:
    """Days with a bar of something that was held in the window, once there was an account."""
    first, last = history.first.toordinal(), history.until.toordinal() - 1
    if not (any(history.cash.values()) or any(history.holdings.values())):
        first = min((m.day.toordinal() for m in history.movements), default=last + 1)
    bars = [
        prices[symbol].close.between(first, last).days
        for symbol in history.symbols
        if symbol in prices
    ]
    return np.unique(np.concatenate([np.empty(0, dtype=np.int32), *bars]))


def _books(history: HoldingsHistory, prices: Mapping[str, AssetPrices], fx: Rates) -> _Books:
    earners = {move.earned_by for move in history.movements if move.earned_by}
    symbols = tuple(sorted({*history.symbols, *earners}))
    used = {move.key for move in history.movements if move.account == "cash"}
    homes = [prices[symbol].currency if symbol in prices else BASE for symbol in symbols]
    currencies = tuple(sorted({BASE, *history.cash, *used, *homes}))
    return _Books(
        history=history,
        prices=prices,
        fx=fx,
        symbols=symbols,
        currencies=currencies,
        home=np.array([currencies.index(code) for code in homes], dtype=np.intp),
        holdings=holdings_of(history, symbols),
        cash=cash_of(history, currencies),
    )


def _closes(books: _Books, days: Ints) -> _Closes:
    price = np.full((len(days), len(books.symbols)), np.nan)
    factor = np.ones_like(price)
    for column, symbol in enumerate(books.symbols):
        if symbol in books.prices:
            asset = books.prices[symbol]
            price[:, column] = carried(asset.close, days, days - MAX_CLOSE_AGE)
            factor[:, column] = _factor(books.history, symbol, asset, days)
    rate = np.full((len(days), len(books.currencies)), np.nan)
    for column, code in enumerate(books.currencies):
        rate[:, column] = 1.0 / books.fx.per_eur(code, days)[0]
    return _Closes(
        days=days,
        price=price,
        factor=factor,
        shares=books.holdings.level(days),
        rate=rate,
        balances=books.cash.level(days),
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


def _lacking(books: _Books, at: _Closes) -> Bools:
    """(n, m + k): which price or rate is missing that its day needs."""
    shares = _needed(books.holdings, at.days, at.shares != 0.0)
    units = _needed(books.cash, at.days, at.balances != 0.0)
    for column, home in enumerate(books.home):
        units[:, home] |= shares[:, column]
    return np.hstack((shares & np.isnan(at.price), units & np.isnan(at.rate)))


def _needed(balances: Balances, days: Ints, held: Bools) -> Bools:
    """What is held at the close, and what the owner brought or took since the one before.

    Anything else came and went between two closes, so that its price at them moves no value.
    """
    needed = held.copy()
    needed[1:] |= balances.moved(days, "external")[1:] != 0.0
    return needed


def _explained(books: _Books, at: _Closes, unknown: tuple[UnknownDay, ...]) -> Reconstruction:
    """Values and the parts of their changes."""
    rate = _filled(at.rate)
    price = _filled(at.price) * rate[:, books.home]
    shares = at.shares * at.factor
    traded = books.holdings.moved(at.days, "trade") * at.factor
    given = books.holdings.moved(at.days, "external") * at.factor
    holdings, cash = shares * price, at.balances * rate
    gains = _income(books, at.days, rate)
    gains[1:] += shares[:-1] * np.diff(price, axis=0)
    # What a split leaves beside its ratio, as a fraction of a share, is the security's own.
    gains[1:] += (np.diff(shares, axis=0) - traded[1:] - given[1:]) * price[1:]
    cash_gains = (books.cash.moved(at.days, "other") * rate).sum(axis=1)
    cash_gains[1:] += (at.balances[:-1] * np.diff(rate, axis=0)).sum(axis=1)
    brought = (books.cash.moved(at.days, "external") * rate).sum(axis=1)
    paid = (books.cash.moved(at.days, "trade") * rate).sum(axis=1)
    changes = {
        "flows": brought + (given * price).sum(axis=1),
        "gains": gains,
        "cash_gains": cash_gains,
        "trading": paid + (traded * price).sum(axis=1),
        "turnover": _turnover(books, at.days, rate),
    }
    for change in changes.values():
        change[:1] = 0.0
    return Reconstruction(
        days=at.days,
        symbols=books.symbols,
        currencies=books.currencies,
        values=holdings.sum(axis=1) + cash.sum(axis=1),
        holdings=holdings,
        cash=cash,
        unknown=unknown,
        **changes,
    )


def _filled(figures: Floats) -> Floats:
    """What is not known is not needed for a value: where a holding ended, its last figure stays,
    so that what it was sold for counts as trading, and nothing stands where there was none.
    """
    filled = figures.copy()
    gaps = np.isnan(filled)
    filled[1:][gaps[1:]] = figures[:-1][gaps[1:]]
    return np.nan_to_num(filled)


def _income(books: _Books, days: Ints, rate: Floats) -> Floats:
    """(n, m): what each security paid since the day before, in EUR."""
    total = np.zeros((len(days), len(books.symbols)))
    for move in books.history.movements:
        row = int(np.searchsorted(days, move.day.toordinal()))
        if move.cause == "income" and move.earned_by is not None and row < len(days):
            home = books.currencies.index(move.key)
            units = move.delta / books.cash.unit[home]
            total[row, books.symbols.index(move.earned_by)] += units * rate[row, home]
    return total


def _turnover(books: _Books, days: Ints, rate: Floats) -> Floats:
    """(n,): half of what was bought and sold since the day before, in EUR."""
    total = np.zeros(len(days))
    for trade in books.history.trades:
        row = int(np.searchsorted(days, trade.day.toordinal()))
        if row < len(days):
            home = books.currencies.index(trade.currency)
            units = (trade.bought + trade.sold) / books.cash.unit[home]
            total[row] += units / 2 * rate[row, home]
    return total
