"""What no reader, writer or copy of the store may ever see: halves, strangers' rows, gaps."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
import trio

from ledger.fact import Fact
from store.backup import back_up
from store.engine import Tx, scalar
from store.store import Store, open_store
from tests.store.builders import (
    MACHINE,
    NOW,
    TIMES,
    dividend,
    eur,
    fill,
    flow,
    instrument,
    opening_cash,
    opening_position,
    paid,
    proposal,
    split,
    submission,
)

TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"


async def rows_by_table(tx: Tx) -> dict[str, int]:
    names = [row["name"] for row in await tx.all(TABLES)]
    return {name: await scalar(tx, f"SELECT count(*) FROM {name}") for name in names}


async def filled(store: Store) -> None:
    """Something in every table of the journal, its projections and the orders."""
    await store.securities.upsert([instrument()], allow_trading=True, confirmed=True)
    intent = await store.orders.propose(proposal(), mode="live", at=NOW)
    order = await store.orders.begin_submit(intent.intent_id, **submission())
    facts: list[Fact] = [
        opening_cash(), opening_position(), flow("c1", "deposit", eur("5")), dividend(), *paid(),
        fill("f1", tag=order.client_order_id, fees=(eur("1"),)), split(),
        fill("f2", side="SELL", units=3),
    ]  # fmt: skip
    await store.facts.record(facts, cursor=("fills", "p1"), **TIMES)
    await store.books.found("cash", "EUR", books=0, broker=5, blocking=True, at=NOW)
    await store.quarantine.put("flows", "flow:x", flow("x", "fee", eur("1")), error="odd", at=NOW)
    await store.ledger.write("INSERT INTO lot_choice VALUES ('f2', 'fill:f1', 3000000)")


@pytest.mark.parametrize("kind", ["aio", "inline"])
async def test_k10_a_backup_holds_every_table_with_every_row(
    tmp_path: Path, kind: Literal["aio", "inline"]
) -> None:
    async with open_store(tmp_path / "data", engine=kind) as store:
        await store.settings.set_mode("live", "test", NOW)
        await filled(store)
        report = await back_up(store.ledger, tmp_path / "backups", MACHINE)
        there = await store.ledger.read(rows_by_table)
        assert await store.ledger.inspect(report.path, rows_by_table) == there
        ddl = "SELECT type, name, sql FROM sqlite_master ORDER BY type, name"

        async def schema(tx: Tx) -> list[tuple[str, ...]]:
            return [tuple(row) for row in await tx.all(ddl)]

        assert await store.ledger.inspect(report.path, schema) == await store.ledger.read(schema)
    assert {"fact", "posting", "balance", "lot_choice", "quarantine", "book_item"} <= {
        name for name, count in there.items() if count
    }


async def test_k8_a_sync_that_fails_takes_no_order_with_it_and_commits_no_half(
    store: Store,
) -> None:
    """Orders are written while every second batch of facts fails on its last row."""
    good: list[Fact] = []

    async def sync() -> None:
        for number in range(10):
            batch: list[Fact] = [fill(f"f{number}-{part}", order="foreign") for part in range(3)]
            if number % 2:
                bad = fill(f"bad{number}", units=0)
                with pytest.raises(Exception, match="CHECK"):
                    await store.facts.record([*batch, bad], **TIMES)
            else:
                await store.facts.record(batch, **TIMES)
                good.extend(batch)

    async def trade() -> None:
        for number in range(10):
            made = proposal(source=f"plan-{number}")
            await store.orders.propose(made, mode="live", at=NOW)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(sync)
        nursery.start_soon(trade)
    counts = await store.views.counts()
    assert (counts["intent"], counts["fill"]) == (10, len(good))
    assert (await store.facts.readd()).wrong == ()
    assert (await store.facts.balances()).holdings == {"AAA.EU": len(good) * 10_000_000}


async def test_k9_a_reader_never_sees_an_empty_or_half_written_book(store: Store) -> None:
    """Every balance that a reader sees belongs to a whole number of batches."""
    both: list[Fact] = [opening_cash("1000"), opening_position(units=1)]
    await store.facts.record(both, **TIMES)
    seen: set[tuple[int, int]] = set()
    done = trio.Event()

    async def read() -> None:
        while not done.is_set():
            found = await store.facts.balances()
            seen.add((found.cash["EUR"], found.holdings["AAA.EU"]))
            await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(read)
        for number in range(12):
            await store.facts.record([fill(f"f{number}", units=1, price="10")], **TIMES)
            await store.facts.rebuild_balances()
        done.set()
    assert seen <= {(100_000 - 1_000 * n, 1_000_000 * (n + 1)) for n in range(13)}
