"""Selection: the strongest of each kind, or the strongest that differ."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ledger.money import Quantity
from policy.planning.calculators import find_candidates
from policy.planning.candidates import Candidate
from policy.planning.config import DEFAULT_CONFIG, PlannerConfig
from policy.planning.selection import cluster_of, select
from tests.policy.accounts import security, snapshot
from tests.policy.planning.calculator_cases import good, only, placed

# Three strong Germans, two French and one Japanese.
COUNTRIES = {"A": "Germany", "B": "Germany", "C": "Germany", "D": "France", "E": "France",
             "F": "Japan"}  # fmt: skip
STRENGTH = {"A": 1.0, "B": 0.98, "C": 0.96, "D": 0.90, "E": 0.86, "F": 0.80}


def candidates(scale: float = 1.0) -> tuple[Candidate, ...]:
    universe = [
        security(symbol, number=number, country=country)
        for number, (symbol, country) in enumerate(COUNTRIES.items(), start=1)
    ]
    shot = snapshot(universe, prices=dict.fromkeys(COUNTRIES, "40"), cash={"EUR": "20000"})
    wide = replace(only("opportunity_buys"), max_opportunities_per_category=20)
    found = find_candidates(placed(shot, wide, facts=good(*COUNTRIES)))
    return tuple(replace(c, priority=scale * STRENGTH[c.symbol]) for c in found)


def chosen(found: tuple[Candidate, ...], **changes: object) -> list[str]:
    config: PlannerConfig = replace(DEFAULT_CONFIG, **changes)  # type: ignore[arg-type]
    return [c.symbol for c in select(found, config)]


@pytest.mark.parametrize(
    ("weight", "kept"),
    [
        (0.0, ["A", "B", "C"]),
        # The second German is worth 0.7 × 0.98 + 0.3 ÷ 1.5, the first French 0.7 × 0.90 + 0.3.
        (0.3, ["A", "B", "D"]),
        (0.5, ["A", "D", "F"]),
        (0.05, ["A", "B", "C"]),
        (1.0, ["A", "D", "F"]),
    ],
)
def test_diversity_is_bought_with_priority_as_far_as_its_weight_goes(
    weight: float, kept: list[str]
) -> None:
    three = {"max_opportunities_per_category": 3, "diversity_weight": weight}
    assert chosen(candidates(), **three) == kept
    # Only the ratio to the strongest counts.
    assert chosen(candidates(scale=0.01), **three) == kept


def test_without_diversity_the_strongest_are_kept_in_their_order() -> None:
    plain = {"enable_diverse_selection": False}
    assert chosen(candidates(), max_opportunities_per_category=3, **plain) == ["A", "B", "C"]
    assert chosen(candidates(), max_opportunities_per_category=20, **plain) == list("ABCDEF")


def test_a_category_that_fits_is_kept_whole_in_order_of_priority() -> None:
    shuffled = tuple(reversed(candidates()))
    assert chosen(shuffled, max_opportunities_per_category=6) == list("ABCDEF")


def test_ties_are_in_the_same_order_however_they_arrive() -> None:
    alike = tuple(replace(c, priority=0.5) for c in candidates())
    once = chosen(alike, max_opportunities_per_category=2)
    assert once == chosen(tuple(reversed(alike)), max_opportunities_per_category=2) == ["A", "D"]


def test_each_kind_has_its_own_places_and_sizes_of_one_security_share_one() -> None:
    found = candidates()
    smaller = tuple(
        replace(c, quantity=Quantity(c.quantity.micro // 7), priority=0.9 * c.priority)
        for c in found
    )
    other = tuple(replace(c, kind="rebalance_buys") for c in found)
    kept = select(
        (*found, *smaller, *other), replace(DEFAULT_CONFIG, max_opportunities_per_category=1)
    )
    assert [(c.kind, c.symbol, c.quantity.units) for c in kept] == [
        ("opportunity_buys", "A", 7), ("opportunity_buys", "A", 1), ("rebalance_buys", "A", 7),
    ]  # fmt: skip


def test_a_cluster_is_a_country_else_an_industry_else_the_security() -> None:
    assert cluster_of(security("A", country="Germany")) == cluster_of(
        security("B", country=" germany ", industry="Banks")
    )
    assert cluster_of(security("A", country=None, industry="Banks, Software")) == "banks"
    assert cluster_of(security("A", country=None, industry=None)) == "a"
