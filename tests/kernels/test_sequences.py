"""Rules of a single step, degenerate inputs, and what the front door refuses."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from kernels.checks import Ints
from kernels.choose import SequenceKernel
from kernels.packing import NamedProblem, Packed, Trade, pack, pack_sequences
from kernels.problem import Actions, Problem, ScoreWeights
from kernels.sequences import evaluate, evaluate_steps
from kernels.workload import Mode, Scores
from tests.kernels.cases import GOLDEN, random_case, trade


def score(
    kernel: SequenceKernel, named: NamedProblem, sequence: list[Trade], mode: Mode = "strict"
) -> Scores:
    packed = pack(named, sequence)
    rows = pack_sequences([range(len(sequence))])
    return evaluate(packed.problem, packed.actions, rows, mode=mode, kernel=kernel)


def test_purchase_needs_its_fee_in_cash(sequence_kernel: SequenceKernel) -> None:
    enough = replace(GOLDEN, cash=1004.0)
    short = replace(GOLDEN, cash=1003.99)
    sequence = [trade("BUY", "EEE", 10)]
    assert score(sequence_kernel, enough, sequence).end_cash.tolist() == [0.0]
    refused = score(sequence_kernel, short, sequence)
    assert not refused.feasible[0]
    assert refused.score[0] == 0.0
    assert refused.end_cash[0] == 1003.99
    assert score(sequence_kernel, short, sequence, "compatibility").feasible[0]


def test_sale_yields_its_value_less_the_fee(sequence_kernel: SequenceKernel) -> None:
    sold = score(sequence_kernel, GOLDEN, [trade("SELL", "BBB", 10)])
    assert sold.end_cash[0] == 1500.0 + 1000.0 - 4.0


@pytest.mark.parametrize("symbol", ["DDD", "ZZZ"])
def test_sale_above_the_holding_is_infeasible(sequence_kernel: SequenceKernel, symbol: str) -> None:
    assert not score(sequence_kernel, GOLDEN, [trade("SELL", symbol, 11)]).feasible[0]
    loose = score(sequence_kernel, GOLDEN, [trade("SELL", symbol, 11)], "compatibility")
    assert loose.feasible[0]


def test_position_sold_in_parts_is_gone(sequence_kernel: SequenceKernel) -> None:
    named = replace(GOLDEN, positions={**GOLDEN.positions, "DDD": 0.3}, fee_fixed=0.0)
    parts = [trade("SELL", "DDD", 0.001), trade("SELL", "DDD", 0.002)]
    whole = score(sequence_kernel, named, [trade("SELL", "DDD", 0.003)])
    split = score(sequence_kernel, named, parts)
    assert split.feasible[0]
    assert split.score[0] == pytest.approx(whole.score[0], abs=1e-12)


def test_bought_symbol_can_be_sold_again(sequence_kernel: SequenceKernel) -> None:
    there_and_back = [trade("BUY", "EEE", 5), trade("SELL", "EEE", 5)]
    result = score(sequence_kernel, replace(GOLDEN, cost_factor=0.0), there_and_back)
    still = score(sequence_kernel, replace(GOLDEN, cost_factor=0.0), [])
    assert result.score[0] == pytest.approx(still.score[0], abs=1e-12)


def test_sale_that_costs_more_than_it_yields_needs_cash(sequence_kernel: SequenceKernel) -> None:
    tiny = [trade("SELL", "AAA", 0.01)]
    assert not score(sequence_kernel, replace(GOLDEN, cash=0.5), tiny).feasible[0]
    assert score(sequence_kernel, replace(GOLDEN, cash=1.5), tiny).feasible[0]


def test_sale_repairs_negative_cash(sequence_kernel: SequenceKernel) -> None:
    overdrawn = replace(GOLDEN, cash=-500.0)
    assert score(sequence_kernel, overdrawn, [trade("SELL", "AAA", 4)]).feasible[0]
    assert not score(sequence_kernel, overdrawn, [trade("BUY", "AAA", 0)]).feasible[0]


def test_purchase_moves_the_whole_position_to_the_new_group(
    sequence_kernel: SequenceKernel,
) -> None:
    records = {**GOLDEN.country.records, "AAA": "Japan"}
    moved = replace(GOLDEN, country=replace(GOLDEN.country, records=records), cost_factor=0.0)
    after = score(sequence_kernel, moved, [trade("BUY", "AAA", 1)], "compatibility").score[0]
    country = 1 - ((0.5 - 0.0) + 0.0 + (0.61 - 0.2)) / 3 / 0.3
    industry = 1 - (abs(0.41 - 0.4) + abs(0.2 - 0.3) + 0.0) / 3 / 0.3
    quality = 0.6 * (0.8 * 0.41 + 0.18 + 0.14) + 0.4 * min(1.0, 10 * (0.02 * 0.41 + 0.012))
    expected = 0.4 * max(0.0, country) + 0.3 * industry + 0.3 * quality
    assert after == pytest.approx(expected, abs=1e-12)


def test_missing_label_map_is_neutral_until_the_first_purchase(
    sequence_kernel: SequenceKernel,
) -> None:
    unlabelled = replace(GOLDEN, country=replace(GOLDEN.country, labels=None))
    empty = replace(GOLDEN, country=replace(GOLDEN.country, labels={}))
    buy = [trade("BUY", "FFF", 1)]
    assert score(sequence_kernel, unlabelled, []).score != score(sequence_kernel, empty, []).score
    ours, theirs = (score(sequence_kernel, named, buy).score for named in (unlabelled, empty))
    assert ours.tolist() == theirs.tolist()


def test_position_worth_nothing_still_counts_as_scored(sequence_kernel: SequenceKernel) -> None:
    bare = replace(GOLDEN, positions={"EEE": 0.0}, yields={}, cost_factor=0.0)
    unscored = replace(bare, scores={})
    with_score = score(sequence_kernel, bare, []).score[0]
    without = score(sequence_kernel, unscored, []).score[0]
    assert without - with_score == pytest.approx(0.3 * 0.5, abs=1e-12)


@pytest.mark.parametrize("total", [0.0, -10.0])
def test_score_is_neutral_without_a_total(sequence_kernel: SequenceKernel, total: float) -> None:
    result = score(sequence_kernel, replace(GOLDEN, total=total), [trade("BUY", "EEE", 1)])
    assert result.score.tolist() == [0.5]


@pytest.mark.parametrize("mode", ["strict", "compatibility"])
def test_empty_portfolio_and_empty_batch_are_fine(
    sequence_kernel: SequenceKernel, mode: Mode
) -> None:
    packed = pack(replace(GOLDEN, positions={}), [])
    for shape in ((0, 0), (0, 5), (3, 0)):
        rows = np.full(shape, -1, dtype=np.int32)
        result = evaluate(packed.problem, packed.actions, rows, mode=mode, kernel=sequence_kernel)
        assert len(result.score) == shape[0]


def test_read_only_sequences_are_accepted(sequence_kernel: SequenceKernel) -> None:
    problem, actions, sequences = random_case(5, rows=9, strict=True)
    open_score = evaluate(problem, actions, sequences, mode="strict", kernel=sequence_kernel).score
    sequences.setflags(write=False)
    closed = evaluate(problem, actions, sequences, mode="strict", kernel=sequence_kernel).score
    assert closed.tobytes() == open_score.tobytes()


def test_records_keep_their_own_copies() -> None:
    problem, actions, _ = random_case(5, rows=1, strict=True)
    with pytest.raises(ValueError, match="read-only"):
        problem.value[0] = 1.0
    with pytest.raises(ValueError, match="read-only"):
        actions.symbol[0] = 99
    mine = np.array([0], dtype=np.int32)
    table = Actions(
        symbol=mine, sell=np.array([True]), value=np.array([1.0]), adjusted=np.array([1.0])
    )
    mine[0] = 77
    assert table.symbol.tolist() == [0]


@pytest.fixture(scope="module")
def packed() -> Packed:
    return pack(GOLDEN, [trade("BUY", "EEE", 1), trade("SELL", "AAA", 1)])


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (np.array([[0, 2]], dtype=np.int32), "sequences: index 2, expected -1 to 1"),
        (np.array([[-2]], dtype=np.int32), "sequences: index -2, expected -1 to 1"),
        (np.array([[0], [1]]), "sequences: dtype int64, expected int32"),
        (np.array([0, 1], dtype=np.int32), "sequences: 1 dimensions, expected 2"),
        (
            np.zeros((4, 4), dtype=np.int32)[:, ::2],
            r"sequences: strides \(16, 8\), expected a C-contiguous array",
        ),
        (
            np.array([[0, 1], [-1, 0]], dtype=np.int32),
            "sequences: row 1 has an action behind padding, expected none",
        ),
    ],
)
def test_bad_sequences_are_refused(packed: Packed, rows: Ints, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        evaluate(packed.problem, packed.actions, rows, mode="strict")


def test_bad_step_sequence_is_refused(packed: Packed) -> None:
    with pytest.raises(ValueError, match="sequence: 2 dimensions, expected 1"):
        evaluate_steps(
            packed.problem, packed.actions, np.zeros((1, 1), dtype=np.int32), mode="strict"
        )


BAD_PROBLEMS: list[tuple[dict[str, Any], str]] = [
    ({"cash": float("nan")}, "cash: value nan, expected"),
    ({"total": float("inf")}, "total: value inf, expected"),
    ({"total": 1e-9}, "total: 1e-09, expected 1e-06 or more"),
    ({"fee_fixed": -1.0}, "fee_fixed: value -1.0, expected 0 to"),
    ({"fee_percent": 1.5}, "fee_percent: value 1.5, expected 0 to 1"),
    ({"cost_factor": -0.1}, "cost_factor: value -0.1, expected 0 to 1"),
    ({"value": np.array([1.0])}, "score: length"),
    ({"value": np.zeros(12)[::2]}, "value: strides"),
    ({"score": np.full(6, np.inf)}, "score: value inf, expected a finite one"),
    ({"value": np.array([np.nan] * 6)}, "value: value nan, expected a finite one"),
    ({"value": np.ones(6)}, "value: 1.0 where nothing is held, expected 0"),
    ({"held": np.ones(6)}, "held: dtype float64, expected bool"),
    ({"worth": np.zeros(5)}, "worth: length 5, expected 6"),
    ({"worth": np.full(6, np.nan)}, "worth: value nan, expected a finite one"),
]


@pytest.mark.parametrize(("change", "message"), BAD_PROBLEMS)
def test_bad_problem_is_refused(packed: Packed, change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(packed.problem, **change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"group": np.full(6, 4, dtype=np.int32)}, "axis.group: index 4, expected 0 to 3"),
        ({"group": np.full(6, -1, dtype=np.int32)}, "axis.group: index -1, expected 0 to 3"),
        ({"bought": np.full(6, -2, dtype=np.int32)}, "axis.bought: index -2, expected -1 to 3"),
        ({"bought": np.zeros(5, dtype=np.int32)}, "axis.bought: length 5, expected 6"),
        ({"targets": np.array([np.nan])}, "axis.targets: value nan"),
        ({"shares": np.ones((6, 3))}, r"axis.shares: shape \(6, 3\), expected \(6, 4\)"),
        ({"shares": np.full((6, 4), 0.3)}, "axis.shares: 1.2 in all for symbol 0, expected 1"),
        ({"shares": np.full((6, 4), -0.25)}, "axis.shares: -0.25, expected 0 or more"),
        ({"shares": np.full((6, 4), np.nan)}, "axis.shares: nan, expected 0 or more"),
    ],
)
def test_bad_axis_is_refused(packed: Packed, change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(packed.problem.country, **change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"country": -0.1}, "weights.country: value -0.1, expected 0 to 1"),
        ({"industry": 1.1}, "weights.industry: value 1.1"),
        ({"quality": float("nan")}, "weights.quality: value nan"),
        ({"worth": 2.0}, "weights.worth: value 2.0"),
        ({"constant": -2.0}, "weights.constant: value -2.0, expected -1 to 1"),
    ],
)
def test_bad_weights_are_refused(change: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ScoreWeights(**change)


def test_worth_and_constant_add_to_the_score(sequence_kernel: SequenceKernel) -> None:
    weights = ScoreWeights(country=0.0, industry=0.0, quality=0.0, worth=0.8, constant=0.025)
    named = replace(GOLDEN, weights=weights, worth={"AAA": 0.5, "EEE": 1.0}, cost_factor=0.0)
    after = score(sequence_kernel, named, [trade("BUY", "EEE", 10)]).score[0]
    assert after == pytest.approx(0.8 * (0.5 * 0.4 + 1.0 * 0.1) + 0.025, abs=1e-12)


def test_symbol_in_two_groups_counts_half_in_each(sequence_kernel: SequenceKernel) -> None:
    weights = ScoreWeights(country=1.0, industry=0.0, quality=0.0)
    members = {"AAA": ["EU", "US"], "BBB": ["US", "US"], "CCC": ["ASIA", "MARS"]}
    axis = replace(GOLDEN.country, members=members)
    named = replace(GOLDEN, country=axis, weights=weights, cost_factor=0.0)
    found = score(sequence_kernel, named, []).score[0]
    deviations = abs(0.2 - 0.5) + abs(0.2 + 0.3 - 0.3) + abs(0.1 - 0.2)
    assert found == pytest.approx(max(0.0, 1 - deviations / 3 / 0.3), abs=1e-12)


def test_axis_of_another_length_is_refused(packed: Packed) -> None:
    short = replace(
        packed.problem.country,
        group=np.zeros(2, dtype=np.int32),
        bought=np.zeros(2, dtype=np.int32),
    )
    with pytest.raises(ValueError, match=r"country.group: length 2, expected 6"):
        replace(packed.problem, country=short)


def actions_of(symbol: int, value: float, adjusted: float) -> Actions:
    return Actions(
        symbol=np.array([symbol], dtype=np.int32),
        sell=np.array([False]),
        value=np.array([value]),
        adjusted=np.array([adjusted]),
    )


@pytest.mark.parametrize(
    ("actions", "mode", "message"),
    [
        (actions_of(6, 1.0, 1.0), "strict", "symbol: index 6, expected 0 to 5"),
        (actions_of(0, -1.0, -1.0), "strict", "value: -1.0, expected 0 or more in strict mode"),
        (actions_of(0, 1.0, 2.0), "strict", "adjusted: 2.0, expected the plain value"),
        (actions_of(0, 1.0, 1.0), "loose", "mode: 'loose', expected 'strict' or 'compatibility'"),
    ],
)
def test_actions_that_do_not_fit_the_problem_are_refused(
    packed: Packed, actions: Actions, mode: Any, message: str
) -> None:
    problem: Problem = packed.problem
    with pytest.raises(ValueError, match=message):
        evaluate(problem, actions, np.zeros((1, 1), dtype=np.int32), mode=mode)
