"""Dividends that the owner tells of, joined with the money that arrived, and how they are shown."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ledger.cash_flow import FlowRow
from ledger.dividend import DividendNote, DividendRecord, PotShare, PotState
from ledger.errors import Conflict, Missing
from ledger.money import Money, Quantity
from ledger.rate import Rate, RateTable
from store.engine import Tx
from store.inline import open_inline_engine
from store.migrate import migrate, migrations
from store.store import Store
from tests.store.builders import (
    NOW,
    TIMES,
    after,
    dividend,
    eur,
    fill,
    flow,
    instrument,
    paid,
    proposal,
    submission,
)

DAY = date(2026, 3, 2)


@pytest.fixture
def store(inline_store: Store) -> Store:
    return inline_store


def note(cash_flow: int | None = None, **changes: Any) -> DividendNote:
    values: dict[str, Any] = {
        "symbol": "AAA.EU",
        "isin": None,
        "money": eur("120"),
        "eur": eur("120"),
        "payment_date": DAY,
        "cash_flow_id": cash_flow,
    }
    return DividendNote(**{**values, **changes})


async def tell(store: Store, told: DividendNote) -> int:
    return await store.dividends.note(told, at=NOW, by="test")


async def one(store: Store, dividend_id: int) -> DividendRecord:
    record = await store.views.dividends.one(dividend_id)
    assert record is not None
    return record


async def arrived(store: Store, money: str = "120", **changes: Any) -> int:
    """A dividend's money without a report of it; the id of the cash flow."""
    await store.facts.record([flow("loose", "dividend", eur(money), **changes)], **TIMES)
    return (await store.views.flows.recent(1))[0].id


async def test_a_note_without_money_is_a_record_that_nothing_spends(store: Store) -> None:
    number = await tell(store, note())
    record = await one(store, number)
    assert (record.state, record.amount, record.left) == (PotState.RECEIVED, eur(120), eur(120))
    assert record.pending_bonus == eur(0)
    assert record.payment_date == DAY
    assert await store.dividends.pots() == ()
    assert await store.dividends.earmarked() == {}
    with pytest.raises(Conflict):
        await store.orders.propose(
            proposal(order_class="drip"), mode="live", at=NOW, shares=[PotShare(number, eur(1))]
        )
    with pytest.raises(Missing):
        await store.dividends.release(number, NOW)


async def test_a_linked_note_has_the_pot_of_its_cash_flow(store: Store) -> None:
    flow_id = await arrived(store)
    number = await tell(store, note(flow_id))
    (pot,) = await store.dividends.pots()
    assert (pot.dividend_id, pot.left, pot.paid_at) == (number, eur(120), NOW)
    record = await one(store, number)
    assert (record.state, record.cash_flow_id) == (PotState.ACCUMULATING, flow_id)
    assert record.pending_bonus == eur(120)


async def test_money_that_came_later_is_linked_to_what_was_told_before(store: Store) -> None:
    number = await tell(store, note())
    flow_id = await arrived(store)
    assert await tell(store, note(flow_id)) == number
    assert [pot.dividend_id for pot in await store.dividends.pots()] == [number]
    for again in (note(), note(flow_id)):
        with pytest.raises(Conflict):
            await tell(store, again)


async def test_a_cash_flow_has_one_dividend(store: Store) -> None:
    flow_id = await arrived(store)
    await tell(store, note(flow_id))
    with pytest.raises(Conflict) as caught:
        await tell(store, note(flow_id, payment_date=date(2026, 3, 3)))
    assert caught.value.code == "linked"
    await store.facts.record([dividend("d1"), *paid("d1")], **TIMES)
    reported = next(r for r in await store.views.dividends.all() if r.amount == eur(100))
    with pytest.raises(Conflict) as caught:
        await tell(store, note(reported.cash_flow_id, payment_date=date(2026, 3, 4)))
    assert caught.value.code == "linked"
    assert len(await store.dividends.pots()) == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"money": eur("119.99")},
        {"money": Money.of("120", "USD")},
        {"symbol": "BBB.EU"},
    ],
)
async def test_a_cash_flow_that_does_not_fit_is_not_linked(
    store: Store, changes: dict[str, Any]
) -> None:
    row = FlowRow("loose", "dividend", "dividend", "completed", eur(120), NOW, symbol="AAA.EU")
    await store.facts.record([row], **TIMES)
    flow_id = (await store.views.flows.recent(1))[0].id
    with pytest.raises(Conflict) as caught:
        await tell(store, note(flow_id, **changes))
    assert caught.value.code == "cash_flow_mismatch"
    assert await store.views.dividends.all() == ()


async def test_only_a_dividend_that_arrived_is_linked(store: Store) -> None:
    rows = [
        FlowRow("a", "dividend", "dividend", "pending", eur(120), NOW),
        FlowRow("b", "deposit", "deposit", "completed", eur(120), NOW),
    ]
    await store.facts.record(rows, **TIMES)
    for shown in await store.views.flows.recent(5):
        with pytest.raises(Conflict):
            await tell(store, note(shown.id))
    with pytest.raises(Missing):
        await tell(store, note(99))
    assert await store.views.dividends.all() == ()


async def test_a_correction_of_the_linked_transaction_moves_its_pot(store: Store) -> None:
    number = await tell(store, note(await arrived(store)))
    row = FlowRow("loose", "dividend", "dividend", "completed", eur("90"), NOW, description="x")
    await store.facts.record([row], **TIMES)
    assert (await one(store, number)).left == eur(90)
    gone = FlowRow("loose", "dividend", "dividend", "cancelled", eur("90"), NOW)
    await store.facts.record([gone], **TIMES)
    assert (await one(store, number)).state is PotState.CANCELLED


async def test_what_the_broker_reports_after_the_owner_is_the_same_dividend(store: Store) -> None:
    """K3: one pot, whoever spoke first."""
    flow_id = await arrived(store, reference="d1")
    number = await tell(store, note(flow_id))
    late = flow("tax", "tax", eur("-20"), reference="d1")
    await store.facts.record([dividend("d1"), late], **TIMES)
    (record,) = await store.views.dividends.all()
    assert (record.dividend_id, record.amount) == (number, eur(100))
    assert await store.dividends.earmarked() == {"EUR": 10_000}
    assert (await store.dividends.actions(["AAA.EU"]))["AAA.EU"] == (dividend("d1"),)


async def test_who_told_is_kept(store: Store) -> None:
    await store.dividends.note(note(), at=NOW, by="http:token")
    row = await store.ledger.read(lambda tx: tx.one("SELECT * FROM audit WHERE what = 'dividend'"))
    assert row is not None
    assert row["who"] == "http:token"


async def test_marking_turns_a_pot_into_cash_for_good(store: Store) -> None:
    """Also when the broker corrects the amount afterwards."""
    await store.facts.record([dividend("d1"), *paid("d1")], **TIMES)
    await store.dividends.mark_reinvested(1, Quantity.of(3), at=after(1))
    assert await store.dividends.pots() == ()
    for change in ("-5", "30"):
        more = flow(f"more{change}", "dividend", eur(change), reference="d1", at=after(2))
        await store.facts.record([more], **TIMES)
        assert await store.dividends.earmarked() == {}
    record = await one(store, 1)
    assert (record.state, record.reinvested) == (PotState.REINVESTED, True)
    assert (record.reinvested_at, record.reinvested_quantity) == (after(1), Quantity.of(3))
    assert record.reinvested_eur == record.amount_eur == eur(125)
    with pytest.raises(Conflict) as caught:
        await store.dividends.mark_reinvested(1, Quantity.of(3), at=NOW)
    assert caught.value.code == "already_reinvested"


async def test_a_reserved_dividend_cannot_be_marked(store: Store) -> None:
    await store.facts.record([dividend("d1"), *paid("d1")], **TIMES)
    await store.orders.propose(
        proposal(order_class="drip"), mode="live", at=NOW, shares=[PotShare(1, eur(10))]
    )
    with pytest.raises(Conflict) as caught:
        await store.dividends.mark_reinvested(1, Quantity.of(1), at=NOW)
    assert caught.value.code == "reserved"
    with pytest.raises(Missing):
        await store.dividends.mark_reinvested(9, Quantity.of(1), at=NOW)


async def test_a_dividend_that_was_taken_back_cannot_be_marked(store: Store) -> None:
    back = flow("back", "dividend", eur("-100"), reference="d1", at=after(1))
    await store.facts.record([dividend("d1"), *paid("d1"), back], **TIMES)
    with pytest.raises(Conflict) as caught:
        await store.dividends.mark_reinvested(1, Quantity.of(1), at=NOW)
    assert caught.value.code == "cancelled"


async def test_a_bonus_is_what_waits_until_the_owner_says_otherwise(store: Store) -> None:
    await store.facts.record([dividend("d1"), *paid("d1")], **TIMES)
    assert (await one(store, 1)).pending_bonus == eur(100)
    await store.dividends.set_bonus(1, eur(7))
    assert (await one(store, 1)).pending_bonus == eur(7)
    assert await store.dividends.clear_bonus("AAA.EU", at=after(1)) == 1
    assert await store.dividends.clear_bonus("AAA.EU", at=after(2)) == 0
    record = await one(store, 1)
    assert (record.pending_bonus, record.bonus_cleared) == (eur(0), True)
    assert record.cleared_at == after(1)
    await store.dividends.set_bonus(1, eur(8))
    assert not (await one(store, 1)).bonus_cleared
    await store.dividends.mark_reinvested(1, Quantity.of(1), at=NOW)
    assert (await one(store, 1)).pending_bonus == eur(0)
    with pytest.raises(Conflict):
        await store.dividends.set_bonus(1, eur(8))
    with pytest.raises(Missing):
        await store.dividends.set_bonus(9, eur(8))


async def test_what_a_purchase_leaves_is_shown_as_residual(store: Store) -> None:
    await store.securities.upsert([instrument()], allow_trading=True, confirmed=True)
    await store.settings.set_mode("live", "test", NOW)
    await store.facts.record([dividend("d1"), *paid("d1")], **TIMES)
    intent = await store.orders.propose(
        proposal(order_class="drip"), mode="live", at=NOW, shares=[PotShare(1, eur("99.40"))]
    )
    await store.orders.begin_submit(intent.intent_id, **submission())
    await store.orders.accepted(intent.intent_id, "b1", at=NOW)
    assert (await one(store, 1)).state is PotState.RESERVED
    await store.facts.record([fill("f1", at=after(3))], **TIMES)
    record = await one(store, 1)
    assert (record.residual, record.left, record.pending_bonus) == (eur("0.60"),) * 3
    assert record.reinvested_eur == eur("99.40")
    assert (record.reinvested_quantity, record.reinvested_at) == (Quantity.of(10), after(3))
    assert not record.reinvested
    assert record.isin == "DEAAA.EU"
    assert (await store.views.dividends.of("DEAAA.EU"))[0] == record


async def test_a_bonus_of_the_owner_ends_with_the_purchase(store: Store) -> None:
    await store.facts.record([dividend("d1"), *paid("d1")], **TIMES)
    await store.dividends.set_bonus(1, eur(80))
    intent = await store.orders.propose(
        proposal(order_class="drip"), mode="live", at=NOW, shares=[PotShare(1, eur("99.40"))]
    )
    await store.orders.begin_submit(intent.intent_id, **submission())
    await store.orders.accepted(intent.intent_id, "b1", at=NOW)
    assert (await one(store, 1)).pending_bonus == eur(80)
    await store.facts.record([fill("f1", at=after(3))], **TIMES)
    assert (await one(store, 1)).pending_bonus == eur("0.60")
    await store.dividends.set_bonus(1, eur(5))
    await store.facts.record([fill("f1", at=after(3))], **TIMES)
    assert (await one(store, 1)).pending_bonus == eur(5)


async def test_c10_a_value_in_euro_is_that_of_the_payment_day_or_unknown(store: Store) -> None:
    usd = Money.of("110", "USD")
    await store.facts.record([dividend("d1"), flow("m", "dividend", usd, reference="d1")], **TIMES)
    assert (await one(store, 1)).amount_eur is None
    assert (await one(store, 1)).pending_bonus is None
    rate = Rate("EUR", "USD", Decimal("1.10"), DAY, "ecb")
    await store.market.put_rates(RateTable({"USD": rate}), at=NOW)
    assert (await one(store, 1)).amount_eur == eur(100)
    told = await tell(
        store, note(money=usd, eur=eur("98"), payment_date=date(2020, 1, 2), symbol="BBB.EU")
    )
    assert (await one(store, told)).amount_eur == eur(98)


async def test_dividends_are_listed_by_payment_day(store: Store) -> None:
    for day in (date(2026, 1, 5), date(2026, 3, 1), date(2026, 2, 1)):
        await tell(store, note(payment_date=day))
    await store.facts.record([dividend("d1"), *paid("d1")], **TIMES)
    days = [record.payment_date.month for record in await store.views.dividends.all()]
    assert days == [1, 2, 3, 3]
    newest = await store.views.dividends.newest(2)
    assert [record.payment_date for record in newest] == [DAY, date(2026, 3, 1)]
    assert len(await store.views.dividends.of("AAA.EU")) == 4
    assert await store.views.dividends.of("BBB.EU") == ()


async def test_an_isin_with_two_listings_is_ambiguous(store: Store) -> None:
    both = [instrument("AAA.EU", isin="DE1"), instrument("AAA.US", isin="DE1", currency="USD")]
    await store.securities.upsert(both, allow_trading=True, confirmed=True)
    with pytest.raises(Conflict) as caught:
        await store.views.dividends.of("DE1")
    assert caught.value.code == "ambiguous"


async def test_pots_and_their_orders_survive_the_new_table(tmp_path: Path) -> None:
    steps = migrations("ledger")

    async def old_rows(tx: Tx) -> None:
        await tx.execute(
            "INSERT INTO fact VALUES (1, 'action', 'action:dividend:d1', 0, 0, 0, '{}')"
        )
        await tx.execute(
            "INSERT INTO corporate_action (fact_seq, action_id, kind, symbol, ex_date,"
            " effective_ms) VALUES (1, 'd1', 'dividend', 'AAA.EU', '2026-02-20', 0)"
        )
        await tx.execute(
            "INSERT INTO dividend VALUES (7, 1, 'd1', 'AAA.EU', 'EUR', 10000, 5, 0, NULL)"
        )
        await tx.execute(
            "INSERT INTO intent (intent_id, order_class, source_id, step, attempt, bucket_id,"
            " symbol, side, quantity_micro, currency, decision_micro, decision_currency, reason,"
            " force, mode, state, proposed_ms) VALUES (3, 'drip', 's', 1, 1, 'core', 'AAA.EU',"
            " 'BUY', 1, 'EUR', 1, 'EUR', '', '[]', 'live', 'proposed', 0)"
        )
        await tx.execute("INSERT INTO drip_allocation VALUES (7, 3, 4000, 4000, 0)")

    async with open_inline_engine(tmp_path / "ledger.db") as engine:
        await migrate(engine, "ledger", steps[:3])
        await engine.transaction(old_rows)
        await migrate(engine, "ledger", steps)
        row = await engine.read(lambda tx: tx.one("SELECT * FROM pot"))
        assert row is not None
        assert (row["dividend_id"], row["left_minor"], row["reserved_minor"]) == (7, 6_000, 4_000)
        broken = await engine.read(lambda tx: tx.all("PRAGMA foreign_key_check"))
        assert broken == []
