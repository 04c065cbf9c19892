"""Where bars came from is told by source, oldest day first."""

from __future__ import annotations

from datetime import date, timedelta

from ledger.bar import Bar, BarRead
from store.bar_sources import BarSources
from store.bars import Fetched
from store.store import Store
from tests.store.builders import NOW

FIRST = date(2009, 1, 5)


async def put(store: Store, source: str, *rows: int) -> None:
    days = (FIRST + timedelta(days=row) for row in rows)
    bars = tuple(Bar(day, None, None, None, 10_000_000, None) for day in days)
    fetched = Fetched(BarRead("AAA.EU", "EUR", source, bars))
    await store.bars.record(1, fetched, at=NOW)


async def test_every_day_is_told_with_its_source(store: Store) -> None:
    await put(store, "yahoo", 0, 1, 2)
    await put(store, "tradernet", 2, 3)
    sources, start = BarSources(store.prices), FIRST.toordinal()
    found = await sources.days(1)
    assert found == {"tradernet": f"{start + 2},{start + 3}", "yahoo": f"{start},{start + 1}"}
    assert await sources.days(1, since=FIRST + timedelta(days=3)) == {"tradernet": f"{start + 3}"}
    assert await sources.days(2) == {}
