"""The currency pairs of the exchange and their middle rate.

A pair BASE/QUOTE trades whole units of its base; price and gross are in its quote currency.
"""

from __future__ import annotations

from decimal import Decimal

from ledger.money import Price, Quantity
from ledger.rate import Rate, RateTable
from ledger.security import FxPair

SPREAD_MICRO = 2_500  # ask − bid, in millionths of the middle rate
_ONE_UNIT = Quantity.of(1)


def _pair(base: str, quote: str, tick: str) -> FxPair:
    return FxPair(f"{base}/{quote}", base, quote, _ONE_UNIT, Price.of(tick, quote))


PAIRS: tuple[FxPair, ...] = (
    _pair("EUR", "USD", "0.0001"),
    _pair("EUR", "GBP", "0.0001"),
    _pair("GBP", "USD", "0.0001"),
    _pair("HKD", "EUR", "0.00001"),
    _pair("HKD", "USD", "0.00001"),
)


def middle(pair: FxPair, rates: RateTable) -> Rate | None:
    """The reference rate of the pair; None when one of its currencies has none."""
    return rates.rate(pair.base, pair.quote)


def as_price(value: Decimal, pair: FxPair) -> Price:
    return Price.of(value, pair.quote)
