"""The parts of the optimizer: bounds, bands, expected returns, weekly returns, covariance, cuts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernels.series import Series
from ledger.regime import UNKNOWN_REGIME
from ledger.score import Score, Scores
from policy.optimizer.blend import without_crumbs
from policy.optimizer.bounds import Bounds, bounds, within
from policy.optimizer.constraints import bands_of
from policy.optimizer.covariance import enough_history, estimate
from policy.optimizer.given import Member
from policy.optimizer.hrp import hrp_weights
from policy.optimizer.ladder import nearest
from policy.optimizer.outlook import NO_OUTLOOK, Outlook, forward_adjustment, outlook_of
from policy.optimizer.qp import Problem, Unsolvable, minimise
from policy.optimizer.returns import LEAST, MOST, expected_return
from policy.optimizer.shares import concentration, risk_contributions
from policy.optimizer.weekly import fridays, growth, weekly, weekly_returns
from tests.policy.accounts import quote
from tests.policy.optimizer_cases import member
from tests.policy.optimizer_cases import weekly_returns as sample_returns

LARGEST = Decimal("0.15")
TODAY = date(2026, 3, 4)  # a Wednesday


def bound(**changes: object) -> tuple[str, str]:
    found = bounds(member(**changes), LARGEST)  # type: ignore[arg-type]
    return str(found.lower.normalize()), str(found.upper.normalize())


def test_the_owner_s_bounds_narrow_the_largest_position_and_never_widen_it() -> None:
    assert bound() == ("0", "0.15")
    assert bound(max_target=Decimal("0.08")) == ("0", "0.08")
    assert bound(max_target=Decimal("0.30")) == ("0", "0.15")
    assert bound(min_target=Decimal("0.04")) == ("0.04", "0.15")
    assert bound(min_target=Decimal("0.20")) == ("0.15", "0.15")


def test_bans_hold_one_side_and_contradictions_hold_the_weight() -> None:
    held = {"current": "0.05", "lot_share": None}
    assert bound(**held, allow_buy=False) == ("0", "0.05")
    assert bound(**held, allow_sell=False) == ("0.05", "0.15")
    assert bound(**held, allow_buy=False, allow_sell=False) == ("0.05", "0.05")
    assert bound(current="0.25", allow_sell=False) == ("0.25", "0.25")
    assert bound(**held, allow_buy=False, min_target=Decimal("0.1")) == ("0.05", "0.05")
    assert bound(current="0.25") == ("0.001", "0.15")


def test_the_last_lot_of_a_holding_is_kept_when_it_fits() -> None:
    assert bound(current="0.05", lot_share=Decimal("0.02")) == ("0.02", "0.15")
    assert bound(current="0.05", lot_share=Decimal("0.20")) == ("0", "0.15")
    assert bound(current="0.02", lot_share=Decimal("0.02"), single_lot=True) == ("0.02", "0.15")
    assert bound(current="0", lot_share=Decimal("0.02")) == ("0", "0.15")


def test_minima_give_way_together_and_bans_do_not() -> None:
    ban = Bounds(Decimal("0.3"), Decimal("0.3"), Decimal("0.3"))
    wish = Bounds(Decimal(0), Decimal("0.5"), Decimal("0.5"))
    fitting, lowered = within((ban, wish, wish), Decimal("0.8"))
    assert lowered
    assert [one.lower for one in fitting] == [Decimal("0.3"), Decimal("0.25"), Decimal("0.25")]
    assert within((ban, wish), Decimal("0.8")) == ((ban, wish), False)
    assert [one.lower for one in within((ban, wish), Decimal(-1))[0]] == [
        Decimal("0.3"),
        Decimal(0),
    ]


def test_bands_surround_their_targets_and_caps_never_cut_below_them() -> None:
    found = bands_of(
        [member(country="East", industries=("Iron", "Salt"))],
        {"East": Decimal("0.6"), "West": Decimal("0.3"), "No": Decimal(0), "South": Decimal("0.1")},
        {"Iron": Decimal("0.9"), "Salt": Decimal("0.1")},
        invested=0.5,
    )  # fmt: skip
    bands = {band.name: band for band in found.bands}
    assert list(bands) == ["East", "South", "West", "Iron", "Salt"]
    assert bands["East"][2:] == pytest.approx((0.30, 0.25, 0.30))
    assert bands["South"][2:] == pytest.approx((0.05, 0.0, 0.10))
    assert bands["West"][2:] == pytest.approx((0.15, 0.10, 0.175))
    assert bands["Iron"][2:] == pytest.approx((0.45, 0.375, 0.45))
    assert bands["Salt"][2:] == pytest.approx((0.05, 0.0, 0.125))
    assert found.parts[:, 0].tolist() == [1.0, 0.0, 0.0, 0.5, 0.5]


@given(st.dictionaries(st.text("abc", min_size=1), st.integers(1, 9), min_size=1, max_size=8))
def test_the_bands_of_a_dimension_can_be_met_together(wanted: dict[str, int]) -> None:
    total = sum(wanted.values())
    targets = {name: Decimal(weight) / total for name, weight in wanted.items()}
    for found in (bands_of([], targets, {}, 0.9), bands_of([], {}, targets, 0.9)):
        assert found.low.sum() <= 0.9 + 1e-9
        assert found.high.sum() >= 0.9 - 1e-9


@pytest.mark.parametrize(("groups", "cap"), [(1, 0.70), (2, 0.50), (3, 0.40), (4, 0.40), (5, 0.30)])
def test_the_cap_of_an_industry_follows_their_number(groups: int, cap: float) -> None:
    # All but one hardly wanted, so that the cap shows on the one that is near it.
    names = {f"I{n}": Decimal("0.001") for n in range(groups - 1)}
    found = bands_of([], {}, {**names, "Main": Decimal(str(cap)) - Decimal("0.01")}, 1.0)
    assert found.high[-1] == pytest.approx(cap)


def expected(one: Member, *, outlook: float = 0.0, **regime: object) -> float:
    state = replace(UNKNOWN_REGIME, **regime)  # type: ignore[arg-type]
    found = expected_return(one, target=0.11, regime=state, outlook=outlook)
    assert found is not None
    return found


def test_the_expected_return_is_the_stated_sum() -> None:
    one = member(growth=0.10, score=0.8, priority=Decimal("1.5"), bonus=0.01)
    assert expected(one, outlook=0.1) == pytest.approx(
        0.7 * 0.10 + 0.3 * 0.11 * 1.6 + 0.11 * (0.1 + 0.5) + 0.01
    )
    bull = expected(member(growth=0.10), regime="bull", confidence=0.5)
    assert bull == pytest.approx(0.75 * 0.10 + 0.25 * 0.11)
    bear = expected(member(growth=0.10), regime="bear", confidence=1.0)
    assert bear == pytest.approx(0.7 * 0.10 + 0.3 * 0.11 - 0.25 * 0.11)
    assert (
        expected_return(member(growth=None), target=0.11, regime=UNKNOWN_REGIME, outlook=0) is None
    )
    assert expected(member(growth=0.0)) == pytest.approx(0.033)
    assert expected(member(growth=0.0, score=None)) == pytest.approx(0.033)
    assert expected(member(growth=0.0, score=-0.1)) == 0.0


@given(st.floats(-0.9, 0.5), st.floats(0, 1), st.integers(1, 30), st.floats(-0.2, 0.2))
def test_nothing_that_is_better_lowers_the_expected_return(
    growth_: float, score: float, tenths: int, outlook: float
) -> None:
    one = member(growth=growth_, score=score, priority=Decimal(tenths) / 10)
    base = expected(one, outlook=outlook)
    assert LEAST <= base <= MOST
    assert expected(replace(one, growth=growth_ + 0.01), outlook=outlook) >= base
    assert expected(replace(one, score=score + 0.1), outlook=outlook) >= base
    assert expected(replace(one, priority=one.priority + 1), outlook=outlook) >= base
    assert expected(replace(one, bonus=0.05), outlook=outlook) >= base
    assert expected(one, outlook=outlook + 0.05) >= base


READERS: tuple[tuple[Callable[[float], Outlook], float, float, bool], ...] = (
    (lambda v: Outlook(vix=v), 0.0, 90.0, False),
    (lambda v: Outlook(ten_year=v, three_month=0.0), -0.1, 0.1, True),
    (lambda v: Outlook(price_earnings=v), 1.0, 90.0, False),
)


@pytest.mark.parametrize(("read", "low", "high", "rising"), READERS)
def test_every_term_of_the_outlook_is_continuous_monotone_and_capped(
    read: Callable[[float], Outlook], low: float, high: float, rising: bool
) -> None:
    points = np.linspace(low, high, 4001)
    values = np.array([forward_adjustment(read(float(v)))[0] for v in points])
    steps = np.diff(values) if rising else -np.diff(values)
    assert steps.min() >= 0.0
    assert steps.max() < 0.001
    assert np.abs(values).max() <= 0.15


def test_the_outlook_has_its_known_values_and_names_what_is_missing() -> None:
    assert forward_adjustment(Outlook(vix=40.0))[0] == pytest.approx(-0.05)
    assert forward_adjustment(Outlook(ten_year=0.06, three_month=0.03))[0] == pytest.approx(0.045)
    assert forward_adjustment(Outlook(price_earnings=16.0))[0] == pytest.approx(0.025)
    worst = Outlook(vix=80.0, ten_year=0.0, three_month=0.05, price_earnings=60.0)
    assert forward_adjustment(worst) == (-0.20, ())
    value, notes = forward_adjustment(NO_OUTLOOK)
    assert value == 0.0
    assert len(notes) == 3
    assert forward_adjustment(Outlook(price_earnings=-3.0))[0] == 0.0


def test_quoted_yields_are_percent_and_become_fractions() -> None:
    quotes = {q.symbol: q for q in (quote("^VIX", "18.5"), quote("^TNX", "4.3"))}
    assert outlook_of(quotes) == Outlook(vix=18.5, ten_year=0.043)


def test_the_market_s_valuation_is_the_first_that_is_reported_of_a_benchmark() -> None:
    def told(number: int, symbol: str, **metrics: float | None) -> Score:
        return Score(
            security_id=number, symbol=symbol, total=None, coverage=0.0, groups={}, parts={},
            metrics=metrics, history_years=None, last_bar=None,
        )  # fmt: skip

    rows = (told(1, "SPY.US", PE_RATIO=None), told(2, "QQQ.US", PE_RATIO=31.0), told(3, "X"))
    scores = Scores(TODAY, {row.security_id: row for row in rows})
    found = outlook_of({}, scores=scores, benchmarks=("SPY.US", "QQQ.US", "GONE"))
    assert found == Outlook(price_earnings=31.0)
    assert outlook_of({}, scores=scores, benchmarks=("X",)) == NO_OUTLOOK


def daily(first: date, values: list[float], *, every: int = 1) -> Series:
    days = np.array([(first + timedelta(n * every)).toordinal() for n in range(len(values))])
    return Series(days.astype(np.int32), np.array(values))


def test_weeks_end_on_the_fridays_before_today() -> None:
    days = [date.fromordinal(int(day)) for day in fridays(TODAY, 3)]
    assert days == [date(2026, 2, 6) + timedelta(7 * n) for n in range(4)]
    assert date.fromordinal(int(fridays(date(2026, 2, 27), 1)[-1])) == date(2026, 2, 20)
    assert date.fromordinal(int(fridays(date(2026, 2, 28), 1)[-1])) == date(2026, 2, 27)


def test_a_week_without_a_bar_has_no_return_and_nothing_is_filled_in() -> None:
    thursday = date(2025, 12, 4)
    full = daily(thursday, [100.0 + n for n in range(13)], every=7)
    keep = np.arange(13) != 6
    holed = Series(full.days[keep], full.values[keep])
    returns = weekly_returns([full, holed], 2, TODAY)
    known = np.isfinite(returns)
    assert known.sum(axis=0).tolist() == [12, 10]
    assert returns[-1, 0] == pytest.approx(112 / 111 - 1)
    assert returns[known[:, 1], 1] == pytest.approx(returns[known[:, 1], 0])


def test_what_weekly_keeps_gives_the_same_returns_and_growth() -> None:
    rng = np.random.default_rng(3)
    series = daily(date(2018, 1, 1), (100.0 * np.exp(rng.normal(0, 0.01, 2980).cumsum())).tolist())
    kept = weekly(series, TODAY)
    assert len(kept) == 262
    first, second = (weekly_returns([one], 1, TODAY) for one in (series, kept))
    assert np.array_equal(first, second)
    assert growth(kept, TODAY) == pytest.approx(growth(series, TODAY), abs=0.02)


def test_growth_is_of_the_exact_span_and_missing_when_short_or_old() -> None:
    year = daily(date(2025, 3, 3), [100.0 + n / 36.7 for n in range(367)])
    assert growth(year, TODAY) == pytest.approx((year.values[-1] / 100.0) ** (1 / year.years) - 1)
    assert growth(daily(date(2025, 6, 1), [100.0] * 270), TODAY) is None
    assert growth(daily(date(2020, 1, 1), [100.0] * 2000), TODAY) is None
    assert growth(Series(year.days[:0], year.values[:0]), TODAY) is None


def test_short_flat_and_disjoint_histories_are_left_out() -> None:
    returns = sample_returns(6, rows=200)
    returns[:141, 1] = np.nan
    returns[:, 2] = 0.0
    returns[:100, 3] = np.nan
    returns[100:, 4] = np.nan
    assert enough_history(returns).tolist() == [True, False, False, True, False, True]
    assert enough_history(np.zeros((0, 3))).tolist() == [False] * 3


def test_what_stood_still_in_the_shared_rows_correlates_with_nothing() -> None:
    returns = sample_returns(2, rows=130)
    returns[:65, 0] = 0.01
    returns[65:, 1] = np.nan
    found = estimate(returns, 52)
    assert found.correlation.tolist() == [[1.0, 0.0], [0.0, 1.0]]
    np.linalg.cholesky(found.covariance)


def test_gaps_do_not_make_a_security_look_calm() -> None:
    returns = sample_returns(5)
    whole = estimate(returns, 52)
    returns[:150, 2] = np.nan
    holed = estimate(returns, 52)
    assert holed.sample[2, 2] == pytest.approx(whole.sample[2, 2], rel=0.3)
    assert hrp_weights(holed.sample, holed.correlation)[2] == pytest.approx(
        hrp_weights(whole.sample, whole.correlation)[2], abs=0.1
    )


@given(st.integers(0, 10_000))
def test_the_covariance_is_positive_definite_whatever_is_missing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    returns = sample_returns(12, rows=80, seed=seed)
    returns[:, 5] = returns[:, 4]
    returns[rng.random(returns.shape) < 0.2] = np.nan
    found = estimate(returns[:, enough_history(returns)], 52)
    if found.covariance.size:
        np.linalg.cholesky(found.covariance)
        assert 0.0 <= found.shrinkage <= 1.0


def test_risk_parity_of_two_is_inverse_variance_and_opposites_do_not_break_it() -> None:
    sample = np.diag([0.04, 0.01])
    assert hrp_weights(sample, np.eye(2)) == pytest.approx([0.2, 0.8])
    assert hrp_weights(sample[:1, :1], np.eye(1)).tolist() == [1.0]
    opposite = np.array([[1.0, -1.0], [-1.0, 1.0]])
    pairs = np.block([[opposite, np.zeros((2, 2))], [np.zeros((2, 2)), opposite]])
    weights = hrp_weights(pairs * 0.04, pairs)
    assert weights.sum() == pytest.approx(1.0)
    assert weights.min() > 0.0


def problem(lower: list[float], upper: list[float], budget: float) -> Problem:
    count, none = len(lower), np.zeros(0)
    return Problem(
        covariance=np.eye(count) * 0.04,
        expected=np.linspace(0.0, 0.1, count),
        current=np.zeros(count),
        costs=np.zeros(count),
        lower=np.array(lower),
        upper=np.array(upper),
        budget=budget,
        groups=np.zeros((0, count)),
        low=none,
        high=none,
    )


def test_contributions_are_the_parts_of_the_volatility() -> None:
    covariance = np.array([[0.04, 0.01], [0.01, 0.09]])
    weights = np.array([0.5, 0.3])
    parts = risk_contributions(weights, covariance)
    sigma = float(np.sqrt(weights @ covariance @ weights))
    assert parts.sum() == pytest.approx(sigma)
    assert parts[0] == pytest.approx(0.5 * (0.5 * 0.04 + 0.3 * 0.01) / sigma)
    assert risk_contributions(np.zeros(2), covariance).tolist() == [0.0, 0.0]


def test_concentration_is_of_what_is_invested() -> None:
    assert concentration(np.array([0.2, 0.2, 0.2, 0.2])) == pytest.approx(0.25)
    assert concentration(np.array([0.1, 0.0])) == 1.0
    assert concentration(np.zeros(3)) is None


def test_a_projection_is_the_nearest_point_and_not_a_clamped_one() -> None:
    case = problem([0.0, 0.0, 0.0], [0.5, 0.5, 0.5], 1.0)
    assert nearest(case, np.array([0.9, 0.1, 0.0])) == pytest.approx([0.5, 0.3, 0.2])
    exact = np.array([0.5, 0.25, 0.25])
    assert nearest(case, exact).tolist() == exact.tolist()


def test_what_cannot_be_solved_is_told_as_such() -> None:
    with pytest.raises(Unsolvable):
        nearest(problem([0.0, 0.0], [0.4, 0.4], 1.0), np.array([0.5, 0.5]))
    with pytest.raises(Unsolvable):
        minimise(problem([0.2], [0.4], 0.5), np.eye(1), np.zeros(1))
    with pytest.raises(Unsolvable):
        minimise(problem([0.2], [0.2], 0.2), np.eye(1), np.zeros(1), least_return=0.1)
    broken = np.full((2, 2), np.nan)
    with pytest.raises(Unsolvable):
        minimise(problem([0.0, 0.0], [1.0, 1.0], 1.0), broken, np.zeros(2))


def test_crumbs_go_while_there_is_room_and_minima_stay() -> None:
    case = problem([0.0, 0.0, 0.003, 0.0], [0.9, 0.9, 0.9, 0.9], 1.0)
    found = without_crumbs(case, np.array([0.694, 0.3, 0.003, 0.003]))
    assert found[3] == 0.0
    assert found[2] >= 0.003
    assert found.sum() == pytest.approx(1.0)
    tight = problem([0.0, 0.0], [0.996, 0.9], 1.0)
    assert without_crumbs(tight, np.array([0.996, 0.004])).tolist() == [0.996, 0.004]
