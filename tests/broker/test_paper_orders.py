"""What the exchange takes, when it fills and what that costs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from broker.market_data import OpeningCash
from ledger.errors import NotCancelable, RejectedByBroker
from ledger.money import Money, Price, Quantity
from ledger.order import Side
from tests.broker.paper_rig import CALM, EU, HK, INDEX, NOON, START, THIN, US, Rig, flat, run

POOR = replace(CALM, opening_cash=(OpeningCash("EUR", 1_00), OpeningCash("USD", 1_000_00)))


@pytest.mark.parametrize(
    ("side", "symbol", "quantity", "limit", "code"),
    [
        ("BUY", "EUR/CHF", 1, "1.1", "unknown_symbol"),
        ("BUY", INDEX, 1, "1000", "unknown_symbol"),
        ("BUY", US, "0.5", "100", "lot"),
        ("BUY", US, 0, "100", "lot"),
        ("SELL", US, -1, "100", "lot"),
        ("BUY", US, 1, "100.005", "tick"),
        ("BUY", HK, 100, "20", "market_closed"),
        ("BUY", US, 101, "100", "insufficient_funds"),
        ("SELL", US, 101, "100", "insufficient_position"),
        ("SELL", EU, 1, "50", "insufficient_position"),
        ("BUY", "EUR/USD", 10_000, "1.1000", "insufficient_funds"),
        ("SELL", "EUR/USD", 20_001, "1.1000", "insufficient_funds"),
        ("SELL", "GBP/USD", 1, "1.3000", "insufficient_funds"),
    ],
)
def test_an_order_against_the_rules_is_refused_with_its_reason(
    side: Side, symbol: str, quantity: str | int, limit: str, code: str
) -> None:
    rig = Rig()
    with pytest.raises(RejectedByBroker) as refused:
        rig.place(side, symbol, quantity, limit)
    assert refused.value.broker_code == code
    assert run(rig.broker.orders_since(START)) == ()


def test_a_limit_in_another_currency_is_refused() -> None:
    rig = Rig()
    draft = replace(rig.draft("BUY", US, 1, "100"), limit=Price.of(100, "EUR"))
    with pytest.raises(RejectedByBroker) as refused:
        run(rig.broker.place(draft))
    assert refused.value.broker_code == "currency"


def test_a_security_that_is_not_quoted_cannot_be_ordered() -> None:
    rig = Rig(market=replace(CALM, bars={**CALM.bars, EU: flat(50, 100, days=1)}))
    with pytest.raises(RejectedByBroker) as refused:
        rig.place("BUY", EU, 1, "50")
    assert refused.value.broker_code == "no_quote"


def test_open_orders_hold_the_money_they_need() -> None:
    rig = Rig()
    rig.place("BUY", US, 60, "98")
    with pytest.raises(RejectedByBroker):
        rig.place("BUY", US, 50, "98")
    rig.place("BUY", US, 40, "98")


def test_open_sales_hold_the_units_they_sell() -> None:
    rig = Rig()
    rig.place("SELL", US, 60, "104")
    with pytest.raises(RejectedByBroker):
        rig.place("SELL", US, 41, "104")
    rig.place("SELL", US, 40, "104")


def test_the_fee_must_be_there_in_its_own_currency() -> None:
    rig = Rig(market=POOR)
    with pytest.raises(RejectedByBroker) as refused:
        rig.place("BUY", US, 1, "100")
    assert "EUR" in str(refused.value)


def test_an_account_without_euros_sells_and_pays_the_fee_from_the_proceeds() -> None:
    rig = Rig(market=POOR)
    rig.place("SELL", US, 1, "100")
    rig.wait(seconds=10)
    (fill,) = rig.fills()
    assert [fee.currency for fee in fill.fees] == ["USD"]
    assert rig.cash("EUR") == Money(1_00, "EUR")
    assert rig.cash("USD") == Money(1_000_00, "USD") + fill.gross - fill.fees[0]


def test_a_sale_too_small_for_its_fee_is_refused_without_euros() -> None:
    market = replace(POOR, bars={**CALM.bars, US: flat(2, 1_000_000)})
    rig = Rig(market=market)
    with pytest.raises(RejectedByBroker) as refused:
        rig.place("SELL", US, 1, "1.50")
    assert refused.value.broker_code == "insufficient_funds"


def test_an_order_fills_one_to_five_seconds_later_at_the_open() -> None:
    rig = Rig()
    order = rig.place("BUY", US, 10, "100.50")
    rig.wait(seconds=0.9)
    assert rig.order(order).state == "pending"
    rig.wait(seconds=4.2)
    assert rig.order(order).state == "filled"
    (fill,) = rig.fills()
    assert fill.price == Price.of(100, "USD")
    assert timedelta(seconds=1) <= fill.executed_at - NOON <= timedelta(seconds=5)


@pytest.mark.parametrize(
    ("side", "limit", "price"),
    [
        ("BUY", "99.40", "99.40"),
        ("BUY", "99.00", "99.00"),
        ("BUY", "105", "100"),
        ("SELL", "100.60", "100.60"),
        ("SELL", "90", "100"),
        ("BUY", "98.99", None),
        ("SELL", "101.01", None),
    ],
)
def test_a_fill_is_at_the_better_of_limit_and_open_within_the_bar(
    side: Side, limit: str, price: str | None
) -> None:
    rig = Rig()
    rig.place(side, US, 1, limit)
    rig.wait(seconds=10)
    assert [fill.price.value for fill in rig.fills()] == ([Decimal(price)] if price else [])


def test_a_fill_costs_two_euros_and_a_fifth_of_a_percent() -> None:
    rig = Rig()
    rig.place("BUY", EU, 20, "50")
    rig.wait(seconds=10)
    (fill,) = rig.fills()
    assert fill.gross == Money(1_000_00, "EUR")
    assert fill.fees == (Money(4_00, "EUR"),)
    assert rig.cash("EUR") == Money(20_000_00 - 1_004_00, "EUR")


def test_a_foreign_trade_pays_its_fee_in_euros() -> None:
    rig = Rig()
    rig.place("BUY", US, 10, "100")
    rig.wait(seconds=10)
    (fill,) = rig.fills()
    assert fill.fees == (Money(2_00 + 182, "EUR"),)  # 1000 USD at 1.1011 is 908.19 EUR
    assert rig.cash("USD") == Money(9_000_00, "USD")
    assert rig.cash("EUR") == Money(20_000_00 - 3_82, "EUR")


def test_a_large_order_fills_in_slices_up_to_a_tenth_of_the_volume() -> None:
    rig = Rig()
    order = rig.place("BUY", THIN, 50, "10.50")
    rig.wait(seconds=10)
    assert rig.order(order).state == "partially_filled"
    assert rig.order(order).filled == Quantity.of(2)
    rig.wait(hours=5)
    assert [fill.quantity.units for fill in rig.fills()] == [2, 2, 2, 2, 2]
    assert len({fill.executed_at for fill in rig.fills()}) == 5
    assert sum(fee.minor >= 2_00 for fill in rig.fills() for fee in fill.fees) == 1


def test_a_part_that_was_not_filled_expires_with_the_session() -> None:
    rig = Rig()
    order = rig.place("BUY", THIN, 50, "10.50")
    rig.wait(hours=6)
    view = rig.order(order)
    assert (view.state, view.filled) == ("expired", Quantity.of(10))
    assert run(rig.broker.open_orders()) == ()


def test_an_expired_order_gives_its_money_back() -> None:
    rig = Rig()
    rig.place("BUY", US, 100, "98")
    rig.wait(days=1)
    rig.place("BUY", US, 100, "98")


def test_without_volume_there_is_no_fill() -> None:
    rig = Rig(market=replace(CALM, bars={**CALM.bars, US: flat(100, 0)}))
    order = rig.place("BUY", US, 1, "101")
    rig.wait(hours=1)
    assert rig.order(order).state == "active"
    assert rig.fills() == ()


def test_lunch_postpones_a_try_to_the_next_opening() -> None:
    rig = Rig(now=NOON.replace(hour=3, minute=58))
    rig.place("BUY", "HKD/EUR", 5_000, "0.12000")
    rig.wait(seconds=119.5)
    rig.place("BUY", HK, 100, "20.50")
    rig.wait(hours=1)
    assert [fill.symbol for fill in rig.fills()] == ["HKD/EUR"]
    rig.wait(minutes=1)
    assert rig.fills()[1].executed_at == NOON.replace(hour=5)


def test_cancelling_takes_a_second() -> None:
    rig = Rig()
    order = rig.place("BUY", US, 1, "98")
    run(rig.broker.cancel(order))
    run(rig.broker.cancel(order))
    rig.wait(seconds=0.9)
    assert rig.order(order).live
    rig.wait(seconds=0.1)
    assert rig.order(order).state == "cancelled"
    with pytest.raises(NotCancelable):
        run(rig.broker.cancel(order))


def test_a_fill_may_win_the_race_against_a_cancellation() -> None:
    twin = Rig()
    twin.place("BUY", US, 1, "101")
    twin.wait(seconds=10)
    rig = Rig()
    order = rig.place("BUY", US, 1, "101")
    rig.now = twin.fills()[0].executed_at - timedelta(seconds=0.5)
    run(rig.broker.cancel(order))
    rig.wait(seconds=1)
    assert rig.order(order).state == "filled"


def test_a_buy_of_a_pair_pays_quote_for_whole_units_of_base_at_the_ask() -> None:
    rig = Rig()
    rig.place("BUY", "EUR/USD", 1_000, "1.1100")
    rig.wait(seconds=10)
    (fill,) = rig.fills()
    assert fill.fees == ()
    assert fill.price == Price.of("1.1036", "USD")
    assert rig.cash("EUR") == Money(21_000_00, "EUR")
    assert rig.cash("USD") == Money(10_000_00 - 1_103_60, "USD")


def test_a_sale_of_a_pair_opens_a_balance_in_its_quote_currency() -> None:
    rig = Rig()
    rig.place("BUY", "HKD/EUR", 800, "0.12000")
    rig.wait(seconds=10)
    assert rig.cash("HKD") == Money(800_00, "HKD")
    assert rig.cash("EUR") == Money(20_000_00, "EUR") - rig.fills()[0].gross


def test_a_conversion_out_of_reach_is_tried_again_with_the_next_rate() -> None:
    rig = Rig(now=NOON - timedelta(hours=1))
    order = rig.place("SELL", "EUR/USD", 100, "1.1005")
    rig.wait(seconds=10)
    assert rig.order(order).state == "active"
    rig.wait(hours=1)
    (fill,) = rig.fills()
    assert fill.executed_at == NOON
    assert fill.price.value >= Decimal("1.1005")


def test_money_settles_a_day_later_in_new_york_and_two_elsewhere() -> None:
    rig = Rig()
    rig.place("SELL", US, 10, "99")
    rig.place("BUY", EU, 10, "51")
    rig.wait(seconds=10)
    settled: list[tuple[int, bool]] = []
    for _ in range(4):
        cash = run(rig.broker.snapshot()).cash
        settled.append((cash["USD"].settled.minor, cash["EUR"].settled == cash["EUR"].available))
        rig.wait(days=1)
    assert [usd for usd, _ in settled] == [10_000_00, 11_000_00, 11_000_00, 11_000_00]
    assert [done for _, done in settled] == [False, False, True, True]


def test_the_average_cost_is_the_price_paid_without_fees() -> None:
    rig = Rig()
    rig.place("BUY", US, 100, "99")
    rig.wait(seconds=10)
    holding = run(rig.broker.snapshot()).holdings[US]
    assert holding.quantity == Quantity.of(200)
    assert holding.average_cost == Price.of("94.5", "USD")
