"""Sequences: feasible by construction, deterministic, bounded, each once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from math import comb

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ledger.money import Money
from policy.fees import FeeTerms
from policy.fx import Conversion
from policy.limits import DEFAULTS
from policy.planning.calculators import find_candidates
from policy.planning.candidates import Candidate, Scene
from policy.planning.space import MAX_CANDIDATES, Space, TradeSequence, sequences, space
from tests.policy.accounts import FREE, NOON, dozen, eur, scene, security, snapshot
from tests.policy.checker import Accountant

CURRENCIES = ("EUR", "USD", "GBP", "HKD")
FX_FEES = FeeTerms(Money(50, "EUR"), 100, Money(0, "EUR"))


def built(where: Scene, depth: int = 3) -> Space:
    return space(find_candidates(where), where.purse, where.rules, max_depth=depth)


def every(where: Space) -> tuple[TradeSequence, ...]:
    return sequences(where, 0, len(where.combos))


@st.composite
def scenes(draw: st.DrawFn) -> tuple[Scene, dict[str, int]]:
    """Accounts in up to four currencies, some far off target, some short of cash."""
    count = draw(st.integers(2, 7))
    universe = tuple(
        security(
            f"S{i}",
            number=i + 1,
            currency=draw(st.sampled_from(CURRENCIES)),
            country=draw(st.sampled_from(["Germany", "Japan", None])),
            lot=draw(st.sampled_from(["1", "10", "0.5"])),
        )
        for i in range(count)
    )
    prices = {s.symbol: str(draw(st.integers(2, 300))) for s in universe}
    held = {s.symbol: str(draw(st.sampled_from([0, 0, 10, 40, 200]))) for s in universe}
    cash = {c: str(draw(st.integers(0, 6_000))) for c in CURRENCIES}
    pots = tuple(Money(draw(st.integers(0, 200_00)), c) for c in ("EUR", "USD"))
    shot = snapshot(universe, prices=prices, held=held, costs=prices, cash=cash, pots=pots)
    assume(shot.total_eur is not None and shot.total_eur.minor > 0)
    limits = replace(DEFAULTS, min_cash_reserve=eur(draw(st.sampled_from([0, 500]))))
    fx_fees = draw(st.sampled_from([FX_FEES, FREE]))
    made = scene(shot, limits=limits, fx_fees=fx_fees, pots=pots)
    return made, {m.currency: m.minor for m in pots}


@settings(max_examples=60, deadline=None)
@given(drawn=scenes())
def test_c2_no_sequence_breaks_a_reserve_in_any_currency_at_any_step(
    drawn: tuple[Scene, dict[str, int]],
) -> None:
    where, kept = drawn
    for sequence in every(built(where)):
        assert Accountant(where, kept=kept).problems(sequence) == []


@settings(max_examples=25, deadline=None)
@given(drawn=scenes())
def test_sequences_are_deterministic_unique_and_bounded(
    drawn: tuple[Scene, dict[str, int]],
) -> None:
    where, _ = drawn
    one, two = built(where), built(where)
    found = every(one)
    assert [s.encoding for s in found] == [s.encoding for s in every(two)]
    assert len({s.encoding for s in found}) == len(found)
    count = len(one.candidates)
    assert count <= 3 * DEFAULTS.max_candidates_per_kind
    assert len(one.combos) <= sum(comb(count, k) for k in (1, 2, 3)) + 3 * 3
    shuffled = space(tuple(reversed(one.candidates)), one.purse, one.rules, max_depth=3)
    assert shuffled.combos == one.combos
    assert [s.encoding for s in every(shuffled)] == [s.encoding for s in found]


def test_batches_together_are_the_whole_space() -> None:
    universe = dozen()
    shot = snapshot(universe, prices={s.symbol: "40" for s in universe}, cash={"EUR": "4000"})
    where = built(scene(shot))
    parts = [*sequences(where, 0, 7), *sequences(where, 7, 11), *sequences(where, 11, 10**6)]
    assert [s.encoding for s in parts] == [s.encoding for s in every(where)]


def test_all_affordable_sets_to_depth_three_are_there() -> None:
    universe = dozen()
    shot = snapshot(universe, prices={s.symbol: "40" for s in universe}, cash={"EUR": "9000"})
    where = built(scene(shot))
    assert len(where.candidates) == 5
    assert sorted(s.combo for s in every(where)) == sorted(where.combos)
    assert len(where.combos) == 5 + 10 + 10


def rich_and_heavy() -> Scene:
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


def test_patterns_reach_deeper_than_the_sets_and_keep_steps_for_buying() -> None:
    where = built(rich_and_heavy(), depth=5)
    deep = [c for c in where.combos if len(c) > 3]
    sides = {tuple(where.candidates[i].side for i in combo) for combo in deep}
    assert ("BUY",) * 5 in sides
    assert ("SELL", "BUY", "BUY", "BUY", "BUY") in sides or (
        "SELL", "SELL", "BUY", "BUY", "BUY"
    ) in sides  # fmt: skip


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


def test_the_number_of_candidates_is_bounded() -> None:
    where = rich_and_heavy()
    one = find_candidates(where)[-1]
    many = tuple(
        replace(one, security=security(f"M{i:03d}", number=i)) for i in range(MAX_CANDIDATES + 20)
    )
    made = space(many, where.purse, where.rules, max_depth=2)
    assert len(made.candidates) == MAX_CANDIDATES
    assert len(made.combos) == MAX_CANDIDATES + comb(MAX_CANDIDATES, 2)


def test_no_kind_of_candidate_crowds_out_another() -> None:
    where = rich_and_heavy()
    found = find_candidates(where)
    sells = [c for c in found if c.side == "SELL"]
    buys = [
        replace(found[-1], priority=1.0, security=security(f"M{i:03d}", number=i))
        for i in range(MAX_CANDIDATES)
    ]
    made = space((*buys, *sells), where.purse, where.rules, max_depth=1)
    assert [c for c in made.candidates if c.side == "SELL"] == sells


def test_the_same_trade_twice_is_tried_once() -> None:
    where = rich_and_heavy()
    found = find_candidates(where)
    assert built(where).combos == space(
        (*found, *found), where.purse, where.rules, max_depth=3
    ).combos  # fmt: skip
