"""How bars and corporate actions become rows of `market.db`; used by `store.bars` alone.

What has not changed is not written, to spare the card.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from ledger.bar import Bar, BarRead, Coverage, Fundamental, ShareDividend, Split, split_basis
from ledger.errors import BadData
from store.codec import from_ms, to_ms
from store.engine import Row, Tx, Value

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


@dataclass(frozen=True, slots=True)
class Fetched:
    """What one look at a source brought of a security; the bars say which source it was."""

    bars: BarRead
    splits: Sequence[Split] = ()
    dividends: Sequence[ShareDividend] = ()
    fundamentals: Sequence[Fundamental] = ()


async def put_bars(
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
    splits = await splits_of(tx, security_id)
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
    return coverage_of(row)


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


async def put_actions(tx: Tx, security_id: int, fetched: Fetched) -> None:
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


async def splits_of(tx: Tx, security_id: int) -> tuple[Split, ...]:
    rows = await tx.all(
        "SELECT ex_day, ratio FROM split_event WHERE security_id = ? ORDER BY ex_day",
        (security_id,),
    )
    return tuple(Split(date.fromordinal(r["ex_day"]), Decimal(r["ratio"])) for r in rows)


def coverage_of(row: Row) -> Coverage:
    first, last = row["first_day"], row["last_day"]
    return Coverage(
        security_id=row["security_id"],
        currency=row["currency"],
        first_day=None if first is None else date.fromordinal(first),
        last_day=None if last is None else date.fromordinal(last),
        bars=row["bars"],
        synced_at=from_ms(row["synced_ms"]),
    )
