"""A tiny recorded market and a broker on it whose time the test moves by hand."""

from __future__ import annotations

import random
from array import array
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from broker.market_data import (
    BarSeries,
    CashRow,
    DividendRow,
    MarketData,
    OpeningCash,
    OpeningPosition,
    RateSeries,
    SecurityRow,
    SplitRow,
)
from broker.paper.adapter import PaperBroker
from broker.paper.storage import Storage
from broker.port import Broker
from ledger.cash_flow import facts_between
from ledger.fact import CashFlow, Fact, Fill, postings, source_key
from ledger.money import Money, Price, Quantity
from ledger.order import OrderDraft, OrderView, Side

T = TypeVar("T")
FIRST_DAY = date(2024, 1, 8)  # a Monday
START = datetime(2024, 1, 8, 7, tzinfo=UTC)
NOON = datetime(2024, 1, 9, 15, tzinfo=UTC)  # Paris and New York are both open
DAYS = 30
US, THIN, EU, HK, INDEX = "US.ONE", "US.THIN", "EU.ONE", "HK.ONE", "IDX"
Row = tuple[date, float, float, float, float, int]

_HOURS = {
    "XNYS": (((14, 30), (21, 0)),),
    "XPAR": (((8, 0), (16, 30)),),
    "XHKG": (((1, 30), (4, 0)), ((5, 0), (8, 0))),
}


def session(mic: str, day: date) -> Sequence[tuple[datetime, datetime]]:
    """Weekday sessions in UTC; Hong Kong has lunch."""
    if day.weekday() > 4:
        return ()
    at = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return tuple(
        (at + timedelta(hours=a, minutes=b), at + timedelta(hours=c, minutes=d))
        for (a, b), (c, d) in _HOURS.get(mic, ())
    )


def weekdays(count: int, first: date = FIRST_DAY) -> list[date]:
    days = (first + timedelta(days=ahead) for ahead in range(2 * count + 7))
    return [day for day in days if day.weekday() < 5][:count]


def series(rows: Iterable[Row]) -> BarSeries:
    listed = list(rows)
    values = array("q")
    for _, *prices, volume in listed:
        values.extend((*(round(price * 1_000_000) for price in prices), int(volume)))
    return BarSeries(array("i", (row[0].toordinal() for row in listed)), values)


def flat(price: float, volume: int, days: int = DAYS) -> BarSeries:
    """Every day the same: open and close at `price`, one unit up and down in between."""
    return series((day, price, price + 1, price - 1, price, volume) for day in weekdays(days))


def walk(seed: int, price: float, volume: int, days: int = DAYS) -> BarSeries:
    rng = random.Random(seed)
    rows: list[Row] = []
    for day in weekdays(days):
        opened = round(price * (1 + rng.uniform(-0.02, 0.02)), 2)
        price = round(opened * (1 + rng.uniform(-0.02, 0.02)), 2)
        high = round(max(opened, price) * (1 + rng.uniform(0, 0.01)), 2)
        low = round(min(opened, price) * (1 - rng.uniform(0, 0.01)), 2)
        rows.append((day, opened, high, low, price, rng.choice((0, volume // 2, volume))))
    return series(rows)


def rate_series(start: float, days: int = DAYS) -> RateSeries:
    listed = [FIRST_DAY - timedelta(days=3), *weekdays(days)]
    scaled = (round(start * (1 + 0.001 * (n % 5)) * 10**10) for n in range(len(listed)))
    return RateSeries(array("i", (d.toordinal() for d in listed)), array("q", scaled))


def _security(symbol: str, currency: str, exchange: str, *, country: str, lot: int = 1) -> Any:
    kind = "INDEX" if symbol == INDEX else "EQUITY"
    return SecurityRow(symbol, f"XX{symbol}", symbol, currency, exchange, country, "Any", kind, lot)


SECURITIES: Mapping[str, SecurityRow] = {
    US: _security(US, "USD", "XNYS", country="United States"),
    THIN: _security(THIN, "USD", "XNYS", country="United States"),
    EU: _security(EU, "EUR", "XPAR", country="Ireland"),
    HK: _security(HK, "HKD", "XHKG", country="Hong Kong", lot=100),
    INDEX: _security(INDEX, "EUR", "XPAR", country="Germany"),
}

CALM = MarketData(
    securities=SECURITIES,
    bars={
        US: flat(100, 1_000_000),
        THIN: flat(10, 100),
        EU: flat(50, 100_000),
        HK: flat(20, 1_000_000),
        INDEX: flat(1000, 0),
    },
    dividends=(),
    splits=(),
    rates={"USD": rate_series(1.1), "GBP": rate_series(0.85), "HKD": rate_series(8.6)},
    cash=(),
    opening_cash=(OpeningCash("EUR", 20_000_00), OpeningCash("USD", 10_000_00)),
    opening_positions=(OpeningPosition(US, "USD", 100_000_000, 90_000_000),),
    fundamentals=(),
)

LIVELY = replace(
    CALM,
    bars={
        US: walk(1, 100, 3_000),
        THIN: walk(2, 10, 200),
        EU: walk(3, 50, 2_000),
        HK: walk(4, 20, 90_000),
        INDEX: flat(1000, 0),
    },
    dividends=(
        DividendRow(US, date(2024, 1, 11), date(2024, 1, 18), 1_230_000, "USD"),
        DividendRow(EU, date(2024, 1, 16), date(2024, 1, 16), 333_333, "EUR"),
    ),
    splits=(
        SplitRow(US, date(2024, 1, 15), Decimal("1.5")),
        SplitRow(EU, date(2024, 1, 17), Decimal(2)),
    ),
    cash=(
        CashRow(date(2024, 1, 10), "EUR", 500_00),
        CashRow(date(2024, 1, 13), "USD", 50_05),
        CashRow(date(2024, 1, 17), "EUR", -100_00),
    ),
    opening_positions=(
        OpeningPosition(EU, "EUR", 21_000_000, 48_500_000),
        OpeningPosition(US, "USD", 15_000_000, 90_000_000),
    ),
)


def run(call: Coroutine[Any, Any, T]) -> T:
    """The result of a call that never waits; fails when it does."""
    try:
        call.send(None)
    except StopIteration as done:
        value: T = done.value
        return value
    raise AssertionError("a call of the paper exchange waited")


_open: list[Storage] = []


def close_all() -> None:
    """Close the files of all rigs, whose tests leave without a farewell."""
    while _open:
        _open.pop().close()


@dataclass(slots=True)
class Rig:
    """`now` and `machine_s` are the clocks; `tag` the last client order id used."""

    market: MarketData = CALM
    path: Path | str = ":memory:"
    seed: int = 7
    now: datetime = NOON
    machine_s: float = 0.0
    tag: int = 0
    broker: PaperBroker = field(init=False)

    def __post_init__(self) -> None:
        self.broker = self.connect()

    def connect(self) -> PaperBroker:
        broker = PaperBroker(
            self.market,
            self.path,
            seed=self.seed,
            start=START,
            now=lambda: self.now,
            monotonic_s=lambda: self.machine_s,
            session=session,
        )
        _open.append(broker.storage)
        return broker

    def reopen(self) -> None:
        """Connect anew without a farewell, as after a kill."""
        self.broker.storage.close()
        self.broker = self.connect()

    def wait(
        self, *, seconds: float = 0, minutes: float = 0, hours: float = 0, days: float = 0
    ) -> None:
        self.now += timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)

    def draft(
        self, side: Side, symbol: str, quantity: Decimal | str | int, limit: str | Decimal
    ) -> OrderDraft:
        self.tag += 1
        return OrderDraft(
            self.tag, symbol, side, Quantity.of(quantity), Price.of(limit, currency_of(symbol))
        )

    def place(
        self, side: Side, symbol: str, quantity: Decimal | str | int, limit: str | Decimal
    ) -> str:
        return run(self.broker.place(self.draft(side, symbol, quantity, limit))).broker_order_id

    def order(self, broker_order_id: str) -> OrderView:
        views = run(self.broker.orders_since(START))
        return next(view for view in views if view.broker_order_id == broker_order_id)

    def fills(self) -> Sequence[Fill]:
        return run(self.broker.fills_since(None))[0]

    def cash(self, currency: str) -> Money:
        balance = run(self.broker.snapshot()).cash.get(currency)
        return Money.zero(currency) if balance is None else balance.available

    def held(self, symbol: str) -> Decimal:
        holding = run(self.broker.snapshot()).holdings.get(symbol)
        return Decimal(0) if holding is None else holding.quantity.units


def currency_of(symbol: str) -> str:
    return symbol.split("/")[1] if "/" in symbol else SECURITIES[symbol].currency


def opening(market: MarketData) -> dict[tuple[str, str], int]:
    """Balances before anything happened, keyed like postings."""
    found = {("cash", row.currency): row.amount_minor for row in market.opening_cash}
    found |= {("holding", row.symbol): row.quantity_micro for row in market.opening_positions}
    return found


async def booked(broker: Broker, before: Mapping[tuple[str, str], int]) -> dict[Any, int]:
    """`before` moved once by every fact the broker reports; empty balances left out."""
    total = dict(before)
    reported: tuple[Fact, ...] = (
        *(await broker.fills_since(None))[0],
        *await completed(broker),
        *(await broker.corporate_actions_since(None))[0],
    )
    for fact in {source_key(fact): fact for fact in reported}.values():
        for posting in postings(fact):
            key = (posting.account, posting.key)
            total[key] = total.get(key, 0) + posting.delta
    return {key: value for key, value in total.items() if value}


async def completed(broker: Broker) -> tuple[CashFlow, ...]:
    """The facts that the broker's cash flows are."""
    rows, _ = await broker.cash_flows_since(None)
    return tuple(
        fact for row in rows for fact in facts_between(None, row, version=1, booked_before=False)
    )


async def shown(broker: Broker) -> dict[Any, int]:
    """The balances of a snapshot, keyed like postings; empty balances left out."""
    snapshot = await broker.snapshot()
    found: dict[Any, int] = {
        ("cash", code): cash.available.minor for code, cash in snapshot.cash.items()
    }
    found |= {("holding", name): h.quantity.micro for name, h in snapshot.holdings.items()}
    return {key: value for key, value in found.items() if value}
