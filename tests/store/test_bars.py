"""What is stored of the past: as it was received, once, and read back as columns."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from ledger.bar import (
    MISSING,
    Bar,
    BarColumns,
    BarRead,
    Coverage,
    Fundamental,
    ShareDividend,
    Split,
)
from ledger.errors import BadData
from ledger.money import Price
from ledger.rate import Rate, RateTable
from store.bars import Fetched
from store.engine import scalar
from store.store import Store
from tests.store.builders import NOW, after

DAY = date(2026, 3, 2)


def bar(days: int, close: int, *, high: int | None = None) -> Bar:
    return Bar(DAY + timedelta(days=days), close, high, close, close, 10)


def read(*bars: Bar, currency: str = "USD", adjusted_to: date | None = None) -> BarRead:
    return BarRead("A.US", currency, "paper", bars, adjusted_to)


async def put(store: Store, fetched: Fetched, *, whole: bool = False) -> None:
    await store.bars.record(1, fetched, at=NOW, whole=whole)


async def closes(store: Store) -> str:
    return (await store.bars.read([1])).prices[0].columns.close


async def changes(store: Store) -> int:
    """How many rows the writer of the file changed since it was opened."""
    return await store.prices.transaction(lambda tx: scalar(tx, "SELECT total_changes()"))


async def test_columns_come_back_oldest_first_with_what_is_missing(store: Store) -> None:
    await put(store, Fetched(read(bar(0, 100, high=110), bar(1, 105))))
    found = (await store.bars.read([1, 2])).prices
    first = DAY.toordinal()
    assert found[0].currency == "USD"
    assert found[0].columns == BarColumns(
        f"{first},{first + 1}", "100,105", f"110,{MISSING}", "100,105", "100,105"
    )
    assert (found[1].security_id, found[1].columns) == (2, BarColumns("", "", "", "", ""))


async def test_only_what_came_since_a_day_can_be_read(store: Store) -> None:
    await put(store, Fetched(read(bar(0, 100), bar(1, 105))))
    book = await store.bars.read([1], since=DAY + timedelta(days=1))
    assert book.prices[0].columns.close == "105"


async def test_a_bar_keeps_what_was_received_beside_what_makes_it_raw(store: Store) -> None:
    splits = (
        Split(DAY + timedelta(days=1), Decimal(2)),
        Split(DAY + timedelta(days=9), Decimal(7)),
    )
    got = read(bar(0, 50), bar(1, 55), adjusted_to=DAY + timedelta(days=3))
    await put(store, Fetched(got, splits=splits))
    columns = (await store.bars.read([1])).prices[0].columns
    assert (columns.close, columns.numerators, columns.denominators) == ("50,55", "2,1", "1,1")
    assert [bar.close_micro for bar in await store.bars.newest(1, 5)] == [100, 55]


async def test_raw_bars_have_no_basis_to_unpack(store: Store) -> None:
    await put(store, Fetched(read(bar(0, 50)), splits=(Split(DAY, Decimal(3)),)))
    columns = (await store.bars.read([1])).prices[0].columns
    assert (columns.numerators, columns.denominators) == ("", "")


async def test_a_bar_that_is_read_again_counts_as_read_last(store: Store) -> None:
    await put(store, Fetched(read(bar(0, 100), bar(1, 105))))
    await put(store, Fetched(read(bar(1, 106), bar(2, 107))))
    assert await closes(store) == "100,106,107"


async def test_what_has_not_changed_is_not_written(store: Store) -> None:
    dividend = ShareDividend(DAY, DAY, Price(5, "USD"))
    fetched = Fetched(
        read(bar(0, 100), bar(1, 105)),
        splits=(Split(DAY, Decimal(2)),),
        dividends=(dividend,),
        fundamentals=(Fundamental("pe", DAY, Decimal("12.5")),),
    )
    await put(store, fetched)
    before = await changes(store)
    await put(store, fetched)
    assert await changes(store) == before + 1  # when it was looked at


async def test_a_whole_series_replaces_the_one_before(store: Store) -> None:
    await put(store, Fetched(read(bar(0, 100), bar(1, 105))))
    await put(store, Fetched(read(bar(1, 5, high=6), currency="EUR")), whole=True)
    found = (await store.bars.read([1])).prices[0]
    assert (found.currency, found.columns.close) == ("EUR", "5")


async def test_bars_in_another_currency_are_refused_and_nothing_is_kept(store: Store) -> None:
    await put(store, Fetched(read(bar(0, 100))))
    bad = Fetched(read(bar(1, 100), currency="EUR"), splits=(Split(DAY, Decimal(2)),))
    with pytest.raises(BadData, match="EUR beside USD"):
        await put(store, bad)
    found = (await store.bars.read([1])).prices[0]
    assert (found.columns.close, found.splits) == ("100", ())


async def test_corporate_actions_come_back_in_the_order_of_their_days(store: Store) -> None:
    later = ShareDividend(DAY + timedelta(days=3), None, Price(7, "EUR"))
    twins = (ShareDividend(DAY, DAY, Price(9, "USD")), ShareDividend(DAY, DAY, Price(4, "USD")))
    splits = (Split(DAY + timedelta(days=2), Decimal("0.05")), Split(DAY, Decimal("1.5")))
    await put(store, Fetched(read(), splits=splits, dividends=(later, *twins, twins[0])))
    found = (await store.bars.read([1])).prices[0]
    assert found.dividends == (twins[1], twins[0], later)
    assert found.splits == splits[::-1]


async def test_a_corrected_action_takes_the_place_of_the_first_one(store: Store) -> None:
    await put(store, Fetched(read(), splits=(Split(DAY, Decimal(2)),)))
    await put(store, Fetched(read(), splits=(Split(DAY, Decimal(3)),)))
    await put(store, Fetched(read(), dividends=(ShareDividend(DAY, None, Price(5, "USD")),)))
    await put(store, Fetched(read(), dividends=(ShareDividend(DAY, DAY, Price(6, "USD")),)))
    found = (await store.bars.read([1])).prices[0]
    assert found.splits == (Split(DAY, Decimal(3)),)
    assert found.dividends == (ShareDividend(DAY, DAY, Price(6, "USD")),)


async def test_figures_keep_their_history(store: Store) -> None:
    figures = (
        Fundamental("pe", DAY, Decimal("12.5")),
        Fundamental("pe", DAY + timedelta(days=90), Decimal("11")),
        Fundamental("roe", DAY, Decimal("0.2")),
    )
    await put(store, Fetched(read(), fundamentals=figures[::-1]))
    assert await store.bars.fundamentals([1, 2]) == {1: figures, 2: ()}


async def test_coverage_says_how_far_bars_reach_and_when_they_were_asked_for(store: Store) -> None:
    assert await store.bars.coverage() == {}
    await put(store, Fetched(read()))
    await store.bars.record(2, Fetched(read(bar(0, 1), bar(4, 2))), at=NOW)
    covered = await store.bars.coverage()
    assert covered[1] == Coverage(1, "USD", None, None, 0, NOW)
    assert covered[2] == Coverage(2, "USD", DAY, DAY + timedelta(days=4), 2, NOW)
    await store.bars.record(2, Fetched(read()), at=after(60))
    assert (await store.bars.coverage())[2] == replace(covered[2], synced_at=after(60))


async def test_the_newest_bars_are_oldest_first(store: Store) -> None:
    await put(store, Fetched(read(bar(0, 100), bar(1, 105), bar(2, 107))))
    assert [bar.close_micro for bar in await store.bars.newest(1, 2)] == [105, 107]
    assert await store.bars.newest(2, 2) == ()


async def test_a_book_comes_with_the_rates_of_its_currencies(store: Store) -> None:
    usd = Rate("EUR", "USD", Decimal("1.25"), DAY, "ecb")
    table = RateTable({"USD": usd, "HKD": Rate("EUR", "HKD", Decimal(9), DAY, "ecb")})
    await store.market.put_rates(table, at=NOW)
    dividend = ShareDividend(DAY, None, Price(7, "GBP"))
    await put(store, Fetched(read(bar(0, 100)), dividends=(dividend,)))
    rates = (await store.bars.read([1])).rates
    assert set(rates) == {"USD", "GBP"}
    assert (rates["USD"].days, rates["USD"].values) == (str(DAY.toordinal()), "1.25")
    assert rates["GBP"].days == ""


async def test_the_newest_bars_come_with_every_split(store: Store) -> None:
    splits = (Split(DAY, Decimal(2)),)
    await put(store, Fetched(read(bar(0, 100), bar(1, 105)), splits=splits))
    bars, known = await store.bars.lately(1, 1)
    assert ([bar.close_micro for bar in bars], known) == ([105], splits)
