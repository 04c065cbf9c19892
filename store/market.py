"""Quotes and exchange rates: what can be fetched again, in a file of its own. Written by sync."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal

from ledger.currency import BASE
from ledger.money import Price
from ledger.quote import Quote
from ledger.rate import Rate, RateTable
from store.codec import from_ms, maybe_price, to_ms
from store.engine import Engine, Row, Tx, Value

# How far back a rate may lie to value what happened on a day: a long weekend, not more.
RATE_REACH = timedelta(days=5)

_PUT_QUOTE = """
INSERT INTO quote (symbol, currency, bid_micro, ask_micro, last_micro, previous_close_micro,
    at_ms, market_open)
VALUES (:symbol, :currency, :bid, :ask, :last, :previous, :at_ms, :market_open)
ON CONFLICT DO UPDATE SET currency = excluded.currency, bid_micro = excluded.bid_micro,
    ask_micro = excluded.ask_micro, last_micro = excluded.last_micro,
    previous_close_micro = excluded.previous_close_micro, at_ms = excluded.at_ms,
    market_open = excluded.market_open
WHERE excluded.at_ms >= at_ms
"""

# With max() the other columns come from the row that holds the maximum.
_NEWEST_RATES = "SELECT currency, max(as_of) AS as_of, value, source FROM rate GROUP BY currency"
_RATES_ON = """
SELECT currency, max(as_of) AS as_of, value, source FROM rate
WHERE as_of BETWEEN ? AND ? GROUP BY currency
"""


class MarketStore:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def put_quotes(self, quotes: Iterable[Quote]) -> None:
        """Keep the newest quote of each symbol; an older one changes nothing."""
        rows = [_quote_values(quote) for quote in quotes]
        await self._engine.transaction(lambda tx: tx.execute_many(_PUT_QUOTE, rows))

    async def quotes(self) -> Mapping[str, Quote]:
        rows = await self._engine.read(lambda tx: tx.all("SELECT * FROM quote ORDER BY symbol"))
        return {row["symbol"]: _quote_of(row) for row in rows}

    async def put_rates(self, table: RateTable) -> None:
        """Keep every rate under the day it was published for."""
        rows = [
            (currency, rate.as_of.isoformat(), str(rate.value), rate.source)
            for currency, rate in table.per_eur.items()
        ]
        await self._engine.transaction(
            lambda tx: tx.execute_many("INSERT OR REPLACE INTO rate VALUES (?, ?, ?, ?)", rows)
        )

    async def rates(self) -> RateTable:
        """The newest rate of each currency."""
        return _table_of(await self._engine.read(lambda tx: tx.all(_NEWEST_RATES)))

    async def rates_on(self, days: Iterable[date]) -> Mapping[date, RateTable]:
        """For each day the rates known then, at most five days old."""

        async def work(tx: Tx) -> dict[date, RateTable]:
            return {day: await _table_on(tx, day) for day in days}

        return await self._engine.read(work)


async def _table_on(tx: Tx, day: date) -> RateTable:
    return _table_of(await tx.all(_RATES_ON, ((day - RATE_REACH).isoformat(), day.isoformat())))


def _table_of(rows: Iterable[Row]) -> RateTable:
    rates = (
        Rate(
            base=BASE,
            quote=row["currency"],
            value=Decimal(row["value"]),
            as_of=date.fromisoformat(row["as_of"]),
            source=row["source"],
        )
        for row in rows
    )
    return RateTable({rate.quote: rate for rate in rates})


def _quote_values(quote: Quote) -> dict[str, Value]:
    return {
        "symbol": quote.symbol,
        "currency": quote.last.currency,
        "bid": _micro(quote.bid),
        "ask": _micro(quote.ask),
        "last": quote.last.micro,
        "previous": _micro(quote.previous_close),
        "at_ms": to_ms(quote.at),
        "market_open": quote.market_open,
    }


def _micro(price: Price | None) -> int | None:
    return None if price is None else price.micro


def _quote_of(row: Row) -> Quote:
    market_open = row["market_open"]
    return Quote(
        symbol=row["symbol"],
        bid=maybe_price(row, "bid_micro", "currency"),
        ask=maybe_price(row, "ask_micro", "currency"),
        last=Price(row["last_micro"], row["currency"]),
        previous_close=maybe_price(row, "previous_close_micro", "currency"),
        at=from_ms(row["at_ms"]),
        market_open=None if market_open is None else bool(market_open),
    )
