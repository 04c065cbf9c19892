"""What the recording tells of the past at an instant, and nothing of what is to come.

A bar is known once its session is over, a split and a dividend once the session of its day has
begun, and a reported figure from its day on. Where the calendar has no session a day is over when
it has ended everywhere on earth.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta

from broker.market_data import MarketData
from broker.paper.sessions import Sessions, View
from ledger.bar import Bar, Fundamental, ShareDividend, Split
from ledger.errors import BrokerNotFound
from ledger.money import Price
from ledger.security import Instrument

RECORDING = "recording"
# The last place on earth to end a day does so at noon of the next one, UTC.
OVER_EVERYWHERE = timedelta(hours=36)


class Past:
    """Every question raises BrokerNotFound for a symbol that is not listed."""

    def __init__(
        self, market: MarketData, instruments: Mapping[str, Instrument], sessions: Sessions
    ) -> None:
        self._market = market
        self._instruments = instruments
        self._sessions = sessions

    def bars(self, symbol: str, since: date, now: datetime) -> Iterator[Bar]:
        """From `since` on, one by one: a recording may hold thousands."""
        over = self._over(self._view(symbol, now), now)
        series = self._market.bars.get(symbol)
        if series is None:
            return iter(())
        return (
            Bar(b.day, b.open_micro, b.high_micro, b.low_micro, b.close_micro, b.volume)
            for b in series.each_between(since, over)
        )

    def splits(self, symbol: str, now: datetime) -> tuple[Split, ...]:
        begun = self._begun(symbol, now)
        return tuple(
            Split(row.day, row.ratio)
            for row in self._market.splits
            if row.symbol == symbol and row.day <= begun
        )

    def dividends(self, symbol: str, now: datetime) -> tuple[ShareDividend, ...]:
        begun = self._begun(symbol, now)
        return tuple(
            ShareDividend(row.ex_date, row.pay_date, Price(row.amount_micro, row.currency))
            for row in self._market.dividends
            if row.symbol == symbol and row.ex_date <= begun
        )

    def fundamentals(self, symbol: str, now: datetime) -> tuple[Fundamental, ...]:
        self._view(symbol, now)
        return tuple(
            Fundamental(row.metric, row.as_of, row.value)
            for row in self._market.fundamentals
            if row.symbol == symbol and row.as_of <= now.date()
        )

    def _begun(self, symbol: str, now: datetime) -> date:
        """The last day whose session has begun."""
        view = self._view(symbol, now)
        return view.running or self._over(view, now)

    def _view(self, symbol: str, now: datetime) -> View:
        instrument = self._instruments.get(symbol)
        if instrument is None:
            raise BrokerNotFound(f"{symbol} is not listed")
        return self._sessions.view(instrument.mic, now)

    @staticmethod
    def _over(view: View, now: datetime) -> date:
        """The last day whose session is over."""
        return view.closed or (now - OVER_EVERYWHERE).date()
