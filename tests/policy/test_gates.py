"""Every gate fails closed, for every class of order that it applies to."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.bucket import Bucket
from ledger.halt import Latch
from ledger.money import Money, Price, Quantity
from ledger.order import OrderClass, OrderState, OrderView
from ledger.portfolio import BookDifference
from ledger.trade_history import Trade, TradeHistory
from policy import gates
from policy.gate_context import GateContext, foreign_reservations, worst_cost
from policy.limits import DEFAULTS
from policy.pricing import LimitPrice
from tests.support.builders import (
    EURUSD,
    NOW,
    account,
    eur,
    gate_context,
    intent,
    proposal,
    quote,
    security,
    usd,
)

CLASSES: tuple[OrderClass, ...] = ("planner", "drip", "manual", "emergency", "fx")


def failing(context: GateContext) -> set[str]:
    return {verdict.gate for verdict in gates.blocked_by(gates.evaluate(context))}


def view(symbol: str = "DEMO-A.EU", side: str = "BUY", units: str = "5") -> OrderView:
    return OrderView(
        broker_order_id="77",
        client_order_id=None,
        symbol=symbol,
        side=side,  # type: ignore[arg-type]
        quantity=Quantity.of(units),
        filled=Quantity(0),
        limit=Price.of("100", "EUR"),
        state="active",
        reason=None,
        created_at=NOW,
    )


def test_a_sound_order_passes_every_gate() -> None:
    assert failing(gate_context()) == set()


def trade(symbol: str, at: datetime, **changes: Any) -> Trade:
    return replace(Trade(symbol, "BUY", "planner", at, live=False), **changes)


def history(*trades: Trade) -> TradeHistory:
    return TradeHistory({}, {}, trades)


BROKEN: dict[str, dict[str, Any]] = {
    "G0": {"mode": "research"},
    "G0b": {"latches": (Latch("owner", "holiday", NOW),)},
    "AGE": {"proposed_at": NOW - timedelta(minutes=61)},
    "SNAP": {"now_s": 161.0},
    "BOOKS": {"differences": (BookDifference(1, "cash", "EUR", 0, 500, True, NOW),)},
    "L7": {"security": security(confirmed=False)},
    "G3": {"security": security(allow_buy=False)},
    "G4": {"security": security(lot=Quantity.of(2))},
    "G5": {"total_eur": eur("100"), "limits": replace(DEFAULTS, max_order_floor=eur("100"))},
    "G12": {"bucket": Bucket("core", "Core", "paused")},
    "G13": {"in_flight": (intent(OrderState.ACTIVE),)},
    "L3": {"open_orders": (view(side="SELL"),)},
    "L1": {"market_open": False},
    "G9": {"now": NOW + timedelta(minutes=6)},
    "G10": {"quote": quote(bid=None)},
    "L6": {"books_cash": {"EUR": 30_000}},
    "L2": {"history": TradeHistory({"DEMO-A.EU": NOW - timedelta(days=29)}, {}, ())},
    "G8": {"total_eur": eur("8000")},
    "G11": {"fee": eur("3.10")},
    "G1": {"history": history(trade("DEMO-B.EU", NOW - timedelta(minutes=59)))},
    "G2": {"equity_change": Decimal("-0.05")},
}


@pytest.mark.parametrize("gate", BROKEN)
def test_each_gate_alone_stops_a_planned_order(gate: str) -> None:
    assert gate in failing(gate_context(**BROKEN[gate]))


UNREADABLE: dict[str, tuple[dict[str, Any], str]] = {
    "mode": ({"mode": None}, "G0"),
    "latches": ({"latches": None}, "G0b"),
    "account": ({"account": None}, "SNAP"),
    "executions": ({"unbooked": None}, "SNAP"),
    "incomplete account": ({"account": replace(account(EUR="1000"), complete=False)}, "SNAP"),
    "open orders": ({"open_orders": None}, "L3"),
    "market hours": ({"market_open": None}, "L1"),
    "quote": ({"quote": None}, "G9"),
    "fee": ({"fee": None}, "L6"),
    "reserve": ({"reserves": {}}, "L6"),
    "portfolio value": ({"total_eur": None}, "G5"),
    "security": ({"security": None}, "L7"),
    "the broker's clock": ({"clock_skew": None}, "G0b"),
    "the broker's word on the market": ({"quote": quote(market_open=None)}, "L1"),
    "bucket": ({"bucket": None}, "G12"),
    "value of the account": ({"total_eur": None}, "G8"),
    "fee of the order": ({"fee": None}, "G11"),
    "equity of the last day": ({"equity_change": None}, "G2"),
}


@pytest.mark.parametrize("what", UNREADABLE)
def test_o4_what_cannot_be_read_blocks_the_order(what: str) -> None:
    changes, gate = UNREADABLE[what]
    assert gate in failing(gate_context(**changes))


def test_a_sale_needs_the_shares_that_are_not_already_for_sale() -> None:
    sale = proposal(side="SELL", quantity=Quantity.of(6), order_class="manual")
    assert failing(gate_context(proposal=sale)) == set()
    resting = gate_context(proposal=sale, open_orders=(view(side="SELL"),))
    assert "L5" in failing(resting)


def test_c1_a_sale_above_the_holding_of_books_or_broker_is_refused() -> None:
    sale = proposal(side="SELL", quantity=Quantity.of(10), order_class="manual")
    assert failing(gate_context(proposal=sale)) == set()
    assert "L5" in failing(gate_context(proposal=sale, books_held=Quantity.of(9)))
    fewer = account(EUR="1000", held={"DEMO-A.EU": "9"})
    assert "L5" in failing(gate_context(proposal=sale, account=fewer))


def test_the_broker_may_call_a_market_closed_that_the_calendar_calls_open() -> None:
    assert "L1" in failing(gate_context(quote=quote(market_open=False)))


def test_a_price_that_moved_more_than_a_percent_since_the_decision_is_refused() -> None:
    assert "G9" in failing(gate_context(quote=quote(last="101.2")))
    assert "G9" not in failing(gate_context(quote=quote(last="100.9")))


def test_m2_a_price_that_jumped_is_quarantined() -> None:
    verdicts = gates.evaluate(gate_context(quote=quote(last="106")))
    assert any("quarantined" in verdict.detail for verdict in gates.blocked_by(verdicts))


@pytest.mark.parametrize(
    ("close", "quarantined"),
    [("9.090909", True), ("9.090910", False), ("1000", False), ("1000.01", True)],
)
def test_m2_a_price_that_no_day_can_have_made_is_quarantined(close: str, quarantined: bool) -> None:
    odd = quote(previous_close=Price.of(close, "EUR"))
    assert ("G9" in failing(gate_context(quote=odd))) is quarantined


@pytest.mark.parametrize(
    ("mean", "quarantined"), [(10.0, True), (10.01, False), (1000.0, False), (1e6, False)]
)
def test_m2_a_price_ten_times_the_mean_of_its_month_is_quarantined(
    mean: float, quarantined: bool
) -> None:
    assert ("G9" in failing(gate_context(mean_close=mean))) is quarantined


def test_m2_a_close_in_another_currency_says_nothing_good() -> None:
    assert failing(gate_context(quote=quote(previous_close=Price.of("100", "USD")))) == {"G9"}


def test_c2_money_to_try_with_is_no_money_once_orders_leave() -> None:
    tried = replace(DEFAULTS, virtual_test_cash=eur("100000"))
    short = {"books_cash": {"EUR": 30_000}, "limits": tried}
    assert failing(gate_context(**short)) == {"L6"}
    assert failing(gate_context(**short, mode="research")) == {"G0"}
    assert failing(gate_context(**short, mode=None)) == {"G0", "L6"}


def test_m7_a_decision_of_a_clock_that_was_ahead_is_refused() -> None:
    skew = DEFAULTS.max_clock_skew
    assert failing(gate_context(proposed_at=NOW + skew)) == set()
    ahead = gate_context(proposed_at=NOW + skew + timedelta(milliseconds=1))
    assert failing(ahead) == {"AGE"}


def test_a_quote_from_the_future_is_refused() -> None:
    assert "G9" in failing(gate_context(quote=quote(at=NOW + timedelta(minutes=1))))


@pytest.mark.parametrize("order_class", ["manual", "fx", "emergency"])
@pytest.mark.parametrize(("last", "believed"), [("1.2875", True), ("1.2876", False), ("1.21", 0)])
def test_a_pair_quoted_far_from_its_reference_rate_converts_nothing(
    order_class: OrderClass, last: str, believed: bool
) -> None:
    """Even when it was decided on at that very price."""
    asked = proposal(
        order_class=order_class,
        symbol="EUR/USD",
        security_id=None,
        side="SELL",
        quantity=Quantity.of(100),
        currency="USD",
        decision_price=Price.of(last, "USD"),
    )
    odd = quote("EUR/USD", last, currency="USD")
    context = gate_context(proposal=asked, pair=EURUSD, security=None, quote=odd, fee=eur("0"))
    assert ("G9" not in failing(context)) is bool(believed)
    without = replace(context, rates=replace(context.rates, per_eur={}))
    assert "G9" in failing(without)


def test_an_fx_quote_older_than_a_minute_is_refused() -> None:
    fx = {
        "proposal": proposal(
            order_class="fx",
            symbol="EUR/USD",
            security_id=None,
            side="SELL",
            quantity=Quantity.of(100),
            currency="USD",
            decision_price=Price.of("1.25", "USD"),
        ),
        "pair": EURUSD,
        "security": None,
        "quote": quote("EUR/USD", "1.25", currency="USD"),
        "fee": eur("0"),
    }
    assert failing(gate_context(**fx)) == set()
    assert "G9" in failing(gate_context(**fx, now=NOW + timedelta(seconds=61)))


def test_c4_a_conversion_never_takes_its_source_below_the_reserve() -> None:
    selling_eur = proposal(
        order_class="emergency",
        symbol="EUR/USD",
        security_id=None,
        side="SELL",
        quantity=Quantity.of(996),
        currency="USD",
        decision_price=Price.of("1.25", "USD"),
    )
    context = gate_context(
        proposal=selling_eur,
        pair=EURUSD,
        security=None,
        quote=quote("EUR/USD", "1.25", currency="USD"),
        account=account(EUR="1000", USD="-2000"),
        fee=eur("0"),
    )
    assert failing(context) == {"L6"}


@pytest.mark.parametrize("cash", ["0", "25"])
def test_c6_a_repair_leaves_only_while_the_broker_shows_a_balance_below_zero(cash: str) -> None:
    """A deposit may have come between the decision and the order."""
    repair = proposal(order_class="emergency", side="SELL")
    assert failing(gate_context(proposal=repair)) == set()
    cured = account(EUR="1000", USD=cash, held={"DEMO-A.EU": "10"})
    assert failing(gate_context(proposal=repair, account=cured)) == {"NEED"}
    one = replace(repair, quantity=Quantity.of(1))
    promised = gate_context(proposal=one, account=cured, reserved={"USD": 30_00})
    assert failing(promised) == set(), "what open orders may still take is owed, too"


@pytest.mark.parametrize(("usd", "shares"), [("-500", 5), ("-100", 1), ("-1", 1)])
def test_c6_a_repair_leaves_only_while_so_much_is_needed(usd: str, shares: int) -> None:
    """A deposit of a part of the need counts, too: a tenth more and a lot, and nothing beyond."""
    owed = account(EUR="1000", USD=usd, held={"DEMO-A.EU": "10"})
    for quantity in range(1, 10):
        repair = proposal(order_class="emergency", side="SELL", quantity=Quantity.of(quantity))
        context = gate_context(proposal=repair, account=owed, total_eur=eur("20000"))
        assert failing(context) == (set() if quantity <= shares else {"NEED"}), quantity


def test_c6_a_repair_stays_when_the_rate_of_its_need_is_unknown() -> None:
    repair = proposal(order_class="emergency", side="SELL")
    assert failing(gate_context(proposal=repair, reserves={"EUR": eur("5")})) == {"NEED"}


def test_a_conversion_waits_for_another_that_touches_the_same_currency() -> None:
    fx = proposal(
        order_class="fx",
        symbol="EUR/USD",
        security_id=None,
        side="SELL",
        quantity=Quantity.of(100),
        currency="USD",
        decision_price=Price.of("1.25", "USD"),
    )
    context = gate_context(
        proposal=fx,
        pair=EURUSD,
        security=None,
        quote=quote("EUR/USD", "1.25", currency="USD"),
        fee=eur("0"),
        open_orders=(view("EUR/GBP"),),
    )
    assert failing(context) == {"L3"}


def test_c2_nothing_is_spent_while_a_foreign_purchase_may_cost_anything() -> None:
    """A market order of the owner's at the broker: nobody knows what it will take."""
    foreign = replace(view("OTHER"), limit=None)
    assert failing(gate_context(open_orders=(foreign,))) == {"L6"}
    assert failing(gate_context(open_orders=(replace(foreign, state="cancelled"),))) == set()
    assert failing(gate_context(open_orders=(replace(foreign, side="SELL"),))) == set()
    sale = gate_context(proposal=proposal(side="SELL"), open_orders=(foreign,))
    assert failing(sale) == set()


def test_the_fee_of_a_conversion_may_come_out_of_what_it_brings() -> None:
    """Or a currency below zero, in which fees are charged, could never be repaired."""
    repair = proposal(
        order_class="emergency",
        symbol="EUR/USD",
        security_id=None,
        side="BUY",
        quantity=Quantity.of(100),
        currency="USD",
        decision_price=Price.of("1.25", "USD"),
    )
    context = gate_context(
        proposal=repair,
        pair=EURUSD,
        security=None,
        quote=quote("EUR/USD", "1.25", currency="USD"),
        account=account(EUR="-90", USD="1000"),
        books_cash={"EUR": -90_00, "USD": 1_000_00},
        fee=eur("1"),
    )
    assert failing(context) == set()
    assert failing(replace(context, fee=eur("101"))) == {"L6"}
    assert failing(replace(context, fee=Money.of("1", "GBP"))) == {"L6"}


def test_the_fee_is_checked_in_the_currency_in_which_it_is_charged() -> None:
    dollars = gate_context(
        proposal=proposal(
            currency="USD", decision_price=Price.of("100", "USD"), quantity=Quantity.of(4)
        ),
        books_held=Quantity(0),
        security=security(currency="USD", mic="XNYS"),
        quote=quote(currency="USD"),
        account=account(EUR="4", USD="1000"),
        books_cash={"USD": 100_000, "EUR": 400},
    )
    assert failing(dollars) == {"L6"}
    richer = replace(
        dollars, account=account(EUR="8", USD="1000"), books_cash={"USD": 100_000, "EUR": 800}
    )
    assert failing(richer) == set()


def test_the_owner_may_force_what_only_haste_or_prudence_forbids_and_it_is_recorded() -> None:
    everything = frozenset(gate for gate, _ in gates.PIPELINE)
    forced = proposal(order_class="manual", force=everything)
    broken: dict[str, Any] = {}
    for changes in BROKEN.values():
        broken |= changes
    broken |= {
        "history": TradeHistory({"DEMO-A.EU": NOW}, {}, (trade("DEMO-B.EU", NOW),)),
        "security": security(allow_buy=False, confirmed=False, lot=Quantity.of(2)),
        "total_eur": eur("2000"),
        "now_s": 161.0,
        "now": NOW + timedelta(minutes=6),
        "limits": DEFAULTS,
    }
    verdicts = gates.evaluate(gate_context(proposal=forced, **broken))
    assert {v.gate for v in verdicts if v.forced} == {"G3", "L2", "G8", "G11", "G1"}
    assert not any(v.passed for v in gates.blocked_by(verdicts))
    assert {"G0", "G0b", "SNAP", "L7", "G4", "G12", "G13", "L3", "L1", "G9", "G10", "L6", "G2"} <= {
        v.gate for v in gates.blocked_by(verdicts)
    }


@pytest.mark.parametrize("order_class", CLASSES)
@pytest.mark.parametrize(
    "gate",
    ["G0", "G0b", "SNAP", "L1", "L3", "L5", "L6", "L7", "G4", "G5", "G9", "G10", "G13"],
)
def test_no_class_of_order_bypasses_the_gates_that_protect_money(
    order_class: OrderClass, gate: str
) -> None:
    asked = proposal(order_class=order_class)
    broken = dict(BROKEN) | {"L5": {}}
    if gate == "L5":
        asked = replace(asked, side="SELL", quantity=Quantity.of(11))
    if order_class == "fx" and gate == "L5":
        return  # a pair has no holding; its source is protected by L6
    assert gate in failing(gate_context(proposal=asked, **broken[gate]))


@pytest.mark.parametrize("order_class", CLASSES)
def test_a_forced_order_still_needs_mode_market_cash_and_price(order_class: OrderClass) -> None:
    everything = frozenset(gate for gate, _ in gates.PIPELINE)
    asked = proposal(order_class=order_class, force=everything)
    context = gate_context(
        proposal=asked, mode="research", market_open=False, books_cash={}, quote=None
    )
    assert {"G0", "L1", "L6", "G9"} <= failing(context)


def test_the_printed_table_is_the_table_that_is_used() -> None:
    rows = re.findall(r"^    (\w+)((?:\s+[x–f]){5})\s+\S", gates.__doc__ or "", re.MULTILINE)
    printed = {gate: marks.split() for gate, marks in rows}
    assert list(printed) == [gate for gate, _ in gates.PIPELINE]
    for gate, marks in printed.items():
        for order_class, mark in zip(CLASSES, marks, strict=True):
            exempt = gate in gates.EXEMPT[order_class]
            forceable = gate in gates.FORCEABLE.get(order_class, frozenset())
            assert mark == ("–" if exempt else "f" if forceable else "x"), (gate, order_class)


def test_a_refused_order_says_when_it_may_be_thought_of_again() -> None:
    opens = NOW + timedelta(hours=3)
    verdicts = gates.evaluate(gate_context(market_open=False, next_open=opens))
    assert gates.retry_after(verdicts, NOW) == opens
    soon = gates.evaluate(gate_context(books_cash={}))
    assert gates.retry_after(soon, NOW) == NOW + gates.RETRY


@given(
    cash=st.integers(0, 200_000),
    reserved=st.integers(0, 50_000),
    units=st.integers(1, 20),
    fee=st.integers(0, 1_000),
)
def test_c2_an_admitted_purchase_leaves_the_reserve_at_the_limit_price(
    cash: int, reserved: int, units: int, fee: int
) -> None:
    context = gate_context(
        proposal=proposal(quantity=Quantity.of(units)),
        account=account(EUR=str(Decimal(cash) / 100)),
        books_cash={"EUR": cash},
        reserved={"EUR": reserved},
        fee=Money(fee, "EUR"),
        total_eur=eur("1000000"),
    )
    limit = context.limit.price
    assert limit is not None
    cost = limit.micro * units / 10_000
    admitted = "L6" not in failing(context)
    assert admitted == (cash - reserved - cost - fee >= 500)


def test_an_order_is_not_sent_at_a_price_that_was_never_computed() -> None:
    context = gate_context(limit=LimitPrice(None, "no tick"))
    assert {"G10", "L6", "G5"} <= failing(context)


def test_the_worst_cost_of_a_purchase_is_at_its_limit() -> None:
    buy = proposal(quantity=Quantity.of(7))
    assert worst_cost(buy, Price.of("33.337", "USD")) == usd("233.36")
    assert worst_cost(replace(buy, side="SELL"), Price.of("33", "USD")) == usd("0")
    fx = replace(buy, symbol="EUR/USD", side="SELL")
    assert worst_cost(fx, Price.of("1.25", "USD")) == eur("7")


def test_the_worst_cost_of_a_finely_cut_conversion_is_rounded_against_us() -> None:
    fx = proposal(symbol="EUR/USD", side="SELL", quantity=Quantity.of("7.001"))
    assert worst_cost(fx, Price.of("1.25", "USD")) == eur("7.01")
    yen = replace(fx, symbol="JPY/USD")
    assert worst_cost(yen, Price.of("0.01", "USD")) == Money(8, "JPY")


def no_fee(symbol: str, paid: Money) -> Money:
    return eur("0")


def test_orders_that_are_not_ours_promise_what_they_can_take() -> None:
    ours = intent(OrderState.ACTIVE, client_order_id=9)
    views = (
        view(side="BUY"),
        view(side="SELL"),
        view("EUR/USD", side="SELL"),
        replace(view(side="BUY"), limit=None),
        replace(view(side="BUY"), state="filled"),
        replace(view(side="BUY"), client_order_id=9),
    )
    assert foreign_reservations(views, (ours,), no_fee) == {"EUR": 500_00 + 5_00}


def test_c3_what_a_foreign_order_costs_besides_is_promised_too() -> None:
    def fee_of(symbol: str, paid: Money) -> Money:
        return eur("3") if symbol == "DEMO-A.EU" and paid == usd("500") else eur("0")

    bought = replace(view(), limit=Price.of("100", "USD"))
    assert foreign_reservations((bought,), (), fee_of) == {"USD": 500_00, "EUR": 3_00}


def test_o11_foreign_orders_in_a_currency_that_is_not_known_reserve_nothing() -> None:
    odd = replace(view("ODD.XX"), limit=Price.of("5", "QQQ"))
    metal = replace(view("XAU/USD", side="SELL"), limit=Price.of("2000", "USD"))
    assert foreign_reservations((odd, metal), (), no_fee) == {}
    bought = replace(metal, side="BUY", quantity=Quantity.of(1))
    assert foreign_reservations((bought,), (), no_fee) == {"USD": 2_000_00, "EUR": 0}
