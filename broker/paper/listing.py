"""The securities of a market folder as instruments of the exchange."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from broker.market_data import MarketData, SecurityRow
from broker.port import FOUND_MOST
from ledger.money import Price, Quantity
from ledger.security import Instrument, ProductType

MicResolver = Callable[[str], str | None]

_PRODUCT_TYPES: dict[str, ProductType] = {
    "EQUITY": "EQUITY",
    "ETF": "ETF",
    "ETC": "ETC",
    "BOND": "BOND",
    "COMMODITY": "COMMODITY",
    "MUTUALFUND": "MUTUALFUND",
    "INDEX": "INDEX",
    "UNKNOWN": "UNKNOWN",
}
_WHOLE_UNIT_TICKS = frozenset({"JPY", "KRW", "ISK"})


def as_written(exchange: str) -> str:
    """The exchange column already holds a MIC."""
    return exchange


def listing(market: MarketData, resolve: MicResolver) -> Mapping[str, Instrument]:
    """Every instrument by symbol. An exchange without a MIC keeps its text and never opens."""
    return {row.symbol: _instrument(row, resolve) for row in market.securities.values()}


def found(text: str, instruments: Iterable[Instrument]) -> tuple[Instrument, ...]:
    """Those with `text` in symbol, ISIN or name, without regard to case; the best FOUND_MOST.

    First whoever is called so, then whose symbol or name begins so; else by symbol.
    """
    sought = text.strip().casefold()
    if not sought:
        return ()
    ranked: list[tuple[int, str, Instrument]] = []
    for one in instruments:
        names = [name.casefold() for name in (one.symbol, one.isin, one.name)]
        if any(sought in name for name in names):
            begins = any(name.startswith(sought) for name in names)
            ranked.append((0 if sought in names else 1 if begins else 2, one.symbol, one))
    return tuple(one for _, _, one in sorted(ranked, key=lambda hit: hit[:2])[:FOUND_MOST])


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
