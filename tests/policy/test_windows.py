"""Windows hold in every time zone, over every clock change, and for any batching of decisions."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.order import OrderClass, Side
from ledger.trade_history import NO_TRADES, Trade, TradeHistory
from policy import windows
from policy.limits import DEFAULTS, Limits

NOW = datetime(2026, 3, 29, 12, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)
# What the clocks of daemon and broker may differ by: windows of executions end later by that.
SKEW = DEFAULTS.max_clock_skew
ATHENS = ZoneInfo("Europe/Athens")
# With clock changes at one, two and midnight, of half an hour, over a whole day, and none.
ZONES = [
    "Europe/Athens",
    "Europe/London",
    "America/New_York",
    "America/Sao_Paulo",
    "Africa/Cairo",
    "Asia/Beirut",
    "America/Havana",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Asia/Kathmandu",
    "UTC",
]
zones = st.sampled_from(ZONES).map(ZoneInfo)
instants = st.timedeltas(timedelta(-6500), timedelta(2000)).map(lambda ahead: NOW + ahead)
lately = st.timedeltas(timedelta(0), timedelta(days=9)).map(lambda ago: NOW - ago)


def made(
    symbol: str = "A",
    side: Side = "BUY",
    *,
    at: datetime = NOW,
    live: bool = False,
    order_class: OrderClass | None = "planner",
) -> Trade:
    return Trade(symbol, side, order_class, at, live)


def history(*trades: Trade) -> TradeHistory:
    return TradeHistory({}, {}, trades)


def allowed(
    past: TradeHistory, side: Side, now: datetime = NOW, limits: Limits = DEFAULTS
) -> datetime | None:
    return windows.next_allowed(past, "A", side, now=now, limits=limits)


def pace(
    past: TradeHistory,
    now: datetime = NOW,
    *,
    limits: Limits = DEFAULTS,
    zone: ZoneInfo = ATHENS,
) -> datetime | None:
    return windows.next_trade_at(past, now=now, limits=limits, zone=zone)


class TestSymbols:
    def test_a_purchase_starts_a_pause_for_purchases_and_a_longer_hold(self) -> None:
        past = TradeHistory({"A": NOW - timedelta(days=10)}, {}, ())
        assert allowed(past, "BUY") == NOW + timedelta(days=20) + SKEW
        assert allowed(past, "SELL") == NOW + timedelta(days=80) + SKEW
        assert windows.next_allowed(past, "B", "BUY", now=NOW, limits=DEFAULTS) is None

    def test_a_sale_starts_a_pause_for_sales_only(self) -> None:
        past = TradeHistory({}, {"A": NOW - timedelta(days=10)}, ())
        assert allowed(past, "BUY") is None
        assert allowed(past, "SELL") == NOW + timedelta(days=170) + SKEW

    def test_an_order_under_way_counts_as_if_it_executed_now(self) -> None:
        buying = history(made(at=NOW - timedelta(hours=1), live=True))
        assert allowed(buying, "BUY") == NOW + DEFAULTS.buy_cooldown + SKEW
        assert allowed(buying, "SELL") == NOW + DEFAULTS.min_hold + SKEW
        selling = history(made(side="SELL", at=NOW - timedelta(hours=1), live=True))
        assert allowed(selling, "SELL") == NOW + DEFAULTS.sell_cooldown + SKEW

    def test_a_reinvested_dividend_on_its_way_starts_neither_pause_nor_hold(self) -> None:
        drip = history(made(live=True, order_class="drip"))
        assert allowed(drip, "SELL") is None
        assert allowed(drip, "BUY") == NOW + DEFAULTS.repeat_guard

    def test_a_window_of_no_length_is_off(self) -> None:
        none = timedelta(0)
        off = replace(
            DEFAULTS, buy_cooldown=none, min_hold=none, sell_cooldown=none, repeat_guard=none
        )
        past = TradeHistory({"A": NOW}, {"A": NOW}, (made(live=True),))
        assert allowed(past, "BUY", limits=off) is None
        assert allowed(past, "SELL", limits=off) is None

    def test_what_is_barred_is_what_is_not_allowed_yet(self) -> None:
        past = TradeHistory(
            {"A": NOW - timedelta(days=40), "B": NOW - timedelta(days=100)},
            {"C": NOW},
            (made("EUR/USD", "SELL"), made("D")),
        )
        found = windows.barred(past, now=NOW, limits=DEFAULTS)
        assert found == {("A", "SELL"), ("C", "SELL"), ("D", "BUY")}

    def test_m7_a_clock_that_was_set_back_never_shortens_a_window(self) -> None:
        past = TradeHistory({"A": NOW}, {}, (made("B"),))
        for back in (timedelta(seconds=1), timedelta(days=3), timedelta(days=400)):
            then = NOW - back
            assert allowed(past, "BUY", then) == NOW + DEFAULTS.buy_cooldown + SKEW
            assert pace(past, then) == NOW + DEFAULTS.min_time_between_trades + SKEW

    def test_m4_an_instant_without_a_zone_is_an_error(self) -> None:
        naive = NOW.replace(tzinfo=None)
        with pytest.raises(ValueError, match="time zone"):
            allowed(TradeHistory({"A": naive}, {}, ()), "BUY")
        with pytest.raises(ValueError, match="time zone"):
            pace(history(made()), naive)

    @given(at=instants, after=st.timedeltas(timedelta(0), timedelta(days=40)), a=zones, b=zones)
    def test_m4_a_pause_is_as_long_in_every_zone_and_over_every_clock_change(
        self, at: datetime, after: timedelta, a: ZoneInfo, b: ZoneInfo
    ) -> None:
        past = TradeHistory({"A": at.astimezone(a)}, {}, ())
        until = allowed(past, "BUY", (at + after).astimezone(b))
        assert (until is None) == (after >= timedelta(days=30) + SKEW)
        assert until is None or until == at + timedelta(days=30) + SKEW


class TestPace:
    def test_without_trades_there_is_nothing_to_wait_for(self) -> None:
        assert pace(NO_TRADES) is None

    def test_the_next_trade_of_any_security_waits_for_an_hour(self) -> None:
        past = history(made(at=NOW - timedelta(minutes=59)))
        assert pace(past) == NOW + timedelta(minutes=1) + SKEW
        assert pace(past, NOW + timedelta(minutes=1) + SKEW) is None

    def test_the_day_is_full_after_four_trades_and_begins_anew_at_midnight(self) -> None:
        ago = [timedelta(hours=hours) for hours in (2, 4, 6, 8)]
        past = history(*(made(f"S{i}", at=NOW - at) for i, at in enumerate(ago)))
        assert pace(past) == datetime(2026, 3, 29, 21, tzinfo=UTC) + SKEW  # summer time since then

    def test_the_week_is_full_after_ten_trades_and_rolls(self) -> None:
        ago = [timedelta(hours=16 * n) for n in range(1, 11)]
        past = history(*(made(f"S{i}", at=NOW - at) for i, at in enumerate(ago)))
        assert pace(past) == NOW + timedelta(hours=8) + SKEW

    def test_conversions_are_no_trades(self) -> None:
        assert pace(history(*(made("EUR/USD", "SELL") for _ in range(12)))) is None

    def test_orders_of_others_are_trades_like_ours(self) -> None:
        assert pace(history(made(order_class=None))) == NOW + timedelta(hours=1) + SKEW

    def test_the_owner_may_switch_the_pace_off(self) -> None:
        free = replace(DEFAULTS, trade_frequency_limits=False)
        assert pace(history(made(live=True)), limits=free) is None

    @given(at=instants, zone=zones)
    def test_m4_a_new_day_begins_at_its_first_instant_in_any_zone(
        self, at: datetime, zone: ZoneInfo
    ) -> None:
        midnight = windows.day_after(at, zone)
        today = at.astimezone(zone).date()
        assert midnight > at
        assert midnight.astimezone(zone).date() > today
        assert (midnight - MOMENT).astimezone(zone).date() == today

    @given(st.lists(lately, max_size=14), zones, st.integers(1, 5), st.integers(1, 12))
    def test_m4_it_waits_exactly_until_every_limit_holds(
        self, at: list[datetime], zone: ZoneInfo, per_day: int, per_week: int
    ) -> None:
        limits = replace(DEFAULTS, max_trades_per_day=per_day, max_trades_per_week=per_week)
        past = history(*(made(at=one) for one in at))

        def free(now: datetime) -> bool:
            return counted(at, now, zone, limits)

        until = pace(past, limits=limits, zone=zone)
        assert (until is None) == free(NOW)
        if until is not None:
            assert free(until)
            assert not free(until - MOMENT)
            assert pace(past, until, limits=limits, zone=zone) is None

    @given(
        st.lists(st.integers(0, 12 * 24 * 60), min_size=1, max_size=120),
        st.booleans(),
        zones,
    )
    def test_m5_no_batch_of_decisions_gets_more_trades_through(
        self, minutes: list[int], resting: bool, zone: ZoneInfo
    ) -> None:
        """Each admitted order is one trade, whether it executed already or still rests."""
        done: list[datetime] = []
        for minute in sorted(minutes):
            now = NOW + timedelta(minutes=minute)
            past = [made(f"S{i}", at=at) for i, at in enumerate(done)]
            if resting and past:
                past[-1] = replace(past[-1], live=now - done[-1] < timedelta(minutes=20))
            if pace(history(*past), now, zone=zone) is None:
                done.append(now)
        assert done
        for index, at in enumerate(done):
            assert counted(done[:index], at, zone, DEFAULTS)


def counted(done: list[datetime], now: datetime, zone: ZoneInfo, limits: Limits) -> bool:
    """The limits in their plainest words."""

    def day(at: datetime) -> date:
        return at.astimezone(zone).date()

    sure = now - SKEW
    today = sum(day(at) >= day(sure) for at in done)
    this_week = sum(at > sure - timedelta(hours=168) for at in done)
    return (
        all(sure - at >= limits.min_time_between_trades for at in done)
        and today < limits.max_trades_per_day
        and this_week < limits.max_trades_per_week
    )


def test_the_history_that_is_asked_for_reaches_back_far_enough() -> None:
    assert windows.look_back(DEFAULTS) == timedelta(days=7) + SKEW
    patient = replace(DEFAULTS, min_time_between_trades=timedelta(days=9))
    assert windows.look_back(patient) == timedelta(days=9) + SKEW
