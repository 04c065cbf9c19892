"""The questions put to the files: they see what is wrong, and nothing where nothing is."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from ledger.dividend import PotShare
from ledger.fact import Fact
from store.store import Store, open_store
from tests.sim.invariants import k5_a_dividend_is_spent_once
from tests.store.builders import (
    MACHINE,
    NOW,
    TIMES,
    after,
    dividend,
    eur,
    fill,
    flow,
    paid,
    proposal,
    submission,
)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncGenerator[Store]:
    async with open_store(tmp_path, engine="inline") as opened:
        await opened.settings.set_mode("live", "test", NOW)
        yield opened


def found(folder: Path, check: Callable[[sqlite3.Connection], Iterator[str]]) -> list[str]:
    with closing(sqlite3.connect(folder / "ledger.db")) as db:
        db.row_factory = sqlite3.Row
        return list(check(db))


async def spend_a_dividend(store: Store) -> None:
    """All of a net of 100.00 goes into one purchase."""
    await store.facts.record([dividend("d1"), *paid("d1")], **TIMES)
    (pot,) = await store.dividends.pots()
    intent = await store.orders.propose(
        proposal(order_class="drip"),
        mode="live",
        at=NOW,
        shares=(PotShare(pot.dividend_id, pot.left),),
    )
    await store.orders.begin_submit(intent.intent_id, **submission())
    await store.orders.accepted(intent.intent_id, "b1", at=NOW)
    await store.facts.record([fill("f1")], **TIMES)


@pytest.mark.parametrize("taken_back", ["-30", "-120"])
async def test_k5_a_debt_after_a_reversal_is_no_second_spending(
    store: Store, tmp_path: Path, taken_back: str
) -> None:
    await spend_a_dividend(store)
    back = flow("back", "dividend", eur(taken_back), reference="d1", at=after(1))
    later = MACHINE + timedelta(minutes=1)
    await store.facts.record([back], at=after(1), machine_at=later)
    assert found(tmp_path, k5_a_dividend_is_spent_once) == []


async def test_k5_a_debt_repaid_by_another_dividend_is_no_second_spending(
    store: Store, tmp_path: Path
) -> None:
    await spend_a_dividend(store)
    back = flow("back", "dividend", eur("-70"), reference="d1", at=after(1))
    later = MACHINE + timedelta(minutes=1)
    news: list[Fact] = [back, dividend("d2"), *paid("d2")]
    await store.facts.record(news, at=after(1), machine_at=later)
    await store.dividends.repay(after(2))
    assert found(tmp_path, k5_a_dividend_is_spent_once) == []


async def test_k5_a_dividend_that_is_spent_twice_is_found(store: Store, tmp_path: Path) -> None:
    await spend_a_dividend(store)
    await store.ledger.write("UPDATE dividend SET released_minor = 1")
    assert found(tmp_path, k5_a_dividend_is_spent_once) == [
        "K5: dividend d1 gave 10001 and had 10000"
    ]
