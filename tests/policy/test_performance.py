"""Returns compound from days to months and years, and what is not known says why."""

from __future__ import annotations

import math
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.analytics import Performance
from ledger.holdings import Traded
from ledger.money import Money
from policy.balance_lines import AssetPrices
from policy.performance import performance, turnover_of
from policy.reconstruction import Reconstruction, reconstruct
from tests.policy.account_days import (
    FixedRates,
    cash,
    day,
    history,
    random_account,
    series,
    shares,
    weekdays,
)


def shown(closes: Reconstruction) -> Performance:
    return performance(closes, days=365, risk_free=0.0)


def steady(count: int, *, growth: float = 1.001, trades: tuple[Traded, ...] = ()) -> Reconstruction:
    """A hundred shares and no cash, every close `growth` times the one before."""
    levels = {one: 10 * growth**number for number, one in enumerate(weekdays(600)[:count])}
    past = history(shares(day(0), 100, "external"), until=day(600), trades=trades)
    return reconstruct(past, {"AAA": AssetPrices("EUR", series(levels))}, FixedRates())


@settings(max_examples=30)
@given(st.integers(0, 10_000))
def test_months_and_years_compound_to_the_total(seed: int) -> None:
    account = random_account(seed)
    found = shown(reconstruct(account.history, account.prices, account.rates))
    total = math.prod(1 + one.value for one in found.daily)
    assert found.total == pytest.approx(total - 1, abs=1e-12)
    for periods in (found.monthly, found.yearly):
        compounded = math.prod(1 + one.value for one in periods)
        assert compounded == pytest.approx(total, rel=1e-12)
        assert [one.period for one in periods] == sorted({one.period for one in periods})
    assert [one.period for one in found.yearly] == ["2024"]


def test_a_year_is_252_trading_days() -> None:
    found = shown(steady(127))
    assert found.total == pytest.approx(1.001**126 - 1)
    assert found.annual == pytest.approx(1.001**252 - 1)
    assert shown(steady(3)).annual == pytest.approx(1.001**2 - 1)


def test_the_days_are_those_of_the_closes() -> None:
    found = shown(steady(10))
    assert (found.first, found.last) == (day(0), day(11))
    assert [one.day for one in found.daily] == weekdays(12)[1:]
    assert (found.start_value, found.flows) == (Money(100_000, "EUR"), Money(0, "EUR"))
    assert found.end_value == Money(100_904, "EUR")


def test_figures_that_need_more_closes_say_so() -> None:
    found = shown(steady(29))
    reasons = dict(found.risk.missing)
    assert found.risk.volatility is None
    assert reasons["volatility"] == "29 closes, 30 needed"
    assert reasons["sharpe"] == "29 closes, 50 needed"
    assert reasons["calmar"] == "29 closes, 30 needed"
    assert reasons["var_95"] == "29 closes, 61 needed"


def test_without_a_fall_there_is_no_calmar_ratio() -> None:
    found = shown(steady(80))
    assert found.risk.calmar is None
    assert dict(found.risk.missing)["calmar"] == "nothing deviates from its mean or peak"
    assert found.risk.max_drawdown is not None
    assert found.risk.max_drawdown.depth == 0


def test_a_fall_has_its_days_and_the_ratio_takes_the_annual_return() -> None:
    levels = dict(zip(weekdays(600)[:40], [10.0] * 10 + [8.0] * 5 + [11.0] * 25, strict=True))
    past = history(shares(day(0), 1, "external"), until=day(600))
    found = shown(reconstruct(past, {"AAA": AssetPrices("EUR", series(levels))}, FixedRates()))
    fall = found.risk.max_drawdown
    assert fall is not None
    assert fall.depth == pytest.approx(-0.2)
    assert (fall.peak, fall.trough, fall.recovered) == (day(11), day(14), day(21))
    assert found.annual is not None
    assert found.risk.calmar == pytest.approx(found.annual / 0.2)
    assert found.risk.current_drawdown == 0


def test_a_deposit_of_the_range_is_named_and_no_return() -> None:
    levels = dict.fromkeys(weekdays(10), 10.0)
    past = history(
        shares(day(0), 10, "external"), cash(day(0), 5, "external"), cash(day(2), 70, "external")
    )
    found = shown(reconstruct(past, {"AAA": AssetPrices("EUR", series(levels))}, FixedRates()))
    assert found.flows == Money(7000, "EUR")
    assert found.total == 0


def test_a_single_close_is_no_performance() -> None:
    found = shown(steady(1))
    assert (found.available, found.total, found.annual, found.daily) == (False, None, None, ())
    assert found.reason == "there are no two closes with a known value"


def traded(*amounts: tuple[date, int, int]) -> Reconstruction:
    trades = tuple(Traded(on, "EUR", bought, sold) for on, bought, sold in amounts)
    return steady(300, growth=1.0, trades=trades)


@pytest.mark.parametrize(
    ("cents", "status"),
    [(49_999, "normal"), (50_000, "warning"), (99_999, "warning"), (100_000, "critical")],
)
def test_turnover_is_half_of_what_was_traded_over_the_mean_value(cents: int, status: str) -> None:
    found = turnover_of(traded((day(300), 2 * cents, 0), (day(301), 0, 0)))
    assert found.annual == pytest.approx(cents / 100_000)
    assert found.status == status


def test_turnover_looks_back_a_year_from_the_last_close() -> None:
    old, new = (day(52), 30_000, 30_000), (day(56), 10_000, 10_000)
    assert turnover_of(traded(old, new)).annual == pytest.approx(0.1)


def test_turnover_without_trades_is_unknown() -> None:
    assert turnover_of(traded()).status == "unknown"
    assert turnover_of(traded()).annual is None
    assert turnover_of(steady(0)).reason == "no value of the account is known"
