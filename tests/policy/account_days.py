"""Made-up accounts to value: journals, closes and rates, each in one line or at random."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

import numpy as np

from kernels.checks import Bools, Floats, Ints
from kernels.series import Series
from ledger.holdings import BookedSplit, Cause, HoldingsHistory, Movement, Traded
from policy.balance_lines import AssetPrices

START = date(2024, 1, 1)  # a Monday


def day(number: int) -> date:
    return START + timedelta(days=number)


END = day(400)


def weekdays(count: int) -> list[date]:
    return [one for one in map(day, range(count)) if one.weekday() < 5]


def series(levels: Mapping[date, float]) -> Series:
    days = np.array([one.toordinal() for one in levels], dtype=np.int32)
    return Series(days, np.array(list(levels.values()), dtype=np.float64))


@dataclass(frozen=True, slots=True)
class FixedRates:
    """Units for one EUR by currency and day; a day without one has no rate."""

    by_day: Mapping[str, Mapping[date, float]] = field(
        default_factory=dict[str, Mapping[date, float]]
    )

    def per_eur(self, currency: str, days: Ints, /) -> tuple[Floats, Bools]:
        if currency == "EUR":
            return np.ones(len(days)), np.ones(len(days), dtype=np.bool_)
        known = self.by_day.get(currency, {})
        values = np.array([known.get(date.fromordinal(int(d)), np.nan) for d in days])
        return values, ~np.isnan(values)


def cash(
    on: date, units: str | Decimal | int, cause: Cause, *, code: str = "EUR", by: str | None = None
) -> Movement:
    return Movement(on, "cash", code, cause, int(Decimal(units) * 100), by)


def shares(on: date, units: str | Decimal | int, cause: Cause, symbol: str = "AAA") -> Movement:
    return Movement(on, "holding", symbol, cause, int(Decimal(units) * 1_000_000))


def history(
    *movements: Movement,
    first: date = START,
    until: date = END,
    splits: Sequence[BookedSplit] = (),
    trades: Sequence[Traded] = (),
    holdings: Mapping[str, int] | None = None,
    money: Mapping[str, int] | None = None,
) -> HoldingsHistory:
    return HoldingsHistory(
        first=first,
        until=until,
        seq=len(movements),
        holdings=holdings or {},
        cash=money or {},
        movements=tuple(sorted(movements, key=lambda move: move.day)),
        splits=tuple(splits),
        trades=tuple(trades),
    )


@dataclass(frozen=True, slots=True)
class Account:
    """A journal with everything it is valued by."""

    history: HoldingsHistory
    prices: Mapping[str, AssetPrices]
    rates: FixedRates


HOMES = {"AAA": "EUR", "BBB": "USD", "CCC": "GBP", "DDD": "USD"}


def random_account(seed: int, *, length: int = 90) -> Account:
    """Trades with fees, deposits and income in three currencies, holidays and splits, by `seed`.

    Everything has a price and a rate on every day on which it is needed.
    """
    rng = random.Random(seed)
    days = weekdays(length)
    rates = {code: _walk(rng, days, level) for code, level in (("USD", 1.1), ("GBP", 0.85))}
    moves = [cash(days[0], rng.randint(5_000, 50_000), "external"), *_flows(rng, days)]
    prices: dict[str, AssetPrices] = {}
    booked: list[BookedSplit] = []
    for symbol, code in HOMES.items():
        walk = _walk(rng, days, rng.uniform(5, 200))
        closes = {one: walk[one] for one in days if one == days[0] or rng.random() > 0.1}
        life = Life(rng, symbol, code, closes, rng.choice(days[10:-10]))
        moves += life.lived(days)
        split = ((life.ex_date.toordinal(), 2.0),)
        prices[symbol] = AssetPrices(code, series(closes), split)
        booked += life.booked
    kept = [move for move in moves if move.delta]
    return Account(history(*kept, until=day(length), splits=booked), prices, FixedRates(rates))


def _walk(rng: random.Random, days: Sequence[date], level: float) -> dict[date, float]:
    levels: dict[date, float] = {}
    for one in days:
        level *= 1 + rng.gauss(0.0004, 0.015)
        levels[one] = level
    return levels


def _flows(rng: random.Random, days: Sequence[date]) -> list[Movement]:
    moves: list[Movement] = []
    for one in days:
        if rng.random() < 0.1:
            cause: Cause = rng.choice(["external", "other"])
            code = rng.choice(["EUR", "USD", "GBP"])
            moves.append(cash(one, rng.randint(-900, 3_000), cause, code=code))
    return moves


class Life:
    """One security: traded away from its close, paying now and then, split two for one once.

    The books follow the split up to three days late.
    """

    def __init__(
        self,
        rng: random.Random,
        symbol: str,
        code: str,
        closes: Mapping[date, float],
        ex_date: date,
    ) -> None:
        self._rng, self._symbol, self._code, self._closes = rng, symbol, code, closes
        self.ex_date = ex_date
        self.booked: list[BookedSplit] = []
        self._moves: list[Movement] = []
        self._held = 0
        self._price = next(iter(closes.values()))

    def lived(self, days: Sequence[date]) -> list[Movement]:
        for one in days[1:]:
            self._price = self._closes.get(one, self._price)
            if one == self.ex_date and self._held:
                late = one + timedelta(days=self._rng.randint(0, 3))
                self.booked.append(BookedSplit(self._symbol, one, late))
            if self.booked and self.ex_date <= one < self.booked[0].day:
                continue
            old = one < self.ex_date
            if self.booked:
                self._split()
            self._trade(one, self._price * 2 if old else self._price)
        return self._moves

    def _split(self) -> None:
        if any(move.cause == "split" for move in self._moves):
            return
        self._moves.append(shares(self.booked[0].day, self._held, "split", self._symbol))
        self._held *= 2

    def _trade(self, one: date, unit: float) -> None:
        rng = self._rng
        if rng.random() < 0.12:
            wanted = rng.randint(-self._held, 40)
            paid = Decimal(str(round(wanted * unit * rng.uniform(0.99, 1.01) + 2.5, 2)))
            self._moves.append(shares(one, wanted, "trade", self._symbol))
            self._moves.append(cash(one, -paid, "trade", code=self._code))
            self._held += wanted
        if self._held and rng.random() < 0.05:
            amount = rng.randint(1, 60)
            self._moves.append(cash(one, amount, "income", code=self._code, by=self._symbol))
