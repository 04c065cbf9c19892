"""The two back ends of the sequence kernel agree to the last bit."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from kernels.choose import load
from kernels.sequences import evaluate, run
from kernels.sequences_numpy import CHUNK
from kernels.workload import Mode, Scores, prepare
from tests.kernels.cases import random_case
from tests.kernels.conftest import needs_extension
from tests.kernels.search_cases import search_case

MODES: tuple[Mode, ...] = ("strict", "compatibility")


def bits(scores: Scores) -> tuple[bytes, ...]:
    columns = (scores.score, scores.end_cash, scores.cost, scores.feasible)
    return tuple(column.tobytes() for column in columns)


@needs_extension
@pytest.mark.parametrize("mode", MODES)
def test_both_back_ends_give_the_same_bits(mode: Mode) -> None:
    compiled, twin = load("cython").sequences, load("numpy").sequences
    scored = 0
    for seed in range(150):
        problem, actions, sequences = random_case(seed, rows=60, strict=mode == "strict")
        ours = evaluate(problem, actions, sequences, mode=mode, kernel=compiled)
        theirs = evaluate(problem, actions, sequences, mode=mode, kernel=twin)
        assert bits(ours) == bits(theirs), f"seed {seed}"
        scored += int(ours.feasible.sum())
    assert scored > 2000


@needs_extension
def test_same_bits_for_any_weights_worth_and_several_groups() -> None:
    compiled, twin = load("cython").sequences, load("numpy").sequences
    scored = 0
    for seed in range(100):
        case = search_case(seed, actions=30)
        rows = np.random.default_rng(seed).integers(0, 30, (50, 4), dtype=np.int32)
        plain = prepare(case.problem, case.actions, mode="strict")
        for work in (plain, case.work):
            ours, theirs = (run(work, rows, kernel=kernel) for kernel in (compiled, twin))
            assert bits(ours) == bits(theirs), f"seed {seed}"
            scored += int(ours.feasible.sum())
    assert scored > 2000


@needs_extension
def test_same_bits_across_the_chunks_of_the_twin() -> None:
    problem, actions, sequences = random_case(7, rows=CHUNK * 2 + 17, strict=True)
    work = prepare(problem, actions, mode="strict")
    ours = run(work, sequences, kernel=load("cython").sequences)
    theirs = run(work, sequences, kernel=load("numpy").sequences)
    assert bits(ours) == bits(theirs)


@needs_extension
def test_batches_run_side_by_side_on_one_workload() -> None:
    problem, actions, sequences = random_case(11, rows=20_000, strict=True)
    work = prepare(problem, actions, mode="strict")
    compiled = load("cython").sequences
    alone = bits(run(work, sequences, kernel=compiled))
    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(run, work, sequences, kernel=compiled) for _ in range(6)]
        assert all(bits(job.result()) == alone for job in jobs)


@needs_extension
def test_order_of_a_batch_does_not_change_a_score() -> None:
    problem, actions, sequences = random_case(3, rows=500, strict=False)
    work = prepare(problem, actions, mode="compatibility")
    compiled = load("cython").sequences
    forward = run(work, sequences, kernel=compiled).score
    backward = run(work, np.ascontiguousarray(sequences[::-1]), kernel=compiled).score
    assert forward.tobytes() == backward[::-1].tobytes()
