"""Nine sequences with known scores, with and without adjusted prices."""

import numpy as np
import pytest

from kernels.choose import SequenceKernel
from kernels.packing import pack, pack_sequences
from kernels.sequences import evaluate, evaluate_steps
from tests.kernels import oracle
from tests.kernels.cases import GOLDEN, GOLDEN_ADJUSTMENTS, GOLDEN_SEQUENCES, flatten, trade

START = 0.7614222222222222
SCORES = [
    START,
    0.85536,
    0.7003444444444445,
    0.0,
    0.7752877777777777,
    0.7221722222222223,
    0.14976,
    0.8060517777777778,
    0.7137633333333333,
]
END_CASH = [1500.0, 500.0, 500.0, 1500.0, 3000.0, 0.0, 10500.0, 200.0, 2000.0]
COSTS = [0.0, 4.0, 10.0, 6.0, 9.0, 5.0, 24.0, 8.6, 7.0]
ADJUSTED_SCORES = [
    START,
    0.7613822222222222,
    0.6772822222222223,
    0.0,
    0.7752877777777777,
    0.7221722222222223,
    0.00444,
    0.7613362222222222,
    0.7419566666666666,
]
ADJUSTED_CASH = [1500.0, 1500.0, 2400.0, 1500.0, 3000.0, 0.0, 10200.0, 2000.0, 1700.0]
FEASIBLE = [True, True, True, False, True, True, True, True, True]


@pytest.mark.parametrize(
    ("adjustments", "scores", "cash"),
    [(None, SCORES, END_CASH), (GOLDEN_ADJUSTMENTS, ADJUSTED_SCORES, ADJUSTED_CASH)],
    ids=["plain", "adjusted"],
)
def test_golden_sequences_score_to_the_last_digits(
    sequence_kernel: SequenceKernel,
    adjustments: dict[str, float] | None,
    scores: list[float],
    cash: list[float],
) -> None:
    table, rows = flatten(GOLDEN_SEQUENCES)
    packed = pack(GOLDEN, table, adjustments=adjustments)
    result = evaluate(
        packed.problem,
        packed.actions,
        pack_sequences(rows),
        mode="compatibility",
        kernel=sequence_kernel,
    )
    np.testing.assert_allclose(result.score, scores, rtol=0, atol=1e-12)
    np.testing.assert_allclose(result.end_cash, cash, rtol=0, atol=1e-9)
    np.testing.assert_allclose(result.cost, COSTS, rtol=0, atol=1e-12)
    assert result.feasible.tolist() == FEASIBLE


@pytest.mark.parametrize("number", range(9))
def test_oracle_meets_the_golden_sequences_too(number: int) -> None:
    sequence = GOLDEN_SEQUENCES[number]
    assert oracle.compatible(GOLDEN, sequence).score == pytest.approx(SCORES[number], abs=1e-12)
    adjusted = oracle.compatible(GOLDEN, sequence, GOLDEN_ADJUSTMENTS)
    assert adjusted.score == pytest.approx(ADJUSTED_SCORES[number], abs=1e-12)


@pytest.mark.parametrize(
    ("shift", "score"),
    [
        (-0.10, 0.7220977777777778),
        (-0.05, 0.7112711111111111),
        (0.0, 0.7004444444444445),
        (0.05, 0.6896177777777778),
        (0.10, 0.6787911111111111),
    ],
)
def test_shifted_prices_meet_the_stochastic_vectors(
    sequence_kernel: SequenceKernel, shift: float, score: float
) -> None:
    table = [
        trade("SELL", "BBB", 10),
        trade("BUY", "EEE", 20),
    ]
    free = pack(GOLDEN, table, adjustments={"BBB": 1 + shift, "EEE": 1 + shift})
    shifted = evaluate(
        free.problem,
        free.actions,
        pack_sequences([[0, 1]]),
        mode="compatibility",
        kernel=sequence_kernel,
    )
    penalty = (10.0 / 10000.0) * 0.1
    assert shifted.score[0] + penalty == pytest.approx(score, abs=1e-12)


def test_steps_are_the_scores_of_all_prefixes(sequence_kernel: SequenceKernel) -> None:
    table, rows = flatten([GOLDEN_SEQUENCES[2]])
    packed = pack(GOLDEN, table)
    steps = evaluate_steps(
        packed.problem,
        packed.actions,
        np.array(rows[0], dtype=np.int32),
        mode="compatibility",
        kernel=sequence_kernel,
    )
    assert len(steps.score) == 3
    assert steps.score[0] == pytest.approx(START, abs=1e-12)
    assert steps.score[2] == pytest.approx(SCORES[2], abs=1e-12)
    assert steps.end_cash.tolist() == [1500.0, 2500.0, 500.0]
