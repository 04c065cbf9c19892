"""The regime of the market: thresholds, hysteresis, doubt, and the reserve that follows."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernels.series import Series
from ledger.money import Money
from ledger.regime import UNKNOWN_REGIME, Regime, RegimeName
from policy.limits import DEFAULTS, Limits
from policy.regime import WINDOW, benchmark_symbols, detect, reserve_with
from policy.settings import limits_with
from tests.policy.accounts import eur, security

TODAY = date(2026, 3, 4)


def closes(*jumps: float, flat: int = 400, until: date = TODAY) -> Series:
    """`flat` closes of 100, then one close for each jump, each so far from 100."""
    values = np.array([100.0] * flat + [100.0 * (1.0 + jump) for jump in jumps])
    last = until.toordinal()
    return Series(np.arange(last - len(values) + 1, last + 1, dtype=np.int32), values)


def found(*series: Series | None, limits: Limits = DEFAULTS, today: date = TODAY) -> Regime:
    return detect({f"I{n}": one for n, one in enumerate(series)}, today=today, limits=limits)


@pytest.mark.parametrize(
    ("jump", "expected"), [(0.10, "bull"), (-0.10, "bear"), (0.02, "sideways"), (-0.02, "sideways")]
)
def test_a_lasting_distance_from_the_mean_names_the_regime(
    jump: float, expected: RegimeName
) -> None:
    regime = found(closes(*[jump] * 5))
    assert regime.regime == expected
    assert regime.as_of == TODAY
    assert not regime.stale
    assert regime.reason is None
    assert regime.mean_distance == pytest.approx(jump, abs=0.01)


@pytest.mark.parametrize(("days", "expected"), [(1, "sideways"), (2, "sideways"), (3, "bull")])
def test_three_days_in_a_row_are_needed_to_switch(days: int, expected: RegimeName) -> None:
    assert found(closes(*[0.10] * days)).regime == expected


def test_days_that_are_not_in_a_row_do_not_count_together() -> None:
    assert found(closes(0.10, 0.10, 0.0, 0.10, 0.10)).regime == "sideways"


def test_a_side_is_left_only_when_the_mean_is_well_inside() -> None:
    held = [0.10] * 5
    assert found(closes(*held, *[0.0465] * 6)).regime == "bull"
    assert found(closes(*held, *[0.035] * 6)).regime == "sideways"
    assert found(closes(*[-0.10] * 5, *[-0.0465] * 6)).regime == "bear"


def test_a_threshold_belongs_to_its_side() -> None:
    first_day = closes(0.10, flat=WINDOW - 1)
    exact = Decimal(found(first_day).mean_distance or 0.0)
    at = replace(DEFAULTS, market_regime_bull_threshold=exact)
    beyond = replace(DEFAULTS, market_regime_bull_threshold=exact + Decimal("1e-9"))
    assert found(first_day, limits=at).regime == "bull"
    assert found(first_day, limits=beyond).regime == "sideways"


def test_confidence_grows_with_the_distance_from_the_nearest_threshold() -> None:
    near, far = found(closes(*[0.06] * 5)), found(closes(*[0.20] * 5))
    assert near.confidence < 0.3
    assert far.confidence == 1.0
    assert found(closes(0.0)).confidence == pytest.approx(1.0, abs=0.01)


def test_disagreement_and_a_missing_index_halve_the_confidence() -> None:
    up, down = closes(*[0.30] * 5), closes(*[0.0] * 5)
    agreed, split = found(up, up), found(up, down)
    assert agreed.confidence == 1.0
    assert split.regime == "bull"
    assert split.confidence == pytest.approx(0.5, abs=1e-9)
    assert split.reason == "the indices disagree"
    lone = found(up, closes(flat=WINDOW - 1))
    assert (lone.regime, lone.confidence) == ("bull", 0.5)
    assert lone.reason == "1 of 2 indices have no figure"
    assert list(lone.per_index) == ["I0"]
    assert found(up, None) == lone


def test_too_few_bars_are_not_taken_for_a_calm_market() -> None:
    regime = found(closes(flat=WINDOW - 1))
    assert (regime.regime, regime.confidence, regime.mean_distance) == ("sideways", 0.0, None)
    assert regime.stale
    assert regime.reason == "no index has 200 daily closes"
    assert found(closes(flat=WINDOW)).reason is None
    assert found().stale
    assert found(None).reason == regime.reason


def test_old_bars_are_told_and_not_gone_by() -> None:
    old = closes(*[0.20] * 5, until=date(2026, 2, 20))
    regime = found(old)
    assert (regime.regime, regime.confidence, regime.stale) == ("sideways", 0.0, True)
    assert regime.as_of == date(2026, 2, 20)
    assert regime.reason == "the newest index bar is 12 days old"


def test_bars_of_days_to_come_are_not_looked_at() -> None:
    series = closes(*[0.20] * 5)
    before = date.fromordinal(TODAY.toordinal() - 5)
    assert found(series, today=before) == found(closes(until=before), today=before)


def test_detection_can_be_switched_off() -> None:
    off = limits_with({"market_regime_detection_enabled": "false"})
    regime = found(closes(*[0.20] * 5), limits=off)
    assert (regime.regime, regime.confidence) == ("sideways", 0.0)
    assert reserve_with(regime, eur(100_000), off) == eur(500)


@pytest.mark.parametrize(
    ("key", "text", "jump", "expected"),
    [
        ("market_regime_bull_threshold", "0.08", 0.07, "sideways"),
        ("market_regime_bear_threshold", "-0.08", -0.07, "sideways"),
    ],
)
def test_each_threshold_is_the_setting_s(
    key: str, text: str, jump: float, expected: RegimeName
) -> None:
    series = closes(*[jump] * 5)
    assert found(series).regime != expected
    assert found(series, limits=limits_with({key: text})).regime == expected


@pytest.mark.parametrize(
    ("regime", "default"), [("bull", "2000"), ("bear", "5000"), ("sideways", "3000")]
)
def test_the_reserve_is_the_regime_s_share_when_that_is_more(
    regime: RegimeName, default: str
) -> None:
    state = replace(UNKNOWN_REGIME, regime=regime)
    assert reserve_with(state, eur(100_000), DEFAULTS) == eur(default)
    assert reserve_with(state, eur(1_000), DEFAULTS) == eur(500)
    other = limits_with({f"market_regime_{regime}_cash_reserve": "0.4"})
    assert reserve_with(state, eur(100_000), other) == eur(40_000)


def test_a_total_below_zero_keeps_the_fixed_reserve() -> None:
    assert reserve_with(UNKNOWN_REGIME, Money(-5, "EUR"), DEFAULTS) == eur(500)


def test_the_benchmarks_are_those_the_owner_names_or_every_index() -> None:
    index = security("WORLD.IDX", product="INDEX")
    fund = security("SPY.US", product="ETF")
    universe = [security("A"), index, fund]
    assert benchmark_symbols(universe, DEFAULTS) == ("SPY.US",)
    assert benchmark_symbols(universe[:2], DEFAULTS) == ("WORLD.IDX",)
    assert benchmark_symbols(universe[:1], DEFAULTS) == ()
    named = limits_with({"benchmark_symbols": "WORLD.IDX, A"})
    assert benchmark_symbols(universe, named) == ("WORLD.IDX", "A")


@given(st.lists(st.floats(-0.3, 0.3), max_size=12), st.integers(0, 2**16))
def test_the_same_bars_give_the_same_regime_in_any_order_of_the_indices(
    jumps: list[float], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    noisy = closes(*rng.normal(0.0, 0.05, 30).tolist())
    first = detect({"A": closes(*jumps), "B": noisy}, today=TODAY, limits=DEFAULTS)
    again = detect({"B": noisy, "A": closes(*jumps)}, today=TODAY, limits=DEFAULTS)
    assert first == again
    assert 0.0 <= first.confidence <= 1.0
