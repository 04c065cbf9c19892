"""A recorded outage: the line is cut, the exchange behind it lives on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from broker.market_data import CashRow, OpeningCash, OutageRow
from broker.market_folder import MarketFolderError, load_market_folder
from ledger.errors import Unavailable
from ledger.money import Money
from tests.broker.paper_rig import CALM, NOON, START, US, Rig, run
from tests.broker.test_market_folder import write_folder

SINCE = NOON + timedelta(minutes=30)
UNTIL = NOON + timedelta(hours=2)
AWAY = replace(CALM, outages=(OutageRow(SINCE, UNTIL),))


def test_during_an_outage_every_call_is_unavailable() -> None:
    rig = Rig(market=AWAY)
    accepted = rig.place("BUY", US, 1, "50")
    rig.now = SINCE
    broker = rig.broker
    for call in (
        broker.probe(),
        broker.snapshot(),
        broker.instruments(),
        broker.quotes([US]),
        broker.rates(),
        broker.fills_since(None),
        broker.cash_flows_since(None),
        broker.corporate_actions_since(None),
        broker.open_orders(),
        broker.orders_since(START),
        broker.place(rig.draft("BUY", US, 1, "50")),
        broker.cancel(accepted),
    ):
        with pytest.raises(Unavailable, match="away until 2024-01-09 17:00 UTC"):
            run(call)


def test_an_outage_is_half_open() -> None:
    rig = Rig(market=AWAY, now=SINCE - timedelta(seconds=1))
    assert run(rig.broker.probe())
    rig.now = UNTIL
    assert run(rig.broker.probe()) == UNTIL


def test_orders_fill_behind_the_outage() -> None:
    rig = Rig(market=AWAY, now=SINCE - timedelta(seconds=1))
    accepted = rig.place("BUY", US, 1, "101")
    rig.now = SINCE + timedelta(hours=1)
    with pytest.raises(Unavailable):
        run(rig.broker.snapshot())
    rig.now = UNTIL
    assert rig.order(accepted).state == "filled"
    (fill,) = rig.fills()
    assert SINCE <= fill.executed_at < UNTIL


def test_o3_an_order_that_met_an_outage_was_certainly_not_placed() -> None:
    rig = Rig(market=AWAY, now=SINCE)
    with pytest.raises(Unavailable):
        rig.place("BUY", US, 1, "101")
    rig.now = UNTIL
    assert run(rig.broker.orders_since(START)) == ()


def test_withdrawals_and_opening_balances_may_leave_cash_below_zero() -> None:
    market = replace(
        CALM,
        opening_cash=(OpeningCash("EUR", 100_00), OpeningCash("USD", -12_34)),
        cash=(CashRow(NOON.date(), "EUR", -150_00),),
    )
    rig = Rig(market=market)
    assert rig.cash("USD") == Money(-12_34, "USD")
    assert rig.cash("EUR") == Money(-50_00, "EUR")


def test_outages_are_read_from_the_folder(tmp_path: Path) -> None:
    text = (
        "from,to\n2009-01-06T15:00:00Z,2009-01-06T16:30:00Z\n2009-01-05T15:00Z,2009-01-05T15:30Z\n"
    )
    data = load_market_folder(write_folder(tmp_path / "market", outages=text))
    first, second = data.outages
    assert first.since == datetime(2009, 1, 5, 15, tzinfo=UTC)
    assert data.outage_at(second.since) == second
    assert data.outage_at(second.until) is None


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("2009-01-06T15:00:00,2009-01-06T16:00:00Z", "is not an instant like"),
        ("2009-01-06T15:00:00+02:00,2009-01-06T16:00:00Z", "is not an instant like"),
        ("2009-01-06,2009-01-07T00:00:00Z", "is not an instant like"),
        ("2009-01-06T25:00:00Z,2009-01-07T00:00:00Z", "is not an instant of the calendar"),
        ("2009-01-06T15:00:00Z,2009-01-06T15:00:00Z", "not after its start"),
        ("2009-01-06T15:00:00Z", "has 1 fields instead of 2"),
    ],
)
def test_a_bad_outage_is_reported_with_its_line(tmp_path: Path, row: str, reason: str) -> None:
    folder = write_folder(tmp_path / "market", outages=f"from,to\n{row}\n")
    with pytest.raises(MarketFolderError) as caught:
        load_market_folder(folder)
    (problem,) = caught.value.problems
    assert (problem.file, problem.line) == ("outages.csv", 2)
    assert reason in problem.reason
