"""Rates that may be believed: jumps, second sources, ages and triangles."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.money import Money, Rounding
from ledger.quote import Quote
from ledger.rate import HeldRate, Rate, RateTable
from policy.fx import FxRefusal, NoFx, need_at_least, pair_price, route
from policy.fx_rates import Judged, Live, accept, inconsistent, live_rates
from policy.limits import DEFAULTS
from policy.target_days import target_days_between
from policy.valuation import known_rates
from tests.policy.accounts import NOON, PAIRS, TODAY, fx_market, pair, quote

YESTERDAY = TODAY - timedelta(days=1)
SILENT = Live({}, NOON)
POSITIVE = st.decimals("0.001", "1000", places=6)


def table(value: str, day: date = TODAY, currency: str = "USD") -> RateTable:
    return RateTable({currency: Rate("EUR", currency, Decimal(value), day, "ecb")})


def live(value: str, currency: str = "USD") -> Live:
    return Live({currency: Decimal(value)}, NOON)


def judge(new: str, last: str | None, second: Live = SILENT) -> Judged:
    before = RateTable({}) if last is None else table(last, YESTERDAY)
    return accept(table(new), before, second, limits=DEFAULTS)


def value(judged: Judged) -> Decimal | None:
    rate = judged.table.rate("EUR", "USD")
    return rate.value if rate else None


@pytest.mark.parametrize(
    ("new", "last", "second", "believed"),
    [
        ("1.10", None, None, True),
        ("1.10", "1.00", None, True),
        ("1.1001", "1.00", None, False),
        ("0.8999", "1.00", None, False),
        ("1.50", "1.00", "1.46", True),
        ("1.50", "1.00", "1.45", False),
        ("1.04", "1.00", "1.00", False),
        ("1.04", "1.00", "1.02", True),
        ("1.10", None, "1.20", False),
    ],
)
def test_c10_a_rate_that_jumped_waits_for_the_second_source(
    new: str, last: str | None, second: str | None, believed: bool
) -> None:
    judged = judge(new, last, live(second) if second else SILENT)
    if believed:
        assert value(judged) == Decimal(new)
        assert judged.held == ()
    else:
        assert value(judged) == (Decimal(last) if last else None)
        assert [held.rate.value for held in judged.held] == [Decimal(new)]


def test_a_held_rate_says_why() -> None:
    (held,) = judge("2", "1.25").held
    assert held == HeldRate(
        table("2").per_eur["USD"],
        "60.0% from the last one, 1.25 of 2026-03-03; nothing confirms it",
        NOON,
    )
    (contradicted,) = judge("2", "2", live("1.25")).held
    assert contradicted.reason == "60.0% from the live quote 1.25"


def test_what_was_accepted_once_is_not_doubted_again() -> None:
    again = accept(table("1.10"), table("1.10"), live("1.20"), limits=DEFAULTS)
    assert again.held == ()
    assert value(again) == Decimal("1.10")


def test_an_older_rate_never_replaces_a_newer_one() -> None:
    judged = accept(table("1.09", YESTERDAY), table("1.10"), SILENT, limits=DEFAULTS)
    assert value(judged) == Decimal("1.10")
    assert judged.held == ()


def test_c10_a_rate_of_a_day_to_come_is_never_believed_and_hides_no_later_one() -> None:
    ahead = table("1.10", TODAY + timedelta(days=1))
    judged = accept(ahead, table("1.09", YESTERDAY), live("1.10"), limits=DEFAULTS)
    assert value(judged) == Decimal("1.09")
    (held,) = judged.held
    assert held.reason == "of 2026-03-05, a day to come"
    assert accept(ahead, RateTable({}), SILENT, limits=DEFAULTS).table.per_eur == {}
    after = accept(table("1.08"), ahead, SILENT, limits=DEFAULTS)
    assert (value(after), after.held) == (Decimal("1.08"), ())


def test_a_currency_that_is_not_read_any_more_keeps_its_last_rate() -> None:
    judged = accept(table("1.10"), table("0.85", YESTERDAY, "GBP"), SILENT, limits=DEFAULTS)
    assert set(judged.table.per_eur) == {"USD", "GBP"}


def test_c10_a_rate_held_back_for_long_becomes_unknown_and_never_one() -> None:
    kept = judge("2", "1.25").table
    for day, known in ((TODAY, True), (TODAY + timedelta(days=5), False)):
        fit = known_rates(
            kept,
            lambda rate, day=day: target_days_between(rate.as_of, day),
            most=DEFAULTS.max_value_rate_days,
        )
        converted = fit.convert(Money.of("100", "USD"), "EUR", Rounding.FLOOR)
        assert converted == (Money.of("80", "EUR") if known else None)


def rate_of(symbol: str, quoted: Quote) -> Live:
    return live_rates((pair(symbol),), {symbol: quoted}, now=NOON, limits=DEFAULTS)


def test_the_second_source_is_the_middle_of_a_fresh_quote_in_either_direction() -> None:
    forward = quote("EUR/USD", "1.25", "USD", spread="0.01")
    assert rate_of("EUR/USD", forward).per_eur == {"USD": Decimal("1.25")}
    inverse = quote("HKD/EUR", "0.125", "EUR")
    assert rate_of("HKD/EUR", inverse).per_eur == {"HKD": Decimal(8)}
    assert rate_of("GBP/USD", quote("GBP/USD", "1.3", "USD")).per_eur == {}


def test_a_stale_closed_or_one_sided_quote_is_no_second_source() -> None:
    good = quote("EUR/USD", "1.25", "USD")
    bad = (
        replace(good, at=NOON - timedelta(seconds=61)),
        replace(good, at=NOON + timedelta(seconds=61)),
        replace(good, market_open=False),
        replace(good, bid=None),
        replace(good, ask=None),
        quote("EUR/USD", "1.25", "EUR"),
    )
    assert rate_of("EUR/USD", replace(good, at=NOON - timedelta(seconds=60))).per_eur
    assert [rate_of("EUR/USD", one).per_eur for one in bad] == [{}] * len(bad)


@settings(max_examples=200, deadline=None)
@given(usd=POSITIVE, hkd=POSITIVE)
def test_c5_there_and_back_again_is_one(usd: Decimal, hkd: Decimal) -> None:
    both = RateTable({**table(str(usd)).per_eur, **table(str(hkd), currency="HKD").per_eur})
    for a, b in (("EUR", "USD"), ("USD", "HKD"), ("HKD", "EUR")):
        there, back = both.rate(a, b), both.rate(b, a)
        assert there is not None
        assert back is not None
        assert abs(there.value * back.value - 1) <= Decimal("1e-9")


def triangle(gbpusd: str, **changes: object) -> dict[str, Quote]:
    quotes = (
        quote("EUR/USD", "1.10", "USD"),
        quote("EUR/GBP", "0.80", "GBP"),
        replace(quote("GBP/USD", gbpusd, "USD"), **changes),  # type: ignore[arg-type]
    )
    return {one.symbol: one for one in quotes}


@pytest.mark.parametrize(
    ("gbpusd", "closes"), [("1.375", True), ("1.381", True), ("1.383", False), ("1.367", False)]
)
def test_three_pairs_must_agree_within_half_a_percent(gbpusd: str, closes: bool) -> None:
    wrong = inconsistent(PAIRS, triangle(gbpusd), DEFAULTS)
    assert wrong == (frozenset() if closes else {"EUR/USD", "EUR/GBP", "GBP/USD"})


def test_a_triangle_with_a_missing_old_or_one_sided_corner_proves_nothing() -> None:
    old = triangle("2", at=NOON - timedelta(seconds=61))
    half = triangle("2", bid=None)
    missing = {k: q for k, q in triangle("2").items() if k != "EUR/GBP"}
    for quotes in (old, half, missing):
        assert inconsistent(PAIRS, quotes, DEFAULTS) == frozenset()


@settings(max_examples=100, deadline=None)
@given(usd=POSITIVE, hkd=POSITIVE)
def test_pairs_quoted_from_one_table_close_in_every_direction(usd: Decimal, hkd: Decimal) -> None:
    one, other = max(usd, Decimal(1)), max(hkd, Decimal(1))
    quotes = [
        quote("EUR/USD", str(one), "USD"),
        quote("EUR/HKD", str(other), "HKD"),
        quote("USD/HKD", str(max(other / one, Decimal("0.001"))), "HKD"),
    ]
    pairs = tuple(pair(q.symbol) for q in quotes)
    found = inconsistent(pairs, {q.symbol: q for q in quotes}, DEFAULTS)
    assert found == frozenset() or other / one < Decimal("0.001")


def test_nothing_is_converted_on_a_pair_that_contradicts_the_others() -> None:
    good, bad = triangle("1.375"), triangle("1.39")
    per_eur = {"USD": "1.10", "GBP": "0.80"}
    legs = route("EUR", "USD", PAIRS)
    assert not isinstance(legs, FxRefusal)
    for quotes, priced in ((good, True), (bad, False)):
        market = fx_market(per_eur=per_eur, quotes=quotes.values())
        assert (pair_price(legs[0].pair, market) is not None) is priced
        found = need_at_least(legs[0], Money.of("100", "USD"), market)
        assert isinstance(found, FxRefusal) is not priced
        if isinstance(found, FxRefusal):
            assert found.code is NoFx.NO_PRICE
