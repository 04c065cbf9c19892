"""The space: what may be combined is walked with exact money, numbered the same way every time."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings

from policy.fx import Conversion
from policy.planning.calculators import find_candidates
from policy.planning.candidates import Candidate, Scene
from policy.planning.space import (
    MAX_CANDIDATES,
    MAX_DEPTH,
    Combo,
    Space,
    TradeSequence,
    fresh_memo,
    sequence_of,
    space,
    walk,
)
from tests.policy.accounts import NOON, dozen, eur, scene, security, snapshot
from tests.policy.checker import Accountant
from tests.policy.planning.worlds import FX_FEES, World, worlds


def built(where: Scene, depth: int = 3) -> Space:
    return space(find_candidates(where), where.purse, where.rules, max_depth=depth)


def combos(where: Space, depth: int) -> list[Combo]:
    """All sets without a symbol twice."""
    return [
        combo
        for size in range(1, depth + 1)
        for combo in combinations(range(len(where.candidates)), size)
        if len({where.candidates[n].symbol for n in combo}) == size
    ]


def every(where: Space, depth: int = 3) -> tuple[TradeSequence, ...]:
    memo = fresh_memo(where)
    made = (sequence_of(where, combo, memo) for combo in combos(where, depth))
    return tuple(sequence for sequence in made if sequence is not None)


@settings(max_examples=15, deadline=None)
@given(world=worlds())
def test_c2_no_sequence_breaks_a_reserve_in_any_currency_at_any_step(
    world: World,
) -> None:
    for sequence in every(built(world.scene), depth=2):
        assert Accountant(world.scene, kept=world.kept).problems(sequence) == []


@settings(max_examples=6, deadline=None)
@given(world=worlds())
def test_candidates_are_numbered_the_same_whatever_their_order(
    world: World,
) -> None:
    one, two = built(world.scene), built(world.scene)
    assert one.candidates == two.candidates
    shuffled = space(tuple(reversed(one.candidates)), one.purse, one.rules, max_depth=3)
    assert shuffled.candidates == one.candidates
    assert [s.encoding for s in every(shuffled, 2)] == [s.encoding for s in every(one, 2)]


@settings(max_examples=6, deadline=None)
@given(world=worlds())
def test_what_cannot_be_paid_for_cannot_be_paid_for_with_more_behind_it(
    world: World,
) -> None:
    made = built(world.scene)
    memo = fresh_memo(made)
    for combo in combos(made, 2):
        if walk(made, combo[:-1], memo) is None:
            assert sequence_of(made, combo, fresh_memo(made)) is None


def test_a_memo_changes_nothing_but_time() -> None:
    made = built(rich_and_heavy())
    memo = fresh_memo(made)
    for combo in combos(made, 2):
        assert sequence_of(made, combo, memo) == sequence_of(made, combo, fresh_memo(made))


def test_nothing_is_no_sequence() -> None:
    made = built(rich_and_heavy())
    assert sequence_of(made, (), fresh_memo(made)) is None


def test_costs_of_a_sequence_are_its_fees_and_what_its_conversions_take() -> None:
    universe = dozen("USD")
    shot = snapshot(universe, prices={s.symbol: "40" for s in universe}, cash={"EUR": "3000"})
    for sequence in every(built(scene(shot, fx_fees=FX_FEES))):
        fees = sum(s.fee_eur.minor for s in sequence.steps if isinstance(s, Candidate))
        converted = [s for s in sequence.steps if isinstance(s, Conversion)]
        assert sequence.fx_cost.minor == sum(s.cost_eur.minor for s in converted)
        assert sequence.cost.minor == fees + sequence.fx_cost.minor
        assert not converted or sequence.fx_cost > eur(0)


@pytest.mark.parametrize(("wanted", "given"), [(0, 1), (4, 4), (99, MAX_DEPTH)])
def test_depth_is_bounded(wanted: int, given: int) -> None:
    assert built(rich_and_heavy(), depth=wanted).max_depth == given


def rich_and_heavy() -> Scene:
    """Two positions far above their targets, and cash."""
    universe = dozen()
    shot = snapshot(
        universe,
        prices={s.symbol: "40" for s in universe},
        held={"S00": "100", "S01": "60"},
        costs={"S00": "30", "S01": "30"},
        cash={"EUR": "9000"},
    )
    return scene(shot)


def test_sales_come_before_purchases_and_no_symbol_twice() -> None:
    for sequence in every(built(rich_and_heavy(), depth=5)):
        sides = [s.side for s in sequence.steps if isinstance(s, Candidate)]
        assert all(not (a == "BUY" and b == "SELL") for a, b in pairwise(sides))


def test_a_purchase_in_another_currency_is_preceded_by_its_conversion() -> None:
    universe = dozen("USD")
    shot = snapshot(universe, prices={s.symbol: "40" for s in universe}, cash={"EUR": "3000"})
    found = every(built(scene(shot)))
    assert found
    for sequence in found:
        assert isinstance(sequence.steps[0], Conversion)
        assert sequence.steps[0].leg.source == "EUR"
        assert isinstance(sequence.steps[-1], Candidate)
        assert sequence.cost > eur(0)


def test_a_currency_without_a_pair_is_reached_over_euros() -> None:
    universe = tuple(security(f"H{i}", number=i, currency="HKD", lot="10") for i in range(12))
    prices = {s.symbol: "40" for s in universe}
    shot = snapshot(universe, prices=prices, cash={"GBP": "3000", "EUR": "20"})
    found = every(built(scene(shot)))
    assert found
    sources = [s.leg.source for s in found[0].steps if isinstance(s, Conversion)]
    assert "GBP" in sources
    assert sources[-1] == "EUR"


def test_what_can_begin_soonest_comes_first() -> None:
    universe = tuple(
        security(f"S{i:02d}", number=i, mic="XETR" if i % 2 else "XPAR") for i in range(12)
    )
    shot = snapshot(universe, prices={s.symbol: "40" for s in universe}, cash={"EUR": "9000"})
    where = replace(scene(shot), markets=frozenset({"XETR", "XPAR"}))
    opens = {"XETR": NOON, "XPAR": NOON + timedelta(hours=1)}
    made = space(find_candidates(where), where.purse, where.rules, max_depth=3, opens=opens)
    mics = [c.security.instrument.mic for c in made.candidates]
    assert mics == sorted(mics)
    assert set(mics) == {"XETR", "XPAR"}


def test_the_number_of_candidates_is_bounded_and_what_is_left_out_counted() -> None:
    where = rich_and_heavy()
    made = space(many(where, MAX_CANDIDATES + 20), where.purse, where.rules, max_depth=2)
    assert len(made.candidates) == MAX_CANDIDATES
    assert made.left_out == 20


def test_what_is_wanted_is_never_left_out() -> None:
    where = rich_and_heavy()
    found = many(where, MAX_CANDIDATES + 20)
    weakest = min(found, key=lambda c: (c.priority, c.key))
    wanted = {weakest.key}
    made = space(found, where.purse, where.rules, max_depth=2, wanted=wanted)
    assert weakest in made.candidates


def test_no_kind_of_candidate_crowds_out_another() -> None:
    where = rich_and_heavy()
    sells = [c for c in find_candidates(where) if c.side == "SELL"]
    buys = [replace(c, priority=1.0) for c in many(where, MAX_CANDIDATES)]
    made = space((*buys, *sells), where.purse, where.rules, max_depth=1)
    assert sells
    assert {c.key for c in sells} <= {c.key for c in made.candidates}


def test_what_breaks_a_rule_gives_way_to_what_may_be_executed() -> None:
    where = rich_and_heavy()
    one = find_candidates(where)[-1]
    broken = [replace(c, executable=False, priority=9.0) for c in many(where, MAX_CANDIDATES)]
    made = space(
        (*broken, one, replace(one, executable=False)), where.purse, where.rules, max_depth=1
    )
    assert [c for c in made.candidates if c.executable] == [one]


def test_the_same_trade_twice_is_there_once() -> None:
    where = rich_and_heavy()
    found = find_candidates(where)
    twice = space((*found, *found), where.purse, where.rules, max_depth=3)
    assert twice.candidates == built(where).candidates
    assert twice.left_out == 0


def many(where: Scene, count: int) -> tuple[Candidate, ...]:
    """Purchases of so many securities, each a little less urgent than the one before."""
    one = find_candidates(where)[-1]
    return tuple(
        replace(one, security=security(f"M{i:03d}", number=i), priority=1.0 - i / 1000)
        for i in range(count)
    )
