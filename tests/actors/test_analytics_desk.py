"""The desk over a real store: figures by hand, and answers kept until something makes them old."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import pytest

from actors.analytics_desk import MOST_KEPT, AnalyticsDesk, AnalyticsPorts
from ledger.allocation import AllocationBook, Groups
from ledger.analytics import Attribution, Performance, PositionRisk, Review
from ledger.bar import Bar, BarRead, ShareDividend, Split
from ledger.errors import Conflict, Missing
from ledger.fact import Fact
from ledger.money import Money, Price, Quantity
from ledger.rate import Rate, RateTable
from policy.limits import DEFAULTS, Limits
from store.bars import Fetched
from store.holdings_history import HoldingsHistories
from store.store import Store, open_store
from tests.store.builders import (
    MACHINE,
    eur,
    fill,
    flow,
    instrument,
    opening_cash,
    opening_position,
)
from tests.store.builders import split as booked_split
from wire.analytics_asks import (
    AssessPosition,
    AttributeReturns,
    ReviewPerformance,
    ReviewPortfolio,
)
from wire.board import Latest
from wire.runner import run_inline

T = TypeVar("T")
TODAY = date(2026, 3, 2)  # a Monday
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def trading_days(count: int) -> list[date]:
    """The newest `count` weekdays up to today, oldest first."""
    days = [TODAY - timedelta(days=back) for back in range(count * 2)]
    return sorted([one for one in days if one.weekday() < 5][:count])


@dataclass
class StillClock:
    now: datetime = NOON

    def market_now(self) -> datetime:
        return self.now

    def machine_now(self) -> datetime:
        return self.now

    def monotonic_s(self) -> float:
        return 0.0

    async def wait_until_market(self, instant: datetime) -> None:
        raise AssertionError(f"nobody waits for {instant} here")


@dataclass
class Looking:
    """A desk with everything it looks at; `computed` counts what its runner was given."""

    store: Store
    clock: StillClock = field(default_factory=StillClock)
    rules: Latest[Limits] = field(default_factory=Latest[Limits])
    allocation: Latest[AllocationBook] = field(default_factory=Latest[AllocationBook])
    computed: int = 0
    facts: int = 0

    def __post_init__(self) -> None:
        self.rules.publish(DEFAULTS)
        self.desk = AnalyticsDesk(
            AnalyticsPorts(
                journal=HoldingsHistories(self.store.ledger),
                securities=self.store.securities,
                prices=self.store.bars,
                rules=self.rules,
                allocation=self.allocation,
                clock=self.clock,
                runner=self._run,
            )
        )

    async def _run(self, work: Callable[[], T], /) -> T:
        self.computed += 1
        return await run_inline(work)

    async def list(self, symbol: str, **about: Any) -> int:
        (one,) = await self.store.securities.upsert(
            [instrument(symbol, **about)], allow_trading=True, confirmed=True
        )
        return one.security_id

    async def bars(self, security_id: int, closes: dict[date, str], **more: Any) -> None:
        code = more.pop("currency", "EUR")
        bars = tuple(
            Bar(day, None, None, None, int(Decimal(close) * 1_000_000), None)
            for day, close in closes.items()
        )
        read = BarRead("X", code, "test", bars)
        await self.store.bars.record(security_id, Fetched(read, **more), at=NOON)

    async def book(self, *facts: Fact) -> None:
        await self.store.facts.record(facts, at=NOON, machine_at=MACHINE)

    async def performance(self, days: int) -> Performance:
        found = await self.desk.answer(ReviewPerformance(days))
        assert isinstance(found, Performance)
        return found

    async def attribution(self, days: int, by: Any) -> Attribution:
        found = await self.desk.answer(AttributeReturns(days, by))
        assert isinstance(found, Attribution)
        return found

    async def risk(self, name: str, days: int = 365) -> PositionRisk:
        found = await self.desk.answer(AssessPosition(name, days))
        assert isinstance(found, PositionRisk)
        return found


@pytest.fixture
async def looking(tmp_path: Path) -> AsyncGenerator[Looking]:
    async with open_store(tmp_path, engine="inline") as store:
        yield Looking(store)


def at(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 15, tzinfo=UTC)


def begun(day: date, *, cash: str = "500", units: int = 10) -> tuple[Fact, ...]:
    held = replace(opening_position(units=units), at=at(day))
    return (replace(opening_cash(cash), at=at(day)), held)


async def invested(looking: Looking, count: int = 6) -> list[date]:
    """Ten shares and 500 EUR from the first day on; the close rises by one a day from ten on."""
    days = trading_days(count)
    security_id = await looking.list("AAA.EU")
    await looking.bars(security_id, {day: str(10 + n) for n, day in enumerate(days)})
    await looking.book(*begun(days[0]))
    return days


async def test_returns_start_from_the_close_before_the_days_asked_for(looking: Looking) -> None:
    days = await invested(looking)
    found = await looking.performance(1)
    assert (found.first, found.last) == (days[-2], days[-1])
    assert [one.value for one in found.daily] == [pytest.approx(10 / 640)]
    weekend = await looking.performance(4)
    assert [one.day for one in weekend.daily] == days[-2:]
    whole = await looking.performance(365)
    assert (whole.first, len(whole.daily)) == (days[0], 5)
    assert whole.total == pytest.approx(650 / 600 - 1)


async def test_a_deposit_in_another_currency_is_no_return(looking: Looking) -> None:
    days = await invested(looking)
    table = {day: Rate("EUR", "USD", Decimal("1.25"), day, "test") for day in days}
    for rate in table.values():
        await looking.store.market.put_rates(RateTable({"USD": rate}), at=NOON)
    await looking.book(flow("d", "deposit", Money.of(250, "USD"), at=at(days[3])))
    found = await looking.performance(365)
    assert (found.flows, found.end_value) == (eur(200), eur(850))
    assert found.daily[2].value == pytest.approx(10 / 620)
    assert found.daily[3].value == pytest.approx(10 / 830)


async def test_a_split_is_no_return(looking: Looking) -> None:
    days = trading_days(6)
    security_id = await looking.list("AAA.EU")
    closes = {day: "20" if n < 3 else "10" for n, day in enumerate(days)}
    await looking.bars(security_id, closes, splits=(Split(days[3], Decimal(2)),))
    action = replace(booked_split(delta=10), ex_date=days[3], effective_at=at(days[4]))
    await looking.book(*begun(days[0]), action)
    found = await looking.performance(365)
    assert [one.value for one in found.daily] == [0.0] * 5
    assert found.end_value == eur(700)


async def test_attribution_is_by_the_owners_groups_and_adds_up(looking: Looking) -> None:
    await invested(looking)
    looking.allocation.publish(AllocationBook(country=Groups({"Core": ("germany",)})))
    found = await looking.attribution(365, "country_group")
    assert [part.name for part in found.parts] == ["Core", "cash", "trading"]
    assert found.total == pytest.approx(650 / 600 - 1)
    assert found.parts[0].total == pytest.approx(found.total)


async def test_a_review_is_made_of_the_single_answers(looking: Looking) -> None:
    await invested(looking)
    found = await looking.desk.answer(ReviewPortfolio(365))
    assert found == Review(
        await looking.performance(365),
        await looking.attribution(365, "country"),
        await looking.attribution(365, "industry"),
    )


async def indexed(looking: Looking, count: int = 90) -> list[date]:
    """An index and a security that doubles each of its moves; ten shares and no cash."""
    days = trading_days(count)
    level, double = Decimal(100), Decimal(100)
    closes: dict[str, dict[date, str]] = {"IDX": {}, "AAA.EU": {}}
    for number, day in enumerate(days):
        move = Decimal((number * 7) % 11 - 5) / 1000
        level, double = level * (1 + move), double * (1 + 2 * move)
        closes["IDX"][day], closes["AAA.EU"][day] = f"{level:.6f}", f"{double:.6f}"
    await looking.bars(await looking.list("IDX", product_type="INDEX"), closes["IDX"])
    await looking.bars(await looking.list("AAA.EU"), closes["AAA.EU"])
    await looking.book(*begun(days[0], cash="0"))
    return days


async def test_factors_are_the_indices_of_the_universe(looking: Looking) -> None:
    await indexed(looking)
    found = await looking.attribution(365, "factor")
    assert found.regression is not None
    (loading,) = found.regression.loadings
    assert loading.name == "market"
    assert loading.loading == pytest.approx(2, rel=1e-3)
    assert found.regression.observations == 89


async def test_the_risk_of_a_position_is_against_the_same_indices(looking: Looking) -> None:
    await indexed(looking)
    for name in ("AAA.EU", "DEAAA.EU"):
        found = await looking.risk(name)
        assert found.symbol == "AAA.EU"
        assert found.beta == pytest.approx(2, rel=1e-3)
        assert (found.weight, found.concentration) == (1.0, 1.0)
        assert found.risk_share == pytest.approx(1)
    other = await looking.risk("IDX")
    assert (other.weight, other.risk_contribution) == (0.0, 0.0)
    assert other.high_correlations[0].symbol == "AAA.EU"


async def test_the_benchmark_is_what_the_owner_names(looking: Looking) -> None:
    await indexed(looking)
    named = replace(DEFAULTS, benchmark_symbols=("AAA.EU",))
    looking.rules.publish(named)
    assert (await looking.risk("AAA.EU")).beta == pytest.approx(1)


async def test_a_dividend_counts_for_the_security_that_paid_it(looking: Looking) -> None:
    days = trading_days(6)
    security_id = await looking.list("AAA.EU")
    paid = ShareDividend(days[3], None, Price.of(1, "EUR"))
    closes = {day: "10" if n < 3 else "9" for n, day in enumerate(days)}
    await looking.bars(security_id, closes, dividends=(paid,))
    await looking.book(*begun(days[0]))
    assert (await looking.risk("AAA.EU")).total == pytest.approx(0)
    received = replace(flow("g", "dividend", eur(10), at=at(days[4])), symbol="AAA.EU")
    await looking.book(received)
    found = await looking.attribution(365, "country")
    by_name = {part.name: part.total for part in found.parts}
    assert by_name["Germany"] == pytest.approx(0, abs=1e-3)
    assert by_name["cash"] == 0


async def test_what_is_short_is_answered_with_a_reason(looking: Looking) -> None:
    empty = await looking.performance(365)
    assert (empty.available, empty.reason) == (
        False, "there are no two closes with a known value",
    )  # fmt: skip
    await looking.list("BARE.EU")
    bare = await looking.risk("BARE.EU")
    assert (bare.available, bare.reason) == (False, "no bars are stored")
    usd = await looking.list("USD.US", currency="USD")
    await looking.bars(usd, {TODAY: "10"}, currency="USD")
    assert (await looking.risk("USD.US")).reason == "no rate of USD is known"


async def test_a_holding_without_prices_is_named_on_every_day_it_is_held(looking: Looking) -> None:
    days = await invested(looking)
    await looking.list("BBB.EU")
    await looking.book(
        fill("f", symbol="BBB.EU", units=1, price="5", at=at(days[4])),
        fill("g", symbol="CCC.EU", units=1, price="5", at=at(days[5])),
    )
    looking.clock.now += timedelta(days=1)
    found = await looking.performance(365)
    assert [(one.day, one.names) for one in found.unknown] == [
        (days[4], ("BBB.EU",)),
        (days[5], ("BBB.EU", "CCC.EU")),
    ]
    assert found.last == days[3]
    assert (await looking.risk("AAA.EU")).weight is not None


async def test_names_must_mean_one_security(looking: Looking) -> None:
    with pytest.raises(Missing):
        await looking.risk("NONE")
    for symbol, mic in (("A.EU", "XETR"), ("A.PA", "XPAR")):
        await looking.list(symbol, isin="DE0001", mic=mic)
    with pytest.raises(Conflict) as caught:
        await looking.risk("DE0001")
    assert caught.value.code == "ambiguous"


async def test_an_answer_is_kept_until_something_makes_it_old(looking: Looking) -> None:
    days = await invested(looking)
    first = await looking.performance(30)
    computed = looking.computed
    assert await looking.performance(30) is first
    assert looking.computed == computed

    async def anew() -> None:
        nonlocal first
        again: Performance = await looking.performance(30)
        assert again is not first
        first = again

    await looking.book(flow("d", "deposit", eur(5), at=at(days[1])))
    await anew()
    security_id = (await looking.store.securities.all())[0].security_id
    await looking.bars(security_id, {days[-1] + timedelta(days=1): "19"})
    await anew()
    looking.rules.publish(replace(DEFAULTS, risk_free_rate=Decimal("0.03")))
    await anew()
    looking.clock.now += timedelta(days=1)
    await anew()
    looking.allocation.publish(AllocationBook(country=Groups({"Core": ("Germany",)})))
    await anew()


async def test_only_so_many_answers_are_kept(looking: Looking) -> None:
    await invested(looking)
    first = await looking.performance(1)
    for days in range(2, MOST_KEPT + 1):
        await looking.performance(days)
    assert await looking.performance(1) is first
    await looking.performance(MOST_KEPT + 1)
    assert await looking.performance(1) is not first


async def test_a_higher_risk_free_rate_lowers_the_ratio(looking: Looking) -> None:
    await indexed(looking)
    low = (await looking.performance(365)).risk.sharpe
    looking.rules.publish(replace(DEFAULTS, risk_free_rate=Decimal("0.05")))
    high = (await looking.performance(365)).risk.sharpe
    assert low is not None
    assert high is not None
    assert high < low


async def test_what_is_no_question_about_the_past_is_refused(looking: Looking) -> None:
    with pytest.raises(TypeError, match="Quantity"):
        await looking.desk.answer(Quantity(1))
