"""Seeds: payable at every prefix, each once, the same every time, and never too many."""

from __future__ import annotations

from dataclasses import replace
from math import fsum

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.money import Money, Price
from policy.fees import FeeTerms
from policy.limits import DEFAULTS
from policy.planning.candidates import Candidate, Idea, Kind, Scene, candidate
from policy.planning.config import (
    DEFAULT_CONFIG,
    PATTERNS,
    Combinatorial,
    CorrelationAware,
    Diversity,
    Filters,
    Generators,
    Pattern,
    PlannerConfig,
)
from policy.planning.seeds import Seeding, Seeds, digest, seeds
from policy.planning.space import Space, space
from tests.policy.accounts import FREE, eur, scene, security, snapshot
from tests.policy.checker import Accountant
from tests.policy.planning.menus import (
    Stage,
    Want,
    configured,
    moving_alike,
    only,
    sequence_of,
    stage,
)

CURRENCIES = ("EUR", "USD", "GBP", "HKD")
FX_FEES = FeeTerms(Money(50, "EUR"), 100, Money(0, "EUR"))
SALES: tuple[Kind, ...] = ("profit_taking", "rebalance_sells")
BUYS: tuple[Kind, ...] = ("averaging_down", "rebalance_buys", "opportunity_buys", "weight_based")


def everything(max_depth: int = 4, *, most: int = 10) -> PlannerConfig:
    """All patterns and both generators."""
    rule = Combinatorial(max_combinations=most, priority_threshold=0.0)
    return replace(
        DEFAULT_CONFIG,
        max_depth=max_depth,
        priority_threshold=0.0,
        patterns={name: Pattern(max_depth=10) for name in PATTERNS},
        generators=Generators(combinatorial=rule, enhanced_combinatorial=rule),
    )


def grown(where: Stage, config: PlannerConfig | None = None, *, seed: int = 5) -> Seeds:
    asked = configured(where, config) if config else where
    return seeds(
        asked.space, asked.scene, correlations=asked.correlations, regime=asked.regime, seed=seed
    )


def words(where: Stage, found: Seeds) -> list[str]:
    return [where.words(one.combo) for one in found.seeds]


@st.composite
def accounts(draw: st.DrawFn) -> tuple[Scene, tuple[Candidate, ...]]:
    """Accounts in up to four currencies with trades of any size, some that nobody can pay for."""
    universe = tuple(
        security(
            f"S{i}",
            number=i + 1,
            currency=draw(st.sampled_from(CURRENCIES)),
            country=draw(st.sampled_from(["Germany", "Japan", None])),
        )
        for i in range(draw(st.integers(3, 7)))
    )
    prices = {s.symbol: str(draw(st.integers(20, 300))) for s in universe}
    held = {s.symbol: str(draw(st.sampled_from([0, 200]))) for s in universe}
    cash = {c: str(draw(st.integers(100, 4_000))) for c in CURRENCIES}
    shot = snapshot(universe, prices=prices, held=held, costs=prices, cash=cash)
    limits = replace(DEFAULTS, min_cash_reserve=eur(draw(st.sampled_from([0, 500]))))
    where = scene(shot, limits=limits, fx_fees=draw(st.sampled_from([FX_FEES, FREE])))
    found: list[Candidate] = []
    for one in universe:
        sale = bool(int(held[one.symbol])) and draw(st.booleans())
        kind = draw(st.sampled_from(SALES if sale else BUYS))
        priority = draw(st.integers(0, 10)) / 10
        lots = 15 if sale else draw(st.integers(250, 2_500)) // int(prices[one.symbol])
        idea = Idea(kind, priority, lambda value: f"{value}", (kind,))
        made = candidate(where, one, "SELL" if sale else "BUY", lots, idea)
        if made is not None:
            found.append(made)
    return where, tuple(found)


def room(where: Scene, found: tuple[Candidate, ...]) -> Space:
    return space(found, where.purse, where.rules, max_depth=1)


@settings(max_examples=40, deadline=None)
@given(drawn=accounts())
def test_every_seed_is_payable_in_every_currency_at_every_step_and_no_symbol_comes_twice(
    drawn: tuple[Scene, tuple[Candidate, ...]],
) -> None:
    where, found = drawn
    where = replace(where, config=everything())
    made = Stage(where, room(where, found))
    for one in grown(made).seeds:
        assert one.combo == tuple(sorted(one.combo))
        assert Accountant(where, kept={}).problems(sequence_of(made, one.combo)) == []


@settings(max_examples=15, deadline=None)
@given(drawn=accounts(), seed=st.integers(0, 9), order=st.randoms(use_true_random=False))
def test_seeds_are_the_same_for_the_same_seed_whatever_the_order_of_the_candidates(
    drawn: tuple[Scene, tuple[Candidate, ...]], seed: int, order: object
) -> None:
    where, found = drawn
    where = replace(where, config=everything())
    shuffled = list(found)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = (
        seeds(room(where, made), where, correlations=None, regime="bull", seed=seed)
        for made in (found, tuple(shuffled))
    )
    assert one == other
    assert len({seed.combo for seed in one.seeds}) == len(one.seeds)


MANY = tuple(
    Want(
        f"X{n:02d}",
        (*SALES, *BUYS)[n % 5],
        0.95 - n / 50,
        lots=3 + n % 5,
        country=("Germany", "France", "Japan")[n % 3],
        industry=("Software", "Banks")[n % 2],
        tags=(f"tag{n % 4}",),
    )
    for n in range(25)
)


@pytest.mark.parametrize(("depth", "most"), [(1, 10), (3, 10), (5, 50)])
def test_there_are_never_more_sequences_than_stated(depth: int, most: int) -> None:
    where = stage(*MANY, buys=5, regime="bull")
    config = everything(depth, most=most)
    unbounded = Filters(diversity=Diversity(max_sequences=1000))
    found = grown(where, replace(config, filters=unbounded))
    assert found.counts["generated"] <= (14 + most + most) * depth
    assert found.counts["kept"] == len(found.seeds) > depth
    assert len(grown(where, config).seeds) <= config.filters.diversity.max_sequences
    # Without generators, only the patterns are left.
    bare = grown(where, replace(config, generators=Generators(enhanced_combinatorial=OFF)))
    assert 0 < bare.counts["generated"] <= 14 * depth


OFF = Combinatorial(enabled=False)


def test_the_strongest_together_come_first_and_equals_in_their_order() -> None:
    where = stage(*MANY, buys=5)
    found = grown(where, everything())
    priorities = [
        -fsum(where.space.candidates[n].priority for n in one.combo) for one in found.seeds
    ]
    places = [(p, one.combo) for p, one in zip(priorities, found.seeds, strict=True)]
    assert places == sorted(places)


def test_what_several_make_is_one_seed_with_all_of_their_names() -> None:
    where = stage(Want("P", "profit_taking", 0.9), Want("A", "averaging_down", 0.8), buys=2)
    found = grown(where, only("profit_taking", "multi_sell", "cost_optimized", max_depth=2))
    assert {where.words(s.combo): s.origins for s in found.seeds} == {
        "-P +A": ("cost_optimized", "multi_sell", "profit_taking"),
        "-P": ("cost_optimized", "multi_sell", "profit_taking"),
    }
    assert found.counts == {"duplicate": 4, "generated": 6, "kept": 2}


def test_generators_add_to_the_seeds_when_they_are_on() -> None:
    where = stage(*MANY, buys=5)
    config = only("single_best", max_depth=3)
    assert len(grown(where, config).seeds) == 1
    on = Combinatorial(max_combinations=10)
    for name in ("combinatorial", "enhanced_combinatorial"):
        generators = replace(
            Generators(combinatorial=OFF, enhanced_combinatorial=OFF),
            **{name: on},  # type: ignore[arg-type]
        )
        found = grown(where, replace(config, generators=generators))
        assert len(found.seeds) > 5
        assert {origin for one in found.seeds for origin in one.origins} == {name, "single_best"}


def test_samples_follow_the_seed() -> None:
    where = stage(*MANY, buys=5)
    assert grown(where, seed=1) == grown(where, seed=1)
    assert grown(where, seed=1).seeds != grown(where, seed=2).seeds


def test_the_depth_of_the_planner_bounds_every_seed() -> None:
    where = stage(*MANY, buys=9)
    for depth in (1, 2, 4):
        lengths = {len(one.combo) for one in grown(where, everything(depth)).seeds}
        assert max(lengths) == depth


def test_weak_seeds_are_refused_and_counted() -> None:
    where = stage(Want("A", "averaging_down", 0.2), Want("B", "averaging_down", 0.3), buys=2)
    config = only("direct_buy", max_depth=2, priority_threshold=0.26)
    found = grown(where, config)
    assert words(where, found) == ["+B"]
    assert found.counts == {"duplicate": 0, "generated": 2, "kept": 1, "mean_priority": 1}


def test_the_most_diverse_and_strongest_are_kept_by_the_weight_of_both() -> None:
    wants = (
        Want("A", "averaging_down", 0.9, country="Japan"),
        Want("B", "averaging_down", 0.5, country="Japan"),
        Want("C", "averaging_down", 0.45, country="France", tags=("other",)),
    )
    where = stage(*wants, buys=3)

    def kept(weight: float) -> list[str]:
        rule = Diversity(diversity_weight=weight, max_sequences=1)
        config = only(max_depth=2, filters=Filters(diversity=rule))
        on = Combinatorial(max_combinations=20, priority_threshold=0.0)
        config = replace(
            config, generators=Generators(combinatorial=on, enhanced_combinatorial=OFF)
        )
        return words(where, grown(where, config))

    assert kept(0.0) == ["+A"]
    assert kept(1.0) == ["+A +C"]
    loose = only("direct_buy", max_depth=2, filters=Filters(diversity=Diversity(max_sequences=1)))
    assert grown(where, loose).counts["max_sequences"] == 1
    off = Filters(diversity=Diversity(enabled=False, max_sequences=1))
    assert len(grown(where, replace(loose, filters=off)).seeds) == 2


def test_filters_bind_patterns_and_generators_and_are_counted() -> None:
    alike = moving_alike([("A", "B")], "ABC", 0.9)
    wants = [Want(s, "averaging_down", 0.9 - n / 10) for n, s in enumerate("ABC")]
    where = stage(*wants, buys=3, correlations=alike)
    config = everything(3)
    found = grown(where, config)
    assert not any({"+A", "+B"} <= set(text.split()) for text in words(where, found))
    assert found.counts["correlated"] > 0
    off = replace(config, filters=Filters(correlation_aware=CorrelationAware(enabled=False)))
    assert any({"+A", "+B"} <= set(text.split()) for text in words(where, grown(where, off)))


def test_what_cannot_be_paid_for_is_counted() -> None:
    where = stage(Want("A", "averaging_down", 0.9), buys=0.5)
    found = grown(where, only("direct_buy"))
    assert found.seeds == ()
    assert found.counts == {"duplicate": 0, "generated": 0, "kept": 0, "unaffordable": 1}


@pytest.mark.parametrize(
    ("detected", "scenarios", "expected"),
    [("bear", False, "+O"), ("bear", True, "+A"), ("bull", True, "+O"), ("unknown", True, "+O")],
)
def test_the_detected_state_of_the_market_counts_when_scenarios_are_on(
    detected: str, scenarios: bool, expected: str
) -> None:
    where = stage(
        Want("A", "averaging_down", 0.5), Want("O", "opportunity_buys", 0.5), regime=detected
    )
    config = only(
        "market_regime", max_depth=1, market_regime="bull",
        enable_market_regime_scenarios=scenarios,
    )  # fmt: skip
    found = grown(where, config)
    assert words(where, found) == [expected]
    told = "the state of the market is not known: it is taken for bull"
    assert (told in found.notes) == (detected == "unknown")


def test_what_breaks_a_rule_is_shown_apart_and_never_a_seed() -> None:
    where = stage(
        Want("K", "rebalance_sells", 0.9, executable=False),
        Want("Z", "averaging_down", 0.8, executable=False),
        Want("P", "profit_taking", 0.7),
        Want("A", "averaging_down", 0.6),
        buys=0.5,
    )
    found = grown(where, everything(3))
    assert not any({"K", "Z"} & set(text) for text in words(where, found))
    assert found.counts["not_executable"] == 2
    # The forbidden sale pays for a purchase; a forbidden purchase is paid for by a lawful sale.
    assert {where.words(one.combo) for one in found.relaxed} == {"-K", "-K +A", "-P +Z"}
    assert {one.origins for one in found.relaxed} == {("constraint_relaxation",)}
    assert grown(stage(*MANY), everything(3)).relaxed == ()


def in_portions(where: Stage) -> tuple[int, Seeds]:
    work = Seeding(where.space, where.scene, correlations=None, regime="sideways", seed=5)
    portions = 0
    while not work.done:
        work.advance()
        portions += 1
    work.advance()
    return portions, work.result()


def test_the_work_can_be_done_in_portions() -> None:
    where = configured(stage(*MANY, buys=5), everything(3))
    # Thirteen patterns and two generators at each depth.
    assert in_portions(where) == (15 * 3, grown(where))


@pytest.mark.parametrize("name", ["combinatorial", "enhanced_combinatorial"])
def test_generators_work_at_every_depth_they_may_have(name: str) -> None:
    where = stage(*MANY, buys=5)
    rules = {"combinatorial": OFF, "enhanced_combinatorial": OFF, name: Combinatorial(max_steps=2)}
    config = replace(only(max_depth=3), generators=Generators(**rules))
    assert in_portions(configured(where, config))[0] == 2


def test_the_name_of_a_sequence_covers_quantity_price_and_order() -> None:
    where = stage(Want("A", "averaging_down"), Want("B", "averaging_down"), buys=3)
    one, other = where.space.candidates
    name = digest((one, other), (0, 1))
    assert len(name) == 16
    assert digest((other, one), (1, 0)) == name
    changed = (
        replace(one, quantity=other.quantity + other.quantity),
        replace(one, price=Price.of("100.01", "EUR")),
        replace(one, value_eur=eur("1000.01")),
        replace(one, side="SELL"),
    )
    names = {digest((new, other), (0, 1)) for new in changed}
    names |= {name, digest((one, other), (1, 0)), digest((one, other), (0,)), digest((), ())}
    assert len(names) == len(changed) + 4
