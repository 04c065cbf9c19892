"""Snapshots, prices, differences and the recovery log."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from ledger.errors import CurrencyMismatch, Missing
from ledger.money import Money, Price
from ledger.quote import Quote
from ledger.rate import Rate, RateTable
from store.snapshots import Snapshot
from store.store import Store
from tests.store.builders import NOW, after, eur

DAY = date(2026, 3, 2)


async def snap(store: Store, minutes: int, total: int | None, day: date = DAY) -> Snapshot:
    value = None if total is None else eur(total)
    at = after(minutes)
    await store.snapshots.put(
        day, at, total=value, cash=eur(5), invested=None, positions=3, ledger_seq=1
    )
    return Snapshot(day, at, value, eur(5), None, 3, 1, flow=eur(0))


async def test_a_day_keeps_its_newest_value(inline_store: Store) -> None:
    await snap(inline_store, 0, 100)
    newest = await snap(inline_store, 5, None)
    before = await snap(inline_store, 6, 90, date(2026, 2, 27))
    assert await inline_store.snapshots.history(5) == (before, newest)
    assert await inline_store.views.history(DAY + timedelta(days=1)) == (newest,)


async def test_points_are_changes_at_least_15_minutes_apart(inline_store: Store) -> None:
    values = [(0, 100), (5, 101), (14, 102), (15, 103), (30, 103), (31, 104), (50, 104)]
    for minutes, total in values:
        await snap(inline_store, minutes, total)
    points = await inline_store.snapshots.points(10)
    assert [(p.at, p.total) for p in points] == [
        (after(0), eur(100)),
        (after(15), eur(103)),
        (after(31), eur(104)),
    ]
    assert len(await inline_store.snapshots.points(1)) == 1


async def test_a_value_in_another_currency_is_refused(inline_store: Store) -> None:
    with pytest.raises(CurrencyMismatch):
        await inline_store.snapshots.put(
            DAY, NOW, total=Money(1, "USD"), cash=None, invested=None, positions=0, ledger_seq=0
        )


def quote(minutes: int, last: str) -> Quote:
    return Quote(
        symbol="AAA.EU",
        bid=None,
        ask=Price.of("10.02", "EUR"),
        last=Price.of(last, "EUR"),
        previous_close=Price.of("9", "EUR"),
        at=after(minutes),
        market_open=True,
    )


async def test_the_newest_quote_stays(inline_store: Store) -> None:
    market = inline_store.market
    await market.put_quotes([quote(0, "10")])
    await market.put_quotes([quote(5, "11"), quote(3, "12")])
    assert await market.quotes() == {"AAA.EU": quote(5, "11")}


def rate(currency: str, value: str, day: int) -> Rate:
    return Rate("EUR", currency, Decimal(value), date(2026, 3, day), "ecb")


async def test_the_newest_rate_of_each_currency_is_exact(inline_store: Store) -> None:
    market = inline_store.market
    await market.put_rates(RateTable({"USD": rate("USD", "1.0876543210987654", 1)}), at=NOW)
    await market.put_rates(
        RateTable({"USD": rate("USD", "1.09", 2), "GBP": rate("GBP", "0.85", 1)}), at=NOW
    )
    table = await market.rates()
    assert table.per_eur == {"USD": rate("USD", "1.09", 2), "GBP": rate("GBP", "0.85", 1)}


async def test_a_day_is_valued_with_the_rates_known_then(inline_store: Store) -> None:
    market = inline_store.market
    for day in (1, 5):
        await market.put_rates(RateTable({"USD": rate("USD", f"1.0{day}", day)}), at=NOW)
    days = [date(2026, 2, 28), date(2026, 3, 3), date(2026, 3, 10), date(2026, 3, 11)]
    tables = await market.rates_on(days)
    values = [tables[day].rate("EUR", "USD") for day in days]
    assert values == [None, rate("USD", "1.01", 1), rate("USD", "1.05", 5), None]


@pytest.mark.parametrize(
    ("published", "last"),
    [(2, 5), (3, 8), (4, 9), (5, 10), (6, 11), (7, 11), (8, 11), (9, 12)],
)
async def test_c10_a_rate_values_what_happened_up_to_three_weekdays_later(
    inline_store: Store, published: int, last: int
) -> None:
    """2 March 2026 is a Monday."""
    market = inline_store.market
    known = rate("USD", "1.1", published)
    await market.put_rates(RateTable({"USD": known}), at=NOW)
    days = [date(2026, 3, published), date(2026, 3, last), date(2026, 3, last + 1)]
    tables = await market.rates_on(days)
    assert [tables[day].rate("EUR", "USD") for day in days] == [known, known, None]


async def test_the_first_day_of_all_has_no_rate(inline_store: Store) -> None:
    assert await inline_store.market.rates_on([date.min]) == {date.min: RateTable({})}


async def test_one_item_per_difference_until_it_is_resolved(inline_store: Store) -> None:
    books = inline_store.books
    first = await books.found("cash", "EUR", books=100, broker=90, blocking=False, at=NOW)
    grown = await books.found("cash", "EUR", books=300, broker=90, blocking=True, at=after(5))
    assert grown.item_id == first.item_id
    assert (grown.books, grown.blocking, grown.found_at) == (300, True, NOW)
    other = await books.found("holding", "A", books=1, broker=2, blocking=True, at=after(6))
    assert await books.open_items() == (grown, other)
    await books.resolve(first.item_id, after(7), "the fill arrived")
    assert await books.open_items() == (other,)
    with pytest.raises(Missing):
        await books.resolve(first.item_id, after(8), "again")
    again = await books.found("cash", "EUR", books=1, broker=2, blocking=False, at=after(9))
    assert again.item_id != first.item_id


async def test_recovery_lines_are_kept_newest_first(inline_store: Store) -> None:
    await inline_store.recovery.add(NOW, ["order 1 was sent", "order 1 is active"])
    lines = await inline_store.recovery.recent(1)
    assert [(line.at, line.line) for line in lines] == [(NOW, "order 1 is active")]


async def test_the_newest_market_instant_is_that_of_any_record(inline_store: Store) -> None:
    assert await inline_store.recovery.newest_market_instant() is None
    await inline_store.recovery.add(after(5), ["order 1 was sent"])
    await inline_store.runs.open(
        "R1", "sync", "schedule", requested_at=after(90), market_at=after(7)
    )
    assert await inline_store.recovery.newest_market_instant() == after(7)
