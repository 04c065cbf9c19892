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
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from kernels.checks import Bools, Floats, Ints, Rows
from kernels.series import Series, distinct
from ledger.analytics import UnknownDay
from ledger.holdings import HoldingsHistory
from policy.balance_lines import AssetPrices, Books, Rates, books_of, currency_line, security_line

MAX_WAIT = 5
"""Calendar days for which the newest day waits for a holding that has no bar of it."""
_CHANGES = ("flows", "gains", "cash_gains", "trading", "turnover")
_ROWS = ("days", "values", "holdings", "cash", *_CHANGES)


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
        cut = {name: getattr(self, name)[start:] for name in _ROWS}
        for name in _CHANGES:
            cut[name] = cut[name].copy()
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


def reconstruct(
    history: HoldingsHistory, prices: Mapping[str, AssetPrices], fx: Rates
) -> Reconstruction:
    """The closes of the window of `history`, as far as bars and rates reach.

    The newest day counts once everything that is held has told its close, so that no exchange that
    has closed stands beside one that has not, or has not been read yet.

    A security without prices and a currency without rates leave every day unknown on which they
    are needed. Raises UnknownCurrency for a currency of unknown exponent.
    """
    books = books_of(history, prices, fx)
    days = _told(books, _trading_days(history, prices))
    names = np.array([*books.symbols, *books.currencies], dtype=object)
    unknown: list[UnknownDay] = []
    # Leaving a day out moves what happened on it to the next, which may then need more than it did.
    while (lacking := _lacking(books, days)).any():
        bad = lacking.any(axis=1)
        unknown += [
            UnknownDay(date.fromordinal(int(days[row])), tuple(names[lacking[row]]))
            for row in np.flatnonzero(bad)
        ]
        days = days[~bad]
    return _explained(books, days, tuple(sorted(unknown, key=lambda one: one.day)))


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
    return distinct(np.concatenate([np.empty(0, dtype=np.int32), *bars]))


def _told(books: Books, days: Ints) -> Ints:
    """The days up to the last one of which every holding has told its close, by a bar of it or of a
    later day; one that was silent for longer than MAX_WAIT is not waited for.
    """
    upto = newest = int(days[-1]) if len(days) else 0
    for number, symbol in enumerate(books.symbols):
        asset = books.prices.get(symbol)
        if asset is not None and len(days) and books.holdings.level(days[-1:], number)[0]:
            last = int(asset.close.days[-1]) if len(asset.close) else 0
            if newest - last <= MAX_WAIT:
                upto = min(upto, last)
    return days[days <= upto]


def _lacking(books: Books, days: Ints) -> Bools:
    """(n, m + k): which price or rate is missing that its day needs."""
    shares = np.zeros((len(days), len(books.symbols)), dtype=np.bool_)
    units = np.zeros((len(days), len(books.currencies)), dtype=np.bool_)
    for number, home in enumerate(books.home):
        line = security_line(books, number, days)
        shares[:, number] = line.needed & np.isnan(line.price)
        units[:, home] |= line.needed
    for number in range(len(books.currencies)):
        line = currency_line(books, number, days)
        units[:, number] |= line.needed
        units[:, number] &= np.isnan(line.price)
    return np.hstack((shares, units))


def _explained(books: Books, days: Ints, unknown: tuple[UnknownDay, ...]) -> Reconstruction:
    """Values and the parts of their changes; one balance after the other, to be small."""
    count = len(days)
    cash, rate = np.zeros((2, count, len(books.currencies)))
    flows, cash_gains, trading = np.zeros((3, count))
    for number in range(len(books.currencies)):
        line = currency_line(books, number, days)
        rate[:, number] = price = line.filled
        cash[:, number] = line.held * price
        flows += line.given * price
        trading += line.traded * price
        cash_gains += books.cash.moved(days, number, "other") * price
        cash_gains[1:] += line.held[:-1] * np.diff(price)
    gains, holdings = _income(books, days, rate), np.zeros((count, len(books.symbols)))
    for number, home in enumerate(books.home):
        line = security_line(books, number, days)
        price = line.filled * rate[:, home]
        holdings[:, number] = line.held * price
        flows += line.given * price
        trading += line.traded * price
        gains[1:, number] += line.held[:-1] * np.diff(price)
        # What a split leaves beside its ratio, as a fraction of a share, is the security's own.
        left = np.diff(line.held) - line.traded[1:] - line.given[1:]
        gains[1:, number] += left * price[1:]
    changes = {
        "flows": flows,
        "gains": gains,
        "cash_gains": cash_gains,
        "trading": trading,
        "turnover": _turnover(books, days, rate),
    }
    for change in changes.values():
        change[:1] = 0.0
    return Reconstruction(
        days=days,
        symbols=books.symbols,
        currencies=books.currencies,
        values=holdings.sum(axis=1) + cash.sum(axis=1),
        holdings=holdings,
        cash=cash,
        unknown=unknown,
        **changes,
    )


def _income(books: Books, days: Ints, rate: Floats) -> Floats:
    """(n, m): what each security paid since the day before, in EUR."""
    total = np.zeros((len(days), len(books.symbols)))
    of_symbol = {symbol: number for number, symbol in enumerate(books.symbols)}
    of_code = {code: number for number, code in enumerate(books.currencies)}
    paid = [
        (move.day.toordinal(), of_symbol[move.earned_by], of_code[move.key], move.delta)
        for move in books.history.movements
        if move.cause == "income" and move.earned_by is not None
    ]
    table = np.array(paid, dtype=np.int64).reshape(-1, 4)
    row = np.searchsorted(days, table[:, 0])
    table, row = table[row < len(days)], row[row < len(days)]
    earner, home, minor = table[:, 1], table[:, 2], table[:, 3]
    np.add.at(total, (row, earner), minor / books.cash.unit[home] * rate[row, home])
    return total


def _turnover(books: Books, days: Ints, rate: Floats) -> Floats:
    """(n,): half of what was bought and sold since the day before, in EUR."""
    total = np.zeros(len(days))
    for trade in books.history.trades:
        row = int(np.searchsorted(days, trade.day.toordinal()))
        if row < len(days):
            home = books.currencies.index(trade.currency)
            units = (trade.bought + trade.sold) / books.cash.unit[home]
            total[row] += units / 2 * rate[row, home]
    return total
