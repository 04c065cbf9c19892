"""The buy score: its formula, its coverage, and what each kind of security is judged by."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.allocation import Groups
from ledger.score import Score
from ledger.security import ProductType
from policy.limits import Limits
from policy.metric_registry import Metrics, names_of
from policy.metrics import complete
from policy.scoring.admission import why_not_buy
from policy.scoring.bare_series import score_prices
from policy.scoring.buy_score import Figures, score_figures, score_security
from policy.scoring.context import NO_PORTFOLIO, Axis, Holding, PortfolioContext, Subject
from policy.scoring.groups import WEIGHTS
from tests.policy.scoring.histories import (
    COMPANY,
    KNOWN,
    LAST,
    LIMITS,
    REPORT,
    figures,
    history,
    nothing,
    walk,
)

HOME = Axis(targets={"Germany": 0.3, "France": 0.2}, current={"Germany": 0.25})
TRADES = Axis(targets={"Software": 0.4, "Pharma": 0.2}, current={"Software": 0.4})
PORTFOLIO = PortfolioContext(HOME, TRADES, {1: Holding(0.04, -0.10, 1.5)})


def scored(
    metrics: Metrics | None = None,
    subject: Subject = COMPANY,
    context: PortfolioContext = PORTFOLIO,
    limits: Limits = LIMITS,
) -> Score:
    return score_figures(
        subject,
        figures() if metrics is None else metrics,
        context,
        limits=limits,
        history_years=10.0,
        last_bar=LAST,
    )


def kind(product_type: ProductType) -> Subject:
    return replace(COMPANY, product_type=product_type)


# --- the formula --------------------------------------------------------------------------------


def test_with_everything_known_the_total_is_the_weighted_mean_of_the_groups() -> None:
    found = scored()
    assert found.coverage == 1.0
    assert found.groups.keys() == WEIGHTS.keys()
    total = sum(weight * (found.groups[name] or 0) for name, weight in WEIGHTS.items())
    assert found.total == pytest.approx(total, rel=1e-12)


def test_the_parts_of_a_group_have_their_weights() -> None:
    found = scored()
    parts = found.parts
    expected = {
        "long_term": {"cagr": 0.40, "sortino": 0.35, "sharpe": 0.25},
        "fundamentals": {"financial_strength": 0.60, "consistency": 0.40},
        "opportunity": {"below_52w_high": 0.50, "pe_ratio": 0.50},
        "dividends": {"yield": 0.70, "consistency": 0.30},
        "short_term": {"momentum": 0.50, "drawdown": 0.50},
        "technicals": {"rsi": 0.35, "bollinger": 0.35, "ema": 0.30},
        "opinion": {"recommendation": 0.60, "price_target": 0.40},
        "diversification": {"country": 0.40, "industry": 0.30, "averaging": 0.30},
    }
    for name, weights in expected.items():
        assert parts[name].keys() == weights.keys()
        mean = sum(weight * (parts[name][part] or 0) for part, weight in weights.items())
        assert found.groups[name] == pytest.approx(mean, rel=1e-12), name


def test_a_missing_group_is_dropped_and_draws_the_total_to_one_half() -> None:
    full = scored()
    less = scored(figures(ANALYST_RECOMMENDATION=None, PRICE_TARGET_UPSIDE=None))
    assert less.groups["opinion"] is None
    assert less.coverage == pytest.approx(0.90)
    assert full.total is not None
    assert less.total is not None
    opinion = full.groups["opinion"]
    assert opinion is not None
    assert less.total == pytest.approx(full.total - 0.10 * opinion + 0.10 * 0.5, rel=1e-12)


def test_a_missing_part_counts_by_its_own_weight() -> None:
    assert scored(figures(SHARPE=None)).coverage == pytest.approx(1 - 0.20 * 0.25)
    # One of three components of one of two parts.
    one = scored(figures(CURRENT_RATIO=None))
    assert one.coverage == pytest.approx(1 - 0.15 * 0.60 * 0.30)


def test_without_any_figure_there_is_no_total_but_a_reason() -> None:
    found = scored(nothing(), context=NO_PORTFOLIO)
    assert (found.total, found.coverage) == (None, 0.0)
    assert found.reason == "nothing about it is known"


NAMES = sorted(name for name in KNOWN if name not in names_of("position"))
# What is a score or a position between two bounds by itself.
SHARES = {"ANALYST_RECOMMENDATION", "BB_POSITION"}
SOME = st.fixed_dictionaries(
    {}, optional={name: st.floats(0 if name in SHARES else -2, 1) for name in NAMES}
)


@settings(max_examples=60)
@given(SOME, st.sampled_from(["EQUITY", "ETF", "BOND", "COMMODITY"]))
def test_scores_and_coverage_are_always_within_0_and_1(
    known: dict[str, float], product_type: ProductType
) -> None:
    found = scored(nothing(**known), kind(product_type))
    assert 0 <= found.coverage <= 1
    values = [found.total, *found.groups.values()]
    values += [value for parts in found.parts.values() for value in parts.values()]
    assert all(0 <= value <= 1 for value in values if value is not None)
    if found.total is not None:
        assert abs(found.total - 0.5) <= found.coverage * 0.5 + 1e-12


@settings(max_examples=60)
@given(SOME, st.sampled_from(NAMES), st.sampled_from(["EQUITY", "ETF", "COMMODITY"]))
def test_one_more_figure_never_lowers_the_coverage(
    known: dict[str, float], name: str, product_type: ProductType
) -> None:
    known = {key: abs(value) for key, value in known.items() if key != name}
    before = scored(nothing(**known), kind(product_type))
    after = scored(nothing(**{**known, name: KNOWN[name]}), kind(product_type))
    assert after.coverage >= before.coverage - 1e-12


@pytest.mark.parametrize("name", NAMES)
def test_the_coverage_is_whole_only_when_nothing_that_is_scored_is_missing(name: str) -> None:
    scored_by = {
        "CAGR_5Y", "CAGR_10Y", "SORTINO", "SHARPE", "PROFIT_MARGIN", "DEBT_TO_EQUITY",
        "CURRENT_RATIO", "DISTANCE_FROM_52W_HIGH", "DIVIDEND_YIELD", "PAYOUT_RATIO",
        "MOMENTUM_30D", "MAX_DRAWDOWN", "RSI_14", "BB_POSITION", "DISTANCE_FROM_EMA_200",
        "ANALYST_RECOMMENDATION", "PRICE_TARGET_UPSIDE",
    }  # fmt: skip
    coverage = scored(figures(**{name: None})).coverage
    assert (coverage < 1) == (name in scored_by)


# --- kinds of securities ------------------------------------------------------------------------

NO_COMPANY: dict[str, float | None] = dict.fromkeys(names_of("reported"))


@pytest.mark.parametrize("product_type", ["ETF", "BOND", "COMMODITY"])
def test_what_is_no_company_is_not_penalised_for_having_no_accounts(
    product_type: ProductType,
) -> None:
    fund = figures(**NO_COMPANY, DIVIDEND_YIELD=0.0, DIVIDEND_GROWTH=None)
    found = scored(fund, kind(product_type))
    assert found.coverage == 1.0
    assert not {"fundamentals", "opinion"} & found.groups.keys()
    assert "pe_ratio" not in found.parts["opportunity"]
    # Whatever a source says of its accounts changes nothing.
    said = {**figures(), "DIVIDEND_YIELD": 0.0, "DIVIDEND_GROWTH": None}
    assert scored(complete(said, COMPANY), kind(product_type)).total == found.total


def test_a_fund_that_pays_needs_no_share_of_earnings_to_be_wholly_known() -> None:
    found = scored(figures(**NO_COMPANY), kind("ETF"))
    assert found.coverage == 1.0
    assert found.parts["dividends"]["consistency"] == pytest.approx(0.5 + 5 * 0.04 - 0.10)


def test_what_does_not_apply_takes_no_part_in_the_promise_of_a_security() -> None:
    fund = kind("ETF")
    bare = {**nothing(CAGR_5Y=0.1, CAGR_10Y=0.1, SORTINO=2.0, DIVIDEND_YIELD=0.0)}
    assert complete(bare, fund)["LONG_TERM_PROMISE"] == pytest.approx(1.0)
    company = complete(bare, COMPANY)["LONG_TERM_PROMISE"]
    # Its financial strength is not known, a third of what counts for it.
    assert company == pytest.approx(0.5 + 0.5 * 0.50 / 0.75)


def test_the_same_fund_as_a_company_is_hardly_known() -> None:
    fund = figures(**NO_COMPANY, DIVIDEND_YIELD=0.0, DIVIDEND_GROWTH=None)
    assert scored(fund).coverage < 0.8


def test_a_fund_that_pays_nothing_reinvests_and_one_that_pays_is_judged_by_it() -> None:
    pays = scored(figures(**NO_COMPANY), kind("ETF"))
    keeps = scored(figures(**NO_COMPANY, DIVIDEND_YIELD=0.0, DIVIDEND_GROWTH=None), kind("ETF"))
    assert "dividends" in pays.groups
    assert "dividends" not in keeps.groups
    assert "dividends" not in scored(figures(), kind("COMMODITY")).groups


@pytest.mark.parametrize("product_type", ["INDEX", "FX"])
def test_what_nobody_can_own_has_no_score(product_type: ProductType) -> None:
    given = Figures(kind(product_type), history(walk()))
    found = score_security(given, NO_PORTFOLIO, limits=LIMITS, as_of=LAST)
    assert (found.total, found.reason) == (None, "it is nothing to invest in")


# --- diversification ----------------------------------------------------------------------------


def test_a_group_counts_by_its_gap_and_not_by_its_target() -> None:
    def country(current: float) -> float:
        axis = Axis(targets={"Germany": 0.6}, current={"Germany": current})
        value = scored(context=PortfolioContext(country=axis)).parts["diversification"]["country"]
        assert value is not None
        return value

    assert country(0.6) == 0.5
    assert country(0.75) < 0.5 < country(0.5)


def test_the_owners_groups_decide_and_what_is_in_none_is_other() -> None:
    groups = Groups(members={"Europe": ("Germany", "France")})
    axis = Axis(groups, {"Europe": 0.5}, {"Europe": 0.4, "OTHER": 0.2})
    inside = scored(context=PortfolioContext(country=axis))
    outside = scored(subject=replace(COMPANY, country="Japan"), context=PortfolioContext(axis))
    assert inside.parts["diversification"]["country"] == pytest.approx(0.9)
    assert outside.parts["diversification"]["country"] == pytest.approx(0.1)


def test_several_industries_count_by_their_mean() -> None:
    both = scored(subject=replace(COMPANY, industries=("Software", "Pharma")))
    # On target, and wanted twenty points more.
    assert both.parts["diversification"]["industry"] == pytest.approx((0.5 + 0.9) / 2)


def test_without_a_portfolio_there_is_no_diversification_rather_than_a_neutral_one() -> None:
    found = scored(context=NO_PORTFOLIO)
    assert found.groups["diversification"] is None
    assert found.coverage == pytest.approx(0.92)


def test_only_what_is_held_can_be_averaged() -> None:
    assert "averaging" in scored().parts["diversification"]
    stranger = scored(subject=replace(COMPANY, security_id=2))
    assert "averaging" not in stranger.parts["diversification"]
    assert stranger.coverage == 1.0


def test_a_holding_adds_its_windfall_to_the_figures() -> None:
    held = PortfolioContext(holdings={1: Holding(0.04, 0.90, 2.0)})
    found = scored(context=held).metrics
    assert found["EXCESS_GAIN"] == pytest.approx(0.90 - (1.1**2 - 1))
    assert scored(context=NO_PORTFOLIO).metrics["EXCESS_GAIN"] is None


# --- from bars ----------------------------------------------------------------------------------


def from_bars(count: int, as_of: date = LAST, **changes: Any) -> Score:
    given = Figures(COMPANY, history(walk(count), **changes), REPORT)
    return score_security(given, PORTFOLIO, limits=LIMITS, as_of=as_of)


def test_a_security_is_scored_from_its_bars() -> None:
    found = from_bars(2610)
    assert found.total is not None
    assert found.coverage == pytest.approx(1.0)
    assert found.reason is None
    assert found.last_bar == LAST
    assert found.history_years == pytest.approx(10.0, abs=0.02)
    assert found.volatility == found.metrics["VOLATILITY_ANNUAL"]


@pytest.mark.parametrize("count", [30, 200])
def test_fewer_than_50_bars_or_12_months_have_no_score(count: int) -> None:
    found = from_bars(count)
    assert found.total is None
    assert found.reason is not None
    assert "too few" in found.reason
    assert found.last_bar == LAST


def test_bars_that_must_not_be_used_or_ended_long_ago_have_no_score() -> None:
    assert from_bars(2610, unusable="more than half was repaired").reason == (
        "more than half was repaired"
    )
    late = from_bars(2610, as_of=LAST + timedelta(days=15))
    assert late.total is None
    assert late.reason == f"its last bar is of {LAST}"
    assert from_bars(2610, as_of=LAST + timedelta(days=14)).total is not None


def test_a_security_without_bars_has_no_score() -> None:
    found = score_security(Figures(COMPANY, None), PORTFOLIO, limits=LIMITS, as_of=LAST)
    assert (found.total, found.last_bar, found.history_years) == (None, None, None)
    assert found.reason == "there are no bars of it"


# --- bare prices --------------------------------------------------------------------------------


def bare(count: int = 1000, **changes: float) -> Score:
    return score_prices(
        "XYZ", walk(count).tolist(), (), changes, limits=LIMITS, today=date(2026, 1, 2)
    )


def test_bare_prices_give_their_own_sortino_and_drawdown() -> None:
    parts = bare().parts
    assert parts["long_term"]["sortino"] is not None
    assert parts["short_term"]["drawdown"] is not None
    assert parts["dividends"] == {"yield": None, "consistency": None}


def test_a_given_figure_wins_over_a_computed_one() -> None:
    assert bare(SORTINO=2.5).parts["long_term"]["sortino"] == 1.0
    assert bare(MAX_DRAWDOWN=-0.05).parts["short_term"]["drawdown"] == 1.0


def test_monthly_closes_decide_about_growth() -> None:
    ends = [date(2020 + n // 12, n % 12 + 1, 28) for n in range(72)]
    closes = [(day, 100 * 1.11 ** ((day - ends[0]).days / 365.25)) for day in ends]
    found = score_prices("XYZ", walk(60).tolist(), closes, {}, limits=LIMITS, today=ends[-1])
    assert found.parts["long_term"]["cagr"] == pytest.approx(1.0)


def test_a_single_price_scores_nothing() -> None:
    assert bare(1).total is None


def test_a_figure_of_no_known_name_is_refused() -> None:
    with pytest.raises(ValueError, match="CHARM"):
        bare(CHARM=1.0)


# --- what the settings change -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value", "group"),
    [
        ("target_annual_return", Decimal("0.20"), "long_term"),
        ("market_avg_pe", Decimal(16), "opportunity"),
        ("risk_free_rate", Decimal("0.03"), "long_term"),
    ],
)
def test_every_setting_of_the_score_changes_it(field: str, value: Decimal, group: str) -> None:
    def at(limits: Limits) -> float | None:
        given = Figures(COMPANY, history(walk()), REPORT)
        return score_security(given, PORTFOLIO, limits=limits, as_of=LAST).groups[group]

    changes: dict[str, Any] = {field: value}
    assert at(LIMITS) != at(replace(LIMITS, **changes))


def test_a_purchase_needs_a_score_and_enough_behind_it() -> None:
    good = replace(scored(), total=0.7, coverage=0.8)
    assert why_not_buy(good, LIMITS) is None
    assert why_not_buy(None, LIMITS) == "it has not been scored"
    unscored = replace(good, total=None, reason="there are no bars of it")
    assert why_not_buy(unscored, LIMITS) == "it has no score: there are no bars of it"
    low = why_not_buy(good, replace(LIMITS, min_security_score=Decimal("0.75")))
    assert low == "its score is 0.70, 0.75 is needed"
    thin = why_not_buy(good, replace(LIMITS, min_score_coverage=Decimal("0.85")))
    assert thin == "only 80.0% of its score is known, 85.0% are needed"


@settings(max_examples=60)
@given(
    st.lists(st.floats(1e-9, 1e12), min_size=1, max_size=400),
    st.lists(st.floats(1e-9, 1e12), max_size=130),
    st.dictionaries(
        st.sampled_from(["PE_RATIO", "SORTINO", "DEBT_TO_EQUITY", "MAX_DRAWDOWN"]),
        st.floats(-1e6, 1e6),
    ),
)
def test_whatever_prices_are_sent_the_score_is_one(
    daily: list[float], monthly: list[float], given_figures: dict[str, float]
) -> None:
    ends = [(date(2010 + n // 12, n % 12 + 1, 28), close) for n, close in enumerate(monthly)]
    found = score_prices("XYZ", daily, ends, given_figures, limits=LIMITS, today=LAST)
    assert 0 <= found.coverage <= 1
    assert found.total is None or 0 <= found.total <= 1
    assert all(value is None or math.isfinite(value) for value in found.metrics.values())
