"""Bars, corporate actions and reported figures of the universe, in the file of what can be fetched
again. Written by sync.

Bars stay as they were received, beside what makes them raw. They are read as columns that the
database itself packs: a board has no time to handle half a million rows in Python.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from ledger.bar import (
    MISSING,
    Bar,
    BarColumns,
    BarRead,
    Coverage,
    Fundamental,
    PriceBook,
    RateColumns,
    ShareDividend,
    Split,
    StoredPrices,
    split_basis,
)
from ledger.currency import BASE
from ledger.errors import BadData
from ledger.money import Price, Rounding, divide
from store.codec import from_ms, to_ms
from store.engine import Engine, Row, Tx, Value

_PUT_BAR = """
INSERT INTO bar (security_id, day, open_micro, high_micro, low_micro, close_micro, volume,
    split_num, split_den, source)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET open_micro = excluded.open_micro, high_micro = excluded.high_micro,
    low_micro = excluded.low_micro, close_micro = excluded.close_micro, volume = excluded.volume,
    split_num = excluded.split_num, split_den = excluded.split_den, source = excluded.source
WHERE (open_micro, high_micro, low_micro, close_micro, volume, split_num, split_den, source) IS NOT
    (excluded.open_micro, excluded.high_micro, excluded.low_micro, excluded.close_micro,
     excluded.volume, excluded.split_num, excluded.split_den, excluded.source)
"""
_PUT_SPLIT = """
INSERT INTO split_event (security_id, ex_day, ratio, source) VALUES (?, ?, ?, ?)
ON CONFLICT DO UPDATE SET ratio = excluded.ratio, source = excluded.source
WHERE ratio <> excluded.ratio
"""
_PUT_DIVIDEND = """
INSERT INTO dividend_event (security_id, ex_day, number, pay_day, per_share_micro, currency, source)
VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET pay_day = excluded.pay_day, currency = excluded.currency,
    per_share_micro = excluded.per_share_micro, source = excluded.source
WHERE (pay_day, per_share_micro, currency) IS NOT
    (excluded.pay_day, excluded.per_share_micro, excluded.currency)
"""
_PUT_FUNDAMENTAL = """
INSERT INTO fundamental (security_id, metric, as_of, value, source) VALUES (?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET value = excluded.value, source = excluded.source
WHERE value <> excluded.value
"""
_COVER = """
INSERT INTO bar_coverage (security_id, currency, first_day, last_day, bars, synced_ms)
SELECT :security_id, :currency, min(day), max(day), count(*), :synced_ms
FROM bar WHERE security_id = :security_id
ON CONFLICT DO UPDATE SET currency = excluded.currency, first_day = excluded.first_day,
    last_day = excluded.last_day, bars = excluded.bars, synced_ms = excluded.synced_ms
"""
_COLUMNS = f"""
SELECT group_concat(day) AS days, group_concat(coalesce(open_micro, {MISSING})) AS open,
    group_concat(coalesce(high_micro, {MISSING})) AS high,
    group_concat(coalesce(low_micro, {MISSING})) AS low, group_concat(close_micro) AS close,
    coalesce(max(split_num <> 1 OR split_den <> 1), 0) AS adjusted
FROM (SELECT * FROM bar WHERE security_id = ? AND day >= ? ORDER BY day)
"""
_BASIS = """
SELECT group_concat(split_num) AS numerators, group_concat(split_den) AS denominators
FROM (SELECT * FROM bar WHERE security_id = ? AND day >= ? ORDER BY day)
"""
# A day of the calendar is this much less than its Julian date at midnight.
_RATES = """
SELECT group_concat(CAST(julianday(as_of) - 1721424.5 AS INTEGER)) AS days,
    group_concat(value) AS vals
FROM (SELECT * FROM rate WHERE currency = ? ORDER BY as_of)
"""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What one look at a source brought of a security; the bars say which source it was."""

    bars: BarRead
    splits: Sequence[Split] = ()
    dividends: Sequence[ShareDividend] = ()
    fundamentals: Sequence[Fundamental] = ()


class Bars:
    """The past of every security, over the engine of `market.db`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def record(
        self, security_id: int, fetched: Fetched, *, at: datetime, whole: bool = False
    ) -> Coverage:
        """Keep what was read at the market instant `at`, in one transaction; how far bars reach.

        The bars must be of different days, oldest first. `whole` replaces every bar of the
        security. Splits and dividends that are known already are kept beside the new ones; of a
        day that is named again, what was read now counts. What has not changed is not written.
        Raises BadData for bars in another currency than those that stay.
        """

        async def work(tx: Tx) -> Coverage:
            await _put_actions(tx, security_id, fetched)
            return await _put_bars(tx, security_id, fetched.bars, at, whole=whole)

        return await self._engine.transaction(work)

    async def coverage(self) -> Mapping[int, Coverage]:
        """Of every security that bars were ever asked for, by its id."""
        rows = await self._engine.read(lambda tx: tx.all("SELECT * FROM bar_coverage"))
        return {row["security_id"]: _coverage_of(row) for row in rows}

    async def newest(self, security_id: int, most: int) -> tuple[Bar, ...]:
        """The newest bars, at most `most`, oldest first, with raw prices."""
        rows = await self._engine.read(
            lambda tx: tx.all(
                "SELECT * FROM bar WHERE security_id = ? ORDER BY day DESC LIMIT ?",
                (security_id, most),
            )
        )
        return tuple(_raw_bar_of(row) for row in reversed(rows))

    async def read(self, security_ids: Iterable[int], *, since: date | None = None) -> PriceBook:
        """What prices of these are derived from, in the order given; on one consistent view.

        A security without bars has empty columns. A hundred kilobytes per security and ten years:
        ask for no more than a few dozen at a time.
        """
        ids, first = tuple(security_ids), 0 if since is None else since.toordinal()

        async def work(tx: Tx) -> PriceBook:
            prices = tuple([await _stored(tx, security_id, first) for security_id in ids])
            found = {one.currency for one in prices if one.columns.days}
            found |= {dividend.per_share.currency for one in prices for dividend in one.dividends}
            wanted = sorted(found - {BASE})
            return PriceBook(prices, {code: await _rates(tx, code) for code in wanted})

        return await self._engine.read(work)

    async def rates(self, currencies: Iterable[str]) -> Mapping[str, RateColumns]:
        """Every reference rate of these currencies, whether a security is in them or not."""
        wanted = sorted(set(currencies) - {BASE})

        async def work(tx: Tx) -> dict[str, RateColumns]:
            return {code: await _rates(tx, code) for code in wanted}

        return await self._engine.read(work)

    async def fundamentals(
        self, security_ids: Iterable[int]
    ) -> Mapping[int, tuple[Fundamental, ...]]:
        """Every figure as it was reported over time: by metric, oldest first."""
        ids = tuple(security_ids)

        async def work(tx: Tx) -> dict[int, tuple[Fundamental, ...]]:
            return {security_id: await _fundamentals(tx, security_id) for security_id in ids}

        return await self._engine.read(work)


async def _put_bars(
    tx: Tx, security_id: int, read: BarRead, at: datetime, *, whole: bool
) -> Coverage:
    if whole:
        await tx.execute("DELETE FROM bar WHERE security_id = ?", (security_id,))
    else:
        known = await tx.one(
            "SELECT currency FROM bar_coverage WHERE security_id = ? AND bars > 0", (security_id,)
        )
        if known is not None and known["currency"] != read.currency:
            raise BadData(f"{read.symbol}: bars in {read.currency} beside {known['currency']}")
    splits = await _splits(tx, security_id)
    # One by one: whoever takes them does so in a thread of its own.
    rows = (_bar_values(security_id, bar, read, splits) for bar in read.bars)
    await tx.execute_many(_PUT_BAR, rows)
    covered: dict[str, Value] = {
        "security_id": security_id,
        "currency": read.currency,
        "synced_ms": to_ms(at),
    }
    await tx.execute(_COVER, covered)
    row = await tx.one("SELECT * FROM bar_coverage WHERE security_id = ?", (security_id,))
    assert row is not None, "it was just written"
    return _coverage_of(row)


def _bar_values(
    security_id: int, bar: Bar, read: BarRead, splits: Sequence[Split]
) -> tuple[Value, ...]:
    return (
        security_id,
        bar.day.toordinal(),
        bar.open_micro,
        bar.high_micro,
        bar.low_micro,
        bar.close_micro,
        bar.volume,
        *split_basis(bar.day, splits, read.adjusted_to),
        read.source,
    )


async def _put_actions(tx: Tx, security_id: int, fetched: Fetched) -> None:
    source = fetched.bars.source
    await tx.execute_many(
        _PUT_SPLIT,
        [(security_id, s.ex_date.toordinal(), str(s.ratio), source) for s in fetched.splits],
    )
    await tx.execute_many(
        _PUT_DIVIDEND, [*_dividend_values(security_id, fetched.dividends, source)]
    )
    await tx.execute_many(
        _PUT_FUNDAMENTAL,
        [
            (security_id, f.metric, f.as_of.toordinal(), str(f.value), source)
            for f in fetched.fundamentals
        ],
    )


def _dividend_values(
    security_id: int, dividends: Iterable[ShareDividend], source: str
) -> Iterable[tuple[Value, ...]]:
    """The same dividend twice is one; others of the same day are numbered by their amounts."""
    numbers: dict[date, int] = {}
    for dividend in sorted(set(dividends), key=_by_day_and_amount):
        number = numbers.get(dividend.ex_date, 0)
        numbers[dividend.ex_date] = number + 1
        yield (
            security_id,
            dividend.ex_date.toordinal(),
            number,
            None if dividend.pay_date is None else dividend.pay_date.toordinal(),
            dividend.per_share.micro,
            dividend.per_share.currency,
            source,
        )


def _by_day_and_amount(dividend: ShareDividend) -> tuple[date, str, int, date]:
    per_share = dividend.per_share
    return dividend.ex_date, per_share.currency, per_share.micro, dividend.pay_date or date.max


async def _stored(tx: Tx, security_id: int, first: int) -> StoredPrices:
    covered = await tx.one(
        "SELECT currency FROM bar_coverage WHERE security_id = ?", (security_id,)
    )
    row = await tx.one(_COLUMNS, (security_id, first))
    assert row is not None, "an aggregate has a row"
    basis = await tx.one(_BASIS, (security_id, first)) if row["adjusted"] else None
    return StoredPrices(
        security_id=security_id,
        currency="" if covered is None else covered["currency"],
        columns=BarColumns(
            days=row["days"] or "",
            open=row["open"] or "",
            high=row["high"] or "",
            low=row["low"] or "",
            close=row["close"] or "",
            numerators="" if basis is None else basis["numerators"],
            denominators="" if basis is None else basis["denominators"],
        ),
        splits=await _splits(tx, security_id),
        dividends=await _dividends(tx, security_id),
    )


async def _splits(tx: Tx, security_id: int) -> tuple[Split, ...]:
    rows = await tx.all(
        "SELECT ex_day, ratio FROM split_event WHERE security_id = ? ORDER BY ex_day",
        (security_id,),
    )
    return tuple(Split(date.fromordinal(r["ex_day"]), Decimal(r["ratio"])) for r in rows)


async def _dividends(tx: Tx, security_id: int) -> tuple[ShareDividend, ...]:
    rows = await tx.all(
        "SELECT ex_day, pay_day, per_share_micro, currency FROM dividend_event"
        " WHERE security_id = ? ORDER BY ex_day, number",
        (security_id,),
    )
    return tuple(
        ShareDividend(
            ex_date=date.fromordinal(row["ex_day"]),
            pay_date=None if row["pay_day"] is None else date.fromordinal(row["pay_day"]),
            per_share=Price(row["per_share_micro"], row["currency"]),
        )
        for row in rows
    )


async def _rates(tx: Tx, currency: str) -> RateColumns:
    row = await tx.one(_RATES, (currency,))
    assert row is not None, "an aggregate has a row"
    return RateColumns(row["days"] or "", row["vals"] or "")


async def _fundamentals(tx: Tx, security_id: int) -> tuple[Fundamental, ...]:
    rows = await tx.all(
        "SELECT metric, as_of, value FROM fundamental WHERE security_id = ? ORDER BY metric, as_of",
        (security_id,),
    )
    return tuple(
        Fundamental(row["metric"], date.fromordinal(row["as_of"]), Decimal(row["value"]))
        for row in rows
    )


def _coverage_of(row: Row) -> Coverage:
    first, last = row["first_day"], row["last_day"]
    return Coverage(
        security_id=row["security_id"],
        currency=row["currency"],
        first_day=None if first is None else date.fromordinal(first),
        last_day=None if last is None else date.fromordinal(last),
        bars=row["bars"],
        synced_at=from_ms(row["synced_ms"]),
    )


def _raw_bar_of(row: Row) -> Bar:
    """Prices rounded to a millionth: good to compare with, not to compute with."""

    def raw(name: str) -> int | None:
        micro: int | None = row[name]
        if micro is None:
            return None
        return divide(micro * row["split_num"], row["split_den"], Rounding.HALF_EVEN)

    close = raw("close_micro")
    assert close is not None, "every bar has a close"
    return Bar(
        day=date.fromordinal(row["day"]),
        open_micro=raw("open_micro"),
        high_micro=raw("high_micro"),
        low_micro=raw("low_micro"),
        close_micro=close,
        volume=row["volume"],
    )
