"""Sequences at other prices: the planner's paths, and the compatibility forms with known scores."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kernels.choose import SequenceKernel
from kernels.packing import NamedProblem, Packed, Trade, pack, pack_sequences
from kernels.scenarios import monte_carlo, paths, percentile, stochastic, summary
from kernels.sequences import run
from kernels.workload import prepare
from tests.kernels import oracle
from tests.kernels.cases import GOLDEN, SEQUENCES, flatten, trade, weighted_problems

EXAMPLES = settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
SHIFTS = {-0.10: 0.15, -0.05: 0.15, 0.0: 0.40, 0.05: 0.15, 0.10: 0.15}
SELL_AND_BUY = [trade("SELL", "BBB", 10), trade("BUY", "EEE", 20)]
BOTH = np.array([0, 1], dtype=np.int32)
UNKNOWN = np.full(6, np.nan)


@pytest.fixture
def packed() -> Packed:
    return pack(GOLDEN, SELL_AND_BUY)


@EXAMPLES
@given(
    named=weighted_problems(steady=True),
    sequences=SEQUENCES,
    seed=st.integers(0, 999),
    smooth=st.booleans(),
)
def test_paths_meet_the_oracle(
    sequence_kernel: SequenceKernel,
    named: NamedProblem,
    sequences: list[list[Trade]],
    seed: int,
    smooth: bool,
) -> None:
    table, rows = flatten(sequences)
    packed = pack(named, table)
    rng = np.random.default_rng(seed)
    multipliers = rng.uniform(0.5, 2.0, (3, len(packed.symbols)))
    change = rng.uniform(-50.0, 500.0, 3)
    work = prepare(packed.problem, packed.actions, mode="strict", smooth=smooth)
    scores = paths(work, pack_sequences(rows), multipliers, change, kernel=sequence_kernel)
    for path in range(3):
        prices = dict(zip(packed.symbols, multipliers[path].tolist(), strict=True))
        for row, sequence in enumerate(sequences):
            expected = oracle.on_path(named, sequence, prices, float(change[path]), smooth=smooth)
            if expected.feasible:
                assert scores[row, path] == pytest.approx(expected.score, abs=1e-9)
            else:
                assert math.isnan(scores[row, path])


def test_a_path_without_change_is_the_present(
    sequence_kernel: SequenceKernel, packed: Packed
) -> None:
    work = prepare(packed.problem, packed.actions, mode="strict")
    rows = pack_sequences([(), (0, 1)])
    now = run(work, rows, kernel=sequence_kernel).score
    still = paths(work, rows, np.ones((1, len(packed.symbols))), kernel=sequence_kernel)
    assert still[:, 0] == pytest.approx(now, abs=1e-12)


def test_a_purchase_that_no_longer_fits_is_skipped(
    sequence_kernel: SequenceKernel, packed: Packed
) -> None:
    """2000 EUR of EEE are paid with 1500 of cash and 1000 of BBB, less fees: not at twice 2000."""
    work = prepare(packed.problem, packed.actions, mode="strict")
    dearer = np.where(np.array(packed.symbols) == "EEE", 2.0, 1.0)[np.newaxis]
    rows = pack_sequences([(0, 1), (0,)])
    both, sale = paths(work, rows, dearer, kernel=sequence_kernel)[:, 0]
    penalty = 0.1 * (2.0 + 0.002 * 4000) / 10000
    assert both + penalty == pytest.approx(sale, abs=1e-12)


def test_money_that_goes_out_can_take_a_purchase_with_it(
    sequence_kernel: SequenceKernel, packed: Packed
) -> None:
    work = prepare(packed.problem, packed.actions, mode="strict")
    still = np.ones((2, len(packed.symbols)))
    change = np.array([0.0, -600.0])
    rows = pack_sequences([(0, 1), (0,)])
    scores = paths(work, rows, still, change, kernel=sequence_kernel)
    fees = 0.1 * (2.0 + 0.002 * 2000) / 9400
    assert scores[0, 0] != pytest.approx(scores[1, 0])
    assert scores[0, 1] + fees == pytest.approx(scores[1, 1], abs=1e-12)


@pytest.mark.parametrize(
    ("multipliers", "change", "message"),
    [
        (np.ones((1, 5)), None, "multipliers: expected 6 columns of more than 0"),
        (np.zeros((1, 6)), None, "multipliers: expected 6 columns of more than 0"),
        (np.full((1, 6), np.inf), None, "multipliers: value inf"),
        (np.ones((2, 6)), np.zeros(1), "cash_change: length 1, not 2"),
    ],
)
def test_bad_paths_are_refused(packed: Packed, multipliers: Any, change: Any, message: str) -> None:
    work = prepare(packed.problem, packed.actions, mode="strict")
    with pytest.raises(ValueError, match=message):
        paths(work, pack_sequences([()]), multipliers, change)
    loose = prepare(packed.problem, packed.actions, mode="compatibility")
    with pytest.raises(ValueError, match="work: expected the strict mode"):
        paths(loose, pack_sequences([()]), np.ones((1, 6)))


def test_stochastic_meets_the_known_scores(sequence_kernel: SequenceKernel, packed: Packed) -> None:
    found = stochastic(packed.problem, packed.actions, BOTH, SHIFTS, kernel=sequence_kernel)
    known = {
        -0.10: 0.7220977777777778,
        -0.05: 0.7112711111111111,
        0.0: 0.7004444444444445,
        0.05: 0.6896177777777778,
        0.10: 0.6787911111111111,
    }
    assert {shift: found.at(shift) for shift in known} == pytest.approx(known, abs=1e-12)
    assert found.weighted == pytest.approx(0.7004444444444445, abs=1e-12)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({0.0: 0.5, -0.2: 0.4}, "weights: 0.9 in all, expected 1"),
        ({-1.0: 1.0}, "shift: value -1.0"),
        ({0.0: 1.5, 0.1: -0.5}, "weight: value 1.5"),
    ],
)
def test_bad_scenario_weights_are_refused(
    packed: Packed, weights: dict[float, float], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        stochastic(packed.problem, packed.actions, BOTH, weights)


def test_monte_carlo_repeats_by_seed_and_does_not_move_what_is_not_traded(packed: Packed) -> None:
    def scored(seed: int, sequence: list[int], volatility: Any = UNKNOWN) -> Any:
        row = np.array(sequence, dtype=np.int32)
        return monte_carlo(packed.problem, packed.actions, row, volatility, count=200, seed=seed)

    assert scored(1, [0, 1]) == scored(1, [0, 1])
    assert scored(1, [0, 1]) != scored(2, [0, 1])
    calm = scored(1, [0, 1], np.full(6, 0.01))
    wild = scored(1, [0, 1], np.full(6, 9.0))
    assert calm.best - calm.worst < scored(1, [0, 1]).best - scored(1, [0, 1]).worst
    assert wild.best - wild.worst > calm.best - calm.worst
    untouched = scored(1, [])
    assert untouched.worst == untouched.best
    assert untouched.standard_error == 0.0


@pytest.mark.parametrize(("asked", "done"), [(1, 10), (77, 77), (9999, 500)])
def test_number_of_paths_is_bounded(packed: Packed, asked: int, done: int) -> None:
    found = monte_carlo(packed.problem, packed.actions, BOTH, UNKNOWN, count=asked, seed=0)
    assert found.count == done


@pytest.mark.parametrize(
    ("percent", "count", "entry"),
    [(10, 10, 0), (10, 11, 1), (90, 10, 8), (90, 11, 9), (10, 5, 0), (90, 5, 4), (10, 100, 9)],
)
def test_percentile_is_the_first_entry_that_enough_do_not_exceed(
    percent: int, count: int, entry: int
) -> None:
    assert percentile([float(number) for number in range(count)], percent) == entry


def test_summary_blends_worst_tenth_and_mean() -> None:
    scores = np.array([0.9, 0.1, 0.5, 0.3, 0.7])
    found = summary(scores)
    assert (found.worst, found.p10, found.p90, found.best) == (0.1, 0.1, 0.9, 0.9)
    assert found.mean == pytest.approx(0.5)
    assert found.final == pytest.approx(0.4 * 0.1 + 0.3 * 0.1 + 0.3 * 0.5)
    assert found.standard_error == pytest.approx(float(np.std(scores, ddof=1)) / math.sqrt(5))
    with pytest.raises(ValueError, match="scores: none"):
        summary(np.zeros(0))


def test_summary_does_not_depend_on_the_order() -> None:
    scores = np.random.default_rng(4).random(99)
    assert summary(scores) == summary(scores[::-1].copy())
