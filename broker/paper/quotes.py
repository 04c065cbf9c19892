"""What one would see on the screen of the exchange at an instant.

While a session runs the last price is the day's open, after it the close, before it the previous
close: the part of a daily bar that is public by then. Prices from before a split are shown in new
shares once the split is effective. A symbol has no quote before its first bar, and none once a
session has passed its last one: the recording is over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from broker.market_data import Bar, MarketData, SplitRow
from broker.paper.instants import DAY
from broker.paper.pairs import SPREAD_MICRO, as_price, middle
from broker.paper.rates import KnownRates, publication
from broker.paper.sessions import FX, Sessions, View
from ledger.money import MICRO, Price, Rounding, divide
from ledger.quote import Quote
from ledger.security import FxPair, Instrument

OLDEST_RATE_DAYS = 7  # the longest pause between two publications is five days
# Turnover of the last bar in whole units of its currency, and the spread in millionths.
_SPREADS = ((50_000_000, 500), (5_000_000, 1_000), (500_000, 2_000), (0, 3_000))


@dataclass(frozen=True, slots=True)
class _Face:
    """The part of a quote that stays the same until `until`."""

    since: datetime
    until: datetime
    bid: Price | None
    ask: Price | None
    last: Price | None
    previous_close: Price | None
    is_open: bool


class QuoteBoard:
    def __init__(
        self,
        market: MarketData,
        *,
        instruments: Mapping[str, Instrument],
        pairs: Iterable[FxPair],
        sessions: Sessions,
        rates: KnownRates,
    ) -> None:
        self._market = market
        self._instruments = instruments
        self._pairs = {pair.symbol: pair for pair in pairs}
        self._sessions = sessions
        self._rates = rates
        self._splits = _by_symbol(market.splits)
        self._last_days = {symbol: bars[-1].day for symbol, bars in market.bars.items() if bars}
        self._faces: dict[str, _Face] = {}

    def quote(self, symbol: str, instant: datetime) -> Quote | None:
        """The quote of a security or pair, stamped with `instant`; None when there is none."""
        face = self._faces.get(symbol)
        if face is None or not face.since <= instant < face.until:
            fresh = self._face(symbol, instant)
            if fresh is None:
                return None
            face = self._faces[symbol] = fresh
        if face.last is None:
            return None
        return Quote(
            symbol, face.bid, face.ask, face.last, face.previous_close, instant, face.is_open
        )

    def _face(self, symbol: str, instant: datetime) -> _Face | None:
        instrument = self._instruments.get(symbol)
        if instrument is not None:
            return self._security(instrument, self._sessions.view(instrument.mic, instant))
        pair = self._pairs.get(symbol)
        return None if pair is None else self._pair(pair, instant)

    def _security(self, instrument: Instrument, view: View) -> _Face:
        prices = self._prices(instrument.symbol, view)
        if prices is None:
            return _Face(view.since, view.until, None, None, None, None, view.is_open)
        last = Price(prices.last_micro, instrument.currency)
        bid, ask = (None, None)
        if instrument.lot is not None:
            bid, ask = around(last, spread_micro=spread_of(prices.newest), tick=instrument.tick)
        previous = None
        if prices.previous_micro is not None:
            previous = Price(prices.previous_micro, instrument.currency)
        return _Face(view.since, view.until, bid, ask, last, previous, view.is_open)

    def _prices(self, symbol: str, view: View) -> _Prices | None:
        day = view.running or view.closed
        if day is None or day > self._last_days.get(symbol, date.min):
            return None
        before = self._market.last_bar_before(symbol, day)
        bar = self._market.bar_on(symbol, day)
        if bar is None:
            return None if before is None else self._quiet(symbol, before, day)
        last = bar.open_micro if view.running else bar.close_micro
        previous = None if before is None else self._in_new_shares(symbol, before, day)
        return _Prices(last, previous, before or bar)

    def _quiet(self, symbol: str, bar: Bar, day: date) -> _Prices:
        """No trade on `day`: the close before it stands."""
        earlier = self._market.last_bar_before(symbol, bar.day)
        previous = None if earlier is None else self._in_new_shares(symbol, earlier, day)
        return _Prices(self._in_new_shares(symbol, bar, day), previous, bar)

    def _in_new_shares(self, symbol: str, bar: Bar, day: date) -> int:
        """The close of `bar` per share as shares are counted on `day`."""
        close = bar.close_micro
        for split in self._splits.get(symbol, ()):
            if bar.day < split.day <= day:
                numerator, denominator = split.ratio.as_integer_ratio()
                close = divide(close * denominator, numerator, Rounding.HALF_EVEN)
        return close

    def _pair(self, pair: FxPair, instant: datetime) -> _Face | None:
        known_since = publication(instant)
        rate = middle(pair, self._rates.at(instant))
        view = self._sessions.view(FX, instant)
        until = min(view.until, known_since + DAY)
        if rate is None or (instant.date() - rate.as_of).days > OLDEST_RATE_DAYS:
            return _Face(instant, until, None, None, None, None, view.is_open)
        last = as_price(rate.value, pair)
        bid, ask = around(last, spread_micro=SPREAD_MICRO, tick=pair.tick)
        earlier = middle(pair, self._rates.published_by(rate.as_of - DAY))
        previous = None if earlier is None else as_price(earlier.value, pair)
        return _Face(instant, until, bid, ask, last, previous, view.is_open)


@dataclass(frozen=True, slots=True)
class _Prices:
    """`newest` is the newest bar that is wholly over: it sets the spread."""

    last_micro: int
    previous_micro: int | None
    newest: Bar


def spread_of(bar: Bar) -> int:
    """Ask − bid in millionths of the price: 5 bp for the most traded, up to 30 bp."""
    turnover = bar.volume * bar.close_micro // MICRO
    return next(spread for floor, spread in _SPREADS if turnover >= floor)


def around(middle_price: Price, *, spread_micro: int, tick: Price) -> tuple[Price | None, Price]:
    """Bid and ask on their ticks, at least the spread apart; no bid below one tick."""
    half = Decimal(spread_micro) / (2 * MICRO)
    ask = middle_price.scaled(1 + half, Rounding.CEIL).ceil_to_tick(tick)
    bid_micro = middle_price.scaled(1 - half, Rounding.FLOOR).micro // tick.micro * tick.micro
    return (Price(bid_micro, tick.currency) if bid_micro > 0 else None), ask


def _by_symbol(splits: Iterable[SplitRow]) -> dict[str, tuple[SplitRow, ...]]:
    found: dict[str, tuple[SplitRow, ...]] = {}
    for split in splits:
        found[split.symbol] = (*found.get(split.symbol, ()), split)
    return found
