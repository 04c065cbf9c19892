"""Everything around the account: the recorded market, its hours, its screen and the seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from broker.market_data import MarketData
from broker.paper.listing import MicResolver, listing
from broker.paper.pairs import PAIRS
from broker.paper.past import Past
from broker.paper.quotes import QuoteBoard
from broker.paper.rates import KnownRates
from broker.paper.sessions import FX, SessionFunction, Sessions
from ledger.money import Price, Quantity
from ledger.security import FxPair, Instrument


@dataclass(frozen=True, slots=True)
class World:
    """Nothing in here is changed by trading."""

    market: MarketData
    seed: int
    instruments: Mapping[str, Instrument]
    pairs: Mapping[str, FxPair]
    sessions: Sessions
    rates: KnownRates
    board: QuoteBoard
    past: Past

    @classmethod
    def build(
        cls,
        market: MarketData,
        *,
        seed: int,
        session: SessionFunction,
        resolve: MicResolver,
        pairs: Sequence[FxPair] = PAIRS,
    ) -> World:
        instruments = listing(market, resolve)
        sessions = Sessions(session)
        rates = KnownRates(market, _currencies(market, pairs))
        board = QuoteBoard(
            market, instruments=instruments, pairs=pairs, sessions=sessions, rates=rates
        )
        named = {pair.symbol: pair for pair in pairs}
        past = Past(market, instruments, sessions)
        return cls(market, seed, instruments, named, sessions, rates, board, past)

    def mic(self, symbol: str) -> str:
        return FX if symbol in self.pairs else self.instruments[symbol].mic

    def lot(self, symbol: str) -> Quantity:
        """The lot of a tradable security."""
        lot = self.instruments[symbol].lot
        assert lot is not None, f"{symbol} cannot be traded"
        return lot

    def terms(self, symbol: str) -> Terms | None:
        """How a security or pair trades; None when it is unknown or not tradable."""
        pair = self.pairs.get(symbol)
        if pair is not None:
            return Terms(FX, pair.quote, pair.lot, pair.tick)
        instrument = self.instruments.get(symbol)
        if instrument is None or instrument.lot is None:
            return None
        return Terms(instrument.mic, instrument.currency, instrument.lot, instrument.tick)


@dataclass(frozen=True, slots=True)
class Terms:
    """`currency` is what prices are in."""

    mic: str
    currency: str
    lot: Quantity
    tick: Price


def _currencies(market: MarketData, pairs: Sequence[FxPair]) -> set[str]:
    """Those of the universe: of securities, pairs and the cash that moves."""
    found = {row.currency for row in market.securities.values()}
    found |= {pair.base for pair in pairs} | {pair.quote for pair in pairs}
    found |= {row.currency for row in market.cash} | {row.currency for row in market.opening_cash}
    return found | {row.currency for row in market.dividends}
