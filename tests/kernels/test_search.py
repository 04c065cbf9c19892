"""Extensions of sets: their worth is that of the sequence kernel, their bound is never too low."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kernels.checks import Floats, Ints
from kernels.choose import SearchKernel, load
from kernels.packing import NamedAxis, NamedProblem, Trade, pack, pack_sequences
from kernels.problem import ScoreWeights
from kernels.search import MAX_STEPS, Extensions, extend
from kernels.sequences import run
from kernels.workload import Workload, prepare
from tests.kernels import oracle
from tests.kernels.cases import GOLDEN, trade, trades, weighted_problems
from tests.kernels.conftest import needs_extension
from tests.kernels.search_cases import SearchCase, allowed, every_set, search_case

DEPTH = 4
SLOW = [HealthCheck.too_slow]  # says something about the machine only
EXAMPLES = settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=SLOW)
SEEDS = st.integers(0, 2**32 - 1)
Combo = tuple[int, ...]


def rows_of(sets: list[Combo]) -> Ints:
    """With padding behind even the longest, which must not matter."""
    rows = pack_sequences(sets)
    padding = np.full((len(rows), 1), -1, dtype=np.int32)
    return np.concatenate([rows, padding], axis=1)


def nets_of_sets(case: SearchCase) -> Mapping[Combo, float]:
    """What every allowed set of up to DEPTH actions is worth, by the sequence kernel."""
    sets = [(), *every_set(len(case.toll), DEPTH)]
    scores = run(case.work, pack_sequences(sets))
    return {
        combo: float(scores.score[row] - scores.score[0] - case.toll[list(combo)].sum())
        for row, combo in enumerate(sets)
        if scores.feasible[row] and allowed(case, combo)
    }


def extensions(
    kernel: SearchKernel, case: SearchCase, parents: list[Combo], steps_left: int
) -> Extensions:
    return extend(
        case.work, rows_of(parents), steps_left=steps_left, blocked=case.blocked, kernel=kernel
    )


def parents_by_size(case: SearchCase) -> list[list[Combo]]:
    sets = [(), *every_set(len(case.toll), DEPTH - 1)]
    return [[combo for combo in sets if len(combo) == size] for size in range(DEPTH)]


@EXAMPLES
@given(seed=SEEDS, part=st.floats(0.0, 1.0))
def test_smooth_score_is_concave_in_the_values_of_the_positions(seed: int, part: float) -> None:
    """Which is what every bound rests on."""
    case = search_case(seed)
    rng = np.random.default_rng(seed)
    total = case.problem.total
    one, other = (
        np.where(case.problem.held, rng.random(len(case.problem.held)), 0.0) * total
        for _ in range(2)
    )

    def smooth(value: Floats) -> float:
        problem = replace(case.problem, value=value)
        work = prepare(problem, case.actions, mode="strict", smooth=True)
        return float(run(work, pack_sequences([()])).score[0])

    between = smooth(part * one + (1.0 - part) * other)
    assert between >= part * smooth(one) + (1.0 - part) * smooth(other) - 1e-12


@EXAMPLES
@given(seed=SEEDS)
def test_net_is_the_worth_of_the_longer_set_and_missing_where_it_is_not_allowed(
    search_kernel: SearchKernel, seed: int
) -> None:
    case = search_case(seed)
    nets = nets_of_sets(case)
    for parents in parents_by_size(case):
        found = extensions(search_kernel, case, parents, 1)
        for row, parent in enumerate(parents):
            for action in range(len(case.toll)):
                behind = action > (parent[-1] if parent else -1)
                expected = nets.get((*parent, action)) if behind else None
                if expected is None:
                    assert np.isnan(found.net[row, action])
                    assert found.bound[row, action] == -np.inf
                else:
                    assert found.net[row, action] == pytest.approx(expected, abs=1e-12)


@EXAMPLES
@given(seed=SEEDS)
def test_bound_is_never_below_anything_that_extends_the_set(
    search_kernel: SearchKernel, seed: int
) -> None:
    case = search_case(seed)
    nets = nets_of_sets(case)
    for size, parents in enumerate(parents_by_size(case)):
        found = extensions(search_kernel, case, parents, DEPTH - size)
        number = {parent: row for row, parent in enumerate(parents)}
        for combo, net in nets.items():
            if len(combo) > size:
                bound = found.bound[number[combo[:size]], combo[size]]
                # With no step left it is the kernel's own net, which rounds in its own way.
                assert bound >= (net - 1e-12 if size == DEPTH - 1 else net)


@EXAMPLES
@given(seed=SEEDS)
def test_bound_covers_no_more_steps_than_are_left(seed: int) -> None:
    """Fewer steps never raise it, and with none left it is the net itself."""
    case = search_case(seed)
    parents = parents_by_size(case)[1]
    kernel = load("numpy").search
    found = [extensions(kernel, case, parents, steps) for steps in (1, 2, 3, MAX_STEPS)]
    assert (
        found[0].bound.tobytes()
        == np.where(np.isnan(found[0].net), -np.inf, found[0].net).tobytes()
    )
    for fewer, more in pairwise(found):
        assert (fewer.bound <= more.bound + 1e-15).all()


@needs_extension
def test_both_back_ends_give_the_same_bits() -> None:
    compiled, twin = load("cython").search, load("numpy").search
    allowed_ones = 0
    for seed in range(30):
        case = search_case(seed, actions=25)
        rng = np.random.default_rng(seed)
        parents: list[Combo] = [()]
        for size in (1, 2, 3, 4):
            parents += [
                tuple(np.sort(rng.choice(25, size, replace=False)).tolist()) for _ in range(6)
            ]
        for steps in (1, 2, 5):
            ours, theirs = (extensions(kernel, case, parents, steps) for kernel in (compiled, twin))
            assert ours.net.tobytes() == theirs.net.tobytes(), f"seed {seed}"
            assert ours.bound.tobytes() == theirs.bound.tobytes(), f"seed {seed}"
            allowed_ones += int(np.isfinite(ours.net).sum())
    assert allowed_ones > 5_000


@EXAMPLES
@given(
    named=weighted_problems(steady=True),
    table=st.lists(trades(), min_size=1, max_size=5),
)
def test_no_set_that_cannot_be_paid_for_has_a_number(
    search_kernel: SearchKernel, named: NamedProblem, table: list[Trade]
) -> None:
    table = sorted(table, key=lambda trade: trade.side == "BUY")
    packed = pack(named, table)
    work = prepare(packed.problem, packed.actions, mode="strict", smooth=True)
    size = len(table)
    parents: list[Combo] = [(), *((number,) for number in range(size))]
    free = np.zeros((size, size), dtype=np.bool_)
    found = extend(work, rows_of(parents), steps_left=2, blocked=free, kernel=search_kernel)
    start = oracle.strict(named, [], smooth=True)
    for row, parent in enumerate(parents):
        for action in range(parent[0] + 1 if parent else 0, size):
            expected = oracle.strict(
                named, [table[number] for number in (*parent, action)], smooth=True
            )
            assert np.isfinite(found.net[row, action]) == expected.feasible
            if expected.feasible:
                gain = expected.score - start.score
                assert found.net[row, action] == pytest.approx(gain, abs=1e-9)


def little(
    table: list[Trade], *, held: float, cash: float, slack: float = 0.0, target: float = 0.5
) -> Workload:
    """1000 EUR, `held` of them in A; one axis, one group with a target, every symbol in it."""
    group = {symbol: ["x"] for symbol in "ABCD"}
    named = NamedProblem(
        positions={"A": held},
        country=NamedAxis(targets={"x": target}, members=group),
        industry=NamedAxis(targets={}, members={}),
        total=1000.0,
        cash=cash,
        fee_fixed=0.0,
        fee_percent=0.0,
        cost_factor=0.0,
        weights=ScoreWeights(country=1.0, industry=0.0, quality=0.0),
    )
    packed = pack(named, table)
    return prepare(packed.problem, packed.actions, mode="strict", smooth=True, slack=slack)


def bought(symbol: str, value: float) -> Trade:
    return Trade(symbol=symbol, side="BUY", value=value)


def from_start(kernel: SearchKernel, work: Workload, steps_left: int) -> Extensions:
    size = len(work.symbol)
    free = np.zeros((size, size), dtype=np.bool_)
    return extend(work, rows_of([()]), steps_left=steps_left, blocked=free, kernel=kernel)


def test_what_overshoots_its_target_promises_no_more_than_the_gap(
    search_kernel: SearchKernel,
) -> None:
    table = [bought("B", 50.0), bought("C", 90.0), bought("D", 80.0)]
    found = from_start(search_kernel, little(table, held=400.0, cash=600.0), 2)
    assert found.net[0, 0] == pytest.approx(0.05 / 0.3)
    assert found.bound[0, 0] == pytest.approx(0.10 / 0.3, abs=1e-7)


def test_nothing_is_promised_at_the_target(search_kernel: SearchKernel) -> None:
    work = little([bought(symbol, 100.0) for symbol in "BCD"], held=400.0, cash=600.0)
    found = from_start(search_kernel, work, 3)
    assert found.bound[0, 0] == pytest.approx(found.net[0, 0], abs=1e-7)


def test_purchases_promise_no_more_than_the_cash_pays_for(search_kernel: SearchKernel) -> None:
    table = [bought("B", 100.0), bought("C", 30.0), bought("D", 20.0)]
    rich, poor = (
        from_start(search_kernel, little(table, held=0.0, cash=cash), 3) for cash in (150.0, 110.0)
    )
    assert rich.bound[0, 0] == pytest.approx(rich.net[0, 0] + 0.05 / 0.3, abs=1e-7)
    assert poor.bound[0, 0] == pytest.approx(poor.net[0, 0], abs=1e-7)


def test_a_sale_that_may_follow_keeps_its_money_in_the_bound(search_kernel: SearchKernel) -> None:
    sales = [Trade(symbol="A", side="SELL", value=value) for value in (50.0, 40.0)]
    work = little([*sales, bought("B", 100.0)], held=400.0, cash=10.0)
    found = from_start(search_kernel, work, 3)
    both = run(work, pack_sequences([(), (0, 1, 2)])).score
    assert found.bound[0, 0] >= both[1] - both[0] - 1e-12


def test_slack_lets_cash_and_a_whole_holding_be_missed_by_cents(
    search_kernel: SearchKernel,
) -> None:
    table = [Trade(symbol="A", side="SELL", value=100.01), bought("B", 100.02)]
    for slack, sale, purchase in ((0.0, False, False), (0.015, True, False), (0.03, True, True)):
        work = little(table, held=100.0, cash=100.0, slack=slack)
        found = from_start(search_kernel, work, 1)
        assert np.isfinite(found.net[0]).tolist() == [sale, purchase]
        assert run(work, pack_sequences([(0, 1)])).feasible[0] == sale


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"parents": np.array([[1, 0]], dtype=np.int32)}, "parents: row 0 is not ascending"),
        ({"parents": np.array([[1, 1]], dtype=np.int32)}, "parents: row 0 is not ascending"),
        ({"parents": np.array([[-1, 1]], dtype=np.int32)}, "parents: row 0 is not ascending"),
        ({"parents": np.array([[3]], dtype=np.int32)}, "parents: index 3, expected -1 to 2"),
        ({"parents": np.array([0], dtype=np.int32)}, "parents: 1 dimensions, expected 2"),
        ({"steps_left": 0}, "steps_left: 0, expected 1 to 16"),
        ({"steps_left": 17}, "steps_left: 17, expected 1 to 16"),
        ({"blocked": np.zeros((2, 3), dtype=np.bool_)}, r"blocked: shape \(2, 3\), expected"),
        ({"blocked": np.zeros((3, 3))}, "blocked: dtype float64, expected bool"),
    ],
)
def test_bad_arguments_are_refused(change: dict[str, Any], message: str) -> None:
    work = little([bought(symbol, 10.0) for symbol in "BCD"], held=0.0, cash=100.0)
    fine: dict[str, Any] = {
        "parents": np.array([[0, -1]], dtype=np.int32),
        "steps_left": 2,
        "blocked": np.zeros((3, 3), dtype=np.bool_),
    }
    assert np.isfinite(extend(work, **fine).net).sum() == 2
    with pytest.raises(ValueError, match=message):
        extend(work, **{**fine, **change})


def test_only_a_smooth_workload_is_extended() -> None:
    packed = pack(GOLDEN, [trade("BUY", "EEE", 1)])
    plain = prepare(packed.problem, packed.actions, mode="strict")
    with pytest.raises(ValueError, match="work: expected a smooth workload"):
        extend(plain, rows_of([()]), steps_left=1, blocked=np.zeros((1, 1), dtype=np.bool_))


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({}, {"mode": "compatibility", "smooth": True}, "smooth: expected the strict mode"),
        ({"total": 0.0}, {"mode": "strict", "smooth": True}, "and a positive total"),
        ({}, {"mode": "compatibility", "slack": 1.0}, "slack: value 1.0, expected 0 to 0"),
        ({}, {"mode": "strict", "toll": np.array([-0.1])}, "toll: expected 0 or more for each"),
        ({}, {"mode": "strict", "toll": np.zeros(2)}, "toll: expected 0 or more for each of 1"),
        (
            {"country": replace(GOLDEN.country, records={"EEE": "Japan"})},
            {"mode": "strict", "smooth": True},
            "country.bought: a purchase changes the group",
        ),
    ],
)
def test_what_has_no_smooth_form_is_refused(
    change: dict[str, Any], options: dict[str, Any], message: str
) -> None:
    packed = pack(replace(GOLDEN, **change), [trade("BUY", "EEE", 1)])
    with pytest.raises(ValueError, match=message):
        prepare(packed.problem, packed.actions, **options)
