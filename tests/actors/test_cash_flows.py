"""Cash flows through sync: every status is read, completed ones are booked, counts are told."""

from __future__ import annotations

from dataclasses import replace

from ledger.money import Money
from tests.actors.rig import Rig
from tests.support.builders import eur
from wire.messages import Nudge


async def statuses(rig: Rig) -> dict[str, str]:
    rows = await rig.store.views.flows.recent(None)
    return {row.flow.transaction_id: row.flow.status for row in rows}


async def test_k2_a_pending_deposit_is_shown_and_counts_once_it_is_completed(rig: Rig) -> None:
    await rig.start("sync")
    name = rig.broker.flow("deposit", "250", status="pending")
    assert (await rig.sync()).cash_in("EUR") == eur("10000")
    assert await statuses(rig) == {name: "pending"}
    rig.broker.becomes(name, "processing")
    await rig.sync()
    rig.broker.becomes(name, "completed")
    portfolio = await rig.sync()
    assert portfolio.cash_in("EUR") == eur("10250")
    assert portfolio.differences == ()
    assert await statuses(rig) == {name: "completed"}
    assert len(rig.events("DEPOSIT_PROCESSED")) == 1


async def test_k2_a_deposit_that_is_taken_back_leaves_the_books_in_step(rig: Rig) -> None:
    await rig.start("sync")
    name = rig.broker.deposit("250")
    await rig.sync()
    rig.broker.becomes(name, "cancelled")
    portfolio = await rig.sync()
    assert portfolio.cash_in("EUR") == eur("10000")
    assert portfolio.differences == ()
    amounts = [event.data["amount"] for event in rig.events("DEPOSIT_PROCESSED")]
    assert amounts == ["250.00", "-250.00"]


async def test_k3_every_deposit_is_divided_when_it_is_recorded(rig: Rig) -> None:
    await rig.start("sync")
    rig.broker.deposit("250")
    rig.broker.deposit("100", "USD")
    for _ in range(3):
        await rig.sync()
    rows = await rig.store.ledger.read(
        lambda tx: tx.all("SELECT bucket_id, minor, currency FROM deposit_allocation ORDER BY 3")
    )
    assert [tuple(row) for row in rows] == [("core", 250_00, "EUR"), ("core", 100_00, "USD")]


async def test_the_flows_of_a_cycle_are_counted_when_any_was_new(rig: Rig) -> None:
    await rig.start("sync")
    assert rig.events("CASH_FLOW_SYNC_COMPLETE") == []
    rig.broker.deposit("100", "USD")
    rig.broker.flow("other", "-1", status="pending")
    rig.broker.dividend("DEMO-A.EU", "5")
    await rig.sync()
    await rig.sync()
    (event,) = rig.events("CASH_FLOW_SYNC_COMPLETE")
    counts = {name: event.data[name] for name in event.data if name != "completion_timestamp"}
    assert counts == {
        "synced_count": 3,
        "deposits_processed": 1,
        "dividends_created": 1,
        "total_from_api": 3,
    }
    (deposit,) = rig.events("DEPOSIT_PROCESSED")
    assert (deposit.data["currency"], deposit.data["amount_eur"]) == ("USD", "80.00")


async def test_a_flow_in_an_unknown_currency_is_kept_apart_and_stops_no_other(rig: Rig) -> None:
    await rig.start("sync")
    rig.broker.flow("deposit", "1", status="pending")
    odd = replace(rig.broker.flows[0], transaction_id="ODD", money=Money(100, "QQQ"))
    rig.broker.flows.insert(0, odd)
    version = rig.boards.portfolio.version
    rig.broker.becomes("C1", "completed")
    rig.system.nudges["sync"].nudge(Nudge("test"))
    await rig.boards.portfolio.wait_newer(version)
    assert await statuses(rig) == {"C1": "completed"}
    (held_back,) = await rig.store.quarantine.open_rows()
    assert held_back.source_key == "flow:ODD"
