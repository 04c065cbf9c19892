"""Bars, corporate actions and reported figures of the universe, in the file of what can be fetched
again. Written by sync.

Bars stay as they were received, beside what makes them raw. They are read as columns that the
database itself packs: a board has no time to handle half a million rows in Python.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal

from ledger.bar import (
    MISSING,
    Bar,
    BarColumns,
    Coverage,
    Fundamental,
    PriceBook,
    RateColumns,
    ShareDividend,
    Split,
    StoredPrices,
)
from ledger.currency import BASE
from ledger.money import Price, Rounding, divide
from store.bar_rows import Fetched, coverage_of, put_actions, put_bars, splits_of
from store.engine import Engine, Row, Tx

__all__ = ["Bars", "Fetched"]

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
            await put_actions(tx, security_id, fetched)
            return await put_bars(tx, security_id, fetched.bars, at, whole=whole)

        return await self._engine.transaction(work)

    async def coverage(self) -> Mapping[int, Coverage]:
        """Of every security that bars were ever asked for, by its id."""
        rows = await self._engine.read(lambda tx: tx.all("SELECT * FROM bar_coverage"))
        return {row["security_id"]: coverage_of(row) for row in rows}

    async def newest(self, security_id: int, most: int) -> tuple[Bar, ...]:
        """The newest bars, at most `most`, oldest first, with raw prices."""
        return await self._engine.read(lambda tx: _newest(tx, security_id, most))

    async def lately(
        self, security_id: int, most: int
    ) -> tuple[tuple[Bar, ...], tuple[Split, ...]]:
        """The same, with every split that is known."""

        async def work(tx: Tx) -> tuple[tuple[Bar, ...], tuple[Split, ...]]:
            return await _newest(tx, security_id, most), await splits_of(tx, security_id)

        return await self._engine.read(work)

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


async def _newest(tx: Tx, security_id: int, most: int) -> tuple[Bar, ...]:
    rows = await tx.all(
        "SELECT * FROM bar WHERE security_id = ? ORDER BY day DESC LIMIT ?", (security_id, most)
    )
    return tuple(_raw_bar_of(row) for row in reversed(rows))


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
        splits=await splits_of(tx, security_id),
        dividends=await _dividends(tx, security_id),
    )


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
