"""Drawdowns with their days, and what the worst days cost."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels import risk
from kernels.drawdown import Drawdown, deepest_drawdown, drawdown_series
from kernels.series import Series
from kernels.tail import tail_risk
from tests.kernels.lines import FIRST, daily, wandering

EXAMPLES = settings(max_examples=80, deadline=None, derandomize=True)
PRICES = st.lists(st.integers(1, 40), min_size=30, max_size=80).map(daily)
FLAT = [100.0] * 30


def test_drawdown_has_the_days_of_its_peak_trough_and_recovery() -> None:
    prices = daily([*FLAT, 110.0, 90.0, 55.0, 55.0, 100.0, 111.0, 80.0])
    assert deepest_drawdown(prices) == Drawdown(
        depth=-0.5, peak=FIRST + 30, trough=FIRST + 32, recovered=FIRST + 35, days=5
    )


def test_drawdown_that_goes_on_has_no_recovery() -> None:
    prices = daily([*FLAT, 110.0, 110.0, 55.0, 100.0])
    assert deepest_drawdown(prices) == Drawdown(
        depth=-0.5, peak=FIRST + 31, trough=FIRST + 32, recovered=None, days=2
    )


def test_prices_that_never_fell_have_a_drawdown_of_nothing() -> None:
    found = deepest_drawdown(daily(np.arange(1.0, 31.0)))
    assert found == Drawdown(depth=0.0, peak=FIRST, trough=FIRST, recovered=FIRST, days=0)


def test_drawdown_is_missing_for_too_few_prices_and_for_none() -> None:
    assert deepest_drawdown(wandering(29)) is None
    assert deepest_drawdown(daily([*FLAT, 0.0])) is None
    assert drawdown_series(wandering(1)) is None
    assert drawdown_series(daily([1.0, -1.0])) is None


@EXAMPLES
@given(prices=PRICES)
def test_days_of_a_drawdown_hold_together(prices: Series) -> None:
    found, line = deepest_drawdown(prices), drawdown_series(prices)
    assert found is not None
    assert line is not None
    assert found.depth == risk.max_drawdown(prices) == line.values.min()
    assert line.values[-1] == risk.summary(prices).current_drawdown
    assert found.peak <= found.trough
    at = dict(zip(prices.days.tolist(), prices.values.tolist(), strict=True))
    assert (at[found.trough] - at[found.peak]) / at[found.peak] == found.depth
    between = [value for day, value in at.items() if found.peak < day <= found.trough]
    assert all(at[found.trough] <= value < at[found.peak] for value in between)
    if found.recovered is None:
        assert all(value < at[found.peak] for day, value in at.items() if day > found.trough)
    else:
        assert at[found.recovered] >= at[found.peak]


def test_value_at_risk_lies_between_two_returns() -> None:
    steps = np.linspace(-0.30, 0.31, 62)
    prices = daily(100.0 * np.cumprod(np.concatenate(([1.0], 1.0 + steps))))
    found = tail_risk(prices)
    assert found is not None
    assert found.value_at_risk == pytest.approx(-0.30 + 61 * 0.05 * 0.01)
    assert found.expected_shortfall == pytest.approx((-0.30 - 0.29 - 0.28 - 0.27) / 4)
    assert tail_risk(prices, tail=0.0) == pytest.approx((-0.30, -0.30))


def test_tail_needs_sixty_returns() -> None:
    assert tail_risk(wandering(60)) is None
    assert tail_risk(wandering(61)) is not None
    assert tail_risk(daily([*wandering(80).values, 0.0])) is None
    with pytest.raises(ValueError, match=r"tail: value 0\.6, expected 0 to 0\.5"):
        tail_risk(wandering(61), tail=0.6)


@EXAMPLES
@given(seed=st.integers(0, 10_000), rows=st.integers(61, 400))
def test_shortfall_is_never_milder_than_the_value_at_risk(seed: int, rows: int) -> None:
    found = tail_risk(wandering(rows, seed=seed))
    assert found is not None
    assert found.expected_shortfall <= found.value_at_risk
