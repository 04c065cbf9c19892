"""Repair of negative cash and reserves: the right way round, enough, and never from a reserve."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.money import Money
from ledger.portfolio import BookDifference, PortfolioSnapshot
from ledger.quote import Quote
from policy.emergency import (
    Deficit,
    Repair,
    Severity,
    Sources,
    available_cash,
    detect,
    proposal,
    repair,
)
from policy.emergency_cover import uncovered
from policy.fees import FeeTerms
from policy.fx import reserve
from policy.limits import DEFAULTS
from tests.policy.accounts import (
    FREE,
    NOON,
    PER_EUR,
    eur,
    fx_market,
    pair,
    quote,
    rates,
    security,
    snapshot,
)

UNIVERSE = (security("AAA"), security("USA", number=2, currency="USD"))


def account(cash: Mapping[str, str], **changes: object) -> PortfolioSnapshot:
    return snapshot(UNIVERSE, cash=cash, **changes)  # type: ignore[arg-type]


def found(shot: PortfolioSnapshot, reserved: Iterable[Money] = ()) -> tuple[Deficit, ...]:
    return detect(shot, shot.rates, DEFAULTS, reserved=reserved)


def sources(
    shot: PortfolioSnapshot,
    *,
    fees: FeeTerms = FREE,
    quotes: Iterable[Quote] = (),
    **changes: object,
) -> Sources:
    market = fx_market(fees=fees, quotes=quotes)
    return Sources(free=available_cash(shot), market=market, **changes)  # type: ignore[arg-type]


def repairs(shot: PortfolioSnapshot, **changes: object) -> tuple[Repair, ...]:
    return repair(found(shot), sources(shot, **changes))  # type: ignore[arg-type]


def test_a_healthy_account_has_no_deficit() -> None:
    assert found(account({"EUR": "100", "USD": "5.50"})) == ()


def test_negative_and_low_balances_are_told_apart() -> None:
    low, negative = account({"EUR": "100", "USD": "5.49"}), account({"EUR": "100", "USD": "-0.01"})
    (one,), (two,) = found(low), found(negative)
    assert (one.severity, one.need) == (Severity.LOW, Money.of("0.01", "USD"))
    assert (two.severity, two.need) == (Severity.NEGATIVE, Money.of("5.51", "USD"))
    assert two.reserve == Money.of("5.50", "USD")


def test_money_of_dividends_is_the_last_source_and_fills_no_reserve() -> None:
    cash = {"EUR": "505", "GBP": "304.25", "USD": "-100"}
    shot, pots = account(cash), {"EUR": eur("500")}
    first, *_ = repair(found(shot), sources(shot, pots=pots))
    assert first.conversion.leg.source == "GBP"
    only = account({"EUR": "505", "USD": "-100"})
    (last,) = repair(found(only), sources(only, pots=pots))
    assert (last.conversion.leg.source, uncovered((last.deficit,), sources(only, pots=pots))) == (
        "EUR",
        eur("0"),
    )
    low = account({"EUR": "505", "USD": "1"})
    assert repair(found(low), sources(low, pots=pots)) == ()


def test_a_trading_currency_without_any_balance_is_low() -> None:
    (one,) = found(account({"EUR": "100"}))
    assert (one.currency, one.severity, one.balance) == ("USD", Severity.LOW, Money.zero("USD"))


def test_only_trading_currencies_keep_a_reserve_but_any_may_be_negative() -> None:
    assert [d.currency for d in found(account({"EUR": "99", "USD": "99", "GBP": "0"}))] == []
    assert [d.currency for d in found(account({"EUR": "99", "USD": "99", "GBP": "-1"}))] == ["GBP"]


def test_the_largest_negative_comes_first_and_low_ones_last() -> None:
    cash = {"EUR": "2", "USD": "-110", "GBP": "-200", "HKD": "99999"}
    order = [(d.currency, d.severity) for d in found(account(cash))]
    assert order == [
        ("GBP", Severity.NEGATIVE),
        ("USD", Severity.NEGATIVE),
        ("EUR", Severity.LOW),
    ]


def test_money_of_open_orders_does_not_count_as_available() -> None:
    shot = account({"EUR": "100", "USD": "100"})
    (one,) = found(shot, reserved=[Money.of("120", "USD")])
    assert (one.severity, one.balance) == (Severity.NEGATIVE, Money.of("-20", "USD"))


@pytest.mark.parametrize(
    "shot",
    [
        account({"EUR": "100", "USD": "-50"}, stale="no line"),
        account({}),
        account(
            {"EUR": "100", "USD": "-50"},
            differences=(BookDifference(1, "cash", "USD", 0, -5000, True, NOON),),
        ),
    ],
)
def test_an_account_that_was_not_read_well_is_not_acted_on(shot: PortfolioSnapshot) -> None:
    assert found(shot) == ()


def test_a_negative_balance_is_bought_back_with_its_reserve_and_buffer() -> None:
    (one,) = repairs(account({"EUR": "1000", "USD": "-104.50"}))
    assert (one.conversion.leg.pair.symbol, one.conversion.leg.side) == ("EUR/USD", "SELL")
    # 110 USD are missing: 100 EUR and 2 %.
    assert one.conversion.quantity.units == Decimal(102)
    assert "USD is negative: -104.50 USD, reserve 5.50 USD" in one.reason


def test_several_sources_are_combined_the_largest_surplus_first() -> None:
    shot = account({"EUR": "305", "USD": "-1000", "GBP": "600", "HKD": "9000"})
    taken = [(r.conversion.leg.source, r.conversion.leg.target) for r in repairs(shot)]
    assert taken == [("HKD", "USD")]
    short = account({"EUR": "305", "USD": "-1000", "GBP": "600", "HKD": "500"})
    assert [r.conversion.leg.source for r in repairs(short)] == ["GBP", "EUR"]


def test_without_a_rate_there_is_no_order() -> None:
    shot = account({"EUR": "1000", "CHF": "-50", "USD": "10"})
    (one,) = found(shot)
    assert (one.currency, one.need_eur) == ("CHF", None)
    assert repairs(shot) == ()
    other = account({"EUR": "0", "CHF": "5000", "USD": "10"})
    assert repairs(other) == ()


def test_a_path_over_euros_is_walked_one_leg_at_a_time_and_ends() -> None:
    universe = (security("HKS", currency="HKD"),)
    pairs = (pair("EUR/GBP"), pair("HKD/EUR"))
    cash = {"EUR": Decimal(0), "GBP": Decimal(3000), "HKD": Decimal(-4000)}
    market = fx_market(pairs=pairs)
    seen: list[str] = []
    for _ in range(6):
        shot = snapshot(universe, cash={c: str(v) for c, v in cash.items()}, pairs=pairs)
        deficits = detect(shot, shot.rates, DEFAULTS)
        todo = repair(deficits, Sources(free=available_cash(shot), market=market))
        if not todo:
            break
        step = todo[0].conversion
        seen.append(step.leg.pair.symbol)
        for money in (-step.spend, step.receive):
            cash[money.currency] += money.amount
    assert seen == ["EUR/GBP", "HKD/EUR"]
    assert min(cash.values()) >= 0


def test_a_low_reserve_is_repaired_with_the_smallest_sensible_amount() -> None:
    (one,) = repairs(account({"EUR": "100", "USD": "4.40"}))
    assert one.conversion.quantity.units == Decimal(10)
    assert one.deficit.severity is Severity.LOW


def test_a_low_reserve_waits_for_a_source_that_keeps_its_own() -> None:
    assert repairs(account({"EUR": "14", "USD": "0"})) == ()
    assert len(repairs(account({"EUR": "15", "USD": "0"}))) == 1


def test_a_low_reserve_is_repaired_once_a_day() -> None:
    shot = account({"EUR": "100", "USD": "0"})
    done = frozenset({"USD"})
    assert repair(found(shot), sources(shot), repaired_today=done) == ()
    negative = account({"EUR": "100", "USD": "-1"})
    assert len(repair(found(negative), sources(negative), repaired_today=done)) == 1


def test_a_currency_that_an_open_conversion_touches_is_left_alone() -> None:
    shot = account({"EUR": "1000", "USD": "-50"})
    assert repairs(shot, busy=frozenset({"EUR"})) == ()
    assert repairs(shot, busy=frozenset({"USD"})) == ()


def test_the_fee_of_a_conversion_keeps_the_reserve_too() -> None:
    fees = FeeTerms(eur(2), 0, eur(0))
    shot = account({"EUR": "5", "USD": "-50", "GBP": "500"})
    assert repairs(shot, fees=fees) == ()
    richer = account({"EUR": "7", "USD": "-50", "GBP": "500"})
    assert [r.conversion.leg.source for r in repairs(richer, fees=fees)] == ["GBP"]


def test_a_pair_whose_quote_contradicts_the_rate_is_not_used() -> None:
    shot = account({"EUR": "1000", "USD": "-110"})
    inverted = quote("EUR/USD", "0.909", "USD")
    assert repairs(shot, quotes=[inverted]) == ()


def test_the_first_repair_becomes_an_order_of_class_fx() -> None:
    (one,) = repairs(account({"EUR": "1000", "USD": "-104.50"}))
    order = proposal(one, source_id="R1", step=1, attempt=1, bucket_id="core")
    assert (order.order_class, order.symbol, order.side) == ("fx", "EUR/USD", "SELL")
    assert order.quantity == one.conversion.quantity
    assert (order.security_id, order.currency) == (None, "USD")


CODES = ("EUR", "USD", "GBP", "HKD")


@settings(max_examples=150, deadline=None)
@given(
    usd=st.decimals("0.001", "1000", places=4).filter(lambda d: d > 0),
    gbp=st.decimals("0.001", "1000", places=4).filter(lambda d: d > 0),
    balances=st.lists(st.integers(-2_000_000_00, 2_000_000_00), min_size=4, max_size=4),
    fixed=st.sampled_from([0, 2_00]),
)
def test_c4_c5_repairs_go_the_right_way_and_no_source_falls_below_its_reserve(
    usd: Decimal, gbp: Decimal, balances: list[int], fixed: int
) -> None:
    per_eur = {**PER_EUR, "USD": str(usd), "GBP": str(gbp)}
    free = {c: Money(b, c) for c, b in zip(CODES, balances, strict=True)}
    shot = snapshot(UNIVERSE, cash={c: str(m.amount) for c, m in free.items()}, per_eur=per_eur)
    market = fx_market(per_eur=per_eur, fees=FeeTerms(Money(fixed, "EUR"), 0, Money(0, "EUR")))
    deficits = detect(shot, shot.rates, DEFAULTS)
    todo = repair(deficits, Sources(free=free, market=market))
    if not todo:
        return
    first = todo[0]
    step = first.conversion
    source, target = step.leg.source, first.deficit.currency
    keep = reserve(source, shot.rates, DEFAULTS)
    assert keep is not None
    assert free[source].minor - step.outlay(source) >= keep.minor
    assert step.receive.minor >= 0
    assert (step.spend.currency, step.receive.currency) == (source, step.leg.target)
    table = rates(per_eur)
    got = table.rate(step.leg.target, target)
    paid = step.quantity.units * (step.price.value if step.leg.side == "SELL" else 1)
    worth = paid * (got.value if got is not None else 1)
    wanted = first.deficit.need.amount * (1 + DEFAULTS.fx_buffer)
    lot = step.leg.pair.lot.units * max(Decimal(1), step.price.value)
    one_lot = lot * (got.value if got is not None else 1)
    if first.deficit.severity is Severity.NEGATIVE:
        assert worth <= wanted * Decimal("1.03") + one_lot + Decimal("0.02")
        spare = free[source].minor - keep.minor
        if step.outlay(source) * 2 < spare:  # not bound by what the source can spare
            assert worth >= wanted * Decimal("0.97") - Decimal("0.02")


def test_low_repairs_respect_changed_limits() -> None:
    limits = replace(DEFAULTS, min_fx_amount=eur(50))
    shot = account({"EUR": "100", "USD": "0"})
    market = fx_market(limits=limits)
    (one,) = repair(found(shot), Sources(free=available_cash(shot), market=market))
    assert one.conversion.quantity.units == Decimal(50)
