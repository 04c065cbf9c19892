"""Charts come from the local store, are computed once per bar, and ask for what is missing."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest

from actors.chart_desk import PATIENCE, ChartDesk, ChartPorts
from actors.line_cache import LineCache
from daemon.paper_world import load_calendars
from kernels.series import Series
from ledger.bar import Bar, BarRead, Split
from ledger.chart import ChartInterval, ChartRange, ChartSource
from ledger.errors import Conflict, Missing
from ledger.security import SecurityPatch
from policy.chart_lines import Drawn
from store.bar_sources import BarSources
from store.bars import Fetched
from store.store import Store, open_store
from tests.store.builders import instrument
from wire.chart_asks import ChartView, PriceChart, Sparklines
from wire.runner import run_inline

T = TypeVar("T")
CALENDARS = load_calendars()
NOW = datetime(2009, 3, 4, 10, tzinfo=UTC)  # a Wednesday
YESTERDAY = date(2009, 3, 3)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def market_now(self) -> datetime:
        return self.now

    def machine_now(self) -> datetime:
        raise AssertionError("charts live on market time")

    def monotonic_s(self) -> float:
        raise AssertionError("charts live on market time")

    async def wait_until_market(self, instant: datetime) -> None:
        raise AssertionError(instant)


@dataclass
class World:
    """A desk over a real store; `runs` counts computations, `fetched` what was asked for."""

    store: Store
    clock: Clock = field(default_factory=Clock)
    fetched: list[int] = field(default_factory=list[int])
    runs: int = 0

    def __post_init__(self) -> None:
        self.desk = ChartDesk(
            ChartPorts(
                securities=self.store.securities,
                prices=self.store.bars,
                sources=BarSources(self.store.prices),
                calendars=CALENDARS,
                clock=self.clock,
                runner=self._run,
                fetch=self.fetched.append,
            )
        )

    async def _run(self, work: Callable[[], T], /) -> T:
        self.runs += 1
        return await run_inline(work)

    async def add(self, symbol: str, **changes: Any) -> int:
        (one,) = await self.store.securities.upsert(
            [instrument(symbol, **changes)], allow_trading=True, confirmed=True
        )
        return one.security_id

    async def put(
        self,
        number: int,
        closes: Sequence[float],
        *,
        last: date = YESTERDAY,
        source: str = "paper",
        splits: Sequence[Split] = (),
    ) -> None:
        """One bar per calendar day, the newest on `last`."""
        first = last - timedelta(days=len(closes) - 1)
        bars = tuple(
            Bar(first + timedelta(days=row), None, None, None, round(close * 1_000_000), None)
            for row, close in enumerate(closes)
        )
        read = BarRead("X", "EUR", source, bars)
        await self.store.bars.record(number, Fetched(read, splits=splits), at=self.clock.now)

    async def chart(
        self,
        name: str,
        span: ChartRange = "1Y",
        interval: ChartInterval | None = None,
        source: ChartSource = "auto",
    ) -> ChartView:
        return await self.desk.chart(PriceChart(name, span, interval, source))


@pytest.fixture
async def world(tmp_path: Path) -> AsyncGenerator[World]:
    async with open_store(tmp_path, engine="inline") as store:
        yield World(store)


def walk(rows: int, seed: int = 1) -> list[float]:
    steps = np.random.default_rng(seed).normal(0, 0.01, rows)
    return [round(float(value), 4) for value in 100 * np.exp(np.cumsum(steps))]


async def test_a_sparkline_for_every_active_security_with_prices(world: World) -> None:
    first, second = await world.add("AAA.EU", isin="I1"), await world.add("BBB.EU", isin="I2")
    await world.add("CCC.EU", isin="I3")
    gone = await world.add("DDD.EU", isin="I4")
    await world.store.securities.set_flags(gone, active=False)
    for number in (first, second, gone):
        await world.put(number, walk(500, number))
    found = await world.desk.sparklines(Sparklines(365, 120))
    assert [(line.symbol, line.isin) for line in found.lines] == [
        ("AAA.EU", "I1"),
        ("BBB.EU", "I2"),
    ]
    closes = walk(500, first)
    line = found.lines[0].line
    assert (len(line.days), line.days[0], line.days[-1]) == (
        120, (NOW.date() - timedelta(days=365)).toordinal(), YESTERDAY.toordinal()
    )  # fmt: skip
    shown = [round(close, 6) for close in line.closes]
    assert set(shown) <= set(closes)
    assert shown[-1] == closes[-1]
    assert not found.complete  # CCC.EU has none
    assert world.fetched == []


async def test_sparklines_are_computed_again_only_for_a_new_bar(world: World) -> None:
    first, second = await world.add("AAA.EU", isin="I1"), await world.add("BBB.EU", isin="I2")
    for number in (first, second):
        await world.put(number, walk(100, number))
    before = await world.desk.sparklines(Sparklines(90, 50))
    again = await world.desk.sparklines(Sparklines(90, 50))
    assert (again, world.runs) == (before, 1)
    world.clock.now += timedelta(minutes=1)
    newest = walk(100, second)[-1] + 1
    await world.put(second, [newest], last=NOW.date())
    after = await world.desk.sparklines(Sparklines(90, 50))
    assert world.runs == 2
    assert after.version != before.version
    assert after.lines[0] == before.lines[0]
    assert after.lines[1].line.closes[-1] == pytest.approx(newest)


async def test_a_chart_shows_the_range_that_was_asked_for(world: World) -> None:
    number = await world.add("AAA.EU", isin="I1")
    await world.put(number, walk(4200))
    month = await world.chart("AAA.EU", "1M")
    assert month.line.days[0] == (NOW.date() - timedelta(days=30)).toordinal()
    assert (month.interval, month.sources, month.complete) == ("day", ("paper",), True)
    weeks = await world.chart("I1", "5Y")
    assert weeks.interval == "week"
    assert all(date.fromordinal(day).isoweekday() == 7 for day in weeks.line.days[:-1])
    assert len((await world.chart("I1", "all")).line.days) == 139
    assert len((await world.chart("I1", "10Y", "day")).line.days) == 1500
    assert world.fetched == []


async def test_a_split_leaves_no_step(world: World) -> None:
    number = await world.add("AAA.EU")
    split = Split(YESTERDAY - timedelta(days=9), Decimal(2))
    await world.put(number, [100.0] * 50 + [50.0] * 10, splits=[split])
    assert set((await world.chart("AAA.EU")).line.closes) == {50.0}
    (small,) = (await world.desk.sparklines(Sparklines(90, 100))).lines
    assert set(small.line.closes) == {50.0}


async def test_a_chart_can_be_of_one_source_only(world: World) -> None:
    number = await world.add("AAA.EU")
    await world.put(number, walk(40), last=YESTERDAY - timedelta(days=10), source="yahoo")
    await world.put(number, walk(10), source="tradernet")
    both = await world.chart("AAA.EU")
    assert (both.sources, len(both.line.days), both.complete) == (("tradernet", "yahoo"), 50, True)
    one = await world.chart("AAA.EU", source="tradernet")
    assert (one.sources, len(one.line.days), one.complete) == (("tradernet",), 10, False)
    assert one.version != both.version


async def test_a_security_without_bars_has_an_empty_chart_and_is_asked_for(world: World) -> None:
    number = await world.add("AAA.EU")
    shown = await world.chart("AAA.EU")
    assert (shown.line.days, shown.complete, world.fetched) == ((), False, [number])
    await world.chart("AAA.EU", "5Y")
    assert world.fetched == [number]
    world.clock.now += PATIENCE
    await world.chart("AAA.EU")
    assert world.fetched == [number, number]


async def test_an_old_end_is_asked_for_and_a_weekend_is_not_old(world: World) -> None:
    number = await world.add("AAA.EU")
    world.clock.now = datetime(2009, 3, 7, 12, tzinfo=UTC)
    await world.put(number, walk(40), last=date(2009, 3, 6))
    assert (await world.chart("AAA.EU")).complete
    world.clock.now = datetime(2009, 3, 9, 12, tzinfo=UTC)
    assert (await world.chart("AAA.EU")).complete
    world.clock.now = datetime(2009, 3, 10, 12, tzinfo=UTC)
    assert not (await world.chart("AAA.EU")).complete
    assert world.fetched == [number]


async def test_what_was_looked_at_just_now_is_not_asked_for_again(world: World) -> None:
    number = await world.add("AAA.EU")
    await world.put(number, walk(40), last=date(2009, 2, 20))
    assert not (await world.chart("AAA.EU")).complete
    assert world.fetched == []


async def test_what_is_not_traded_any_more_is_complete_as_it_is(world: World) -> None:
    number = await world.add("AAA.EU")
    await world.put(number, walk(40), last=date(2008, 12, 1))
    await world.store.securities.set_flags(number, active=False)
    assert (await world.chart("AAA.EU")).complete


async def test_a_name_stands_for_one_security_or_is_refused(world: World) -> None:
    await world.add("AAA.EU", isin="I1")
    other = await world.add("AAA.US", isin="I1", currency="USD")
    with pytest.raises(Missing, match="there is no security 'ZZZ'"):
        await world.chart("ZZZ")
    with pytest.raises(Conflict, match=r"AAA\.EU, AAA\.US") as told:
        await world.chart("I1")
    assert told.value.code == "ambiguous"
    assert (await world.chart("AAA.US")).currency == "USD"
    await world.store.securities.set_flags(other, active=False)
    assert (await world.chart("I1")).symbol == "AAA.EU"


def drawn(points: int) -> Drawn:
    return Drawn(Series(np.arange(points, dtype=np.int32), np.ones(points)))


async def test_the_kept_lines_are_bounded_and_the_oldest_goes_first() -> None:
    kept = LineCache(100)
    kept.put("a", 1, drawn(40))
    kept.put("b", 1, drawn(40))
    assert kept.get("a", 1) is not None
    kept.put("c", 1, drawn(40))
    assert [kept.get(key, 1) is None for key in "abc"] == [False, True, False]
    kept.put("d", 1, drawn(500))
    assert (len(kept), kept.get("d", 1) is None) == (1, False)
    assert kept.get("d", 2) is None


async def test_lines_are_shown_under_the_name_a_security_has_now(world: World) -> None:
    number = await world.add("AAA.EU", isin="I1")
    await world.put(number, walk(500))
    before = await world.desk.sparklines(Sparklines(365, 30))
    renamed = SecurityPatch(symbol="NEW.EU")
    await world.store.securities.update(number, renamed, at=world.clock.now)
    after = await world.desk.sparklines(Sparklines(365, 30))
    assert [line.symbol for line in after.lines] == ["NEW.EU"]
    assert after.version != before.version
    for name in ("AAA.EU", "NEW.EU", "I1"):
        assert (await world.chart(name)).symbol == "NEW.EU"
