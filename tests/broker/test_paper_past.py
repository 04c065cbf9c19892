"""The recording is asked about the past, and tells nothing of what is still to come."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
import trio

from broker.market_data import DividendRow, FundamentalRow, SplitRow
from broker.paper.adapter import ROWS_AT_ONCE
from tests.broker.paper_rig import CALM, HK, LIVELY, US, Rig, flat, run, series, weekdays

DAY = date(2024, 1, 10)  # a Wednesday
MARKET = replace(
    CALM,
    splits=(SplitRow(US, DAY, Decimal(2)),),
    dividends=(DividendRow(US, DAY, date(2024, 1, 30), 500_000, "USD"),),
    fundamentals=(FundamentalRow(US, DAY, "pe", Decimal(11)),),
)


def at(hour: int, minute: int = 0, *, day: date = DAY) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)


def rig(now: datetime) -> Rig:
    return Rig(market=MARKET, now=now)


@pytest.mark.parametrize(
    ("symbol", "last_second"), [(US, at(20, 59)), (HK, at(7, 59))], ids=["NewYork", "HongKong"]
)
def test_a_bar_is_known_once_its_session_is_over(symbol: str, last_second: datetime) -> None:
    before = rig(last_second + timedelta(seconds=59))
    assert run(before.broker.bars(symbol, None)).bars[-1].day == DAY - timedelta(days=1)
    after = rig(last_second + timedelta(seconds=60))
    assert run(after.broker.bars(symbol, None)).bars[-1].day == DAY


@pytest.mark.parametrize("read", ["splits", "share_dividends"])
def test_a_corporate_action_is_known_once_the_session_of_its_day_begins(read: str) -> None:
    assert run(getattr(rig(at(14, 29)).broker, read)(US)) == ()
    assert len(run(getattr(rig(at(14, 30)).broker, read)(US))) == 1


def test_a_figure_is_known_from_its_day_on() -> None:
    assert run(rig(at(0) - timedelta(seconds=1)).broker.fundamentals(US)) == ()
    assert len(run(rig(at(0)).broker.fundamentals(US))) == 1


def test_a_rate_is_known_once_it_is_published() -> None:
    def newest(now: datetime) -> date:
        return max(rate.as_of for rate in run(rig(now).broker.rates_since(None)))

    assert newest(at(14, 59)) == DAY - timedelta(days=1)
    assert newest(at(15)) == DAY


def test_on_an_exchange_without_a_calendar_a_day_is_over_when_it_is_over_everywhere() -> None:
    unknown = replace(CALM.securities[US], exchange="NOWHERE")
    market = replace(CALM, securities={**CALM.securities, US: unknown})

    def newest(now: datetime) -> date:
        return run(Rig(market=market, now=now).broker.bars(US, None)).bars[-1].day

    tomorrow = DAY + timedelta(days=1)
    assert newest(at(11, 59, day=tomorrow)) == DAY - timedelta(days=1)
    assert newest(at(12, day=tomorrow)) == DAY


def test_bars_are_raw_whatever_is_split_later() -> None:
    now = Rig(market=LIVELY)
    early = run(now.broker.bars(US, None)).bars
    now.wait(days=20)
    late = run(now.broker.bars(US, None))
    assert late.bars[: len(early)] == early
    assert late.adjusted_to is None


async def test_a_long_history_lets_others_work_in_between() -> None:
    days = ROWS_AT_ONCE * 2 + 1
    first = DAY - timedelta(days=4000)
    long = series((day, 1.0, 1.0, 1.0, 1.0, 1) for day in weekdays(days, first))
    market = replace(CALM, bars={**CALM.bars, HK: flat(1, 1), US: long})
    past = Rig(market=market, now=at(22))
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(count)
        read = await past.broker.bars(US, None)
        nursery.cancel_scope.cancel()
    assert len(read.bars) == days
    assert turns >= 1
