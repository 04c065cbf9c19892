"""The journal by market day: what moved, for what cause, and nothing that was only simulated."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from ledger.fact import Adjustment, CorporateAction, Fact
from ledger.holdings import BookedSplit, Movement, Traded
from ledger.money import Quantity
from store.holdings_history import HoldingsHistories
from store.store import Store
from tests.store.builders import (
    NOW,
    TIMES,
    dividend,
    eur,
    fill,
    flow,
    opening_cash,
    opening_position,
    proposal,
)
from tests.store.builders import split as booked_split

DAY = NOW.date()
NEXT = DAY + timedelta(days=1)


def at(hours: float) -> datetime:
    return datetime(2026, 3, 2, tzinfo=UTC) + timedelta(hours=hours)


async def moved(
    store: Store, *facts: Fact, first: date = DAY, until: date = NEXT
) -> list[Movement]:
    await store.facts.record(facts, **TIMES)
    return list((await HoldingsHistories(store.ledger).between(first, until)).movements)


def split(quantity: int) -> CorporateAction:
    return replace(booked_split(delta=quantity), ex_date=date(2026, 2, 27))


async def test_every_cause_is_told_apart(store: Store) -> None:
    found = await moved(
        store,
        opening_cash(),
        fill("f1", units=3, price="10", fees=(eur("0.50"),)),
        flow("d", "deposit", eur(100)),
        flow("i", "interest", eur("0.07")),
        dividend("a1"),
        flow("g", "dividend", eur(12), reference="a1"),
        flow("t", "tax", eur(-2), reference="a1"),
        replace(flow("l", "other", eur("1.25")), symbol="BBB.EU"),
        split(3),
    )
    cash = {(m.cause, m.earned_by): m.delta for m in found if m.account == "cash"}
    assert cash == {
        ("trade", None): -3050,
        ("external", None): opening_cash().money.minor + 10_000,  # type: ignore[union-attr]
        ("other", None): 7,
        ("income", "AAA.EU"): 1000,
        ("income", "BBB.EU"): 125,
    }
    held = {m.cause: m.delta for m in found if m.account == "holding"}
    assert held == {"trade": 3_000_000, "split": 3_000_000}
    assert {m.day for m in found} == {DAY}


async def test_what_the_owner_decided_is_external_and_small_differences_are_not(
    store: Store,
) -> None:
    by_sync = Adjustment(1, eur("-0.30"), NOW, "difference")
    by_owner = Adjustment(2, eur(-40), NOW, "difference", by="owner")
    shares = Adjustment(
        3, None, NOW, "difference", symbol="AAA.EU", quantity=Quantity.of(2), by="owner"
    )
    found = {(m.account, m.cause): m.delta for m in await moved(store, by_sync, by_owner, shares)}
    assert found == {
        ("cash", "other"): -30,
        ("cash", "external"): -4000,
        ("holding", "external"): 2_000_000,
    }


async def test_a_window_begins_at_midnight_and_ends_before_the_next(store: Store) -> None:
    flows = [flow(f"d{n}", "deposit", eur(2**n), at=at(hours)) for n, hours in enumerate((-1, 0))]
    late = [
        flow(f"d{n + 2}", "deposit", eur(2 ** (n + 2)), at=at(hours))
        for n, hours in enumerate((23.999, 24))
    ]
    await store.facts.record([*flows, *late], **TIMES)
    past = await HoldingsHistories(store.ledger).between(DAY, NEXT)
    assert past.cash == {"EUR": 100}
    assert [m.delta for m in past.movements] == [200 + 400]
    assert past.balances("EUR") == ((DAY, 700),)
    assert (past.first, past.until, past.seq) == (DAY, NEXT, 4)


async def test_a_holding_that_is_sold_out_is_named_with_zero(store: Store) -> None:
    await store.facts.record(
        [
            opening_position(),
            fill("f1", side="SELL", units=10, at=at(34)),
        ],
        **TIMES,
    )
    past = await HoldingsHistories(store.ledger).between(DAY, DAY + timedelta(days=3))
    held = opening_position().quantity
    assert held is not None
    assert past.quantities("AAA.EU") == ((DAY, held.micro), (NEXT, held.micro - 10_000_000))
    assert past.symbols == ("AAA.EU",)


async def test_simulated_orders_and_currency_pairs_hold_nothing(store: Store) -> None:
    await store.settings.set_mode("research", "test", NOW)
    await store.orders.propose(proposal(), at=NOW, mode="research")
    found = await moved(store, fill("x", symbol="EUR/USD", units=100, price="1.25"))
    assert {(m.key, m.cause, m.delta) for m in found} == {
        ("EUR", "trade", 10_000),
        ("USD", "trade", -12_500),
    }
    past = await HoldingsHistories(store.ledger).between(DAY, NEXT)
    assert (past.symbols, past.trades) == ((), ())


async def test_what_was_bought_and_sold_is_kept_apart_from_its_fees(store: Store) -> None:
    await store.facts.record(
        [
            fill("f1", units=3, fees=(eur(1),)),
            fill("f2", units=2, side="SELL"),
            fill("f3", units=5, at=at(30)),
        ],
        **TIMES,
    )
    past = await HoldingsHistories(store.ledger).between(DAY, NEXT)
    assert past.trades == (Traded(DAY, "EUR", 3000, 2000),)


async def test_splits_are_told_with_their_ex_date_whatever_the_window(store: Store) -> None:
    await moved(store, split(3))
    past = await HoldingsHistories(store.ledger).between(NEXT, NEXT)
    assert past.splits == (BookedSplit("AAA.EU", date(2026, 2, 27), DAY),)
    assert past.holdings == {"AAA.EU": 3_000_000}


async def test_an_empty_journal_has_no_past(store: Store) -> None:
    past = await HoldingsHistories(store.ledger).between(DAY, NEXT)
    assert (past.movements, past.holdings, past.cash, past.seq) == ((), {}, {}, 0)
