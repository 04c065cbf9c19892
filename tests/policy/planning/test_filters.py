"""Filters: each refuses what it is for, by its own name, and can be switched off."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.order import Side
from policy.limits import DEFAULTS
from policy.planning import filters
from policy.planning.candidates import Candidate
from policy.planning.config import (
    DEFAULT_CONFIG,
    CorrelationAware,
    Diversity,
    Eligibility,
    Filters,
    PlannerConfig,
    RecentlyTraded,
)
from policy.planning.constraints import constraints
from policy.planning.patterns import direct_buy
from tests.policy.planning.menus import Stage, Want, aimed, configured, moving_alike, stage

Change = Callable[[Filters], Filters]


def with_filters(config: PlannerConfig = DEFAULT_CONFIG, **changed: object) -> PlannerConfig:
    return replace(config, filters=replace(config.filters, **changed))  # type: ignore[arg-type]


def cause(where: Stage, words: str) -> str | None:
    return where.bounds.obstacle(where.combo(words))


THREE = tuple(
    Want(symbol, "averaging_down", priority)
    for symbol, priority in (("A", 0.9), ("B", 0.8), ("C", 0.7))
)


# Correlation


def alike(value: float = 0.8, **changed: object) -> Stage:
    where = stage(*THREE, buys=3, correlations=moving_alike([("A", "B")], "ABC", value))
    rule = CorrelationAware(**changed)  # type: ignore[arg-type]
    return configured(where, with_filters(correlation_aware=rule))


@pytest.mark.parametrize("value", [0.8, -0.8])
def test_purchases_that_move_alike_or_opposite_do_not_stand_together(value: float) -> None:
    where = alike(value)
    assert cause(where, "+A +B") == cause(where, "+A +B +C") == filters.CORRELATED
    assert cause(where, "+A +C") is cause(where, "+B +C") is cause(where, "+A") is None
    assert where.bounds.blocked.tolist() == [
        [False, True, False], [True, False, False], [False, False, False],
    ]  # fmt: skip
    assert [where.words(combo) for combo in direct_buy(where.menu, 3)] == ["+A +C"]


def test_a_correlation_counts_above_the_threshold_only_and_when_asked_for() -> None:
    assert cause(alike(0.8, correlation_threshold=0.8), "+A +B") is None
    assert cause(alike(0.8, correlation_threshold=0.79), "+A +B") == filters.CORRELATED
    assert cause(alike(0.8, enabled=False), "+A +B") is None


def test_without_correlations_everything_passes_and_it_is_said() -> None:
    where = stage(*THREE)
    assert not where.bounds.blocked.any()
    assert "not known yet" in where.bounds.notes[0]
    off = configured(where, with_filters(correlation_aware=CorrelationAware(enabled=False)))
    assert off.bounds.notes == ()


def test_a_security_without_correlations_passes_by_name() -> None:
    where = stage(*THREE, correlations=moving_alike([], "AB", 0.0))
    assert where.bounds.notes == ("without correlations, and not compared: C",)


def test_correlations_over_other_days_than_configured_are_told() -> None:
    assert alike().bounds.notes == ()
    (note,) = alike(lookback_days=126).bounds.notes
    assert "252 days, not the 126" in note


def beside(
    holding: float, *, target: str, held: str = "H", selling: bool = False, threshold: float = 0.7
) -> Stage:
    """A purchase of A beside 3,000 EUR in a holding that moves like it by `holding`."""
    sales = [Want("H", "rebalance_sells", 0.9)] if selling else []
    where = stage(
        *THREE[:1], *sales, held={held: 30}, buys=7,
        correlations=moving_alike([("A", "H")], "AH", holding),
    )  # fmt: skip
    rule = CorrelationAware(correlation_threshold=threshold)
    config = with_filters(correlation_aware=rule)
    return configured(aimed(where, {}, {}, {"H": target, "A": "0.1"}), config)


def test_no_position_is_opened_beside_an_overweight_holding_that_moves_like_it() -> None:
    # About 30 % is held; 2 % more than the target is tolerated.
    heavy = beside(0.8, target="0.20")
    assert cause(heavy, "+A") == filters.CORRELATED_HOLDING
    assert heavy.bounds.blocked.all()
    assert direct_buy(heavy.menu, 3) == ()
    told = "A is left out: it moves like H, which is above its target"
    assert told in heavy.bounds.notes
    assert told not in beside(0.8, target="0.29").bounds.notes
    assert cause(beside(0.8, target="0.29"), "+A") is None
    assert cause(beside(0.6, target="0.20"), "+A") is None
    assert cause(beside(0.8, target="0.20", threshold=0.9), "+A") is None


def test_selling_some_of_the_holding_makes_room_for_what_moves_like_it() -> None:
    where = beside(0.8, target="0.20", selling=True)
    assert cause(where, "+A") == filters.CORRELATED_HOLDING
    assert cause(where, "-H +A") is None
    assert not any("left out" in note for note in where.bounds.notes)


def test_a_position_that_is_gone_is_opened_anew() -> None:
    where = stage(
        *THREE[:1], held={"H": 30, "A": 0}, buys=7,
        correlations=moving_alike([("A", "H")], "AH", 0.8),
    )  # fmt: skip
    assert cause(aimed(where, {}, {}, {"H": "0.1"}), "+A") == filters.CORRELATED_HOLDING


def test_more_of_what_is_held_already_is_a_matter_of_its_own_target() -> None:
    where = stage(
        *THREE[:1], held={"H": 30, "A": 3}, buys=7,
        correlations=moving_alike([("A", "H")], "AH", 0.8),
    )  # fmt: skip
    assert cause(aimed(where, {}, {}, {"H": "0.1", "A": "0.1"}), "+A") is None


# What is barred, or at a loss


def at_a_loss(cost: str | None, config: PlannerConfig, most: str = "1") -> Stage:
    """A holding worth 100 that cost so much."""
    limits = replace(DEFAULTS, max_sell_loss=Decimal(most))
    costs = {"P": cost} if cost else {}
    return stage(Want("P", "profit_taking"), costs=costs, config=config, limits=limits)


def test_a_sale_at_a_deep_loss_is_not_eligible() -> None:
    assert cause(at_a_loss("125", DEFAULT_CONFIG), "-P") is None
    assert cause(at_a_loss("126", DEFAULT_CONFIG), "-P") == filters.INELIGIBLE
    assert cause(at_a_loss(None, DEFAULT_CONFIG), "-P") is None


def test_the_deepest_loss_is_the_filter_s_own_or_the_planner_s_but_never_beyond_the_limit() -> None:
    deep = replace(DEFAULT_CONFIG, max_loss_threshold=Decimal("-0.5"))
    assert cause(at_a_loss("150", deep), "-P") is None
    own = Eligibility(max_loss_threshold=Decimal("-0.3"))
    assert cause(at_a_loss("150", with_filters(deep, eligibility=own)), "-P") == filters.INELIGIBLE
    assert cause(at_a_loss("150", deep, most="0.3"), "-P") == filters.INELIGIBLE


@pytest.mark.parametrize("off", [Eligibility(enabled=False), Eligibility(enforce_max_loss=False)])
def test_losses_can_be_left_to_the_gates(off: Eligibility) -> None:
    assert cause(at_a_loss("200", with_filters(eligibility=off)), "-P") is None


def barred(side: Side, *, eligibility: Eligibility, recent: RecentlyTraded) -> str | None:
    config = with_filters(eligibility=eligibility, recently_traded=recent)
    kind = "profit_taking" if side == "SELL" else "averaging_down"
    where = stage(Want("X", kind), config=config, barred=frozenset({("X", side)}))
    return cause(where, "-X" if side == "SELL" else "+X")


ELIGIBLE, RECENT = Eligibility(), RecentlyTraded()
NOT_ELIGIBLE = Eligibility(enabled=False)
NOT_RECENT = RecentlyTraded(enabled=False)


def test_what_is_barred_is_in_no_sequence() -> None:
    assert barred("SELL", eligibility=ELIGIBLE, recent=RECENT) == filters.INELIGIBLE
    assert barred("SELL", eligibility=NOT_ELIGIBLE, recent=RECENT) == filters.RECENTLY_TRADED
    assert barred("BUY", eligibility=ELIGIBLE, recent=RECENT) == filters.RECENTLY_TRADED
    where = stage(Want("X", "profit_taking"), barred=frozenset({("X", "BUY"), ("Y", "SELL")}))
    assert cause(where, "-X") is None


@pytest.mark.parametrize(
    ("side", "eligibility", "recent"),
    [
        ("SELL", NOT_ELIGIBLE, NOT_RECENT),
        ("SELL", NOT_ELIGIBLE, RecentlyTraded(enforce_sell_cooldown=False)),
        ("SELL", Eligibility(enforce_min_hold=False, enforce_cooldown=False), NOT_RECENT),
        ("BUY", ELIGIBLE, NOT_RECENT),
        ("BUY", ELIGIBLE, RecentlyTraded(enforce_buy_cooldown=False)),
    ],
)
def test_every_switch_lets_through_what_it_is_for(
    side: Side, eligibility: Eligibility, recent: RecentlyTraded
) -> None:
    assert barred(side, eligibility=eligibility, recent=recent) is None


@pytest.mark.parametrize(
    "one", [Eligibility(enforce_min_hold=False), Eligibility(enforce_cooldown=False)]
)
def test_one_window_left_is_enough_to_keep_a_sale_out(one: Eligibility) -> None:
    assert barred("SELL", eligibility=one, recent=NOT_RECENT) == filters.INELIGIBLE


def test_a_side_that_is_not_allowed_is_in_no_sequence() -> None:
    wants = (Want("P", "profit_taking"), Want("A", "averaging_down"))
    no_sales = stage(*wants, config=replace(DEFAULT_CONFIG, allow_sell=False))
    assert (cause(no_sales, "-P"), cause(no_sales, "+A")) == (filters.SIDE_OFF, None)
    no_buys = stage(*wants, config=replace(DEFAULT_CONFIG, allow_buy=False))
    assert (cause(no_buys, "-P"), cause(no_buys, "+A")) == (None, filters.SIDE_OFF)


def test_a_trade_does_not_stand_beside_itself_nor_beside_another_of_its_symbol() -> None:
    where = stage(Want("A", "averaging_down"), Want("A", "averaging_down", lots=5), buys=3)
    assert where.bounds.obstacle((0, 0)) == where.bounds.obstacle((0, 1)) == filters.REPEATED
    assert where.bounds.obstacle((0,)) is None
    assert where.bounds.blocked.tolist() == [[False, True], [True, False]]


def test_what_may_not_be_executed_is_in_no_sequence_but_a_relaxed_one() -> None:
    where = stage(Want("A", "averaging_down", executable=False), Want("B", "averaging_down"))
    assert cause(where, "+A") == cause(where, "+A +B") == filters.NOT_EXECUTABLE
    relaxed = constraints(where.space, where.scene, correlations=None, relaxed=True)
    assert relaxed.obstacle(where.combo("+A +B")) is None


# Group budgets


def overweight(group: str, *, country: str = "Japan", industry: str = "Banks") -> Stage:
    """Three holdings of 4,000 EUR each, and some 2,000 EUR of cash."""
    wants = (
        Want("P", "rebalance_sells", 0.9, country=country, industry=industry, group=group),
        Want("Q", "rebalance_sells", 0.8, country=country, industry=industry, group=group),
        Want("R", "profit_taking", 0.7, country=country, industry=industry),
    )
    return stage(*wants, buys=2000 / 1010)


@pytest.mark.parametrize(("target", "both"), [("0.75", False), ("0.55", True)])
def test_sales_in_the_name_of_one_group_sell_no_more_than_its_overweight(
    target: str, both: bool
) -> None:
    # Some 12,000 of 14,000 EUR are in Japan and in banks.
    for group, aims in (("Japan", ({"Japan": target}, {})), ("Banks", ({}, {"Banks": target}))):
        where = aimed(overweight(group), *aims)
        assert cause(where, "-P") is cause(where, "-Q") is None
        assert cause(where, "-P -Q") == (None if both else filters.GROUP_BUDGET)
        assert cause(where, "-P -R") is None


def test_a_purchase_in_the_name_of_a_group_uses_nothing_of_its_budget() -> None:
    where = stage(
        Want("P", "rebalance_sells", country="Japan", group="Japan"),
        Want("A", "averaging_down", country="Japan", group="Japan"),
    )
    # Some 970 EUR more than the target, in a sale of 1,000 and a purchase of as much.
    sold = aimed(where, {"Japan": "0.40"}, {})
    assert cause(sold, "-P +A") is None


def test_the_budget_of_a_group_is_exact_to_the_cent() -> None:
    where = overweight("Japan")
    total = where.scene.total.minor
    exact = Decimal(12_000_00 - 2_000_00) / total
    assert cause(aimed(where, {"Japan": str(exact - Decimal("1e-12"))}, {}), "-P -Q") is None
    cent = exact + Decimal(1) / total
    assert cause(aimed(where, {"Japan": str(cent)}, {}), "-P -Q") == filters.GROUP_BUDGET


def test_nothing_is_sold_in_the_name_of_a_group_that_is_not_overweight() -> None:
    assert cause(aimed(overweight("Japan"), {"Japan": "0.95"}, {}), "-P") == filters.GROUP_BUDGET
    assert cause(aimed(overweight("Mars"), {"Mars": "0"}, {}), "-P") == filters.GROUP_BUDGET
    # Without a target all of it is overweight.
    assert cause(aimed(overweight("Japan"), {}, {}), "-P -Q") is None


# What only the whole can answer for


def scored(*wants: Want) -> tuple[Candidate, ...]:
    return stage(*wants, buys=5).space.candidates


@pytest.mark.parametrize(
    ("wants", "expected"),
    [
        # One trade: 0.4 + 0.3 · 0 + 0.3 · 1
        ((Want("A", "averaging_down"),), 0.7),
        # Two countries, two tags: 0.4 + 0.3 · 0.5 + 0.3 · 1
        (
            (
                Want("A", "averaging_down", country="Japan", tags=("one",)),
                Want("B", "averaging_down", country="France", tags=("two",)),
            ),
            0.85,
        ),
        # One country, one tag for three: 0.4 + 0 + 0.3 · 1/3
        (THREE, 0.5),
        # Nobody knows that those without a country differ.
        (tuple(replace(w, country=None) for w in THREE), 0.5),
        # More tags than trades count for no more than their part.
        ((Want("A", "averaging_down", tags=tuple("abcdefgh")),), 0.7),
        # Five tags are enough for six trades in one country.
        (
            tuple(
                Want(s, "averaging_down", tags=(t,))
                for s, t in zip("ABCDEF", "abcdee", strict=True)
            ),
            0.7,
        ),
    ],
)
def test_diversity_is_of_symbols_countries_and_tags(
    wants: tuple[Want, ...], expected: float
) -> None:
    assert filters.diversity(scored(*wants)) == pytest.approx(expected)


def test_a_weak_mean_is_not_accepted_though_more_trades_may_mend_it() -> None:
    where = stage(Want("A", "averaging_down", 0.1), Want("B", "averaging_down", 0.6), buys=2)
    bounds = where.bounds
    assert bounds.shortfall(where.combo("+A")) == filters.LOW_PRIORITY
    assert bounds.prefix_ok(where.combo("+A"))
    assert bounds.accepts(where.combo("+A +B"))
    strict = configured(where, replace(DEFAULT_CONFIG, priority_threshold=0.4))
    assert not strict.bounds.accepts(strict.combo("+A +B"))
    assert not bounds.accepts(())


def test_a_result_has_the_least_diversity_unless_that_filter_is_off() -> None:
    where = stage(*THREE, buys=3)

    def accepted(rule: Diversity, words: str) -> bool:
        bounds = configured(where, with_filters(diversity=rule)).bounds
        return bounds.accepts(where.combo(words))

    assert accepted(Diversity(min_diversity_score=0.6), "+A")
    assert not accepted(Diversity(min_diversity_score=0.6), "+A +B +C")
    assert accepted(Diversity(min_diversity_score=0.4), "+A +B +C")
    assert accepted(Diversity(enabled=False, min_diversity_score=0.6), "+A +B +C")


def test_priority_and_diversity_are_blended_by_weight() -> None:
    sequence = scored(*THREE)
    assert filters.blended(sequence, Diversity(diversity_weight=0.0)) == pytest.approx(0.8)
    assert filters.blended(sequence, Diversity(diversity_weight=1.0)) == pytest.approx(0.5)
    assert filters.blended(sequence, Diversity(diversity_weight=0.3)) == pytest.approx(0.71)


# Together


@st.composite
def stages(draw: st.DrawFn) -> Stage:
    """Up to eight candidates of all kinds, some alike, some of one group, some forbidden."""
    kinds = ["profit_taking", "rebalance_sells", "averaging_down", "opportunity_buys"]
    symbols = "ABCDEF"
    wants: list[Want] = []
    for _ in range(draw(st.integers(1, 8))):
        kind = draw(st.sampled_from(kinds))
        sale = kind in {"profit_taking", "rebalance_sells"}
        wants.append(
            Want(
                draw(st.sampled_from(symbols)),
                kind,  # type: ignore[arg-type]
                lots=draw(st.integers(3, 12)),
                country=draw(st.sampled_from(["Japan", "France"])),
                group=draw(st.sampled_from([None, "Japan"])) if sale else None,
                executable=draw(st.sampled_from([True, True, True, False])),
            )
        )
    pairs = draw(st.lists(st.sampled_from(list(combinations(symbols, 2))), max_size=4))
    where = stage(
        *wants,
        buys=draw(st.integers(0, 4)),
        held=dict.fromkeys(draw(st.sets(st.sampled_from(symbols), max_size=2)), 35),
        correlations=moving_alike(pairs, symbols, 0.9),
        barred=draw(st.sampled_from([frozenset(), frozenset({("A", "SELL"), ("B", "BUY")})])),
    )
    targets = {"Japan": draw(st.sampled_from(["0", "0.3", "0.6"]))}
    return aimed(where, targets, {}, dict.fromkeys(symbols, "0.1"))


@settings(max_examples=40, deadline=None)
@given(where=stages())
def test_what_is_forbidden_stays_forbidden_with_more_trades_behind_it(where: Stage) -> None:
    bounds = where.bounds
    count = len(where.space.candidates)
    for size in range(1, min(count, 4) + 1):
        for combo in combinations(range(count), size):
            prefixes = [bounds.prefix_ok(combo[:length]) for length in range(1, size + 1)]
            assert all(before or not after for before, after in pairwise(prefixes))


@settings(max_examples=40, deadline=None)
@given(where=stages())
def test_what_is_blocked_is_what_two_can_never_be_together(where: Stage) -> None:
    bounds, numbers = where.bounds, range(len(where.space.candidates))
    assert (bounds.blocked == bounds.blocked.T).all()
    for one in numbers:
        if bounds.blocked[one, one]:
            assert not bounds.prefix_ok((one,))
    for pair in combinations(numbers, 2):
        if bounds.blocked[pair]:
            assert not bounds.prefix_ok(pair)
        elif not bounds.prefix_ok(pair):
            assert bounds.obstacle(pair) in {filters.GROUP_BUDGET, filters.CORRELATED_HOLDING}
