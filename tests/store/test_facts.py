"""The journal: once each, whatever the order, and everything that follows from it."""

from __future__ import annotations

import sqlite3

import pytest

from ledger.dividend import PotState
from ledger.fact import Adjustment, Fact, postings
from ledger.money import Money, Quantity
from ledger.order import OrderState
from store.facts import LastTrades
from store.store import Store
from tests.store.builders import (
    NOW,
    TIMES,
    after,
    dividend,
    eur,
    fill,
    flow,
    opening_cash,
    opening_position,
    paid,
    proposal,
    split,
    submission,
    view,
)


async def submitted(store: Store, **changes: object) -> tuple[int, int]:
    """(intent id, tag) of an order on its way."""
    intent = await store.orders.propose(proposal(**changes), mode="live", at=NOW)  # type: ignore[arg-type]
    sent = await store.orders.begin_submit(intent.intent_id, **submission())
    assert sent.client_order_id is not None
    return sent.intent_id, sent.client_order_id


async def test_an_empty_journal_has_nothing(store: Store) -> None:
    assert await store.facts.last_seq() == 0
    assert not await store.facts.has_opening()
    assert await store.facts.cursor("fills") is None
    balances = await store.facts.balances()
    assert (balances.seq, balances.cash, balances.holdings, balances.by_bucket) == (0, {}, {}, {})


async def test_facts_move_cash_and_holdings(store: Store) -> None:
    facts: list[Fact] = [
        opening_cash("1000"),
        opening_position("AAA.EU", 5),
        fill("f1", units=10, price="10", fees=(eur("2"), Money.of("0.50", "USD"))),
        fill("f2", units=3, side="SELL", price="20"),
        fill("f3", symbol="EUR/USD", units=50, side="SELL", price="1.10"),
        flow("c1", "deposit", eur("100")),
        split(delta=12),
        Adjustment(1, eur("-0.01"), NOW, "a cent"),
    ]
    fresh = await store.facts.record(facts, cursor=("fills", "p1"), **TIMES)
    assert fresh == tuple(facts)
    balances = await store.facts.balances()
    assert balances.seq == len(facts)
    assert balances.cash == {
        "EUR": 100_000 - 10_000 - 200 + 6_000 - 5_000 + 10_000 - 1,
        "USD": -50 + 5_500,
    }
    assert balances.holdings == {"AAA.EU": 24_000_000}
    assert balances.by_bucket["core"].cash == balances.cash
    assert await store.facts.has_opening()
    assert await store.facts.cursor("fills") == "p1"


async def test_known_facts_are_left_out_of_the_answer_and_the_books(store: Store) -> None:
    first, second = fill("f1"), fill("f2")
    assert await store.facts.record([first, first], **TIMES) == (first,)
    assert await store.facts.record([first, second, first], **TIMES) == (second,)
    assert await store.facts.record([], cursor=("fills", "p2"), **TIMES) == ()
    assert (await store.facts.balances()).holdings == {"AAA.EU": 20_000_000}
    assert await store.facts.last_seq() == 2
    assert await store.facts.cursor("fills") == "p2"


async def test_a_sold_out_holding_is_gone(store: Store) -> None:
    await store.facts.record([fill("f1"), fill("f2", side="SELL")], **TIMES)
    balances = await store.facts.balances()
    assert balances.holdings == {}
    assert balances.cash == {"EUR": 0}


async def test_the_journal_cannot_be_rewritten(store: Store) -> None:
    await store.facts.record([fill("f1")], **TIMES)
    await store.orders.propose(proposal(), mode="live", at=NOW)
    for table in ("fact", "posting", "order_event"):
        for sql in (f"DELETE FROM {table}", f"UPDATE {table} SET rowid = rowid + 1"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                await store.ledger.write(sql)


async def test_a_batch_with_one_bad_fact_changes_nothing(store: Store) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        await store.facts.record([fill("f1"), fill("f2", units=0)], cursor=("fills", "p1"), **TIMES)
    assert await store.facts.last_seq() == 0
    assert await store.facts.cursor("fills") is None


async def test_cost_history_is_in_market_time_whatever_arrived_first(store: Store) -> None:
    late, early = fill("f2", at=after(5)), fill("f1", side="SELL", at=after(-5))
    opened = opening_position("AAA.EU")
    ratio = split()
    other = fill("f3", symbol="BBB.EU")
    facts: list[Fact] = [late, other, ratio, opened, early, opening_cash(), dividend()]
    await store.facts.record(facts, **TIMES)
    history = await store.facts.cost_history(["AAA.EU", "NONE"])
    assert history == {"AAA.EU": (early, opened, ratio, late), "NONE": ()}


async def test_last_trades_leave_out_reinvested_dividends_and_pairs(store: Store) -> None:
    _, tag = await submitted(store, order_class="drip")
    facts: list[Fact] = [
        fill("f1", at=after(-60)),
        fill("f2", tag=tag, at=after(-10)),
        fill("f3", symbol="BBB.EU", side="SELL", at=after(-5)),
        fill("f4", symbol="EUR/USD", at=after(-1)),
    ]
    await store.facts.record(facts, **TIMES)
    assert await store.facts.last_trades() == {
        "AAA.EU": LastTrades(bought_at=after(-60), sold_at=None),
        "BBB.EU": LastTrades(bought_at=None, sold_at=after(-5)),
    }


async def test_fills_raise_their_order_and_move_its_state(store: Store) -> None:
    intent_id, tag = await submitted(store)
    await store.orders.accepted(intent_id, "b1", at=NOW)
    await store.facts.record([fill("f1", tag=tag, units=4)], **TIMES)
    part = await store.orders.get(intent_id)
    assert (part.state, part.filled) == (OrderState.PARTIALLY_FILLED, Quantity.of(4))
    await store.facts.record([fill("f1", tag=tag, units=4), fill("f2", units=6)], **TIMES)
    whole = await store.orders.get(intent_id)
    assert (whole.state, whole.filled, whole.remaining) == (
        OrderState.FILLED, Quantity.of(10), Quantity(0),
    )  # fmt: skip
    moves = [(e.before, e.after) for e in await store.orders.events(intent_id)]
    assert moves[-2:] == [
        (OrderState.ACCEPTED, OrderState.PARTIALLY_FILLED),
        (OrderState.PARTIALLY_FILLED, OrderState.FILLED),
    ]


async def test_a_fill_before_the_answer_waits_for_it(store: Store) -> None:
    """O8: the same fill counts once, whether it or the broker's answer came first."""
    intent_id, _ = await submitted(store)
    await store.facts.record([fill("f1", order="b7")], **TIMES)
    assert (await store.orders.get(intent_id)).state is OrderState.SUBMITTING
    done = await store.orders.accepted(intent_id, "b7", at=NOW)
    assert (done.state, done.filled) == (OrderState.FILLED, Quantity.of(10))


async def test_a_fill_with_our_tag_tells_the_broker_number(store: Store) -> None:
    """O2: an order whose answer was lost is found by its executions."""
    intent_id, tag = await submitted(store)
    await store.orders.unknown(intent_id, "timeout", at=NOW)
    await store.facts.record([fill("f1", tag=tag, order="b9")], **TIMES)
    found = await store.orders.get(intent_id)
    assert (found.state, found.broker_order_id) == (OrderState.FILLED, "b9")
    assert found.filled.units == 10
    assert (await store.orders.accepted(intent_id, "b9", at=NOW)).state is OrderState.FILLED


async def test_a_foreign_fill_with_our_tag_on_another_symbol_is_not_ours(store: Store) -> None:
    intent_id, tag = await submitted(store)
    await store.facts.record([fill("f1", tag=tag, symbol="BBB.EU")], **TIMES)
    assert (await store.orders.get(intent_id)).filled.units == 0


async def test_a_fill_after_a_cancellation_still_counts(store: Store) -> None:
    intent_id, tag = await submitted(store)
    await store.orders.accepted(intent_id, "b1", at=NOW)
    await store.orders.apply_view(intent_id, view("cancelled"), at=NOW)
    await store.facts.record([fill("f1", tag=tag, units=3)], **TIMES)
    late = await store.orders.get(intent_id)
    assert (late.state, late.filled) == (OrderState.CANCELLED, Quantity.of(3))
    assert "final" in (await store.orders.events(intent_id))[-1].note


async def test_a_fill_of_another_bucket_is_booked_there(store: Store) -> None:
    """C9: what buckets hold always sums to the account."""
    _, tag = await submitted(store, bucket="sat-1")
    facts: list[Fact] = [opening_cash("1000"), fill("f1", tag=tag, fees=(eur("2"),))]
    await store.facts.record(facts, **TIMES)
    balances = await store.facts.balances()
    assert balances.cash == {"EUR": 100_000 - 10_200}
    assert balances.by_bucket["sat-1"].cash == {"EUR": -10_200}
    assert balances.by_bucket["sat-1"].holdings == {"AAA.EU": 10_000_000}
    assert balances.by_bucket["core"].cash == {"EUR": 100_000}
    assert balances.by_bucket["core"].holdings == {}


async def test_balances_are_the_sum_of_postings(store: Store) -> None:
    _, tag = await submitted(store, bucket="sat-1")
    facts: list[Fact] = [opening_cash(), fill("f1", tag=tag), fill("f2", symbol="EUR/USD"), *paid()]
    await store.facts.record(facts, **TIMES)
    expected: dict[tuple[str, str], int] = {}
    for fact in facts:
        for moved in postings(fact):
            name = (str(moved.account), moved.key)
            expected[name] = expected.get(name, 0) + moved.delta
    rows = await store.ledger.read(
        lambda tx: tx.all("SELECT account, key, sum(delta) AS s FROM posting GROUP BY 1, 2")
    )
    assert {(row["account"], row["key"]): row["s"] for row in rows} == expected
    balances = await store.facts.balances()
    for (account, key), amount in expected.items():
        book = balances.cash if account == "cash" else balances.holdings
        assert book[key] == amount


@pytest.mark.parametrize("action_first", [True, False])
async def test_a_pot_is_the_net_money_that_really_arrived(store: Store, action_first: bool) -> None:
    money: list[Fact] = list(paid("d1", gross="120", tax="-20"))
    batches: list[list[Fact]] = (
        [[dividend("d1")], money] if action_first else [money, [dividend("d1")]]
    )
    assert await store.dividends.pots() == ()
    for batch in batches:
        await store.facts.record(batch, **TIMES)
    (pot,) = await store.dividends.pots()
    assert (pot.net, pot.left, pot.state) == (eur("100"), eur("100"), PotState.ACCUMULATING)
    assert (pot.action_id, pot.symbol, pot.paid_at) == ("d1", "AAA.EU", NOW)


async def test_an_announced_dividend_is_no_pot(store: Store) -> None:
    await store.facts.record([dividend("d1")], **TIMES)
    assert await store.dividends.pots() == ()
    assert await store.dividends.earmarked() == {}


async def test_a_reversed_dividend_is_no_pot(store: Store) -> None:
    back = flow("back", "dividend", eur("-120"), reference="d1", at=after(1))
    tax_back = flow("tax-back", "tax", eur("20"), reference="d1", at=after(1))
    await store.facts.record([dividend("d1"), *paid(), back, tax_back], **TIMES)
    assert await store.dividends.pots() == ()
