"""Correlations: as numpy has them, on common days, and missing where too little is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels.relations import correlation
from kernels.series import Series
from policy.correlations import RecentReturns, lookback
from policy.planning.config import DEFAULT_CONFIG, AppliedConfig, CorrelationAware, Filters
from tests.policy.accounts import TODAY, security
from tests.policy.scoring.histories import history, walk

FIRST = 730_000


def line(values: np.ndarray, days: np.ndarray | None = None) -> Series:
    at = np.arange(FIRST, FIRST + len(values)) if days is None else days
    return Series(at.astype(np.int32), np.asarray(values, dtype=np.float64))


def prices(seed: int, count: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    common = np.random.default_rng(0).normal(0.0, 0.01, count)
    found: np.ndarray = 50 * np.exp(np.cumsum(common + rng.normal(0.0, 0.01, count)))
    return found


def test_the_table_is_what_numpy_computes_from_the_returns() -> None:
    lines = {name: prices(seed, 253) for seed, name in enumerate("CABD", start=1)}
    table = RecentReturns(252, {name: line(values) for name, values in lines.items()}).table(TODAY)
    assert (table.symbols, table.days, table.as_of) == (("A", "B", "C", "D"), 252, TODAY)
    returns = np.array([lines[name][1:] / lines[name][:-1] - 1 for name in "ABCD"])
    expected = np.corrcoef(returns)
    for one in range(4):
        for other in range(4):
            assert table.between(one, other) == pytest.approx(expected[one, other], abs=1e-6)
    assert [len(row) for row in table.rows] == [0, 1, 2, 3]


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), gaps=st.lists(st.integers(1, 150), max_size=40))
def test_holidays_of_one_are_no_returns_of_the_other(seed: int, gaps: list[int]) -> None:
    first, whole = prices(seed, 160), prices(seed + 1, 160)
    open_ = np.setdiff1d(np.arange(160), gaps)
    one, other = line(first), line(whole[open_], FIRST + open_)
    table = RecentReturns(252, {"A": one, "B": other}).table(TODAY)
    expected = correlation(one, other, window=252)
    assert expected is not None
    assert table.between(0, 1) == pytest.approx(expected, abs=1e-6)


def test_the_newest_common_days_count_and_no_older_ones() -> None:
    first, whole = prices(5, 300), prices(6, 300)
    open_ = np.setdiff1d(np.arange(300), [285, 290, 295])
    one, other = line(first), line(whole[open_], FIRST + open_)
    seen = RecentReturns(60, {"A": one.last(68), "B": other.last(68)})
    expected = correlation(one, other, window=60)
    assert seen.table(TODAY).between(0, 1) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("common", "known"), [(61, True), (60, False), (0, False)])
def test_fewer_than_sixty_common_returns_say_nothing(common: int, *, known: bool) -> None:
    one, other = line(prices(1, 100)), line(prices(2, 100), FIRST + 100 - common + np.arange(100))
    table = RecentReturns(252, {"A": one, "B": other}).table(TODAY)
    assert (table.between(0, 1) is not None) is known


def test_what_does_not_move_is_correlated_with_nothing() -> None:
    still = line(np.full(100, 50.0))
    table = RecentReturns(99, {"A": still, "B": line(prices(1, 100)), "C": still}).table(TODAY)
    assert table.rows == ((), (None,), (None, None))


def test_twins_and_mirrors_are_at_the_ends_of_the_scale() -> None:
    values = prices(3, 100)
    mirrored = 50 * np.cumprod(np.concatenate([[1.0], 2 - values[1:] / values[:-1]]))
    lines = {"A": line(values), "B": line(3 * values), "C": line(mirrored)}
    table = RecentReturns(252, lines).table(TODAY)
    assert table.rows == ((), (1.0,), (-1.0, -1.0))


def test_only_the_end_of_a_history_that_can_be_used_is_kept() -> None:
    seen = RecentReturns(70)
    bare = history(walk(600))
    whole = replace(bare, total_eur=bare.total)
    seen.see(security("A"), whole)
    seen.see(security("B"), None)
    seen.see(security("C"), replace(whole, unusable="too many repairs"))
    seen.see(security("D"), replace(whole, total_eur=None))
    seen.see(security("E", product="INDEX"), whole)
    assert seen.lines.keys() == {"A"}
    kept = seen.lines["A"]
    assert (kept.days == whole.total.days[-79:]).all()
    assert not np.shares_memory(kept.days, whole.total.days)
    assert not np.shares_memory(kept.values, whole.total.values)
    assert RecentReturns(70).table(TODAY).symbols == ()


def test_the_most_far_sighted_strategy_decides_how_far_back() -> None:
    def strategy(days: int) -> AppliedConfig:
        rule = CorrelationAware(lookback_days=days)
        return AppliedConfig(replace(DEFAULT_CONFIG, filters=Filters(correlation_aware=rule)))

    assert lookback(None) == lookback({}) == 252
    assert lookback({"core": strategy(60)}) == 60
    assert lookback({"core": strategy(60), "other": strategy(120)}) == 120
