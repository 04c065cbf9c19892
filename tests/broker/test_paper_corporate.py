"""Deposits, dividends and splits on the paper exchange."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from broker.market_data import (
    CashRow,
    DividendRow,
    MarketData,
    OpeningCash,
    OpeningPosition,
    SplitRow,
)
from broker.paper.withholding import withholding_micro
from ledger.cash_flow import FlowRow
from ledger.fact import CorporateAction
from ledger.money import Money, Price, Quantity
from tests.broker.paper_rig import (
    CALM,
    EU,
    HK,
    US,
    Rig,
    booked,
    flat,
    opening,
    run,
    shown,
    weekdays,
)

DAYS = weekdays(20)
EX = DAYS[3]  # Thursday 11 January
PAID = DAYS[8]
DIVIDEND = replace(CALM, dividends=(DividendRow(US, EX, PAID, 1_010_000, "USD"),))


def flows(rig: Rig) -> Sequence[FlowRow]:
    return run(rig.broker.cash_flows_since(None))[0]


def actions(rig: Rig) -> Sequence[CorporateAction]:
    return run(rig.broker.corporate_actions_since(None))[0]


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)


def with_split(ratio: str, units: int) -> MarketData:
    return replace(
        CALM,
        splits=(SplitRow(US, EX, Decimal(ratio)),),
        opening_positions=(OpeningPosition(US, "USD", units * 1_000_000, 90_000_000),),
    )


def test_deposits_and_withdrawals_are_booked_in_the_morning() -> None:
    rows = (CashRow(DAYS[2], "EUR", 500_00), CashRow(DAYS[3], "GBP", -5_00))
    rig = Rig(market=replace(CALM, cash=rows))
    assert flows(rig) == ()
    rig.wait(days=3)
    assert [(flow.category, flow.money) for flow in flows(rig)] == [
        ("deposit", Money(500_00, "EUR")),
        ("withdrawal", Money(-5_00, "GBP")),
    ]
    assert [flow.booked_at for flow in flows(rig)] == [at(DAYS[2], 6), at(DAYS[3], 6)]
    assert rig.cash("GBP") == Money(-5_00, "GBP")


def test_rows_from_before_the_start_are_history_but_the_first_day_counts() -> None:
    rows = (CashRow(date(2024, 1, 5), "EUR", 1_00), CashRow(DAYS[0], "EUR", 2_00))
    rig = Rig(market=replace(CALM, cash=rows))
    assert [flow.money.minor for flow in flows(rig)] == [2_00]
    assert flows(rig)[0].booked_at == at(DAYS[0], 7)


def test_money_that_was_withdrawn_does_not_buy() -> None:
    market = replace(
        CALM,
        bars={**CALM.bars, HK: flat(20, 5_000)},
        cash=(CashRow(DAYS[2], "HKD", -7_000_00),),
        opening_cash=(OpeningCash("EUR", 100_00), OpeningCash("HKD", 10_000_00)),
    )
    rig = Rig(market=market, now=at(DAYS[2], 5, 59))
    order = rig.place("BUY", HK, 300, "20.50")
    rig.wait(days=1)
    assert (rig.order(order).state, rig.order(order).filled) == ("expired", Quantity.of(100))
    assert rig.cash("HKD") == Money(1_000_00, "HKD")


def test_a_dividend_is_gross_and_tax_and_a_row_that_explains_them() -> None:
    rig = Rig(market=DIVIDEND)
    rig.now = at(PAID, 6)
    gross, tax = flows(rig)
    (row,) = actions(rig)
    assert (gross.category, gross.money) == ("dividend", Money(101_00, "USD"))
    assert (tax.category, tax.money) == ("tax", Money(-15_15, "USD"))
    assert gross.reference == tax.reference == row.action_id
    assert (row.kind, row.ex_date, row.pay_date) == ("dividend", EX, PAID)
    assert (row.held, row.per_share) == (Quantity.of(100), Price.of("1.01", "USD"))
    assert row.net == Money(85_85, "USD")
    assert row.quantity_delta is None


def test_a_dividend_is_paid_on_its_day_and_not_reported_before() -> None:
    rig = Rig(market=DIVIDEND)
    rig.now = at(PAID, 5, 59)
    assert (flows(rig), actions(rig)) == ((), ())
    rig.wait(minutes=1)
    assert len(flows(rig)) == 2
    assert actions(rig)[0].effective_at == at(PAID, 6)


def test_who_sells_on_the_ex_date_is_still_paid() -> None:
    rig = Rig(market=DIVIDEND, now=at(EX, 15))
    rig.place("SELL", US, 100, "99")
    rig.wait(days=10)
    assert rig.held(US) == 0
    assert actions(rig)[0].held == Quantity.of(100)


def test_who_buys_on_the_ex_date_is_not_paid_for_it() -> None:
    rig = Rig(market=DIVIDEND, now=at(EX, 15))
    rig.place("BUY", US, 50, "100")
    rig.wait(days=10)
    assert rig.held(US) == 150
    assert actions(rig)[0].held == Quantity.of(100)


def test_two_dividends_of_one_day_are_two() -> None:
    rows = (
        DividendRow(US, EX, PAID, 1_000_000, "USD"),
        DividendRow(US, EX, PAID, 3_000_000, "USD"),
    )
    rig = Rig(market=replace(CALM, dividends=rows))
    rig.wait(days=12)
    assert [row.gross for row in actions(rig)] == [Money(100_00, "USD"), Money(300_00, "USD")]
    assert len({row.action_id for row in actions(rig)}) == 2


def test_nothing_held_is_nothing_paid() -> None:
    rig = Rig(market=replace(CALM, dividends=(DividendRow(EU, EX, PAID, 1_000_000, "EUR"),)))
    rig.wait(days=12)
    assert (flows(rig), actions(rig)) == ((), ())


@pytest.mark.parametrize(
    ("country", "micro"),
    [("US", 150_000), ("united states", 150_000), ("Hong Kong", 0), (None, 150_000)],
)
def test_tax_is_kept_by_country(country: str | None, micro: int) -> None:
    assert withholding_micro(country) == micro


def test_a_split_changes_units_and_cost_at_the_opening_of_its_day() -> None:
    rig = Rig(market=with_split("2", 100))
    rig.now = at(EX, 14, 29)
    assert rig.held(US) == 100
    rig.wait(minutes=1)
    holding = run(rig.broker.snapshot()).holdings[US]
    assert (holding.quantity, holding.average_cost) == (Quantity.of(200), Price.of(45, "USD"))
    (row,) = actions(rig)
    assert (row.kind, row.ratio, row.quantity_delta) == ("split", Decimal(2), Quantity.of(100))
    assert flows(rig) == ()


def test_a_fraction_of_a_share_is_paid_in_cash() -> None:
    rig = Rig(market=with_split("1.5", 15))
    rig.wait(days=4)
    assert rig.held(US) == 22
    (flow,) = flows(rig)
    assert (flow.category, flow.money) == ("other", Money(50_00, "USD"))
    assert flow.reference == actions(rig)[0].action_id
    assert run(shown(rig.broker)) == run(booked(rig.broker, opening(with_split("1.5", 15))))


def test_a_reverse_split_may_turn_a_small_holding_into_cash() -> None:
    rig = Rig(market=with_split("0.1", 5))
    rig.wait(days=4)
    assert rig.held(US) == 0
    assert actions(rig)[0].quantity_delta == Quantity.of(-5)
    assert flows(rig)[0].money == Money(50_00, "USD")


def test_a_split_without_a_session_waits_for_the_next_one() -> None:
    saturday = date(2024, 1, 13)
    market = replace(CALM, splits=(SplitRow(US, saturday, Decimal(2)),))
    rig = Rig(market=market)
    rig.now = at(DAYS[5], 14, 29)
    assert rig.held(US) == 100
    rig.wait(minutes=1)
    assert rig.held(US) == 200


def test_an_account_that_owes_money_can_still_be_repaired() -> None:
    market = replace(
        CALM,
        cash=(CashRow(DAYS[2], "EUR", -50_00),),
        opening_cash=(OpeningCash("EUR", 10_00), OpeningCash("USD", 500_00)),
    )
    rig = Rig(market=market, now=at(DAYS[2], 15))
    assert rig.cash("EUR") == Money(-40_00, "EUR")
    rig.place("SELL", US, 5, "99")
    rig.place("BUY", "EUR/USD", 45, "1.1200")
    rig.wait(seconds=10)
    assert rig.cash("EUR") == Money(5_00, "EUR")
    assert [fill.symbol for fill in sorted(rig.fills(), key=lambda f: f.symbol)] == ["EUR/USD", US]
