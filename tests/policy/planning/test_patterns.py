"""Patterns: what each takes, in order, from one menu with something of every kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from policy.planning.config import PATTERNS
from policy.planning.patterns import MAKERS
from policy.planning.seeds import seeds
from tests.policy.planning.menus import Stage, Want, aimed, only, stage

# Two of every kind; letters fall with priority, and no two kinds share one.
KINDS = (
    Want("P", "profit_taking", 0.90),
    Want("Q", "profit_taking", 0.50),
    Want("R", "rebalance_sells", 0.80),
    Want("S", "rebalance_sells", 0.40),
    Want("A", "averaging_down", 0.60),
    Want("B", "averaging_down", 0.35),
    Want("E", "rebalance_buys", 0.70),
    Want("F", "rebalance_buys", 0.30),
    Want("O", "opportunity_buys", 1.00),
    Want("U", "opportunity_buys", 0.20),
)


def made(where: Stage, name: str, depth: int) -> list[set[str]]:
    """What the pattern makes, in words; a sequence is a set, its order is canonical."""
    return [set(where.words(combo).split()) for combo in MAKERS[name](where.menu, depth)]


def sets(*words: str) -> list[set[str]]:
    return [set(one.split()) for one in words]


@pytest.mark.parametrize(
    ("name", "by_depth"),
    [
        ("direct_buy", {1: "+A", 3: "+A +B +E", 5: "+A +B +E"}),
        ("profit_taking", {1: "-P", 2: "-P +A", 4: "-P -Q +A +B", 6: "-P -Q +A +B +E +F"}),
        ("rebalance", {1: "-R", 2: "-R +E", 4: "-R -S +E +F", 6: "-R -S +E +F"}),
        ("averaging_down", {1: "+A", 2: "+A +B", 5: "+A +B"}),
        ("single_best", {1: "+O"}),
        ("multi_sell", {1: "-P", 2: "-P +A", 4: "-P -Q +A +B", 7: "-P -Q -R +A +B +E +F"}),
        ("mixed_strategy", {1: "-P", 2: "-P +A", 5: "-P -Q +A +B +E"}),
        ("opportunity_first", {1: "+O", 2: "+O +U", 5: "+O +U +A"}),
        ("deep_rebalance", {1: "-R", 2: "-R +E", 5: "-R -S +E +F"}),
        ("cash_generation", {1: "-P", 2: "-P +O", 5: "-P -Q +O +U +A"}),
        ("cost_optimized", {1: "-P", 2: "-P +O", 5: "-P -Q +O +E +A"}),
    ],
)
def test_a_pattern_takes_what_it_is_for_at_every_depth(
    name: str, by_depth: Mapping[int, str]
) -> None:
    where = stage(*KINDS, buys=3)
    for depth, words in by_depth.items():
        assert made(where, name, depth) == sets(words), depth


def test_a_pattern_without_what_it_needs_makes_nothing() -> None:
    buys = stage(*(w for w in KINDS if w.taken == "BUY"))
    for name in ("profit_taking", "rebalance", "multi_sell", "deep_rebalance", "cash_generation"):
        assert made(buys, name, 5) == [], name
    sells = stage(*(w for w in KINDS if w.taken == "SELL"))
    for name in ("direct_buy", "averaging_down", "opportunity_first", "deep_rebalance"):
        assert made(sells, name, 5) == [], name
    for name in PATTERNS:
        assert made(stage(), name, 5) == [], name


def test_without_anything_to_buy_sales_take_every_step() -> None:
    where = stage(*(w for w in KINDS if w.taken == "SELL"))
    assert made(where, "multi_sell", 3) == sets("-P -Q -R")
    assert made(where, "cash_generation", 4) == sets("-P -Q -R -S")
    assert made(where, "rebalance", 2) == sets("-R -S")
    assert made(where, "cost_optimized", 3) == sets("-P -Q -R")


def test_however_many_sales_there_are_half_of_the_steps_are_left_for_purchases() -> None:
    many = [Want(f"P{n}", "profit_taking", 0.9 - n / 100) for n in range(6)]
    many += [Want(f"R{n}", "rebalance_sells", 0.9 - n / 100) for n in range(6)]
    many += [Want(f"E{n}", "rebalance_buys", 0.9 - n / 100) for n in range(6)]
    # A sale brings a little less than a purchase takes.
    where = stage(*many, buys=0.5)
    for name in ("profit_taking", "rebalance", "multi_sell", "mixed_strategy", "cash_generation"):
        for depth in (2, 4, 6):
            (words,) = made(where, name, depth)
            assert sum(word.startswith("-") for word in words) == depth // 2
            assert sum(word.startswith("+") for word in words) == depth // 2


def test_of_two_sizes_the_larger_comes_first_and_the_smaller_when_that_is_too_dear() -> None:
    sizes = (Want("A", "averaging_down", 0.5, lots=5), Want("A", "averaging_down", 0.5, lots=9))

    def bought(buys: float) -> list[int]:
        where = stage(*sizes, buys=buys)
        (combo,) = MAKERS["direct_buy"](where.menu, 3)
        return [where.space.candidates[n].quantity.micro // 1_000_000 for n in combo]

    assert bought(1) == [9]
    assert bought(0.6) == [5]


def test_averaging_down_sells_one_profit_only_when_cash_is_short_and_a_step_is_left() -> None:
    where = stage(*KINDS, buys=0.5)
    assert made(where, "averaging_down", 1) == []
    assert made(where, "averaging_down", 3) == sets("-P +A")


def test_averaging_down_takes_what_it_can_pay_for_rather_than_a_sale_alone() -> None:
    dear = Want("A", "averaging_down", 0.9, lots=30)
    where = stage(dear, *KINDS[:1], replace(KINDS[5], priority=0.5), buys=1)
    assert made(where, "averaging_down", 1) == sets("+B")


def test_purchases_that_a_rule_keeps_out_reserve_no_steps() -> None:
    sells = [w for w in KINDS if w.taken == "SELL"]
    where = stage(*sells, KINDS[4], barred=frozenset({("A", "BUY")}))
    assert made(where, "multi_sell", 4) == sets("-P -Q -R -S")


def test_the_single_best_is_the_strongest_that_can_be_paid_for() -> None:
    assert made(stage(*KINDS, buys=0), "single_best", 1) == sets("-P")


def test_what_is_too_dear_is_passed_over() -> None:
    dear = replace(KINDS[4], lots=35)
    assert made(stage(dear, *KINDS[5:], buys=2), "direct_buy", 5) == sets("+B +E")


ABROAD = (
    Want("A", "averaging_down", 1.0, country="Japan", industry="Banks"),
    Want("E", "rebalance_buys", 0.7, country="Japan", industry="Banks"),
    Want("F", "rebalance_buys", 0.3, country="France", industry="Pharma"),
    Want("O", "opportunity_buys", 0.9, country="France", industry="Software"),
    Want("U", "opportunity_buys", 0.2, country="Japan", industry="Software"),
)


def test_adaptive_buys_for_the_largest_gaps_of_countries_and_again_of_industries() -> None:
    bare = stage(*ABROAD, buys=5)
    where = aimed(bare, {"Japan": "0.30", "France": "0.10"}, {"Pharma": "0.40", "Software": "0.20"})
    assert made(where, "adaptive", 1) == sets("+E", "+F")
    assert made(where, "adaptive", 2) == sets("+E +U", "+F +O")
    assert made(where, "adaptive", 5) == sets("+E +U +F +O", "+F +O +U")


def test_adaptive_leaves_small_gaps_and_stops_at_the_first_it_cannot_pay() -> None:
    bare = stage(*ABROAD, buys=1)
    # More than 2 % for a country, more than 1 % for an industry.
    assert made(aimed(bare, {"Japan": "0.02"}, {"Banks": "0.01"}), "adaptive", 5) == []
    small = aimed(bare, {"Japan": "0.03"}, {"Banks": "0.02"})
    assert made(small, "adaptive", 5) == sets("+E", "+E")
    cheap = tuple(replace(w, lots=3) if w.symbol == "U" else w for w in ABROAD)
    tight = aimed(stage(*cheap, buys=1.5), {"France": "0.5", "Japan": "0.3"}, {})
    # F, then O is too dear: U would be affordable, but the scan is over.
    assert made(tight, "adaptive", 5) == sets("+F")


def test_adaptive_measures_a_gap_from_what_is_held() -> None:
    held = stage(*ABROAD, held={"U": 30}, buys=2)
    # 3,000 of some 5,025 EUR are held in Japan.
    assert made(aimed(held, {"Japan": "0.60"}, {}), "adaptive", 5) == []
    assert made(aimed(held, {"Japan": "0.65"}, {}), "adaptive", 1) == sets("+E")


def test_a_holding_of_two_industries_counts_by_half_in_each_and_is_bought_for_either() -> None:
    wants = (
        Want("E", "rebalance_buys", 0.7, industry="Software, Banks"),
        Want("F", "rebalance_buys", 0.3, industry="Pharma"),
    )
    bare = stage(*wants, held={"E": 20}, buys=2)
    # 1,000 of some 4,025 EUR in each of the two.
    assert made(aimed(bare, {}, {"Software": "0.25", "Banks": "0.25"}), "adaptive", 5) == []
    assert made(aimed(bare, {}, {"Banks": "0.27"}), "adaptive", 5) == sets("+E")
    both = aimed(bare, {}, {"Banks": "0.5", "Software": "0.5", "Pharma": "0.1"})
    assert made(both, "adaptive", 5) == sets("+E +F")


def test_adaptive_looks_at_three_groups() -> None:
    lands = ("Japan", "France", "Canada", "Spain")
    wants = [Want(land[0], "rebalance_buys", 0.5, country=land) for land in lands]
    targets = {"Japan": "0.4", "France": "0.3", "Canada": "0.2", "Spain": "0.1"}
    where = aimed(stage(*wants, buys=5), targets, {})
    assert made(where, "adaptive", 5) == sets("+J +F +C")


@pytest.mark.parametrize(
    ("regime", "by_depth"),
    [
        ("bull", {1: "-P", 4: "-P -Q +O +U", 6: "-P -Q +O +U +E +F"}),
        ("bear", {1: "+A", 2: "-P +A", 4: "-P -Q +A +B", 6: "-P -Q -R +A +B"}),
        ("sideways", {1: "-R", 4: "-R -S +E +F", 6: "-R -S +E +F +O +U"}),
    ],
)
def test_the_state_of_the_market_decides_what_suits_it(
    regime: str, by_depth: Mapping[int, str]
) -> None:
    where = stage(*KINDS, buys=3, regime=regime)
    for depth, words in by_depth.items():
        assert made(where, "market_regime", depth) == sets(words), depth


def test_a_bear_market_takes_half_of_the_steps_in_sales_even_without_purchases() -> None:
    where = stage(*(w for w in KINDS if w.taken == "SELL"), regime="bear")
    assert made(where, "market_regime", 5) == sets("-P -Q")


def test_an_unknown_state_of_the_market_suits_nothing() -> None:
    assert made(stage(*KINDS, regime="unknown"), "market_regime", 5) == []


def test_a_regime_looks_at_ten_candidates_of_a_kind_and_stops_at_what_it_cannot_pay() -> None:
    many = [Want(f"O{n:02d}", "opportunity_buys", 1 - n / 100, lots=4) for n in range(12)]
    where = stage(*many, buys=6, regime="bull")
    assert [len(words) for words in made(where, "market_regime", 15)] == [10]
    dear = [replace(many[0], lots=30), *many[1:]]
    assert made(stage(*dear, buys=2, regime="bull"), "market_regime", 5) == []


def test_a_regime_passes_over_what_may_not_stand_beside_the_rest() -> None:
    where = stage(
        Want("O", "opportunity_buys", 0.9),
        Want("O", "rebalance_buys", 0.8, lots=9),
        Want("E", "rebalance_buys", 0.7),
        buys=3,
        regime="bull",
    )
    (combo,) = MAKERS["market_regime"](where.menu, 5)
    assert [where.space.candidates[n].symbol for n in combo] == ["O", "E"]


def test_trades_by_weight_alone_go_with_rebalancing() -> None:
    where = stage(
        Want("R", "weight_based", 0.9, side="SELL"),
        Want("E", "weight_based", 0.8),
        Want("F", "rebalance_buys", 0.7),
    )
    assert made(where, "rebalance", 3) == sets("-R +E +F")


def test_a_trade_that_several_want_is_in_the_list_of_each_but_taken_once() -> None:
    where = stage(
        Want("P", "profit_taking", 0.9, tags=("profit_taking", "rebalance")),
        Want("O", "opportunity_buys", 0.8, tags=("opportunity", "averaging_down", "rebalance")),
        Want("B", "averaging_down", 0.7),
        buys=3,
    )
    assert made(where, "rebalance", 4) == sets("-P +O")
    assert made(where, "averaging_down", 4) == sets("+O +B")
    assert made(where, "opportunity_first", 4) == sets("+O +B")
    menu = where.menu
    assert [menu.candidate(n).symbol for n in menu.everything] == ["P", "O", "B"]
    assert (len(menu.sells), len(menu.buys)) == (1, 2)
    for name in ("direct_buy", "multi_sell", "cost_optimized"):
        (combo,) = MAKERS[name](menu, 5)
        assert len(set(combo)) == len(combo)


@pytest.mark.parametrize("name", PATTERNS)
def test_each_pattern_can_be_switched_off_and_has_a_longest_sequence(name: str) -> None:
    where = aimed(stage(*KINDS, buys=4, regime="bull"), {"Germany": "1.2"}, {"Software": "1.2"})

    def origins(*enabled: str, most: int) -> set[tuple[int, ...]]:
        config = only(*enabled, most=most, priority_threshold=0.0, max_depth=3)
        found = seeds(
            where.space,
            replace(where.scene, config=replace(config, market_regime="bull")),
            correlations=None,
            regime="unknown",
            seed=1,
        )
        assert all(seed.origins == enabled for seed in found.seeds)
        return {seed.combo for seed in found.seeds}

    one, three = origins(name, most=1), origins(name, most=3)
    assert one
    assert {len(combo) for combo in one} == {1}
    assert one <= three
    assert name == "single_best" or max(len(combo) for combo in three) > 1
    assert origins(most=3) == set()
