"""A reader of the boards who wants to see only what is true: K9, C10."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

import trio

from ledger.errors import TrimtabError
from ledger.money import Money
from ledger.portfolio import PortfolioSnapshot
from tests.sim.life import Life
from wire.setting_asks import ListSettings

# Three TARGET days never span more than this, Christmas and Easter included.
MOST_RATE_AGE = timedelta(days=9)
# Virtual time stands still while somebody computes: what passes here was spent waiting.
ASK_EVERY_S = 40.0
ANSWER_S = 30.0
AT_ONCE_S = 0.1
_HELD = """
SELECT count(*) FROM (SELECT 1 FROM posting WHERE account = 'holding' AND fact_seq <= ?
    GROUP BY key HAVING sum(delta) <> 0)
"""


@dataclass(slots=True)
class Watcher:
    life: Life
    asked: Counter[str]
    violations: list[str] = field(default_factory=list[str])

    async def ask(self) -> None:
        """S2: while calls of the broker hang, everybody else answers at once."""
        while True:
            await trio.sleep(ASK_EVERY_S)
            began_s = trio.current_time()
            with suppress(TrimtabError):  # it may be restarting just now
                await self.life.system.asks.schedule.ask(ListSettings(), deadline_s=ANSWER_S)
                self.asked["S2"] += 1
                if trio.current_time() - began_s > AT_ONCE_S:
                    self.violations.append("S2: schedule took its time to answer")

    async def run(self) -> None:
        """Look at every portfolio that is published, for ever."""
        board, version = self.life.system.boards.portfolio, 0
        while True:
            version, portfolio = await board.wait_newer(version)
            self.asked.update(("K9", "C10"))
            self._whole(portfolio)
            self._honest(portfolio)

    def _whole(self, portfolio: PortfolioSnapshot) -> None:
        """K9: exactly what the journal holds at the portfolio's place, never a part of it."""
        held = self.life.ask(_HELD, portfolio.ledger_seq)[0][0]
        if len(portfolio.positions) != held:
            shown = len(portfolio.positions)
            self.violations.append(f"K9: {shown} positions shown, {held} in the journal")

    def _honest(self, portfolio: PortfolioSnapshot) -> None:
        """C10: no value without a rate, and no rate that is too old."""
        today = portfolio.as_of.date()
        for currency, rate in portfolio.rates.per_eur.items():
            if today - rate.as_of > MOST_RATE_AGE:
                self.violations.append(f"C10: {currency} is valued at a rate of {rate.as_of}")
        for cash in portfolio.cash:
            known = cash.money.currency in {"EUR", *portfolio.rates.per_eur}
            if cash.money.minor and not known and cash.value_eur is not None:
                self.violations.append(f"C10: {cash.money} has a value without a rate")
        for cash in portfolio.cash:
            self._priced(cash.money, cash.value_eur, today)
        for position in portfolio.positions:
            self._priced(position.value, position.value_eur, today)
        if portfolio.unvalued and portfolio.total_eur is not None:
            self.violations.append(f"C10: a total although {portfolio.unvalued} have no value")

    def _priced(self, money: Money | None, value: Money | None, day: date) -> None:
        if money is not None and value is not None and not self._is_worth(money, value, day):
            self.violations.append(f"C10: {money} is valued at {value}")

    def _is_worth(self, money: Money, value: Money, day: date) -> bool:
        """At one of the market's own rates since a while before `day`, to the cent.

        Rates are read after the account, whose day it is, and shown until the next good read.
        """
        if money.currency == "EUR" or not money.minor:
            return value.minor == money.minor
        first, last = day - MOST_RATE_AGE, self.life.clock.market_now().date()
        days = (first + timedelta(days=n) for n in range((last - first).days + 1))
        rates = (self.life.market.data.rate_at(money.currency, one) for one in days)
        return any(
            abs(Decimal(money.minor) / rate.per_eur - value.minor) <= 1
            for rate in rates
            if rate is not None
        )
