"""The search against an oracle that looks at every set, and what its proof promises."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.planning import frontier
from policy.planning.frontier import Frontier, root
from policy.planning.ground import Ground
from policy.planning.search import Search
from tests.policy.checker import Accountant
from tests.policy.planning.worlds import World, every, ground_of, searched, worlds, worth

NEAR = 2e-9


def best_of_all(world: World, ground: Ground) -> float:
    """What the best sequence there is gains beyond doing nothing, which is one of them."""
    return float(max((worth(world.scene, one) for one in every(ground)), default=0))


def holds(world: World, ground: Ground, found: Search) -> None:
    """What a search claims is true of every sequence there is."""
    best = best_of_all(world, ground)
    assert found.bound(ground.max_depth) >= best - NEAR
    assert found.bound(ground.max_depth) >= found.best_net
    assert found.best_net <= max(0.0, best) + NEAR
    if found.proved_depth >= ground.max_depth:
        assert found.bound(ground.max_depth) == found.best_net
        assert found.best_net == pytest.approx(max(0.0, best), abs=NEAR)


@settings(max_examples=12, deadline=None)
@given(world=worlds(), width=st.sampled_from([1, 3]), budget=st.integers(0, 120))
def test_what_is_proved_is_the_best_and_the_bound_holds_however_early_the_search_ends(
    world: World, width: int, budget: int
) -> None:
    ground = ground_of(world.scene, most=8)
    whole = searched(ground, beam_width=width)
    assert whole.proved_depth >= ground.max_depth
    holds(world, ground, whole)
    short = searched(ground, beam_width=width, budget=budget)
    assert short.explored <= budget
    holds(world, ground, short)


@pytest.mark.slow
@pytest.mark.timeout(300)
@settings(max_examples=150, deadline=None)
@given(
    world=worlds(),
    width=st.sampled_from([1, 3]),
    budget=st.integers(0, 1_000),
    depth=st.integers(1, 5),
)
def test_the_proof_holds_for_many_accounts_with_more_candidates_and_longer_sequences(
    world: World, width: int, budget: int, depth: int
) -> None:
    ground = ground_of(world.scene, most=12, depth=depth)
    whole = searched(ground, beam_width=width)
    assert whole.proved_depth >= ground.max_depth
    holds(world, ground, whole)
    holds(world, ground, searched(ground, beam_width=width, budget=budget))


@settings(max_examples=10, deadline=None)
@given(world=worlds())
def test_everything_found_can_be_paid_for_and_is_worth_what_it_says(world: World) -> None:
    ground = ground_of(world.scene)
    for one in searched(ground).found:
        assert Accountant(world.scene, kept=world.kept).problems(one.sequence) == []
        assert one.net == pytest.approx(float(worth(world.scene, one.sequence)), abs=NEAR)


@settings(max_examples=6, deadline=None)
@given(world=worlds())
def test_more_budget_never_finds_less(world: World) -> None:
    ground = ground_of(world.scene)
    nets = [
        searched(ground, budget=budget).best_net for budget in (0, 7, 20, 40, 70, 110, 170, 300)
    ]
    assert nets == sorted(nets)


@settings(max_examples=6, deadline=None)
@given(world=worlds())
def test_the_bound_holds_when_open_ends_are_let_go(world: World) -> None:
    ground = ground_of(world.scene, most=8)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frontier, "MAX_OPEN", 2)
        found = searched(ground, beam_width=1)
    holds(world, ground, found)


def rows(*sets: tuple[int, ...]) -> np.ndarray[tuple[int, int], np.dtype[np.int16]]:
    return np.array([(*one, *(-1,) * (3 - len(one))) for one in sets], dtype=np.int16)


def test_open_ends_stand_in_the_order_of_their_bounds_and_of_their_arrival() -> None:
    made = root(3, 0.5).plus(rows((1,), (2,)), np.array([0.7, 0.9]), np.zeros(2))
    made = made.plus(rows((3,), (4,)), np.array([0.7, 0.2]), np.zeros(2))
    assert [made.combo(n) for n in range(len(made))] == [(2,), (1,), (3,), (), (4,)]
    assert made.best == 0.9
    first, rest = made.split(2)
    assert [first.combo(0), first.combo(1), rest.combo(0)] == [(2,), (1,), (3,)]
    assert len(made.above(0.7)) == 1
    assert len(made.above(0.69)) == 3


def test_what_is_let_go_stays_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frontier, "MAX_OPEN", 2)
    made = root(3, 0.5).plus(rows((1,), (2,)), np.array([0.7, 0.9]), np.zeros(2))
    assert (len(made), made.lost) == (2, 0.5)
    empty = made.above(1.0)
    assert (len(empty), empty.best) == (0, 0.5)


def test_no_open_end_is_worth_anything() -> None:
    nothing = Frontier(np.zeros((0, 3), dtype=np.int16), np.zeros(0), np.zeros(0))
    assert nothing.best == -np.inf
