"""Cash flows: every version is kept, the books hold the completed ones, side effects come once."""

from __future__ import annotations

import random
import sqlite3
import tempfile
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.bucket import Bucket
from ledger.cash_flow import STAGE, Arrival, FlowRow, FlowStatus, Share
from ledger.errors import BadData
from ledger.fact import CashFlow, Fact, FlowCategory
from ledger.money import Money
from ledger.rate import Rate, RateTable
from policy.deposits import divide
from store.migrate import migrate, migrations
from store.store import Store, open_store
from tests.store.builders import NOW, TIMES, OpenEngine, after, dividend, eur, flow, paid

CORE = Bucket("core", "Core", "active")
SAT = Bucket("sat-1", "One", "active")
PLAIN = partial(divide, buckets=(CORE,), satellite_budget=Decimal(0))


def row(
    name: str = "T1",
    status: FlowStatus = "completed",
    money: Money | None = None,
    category: FlowCategory = "deposit",
    **changes: Any,
) -> FlowRow:
    made = FlowRow(name, category, category, status, money or eur("100"), NOW)
    return replace(made, **changes)


def usd(amount: str) -> Money:
    return Money.of(amount, "USD")


def halves(arrival: Arrival) -> tuple[Share, ...]:
    """A division between two buckets that is not the default."""
    if arrival.money.minor < 0:
        return divide(arrival, (CORE, SAT), satellite_budget=Decimal(0))
    half = arrival.money.minor // 2
    return (("core", arrival.money.minor - half), ("sat-1", half))


async def with_satellite(store: Store) -> None:
    await store.ledger.write(
        "INSERT INTO bucket (bucket_id, name, status) VALUES ('sat-1', 'One', 'active')"
    )


async def versions(store: Store) -> list[tuple[str, int, str, int]]:
    rows = await store.ledger.read(
        lambda tx: tx.all("SELECT * FROM flow_version ORDER BY transaction_id, version")
    )
    return [(r["transaction_id"], r["version"], r["status"], r["minor"]) for r in rows]


async def allocated(store: Store) -> dict[tuple[str, str, str], int]:
    """Minor units by transaction, bucket and currency."""
    rows = await store.ledger.read(
        lambda tx: tx.all(
            "SELECT f.transaction_id, a.bucket_id, a.currency, sum(a.minor) AS minor"
            " FROM deposit_allocation a JOIN flow_fact f USING (fact_seq) GROUP BY 1, 2, 3"
        )
    )
    found = {(r["transaction_id"], r["bucket_id"], r["currency"]): r["minor"] for r in rows}
    return {key: minor for key, minor in found.items() if minor}


async def cash(store: Store) -> dict[str, int]:
    balances = await store.facts.balances()
    return {currency: minor for currency, minor in balances.cash.items() if minor}


async def image(store: Store) -> tuple[object, ...]:
    """Everything that cash flows leave in the ledger."""
    tables = ("fact", "posting", "flow_version", "flow_fact", "deposit_allocation", "dividend")

    async def work(tx: Any) -> tuple[object, ...]:
        return tuple(
            [tuple(map(tuple, await tx.all(f"SELECT * FROM {table}"))) for table in tables]
        )

    return await store.ledger.read(work)


# Versions


async def test_k2_a_pending_flow_is_kept_and_booked_when_it_completes(store: Store) -> None:
    assert await store.facts.record([row(status="pending")], **TIMES) == ()
    assert await store.facts.record([row(status="processing")], **TIMES) == ()
    assert await cash(store) == {}
    (fact,) = await store.facts.record([row()], divide=PLAIN, **TIMES)
    assert isinstance(fact, CashFlow)
    assert (fact.flow_id, fact.money) == ("T1", eur("100"))
    assert await store.facts.record([row()], **TIMES) == ()
    assert await cash(store) == {"EUR": 100_00}
    assert await versions(store) == [
        ("T1", 1, "pending", 100_00),
        ("T1", 2, "processing", 100_00),
        ("T1", 3, "completed", 100_00),
    ]
    assert await store.facts.last_flow_version() == 3


async def test_k2_a_completed_flow_that_is_cancelled_leaves_the_books(store: Store) -> None:
    await with_satellite(store)
    await store.facts.record([row()], divide=halves, **TIMES)
    assert await allocated(store) == {
        ("T1", "core", "EUR"): 50_00, ("T1", "sat-1", "EUR"): 50_00
    }  # fmt: skip
    (fact,) = await store.facts.record([row(status="cancelled")], divide=halves, **TIMES)
    assert isinstance(fact, CashFlow)
    assert fact.flow_id == "T1:v2:back"
    assert await cash(store) == {}
    assert await allocated(store) == {}
    balances = await store.facts.balances()
    assert balances.by_bucket == {}
    (again,) = await store.facts.record([row()], divide=halves, **TIMES)
    assert isinstance(again, CashFlow)
    assert again.flow_id == "T1:v3"
    assert await cash(store) == {"EUR": 100_00}


async def test_k2_a_changed_amount_is_a_version_and_a_correction(store: Store) -> None:
    await with_satellite(store)
    await store.facts.record([row()], divide=halves, **TIMES)
    (less,) = await store.facts.record([row(money=eur("90"))], divide=halves, **TIMES)
    assert isinstance(less, CashFlow)
    assert (less.flow_id, less.money) == ("T1:v2", eur("-10"))
    assert await allocated(store) == {
        ("T1", "core", "EUR"): 45_00, ("T1", "sat-1", "EUR"): 45_00
    }  # fmt: skip
    later = row(money=eur("90"), booked_at=after(60 * 24))
    assert await store.facts.record([later], **TIMES) == ()
    assert len(await versions(store)) == 3


async def test_a_description_alone_is_no_version(store: Store) -> None:
    await store.facts.record([row(description="Einzahlung")], **TIMES)
    await store.facts.record([row(description="deposit")], **TIMES)
    assert len(await versions(store)) == 1


async def test_microseconds_of_the_broker_are_no_version(store: Store) -> None:
    exact = NOW.replace(microsecond=123_456)
    for _ in range(2):
        await store.facts.record([row(booked_at=exact)], **TIMES)
    assert len(await versions(store)) == 1


async def test_k2_an_old_answer_does_not_open_a_flow_again(store: Store) -> None:
    await store.facts.record([row()], **TIMES)
    before = await image(store)
    for status in ("pending", "processing"):
        await store.facts.record([row(status=status)], **TIMES)
    assert await image(store) == before


async def test_uncategorised_money_is_booked_and_kept(store: Store) -> None:
    odd = row("T9", money=eur("-3"), category="other", type="type_999", type_doc_id=999)
    await store.facts.record([odd], **TIMES)
    assert await cash(store) == {"EUR": -3_00}
    (shown,) = await store.views.flows.recent(None)
    assert (shown.flow.type, shown.flow.type_doc_id, shown.flow.category) == (
        "type_999", 999, "other"
    )  # fmt: skip


async def test_versions_and_allocations_cannot_be_rewritten(store: Store) -> None:
    await store.facts.record([row()], **TIMES)
    for table in ("flow_version", "flow_fact", "deposit_allocation"):
        for sql in (f"DELETE FROM {table}", f"UPDATE {table} SET rowid = rowid"):
            wrong = sql.replace("rowid", "fact_seq") if table == "deposit_allocation" else sql
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                await store.ledger.write(wrong)


async def test_flows_booked_before_versions_were_kept_are_known_after_the_migration(
    open_engine: OpenEngine, tmp_path: Path
) -> None:
    steps = migrations("ledger")
    async with open_engine(tmp_path / "old.db", synchronous="OFF") as engine:
        await migrate(engine, "ledger", steps[:2])
        await engine.write("INSERT INTO fact VALUES (1, 'flow', 'flow:T1', 0, 5, 0, '{}')")
        await engine.write(
            "INSERT INTO cash_flow VALUES (1, 'T1', 'deposit', 10000, 'EUR', 7, NULL, NULL, 'd')"
        )
        await migrate(engine, "ledger", steps)
        found = await engine.read(lambda tx: tx.all("SELECT * FROM flow_version"))
        shares = await engine.read(lambda tx: tx.all("SELECT * FROM deposit_allocation"))
    assert [(r["transaction_id"], r["status"], r["minor"], r["seen_ms"]) for r in found] == [
        ("T1", "completed", 10000, 5)
    ]
    assert [tuple(r) for r in shares] == [(1, "core", 10000, "EUR")]


# The division of deposits


async def test_k4_a_deposit_of_100_usd_raises_usd_by_exactly_100_and_nothing_else(
    store: Store,
) -> None:
    """The currency story: once the EUR amount was booked under the deposit's own currency."""
    await store.market.put_rates(
        RateTable({"USD": Rate("EUR", "USD", Decimal("1.0870"), NOW.date(), "test")}), at=NOW
    )
    await store.facts.record([row(money=eur("7"), name="E")], divide=PLAIN, **TIMES)
    await store.facts.record([row(money=usd("100"))], divide=PLAIN, **TIMES)
    balances = await store.facts.balances()
    totals = Counter[str]()
    for bucket in balances.by_bucket.values():
        totals.update(bucket.cash)
    assert dict(totals) == {"EUR": 7_00, "USD": 100_00}
    assert await allocated(store) == {
        ("E", "core", "EUR"): 7_00, ("T1", "core", "USD"): 100_00
    }  # fmt: skip


async def test_k4_without_a_needy_satellite_the_whole_deposit_goes_to_core(store: Store) -> None:
    """The missing fallback: once a remainder that no satellite needed went to nobody."""
    await with_satellite(store)
    both = partial(divide, buckets=(CORE, SAT), satellite_budget=Decimal("0.3"))
    for number, amount in enumerate(("100", "0.01", "33.33")):
        await store.facts.record([row(f"T{number}", money=eur(amount))], divide=both, **TIMES)
    assert sum((await allocated(store)).values()) == 133_34
    assert {bucket for _, bucket, _ in await allocated(store)} == {"core"}
    assert await cash(store) == {"EUR": 133_34}


def broken(arrival: Arrival) -> tuple[Share, ...]:
    raise BadData("the division failed")


def short(arrival: Arrival) -> tuple[Share, ...]:
    return (("core", arrival.money.minor - 1),)


def stranger(arrival: Arrival) -> tuple[Share, ...]:
    return (("nobody", arrival.money.minor),)


@pytest.mark.parametrize("failing", [broken, short, stranger])
async def test_k4_a_failed_division_writes_nothing_and_is_made_up_for(
    store: Store, failing: Any
) -> None:
    """The missing fallback: once a failed division left money that belonged to nobody."""
    before = await image(store)
    with pytest.raises((BadData, sqlite3.IntegrityError)):
        await store.facts.record([row()], divide=failing, cursor=("flows", "9"), **TIMES)
    assert await image(store) == before
    assert await store.facts.cursor("flows") is None
    await store.facts.record([row()], divide=PLAIN, cursor=("flows", "9"), **TIMES)
    assert await allocated(store) == {("T1", "core", "EUR"): 100_00}


async def test_k3_one_batch_a_thousand_times_shuffled_and_doubled_changes_the_books_once(
    inline_store: Store,
) -> None:
    """The deduplication story: once every run loaded all ids, and a doubled row undid the batch."""
    batch: list[Fact | FlowRow] = [
        row("D1"), row("D2", "pending"), row("D2"), row("D3", "cancelled"),
        row("D4", money=usd("5")), dividend("d1"),
        row("M1", money=eur("12"), category="dividend", reference="d1"),
        row("M2", money=eur("-2"), category="tax", reference="d1"),
    ]  # fmt: skip
    store, rng = inline_store, random.Random(3)
    await store.facts.record(batch, divide=PLAIN, **TIMES)
    before = await image(store)
    for _ in range(1000):
        again = batch + rng.choices(batch, k=3)
        rng.shuffle(again)
        assert await store.facts.record(again, divide=PLAIN, **TIMES) == ()
    assert await image(store) == before
    assert await allocated(store) == {
        ("D1", "core", "EUR"): 100_00,
        ("D2", "core", "EUR"): 100_00,
        ("D4", "core", "USD"): 5_00,
    }
    (pot,) = await store.dividends.pots()
    assert pot.net == eur("10")


async def test_k3_two_syncs_at_once_divide_a_deposit_once(store: Store) -> None:
    """The deduplication story, with two runs that read the same answer at the same time."""
    new: list[Fact] = []

    async def sync() -> None:
        new.extend(await store.facts.record([row(), row("T2")], divide=PLAIN, **TIMES))

    async with trio.open_nursery() as nursery:
        for _ in range(8):
            nursery.start_soon(sync)
    assert len(new) == 2
    assert await cash(store) == {"EUR": 200_00}
    assert sum((await allocated(store)).values()) == 200_00


@pytest.mark.parametrize("as_row", [True, False])
async def test_k3_side_effects_come_whatever_path_a_flow_took(store: Store, as_row: bool) -> None:
    news: list[Fact | FlowRow] = [
        row(), *(row(f.flow_id, money=f.money, category=f.category, reference="d1") for f in paid())
    ] if as_row else [flow("T1", "deposit", eur("100")), *paid()]  # fmt: skip
    for _ in range(2):
        await store.facts.record([dividend(), *news], divide=PLAIN, **TIMES)
    assert await allocated(store) == {("T1", "core", "EUR"): 100_00}
    (pot,) = await store.dividends.pots()
    assert pot.net == eur("100")
    assert len(await versions(store)) == 3


async def test_a_cancelled_dividend_empties_its_pot(store: Store) -> None:
    news = row("M", category="dividend", reference="d1")
    await store.facts.record([dividend(), news], **TIMES)
    assert [pot.left for pot in await store.dividends.pots()] == [eur("100")]
    await store.facts.record([replace(news, status="cancelled")], **TIMES)
    assert await store.dividends.pots() == ()


# Properties

AMOUNTS = st.integers(-300, 300)
CATEGORIES = st.sampled_from(["deposit", "withdrawal", "fee", "dividend", "other"])
ROWS = st.builds(
    lambda name, status, category, currency, minor: row(
        name, status, Money(minor, currency), category
    ),
    st.sampled_from(["A", "B", "C"]),
    st.sampled_from(sorted(STAGE)),
    CATEGORIES,
    st.sampled_from(["EUR", "USD"]),
    AMOUNTS,
)
QUICK = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def standing(said: list[FlowRow]) -> dict[str, FlowRow]:
    """What is true after the broker said this, one answer at a time."""
    now: dict[str, FlowRow] = {}
    for told in said:
        known = now.get(told.transaction_id)
        if known is None or told.decided or not known.decided:
            now[told.transaction_id] = told
    return now


@QUICK
@given(st.lists(ROWS, max_size=12))
async def test_k2_the_books_are_always_the_sum_of_what_is_completed_now(
    said: list[FlowRow],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with open_store(Path(folder), engine="inline") as store:
            await with_satellite(store)
            for number, told in enumerate(said, 1):
                for _ in range(2):
                    await store.facts.record([told], divide=halves, **TIMES)
                now = standing(said[:number])
                done = [known for known in now.values() if known.completed]
                sums = Counter[str]()
                for known in done:
                    sums[known.money.currency] += known.money.minor
                assert await cash(store) == {code: minor for code, minor in sums.items() if minor}
                divided = Counter[tuple[str, str]]()
                for (name, _, currency), minor in (await allocated(store)).items():
                    divided[name, currency] += minor
                assert {key: minor for key, minor in divided.items() if minor} == {
                    (known.transaction_id, known.money.currency): known.money.minor
                    for known in done
                    if known.category == "deposit" and known.money.minor
                }
            assert len(await versions(store)) <= len(said)


@QUICK
@given(
    st.permutations(
        [
            row("A", "pending"), row("A", "processing"), row("A"), row("B", "pending"), row("B"),
            row("C", money=usd("5")), row("W", money=eur("-40"), category="withdrawal"),
            row("F", money=eur("-1"), category="fee", type="withdrawal_fee"),
        ]
    ),
    st.lists(st.integers(1, 8), max_size=4),
)  # fmt: skip
async def test_k3_any_order_and_batching_ends_in_the_same_books(
    rows: list[FlowRow], cuts: list[int]
) -> None:
    edges = sorted({0, len(rows), *cuts})
    with tempfile.TemporaryDirectory() as folder:
        async with open_store(Path(folder), engine="inline") as store:
            for start, end in pairwise(edges):
                await store.facts.record(rows[start:end], divide=PLAIN, **TIMES)
            assert await cash(store) == {"EUR": 159_00, "USD": 5_00}
            assert await allocated(store) == {
                ("A", "core", "EUR"): 100_00,
                ("B", "core", "EUR"): 100_00,
                ("C", "core", "USD"): 5_00,
            }
            shown = await store.views.flows.recent(None)
            assert {one.flow.transaction_id: one.flow.status for one in shown} == dict.fromkeys(
                "ABCWF", "completed"
            )


@QUICK
@given(st.lists(st.tuples(CATEGORIES, AMOUNTS, st.sampled_from(["EUR", "USD"])), max_size=12))
async def test_k7_totals_reconcile_with_the_balances_and_fees_are_no_withdrawals(
    flows: list[tuple[FlowCategory, int, str]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with open_store(Path(folder), engine="inline") as store:
            rows = [
                row(f"T{number}", money=Money(minor, currency), category=category)
                for number, (category, minor, currency) in enumerate(flows)
            ]
            await store.facts.record([*rows, row("P", "pending"), row("R", "rejected")], **TIMES)
            summary = await store.views.flows.summary()
            assert summary.count == len(flows)
            for currency, sums in summary.native.items():
                assert sum(sums.values()) == (await store.facts.balances()).cash[currency]
                for category, minor in sums.items():
                    assert minor == sum(
                        m for c, m, code in flows if (c, code) == (category, currency)
                    )


# What the web shows


async def test_the_list_is_by_day_and_newest_version_first_and_filters_combine(
    store: Store,
) -> None:
    days = [NOW + timedelta(days=back) for back in (0, -1, -1, -3)]
    rows = [row(f"T{n}", booked_at=at) for n, at in enumerate(days)]
    fee = row("F", money=eur("-1"), category="fee", booked_at=days[1])
    await store.facts.record([*rows, fee], **TIMES)
    flows = store.views.flows

    async def names(limit: int | None = None, **filters: Any) -> list[str]:
        return [one.flow.transaction_id for one in await flows.recent(limit, **filters)]

    assert await names() == ["T0", "F", "T2", "T1", "T3"]
    assert await names(2) == ["T0", "F"]
    assert await names(type_="deposit") == ["T0", "T2", "T1", "T3"]
    yesterday, older = date(2026, 3, 1), date(2026, 2, 28)
    assert await names(last=yesterday) == ["F", "T2", "T1", "T3"]
    assert await names(first=yesterday, last=yesterday, type_="deposit") == ["T2", "T1"]
    assert await names(1, first=yesterday, last=yesterday, type_="deposit") == ["T2"]
    assert await names(first=older) == ["T0", "F", "T2", "T1"]
    assert await names(type_="nothing") == []


async def test_a_row_shows_its_newest_version_and_what_it_replaced(store: Store) -> None:
    await store.facts.record([row(status="pending")], at=NOW, machine_at=NOW)
    await store.facts.record([row("X")], at=NOW, machine_at=NOW)
    await store.facts.record([row()], at=after(5), machine_at=NOW)
    newest, other = await store.views.flows.recent(None)
    assert (newest.id, newest.supersedes, newest.flow.status) == (3, 1, "completed")
    assert (newest.created_at, newest.updated_at, newest.processed_at) == (NOW, after(5), after(5))
    assert (other.id, other.supersedes) == (2, None)
    await store.facts.record([row(status="cancelled")], at=after(9), machine_at=NOW)
    (cancelled,) = await store.views.flows.recent(1)
    assert (cancelled.updated_at, cancelled.processed_at) == (after(9), None)


async def test_euro_values_use_the_rate_of_the_day_or_stay_unknown(store: Store) -> None:
    await store.market.put_rates(
        RateTable({"USD": Rate("EUR", "USD", Decimal("1.25"), NOW.date(), "ecb")}), at=NOW
    )
    rows = [
        row("U", money=usd("100")), row("E"), row("G", money=Money.of("3", "GBP")),
        row("OLD", money=usd("1"), booked_at=NOW - timedelta(days=30), category="fee"),
    ]  # fmt: skip
    await store.facts.record(rows, **TIMES)
    found = {one.flow.transaction_id: one for one in await store.views.flows.recent(None)}
    assert {name: one.in_eur for name, one in found.items()} == {
        "U": eur("80"), "E": eur("100"), "G": None, "OLD": None,
    }  # fmt: skip
    rate = found["U"].rate
    assert rate is not None
    assert (rate.value, rate.source) == (Decimal("0.8"), "ecb")
    summary = await store.views.flows.summary()
    assert summary.by_category["deposit"].in_eur is None
    assert summary.by_category["fee"].in_eur is None
    assert summary.unknown == ("GBP", "USD")
    assert summary.native["USD"] == {"deposit": 100_00, "fee": 1_00}
