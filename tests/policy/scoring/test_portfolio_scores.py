"""End states, health, windfalls, and the portfolio as scoring sees it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.allocation import AllocationBook, Groups
from ledger.portfolio import PortfolioSnapshot
from policy.scoring.context import NO_PORTFOLIO
from policy.scoring.end_state import (
    PROFILES,
    EndStateParts,
    Profile,
    diversification,
    end_state,
    parts_of,
    spread,
)
from policy.scoring.health import health
from policy.scoring.mappings import total_return
from policy.scoring.portfolio_view import context_of
from policy.scoring.windfall import windfall
from tests.policy import accounts
from tests.policy.scoring.histories import figures, nothing

TODAY = date(2026, 3, 2)
GOOD, POOR = EndStateParts(0.9, 0.8, 0.7), EndStateParts(0.2, 0.3, 0.4)
SHARES = st.lists(st.floats(0.001, 1), min_size=1, max_size=6)


# --- end states ---------------------------------------------------------------------------------


def test_an_end_state_is_the_weighted_sum_of_its_components() -> None:
    found = end_state({1: 0.6, 2: 0.3}, {1: GOOD, 2: POOR}, diversification=0.8)
    assert found.components["total_return"].score == pytest.approx(0.6 * 0.9 + 0.3 * 0.2)
    assert found.score == pytest.approx(
        0.35 * 0.60 + 0.25 * 0.8 + 0.20 * 0.57 + 0.15 * 0.54 + 0.05 * 0.5
    )
    assert found.score == pytest.approx(sum(c.contribution for c in found.components.values()))
    assert found.coverage == 1.0


@pytest.mark.parametrize("profile", PROFILES.values())
def test_the_weights_of_a_profile_add_up_to_one(profile: Profile) -> None:
    weights = (
        profile.total_return, profile.diversification, profile.promise, profile.stability,
        profile.opinion,
    )  # fmt: skip
    assert sum(weights) == pytest.approx(1.0)


def test_an_empty_portfolio_is_neutral_and_says_why() -> None:
    found = end_state({}, {}, diversification=0.9)
    assert (found.score, found.coverage, found.reason) == (0.5, 0.0, "nothing is held")


def test_an_unknown_security_is_neutral_and_not_covered() -> None:
    found = end_state({1: 0.5, 2: 0.25}, {1: GOOD}, diversification=None)
    assert found.coverage == pytest.approx(2 / 3)
    assert found.components["stability"].score == pytest.approx(0.5 * 0.7 + 0.25 * 0.5)
    assert found.reason == "no group has a target"


@given(SHARES, st.floats(0, 1))
def test_an_end_state_is_what_its_positions_are_worth_and_its_spread(
    shares: list[float], spread_score: float
) -> None:
    profile = PROFILES["balanced"]
    total = sum(shares)
    weights = {n: share / total for n, share in enumerate(shares)}
    parts = {n: (GOOD, POOR)[n % 2] for n in weights}
    found = end_state(weights, parts, diversification=spread_score)
    linear = sum(weight * parts[n].worth(profile) for n, weight in weights.items())
    rest = profile.diversification * spread_score + profile.opinion * 0.5
    assert 0 <= found.score <= 1
    assert found.score == pytest.approx(linear + rest)


def test_the_parts_of_a_security_come_from_its_figures() -> None:
    found = parts_of(figures())
    assert found.total_return == pytest.approx(total_return(0.10 + 0.025))
    unknown = parts_of(nothing())
    assert unknown == EndStateParts(None, None, None)


def test_one_unknown_half_of_promise_draws_it_to_one_half_and_not_to_zero() -> None:
    whole = parts_of(figures()).promise
    half = parts_of(figures(CAGR_10Y=None)).promise
    assert whole is not None
    assert half is not None
    assert abs(half - 0.5) <= abs(whole - 0.5) + 0.35 * 0.5


def test_spread_is_the_mean_deviation_of_the_targeted_groups() -> None:
    assert spread({"EU": 0.6, "US": 0.4}, {"EU": 0.6, "US": 0.4, "OTHER": 0.3}) == 1.0
    assert spread({"EU": 0.5, "US": 0.5}, {"EU": 0.2, "US": 0.8}) == pytest.approx(0.0)
    assert spread({"EU": 0.5, "US": 0.5}, {}) == 0.0
    assert spread({}, {"EU": 1.0}) is None


def test_both_spreads_count_four_to_three_and_one_alone_counts_whole() -> None:
    assert diversification(1.0, 0.3) == pytest.approx((0.4 * 1.0 + 0.3 * 0.3) / 0.7)
    assert diversification(None, 0.3) == pytest.approx(0.3)
    assert diversification(None, None) is None


# --- health -------------------------------------------------------------------------------------


def test_health_is_mixed_from_spread_dividends_and_quality() -> None:
    found = health(
        {1: 0.5, 2: 0.5},
        country_targets={"EU": 0.5, "US": 0.5},
        country_weights={"EU": 0.59, "US": 0.41},
        yields={1: 0.02, 2: 0.04},
        qualities={1: 0.8, 2: 0.6},
    )
    assert found.diversification == pytest.approx(70.0)
    assert found.dividend == pytest.approx(60.0)
    assert found.quality == pytest.approx(70.0)
    assert found.total == pytest.approx(0.4 * 70 + 0.3 * 60 + 0.3 * 70)
    assert found.reasons == {}


def test_what_health_assumes_it_says() -> None:
    found = health({1: 1.0}, country_targets={}, country_weights={}, yields={}, qualities={})
    assert found.diversification == pytest.approx(33.3)
    assert (found.dividend, found.quality) == (50.0, 50.0)
    assert found.reasons.keys() == {"diversification", "dividend", "quality"}
    empty = health({}, country_targets={}, country_weights={}, yields={}, qualities={})
    assert (empty.total, empty.reasons) == (50.0, {"total": "nothing is held"})


def test_a_yield_of_zero_is_known_and_an_unknown_quality_is_half() -> None:
    found = health(
        {1: 0.5, 2: 0.5},
        country_targets={"EU": 1.0},
        country_weights={"EU": 1.0},
        yields={1: 0.0, 2: None},
        qualities={1: 0.9, 2: None},
    )
    assert found.dividend == 30.0
    assert found.quality == pytest.approx(70.0)
    assert found.reasons == {"quality": "the quality of 1 of 2 positions is not known"}


# --- windfalls ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gain", "years", "share"),
    [
        (1.20, 2.0, 0.50), (1.00, 8.0, 0.30), (0.80, 1.0, 0.40), (0.40, 1.0, 0.20),
        (0.20, 1.0, None),
    ],
)  # fmt: skip
def test_profits_are_taken_by_gain_and_excess(
    gain: float, years: float, share: float | None
) -> None:
    found = windfall(figures(), gain=gain, years_held=years)
    assert found is not None
    assert found.sell_share == share


def test_excess_is_what_goes_beyond_usual_growth() -> None:
    found = windfall(figures(), gain=0.60, years_held=2)
    assert found is not None
    assert found.expected == pytest.approx(0.21)
    assert found.excess == pytest.approx(0.39)
    assert found.score == pytest.approx(0.5 + 2 * (0.39 - 0.25))
    assert not found.assumed_growth


def test_growth_that_is_not_known_is_taken_as_ten_percent_and_told() -> None:
    decade = windfall(figures(CAGR_5Y=None), gain=0.5, years_held=1)
    none = windfall(nothing(), gain=0.5, years_held=1)
    assert decade is not None
    assert none is not None
    assert (decade.growth, decade.assumed_growth) == (0.08, False)
    assert (none.growth, none.assumed_growth) == (0.10, True)


def test_a_ruined_or_boundless_growth_expects_nothing() -> None:
    for rate in (-1.0, 1e300):
        found = windfall(figures(CAGR_5Y=rate), gain=0.5, years_held=10)
        assert found is not None
        assert found.excess == 0.5


def test_without_a_known_cost_or_time_there_is_no_windfall() -> None:
    assert windfall(figures(), gain=None, years_held=2) is None
    assert windfall(figures(), gain=0.5, years_held=None) is None
    short = windfall(figures(), gain=0.5, years_held=0.01)
    assert short is not None
    assert short.years_held == 0.1


# --- the portfolio ------------------------------------------------------------------------------


def shot() -> PortfolioSnapshot:
    universe = [
        accounts.security("AAA.EU", number=1, country="Germany", industry="Software, Banks"),
        accounts.security("BBB.EU", number=2, country="France", industry="Software"),
    ]
    return accounts.snapshot(
        universe,
        prices={"AAA.EU": "50.00", "BBB.EU": "20.00"},
        held={"AAA.EU": "10", "BBB.EU": "10"},
        costs={"AAA.EU": "40.00", "BBB.EU": "25.00"},
        cash={"EUR": "300"},
    )


def test_weights_count_cash_and_industries_share_a_position_equally() -> None:
    book = AllocationBook(country=Groups(members={"Core": ("germany",)}))
    found = context_of(
        shot(),
        book,
        {"country": {"Core": Decimal("0.5")}, "industry": {"Software": Decimal("0.2")}},
        oldest_buys={"AAA.EU": date(2025, 3, 2)},
        today=TODAY,
    )
    assert found.country.current == {"Core": 0.5, "OTHER": 0.2}
    assert found.industry.current == {"Software": pytest.approx(0.45), "Banks": 0.25}
    held = found.holdings[1]
    assert (held.weight, held.gain, held.years_held) == (0.5, 0.25, 1.0)
    assert found.holdings[2].years_held is None


def test_without_a_known_total_nothing_is_known_of_the_portfolio() -> None:
    unknown = replace(shot(), total_eur=None)
    assert context_of(unknown, AllocationBook(), {}, oldest_buys={}, today=TODAY) == NO_PORTFOLIO
