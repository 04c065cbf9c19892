"""Generators: every set by rank, samples without replacement, parts, and what rules forbid."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from math import comb
from random import Random

import pytest

from ledger.money import Quantity
from ledger.order import Side
from policy.limits import DEFAULTS
from policy.planning.candidates import Candidate, Idea, Scene, buy_lots, candidate
from policy.planning.config import (
    DEFAULT_CONFIG,
    Combinatorial,
    ConstraintRelaxation,
    Generators,
    PartialExecution,
)
from policy.planning.generators import (
    COMBINATORIAL_TRIES,
    SAMPLING_TRIES,
    combinatorial,
    enhanced_combinatorial,
    partial_candidates,
    relaxed_candidates,
)
from policy.planning.menu import Menu
from tests.policy.accounts import eur, scene, security, snapshot
from tests.policy.planning.menus import Stage, Want, stage

WIDE = Combinatorial(max_combinations=1000, max_candidates=50, priority_threshold=0.0)
TWO_AND_TWO = (
    Want("P", "profit_taking", 0.9),
    Want("R", "rebalance_sells", 0.8),
    Want("A", "averaging_down", 0.7),
    Want("O", "opportunity_buys", 0.6),
)
LANDS = ("Germany", "France", "Japan", "Canada", "Spain", "Italy")


def every(where: Stage, rule: Combinatorial = WIDE, depth: int = 5) -> list[str]:
    return [where.words(combo) for combo in combinatorial(where.menu, rule, depth)]


def sampled(where: Stage, rule: Combinatorial = WIDE, depth: int = 5, seed: int = 7) -> list[str]:
    found = enhanced_combinatorial(where.menu, rule, depth, Random(seed))
    return [where.words(combo) for combo in found]


def test_all_sets_of_either_side_and_of_both_come_by_the_sum_of_their_ranks() -> None:
    assert every(stage(*TWO_AND_TWO, buys=4)) == [
        "+A", "-P",
        "+O", "-P +A", "-R",
        "+A +O", "-P +O", "-R +A", "-P -R",
        "-P +A +O", "-R +O", "-P -R +A",
        "-R +A +O", "-P -R +O",
        "-P -R +A +O",
    ]  # fmt: skip


def test_the_number_of_sets_is_not_used_up_by_the_first_sale() -> None:
    many = [Want(f"P{n}", "profit_taking", 0.9 - n / 100) for n in range(8)]
    many += [Want(f"A{n}", "averaging_down", 0.9 - n / 100) for n in range(8)]
    found = every(stage(*many, buys=9), replace(WIDE, max_combinations=40))
    assert len(found) == 40
    sales = Counter(frozenset(w for w in words.split() if w[0] == "-") for words in found)
    assert len(sales) >= 8
    assert sales[frozenset({"-P0"})] < 10
    assert {f"-P{n}" for n in range(5)} <= {word for words in found for word in words.split()}


@pytest.mark.parametrize(
    ("changed", "kept"),
    [
        ({"max_sells": 1}, lambda words: words.count("-") <= 1),
        ({"max_buys": 1}, lambda words: words.count("+") <= 1),
        ({"max_steps": 2}, lambda words: len(words.split()) <= 2),
        ({"priority_threshold": 0.65}, lambda words: "O" not in words),
        ({"max_candidates": 1}, lambda words: not {"R", "O"} & set(words)),
    ],
)
def test_every_setting_of_the_combinations_leaves_out_what_it_names(
    changed: dict[str, object], kept: object
) -> None:
    assert callable(kept)
    where = stage(*TWO_AND_TWO, buys=4)
    found = every(where, replace(WIDE, **changed))  # type: ignore[arg-type]
    assert found == [words for words in every(where) if kept(words)]
    assert len(found) < 15


def test_the_number_of_combinations_and_of_sets_looked_at_is_bounded() -> None:
    where = stage(*TWO_AND_TWO, buys=4)
    assert every(where, replace(WIDE, max_combinations=3)) == every(where)[:3]
    poor = stage(*(Want(f"A{n:02d}", "averaging_down") for n in range(30)), buys=0)
    menu = poor.menu
    rule = replace(WIDE, max_combinations=10, max_buys=10)
    assert combinatorial(menu, rule, 10) == ()
    assert len(menu.verdicts) <= COMBINATORIAL_TRIES * 10


def test_sets_of_a_few_of_many_are_found_without_looking_at_the_others() -> None:
    where = stage(*(Want(f"A{n:02d}", "averaging_down") for n in range(30)), buys=30)
    found = every(where, replace(WIDE, max_buys=2))
    assert len(found) == 30 + comb(30, 2)


def test_what_is_too_long_for_the_depth_does_not_count_as_looked_at() -> None:
    sides = [Want(f"P{n:02d}", "profit_taking") for n in range(12)]
    sides += [Want(f"A{n:02d}", "averaging_down") for n in range(12)]
    found = every(stage(*sides, buys=9), replace(WIDE, max_combinations=24), depth=1)
    assert sorted(found) == sorted(
        [*(f"-P{n:02d}" for n in range(12)), *(f"+A{n:02d}" for n in range(12))]
    )


def test_nothing_can_be_combined_of_nothing() -> None:
    assert every(stage()) == []
    assert sampled(stage()) == []


def abroad(count: int = 6) -> tuple[Want, ...]:
    """Purchases, each in a country of its own."""
    return tuple(
        Want(f"A{n}", "averaging_down", 0.9 - n / 10, country=LANDS[n]) for n in range(count)
    )


def test_samples_are_the_same_for_the_same_seed_only() -> None:
    where = stage(*abroad(), buys=6)
    assert sampled(where, seed=1) == sampled(where, seed=1)
    assert sampled(where, seed=1) != sampled(where, seed=2)


def test_no_sample_comes_twice_and_none_has_a_symbol_twice() -> None:
    sizes = [replace(w, lots=5, priority=w.priority / 2) for w in abroad()]
    where = stage(*abroad(), *sizes, Want("A0", "profit_taking"), buys=9)
    found = enhanced_combinatorial(where.menu, WIDE, 5, Random(3))
    assert len(found) == len(set(found)) > 10
    for combo in found:
        assert len({where.space.candidates[n].symbol for n in combo}) == len(combo)


def test_singles_are_drawn_until_there_are_no_more() -> None:
    where = stage(*abroad(), buys=6)
    assert sorted(sampled(where, depth=1)) == [f"+A{n}" for n in range(6)]


def test_the_strongest_are_drawn_most_often_by_the_square_of_their_place() -> None:
    where = stage(*abroad(3), buys=3)
    rule = replace(WIDE, max_combinations=1)
    first = Counter(sampled(where, rule, depth=1, seed=seed)[0] for seed in range(2000))
    weights = {"+A0": 1.1, "+A1": 0.35, "+A2": 0.1}
    for words, weight in weights.items():
        assert first[words] / 2000 == pytest.approx(weight / 1.55, abs=0.03)


def test_equals_are_drawn_equally_often() -> None:
    where = stage(*(replace(w, priority=0.5) for w in abroad(3)), buys=3)
    rule = replace(WIDE, max_combinations=1)
    first = Counter(sampled(where, rule, depth=1, seed=seed)[0] for seed in range(2000))
    assert all(count / 2000 == pytest.approx(1 / 3, abs=0.04) for count in first.values())


def test_half_of_the_steps_of_a_sample_are_for_sales() -> None:
    where = stage(*TWO_AND_TWO, buys=4)
    different = [replace(w, country=land) for w, land in zip(TWO_AND_TWO, LANDS, strict=False)]
    where = stage(*different, buys=4)
    assert {words.count("-") for words in sampled(where, depth=1)} == {0}
    assert {words.count("-") for words in sampled(where, depth=3)} == {1}
    assert {words.count("-") for words in sampled(where, depth=4)} == {1, 2}


@pytest.mark.parametrize(
    ("changed", "kept"),
    [
        ({"max_sells": 1}, lambda words: words.count("-") <= 1),
        ({"max_buys": 1}, lambda words: words.count("+") <= 1),
        ({"max_steps": 2}, lambda words: len(words.split()) <= 2),
        ({"priority_threshold": 0.65}, lambda words: "O" not in words),
        ({"max_candidates": 1}, lambda words: not {"R", "O"} & set(words)),
        ({"max_combinations": 1}, bool),
    ],
)
def test_every_setting_of_the_samples_changes_them(
    changed: dict[str, object], kept: object
) -> None:
    assert callable(kept)
    different = [replace(w, country=land) for w, land in zip(TWO_AND_TWO, LANDS, strict=False)]
    where = stage(*different, buys=4)
    found = sampled(where, replace(WIDE, **changed))  # type: ignore[arg-type]
    assert found
    assert all(kept(words) for words in found)
    assert set(found) != set(sampled(where))


def two(country: str | None, industry: str | None) -> list[str]:
    """Samples of one purchase at home, in software, and one elsewhere."""
    wants = (
        Want("A", "averaging_down", country="Germany", industry="Software"),
        Want("B", "averaging_down", country=country, industry=industry),
    )
    return sampled(stage(*wants, buys=2), depth=1)


def test_a_sample_like_one_before_it_in_countries_and_industries_is_refused() -> None:
    assert len(two("Germany", "Software")) == 1
    assert len(two("France", "Software")) == 2
    assert len(two("Germany", "Banks")) == 2
    assert len(two("Germany", "Software, Banks")) == 2


def test_samples_without_labels_do_not_overlap() -> None:
    assert len(two(None, None)) == 2
    wants = [Want(s, "averaging_down", country=None, industry=None) for s in "ABC"]
    assert len(sampled(stage(*wants, buys=3), depth=1)) == 3


def test_a_sample_is_compared_with_the_last_ten_only() -> None:
    labels = [(land, trade) for land in LANDS for trade in ("Software", "Banks")]
    wants = [
        Want(f"A{n:02d}", "averaging_down", country=land, industry=trade)
        for n, (land, trade) in enumerate(labels)
    ]
    twin = replace(wants[0], symbol="TWIN")
    where = stage(*wants, twin, buys=2)
    found = [set(sampled(where, depth=1, seed=seed)) for seed in range(20)]
    assert all({"+TWIN", "+A00"} & words for words in found)
    assert any({"+TWIN", "+A00"} <= words for words in found)
    few = stage(*wants[:9], twin, buys=2)
    assert all(len(sampled(few, depth=1, seed=seed)) == 9 for seed in range(20))


class Counting(Random):
    """Counts what is drawn."""

    drawn = 0

    def random(self) -> float:
        self.drawn += 1
        return super().random()


def test_samples_are_attempted_three_times_as_often_as_wanted() -> None:
    wants = [Want(f"A{n}", "averaging_down") for n in range(5)]
    rng = Counting(1)
    rule = replace(WIDE, max_combinations=10)
    found = enhanced_combinatorial(stage(*wants, buys=5).menu, rule, 1, rng)
    assert len(found) == 1
    # How many, and which: twice per attempt.
    assert rng.drawn == 2 * SAMPLING_TRIES * 10


# Parts


def parts(where: Stage, rule: PartialExecution) -> list[Candidate]:
    config = replace(DEFAULT_CONFIG, generators=Generators(partial_execution=rule))
    asked = replace(where.scene, config=config)
    return list(partial_candidates(asked, where.space.candidates))


ON = PartialExecution(enabled=True)


def test_a_part_is_whole_lots_of_the_same_trade_with_part_of_its_priority() -> None:
    where = stage(Want("P", "profit_taking", 0.8, lots=9, group="EU"))
    half, most = parts(where, ON)
    assert [half.quantity, most.quantity] == [Quantity.of(4), Quantity.of(6)]
    assert half.value_eur == eur(400)
    assert half.fee_eur == eur("2.80")
    assert half.priority == pytest.approx(0.4)
    assert (half.kind, half.side, half.group) == ("profit_taking", "SELL", "EU")
    assert half.tags == ("tag", "partial")
    assert half.reason == "because of €900; in part, for €400"


def test_parts_are_off_by_default_and_follow_their_percentages() -> None:
    where = stage(Want("A", "averaging_down", lots=10))
    assert parts(where, PartialExecution()) == []
    third = replace(ON, fill_percentages=(Decimal("0.3"), Decimal(1)))
    assert [one.quantity for one in parts(where, third)] == [Quantity.of(3)]


def test_a_part_is_no_smaller_than_its_shares_and_the_smallest_trade() -> None:
    where = stage(Want("A", "averaging_down", lots=10), Want("B", "averaging_down", lots=4))
    # Half of B is 200 EUR, less than the 250 EUR that are worth a fee.
    assert [(one.symbol, one.quantity) for one in parts(where, ON)] == [
        ("A", Quantity.of(5)), ("A", Quantity.of(7)), ("B", Quantity.of(3)),
    ]  # fmt: skip
    assert [one.quantity for one in parts(where, replace(ON, min_shares=6))] == [Quantity.of(7)]


def test_a_part_that_is_a_candidate_already_is_not_made_again() -> None:
    where = stage(Want("A", "averaging_down", lots=10), Want("A", "averaging_down", lots=5))
    assert [one.quantity for one in parts(where, ON)] == [Quantity.of(7), Quantity.of(3)]


def test_a_part_of_what_may_not_be_executed_may_not_be_executed() -> None:
    where = stage(Want("A", "averaging_down", executable=False))
    assert [one.executable for one in parts(where, ON)] == [False, False]


# Relaxed rules

RULES = ("relax_allow_sell", "relax_min_lot", "relax_max_position", "relax_cooldown")


def everything(where: Scene) -> tuple[Candidate, ...]:
    """A calculator that trades whatever the scene lets it: half of what is held, or 925 EUR."""
    return tuple(_everything(where))


def _everything(where: Scene) -> Iterator[Candidate]:
    idea = Idea("rebalance_buys", 0.5, lambda value: f"{value}", ())
    sale = Idea("rebalance_sells", 0.5, lambda value: f"{value}", ())
    for one in where.snapshot.universe:
        held = where.snapshot.held(one.symbol)
        lot = one.instrument.lot
        if held is not None and lot is not None and where.may(one, "SELL"):
            made = candidate(where, one, "SELL", held.quantity.micro // lot.micro // 2, sale)
            if made is not None:
                yield made
        if where.may(one, "BUY"):
            made = candidate(where, one, "BUY", buy_lots(where, one, eur(925)), idea)
            if made is not None:
                yield made


def forbidden(barred: frozenset[tuple[str, Side]] = frozenset()) -> Scene:
    """10,000 EUR: KEPT may not be sold, FULL is at the largest position, BULK has a large lot."""
    universe = (
        security("KEPT", number=1, sell=False, buy=False),
        security("FULL", number=2, sell=False),
        security("BULK", number=3, lot="7"),
    )
    shot = snapshot(
        universe,
        prices={s.symbol: "100" for s in universe},
        held={"KEPT": "20", "FULL": "14"},
        costs={"KEPT": "100", "FULL": "100"},
        cash={"EUR": "6600"},
    )
    return scene(shot, limits=replace(DEFAULTS, max_order_share=Decimal("0.5")), barred=barred)


def relaxed(where: Scene, **rules: object) -> list[tuple[str, Side, Decimal]]:
    off = dict.fromkeys(RULES, False)
    rule = ConstraintRelaxation(enabled=True, **{**off, **rules})  # type: ignore[arg-type]
    asked = replace(where, config=replace(DEFAULT_CONFIG, generators=Generators(
        constraint_relaxation=rule
    )))  # fmt: skip
    found = relaxed_candidates(asked, everything(asked), find=everything)
    assert all(not one.executable for one in found)
    assert all({"relaxed", *rules} - {"min_shares_relaxed"} <= set(one.tags) for one in found)
    real = {s.symbol: s for s in where.snapshot.universe}
    assert all(one.security == real[one.symbol] for one in found)
    return [(one.symbol, one.side, one.quantity.units) for one in found]


def test_relaxing_sales_shows_what_would_be_sold_of_what_may_not_be() -> None:
    assert relaxed(forbidden(), relax_allow_sell=True) == [
        ("KEPT", "SELL", Decimal(10)), ("FULL", "SELL", Decimal(7)),
    ]  # fmt: skip


def test_relaxing_lots_shows_what_smaller_ones_would_allow() -> None:
    where = forbidden()
    # 925 EUR pay for one lot of seven, for two parts of 3.5, for thirteen parts of 0.7.
    assert relaxed(where, relax_min_lot=True, min_shares_relaxed=Decimal("0.5")) == []
    tenth = relaxed(where, relax_min_lot=True, min_shares_relaxed=Decimal("0.1"))
    assert tenth == [("BULK", "BUY", Decimal("9.1"))]


def test_relaxing_the_largest_position_shows_what_would_go_beyond_it() -> None:
    assert relaxed(forbidden(), relax_max_position=True) == [("FULL", "BUY", Decimal(9))]


def test_relaxing_cool_downs_shows_what_is_barred() -> None:
    where = forbidden(frozenset({("BULK", "BUY")}))
    assert relaxed(where, relax_cooldown=True) == [("BULK", "BUY", Decimal(7))]


def test_what_is_a_candidate_anyway_is_not_shown_as_relaxed() -> None:
    rule = ConstraintRelaxation(enabled=True)
    config = replace(DEFAULT_CONFIG, generators=Generators(constraint_relaxation=rule))
    asked = replace(forbidden(), config=config)
    first, *rest = relaxed_candidates(asked, (), find=everything)
    known = replace(first, executable=True)
    assert list(relaxed_candidates(asked, (known,), find=everything)) == rest


def test_without_a_relaxed_rule_nothing_breaks_one() -> None:
    assert relaxed(forbidden()) == []
    off = replace(forbidden(), config=DEFAULT_CONFIG)
    assert relaxed_candidates(off, (), find=everything) == ()


def test_a_menu_lists_no_candidate_that_may_not_be_executed() -> None:
    where = stage(Want("A", "averaging_down"), Want("B", "averaging_down", executable=False))
    menu: Menu = where.menu
    assert [menu.candidate(n).symbol for n in menu.everything] == ["A"]
