"""K1: any order, repetition and batching of what the broker says ends in the same books."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.dividend import DividendPot, PotShare
from ledger.errors import Conflict, IllegalMove, Refused
from ledger.fact import Adjustment, Fact
from ledger.lot import LotBook, LotMethod, Pick
from ledger.money import Price, Quantity
from ledger.order import MOVES, Intent, OrderState
from policy.lots import all_methods
from store.facts import Balances
from store.store import Store, open_store
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


@dataclass(frozen=True)
class Books:
    balances: Balances
    intents: tuple[Intent, ...]
    pots: tuple[DividendPot, ...]
    postings: dict[tuple[str, str, str], int]
    lots: dict[LotMethod, LotBook]


async def begin(store: Store, bucket: str) -> Intent:
    """An order on its way that spends a pot, before anything else is known."""
    await store.settings.set_mode("live", "test", NOW)
    await store.facts.record([dividend("d0"), *paid("d0")], **TIMES)
    (pot,) = await store.dividends.pots()
    intent = await store.orders.propose(
        proposal(order_class="drip", bucket=bucket),
        mode="live",
        at=NOW,
        shares=[PotShare(pot.dividend_id, eur("99.99"))],
    )
    return await store.orders.begin_submit(intent.intent_id, **submission())


def facts_about(tag: int) -> list[Fact]:
    return [
        opening_cash(),
        opening_position(),
        fill("f1", tag=tag, units=3, fees=(eur("1"),)),
        fill("f2", tag=None, units=4),
        fill("f3", tag=tag, units=2),
        fill("other", symbol="BBB.EU", order="b2"),
        fill("x1", symbol="EUR/USD", order="b3"),
        flow("c1", "deposit", eur("100")),
        split(),
        dividend("d1"),
        *paid("d1"),
        flow("back", "dividend", eur("-30"), reference="d1"),
        flow("late-tax", "tax", eur("-5"), reference="d0"),
        fill("s1", side="SELL", units=2, order="b4", at=after(5)),
        Adjustment(7, None, after(9), "decided", "AAA.EU", Quantity.of(3), "owner"),
        Adjustment(8, eur("0.40"), after(9), "small"),
    ]


PICKS = {"s1": [Pick("fill:f3", Quantity.of(1))]}


async def books(store: Store) -> Books:
    rows = await store.ledger.read(
        lambda tx: tx.all(
            "SELECT bucket_id, account, key, sum(delta) AS s FROM posting GROUP BY 1, 2, 3"
        )
    )
    return Books(
        balances=await store.facts.balances(),
        intents=await store.orders.recent(10),
        pots=await store.dividends.pots(),
        postings={(r["bucket_id"], r["account"], r["key"]): r["s"] for r in rows},
        lots=all_methods((await store.facts.cost_history(["AAA.EU"]))["AAA.EU"], PICKS),
    )


async def played(order: Sequence[int], cuts: Sequence[int], bucket: str, answer: int) -> Books:
    """Record facts in this order and these batches, the broker's answer after `answer` facts."""
    with tempfile.TemporaryDirectory() as folder:
        async with open_store(Path(folder), engine="inline") as store:
            intent = await begin(store, bucket)
            assert intent.client_order_id is not None
            facts = facts_about(intent.client_order_id)
            edges = sorted({0, len(order), answer, *cuts})
            for start, end in pairwise(edges):
                if start == answer:
                    await answered(store, intent.intent_id)
                await store.facts.record([facts[i] for i in order[start:end]], **TIMES)
            if answer == len(order):
                await answered(store, intent.intent_id)
            return await books(store)


async def answered(store: Store, intent_id: int) -> None:
    await store.orders.accepted(intent_id, "b1", at=NOW)
    await store.orders.apply_view(intent_id, view("active"), at=NOW)


COUNT = len(facts_about(1))
orders = st.permutations(range(COUNT)).flatmap(
    lambda order: st.lists(st.integers(0, COUNT - 1), max_size=6).map(
        lambda extra: [*order, *extra]
    )
)


@settings(max_examples=25, deadline=None)
@given(
    order=orders,
    cuts=st.lists(st.integers(1, COUNT), max_size=4),
    bucket=st.sampled_from(["core", "sat-1"]),
    answer=st.integers(0, COUNT),
)
async def test_any_order_repetition_and_batching_gives_the_same_books(
    order: list[int], cuts: list[int], bucket: str, answer: int
) -> None:
    found = await played(order, cuts, bucket, answer)
    expected = await played(range(COUNT), [], bucket, 0)
    assert found.balances == expected.balances
    assert found.intents == expected.intents
    assert found.lots == expected.lots
    assert comparable(found.pots) == comparable(expected.pots)
    assert nonzero(found.postings) == nonzero(expected.postings)
    assert nonzero(found.postings) == booked(found.balances)


def comparable(pots: Sequence[DividendPot]) -> list[tuple[object, ...]]:
    """Pots without the number that their arrival gave them."""
    return sorted((p.action_id, p.net.minor, p.left.minor, p.state, p.paid_at) for p in pots)


def nonzero(sums: dict[tuple[str, str, str], int]) -> dict[tuple[str, str, str], int]:
    return {key: amount for key, amount in sums.items() if amount}


def booked(balances: Balances) -> dict[tuple[str, str, str], int]:
    """The balances in the shape of sums of postings."""
    sums: dict[tuple[str, str, str], int] = {}
    for name, bucket in balances.by_bucket.items():
        sums |= {(name, "cash", key): amount for key, amount in bucket.cash.items()}
        sums |= {(name, "holding", key): amount for key, amount in bucket.holdings.items()}
    return sums


CALLS = [
    "refuse", "simulate", "begin_submit", "accepted", "rejected", "unknown", "not_placed",
    "escalated", "pending", "active", "partially_filled", "filled", "cancelled", "expired",
    "view_rejected", "fill_3", "fill_7",
]  # fmt: skip


async def call(store: Store, intent_id: int, name: str) -> None:
    """One call about the order; what its state does not allow is refused."""
    orders = store.orders
    try:
        if name == "refuse":
            await orders.refuse(intent_id, verdicts=[], retry_after=None, at=NOW)
        elif name == "simulate":
            limit = Price.of("10", "EUR")
            await orders.simulate(intent_id, limit=limit, verdicts=[], at=NOW)
        elif name == "begin_submit":
            await orders.begin_submit(intent_id, **submission())
        elif name == "accepted":
            await orders.accepted(intent_id, "b1", at=NOW)
        elif name.startswith("fill_"):
            facts = [fill(name, units=int(name[-1]))]
            await store.facts.record(facts, **TIMES)
        elif name in {"rejected", "unknown", "not_placed", "escalated"}:
            await getattr(orders, name)(intent_id, "because", at=NOW)
        else:
            shown: Any = name.removeprefix("view_")
            await orders.apply_view(intent_id, view(shown), at=NOW)
    except (Refused, IllegalMove, Conflict):
        pass


@settings(max_examples=25, deadline=None)
@given(names=st.lists(st.sampled_from(CALLS), max_size=12))
async def test_an_order_only_ever_moves_along_its_moves(names: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with open_store(Path(folder), engine="inline") as store:
            await store.settings.set_mode("live", "test", NOW)
            intent = await store.orders.propose(proposal(), mode="live", at=NOW)
            for name in ("begin_submit", *names) if len(names) % 3 else names:
                await call(store, intent.intent_id, name)
            found = await store.orders.get(intent.intent_id)
            events = await store.orders.events(intent.intent_id)
    state = OrderState.PROPOSED
    for event in events[1:]:
        assert event.before is state
        assert event.after in MOVES[state] | {state}
        state = event.after
    assert found.state is state
    sent = state not in {OrderState.PROPOSED, OrderState.REFUSED, OrderState.SIMULATED}
    assert (found.client_order_id is not None) == sent
