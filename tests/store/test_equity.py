"""What today's equity is compared with, and the money that came and went since."""

from __future__ import annotations

from datetime import date

from ledger.fact import Fact
from ledger.money import Money
from store.equity import EquityBase
from store.store import Store
from tests.store.builders import TIMES, after, eur, flow, opening_cash, paid

TODAY = date(2026, 3, 3)
YESTERDAY = date(2026, 3, 2)


async def snap(store: Store, day: date, minutes: int, total: int | None, seq: int) -> None:
    value = None if total is None else eur(total)
    await store.snapshots.put(
        day, after(minutes), total=value, cash=None, invested=None, positions=0, ledger_seq=seq
    )


async def test_the_base_is_the_newest_known_total_of_an_earlier_day(store: Store) -> None:
    await snap(store, date(2026, 2, 27), 0, 100, 1)
    await snap(store, YESTERDAY, 20, 110, 2)
    await snap(store, YESTERDAY, 40, None, 3)
    assert await store.equity.base(TODAY) == EquityBase(eur(100), 1)
    await snap(store, YESTERDAY, 60, 120, 4)
    await snap(store, TODAY, 80, 90, 5)
    assert await store.equity.base(TODAY) == EquityBase(eur(120), 4)


async def test_on_its_first_day_a_ledger_is_compared_with_its_first_known_total(
    store: Store,
) -> None:
    assert await store.equity.base(TODAY) is None
    await snap(store, TODAY, 0, None, 1)
    await snap(store, TODAY, 20, 0, 2)
    assert await store.equity.base(TODAY) is None
    await snap(store, TODAY, 40, 100, 3)
    await snap(store, TODAY, 60, 50, 4)
    assert await store.equity.base(TODAY) == EquityBase(eur(100), 3)


async def test_a_total_whose_place_in_the_journal_is_not_known_is_no_base(store: Store) -> None:
    await snap(store, YESTERDAY, 0, 100, 1)
    await store.ledger.transaction(lambda tx: tx.execute("UPDATE snapshot SET ledger_seq = NULL"))
    await store.ledger.transaction(
        lambda tx: tx.execute("UPDATE snapshot_point SET ledger_seq = NULL")
    )
    assert await store.equity.base(TODAY) is None


async def test_m6_flows_are_deposits_and_withdrawals_after_the_base(store: Store) -> None:
    facts: list[Fact] = [
        opening_cash(),
        flow("d1", "deposit", eur(100)),
        flow("d2", "deposit", eur(30)),
        flow("d3", "deposit", Money.of(7, "USD")),
        flow("w1", "withdrawal", eur(-50)),
        flow("x1", "fee", eur(-2)),
        flow("x2", "interest", eur(1)),
        *paid(),
        flow("d4", "deposit", eur(999)),
    ]
    await store.facts.record(facts, **TIMES)
    assert await store.equity.flows_between(2, 9) == (eur(-20), Money.of(7, "USD"))
    assert await store.equity.flows_between(9, 10) == (eur(999),)
    assert await store.equity.flows_between(10, 10) == ()
