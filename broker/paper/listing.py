"""The securities of a market folder as instruments of the exchange."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from broker.market_data import MarketData, SecurityRow
from ledger.money import Price, Quantity
from ledger.security import Instrument, ProductType

MicResolver = Callable[[str], str | None]

_PRODUCT_TYPES: dict[str, ProductType] = {
    "EQUITY": "EQUITY",
    "ETF": "ETF",
    "ETC": "COMMODITY",
    "BOND": "BOND",
    "COMMODITY": "COMMODITY",
    "MUTUALFUND": "ETF",
    "INDEX": "INDEX",
    "UNKNOWN": "EQUITY",
}
_WHOLE_UNIT_TICKS = frozenset({"JPY", "KRW", "ISK"})


def as_written(exchange: str) -> str:
    """The exchange column already holds a MIC."""
    return exchange


def listing(market: MarketData, resolve: MicResolver) -> Mapping[str, Instrument]:
    """Every instrument by symbol. An exchange without a MIC keeps its text and never opens."""
    return {row.symbol: _instrument(row, resolve) for row in market.securities.values()}


def _instrument(row: SecurityRow, resolve: MicResolver) -> Instrument:
    product_type = _PRODUCT_TYPES[row.product_type]
    return Instrument(
        symbol=row.symbol,
        isin=row.isin,
        name=row.name,
        currency=row.currency,
        mic=resolve(row.exchange) or row.exchange,
        country=row.country,
        industry=row.industry,
        product_type=product_type,
        lot=None if product_type == "INDEX" else Quantity.of(row.min_lot),
        tick=Price.of("1" if row.currency in _WHOLE_UNIT_TICKS else "0.01", row.currency),
        synthetic=row.synthetic,
    )
