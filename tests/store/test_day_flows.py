"""A day's flow is the money that came and went since the day before: each exactly once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.cash_flow import completed_row
from ledger.fact import Fact, FlowCategory
from ledger.money import Money
from ledger.rate import Rate, RateTable
from store.snapshots import NO_RATES, Snapshot
from store.store import Store, open_store
from tests.store.builders import TIMES, after, eur, flow, opening_cash

DAY = date(2026, 3, 2)
USD = RateTable({"USD": Rate("EUR", "USD", Decimal("1.25"), DAY, "test")})


async def snap(store: Store, day: int, rates: RateTable = NO_RATES, total: int = 1000) -> Snapshot:
    """What sync does at the end of a cycle, `day` days after the first."""
    seq = await store.facts.last_seq()
    when, at = DAY + timedelta(days=day), after(24 * 60 * day)
    await store.snapshots.put(
        when, at, total=eur(total), cash=eur(5), invested=eur(90), positions=1, ledger_seq=seq,
        profit=eur(-4), rates=rates,
    )  # fmt: skip
    return (await store.snapshots.history(1))[-1]


async def record(store: Store, *facts: Fact) -> None:
    await store.facts.record(facts, **TIMES)


async def test_an_opening_a_fee_or_a_dividend_is_no_flow(store: Store) -> None:
    await record(store, opening_cash(), flow("d", "deposit", eur(100)), flow("f", "fee", eur(-1)))
    assert (await snap(store, 0)).flow == eur(100)
    await record(store, flow("i", "interest", eur(3)), flow("w", "withdrawal", eur(-40)))
    assert (await snap(store, 1)).flow == eur(-40)
    assert (await snap(store, 2)).flow == eur(0)


async def test_cost_and_gain_are_kept_with_the_day(inline_store: Store) -> None:
    found = await snap(inline_store, 0)
    assert (found.invested, found.profit) == (eur(90), eur(-4))


async def test_a_flow_without_a_rate_makes_the_day_unknown_until_there_is_one(
    inline_store: Store,
) -> None:
    await record(inline_store, flow("u", "deposit", Money.of(50, "USD")))
    assert (await snap(inline_store, 0)).flow is None
    assert (await snap(inline_store, 0, USD)).flow == eur(40)


async def test_a_flow_that_was_taken_back_needs_no_rate(inline_store: Store) -> None:
    await record(inline_store, flow("u", "deposit", Money.of(50, "USD")))
    await record(inline_store, flow("v", "withdrawal", Money.of(-50, "USD")))
    assert (await snap(inline_store, 0)).flow == eur(0)


async def test_after_a_day_whose_place_in_the_journal_is_not_known_the_flow_is_not_either(
    inline_store: Store,
) -> None:
    await snap(inline_store, 0)
    await inline_store.ledger.transaction(
        lambda tx: tx.execute("UPDATE snapshot SET ledger_seq = NULL")
    )
    assert (await snap(inline_store, 1)).flow is None
    assert (await snap(inline_store, 2)).flow == eur(0)


async def test_a_window_of_days_comes_with_the_day_before_it(inline_store: Store) -> None:
    for day in (0, 3, 4, 9):
        await snap(inline_store, day)
    views = inline_store.views

    async def days(first: int) -> list[int]:
        found = await views.history(DAY + timedelta(days=first))
        return [(one.day - DAY).days for one in found]

    assert await days(-5) == [0, 3, 4, 9]
    assert await days(0) == [0, 3, 4, 9]
    assert await days(4) == [3, 4, 9]
    assert await days(5) == [4, 9]
    assert await days(10) == [9]


async def test_deposits_and_withdrawals_that_are_completed_are_listed_newest_first(
    inline_store: Store,
) -> None:
    given: tuple[tuple[FlowCategory, str], ...] = (
        ("deposit", "5"), ("fee", "-1"), ("withdrawal", "-3"), ("deposit", "2"), ("dividend", "4"),
    )  # fmt: skip
    for number, (category, amount) in enumerate(given):
        at = after(24 * 60 * number)
        await record(inline_store, flow(f"t{number}", category, eur(amount), at=at))
    waiting = replace(completed_row(flow("t9", "deposit", eur(7))), status="pending")
    await inline_store.facts.record([waiting], **TIMES)
    found = await inline_store.views.flows.external(10)
    assert [row.flow.transaction_id for row in found] == ["t3", "t2", "t0"]
    assert await inline_store.views.flows.external(2) == found[:2]


@dataclass(frozen=True)
class Step:
    """Days that pass, cents that come or go (0: none), and whether sync runs after that."""

    days: int
    cents: int
    synced: bool
    restart: bool


STEPS = st.lists(
    st.builds(
        Step,
        days=st.sampled_from([0, 0, 1, 1, 4]),
        cents=st.sampled_from([0, -1]) | st.integers(-(10**9), 10**9),
        synced=st.booleans(),
        restart=st.sampled_from([False, False, True]),
    ),
    min_size=1,
    max_size=12,
)


async def _live(steps: list[Step], folder: Path) -> tuple[Money, Money]:
    """Both sums over one life: of the days' flows, and of the journal's."""
    day, number, left = 0, 0, list(steps)
    while left:
        async with open_store(folder, engine="inline") as store:
            while left:
                step = left.pop(0)
                day += step.days
                if step.cents:
                    number += 1
                    kind: FlowCategory = "deposit" if step.cents > 0 else "withdrawal"
                    await record(store, flow(f"x{number}", kind, Money(step.cents, "EUR")))
                if step.synced or not left:
                    await snap(store, day)
                if step.restart:
                    break
    async with open_store(folder, engine="inline") as store:
        shown = await store.snapshots.history(1000)
        by_category = (await store.views.flows.summary()).by_category
    days = sum((one.flow.minor for one in shown if one.flow), 0)
    journal = sum((total.in_eur.minor for total in by_category.values() if total.in_eur), 0)
    assert None not in {one.flow for one in shown}
    return Money(days, "EUR"), Money(journal, "EUR")


@settings(max_examples=12, deadline=None)
@given(steps=STEPS)
def test_the_flows_of_all_days_are_the_deposits_less_the_withdrawals(steps: list[Step]) -> None:
    with TemporaryDirectory() as folder:
        days, journal = trio.run(_live, steps, Path(folder))
    assert days == journal
