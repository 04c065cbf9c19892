"""Property tests: both back ends meet the plain-Python definition on portfolios full of gaps."""

import pytest
from hypothesis import HealthCheck, given, settings

from kernels.choose import SequenceKernel
from kernels.packing import NamedProblem, Trade, pack, pack_sequences
from kernels.sequences import Scores, evaluate, run
from kernels.workload import Mode, prepare
from tests.kernels import oracle
from tests.kernels.cases import ADJUSTMENTS, SEQUENCES, flatten, named_problems, weighted_problems

STRICT: Mode = "strict"
LOOSE: Mode = "compatibility"

EXAMPLES = settings(max_examples=80, deadline=None, derandomize=True)
FEWER = settings(EXAMPLES, max_examples=25, suppress_health_check=[HealthCheck.too_slow])


def require_equal(result: Scores, expected: list[oracle.Expected]) -> None:
    assert result.feasible.tolist() == [one.feasible for one in expected]
    for index, one in enumerate(expected):
        assert result.score[index] == pytest.approx(one.score, abs=1e-9)
        assert result.end_cash[index] == pytest.approx(one.end_cash, abs=1e-9)
        assert result.cost[index] == pytest.approx(one.cost, abs=1e-9)


@EXAMPLES
@given(named=named_problems(), sequences=SEQUENCES, adjustments=ADJUSTMENTS)
def test_compatibility_mode_meets_the_oracle(
    sequence_kernel: SequenceKernel,
    named: NamedProblem,
    sequences: list[list[Trade]],
    adjustments: dict[str, float] | None,
) -> None:
    table, rows = flatten(sequences)
    packed = pack(named, table, adjustments=adjustments)
    matrix = pack_sequences(rows)
    result = evaluate(
        packed.problem, packed.actions, matrix, mode="compatibility", kernel=sequence_kernel
    )
    require_equal(result, [oracle.compatible(named, one, adjustments) for one in sequences])


@EXAMPLES
@given(named=named_problems(), sequences=SEQUENCES)
def test_strict_mode_meets_the_oracle(
    sequence_kernel: SequenceKernel, named: NamedProblem, sequences: list[list[Trade]]
) -> None:
    table, rows = flatten(sequences)
    packed = pack(named, table)
    matrix = pack_sequences(rows)
    result = evaluate(packed.problem, packed.actions, matrix, mode="strict", kernel=sequence_kernel)
    require_equal(result, [oracle.strict(named, one) for one in sequences])


@FEWER
@given(named=weighted_problems(), sequences=SEQUENCES)
def test_any_weights_worth_and_several_groups_meet_the_oracle(
    sequence_kernel: SequenceKernel, named: NamedProblem, sequences: list[list[Trade]]
) -> None:
    table, rows = flatten(sequences)
    packed = pack(named, table)
    matrix = pack_sequences(rows)
    strict, loose = (
        evaluate(packed.problem, packed.actions, matrix, mode=mode, kernel=sequence_kernel)
        for mode in (STRICT, LOOSE)
    )
    require_equal(strict, [oracle.strict(named, one) for one in sequences])
    require_equal(loose, [oracle.compatible(named, one) for one in sequences])


@FEWER
@given(named=weighted_problems(steady=True), sequences=SEQUENCES)
def test_smooth_score_meets_the_oracle(
    sequence_kernel: SequenceKernel, named: NamedProblem, sequences: list[list[Trade]]
) -> None:
    table, rows = flatten(sequences)
    packed = pack(named, table)
    work = prepare(packed.problem, packed.actions, mode="strict", smooth=True)
    result = run(work, pack_sequences(rows), kernel=sequence_kernel)
    require_equal(result, [oracle.strict(named, one, smooth=True) for one in sequences])


@EXAMPLES
@given(named=named_problems(), sequences=SEQUENCES)
def test_strict_mode_never_accepts_more_or_ends_richer(
    sequence_kernel: SequenceKernel, named: NamedProblem, sequences: list[list[Trade]]
) -> None:
    table, rows = flatten(sequences)
    packed = pack(named, table)
    matrix = pack_sequences(rows)
    strict, loose = (
        evaluate(packed.problem, packed.actions, matrix, mode=mode, kernel=sequence_kernel)
        for mode in (STRICT, LOOSE)
    )
    assert loose.feasible[strict.feasible].all()
    assert (strict.end_cash <= loose.end_cash + 1e-9)[strict.feasible].all()
    assert ((strict.score >= 0.0) & (strict.score <= 1.0)).all()
