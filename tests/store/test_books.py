"""Differences and the journal against itself: what is settled, what is added up, what halts."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.fact import Adjustment, Fact, Posting, postings, source_key, unbookable
from ledger.money import Money, Quantity
from ledger.order import BrokerOrderState, Intent, OrderState, Side
from store.facts import BucketBalances
from store.readd import WrongSum
from store.store import Store, open_store
from tests.store.builders import (
    MACHINE,
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


async def item(store: Store, key: str = "EUR", *, books: int = 0, broker: int = 100) -> int:
    found = await store.books.found("cash", key, books=books, broker=broker, blocking=False, at=NOW)
    return found.item_id


# Adjustments


async def test_an_adjustment_and_the_end_of_its_item_are_one_transaction(store: Store) -> None:
    item_id = await item(store)
    await store.facts.record([Adjustment(item_id, eur("1"), NOW, "a cent")], **TIMES)
    assert await store.books.open_items() == ()
    assert (await store.facts.balances()).cash == {"EUR": 100}


async def test_an_adjustment_of_a_holding_moves_it_and_is_part_of_its_history(
    store: Store,
) -> None:
    moved = Adjustment(9, None, NOW, "the broker is right", "AAA.EU", Quantity.of(-2), "owner")
    await store.facts.record([opening_position(units=5), moved], **TIMES)
    assert (await store.facts.balances()).holdings == {"AAA.EU": 3_000_000}
    assert (await store.facts.cost_history(["AAA.EU"]))["AAA.EU"][-1] == moved


async def test_what_settled_itself_is_counted_by_currency_time_and_hand(store: Store) -> None:
    facts = [
        Adjustment(1, eur("0.40"), NOW, "small"),
        Adjustment(2, eur("-0.50"), NOW, "small"),
        Adjustment(3, eur("0.07"), NOW - timedelta(days=31), "long ago"),
        Adjustment(4, eur("99"), NOW, "decided", by="owner"),
        Adjustment(5, Money.of("0.30", "USD"), NOW, "other"),
        Adjustment(6, None, NOW, "decided", "EUR", Quantity.of(1), "owner"),
    ]
    await store.facts.record(facts, **TIMES)
    assert await store.books.settled("EUR", NOW - timedelta(days=30)) == 90
    assert await store.books.settled("USD", NOW - timedelta(days=30)) == 30
    assert await store.books.settled("GBP", NOW - timedelta(days=30)) == 0


# The journal against itself


async def test_the_postings_add_up_to_the_running_balances(store: Store) -> None:
    await store.facts.record(
        [opening_cash(), fill("f1", units=3), fill("f2", side="SELL")], **TIMES
    )
    sums, balances = await store.facts.readd(), await store.facts.balances()
    assert (sums.cash, sums.holdings, sums.wrong) == (balances.cash, balances.holdings, ())
    assert sums.last_posting == await store.facts.last_posting() == 5


async def test_a_running_balance_that_went_wrong_is_found_and_can_be_rebuilt(
    store: Store,
) -> None:
    await store.facts.record([opening_cash("10"), fill("f1", units=3)], **TIMES)
    await store.ledger.write("UPDATE balance SET amount = amount + 7 WHERE key = 'EUR'")
    await store.ledger.write("DELETE FROM balance WHERE key = 'AAA.EU'")
    sums = await store.facts.readd()
    assert sums.wrong == (
        WrongSum("core", "cash", "EUR", -2000 + 7, -2000),
        WrongSum("core", "holding", "AAA.EU", 0, 3_000_000),
    )
    assert sums.cash == {"EUR": -2000}
    await store.facts.rebuild_balances()
    assert (await store.facts.readd()).wrong == ()
    assert (await store.facts.balances()).holdings == {"AAA.EU": 3_000_000}


# An execution of an order that was not there


async def sent(store: Store) -> Intent:
    intent = await store.orders.propose(proposal(), mode="live", at=NOW)
    return await store.orders.begin_submit(intent.intent_id, **submission())


@pytest.mark.parametrize("end", ["not_placed", "rejected"])
async def test_an_execution_of_an_order_that_was_proved_unsent_halts(
    store: Store, end: str
) -> None:
    order = await sent(store)
    if end == "not_placed":
        await store.orders.unknown(order.intent_id, "no answer", at=NOW)
    await getattr(store.orders, end)(order.intent_id, "so it seemed", at=NOW)
    await store.facts.record([fill("other", order="b9")], **TIMES)
    assert await store.settings.latches() == ()
    await store.facts.record([fill("f1", tag=order.client_order_id)], **TIMES)
    (latch,) = await store.settings.latches()
    assert (latch.name, latch.set_at) == ("books", MACHINE)
    assert f"order {order.client_order_id} (AAA.EU) was executed" in latch.reason
    assert end in latch.reason
    assert (await store.facts.balances()).holdings["AAA.EU"] == 20_000_000


async def test_the_halt_and_the_execution_are_written_together_or_not_at_all(
    tmp_path: Path,
) -> None:
    failing = False

    async def checkpoint(name: str) -> None:
        if failing and name == "before_commit":
            raise KeyError(name)

    async with open_store(tmp_path, engine="inline", checkpoint=checkpoint) as store:
        await store.settings.set_mode("live", "test", NOW)
        order = await sent(store)
        await store.orders.rejected(order.intent_id, "no", at=NOW)
        failing = True
        with pytest.raises(KeyError):
            await store.facts.record([fill("f1", tag=order.client_order_id)], **TIMES)
        failing = False
        assert await store.settings.latches() == ()
        assert await store.facts.last_seq() == 0


@pytest.mark.parametrize("end", ["cancelled", "expired"])
async def test_a_late_execution_of_an_order_that_had_a_life_is_no_halt(
    store: Store, end: BrokerOrderState
) -> None:
    order = await sent(store)
    await store.orders.accepted(order.intent_id, "b1", at=NOW)
    await store.orders.apply_view(order.intent_id, view(end), at=NOW)
    await store.facts.record([fill("f1", tag=order.client_order_id, units=3)], **TIMES)
    assert await store.settings.latches() == ()
    assert (await store.orders.get(order.intent_id)).filled == Quantity.of(3)


# Orders and executions


@pytest.mark.parametrize("first", ["fill", "view"])
async def test_o8_one_execution_is_one_row_whoever_tells_first(store: Store, first: str) -> None:
    order = await sent(store)
    told = [fill("f1", tag=order.client_order_id, units=10)]
    if first == "fill":
        await store.facts.record(told, **TIMES)
    await store.orders.accepted(order.intent_id, "b1", at=NOW)
    await store.orders.apply_view(order.intent_id, view("filled", filled=10), at=NOW)
    for _ in range(2):
        await store.facts.record(told, **TIMES)
    counts = await store.views.counts()
    assert (counts["fill"], counts["fact"]) == (1, 1)
    assert (await store.orders.get(order.intent_id)).state is OrderState.FILLED


@pytest.mark.parametrize("end", ["cancelled", "expired", "rejected"])
async def test_o9_an_order_without_executions_leaves_no_trade_and_no_reservation(
    store: Store, end: BrokerOrderState
) -> None:
    order = await sent(store)
    if end == "rejected":
        await store.orders.rejected(order.intent_id, "no", at=NOW)
    else:
        await store.orders.accepted(order.intent_id, "b1", at=NOW)
        await store.orders.apply_view(order.intent_id, view(end), at=NOW)
    counts = await store.views.counts()
    assert (counts["fill"], counts["posting"]) == (0, 0)
    assert not (await store.orders.get(order.intent_id)).in_flight
    assert await store.facts.last_trades() == {}
    again = await store.orders.propose(proposal(source="plan-2"), mode="live", at=NOW)
    await store.orders.begin_submit(again.intent_id, **submission())


# Buckets


def random_facts(tags: Sequence[int]) -> st.SearchStrategy[list[Fact]]:
    number = itertools.count()

    def one(kind: str, units: int, cents: int, tag: int | None, sell: bool) -> list[Fact]:
        name, fee = f"x{next(number)}", (eur("1.01"), Money.of("0.03", "USD"))
        side: Side = "SELL" if sell else "BUY"
        if kind == "fill":
            order = f"b{tag}" if tag else "foreign"
            price = f"{cents}.37"
            return [fill(name, units=units, price=price, tag=tag, order=order, fees=fee)]
        if kind == "fx":
            return [fill(name, symbol="EUR/USD", units=units, price="1.0937", fees=fee, side=side)]
        if kind == "flow":
            return [flow(name, "deposit", Money(cents - 500, "USD"))]
        return [*paid(name)] if sell else [split(delta=units)]

    drawn = st.tuples(
        st.sampled_from(("fill", "fx", "flow", "other")),
        st.integers(1, 50),
        st.integers(1, 900),
        st.sampled_from((None, *tags)),
        st.booleans(),
    )
    return st.lists(drawn, max_size=12).map(lambda all_: [f for args in all_ for f in one(*args)])


async def ended_order(store: Store, bucket: str) -> int:
    """The tag of an order of this bucket that is over and may still have executions to come."""
    wanted = proposal(source=bucket, bucket=bucket)
    intent = await store.orders.propose(wanted, mode="live", at=NOW)
    order = await store.orders.begin_submit(intent.intent_id, **submission())
    tag = order.client_order_id
    assert tag is not None
    await store.orders.accepted(intent.intent_id, f"b{tag}", at=NOW)
    await store.orders.apply_view(intent.intent_id, view("cancelled", order=f"b{tag}"), at=NOW)
    return tag


@settings(max_examples=12, deadline=None)
@given(st.data(), st.lists(st.integers(1, 5), max_size=3))
async def test_c9_buckets_add_up_to_the_account_after_any_facts(
    data: st.DataObject, cuts: list[int]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with open_store(Path(folder), engine="inline") as store:
            await store.settings.set_mode("live", "test", NOW)
            tags = [await ended_order(store, bucket) for bucket in ("sat-1", "core")]
            facts = data.draw(random_facts(tags))
            for batch in (facts[: sum(cuts)], facts):
                await store.facts.record(batch, **TIMES)
            account: dict[tuple[str, str], int] = {}
            for posting in _all_postings(facts):
                where = (posting.account, posting.key)
                account[where] = account.get(where, 0) + posting.delta
            balances = await store.facts.balances()
            assert _by_account(balances.by_bucket) == {k: v for k, v in account.items() if v}
            assert (await store.facts.readd()).wrong == ()


def _all_postings(facts: Sequence[Fact]) -> list[Posting]:
    once = {source_key(fact): fact for fact in reversed(facts)}
    return [posting for fact in once.values() for posting in postings(fact)]


def _by_account(by_bucket: Mapping[str, BucketBalances]) -> dict[tuple[str, str], int]:
    sums: dict[tuple[str, str], int] = {}
    for bucket in by_bucket.values():
        for account, amounts in (("cash", bucket.cash), ("holding", bucket.holdings)):
            for key, amount in amounts.items():
                sums[account, key] = sums.get((account, key), 0) + amount
    return {where: amount for where, amount in sums.items() if amount}


# Rows that cannot be booked


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (flow("c1", "deposit", Money(1, "ZZZ")), "unknown currency 'ZZZ'"),
        (fill("x1", symbol="ZZZ/USD"), "unknown currency 'ZZZ'"),
        (fill("f1", fees=(Money(1, "ZZZ"),)), "unknown currency 'ZZZ'"),
        (fill(""), "it has no id"),
        (fill("f1", units=0), "must be above 0"),
        (replace(fill("f1"), gross=eur("-1")), "must not be below 0"),
        (replace(fill("f1"), gross=Money(10**18 + 1, "EUR")), f"above {10**18}"),
        (replace(fill("f1", symbol="EUR/USD"), quantity=Quantity(10**40)), "above 1"),
        (fill("f1", fees=(Money(-(10**19), "EUR"),)), "above 1"),
        (flow("c1", "deposit", Money(10**20, "EUR")), "above 1"),
        (replace(split(), quantity_delta=Quantity(10**20)), "above 1"),
        (replace(dividend(), tax=Money(10**20, "EUR")), "above 1"),
        (fill("f1", at=NOW.replace(tzinfo=None)), "no time zone"),
    ],
)
def test_what_cannot_be_booked_says_why(row: Fact, why: str) -> None:
    assert why in (unbookable(row) or "")
    assert unbookable(fill("good")) is None


async def test_a_quarantined_row_is_told_once_and_released_with_its_stream(store: Store) -> None:
    row = flow("c1", "deposit", Money(1, "ZZZ"))
    put = store.quarantine.put
    assert await put("flows", "flow:c1", row, error="unknown", at=NOW)
    assert not await put("flows", "flow:c1", row, error="unknown still", at=after(5))
    assert await put("fills", "fill:f1", row, error="odd", at=NOW)
    first, second = await store.quarantine.open_rows()
    assert await store.views.quarantine() == (first, second)
    assert (first.source_key, first.error, first.first_at, first.last_at) == (
        "flow:c1", "unknown still", NOW, after(5),
    )  # fmt: skip
    await store.quarantine.release("flows", at=after(9))
    assert await store.quarantine.open_rows() == (second,)
    assert await put("flows", "flow:c1", row, error="again", at=after(10))
