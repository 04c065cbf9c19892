"""What the journal and the orders say about trades of the past, and what they leave out."""

from __future__ import annotations

from datetime import timedelta

from ledger.fact import Fact
from ledger.order import OrderClass, OrderState, Side
from ledger.trade_history import NO_TRADES, Trade
from store.store import Store
from tests.store.builders import NOW, TIMES, after, fill, proposal, submission

WEEK_AGO = NOW - timedelta(days=7)


async def submitted(
    store: Store,
    symbol: str = "AAA.EU",
    *,
    side: Side = "BUY",
    order_class: OrderClass = "planner",
    source: str = "plan-1",
) -> tuple[int, int]:
    """An order on its way; its number and its tag."""
    wanted = proposal(symbol, side=side, order_class=order_class, source=source)
    intent = await store.orders.propose(wanted, mode="live", at=NOW)
    sent = await store.orders.begin_submit(intent.intent_id, **submission())
    assert sent.client_order_id is not None
    return sent.intent_id, sent.client_order_id


async def test_nothing_was_traded_in_an_empty_ledger(store: Store) -> None:
    assert await store.histories.since(WEEK_AGO) == NO_TRADES


async def test_the_last_trades_reach_back_for_ever_and_leave_out_pairs_and_reinvested_dividends(
    store: Store,
) -> None:
    _, tag = await submitted(store, order_class="drip")
    facts: list[Fact] = [
        fill("f1", order="x1", at=NOW - timedelta(days=900)),
        fill("f2", tag=tag, at=after(-10)),
        fill("f3", order="x3", symbol="BBB.EU", side="SELL", at=after(-5)),
        fill("f4", order="x4", symbol="EUR/USD", at=after(-1)),
    ]
    await store.facts.record(facts, **TIMES)
    history = await store.histories.since(WEEK_AGO)
    assert history.bought == {"AAA.EU": NOW - timedelta(days=900)}
    assert history.sold == {"BBB.EU": after(-5)}


async def test_m5_an_order_is_one_trade_however_often_it_executed(store: Store) -> None:
    intent_id, tag = await submitted(store)
    await store.orders.accepted(intent_id, "b1", at=NOW)
    await store.facts.record(
        [
            fill("f1", tag=tag, units=4, at=after(1)),
            fill("f2", tag=tag, units=6, at=after(2)),
            fill("g1", order="foreign", units=1, at=after(3)),
            fill("g2", order="foreign", units=1, at=after(4)),
            fill("g3", order="another", units=1, at=after(5)),
        ],
        **TIMES,
    )
    history = await store.histories.since(WEEK_AGO)
    assert history.trades == (
        Trade("AAA.EU", "BUY", "planner", after(2), live=False),
        Trade("AAA.EU", "BUY", None, after(4), live=False),
        Trade("AAA.EU", "BUY", None, after(5), live=False),
    )


async def test_m5_an_order_in_flight_is_a_trade_before_it_executes(store: Store) -> None:
    intent_id, tag = await submitted(store)
    (waiting,) = (await store.histories.since(WEEK_AGO)).trades
    assert waiting == Trade("AAA.EU", "BUY", "planner", NOW, live=True)
    await store.orders.accepted(intent_id, "b1", at=NOW)
    await store.facts.record([fill("f1", tag=tag, units=4, at=after(2))], **TIMES)
    (partly,) = (await store.histories.since(WEEK_AGO)).trades
    assert partly == Trade("AAA.EU", "BUY", "planner", after(2), live=True)


async def test_an_order_of_unknown_fate_is_a_trade_until_it_is_proved_absent(store: Store) -> None:
    intent_id, _ = await submitted(store)
    await store.orders.unknown(intent_id, "no answer", at=NOW)
    assert [trade.live for trade in (await store.histories.since(WEEK_AGO)).trades] == [True]
    await store.orders.not_placed(intent_id, "three clean looks", at=NOW)
    assert await store.histories.since(WEEK_AGO) == NO_TRADES


async def test_o9_what_ended_without_an_execution_leaves_no_trade(store: Store) -> None:
    rejected, _ = await submitted(store)
    await store.orders.rejected(rejected, "no", at=NOW)
    refused = await store.orders.propose(proposal(source="r"), mode="live", at=NOW)
    await store.orders.refuse(refused.intent_id, verdicts=(), retry_after=None, at=NOW)
    assert (await store.orders.get(rejected)).state is OrderState.REJECTED
    assert await store.histories.since(WEEK_AGO) == NO_TRADES


async def test_o12_what_research_simulated_never_counts(store: Store) -> None:
    for step in range(5):
        wanted = proposal(source="r", step=step)
        intent = await store.orders.propose(wanted, mode="research", at=NOW)
        if step:
            await store.orders.simulate(
                intent.intent_id, limit=wanted.decision_price, verdicts=(), at=NOW
            )
    assert await store.histories.since(WEEK_AGO) == NO_TRADES


async def test_trades_before_the_asked_instant_are_left_out(store: Store) -> None:
    facts: list[Fact] = [
        fill("f1", order="x1", at=WEEK_AGO),
        fill("f2", order="x2", at=WEEK_AGO + timedelta(milliseconds=1)),
    ]
    await store.facts.record(facts, **TIMES)
    (trade,) = (await store.histories.since(WEEK_AGO)).trades
    assert trade.at == WEEK_AGO + timedelta(milliseconds=1)


async def test_conversions_are_told_from_trades(store: Store) -> None:
    await store.facts.record([fill("f1", symbol="EUR/USD", side="SELL")], **TIMES)
    (conversion,) = (await store.histories.since(WEEK_AGO)).trades
    assert conversion.conversion
