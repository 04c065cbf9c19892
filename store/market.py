"""Quotes and exchange rates: what can be fetched again, in a file of its own. Written by sync.

A rate that is not believed is kept apart, so that nothing is ever valued with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal

from ledger.currency import BASE
from ledger.money import Price
from ledger.quote import Quote
from ledger.rate import HeldRate, Rate, RateTable
from store.codec import from_ms, maybe_price, to_ms
from store.engine import Engine, Row, Tx, Value

# How old a rate may be to value what happened on a day, in weekdays: what an account may be valued
# with today, holidays of the payment system not counted.
RATE_WEEKDAYS = 3
# That many weekdays are never more days than this.
RATE_REACH = timedelta(days=5)
SATURDAY = 5

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

_PUT_RATE = """
INSERT OR REPLACE INTO rate (currency, as_of, value, source, fetched_ms) VALUES (?, ?, ?, ?, ?)
"""
# A rate that is newer than what is believed, or waits for a second source, is not for us to judge.
_PUT_PAST_RATE = """
INSERT OR IGNORE INTO rate (currency, as_of, value, source, fetched_ms)
SELECT :currency, :as_of, :value, :source, :fetched_ms
WHERE :as_of < (SELECT max(as_of) FROM rate WHERE currency = :currency)
    AND NOT EXISTS (SELECT 1 FROM rate_held WHERE currency = :currency AND as_of = :as_of)
"""
_HOLD_RATE = "INSERT OR REPLACE INTO rate_held VALUES (?, ?, ?, ?, ?, ?)"

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

    async def put_rates(
        self, table: RateTable, *, at: datetime, held: Iterable[HeldRate] = ()
    ) -> None:
        """Keep rates that were read at the market instant `at`, each under the day it is of.

        `held` replaces what is held back: nothing but that waits for a second source from now on.
        """
        rows = [(*_rate_values(rate), to_ms(at)) for rate in table.per_eur.values()]
        waiting = [(*_rate_values(h.rate), to_ms(h.fetched_at), h.reason) for h in held]

        async def work(tx: Tx) -> None:
            await tx.execute_many(_PUT_RATE, rows)
            await tx.execute("DELETE FROM rate_held")
            await tx.execute_many(_HOLD_RATE, waiting)

        await self._engine.transaction(work)

    async def put_past_rates(self, rates: Iterable[Rate], *, at: datetime) -> None:
        """Fill in rates of days before the newest believed one of their currency.

        What is known or held back already stays as it is. Read at the market instant `at`.
        """
        rows = (_past_values(rate, to_ms(at)) for rate in rates)
        await self._engine.transaction(lambda tx: tx.execute_many(_PUT_PAST_RATE, rows))

    async def rates_held(self) -> tuple[HeldRate, ...]:
        """What was read last but is not believed, by currency."""
        rows = await self._engine.read(
            lambda tx: tx.all("SELECT * FROM rate_held ORDER BY currency, as_of")
        )
        return tuple(HeldRate(_rate_of(r), r["reason"], from_ms(r["fetched_ms"])) for r in rows)

    async def rates(self) -> RateTable:
        """The newest rate of each currency."""
        return _table_of(await self._engine.read(lambda tx: tx.all(_NEWEST_RATES)))

    async def rates_on(self, days: Iterable[date]) -> Mapping[date, RateTable]:
        """For each day the rates known then, at most three weekdays old."""

        async def work(tx: Tx) -> dict[date, RateTable]:
            return {day: await _table_on(tx, day) for day in days}

        return await self._engine.read(work)


async def _table_on(tx: Tx, day: date) -> RateTable:
    return _table_of(await tx.all(_RATES_ON, (_oldest(day).isoformat(), day.isoformat())))


def _oldest(day: date) -> date:
    """The first day whose rate is at most RATE_WEEKDAYS old on `day`."""
    oldest, left = day, RATE_WEEKDAYS
    while oldest > date.min:
        left -= oldest.weekday() < SATURDAY
        if left < 0:
            break
        oldest -= timedelta(days=1)
    return oldest


def _table_of(rows: Iterable[Row]) -> RateTable:
    rates = (_rate_of(row) for row in rows)
    return RateTable({rate.quote: rate for rate in rates})


def _rate_of(row: Row) -> Rate:
    return Rate(
        base=BASE,
        quote=row["currency"],
        value=Decimal(row["value"]),
        as_of=date.fromisoformat(row["as_of"]),
        source=row["source"],
    )


def _rate_values(rate: Rate) -> tuple[str, str, str, str]:
    return rate.quote, rate.as_of.isoformat(), str(rate.value), rate.source


def _past_values(rate: Rate, fetched_ms: int) -> dict[str, Value]:
    names = ("currency", "as_of", "value", "source", "fetched_ms")
    return dict(zip(names, (*_rate_values(rate), fetched_ms), strict=True))


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
