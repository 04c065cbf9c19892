"""What sync relies on when it asks any broker about the past of an instrument."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from broker.market_data import FundamentalRow, MarketData, RateSeries
from broker.paper.faults import Blow, Chance, Fault, FaultPlan, FaultyBroker
from broker.port import FOUND_MOST, RATE_DAYS, Broker
from ledger.errors import BrokerNotFound, MalformedAnswer, Unavailable
from tests.broker.paper_rig import EU, HK, INDEX, LIVELY, US, Rig

PAST = ("bars", "splits", "share_dividends", "fundamentals")
READS = (*PAST, "rates_since", "find")
MARKET = replace(
    LIVELY,
    fundamentals=(
        FundamentalRow(US, date(2024, 1, 5), "pe", Decimal("12.5")),
        FundamentalRow(US, date(2024, 1, 22), "pe", Decimal("13")),
    ),
)


@dataclass(frozen=True, slots=True)
class Subject:
    """A broker with a market of weeks; `symbol` has split and paid, `wait` lets days pass."""

    broker: Broker
    symbol: str
    wait: Callable[[float], None]


def _faulty(rig: Rig, *faults: Fault) -> FaultyBroker:
    always = tuple(Chance(Blow(fault), 1.0) for fault in faults)
    return FaultyBroker(rig.broker, FaultPlan(chances=dict.fromkeys(READS, always)), _no_sleep)


async def _no_sleep(seconds: float) -> None:
    assert seconds >= 0


def _subject(*faults: Fault, market: MarketData = MARKET) -> Subject:
    rig = Rig(market=market)
    rig.wait(days=20)
    broker = _faulty(rig, *faults) if faults else rig.broker
    return Subject(broker, US, lambda days: rig.wait(days=days))


@pytest.fixture(params=[(), (Fault.DUPLICATE, Fault.REORDER)], ids=["paper", "stuttering_line"])
def subject(request: pytest.FixtureRequest) -> Subject:
    return _subject(*request.param)


async def _read(broker: Broker, method: str, symbol: str) -> object:
    read = getattr(broker, method)
    return await (read(symbol, None) if method == "bars" else read(symbol))


async def test_bars_are_of_sessions_that_are_over_and_in_one_currency(subject: Subject) -> None:
    read = await subject.broker.bars(subject.symbol, None)
    now: datetime = await subject.broker.probe()
    assert read.symbol == subject.symbol
    assert read.currency == "USD"
    assert read.source
    days = {bar.day for bar in read.bars}
    assert len(days) > 10
    assert max(days) <= now.date()
    assert len(set(read.bars)) == len(days)


async def test_bars_since_a_day_are_the_end_of_all_bars(subject: Subject) -> None:
    everything = set((await subject.broker.bars(subject.symbol, None)).bars)
    since = sorted(bar.day for bar in everything)[4]
    later = set((await subject.broker.bars(subject.symbol, since)).bars)
    assert later == {bar for bar in everything if bar.day >= since}


async def test_splits_and_dividends_tell_their_terms(subject: Subject) -> None:
    splits = set(await subject.broker.splits(subject.symbol))
    dividends = set(await subject.broker.share_dividends(subject.symbol))
    assert {split.ratio for split in splits} == {Decimal("1.5")}
    assert [(d.per_share.value, d.per_share.currency) for d in dividends] == [
        (Decimal("1.23"), "USD")
    ]
    assert all(d.pay_date is None or d.pay_date >= d.ex_date for d in dividends)


async def test_every_figure_is_one_that_was_known(subject: Subject) -> None:
    today = (await subject.broker.probe()).date()
    figures = set(await subject.broker.fundamentals(subject.symbol))
    assert {(figure.metric, figure.value) for figure in figures} == {
        ("pe", Decimal("12.5")),
        ("pe", Decimal(13)),
    }
    assert all(figure.as_of <= today for figure in figures)


async def test_past_rates_are_those_that_were_published(subject: Subject) -> None:
    rates = set(await subject.broker.rates_since(None))
    table = await subject.broker.rates()
    assert set(table.per_eur.values()) <= rates
    assert {rate.base for rate in rates} == {"EUR"}
    assert len({(rate.quote, rate.as_of) for rate in rates}) == len(rates)
    since = sorted({rate.as_of for rate in rates})[3]
    later = set(await subject.broker.rates_since(since))
    assert later == {rate for rate in rates if rate.as_of >= since}


@pytest.mark.parametrize("faults", [(), (Fault.DUPLICATE, Fault.REORDER)])
async def test_years_of_rates_come_a_year_at_a_time_until_none_is_left(
    faults: tuple[Fault, ...],
) -> None:
    # Three years, of which the second has no rate at all.
    ago = [*range(1200, 850, -1), *range(380, 20, -1)]
    days = array("i", (date(2024, 1, 10).toordinal() - n for n in ago))
    rates = RateSeries(days, array("q", (10**10 + n for n in ago)))
    broker = _subject(*faults, market=replace(MARKET, rates={"USD": rates, "GBP": rates})).broker
    found: set[tuple[str, date]] = set()
    since: date | None = None
    while page := await broker.rates_since(since):
        told = {(rate.quote, rate.as_of) for rate in page}
        newest = max(rate.as_of for rate in page)
        assert (newest - min(rate.as_of for rate in page)).days < RATE_DAYS
        assert since is None or since <= newest
        found, since = found | told, newest + timedelta(days=1)
    wanted = {(code, date.fromordinal(day)) for code in ("USD", "GBP") for day in days}
    assert found == wanted


async def test_what_is_known_of_the_past_never_changes(subject: Subject) -> None:
    async def everything() -> dict[str, set[object]]:
        broker, symbol = subject.broker, subject.symbol
        return {
            "bars": set((await broker.bars(symbol, None)).bars),
            "splits": set(await broker.splits(symbol)),
            "dividends": set(await broker.share_dividends(symbol)),
            "figures": set(await broker.fundamentals(symbol)),
            "rates": set(await broker.rates_since(None)),
        }

    before = await everything()
    subject.wait(9)
    after = await everything()
    assert all(before[name] <= after[name] for name in before)
    assert before != after


@pytest.mark.parametrize("method", PAST)
async def test_what_is_not_listed_is_not_found(subject: Subject, method: str) -> None:
    for symbol in ("NO.SUCH", "EUR/USD", ""):
        with pytest.raises(BrokerNotFound):
            await _read(subject.broker, method, symbol)


async def test_what_there_is_nothing_of_is_an_empty_answer(subject: Subject) -> None:
    for method in ("splits", "share_dividends", "fundamentals"):
        assert await _read(subject.broker, method, HK) == ()
    today = (await subject.broker.probe()).date()
    assert (await subject.broker.bars(HK, today + timedelta(days=1))).bars == ()
    assert await subject.broker.rates_since(today + timedelta(days=1)) == ()


async def test_an_index_has_a_past_like_a_share(subject: Subject) -> None:
    assert (await subject.broker.bars(INDEX, None)).bars


@pytest.mark.parametrize("text", [US, US.lower(), f"XX{US}", "us.o"])
async def test_an_instrument_is_found_by_any_of_its_names(subject: Subject, text: str) -> None:
    hits = await subject.broker.find(text)
    assert {hit.symbol for hit in hits} == {US}


async def test_a_search_is_bounded_and_nothing_is_called_nothing(subject: Subject) -> None:
    assert len(set(await subject.broker.find("XX"))) <= FOUND_MOST
    assert await subject.broker.find(" ") == ()
    assert await subject.broker.find("no such name") == ()


async def test_whoever_is_called_exactly_so_comes_first() -> None:
    assert [hit.symbol for hit in await _subject().broker.find("IDX")] == [INDEX]
    assert [hit.symbol for hit in await _subject().broker.find("ONE")] == [EU, HK, US]


@pytest.mark.parametrize(
    ("fault", "error"), [(Fault.UNAVAILABLE, Unavailable), (Fault.MALFORMED, MalformedAnswer)]
)
@pytest.mark.parametrize("method", READS)
async def test_a_read_that_failed_says_so(
    method: str, fault: Fault, error: type[Exception]
) -> None:
    broker = _subject(fault).broker
    with pytest.raises(error):
        await (broker.rates_since(None) if method == "rates_since" else _read(broker, method, US))
