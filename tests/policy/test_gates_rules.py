"""The gates of good trading: when each says no, until when, and for whom it does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.bucket import Bucket, BucketStatus
from ledger.money import Price, Quantity, Rounding
from ledger.order import OrderClass, OrderState, Proposal, Side, Verdict
from ledger.trade_history import Trade, TradeHistory
from policy import gates
from policy.fees import FeeTerms, fee, min_trade_eur
from policy.gate_checks import order_cap
from policy.gate_context import GateContext, clock_skew, no_worse_than
from policy.limits import DEFAULTS
from policy.pricing import LimitPrice, limit_price
from tests.support.builders import (
    EURUSD,
    NOW,
    eur,
    gate_context,
    held_position,
    intent,
    proposal,
    quote,
    rates,
    security,
)

SYMBOL = "DEMO-A.EU"
HASTE = ("L2", "L4", "G1", "G6", "G7", "G8", "G11")
CONVERSION: dict[str, Any] = {
    "pair": EURUSD,
    "security": None,
    "quote": quote("EUR/USD", "1.25", currency="USD"),
    "fee": eur("0"),
    "position": None,
    "books_held": Quantity(0),
}


def verdict(context: GateContext, gate: str) -> Verdict | None:
    return next((v for v in gates.evaluate(context) if v.gate == gate), None)


def says_no(context: GateContext, gate: str) -> Verdict:
    found = verdict(context, gate)
    assert found is not None
    assert not found.passed, found
    return found


def says_yes(context: GateContext, gate: str) -> Verdict:
    found = verdict(context, gate)
    assert found is not None
    assert found.passed, found
    return found


def sale(**changes: Any) -> Proposal:
    return proposal(**{"side": "SELL", "quantity": Quantity.of(4)} | changes)


def conversion(order_class: OrderClass = "fx", units: int = 100) -> Proposal:
    return proposal(
        order_class=order_class,
        symbol="EUR/USD",
        security_id=None,
        side="SELL",
        quantity=Quantity.of(units),
        currency="USD",
        decision_price=Price.of("1.25", "USD"),
    )


def bought(ago: timedelta) -> TradeHistory:
    return TradeHistory({SYMBOL: NOW - ago}, {}, ())


def sold(ago: timedelta) -> TradeHistory:
    return TradeHistory({}, {SYMBOL: NOW - ago}, ())


# What the clocks of daemon and broker may differ by.
SKEW = DEFAULTS.max_clock_skew


def trade(symbol: str, at: datetime, side: Side = "BUY") -> Trade:
    return Trade(symbol, side, "planner", at, live=False)


@pytest.mark.parametrize(
    ("gate", "asked", "history", "window"),
    [
        ("L2", proposal(), bought, DEFAULTS.buy_cooldown + SKEW),
        ("L4", sale(), bought, DEFAULTS.min_hold + SKEW),
        ("G7", sale(), sold, DEFAULTS.sell_cooldown + SKEW),
    ],
)
def test_m4_a_window_is_half_open_and_says_when_it_ends(
    gate: str, asked: Proposal, history: Any, window: timedelta
) -> None:
    moment = timedelta(microseconds=1)
    inside = says_no(gate_context(proposal=asked, history=history(window - moment)), gate)
    assert inside.retry_after == NOW + moment
    says_yes(gate_context(proposal=asked, history=history(window)), gate)


def test_the_pace_says_when_the_next_trade_may_leave() -> None:
    recent = TradeHistory({}, {}, (trade("DEMO-B.EU", NOW - timedelta(minutes=20)),))
    waits = says_no(gate_context(history=recent), "G1").retry_after
    assert waits == NOW + timedelta(minutes=40) + SKEW
    free = replace(DEFAULTS, trade_frequency_limits=False)
    says_yes(gate_context(history=recent, limits=free), "G1")


def test_the_trades_of_a_day_are_those_of_the_owners_calendar() -> None:
    """Four trades of a day in Tokyo are of two days in Denver, and of yesterday further east."""
    earlier = [NOW - timedelta(hours=hours) for hours in (2, 3, 4, 5)]
    history = TradeHistory({}, {}, tuple(trade("DEMO-B.EU", at) for at in earlier))
    tokyo = says_no(gate_context(history=history, zone=ZoneInfo("Asia/Tokyo")), "G1")
    assert tokyo.retry_after == datetime(2009, 1, 5, 15, tzinfo=NOW.tzinfo) + SKEW
    later = gate_context(history=history, zone=ZoneInfo("Pacific/Kiritimati"), now=NOW + SKEW)
    says_yes(later, "G1")
    denver = gate_context(history=history, zone=ZoneInfo("America/Denver"))
    says_yes(denver, "G1")


def test_the_same_again_so_soon_is_refused_until_the_guard_ends() -> None:
    again = TradeHistory({}, {}, (trade(SYMBOL, NOW - timedelta(minutes=4)),))
    assert says_no(gate_context(history=again), "L3").retry_after == NOW + timedelta(minutes=1)
    other_side = sale(order_class="manual")
    says_yes(gate_context(proposal=other_side, history=again), "L3")


def test_the_owner_is_asked_to_wait_longer_before_selling_the_same_again() -> None:
    again = TradeHistory({}, {}, (trade(SYMBOL, NOW - timedelta(minutes=90), "SELL"),))
    says_yes(gate_context(proposal=sale(), history=again), "L3")
    owner = gate_context(proposal=sale(order_class="manual"), history=again)
    assert says_no(owner, "L3").retry_after == NOW + timedelta(minutes=30)


@pytest.mark.parametrize(
    ("change", "buy", "sell"),
    [
        ("0.03", True, True),
        ("-0.0199", True, True),
        ("-0.02", True, False),
        ("-0.0499", True, False),
        ("-0.05", False, False),
        (None, False, False),
    ],
)
def test_m6_a_loss_stops_sales_first_and_then_everything(
    change: str | None, buy: bool, sell: bool
) -> None:
    known = None if change is None else Decimal(change)
    for asked, may in ((proposal(), buy), (sale(), sell)):
        found = verdict(gate_context(proposal=asked, equity_change=known), "G2")
        assert found is not None
        assert found.passed is may
        if not may and change is not None:
            assert found.retry_after == datetime(2009, 1, 6, tzinfo=NOW.tzinfo)


def test_a_sale_at_a_large_loss_is_left_to_the_owner() -> None:
    says_yes(gate_context(proposal=sale(), position=held_position("125")), "G6")
    says_no(gate_context(proposal=sale(), position=held_position("125.01")), "G6")
    says_no(gate_context(proposal=sale(), position=held_position(None)), "G6")
    says_no(gate_context(proposal=sale(), position=None), "G6")


def test_a_planned_sale_is_neither_tiny_nor_most_of_the_position() -> None:
    says_yes(gate_context(proposal=sale(quantity=Quantity.of(5))), "G7")
    says_no(gate_context(proposal=sale(quantity=Quantity.of(6))), "G7")
    says_no(gate_context(proposal=sale(quantity=Quantity.of(0))), "G7")
    cheap = {"quote": quote(last="20"), "position": held_position("20")}
    tiny = sale(decision_price=Price.of("20", "EUR"))
    says_no(gate_context(proposal=tiny, **cheap), "G7")
    says_yes(gate_context(proposal=replace(tiny, order_class="manual"), **cheap), "G7")


def test_a_position_never_grows_beyond_its_share() -> None:
    """Ten shares at 100 and three more at a limit of 100.10 are 1,300.30."""
    says_yes(gate_context(total_eur=eur("8668.67")), "G8")
    says_no(gate_context(total_eur=eur("8668")), "G8")
    says_yes(gate_context(total_eur=eur("2002"), books_held=Quantity(0)), "G8")


def test_a_fee_never_takes_more_than_its_share() -> None:
    says_yes(gate_context(fee=eur("3.00")), "G11")
    says_no(gate_context(fee=eur("3.03")), "G11")


@given(
    last=st.integers(1_00, 900_00),
    lots=st.integers(1, 2_000),
    side=st.sampled_from(["BUY", "SELL"]),
)
def test_what_is_worth_planning_is_never_refused_for_its_fee(
    last: int, lots: int, side: Side
) -> None:
    """The planner asks for a least value; the gate must not be stricter by a rounding."""
    terms = FeeTerms(eur("2"), 2_000, eur("0"))
    price = Price(last * 10_000, "EUR")
    offered = quote(last=str(price.value))
    limit = limit_price(side, offered, Price(10_000, "EUR"), order_class="planner", limits=DEFAULTS)
    least = min_trade_eur(terms, DEFAULTS, rates())
    assert least is not None
    assert limit.price is not None
    quantity = Quantity.of(lots)
    value = limit.price.times(quantity, Rounding.CEIL)
    context = gate_context(
        proposal=proposal(side=side, quantity=quantity),
        quote=offered,
        limit=limit,
        fee=fee(terms, value, rates()),
    )
    if price.times(quantity, Rounding.CEIL) >= least:
        says_yes(context, "G11")


EVERY_SIDE = {"BUY": proposal(), "SELL": sale()}


@pytest.mark.parametrize(
    ("status", "permitted"),
    [
        ("accumulating", {"BUY", "SELL"}),
        ("active", {"BUY", "SELL"}),
        ("hibernating", {"SELL"}),
        ("paused", set[str]()),
        ("retired", set[str]()),
    ],
)
def test_the_status_of_a_bucket_permits_its_sides(
    status: BucketStatus, permitted: set[str]
) -> None:
    for side, asked in EVERY_SIDE.items():
        context = gate_context(proposal=asked, bucket=Bucket("core", "Core", status))
        found = verdict(context, "G12")
        assert found is not None
        assert found.passed is (side in permitted)


def test_an_emergency_sells_from_a_paused_bucket_too() -> None:
    paused = Bucket("core", "Core", "paused")
    emergency = gate_context(proposal=sale(order_class="emergency"), bucket=paused)
    assert gates.blocked_by(gates.evaluate(emergency)) == ()


def test_an_order_of_a_bucket_in_research_is_simulated_whatever_the_mode() -> None:
    for mode in ("live", "research"):
        context = gate_context(mode=mode, bucket=Bucket("try", "A try", "research"))
        verdicts = gates.evaluate(context)
        assert [v.gate for v in gates.blocked_by(verdicts)] == ["G0"]
        assert gates.simulates(context, verdicts)


def test_what_research_would_refuse_or_nobody_can_read_is_not_simulated() -> None:
    for changes in ({"mode": "research", "market_open": False}, {"mode": None}, {"bucket": None}):
        context = gate_context(**changes)
        assert not gates.simulates(context, gates.evaluate(context))
    sound = gate_context()
    assert not gates.simulates(sound, gates.evaluate(sound))


@pytest.mark.parametrize("order_class", ["planner", "manual", "drip", "emergency", "fx"])
def test_no_order_is_larger_than_one_order_may_be(order_class: OrderClass) -> None:
    many = proposal(order_class=order_class, quantity=Quantity.of(1_000_001))
    says_no(gate_context(proposal=many, total_eur=eur("100000000000")), "G5")
    large = proposal(order_class=order_class, quantity=Quantity.of(11))
    says_no(gate_context(proposal=large), "G5")


def test_a_conversion_carries_the_buffer_of_what_it_funds_on_top() -> None:
    assert order_cap(eur("20000"), DEFAULTS, conversion=False) == eur("2000")
    assert order_cap(eur("20000"), DEFAULTS, conversion=True) == eur("2200")
    assert order_cap(eur("5"), DEFAULTS, conversion=False) == eur("1000")
    says_yes(gate_context(proposal=conversion(units=1099), **CONVERSION), "G5")
    says_no(gate_context(proposal=conversion(units=1111), **CONVERSION), "G5")


@pytest.mark.parametrize("order_class", ["fx", "emergency", "planner", "manual"])
def test_c4_nobody_converts_more_than_a_little_on_a_pair_that_is_not_proven(
    order_class: OrderClass,
) -> None:
    found = {**CONVERSION, "pair": replace(EURUSD, proven=False)}
    small, more = (conversion(units=units, order_class=order_class) for units in (20, 21))
    says_yes(gate_context(proposal=small, **found), "G5")
    says_no(gate_context(proposal=more, **found), "G5")
    says_yes(gate_context(proposal=more, **CONVERSION), "G5")


@pytest.mark.parametrize("order_class", ["fx", "emergency", "planner", "manual"])
def test_a_conversion_knows_neither_pace_nor_holds_nor_shares(order_class: OrderClass) -> None:
    busy = TradeHistory(
        {"EUR/USD": NOW}, {"EUR/USD": NOW}, tuple(trade("DEMO-B.EU", NOW) for _ in range(20))
    )
    context = gate_context(
        proposal=conversion(order_class),
        history=busy,
        equity_change=Decimal("-0.5"),
        total_eur=eur("9000"),
        **CONVERSION,
    )
    assert gates.blocked_by(gates.evaluate(context)) == ()


def test_an_emergency_sale_is_exempt_from_haste_but_not_from_the_owners_flag() -> None:
    context = gate_context(
        proposal=sale(order_class="emergency"),
        history=TradeHistory(
            {SYMBOL: NOW}, {SYMBOL: NOW}, tuple(trade("DEMO-B.EU", NOW) for _ in range(20))
        ),
        equity_change=None,
        position=held_position("500"),
        fee=eur("300"),
        security=security(allow_sell=False),
    )
    assert [v.gate for v in gates.blocked_by(gates.evaluate(context))] == ["G3"]


@pytest.mark.parametrize("order_class", ["planner", "drip", "emergency", "fx"])
def test_nobody_but_the_owner_forces_anything(order_class: OrderClass) -> None:
    asked = proposal(order_class=order_class, force=frozenset(HASTE) | {"G3"})
    context = gate_context(proposal=asked, history=bought(timedelta(days=1)), fee=eur("9"))
    verdicts = gates.evaluate(context)
    assert not any(v.forced for v in verdicts)


def test_a_share_called_a_conversion_is_refused() -> None:
    """It would otherwise slip past the gates that a currency pair has no use for."""
    says_no(gate_context(proposal=sale(order_class="fx")), "L7")


@pytest.mark.parametrize(
    ("changes", "gate"),
    [
        ({"proposal": proposal(side="HOLD")}, "L7"),
        ({"proposal": proposal(currency="QQQ")}, "L7"),
        (
            {
                "proposal": proposal(currency="QQQ", decision_price=Price.of("100", "QQQ")),
                "security": security(currency="QQQ"),
                "quote": quote(currency="QQQ"),
                "limit": LimitPrice(None, "the currency QQQ is unknown"),
            },
            "L7",
        ),
        ({"market_open": None}, "L1"),
    ],
    ids=["side", "currency", "currency of the security", "exchange"],
)
def test_o11_what_is_unknown_is_refused_before_submission(
    changes: dict[str, Any], gate: str
) -> None:
    says_no(gate_context(**changes), gate)


@given(micro=st.integers(-3_000_000, 30_000_000), lot=st.sampled_from([1, 10, 1_000_000]))
def test_c8_only_positive_multiples_of_the_lot_pass(micro: int, lot: int) -> None:
    context = gate_context(
        proposal=proposal(quantity=Quantity(micro)),
        security=security(lot=Quantity(lot)),
        total_eur=eur("10000000"),
    )
    found = verdict(context, "G4")
    assert found is not None
    assert found.passed is (micro > 0 and micro % lot == 0)


class TestMarket:
    def test_m1_calendar_and_broker_must_both_call_it_open(self) -> None:
        for calendar in (True, False, None):
            for broker in (True, False, None):
                context = gate_context(market_open=calendar, quote=quote(market_open=broker))
                found = verdict(context, "L1")
                assert found is not None
                assert found.passed is (calendar is True and broker is True)

    @pytest.mark.parametrize(
        ("asked", "least"),
        [(proposal(), 300), (sale(), 300), (proposal(order_class="emergency"), 30)],
    )
    def test_m1_nothing_is_sent_just_before_the_close(self, asked: Proposal, least: int) -> None:
        reopens = NOW + timedelta(hours=1)
        for seconds in (-1, 0, least):
            near = {"closes_at": NOW + timedelta(seconds=seconds), "next_open": reopens}
            found = verdict(gate_context(proposal=asked, **near), "L1")
            assert found is not None
            assert (found.passed, found.retry_after) == (False, reopens)
        far = NOW + timedelta(seconds=least + 1)
        says_yes(gate_context(proposal=asked, closes_at=far), "L1")
        says_no(gate_context(proposal=asked, closes_at=None), "L1")

    def test_m1_a_purchase_may_wait_for_the_open_where_the_owner_allows_it(self) -> None:
        allowed = replace(DEFAULTS, allow_offhours_buy=True)
        closed = {"market_open": False, "quote": quote(market_open=False)}
        says_yes(gate_context(limits=allowed, **closed), "L1")
        says_no(gate_context(**closed), "L1")
        says_no(gate_context(proposal=sale(), limits=allowed, **closed), "L1")
        strict = security(mic="XTKS")
        says_no(gate_context(security=strict, limits=allowed, **closed), "L1")
        says_no(gate_context(limits=allowed, market_open=None), "L1")
        fx = gate_context(proposal=conversion(), limits=allowed, market_open=False, **CONVERSION)
        says_no(fx, "L1")


class TestClock:
    def test_a_clock_beside_the_brokers_stops_every_order(self) -> None:
        says_yes(gate_context(clock_skew=timedelta(seconds=30)), "G0b")
        found = says_no(gate_context(clock_skew=timedelta(seconds=31)), "G0b")
        assert "clock skew" in found.detail

    def test_the_skew_leaves_out_the_time_that_asking_took(self) -> None:
        second = timedelta(seconds=1)
        assert clock_skew(NOW, NOW + second, NOW + 2 * second) == timedelta(0)
        assert clock_skew(NOW, NOW - second, NOW + second) == second
        assert clock_skew(NOW, NOW + 5 * second, NOW + 2 * second) == 3 * second


class TestAskedLimit:
    TICK = Price.of("0.05", "EUR")

    @pytest.mark.parametrize(
        ("side", "asked", "sent"),
        [
            ("BUY", "99.99", "99.95"),
            ("BUY", "100.50", "100.10"),
            ("SELL", "100.01", "100.05"),
            ("SELL", "99", "99.90"),
        ],
    )
    def test_the_more_careful_of_two_limits_is_sent_on_its_tick(
        self, side: Side, asked: str, sent: str
    ) -> None:
        rule = limit_price(side, quote(), self.TICK, order_class="manual", limits=DEFAULTS)
        found = no_worse_than(Price.of(asked, "EUR"), side, rule, self.TICK)
        assert found.price == Price.of(sent, "EUR")
        assert "asked for" in found.detail

    def test_a_limit_that_no_order_can_have_is_none(self) -> None:
        rule = limit_price("BUY", quote(), self.TICK, order_class="manual", limits=DEFAULTS)
        assert no_worse_than(Price.of("0.04", "EUR"), "BUY", rule, self.TICK).price is None
        assert no_worse_than(Price.of("90", "USD"), "BUY", rule, self.TICK).price is None
        none = LimitPrice(None, "wide")
        assert no_worse_than(Price.of("90", "EUR"), "BUY", none, self.TICK) == none


class TestWaiting:
    @pytest.mark.parametrize(
        ("gate", "side", "all_wait"),
        [
            ("G1", "BUY", True),
            ("G2", "BUY", True),
            ("G2", "SELL", False),
            ("G0b", "SELL", True),
            ("L2", "BUY", False),
        ],
    )
    def test_what_is_said_of_any_order_makes_all_wait(
        self, gate: str, side: Side, all_wait: bool
    ) -> None:
        refused = intent(
            OrderState.REFUSED,
            proposal=proposal(side=side),
            retry_after=NOW + timedelta(minutes=1),
            blocked_by=(Verdict(gate, False, "no"),),
        )
        assert gates.all_must_wait(refused, NOW) is all_wait
        assert not gates.all_must_wait(refused, NOW + timedelta(minutes=1))

    def test_the_latest_window_decides_when_to_come_back(self) -> None:
        context = gate_context(history=bought(timedelta(days=10)), market_open=False)
        verdicts = gates.evaluate(context)
        assert gates.retry_after(verdicts, NOW) == NOW + timedelta(days=20) + SKEW


def test_every_verdict_says_its_numbers() -> None:
    for asked in (proposal(), sale()):
        for found in gates.evaluate(gate_context(proposal=asked)):
            assert found.detail, found.gate
