"""What holds for the paper exchange under any flow of orders and any passage of time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from broker.market_data import MarketData
from ledger.errors import BrokerError
from ledger.money import MICRO
from ledger.order import Side
from tests.broker.paper_rig import EU, HK, LIVELY, START, THIN, US, Rig, booked, opening, run, shown

SYMBOLS = (US, THIN, EU, HK, "EUR/USD", "HKD/EUR", "GBP/USD")


@dataclass(frozen=True, slots=True)
class Wait:
    seconds: int


@dataclass(frozen=True, slots=True)
class Place:
    side: Side
    symbol: str
    quantity: int
    offset: int  # of the limit from the last price, in per mille


@dataclass(frozen=True, slots=True)
class Cancel:
    number: int


Op = Wait | Place | Cancel

waits = st.builds(
    Wait,
    st.one_of(st.integers(0, 10), st.integers(60, 20_000), st.sampled_from((86_400, 300_000))),
)
places = st.builds(
    Place,
    st.sampled_from(("BUY", "SELL")),
    st.sampled_from(SYMBOLS),
    st.sampled_from((1, 3, 7, 20, 45, 100, 200, 1000)),
    st.integers(-25, 25),
)
ops = st.lists(
    st.one_of(waits, places, places, st.builds(Cancel, st.integers(1, 9))), min_size=5, max_size=25
)
few = settings(max_examples=60, deadline=None)


def do(rig: Rig, op: Op) -> str:
    """Carry out one operation; what it answered, as text."""
    if isinstance(op, Wait):
        rig.wait(seconds=op.seconds)
        return ""
    try:
        if isinstance(op, Cancel):
            run(rig.broker.cancel(f"P{op.number:09d}"))
            return "cancelled"
        return order(rig, op)
    except BrokerError as error:
        return f"{type(error).__name__} {error.broker_code}"


def order(rig: Rig, op: Place) -> str:
    quote = run(rig.broker.quotes([op.symbol])).get(op.symbol)
    if quote is None:
        return "no quote"
    tick = Decimal("0.0001") if op.symbol in {"EUR/USD", "GBP/USD"} else Decimal("0.01")
    tick = Decimal("0.00001") if op.symbol == "HKD/EUR" else tick
    limit = (quote.last.value * (1000 + op.offset) / 1000 // tick) * tick
    return rig.place(op.side, op.symbol, op.quantity, limit)


def ledger(rig: Rig) -> tuple[object, ...]:
    """Everything the exchange has to say about the account."""
    snapshot = run(rig.broker.snapshot())
    return (
        dict(snapshot.cash),
        dict(snapshot.holdings),
        run(rig.broker.fills_since(None))[0],
        run(rig.broker.cash_flows_since(None))[0],
        run(rig.broker.corporate_actions_since(None))[0],
        run(rig.broker.orders_since(rig.now - timedelta(days=1000))),
    )


def played(flow: Sequence[Op], *, market: MarketData = LIVELY) -> Rig:
    rig = Rig(market=market)
    for op in flow:
        do(rig, op)
    rig.wait(days=2)
    return rig


@few
@given(ops)
def test_cash_and_holdings_are_the_opening_moved_by_the_facts(flow: Sequence[Op]) -> None:
    rig = Rig(market=LIVELY)
    for op in flow:
        do(rig, op)
        assert run(shown(rig.broker)) == run(booked(rig.broker, opening(LIVELY)))


@few
@given(ops)
def test_no_order_makes_cash_negative_or_sells_short(flow: Sequence[Op]) -> None:
    rig = Rig(market=LIVELY)
    for op in flow:
        do(rig, op)
        snapshot = run(rig.broker.snapshot())
        assert all(cash.available.minor >= 0 for cash in snapshot.cash.values())
        assert all(holding.quantity.micro > 0 for holding in snapshot.holdings.values())


@few
@given(ops)
def test_the_same_calls_at_the_same_instants_leave_the_same_ledger(flow: Sequence[Op]) -> None:
    assert ledger(played(flow)) == ledger(played(flow))


@few
@given(ops, st.integers(1, 30))
def test_small_steps_and_one_jump_leave_the_same_ledger(flow: Sequence[Op], parts: int) -> None:
    jumping, stepping = Rig(market=LIVELY), Rig(market=LIVELY)
    for op in flow:
        answer = do(jumping, op)
        if isinstance(op, Wait):
            target = stepping.now + timedelta(seconds=op.seconds)
            for _ in range(parts):
                stepping.wait(seconds=op.seconds / (parts + 1))
                run(stepping.broker.probe())
            stepping.now = target
        else:
            assert do(stepping, op) == answer
    assert ledger(jumping) == ledger(stepping)


@few
@given(ops)
def test_m3_every_fill_is_within_its_limit_and_the_bar(flow: Sequence[Op]) -> None:
    rig = played(flow)
    for fill in rig.fills():
        limit = rig.order(fill.broker_order_id).limit
        assert limit is not None
        assert fill.price <= limit if fill.side == "BUY" else fill.price >= limit
        bar = LIVELY.bar_on(fill.symbol, fill.executed_at.date())
        assert bar is None or bar.low_micro <= fill.price.micro <= bar.high_micro


@few
@given(ops)
def test_no_order_takes_more_than_a_tenth_of_the_volume(flow: Sequence[Op]) -> None:
    rig = played(flow)
    taken: dict[str, int] = {}
    for fill in rig.fills():
        if "/" in fill.symbol:
            continue
        bar = LIVELY.bar_on(fill.symbol, fill.executed_at.date())
        assert bar is not None
        total = taken.get(fill.broker_order_id, 0) + fill.quantity.micro
        taken[fill.broker_order_id] = total
        assert total * 10 <= bar.volume * MICRO


@few
@given(ops)
def test_o7_the_filled_part_of_an_order_is_the_sum_of_its_fills(flow: Sequence[Op]) -> None:
    rig = played(flow)
    fills = rig.fills()
    for view in run(rig.broker.orders_since(START)):
        mine = [fill for fill in fills if fill.broker_order_id == view.broker_order_id]
        assert sum(fill.quantity.micro for fill in mine) == view.filled.micro
        assert (view.filled == view.quantity) == (view.state == "filled")
        assert {fill.client_order_id for fill in mine} <= {view.client_order_id}


@few
@given(ops)
def test_fill_ids_are_unique_and_rise_with_time(flow: Sequence[Op]) -> None:
    fills = played(flow).fills()
    assert [fill.fill_id for fill in fills] == sorted({fill.fill_id for fill in fills})
    assert [fill.executed_at for fill in fills] == sorted(fill.executed_at for fill in fills)


@few
@given(ops)
def test_no_day_order_outlives_its_session(flow: Sequence[Op]) -> None:
    rig = played(flow)
    for view in run(rig.broker.open_orders()):
        assert view.created_at > rig.now - timedelta(days=1)


def test_another_seed_meets_the_market_at_other_moments() -> None:
    moments: set[object] = set()
    for seed in range(6):
        rig = Rig(seed=seed)
        rig.place("BUY", US, 1, "101")
        rig.wait(seconds=10)
        moments.add(rig.fills()[0].executed_at)
    assert len(moments) > 3
