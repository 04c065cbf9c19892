"""Where exact money and float arrays meet: the kernel never says no where money says yes."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings

from kernels.packing import pack_sequences
from ledger.currency import BASE
from ledger.money import Money
from policy.planning.arrays import score_arrays
from policy.planning.candidates import Scene
from policy.planning.config import DEFAULT_CONFIG
from policy.planning.facts import SecurityFacts
from policy.planning.found import best_of
from policy.planning.ground import Ground
from policy.planning.shown import breakdown, score_steps, shown_nothing, shown_scores
from policy.planning.space import Combo, fresh_memo, space, walk
from tests.policy.accounts import dozen, scene, security, snapshot
from tests.policy.planning.worlds import World, every, ground_of, worlds, worth

SPREAD = replace(DEFAULT_CONFIG, objective="diversification")


class Free:
    """No rule but that a security is traded once."""

    def __init__(self, symbols: list[str]) -> None:
        names = np.array(symbols)
        self.blocked = names[:, np.newaxis] == names
        np.fill_diagonal(self.blocked, val=False)

    def prefix_ok(self, _: Combo, /) -> bool:
        return True

    def accepts(self, _: Combo, /) -> bool:
        return True


def unruled(where: Scene) -> Ground:
    """All sets there are, whatever the rules of the configuration."""
    made = ground_of(where, most=8, depth=3).space
    rules = Free([c.symbol for c in made.candidates])
    return Ground(made, score_arrays(where, made.candidates), rules)


@settings(max_examples=12, deadline=None)
@given(world=worlds())
def test_what_can_be_paid_for_exactly_is_never_too_dear_for_the_kernel(world: World) -> None:
    ground = unruled(world.scene)
    for sequence in every(ground):
        (net,) = ground.nets(pack_sequences([sequence.combo]))
        assert net >= float(worth(world.scene, sequence)) - 1e-9


@settings(max_examples=12, deadline=None)
@given(world=worlds())
def test_more_trades_never_need_cheaper_conversions(world: World) -> None:
    ground = unruled(world.scene)
    for sequence in every(ground):
        combo = sequence.combo
        if len(combo) > 1:
            assert ground.conversions_cost(combo) >= ground.conversions_cost(combo[:-1])


@settings(max_examples=12, deadline=None)
@given(world=worlds())
def test_extensions_are_worth_what_the_whole_set_is(world: World) -> None:
    ground = unruled(world.scene)
    pairs = list(combinations(range(ground.actions), 2))
    if not pairs:
        return
    nets = ground.nets(pack_sequences(pairs))
    singles = np.arange(ground.actions, dtype=np.int32)[:, np.newaxis]
    made = ground.extended(singles, steps_left=2)
    for (first, second), net in zip(pairs, nets, strict=True):
        extended = made.net[first, second]
        if not np.isnan(extended):
            assert extended == pytest.approx(net, abs=1e-12)
            assert made.bound[first, second] >= net - 1e-12


@pytest.mark.parametrize("objective", ["end_state", "diversification"])
@settings(max_examples=5, deadline=None)
@given(world=worlds())
def test_a_breakdown_adds_up_to_the_score_that_is_shown(objective: str, world: World) -> None:
    config = DEFAULT_CONFIG if objective == "end_state" else SPREAD
    where = replace(world.scene, config=config)
    ground = unruled(where)
    zero = Money.zero(BASE)
    assert breakdown(where, ground.arrays).total == pytest.approx(shown_nothing(ground.arrays))
    for sequence in every(ground):
        made = breakdown(where, ground.arrays, sequence)
        (shown,) = shown_scores(ground.arrays, [sequence.combo], [sequence.cost])
        assert made.total == pytest.approx(shown, abs=1e-9)
        assert made.cost_eur == sequence.cost >= zero
        assert sum(part.weight for part in made.parts) == pytest.approx(1.0)


@settings(max_examples=5, deadline=None)
@given(world=worlds())
def test_steps_lead_from_nothing_to_the_score_of_the_sequence(world: World) -> None:
    ground = unruled(world.scene)
    for sequence in every(ground):
        steps = score_steps(ground.arrays, sequence)
        assert len(steps) == len(sequence.steps) + 1
        assert steps[0] == shown_nothing(ground.arrays)
        assert steps[-1:] == shown_scores(ground.arrays, [sequence.combo], [sequence.cost])


def test_a_holding_of_less_than_a_cent_counts_in_the_breakdown_as_in_the_score() -> None:
    penny = security("S0", currency="HKD")
    shot = snapshot((penny,), prices={"S0": "0.02"}, held={"S0": "1"}, cash={"EUR": "900"})
    facts = {"S0": SecurityFacts(quality=1.0)}
    where = replace(scene(shot), config=SPREAD, facts=facts)
    arrays = ground_of(where).arrays
    assert breakdown(where, arrays).total == pytest.approx(shown_nothing(arrays))


def plain() -> Scene:
    universe = dozen()
    return scene(
        snapshot(
            universe,
            prices={s.symbol: "40" for s in universe},
            held={"S00": "100", "S05": "31"},
            costs={"S00": "30", "S05": "30"},
            cash={"EUR": "5000"},
        )
    )


def test_what_is_never_to_be_chosen_ranks_behind_everything() -> None:
    where = plain()
    made = ground_of(where).space
    never = np.zeros(len(made.candidates), dtype=np.bool_)
    never[0] = True
    rules = Free([c.symbol for c in made.candidates])
    ground = Ground(made, score_arrays(where, made.candidates, never=never), rules)
    first = ground.extended(np.full((1, 1), -1, dtype=np.int32), steps_left=4)
    assert first.bound[0, 0] < -1
    assert first.bound[0, 1:].min() > -1


@pytest.mark.parametrize("change", ["cost_penalty_factor", "min_improvement", "risk_profile"])
def test_what_is_configured_changes_what_a_trade_is_worth(change: str) -> None:
    where = plain()
    values = {"cost_penalty_factor": 1.0, "min_improvement": 0, "risk_profile": "conservative"}
    other = replace(where, config=replace(where.config, **{change: values[change]}))  # type: ignore[arg-type]
    rows = pack_sequences([(0,)])
    assert unruled(where).nets(rows)[0] != unruled(other).nets(rows)[0]


def test_an_account_that_is_all_cash_is_scored_like_any_other() -> None:
    universe = dozen()
    shot = snapshot(universe, prices={s.symbol: "40" for s in universe}, cash={"EUR": "9000"})
    where = scene(shot)
    made = breakdown(where, ground_of(where).arrays)
    values = {part.name: part.value for part in made.parts}
    assert values["total_return"] == values["long_term_promise"] == values["stability"] == 0.0
    assert made.total < 0.5


def test_a_security_of_two_industries_counts_half_in_each() -> None:
    both = security("BOTH", number=1, industry="Banks, Pharma")
    banks, pharma = (security(n, number=i, industry=n) for i, n in ((2, "Banks"), (3, "Pharma")))
    prices = {"BOTH": "40", "Banks": "40", "Pharma": "40"}
    held = {"BOTH": "100"}
    shot = snapshot([both, banks, pharma], prices=prices, held=held, cash={"EUR": "1000"})
    where = scene(shot)
    axis = ground_of(where).arrays.problem.industry
    assert axis.shares is not None
    assert axis.shares.tolist() == [[0.5, 0.5, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]


def test_the_retained_are_the_best_of_each_shape() -> None:
    where = plain()
    ground = unruled(where)
    found = ground.found([(sequence.combo, ("test",)) for sequence in every(ground)])
    kept = best_of(reversed(found), 8)
    assert len({one.shape for one in kept}) == len(kept) == 8
    assert [one.rank for one in kept] == sorted(one.rank for one in kept)
    assert kept[0].net == max(one.net for one in found)
    for one in kept:
        assert one.net == max(other.net for other in found if other.shape == one.shape)


def test_ties_go_to_the_smaller_encoding_whatever_came_first() -> None:
    ground = unruled(plain())
    found = ground.found([(sequence.combo, ("test",)) for sequence in every(ground)])
    one, other = (replace(one, net=0.25) for one in found[:2])
    first = min((one, other), key=lambda f: f.sequence.encoding)
    assert best_of([one, other], 1) == best_of([other, one], 1) == (first,)


def test_a_full_memo_is_forgotten_and_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("policy.planning.ground.MAX_MEMO", 3)
    where = plain()
    small, fresh = unruled(where), fresh_memo(unruled(where).space)
    made = space(small.space.candidates, where.purse, where.rules, max_depth=3)
    for combo in combinations(range(small.actions), 2):
        assert small.possible(combo) == (walk(made, combo, fresh) is not None)
