"""A small world to show: fake views, access and clock, and boards with a portfolio in them."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache

import trio
from quart_trio import QuartTrio

from ledger.allocation import AllocationBook
from ledger.decision import Decision
from ledger.emergency import EmergencySale
from ledger.errors import Missing
from ledger.halt import Latch
from ledger.money import Money, Price, Quantity
from ledger.order import Intent, OrderState, Proposal, Side, Verdict
from ledger.plan import Plan, PlanStep, StepState, StoredPlan, StoredStep
from ledger.portfolio import Cash, PortfolioSnapshot, Position
from ledger.rate import Rate, RateTable
from ledger.run import RunRecord, RunStatus
from ledger.score import PastScore
from ledger.security import Instrument, Security
from store.flow_views import CashFlowRow, FlowSummary, summarise
from store.order_views import OrderQuery, OrderStory
from store.views import TradeQuery, TradeRow
from tests.web.planner_world import FakePlannerViews
from web.access import Binding, Session
from web.app import create_app
from web.ports import BuildInfo
from wire.ask_boxes import AskBoxes
from wire.events import EventRing
from wire.health import Beat, Health
from wire.mailbox import AskBox, serving
from wire.messages import (
    Boards,
    BrokerLink,
    DisplayState,
    JobView,
    MarketView,
    PlannerStatus,
    Recovery,
    TradingState,
)

TOKEN = "the-token-of-these-tests"
CODE = "one-time-code"
NOW = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@dataclass(frozen=True, slots=True)
class FakeDay:
    day: date
    total: Money | None
    cash: Money | None
    invested: Money | None = None
    profit: Money | None = None
    flow: Money | None = None
    positions: int = 0


class FakeClock:
    """Market time stands still unless told otherwise; machine time follows trio's clock."""

    def __init__(self) -> None:
        self.market = NOW

    def market_now(self) -> datetime:
        return self.market

    def machine_now(self) -> datetime:
        return NOW + timedelta(hours=1)

    def monotonic_s(self) -> float:
        return trio.current_time()

    async def wait_until_market(self, instant: datetime) -> None:
        raise AssertionError(f"the web never waits for market time ({instant})")


class FakeAccess:
    """One token, one code that works once, sessions in a dictionary."""

    def __init__(self) -> None:
        self.codes = {CODE}
        self.sessions: dict[str, Session] = {}

    def token_ok(self, text: str) -> bool:
        return text == TOKEN

    def redeem(self, code: str) -> Session | None:
        if code not in self.codes:
            return None
        self.codes.remove(code)
        session = Session("session-id", "csrf-of-session")
        self.sessions[session.session_id] = session
        return session

    def session(self, session_id: str) -> Session | None:
        return self.sessions.get(session_id)


@dataclass
class FakeFlows:
    """Cash flows in memory, newest first."""

    rows: tuple[CashFlowRow, ...] = ()
    asked: list[object] = field(default_factory=list[object])

    async def recent(
        self,
        limit: int | None,
        *,
        type_: str | None = None,
        first: date | None = None,
        last: date | None = None,
    ) -> tuple[CashFlowRow, ...]:
        self.asked.append((limit, type_, first, last))
        return self.rows[:limit]

    async def external(self, limit: int) -> tuple[CashFlowRow, ...]:
        return tuple(
            row
            for row in self.rows
            if row.flow.completed and row.flow.category in {"deposit", "withdrawal"}
        )[:limit]

    async def summary(self) -> FlowSummary:
        return summarise(row for row in self.rows if row.flow.completed)


@dataclass
class FakeViews(FakePlannerViews):
    """Rows in memory; `error` is raised instead when it is set."""

    trade_rows: tuple[TradeRow, ...] = ()
    days: tuple[FakeDay, ...] = ()
    order_rows: tuple[Intent, ...] = ()
    stories: tuple[OrderStory, ...] = ()
    steps: dict[tuple[str, int], OrderStory] = field(
        default_factory=dict[tuple[str, int], OrderStory]
    )
    questions: tuple[Decision, ...] = ()
    sales: tuple[EmergencySale, ...] = ()
    run_rows: tuple[RunRecord, ...] = ()
    past_scores: dict[int, tuple[PastScore, ...]] = field(
        default_factory=dict[int, tuple[PastScore, ...]]
    )
    flows: FakeFlows = field(default_factory=FakeFlows)
    error: Exception | None = None
    asked: list[object] = field(default_factory=list[object])

    def _check(self) -> None:
        if self.error is not None:
            raise self.error

    async def trades(self, query: TradeQuery) -> tuple[TradeRow, ...]:
        self._check()
        self.asked.append(query)
        return self.trade_rows[: query.limit]

    async def history(self, first: date) -> tuple[FakeDay, ...]:
        self._check()
        start = sum(day.day < first for day in self.days)
        return self.days[max(start - 1, 0) :]

    async def orders(self, query: OrderQuery) -> tuple[Intent, ...]:
        self._check()
        self.asked.append(query)
        return self.order_rows[: query.limit]

    async def order(self, number: int) -> OrderStory:
        self._check()
        for story in self.stories:
            if number == (story.intent.client_order_id or story.intent.intent_id):
                return story
        raise Missing(f"there is no order {number}")

    async def order_of_step(self, plan_id: str, step: int) -> OrderStory | None:
        self._check()
        return self.steps.get((plan_id, step))

    async def pending_sales(self) -> tuple[EmergencySale, ...]:
        self._check()
        return self.sales

    async def decisions(self) -> tuple[Decision, ...]:
        self._check()
        return self.questions

    async def scores(self, security_id: int, limit: int) -> tuple[PastScore, ...]:
        self._check()
        return self.past_scores.get(security_id, ())[:limit]

    async def runs(self, limit: int) -> tuple[RunRecord, ...]:
        self._check()
        return self.run_rows[:limit]

    async def counts(self) -> Mapping[str, int]:
        self._check()
        return {"facts": 12, "intents": 3}


@dataclass
class World:
    """Everything create_app takes, kept for the test to move."""

    boards: Boards
    events: EventRing
    asks: AskBoxes
    views: FakeViews
    health: Health
    clock: FakeClock
    access: FakeAccess
    shutdown: trio.Event

    def app(self, binding: Binding | None = None) -> QuartTrio:
        return create_app(
            boards=self.boards,
            events=self.events,
            asks=self.asks,
            views=self.views,
            health=self.health,
            clock=self.clock,
            access=self.access,
            info=BuildInfo("2026.11.0", "abc1234", "3.11", 7, "compiled", "paper"),
            shutdown=self.shutdown,
            binding=binding,
        )

    def tell(self, type_: str, **data: str | int) -> None:
        self.events.emit(type_, source="test", at=NOW, data=data)  # type: ignore[arg-type]

    async def answer(self, box: AskBox, *answers: object) -> None:
        """Play the actor behind `box`: one answer, or one error, for each ask."""
        for value in answers:
            ask = await box.receive()
            async with serving(ask):
                if isinstance(value, Exception):
                    raise value
                ask.slot.answer(value)


def empty_world() -> World:
    return World(
        boards=Boards(),
        events=EventRing(),
        asks=AskBoxes.opened(),
        views=FakeViews(),
        health=Health(),
        clock=FakeClock(),
        access=FakeAccess(),
        shutdown=trio.Event(),
    )


def eur(text: str) -> Money:
    return Money.of(text, "EUR")


# symbol, name, currency, country, industry, quantity, cost, price, synthetic
_HELD = (
    ("AAPL.US", "Apple", "USD", "US", "Technology", "12", "141.20", "189.40", False),
    ("ASML.EU", "ASML Holding", "EUR", "NL", "Technology", "4", "602.10", "871.20", False),
    ("NOVN.EU", "Novartis", "CHF", "CH", "Health care", "30", "88.00", "92.35", False),
    ("700.HK", "Tencent", "HKD", "CN", "Communication", "100", "352.80", "310.40", False),
    ("IBE.EU", "Iberdrola", "EUR", "ES", "Utilities", "210", "10.02", "11.84", False),
    ("DEMO1.XX", "Demo Bonds 5y", "EUR", "DE", "Bonds", "15", "101.00", "99.70", True),
    ("DEMO2.XX", "Demo Small Caps", "EUR", "FR", "Industrials", "44", "21.50", "24.13", True),
)
_RATES = {"USD": "1.0850", "CHF": "0.9560", "HKD": "8.4810"}
_CASH = (("EUR", "1843.27"), ("USD", "212.05"), ("CHF", "-3.10"))


def rates() -> RateTable:
    day = NOW.date()
    return RateTable(
        {code: Rate("EUR", code, Decimal(value), day, "test") for code, value in _RATES.items()}
    )


def _position(number: int, row: tuple[str, ...] | tuple[object, ...]) -> Position:
    symbol, name, currency, country, industry, quantity, cost, last, synthetic = map(str, row)
    instrument = Instrument(
        symbol=symbol,
        isin=f"XX000000000{number}",
        name=name,
        currency=currency,
        mic="XETR" if currency == "EUR" else "XNYS",
        country=country,
        industry=industry,
        product_type="EQUITY",
        lot=Quantity.of(1),
        tick=Price.of("0.01", currency),
        synthetic=synthetic == "True",
    )
    units = Quantity.of(quantity)
    value = Money.half_even(Decimal(quantity) * Decimal(last), currency)
    paid = Money.half_even(Decimal(quantity) * Decimal(cost), currency)
    table = rates()
    value_eur = table.to_eur(value)
    return Position(
        security=Security(number, instrument, True, True, True, True),
        quantity=units,
        average_cost=Price.of(cost, currency),
        price=Price.of(last, currency),
        price_at=NOW,
        value=value,
        value_eur=value_eur,
        profit_eur=table.to_eur(value - paid),
    )


def portfolio(*, extra: str = "0") -> PortfolioSnapshot:
    """The held positions and cash; `extra` EUR are added to the cash."""
    table = rates()
    positions = tuple(_position(number, row) for number, row in enumerate(_HELD, start=1))
    balances = [Money.of(text, code) for code, text in _CASH]
    balances[0] += eur(extra)
    cash = tuple(Cash(money, table.to_eur(money)) for money in balances)
    cash_eur = sum((c.value_eur.minor for c in cash if c.value_eur), 0)
    held_eur = sum((p.value_eur.minor for p in positions if p.value_eur), 0)
    return PortfolioSnapshot(
        ledger_seq=42,
        as_of=NOW,
        read_at_s=0.0,
        universe=tuple(position.security for position in positions),
        pairs=(),
        positions=positions,
        cash=cash,
        rates=table,
        quotes={},
        total_eur=Money(held_eur + cash_eur, "EUR"),
        cash_eur=Money(cash_eur, "EUR"),
        pots_eur=eur("18.40"),
        unvalued=(),
        differences=(),
        stale=None,
    )


def _step(number: int, side: Side, names: tuple[str, str], quantity: str, reason: str) -> PlanStep:
    symbol, name = names
    return PlanStep(
        number=number,
        kind="trade",
        side=side,
        symbol=symbol,
        name=name,
        security_id=number,
        quantity=Quantity.of(quantity),
        price=Price.of("92.35", "EUR"),
        value_eur=Money.half_even(Decimal("92.35") * Decimal(quantity), "EUR"),
        fee_eur=eur("2.18"),
        reason=reason,
        tags=("averaging_down",),
        score_before=71.2 + number,
        score_after=72.2 + number,
        cash_before_eur=eur("2034.10"),
        cash_after_eur=eur("1108.42"),
    )


def plan(plan_id: str = "01HPLAN0000000000000000001") -> StoredPlan:
    steps = (
        _step(
            1, "SELL", ("AAPL.US", "Apple"), "2",
            "Country US is 6.1 % above its target; the gain of 34 % is taken on two shares.",
        ),
        _step(
            2, "BUY", ("NOVN.EU", "Novartis"), "10",
            "Health care is 4.0 % under target and the price is 8 % below its 52-week high.",
        ),
        _step(
            3, "BUY", ("IBE.EU", "Iberdrola"), "40",
            "Utilities are under target; the dividend is covered 1.6 times.",
        ),
    )  # fmt: skip
    made = Plan(
        plan_id=plan_id,
        bucket_id="core",
        created_at=NOW,
        portfolio_hash="9f2c4b7ad1e0",
        objective="end_state",
        steps=steps,
        current_score=72.2,
        end_score=75.2,
        evaluated=28_412,
        cash_required_eur=eur("1400.00"),
        cash_generated_eur=eur("365.10"),
        narrative=(
            "Three steps lift the score from 72.2 to 75.2: trim the largest overweight, then put "
            "the money into health care and utilities, which are under their targets."
        ),
    )
    stored = tuple(
        StoredStep(plan_id, step, StepState.PROPOSED if step.number > 1 else StepState.FILLED, None)
        for step in steps
    )
    return StoredPlan(made, stored, superseded=False)


def intent(number: int, symbol: str, side: Side, state: OrderState) -> Intent:
    refused = state is OrderState.REFUSED
    verdicts = (Verdict("G6", False, "bought 12 days ago, at least 30 are required"),)
    return Intent(
        intent_id=number,
        proposal=Proposal(
            order_class="planner",
            source_id="01HPLAN0000000000000000001",
            step=number,
            attempt=1,
            bucket_id="core",
            symbol=symbol,
            security_id=number,
            side=side,
            quantity=Quantity.of(5),
            currency="EUR",
            decision_price=Price.of("92.35", "EUR"),
            value_eur=eur("461.75"),
            reason="under target",
        ),
        state=state,
        mode="live",
        proposed_at=NOW - timedelta(hours=number),
        client_order_id=None if refused else 68_000_000_000 + number,
        limit=Price.of("92.50", "EUR"),
        reserved=None,
        reserved_fee=None,
        submitted_at=None if refused else NOW - timedelta(hours=number),
        submitted_machine_ms=None,
        broker_order_id=None if refused else f"B{number}",
        filled=Quantity.of(5 if state is OrderState.FILLED else 0),
        error=None,
        retry_after=None,
        blocked_by=verdicts if refused else (),
    )


def run(number: int, job: str, status: RunStatus) -> RunRecord:
    started = NOW - timedelta(minutes=7 * number)
    done = status is not RunStatus.RUNNING
    return RunRecord(
        run_id=f"01HRUN{number:020d}",
        job=job,  # type: ignore[arg-type]
        trigger="schedule",
        status=status,
        reason=None,
        requested_at=started,
        market_at=started,
        started_at=started,
        ended_at=started + timedelta(seconds=2) if done else None,
        duration_ms=2140 if done else None,
        error="broker: timed out after 20 s" if status is RunStatus.FAILED else None,
        result="42 quotes, 1 trade" if status is RunStatus.SUCCEEDED else None,
    )


@cache
def days(count: int) -> tuple[FakeDay, ...]:
    """A seeded walk of the portfolio's value, oldest first, that ends near its value now."""
    rng = random.Random(7)
    value = Decimal(19_150)
    walk: list[Decimal] = []
    for _ in range(count):
        walk.append(value)
        value /= Decimal(1 + rng.gauss(0.0006, 0.008))
    rows: list[FakeDay] = []
    for back, value in zip(range(count, 0, -1), reversed(walk), strict=True):
        total = Money.half_even(value, "EUR")
        rows.append(FakeDay(NOW.date() - timedelta(days=back), total, Money(180_000, "EUR")))
    return tuple(rows)


def trade(number: int, symbol: str, name: str, side: Side) -> TradeRow:
    price = Price.of("92.35", "EUR")
    quantity = Quantity.of(number)
    return TradeRow(
        id=100 - number,
        symbol=symbol,
        name=name,
        isin=f"XX000000000{number}",
        side=side,
        quantity=quantity,
        price=price,
        currency="EUR",
        value_eur=Money.half_even(price.value * quantity.units, "EUR"),
        commission=(eur("2.18"),),
        executed_at=NOW - timedelta(days=3 * number),
        order_id=f"B{number}",
        bucket_id="core",
        mode="live",
        source="paper",
        state=OrderState.FILLED,
        foreign=False,
    )


def display(*, offset: int = 0, text: str = "BUY NOVN €923 * SELL AAPL €349") -> DisplayState:
    """An 8 × 13 frame with a moving diagonal."""
    lit = bytearray()
    for row in range(8):
        for column in range(13):
            on = (row + column + offset) % 5 == 0
            lit += bytes((255, 140, 20)) if on else bytes((0, 0, 0))
    return DisplayState(
        text=text,
        pool="next_actions",
        mode="TICKER",
        error_text="",
        processing_text="",
        next_actions_text=text,
        led3=(0, 200, 80),
        led4=(20, 80, 255),
        rows=8,
        columns=13,
        pixels=bytes(lit),
        driver="terminal",
        connected=True,
        frames_sent=1200 + offset,
        last_error=None,
        since=NOW,
    )


def trading(*latches: Latch, mode: str = "live") -> TradingState:
    return TradingState(mode=mode, broker="paper", latches=latches)  # type: ignore[arg-type]


def owner_latch() -> Latch:
    return Latch("owner", "checking a statement", NOW)


def planner_status(*, evaluated: int = 28_412, state: str = "complete") -> PlannerStatus:
    return PlannerStatus(
        state=state,
        bucket_id="core",
        portfolio_hash="9f2c4b7ad1e0",
        total=28_412,
        evaluated=evaluated,
        best_score=75.2,
        updated_at=NOW,
    )


_ACTORS = (
    ("sync", "critical"), ("trader", "critical"), ("schedule", "critical"),
    ("planner", "deciding"), ("rebalancer", "deciding"), ("drip", "deciding"),
    ("ticker", "peripheral"), ("matrix", "peripheral"), ("upkeep", "peripheral"),
)  # fmt: skip


def full_world() -> World:
    """A world in which everything has been published once."""
    world = empty_world()
    boards = world.boards
    boards.portfolio.publish(portfolio())
    boards.allocation.publish(AllocationBook())
    boards.link.publish(BrokerLink(True, NOW, None, 0))
    boards.orders.publish((intent(3, "IBE.EU", "BUY", OrderState.ACTIVE),))
    boards.recovery.publish(Recovery(NOW, ()))
    boards.plan.publish(plan())
    boards.planner.publish(planner_status())
    boards.trading.publish(trading())
    boards.jobs.publish(_jobs())
    boards.markets.publish(_markets())
    boards.display.publish(display())
    for actor, rank in _ACTORS:
        world.health.put(_beat(actor, rank))
    world.views.days = days(400)
    world.views.trade_rows = (
        trade(1, "NOVN.EU", "Novartis", "BUY"),
        trade(2, "AAPL.US", "Apple", "SELL"),
        trade(3, "IBE.EU", "Iberdrola", "BUY"),
    )
    world.views.order_rows = (
        intent(3, "IBE.EU", "BUY", OrderState.ACTIVE),
        intent(2, "NOVN.EU", "BUY", OrderState.REFUSED),
        intent(1, "AAPL.US", "SELL", OrderState.FILLED),
    )
    world.views.run_rows = (run(1, "sync", RunStatus.SUCCEEDED), run(2, "plan", RunStatus.FAILED))
    return world


def _beat(actor: str, rank: str) -> Beat:
    return Beat(
        actor=actor,
        rank=rank,  # type: ignore[arg-type]
        state="up",
        since=NOW,
        period_s=10.0,
        last_beat_s=trio.current_time(),
    )


def late(beat: Beat) -> Beat:
    """The same actor, silent for longer than anybody waits."""
    return replace(beat, last_beat_s=beat.last_beat_s - 1000.0)


def _jobs() -> tuple[JobView, ...]:
    soon = NOW + timedelta(minutes=4)
    return (
        JobView("sync", "every 5 min", soon, run(1, "sync", RunStatus.SUCCEEDED), 0),
        JobView("plan", "every 30 min", soon, run(2, "plan", RunStatus.FAILED), 1),
        JobView("rebalance", "every 15 min", soon, run(3, "rebalance", RunStatus.SUCCEEDED), 0),
        JobView("drip", "daily", NOW + timedelta(hours=3), None, 0),
        JobView("backup", "daily 01:00", NOW + timedelta(hours=11), None, 0),
    )


def _markets() -> tuple[MarketView, ...]:
    later = NOW + timedelta(hours=3)
    return (
        MarketView("XETR", "open", True, None, later, "Europe/Berlin", name="XETRA"),
        MarketView("XNYS", "pre", False, NOW + timedelta(minutes=5), None, "America/New_York"),
        MarketView(
            "XHKG",
            "lunch",
            False,
            later,
            later,
            "Asia/Hong_Kong",
            name="HKSE",
            opens_at=NOW,
            closes_at=later,
            lunch=(NOW, later),
            strict=True,
            early_close=True,
            has_securities=True,
            broker_open=False,
        ),
    )
