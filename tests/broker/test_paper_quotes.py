"""What the exchange's screen shows, and when."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from broker.market_data import SplitRow
from broker.paper.quotes import spread_of
from ledger.money import Price
from ledger.quote import Quote
from tests.broker.paper_rig import (
    CALM,
    DAYS,
    EU,
    HK,
    INDEX,
    US,
    Rig,
    flat,
    run,
    series,
    weekdays,
)

D1, D2, D3 = weekdays(3)
MOVING = replace(
    CALM,
    bars={
        **CALM.bars,
        US: series(
            [
                (D1, 100.0, 111.0, 99.0, 110.0, 1_000_000),
                (D2, 112.0, 121.0, 111.0, 120.0, 1_000_000),
                (D3, 122.0, 131.0, 121.0, 130.0, 1_000_000),
            ]
        ),
    },
)


def look(rig: Rig, symbol: str, at: datetime) -> Quote | None:
    rig.now = at
    return run(rig.broker.quotes([symbol])).get(symbol)


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)


def faces(rig: Rig, *instants: datetime) -> list[tuple[int, int | None, bool | None]]:
    found = [look(rig, US, instant) for instant in instants]
    assert all(quote is not None for quote in found)
    return [
        (
            quote.last.micro // 1_000_000,
            quote.previous_close.micro // 1_000_000 if quote.previous_close else None,
            quote.market_open,
        )
        for quote in found
        if quote is not None
    ]


def test_the_last_price_is_the_open_in_a_session_and_the_close_after_it() -> None:
    rig = Rig(market=MOVING)
    assert faces(rig, at(D2, 15), at(D2, 20, 59), at(D2, 21), at(D3, 14), at(D3, 14, 30)) == [
        (112, 110, True),
        (112, 110, True),
        (120, 110, False),
        (120, 110, False),
        (122, 120, True),
    ]


def test_the_first_bar_has_no_previous_close_and_nothing_is_shown_before_it() -> None:
    rig = Rig(market=MOVING, now=at(D1, 9))
    assert look(rig, US, at(D1, 9)) is None
    assert faces(rig, at(D1, 15)) == [(100, None, True)]


def test_the_recording_ends_with_the_session_after_the_last_bar() -> None:
    rig = Rig(market=MOVING)
    assert look(rig, US, at(D3, 23)) is not None
    assert look(rig, US, at(D3 + timedelta(days=1), 15)) is None


def test_a_day_without_a_bar_shows_the_close_before() -> None:
    gap = series(
        [
            (D1, 100.0, 111.0, 99.0, 110.0, 1_000_000),
            (D3, 122.0, 131.0, 121.0, 130.0, 1_000_000),
        ]
    )
    rig = Rig(market=replace(MOVING, bars={**MOVING.bars, US: gap}))
    assert faces(rig, at(D2, 15)) == [(110, None, True)]


def test_closes_from_before_a_split_are_shown_in_new_shares() -> None:
    split = replace(MOVING, splits=(SplitRow(US, D2, Decimal(2)),))
    rig = Rig(market=split, now=at(D1, 15))
    assert faces(rig, at(D2, 14), at(D2, 15), at(D3, 15)) == [
        (110, None, False),
        (112, 55, True),
        (122, 120, True),
    ]


def test_a_quote_carries_the_instant_at_which_it_was_read() -> None:
    rig = Rig()
    instant = at(D2, 15) + timedelta(microseconds=7)
    quote = look(rig, US, instant)
    assert quote is not None
    assert quote.at == instant


def test_an_exchange_at_lunch_is_not_open() -> None:
    rig = Rig()
    quotes = [look(rig, HK, at(D3, hour, 30)) for hour in (3, 4, 5)]
    assert [quote.market_open for quote in quotes if quote] == [True, False, True]


def test_an_index_has_a_price_but_no_sides() -> None:
    quote = look(Rig(), INDEX, at(D2, 15))
    assert quote is not None
    assert (quote.bid, quote.ask) == (None, None)


def test_the_spread_is_five_to_thirty_basis_points_by_turnover() -> None:
    bars = [flat(100, volume)[0] for volume in (1_000_000, 100_000, 10_000, 0)]
    assert [spread_of(bar) for bar in bars] == [500, 1_000, 2_000, 3_000]


def test_bid_and_ask_are_on_their_ticks_around_the_last_price() -> None:
    rig = Rig()
    liquid, other = look(rig, US, at(D2, 15)), look(rig, EU, at(D2, 15))
    assert liquid is not None
    assert other is not None
    assert (liquid.bid, liquid.ask) == (Price.of("99.97", "USD"), Price.of("100.03", "USD"))
    assert (other.bid, other.ask) == (Price.of("49.97", "EUR"), Price.of("50.03", "EUR"))


def test_a_reference_rate_is_known_from_three_in_the_afternoon() -> None:
    rig = Rig(now=at(D1, 12))
    before = look(rig, "EUR/USD", at(D1, 14, 59))
    after = look(rig, "EUR/USD", at(D1, 15))
    assert before is not None
    assert after is not None
    assert (before.last, after.last) == (Price.of("1.1", "USD"), Price.of("1.1011", "USD"))
    assert after.previous_close == before.last
    assert run(rig.broker.rates()).per_eur["USD"].as_of == D1


def test_a_pair_costs_a_quarter_percent_between_its_sides() -> None:
    quote = look(Rig(now=at(D1, 14)), "EUR/USD", at(D1, 14))
    assert quote is not None
    assert (quote.bid, quote.ask) == (Price.of("1.0986", "USD"), Price.of("1.1014", "USD"))


def test_crosses_follow_from_the_two_rates() -> None:
    rig = Rig(now=at(D1, 14))
    cross, turned = look(rig, "GBP/USD", at(D1, 14)), look(rig, "HKD/EUR", at(D1, 14))
    assert cross is not None
    assert turned is not None
    assert cross.last == Price.of(Decimal("1.1") / Decimal("0.85"), "USD")
    assert turned.last == Price.of(1 / Decimal("8.6"), "EUR")


def test_pairs_trade_around_the_clock_on_weekdays_only() -> None:
    friday = D1 + timedelta(days=4)
    rig = Rig()
    instants = [at(friday, 3), at(friday, 23, 59), at(friday + timedelta(days=1), 0)]
    quotes = [look(rig, "EUR/USD", instant) for instant in instants]
    assert [quote.market_open for quote in quotes if quote] == [True, True, False]


def test_a_pair_without_a_recent_rate_has_no_quote() -> None:
    last = weekdays(DAYS)[-1]
    rig = Rig()
    assert look(rig, "EUR/USD", at(last + timedelta(days=7), 16)) is not None
    assert look(rig, "EUR/USD", at(last + timedelta(days=8), 16)) is None
    assert run(rig.broker.rates()).per_eur["USD"].as_of == last


def test_the_clock_of_the_exchange_never_steps_back() -> None:
    rig = Rig()
    run(rig.broker.probe())
    rig.wait(hours=-5)
    assert run(rig.broker.probe()) == rig.now + timedelta(hours=5)
