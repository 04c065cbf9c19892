"""Beta and correlation, and the common days they are computed on."""

import statistics
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels import relations
from kernels.series import Series
from tests.kernels.lines import FIRST, daily, wandering

EXAMPLES = settings(max_examples=60, deadline=None, derandomize=True)
DAYS = st.sets(st.integers(1, 200), max_size=60).map(sorted)


def moved(returns: list[float]) -> Series:
    """Prices from 100 that return this."""
    return daily(100.0 * np.cumprod([1.0, *(1.0 + r for r in returns)]))


def numbered(days: list[int]) -> Series:
    """The value of each day is its number."""
    return Series(np.array(days, dtype=np.int32), np.array(days, dtype=np.float64))


@EXAMPLES
@given(first=DAYS, second=DAYS)
def test_aligned_series_are_on_the_days_of_both(first: list[int], second: list[int]) -> None:
    one, other = relations.align(numbered(first), numbered(second))
    common = sorted(set(first) & set(second))
    assert one.days.tolist() == other.days.tolist() == common
    assert one.values.tolist() == other.values.tolist() == common


def test_common_returns_span_the_same_stretch_of_time() -> None:
    one = Series(np.array([1, 2, 3, 4], dtype=np.int32), np.array([100.0, 110.0, 121.0, 242.0]))
    other = Series(np.array([1, 3, 4, 9], dtype=np.int32), np.array([10.0, 20.0, 30.0, 60.0]))
    pair = relations.common_returns(one, other)
    assert pair is not None
    assert pair[0].days.tolist() == pair[1].days.tolist() == [3, 4]
    assert pair[0].values.tolist() == pytest.approx([0.21, 1.0])
    assert pair[1].values.tolist() == pytest.approx([1.0, 0.5])


def test_beta_is_covariance_over_variance() -> None:
    prices, benchmark = wandering(100, seed=1), wandering(100, seed=2)
    pair = relations.common_returns(prices, benchmark)
    assert pair is not None
    x, y = (returns.values.tolist() for returns in pair)
    slope = statistics.covariance(x, y) / statistics.variance(y)
    assert relations.beta(prices, benchmark) == pytest.approx(slope, rel=1e-12)
    assert relations.correlation(prices, benchmark) == pytest.approx(
        statistics.correlation(x, y), rel=1e-12
    )


def test_security_that_moves_twice_as_far_has_beta_two() -> None:
    steps = [0.01, -0.02, 0.005] * 30
    prices, benchmark = moved([2 * step for step in steps]), moved(steps)
    assert relations.beta(prices, benchmark) == pytest.approx(2.0)
    assert relations.beta(benchmark, prices) == pytest.approx(0.5)
    assert relations.correlation(prices, benchmark) == pytest.approx(1.0)
    inverse = moved([-step for step in steps])
    assert relations.beta(inverse, benchmark) == pytest.approx(-1.0)
    assert relations.correlation(inverse, benchmark) == pytest.approx(-1.0)


def test_only_the_look_back_counts() -> None:
    early, late = [0.01, -0.02] * 100, [0.01, -0.02, 0.005] * 30
    prices = moved([*(3 * step for step in early), *(2 * step for step in late)])
    benchmark = moved([*early, *late])
    assert relations.beta(prices, benchmark, window=90) == pytest.approx(2.0)
    assert relations.beta(prices, benchmark, window=290) != pytest.approx(2.0, rel=1e-3)


@pytest.mark.parametrize("relation", [relations.beta, relations.correlation])
def test_relation_needs_sixty_common_returns(relation: Callable[..., float | None]) -> None:
    prices = wandering(61)
    assert relation(prices, wandering(61, seed=2)) is not None
    assert relation(prices, wandering(60, seed=2)) is None
    later = daily(wandering(61, seed=2).values, first=FIRST + 1)
    assert relation(prices, later) is None
    assert relation(prices, later, least=59) is not None
    assert relation(prices, daily([])) is None
    assert relation(daily([]), prices) is None


def test_relation_to_what_does_not_move_is_missing() -> None:
    prices, still = wandering(100), daily([7.3] * 100)
    steady = daily(100.0 * 1.001 ** np.arange(100.0))
    assert relations.beta(prices, still) is None
    assert relations.beta(prices, steady) is None
    assert relations.correlation(prices, still) is None
    assert relations.correlation(still, prices) is None
    assert relations.beta(still, prices) == 0.0


def test_relation_to_no_price_is_missing() -> None:
    broken = daily([*wandering(99).values, 0.0])
    assert relations.beta(wandering(100), broken) is None
    assert relations.correlation(broken, wandering(100)) is None


@EXAMPLES
@given(st.integers(0, 10_000))
def test_correlation_is_symmetric_and_within_one(seed: int) -> None:
    one, other = wandering(80, seed=seed), wandering(80, seed=seed + 1)
    there, back = relations.correlation(one, other), relations.correlation(other, one)
    assert there is not None
    assert there == back
    assert -1.0 <= there <= 1.0
    assert relations.correlation(one, one) == pytest.approx(1.0, abs=1e-15)
