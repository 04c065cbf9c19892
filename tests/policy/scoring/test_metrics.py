"""Figures of a security: what they are, when they are missing, and that all have a producer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from kernels.series import Series
from ledger.errors import StartError
from policy import metric_registry
from policy.metric_registry import METRICS, Metrics, Producer
from policy.metrics import CONSUMED, PRODUCED, check_metrics, measure
from policy.price_history import PriceHistory
from policy.scoring import derived, end_state, groups, sell_score, windfall
from policy.scoring.context import NO_PORTFOLIO, Holding, PortfolioContext, Subject
from tests.policy.scoring.histories import (
    COMPANY,
    LAST,
    LIMITS,
    REPORT,
    figures,
    history,
    reported,
    walk,
    weekdays,
)
from tests.policy.scoring.test_sell_score import facts


def measured(given: PriceHistory) -> Metrics:
    return measure(given, (), limits=LIMITS, as_of=LAST, subject=COMPANY)


def ex_days(amount: float, years: range, month: int = 6) -> dict[date, float]:
    """One dividend a year, on the first weekday on or after the 10th of `month`."""
    found: dict[date, float] = {}
    for year in years:
        day = date(year, month, 10)
        day += timedelta(days=(7 - day.weekday()) % 7 if day.weekday() > 4 else 0)
        found[day] = amount
    return found


# --- the registry -------------------------------------------------------------------------------


def test_everything_that_is_read_has_a_producer() -> None:
    check_metrics()


def test_a_start_without_a_producer_is_refused_and_names_figure_and_reader() -> None:
    produced: dict[Producer, Collection[str]] = {
        **PRODUCED,
        "prices": set(PRODUCED["prices"]) - {"SORTINO"},
    }
    with pytest.raises(StartError, match=r"nothing produces SORTINO, which .*the buy score"):
        check_metrics(produced=produced)


def test_reading_what_is_no_metric_is_refused() -> None:
    with pytest.raises(StartError, match="the planner reads CHARM, which is no metric"):
        check_metrics({**CONSUMED, "the planner": {"CHARM"}})


def test_producing_what_is_not_defined_is_refused() -> None:
    produced: dict[Producer, Collection[str]] = {
        **PRODUCED,
        "dividends": {*PRODUCED["dividends"], "SORTINO"},
    }
    with pytest.raises(StartError, match="dividends produces SORTINO"):
        check_metrics(produced=produced)


def test_measuring_and_a_position_give_every_figure_there_is_and_no_other() -> None:
    found = measure(paying(), REPORT, limits=LIMITS, as_of=LAST, subject=COMPANY)
    gained = windfall.as_metrics(windfall.windfall(found, gain=0.4, years_held=2))
    assert {**found, **gained}.keys() == METRICS.keys()
    unknown = {name for name, value in {**found, **gained}.items() if value is None}
    assert unknown == {"YEARS_SINCE_DIVIDEND_CUT", "DIVIDEND_YIELD_5Y_AVG"}


class Watched(Mapping[str, float | None]):
    """Figures that remember which of them were looked at."""

    def __init__(self, values: Metrics) -> None:
        self.values_, self.read = values, set[str]()

    def __getitem__(self, name: str) -> float | None:
        self.read.add(name)
        return self.values_[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_)

    def __len__(self) -> int:
        return len(self.values_)


def test_every_reader_declares_exactly_what_it_reads() -> None:
    context = PortfolioContext(holdings={1: Holding(0.05, 0.2, 1.0)})
    sparse = {**figures(), "CAGR_5Y": None}

    def read(use: Callable[[Metrics], object], *cases: Metrics) -> set[str]:
        found = set[str]()
        for case in cases:
            watched = Watched(case)
            use(watched)
            found |= watched.read
        return found

    def judge(metrics: Metrics) -> object:
        return sell_score.sell_score(facts(), metrics, limits=LIMITS, today=LAST)

    whole = figures()
    assert read(lambda m: groups.groups_of(Subject(1, "A"), m, context, LIMITS), whole) == (
        groups.READS
    )
    assert read(lambda m: derived.derive(m, COMPANY), whole) == derived.READS
    assert read(end_state.parts_of, whole) == end_state.READS
    assert read(lambda m: windfall.windfall(m, gain=0.1, years_held=1), whole, sparse) == (
        windfall.READS
    )
    assert read(judge, whole) == sell_score.READS


# --- prices -------------------------------------------------------------------------------------


def paying() -> PriceHistory:
    return history(walk(), dividends=ex_days(1.0, range(2017, 2026)))


def test_growth_is_exact_by_the_days_between_both_ends() -> None:
    days = weekdays(2610)
    values = 100 * 1.08 ** ((days - days[0]) / 365.25)
    found = measured(history(values, days=days))
    assert found["CAGR_5Y"] == pytest.approx(0.08, rel=1e-9)
    assert found["CAGR_10Y"] == pytest.approx(0.08, rel=1e-9)


def test_growth_of_one_three_and_five_years_is_that_of_the_last_years() -> None:
    days = weekdays(2610)
    age = (days[-1] - days) / 365.25
    # 2 % a year until five years ago, then 5 %, 10 % in the last three years and 20 % in the last.
    rates = np.select([age > 5, age > 3, age > 1], [0.02, 0.05, 0.10], 0.20)
    steps = np.diff(days, prepend=days[0]) / 365.25
    found = measured(history(100 * np.cumprod((1 + rates) ** steps), days=days))
    assert found["CAGR_1Y"] == pytest.approx(0.20, abs=0.002)
    assert found["CAGR_3Y"] == pytest.approx((1.2 * 1.1**2) ** (1 / 3) - 1, abs=0.002)
    assert found["CAGR_5Y"] == pytest.approx((1.2 * 1.1**2 * 1.05**2) ** 0.2 - 1, abs=0.002)
    short = measured(history(walk(400)))
    assert short["CAGR_3Y"] == short["CAGR_5Y"] != short["CAGR_1Y"]
    assert measured(history(walk(200)))["CAGR_1Y"] is None


def test_ten_year_growth_needs_more_than_five_years() -> None:
    assert measured(history(walk(1305)))["CAGR_10Y"] is None
    assert measured(history(walk(1400)))["CAGR_10Y"] is not None


def test_growth_leaves_dividends_out_and_the_yield_counts_them_once() -> None:
    flat = np.full(2610, 100.0)
    found = measured(history(flat, dividends=ex_days(3.0, range(2017, 2026))))
    assert found["CAGR_5Y"] == pytest.approx(0.0, abs=1e-12)
    assert found["DIVIDEND_YIELD"] == pytest.approx(0.03, rel=1e-9)
    assert found["TOTAL_RETURN"] == pytest.approx(0.03, rel=1e-9)


def test_risk_is_that_of_the_total_return_of_the_newest_365_closes() -> None:
    close = walk()
    given = history(close, dividends=ex_days(5.0, range(2017, 2026)))
    total = given.total.values[-365:]
    moves = total[1:] / total[:-1] - 1
    found = measured(given)
    deviation = float(moves.std(ddof=1))
    assert found["VOLATILITY_ANNUAL"] == pytest.approx(deviation * 252**0.5, rel=1e-12)
    assert found["SHARPE"] == pytest.approx(float(moves.mean()) / deviation * 252**0.5, rel=1e-9)
    worst = float((total / np.maximum.accumulate(total) - 1).min())
    assert found["MAX_DRAWDOWN"] == pytest.approx(worst, rel=1e-12)


def test_momentum_looks_back_whole_sessions() -> None:
    close = walk()
    found = measured(history(close))
    assert found["MOMENTUM_30D"] == pytest.approx(close[-1] / close[-31] - 1, rel=1e-12)
    assert found["MOMENTUM_90D"] == pytest.approx(close[-1] / close[-91] - 1, rel=1e-12)


def test_the_52_week_high_is_that_of_the_highs() -> None:
    close = walk()
    found = measured(history(close))
    assert found["HIGH_52W"] == pytest.approx(close[-252:].max() * 1.01, rel=1e-12)
    assert found["LOW_52W"] == pytest.approx(close[-252:].min() * 0.99, rel=1e-12)


def test_too_few_closes_make_a_figure_missing_and_one_more_makes_it_known() -> None:
    for metric in METRICS.values():
        # Growth needs months, not closes.
        if metric.producer != "prices" or metric.name.startswith("CAGR"):
            continue
        short = measured(history(walk(metric.closes - 1)))
        enough = measured(history(walk(metric.closes)))
        assert short[metric.name] is None, metric.name
        assert enough[metric.name] is not None, metric.name


def test_a_price_that_is_none_leaves_nothing_known() -> None:
    close = walk(400)
    close[-20] = 0.0
    found = measured(history(close))
    assert all(found[name] is None for name in metric_registry.names_of("prices"))


def test_months_are_counted_by_the_calendar() -> None:
    def span(first: date, last: date) -> int:
        days = np.array([first.toordinal(), last.toordinal()], dtype=np.int32)
        return Series(days, np.ones(2)).months

    assert span(date(2024, 1, 31), date(2024, 2, 1)) == 2
    assert span(date(2024, 1, 1), date(2024, 12, 31)) == 12
    assert span(date(1969, 12, 31), date(1970, 1, 1)) == 2


def test_prices_run_from_old_to_new_or_not_at_all() -> None:
    given = history(walk(400))
    with pytest.raises(ValueError, match="expected a later one"):
        Series(given.close.days[::-1].copy(), given.close.values[::-1].copy())


# --- dividends ----------------------------------------------------------------------------------


def test_dividends_grow_by_what_was_paid_in_complete_years() -> None:
    raises = {day: 1.05**n for n, day in enumerate(sorted(ex_days(1.0, range(2016, 2026))))}
    found = measured(history(np.full(2610, 100.0), dividends=raises))
    assert found["DIVIDEND_GROWTH"] == pytest.approx(0.05, rel=1e-4)
    assert found["YEARS_SINCE_DIVIDEND_CUT"] is None


def test_the_most_recent_cut_counts() -> None:
    paid = ex_days(2.0, range(2016, 2026))
    amounts = dict(
        zip(sorted(paid), [2.0, 1.0, 2.0, 2.0, 2.0, 2.0, 1.0, 1.0, 1.0, 1.0], strict=True)
    )
    found = measured(history(np.full(2610, 100.0), dividends=amounts))
    # The fall is that of 2022, and 2024 is the last complete year: three years ago.
    assert found["YEARS_SINCE_DIVIDEND_CUT"] == 3


def test_no_dividend_is_a_yield_of_zero_after_a_year_and_unknown_before() -> None:
    assert measured(history(walk(400)))["DIVIDEND_YIELD"] == 0.0
    assert measured(history(walk(100)))["DIVIDEND_YIELD"] is None


def test_a_reported_yield_counts_where_the_bars_know_of_no_dividend_only() -> None:
    said = reported(dividend_yield=0.04)
    silent = measure(history(walk(400)), said, limits=LIMITS, as_of=LAST, subject=COMPANY)
    assert silent["DIVIDEND_YIELD"] == 0.04
    paid = measure(paying(), said, limits=LIMITS, as_of=LAST, subject=COMPANY)
    assert paid["DIVIDEND_YIELD"] != 0.04


def test_dividends_that_had_to_be_left_out_make_yield_and_growth_unknown() -> None:
    given = history(
        walk(), dividends=ex_days(1.0, range(2017, 2026)), notes=("a dividend is left out",)
    )
    found = measured(given)
    assert found["DIVIDEND_YIELD"] is None
    assert found["DIVIDEND_GROWTH"] is None


# --- what is reported ---------------------------------------------------------------------------


def test_the_newest_figure_counts_and_none_of_tomorrow() -> None:
    old, new = date(2025, 3, 1), date(2025, 9, 1)
    report = (
        *reported(new, pe_ratio=20),
        *reported(old, pe_ratio=30),
        *reported(LAST + timedelta(days=1), pe_ratio=5),
    )
    assert measure(paying(), report, limits=LIMITS, as_of=LAST, subject=COMPANY)["PE_RATIO"] == 20


@pytest.mark.parametrize(
    ("name", "days"), [("pe_ratio", 549), ("analyst_recommendation", 121), ("payout_ratio", 549)]
)
def test_a_figure_that_is_too_old_is_not_known(name: str, days: int) -> None:
    def at(age: int) -> float | None:
        values: dict[str, Any] = {name: 0.5}
        report = reported(LAST - timedelta(days=age), **values)
        return measure(paying(), report, limits=LIMITS, as_of=LAST, subject=COMPANY)[name.upper()]

    assert at(days) is None
    assert at(days - 1) == 0.5


@pytest.mark.parametrize(
    ("name", "percent"),
    [("payout_ratio", 45.0), ("profit_margin", 12.0), ("debt_to_equity", 150.0),
     ("price_target_upside", 20.0), ("analyst_recommendation", 3.0)],
)  # fmt: skip
def test_a_percentage_taken_for_a_fraction_is_not_believed(name: str, percent: float) -> None:
    values: dict[str, Any] = {name: percent}
    report = reported(**values)
    assert (
        measure(paying(), report, limits=LIMITS, as_of=LAST, subject=COMPANY)[name.upper()] is None
    )


def test_fewer_than_three_analysts_have_no_opinion() -> None:
    def opinion(analysts: int) -> float | None:
        report = reported(analyst_recommendation=0.8, num_analysts=analysts)
        return measure(paying(), report, limits=LIMITS, as_of=LAST, subject=COMPANY)[
            "ANALYST_RECOMMENDATION"
        ]

    assert opinion(2) is None
    assert opinion(3) == 0.8


# --- derived ------------------------------------------------------------------------------------


def test_no_debt_is_not_the_same_as_unknown_debt() -> None:
    def strength(**changes: float | None) -> float | None:
        return figures(**changes)["FINANCIAL_STRENGTH"]

    free, unknown = strength(DEBT_TO_EQUITY=0.0), strength(DEBT_TO_EQUITY=None)
    assert free is not None
    assert unknown is not None
    assert free > unknown


def test_banks_are_judged_by_their_margin_alone() -> None:
    bank = derived.financial_strength(
        figures(DEBT_TO_EQUITY=9.0), replace(COMPANY, industries=("Regional Banks",))
    )
    assert bank.known == 1.0
    assert bank.value == pytest.approx(0.5 + 2.5 * 0.12)


def test_what_never_paid_has_no_dividends_to_be_consistent_about() -> None:
    never = figures(DIVIDEND_YIELD=0.0, DIVIDEND_GROWTH=None)
    assert never["DIVIDEND_CONSISTENCY"] is None
    parts = groups.groups_of(Subject(1, "A"), never, NO_PORTFOLIO, LIMITS)
    assert set(parts["dividends"]) == {"yield"}


def test_a_cut_two_years_ago_costs_more_than_an_old_one() -> None:
    def record(since: float | None) -> float:
        found = figures(YEARS_SINCE_DIVIDEND_CUT=since)["DIVIDEND_CONSISTENCY"]
        assert found is not None
        return found

    assert record(None) > record(8) > record(4) > record(1)
