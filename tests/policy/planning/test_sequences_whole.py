"""From an account to its seeds: the real calculators, parts, relaxed rules and every pattern."""

from __future__ import annotations

from dataclasses import replace

import pytest

from policy.planning.calculators import find_candidates
from policy.planning.config import DEFAULT_CONFIG, PATTERNS
from policy.planning.generators import partial_candidates, relaxed_candidates
from tests.policy.planning.whole import ALL_ON, RELAXED, account, loose, whole


@pytest.mark.parametrize("name", [*PATTERNS, "combinatorial", "enhanced_combinatorial"])
def test_every_pattern_and_generator_makes_something_of_a_real_account(name: str) -> None:
    found = whole(account(loose(ALL_ON)))
    assert any(name in one.origins for one in found.seeds)


def test_a_trade_of_several_calculators_serves_the_patterns_of_all_of_them() -> None:
    # S01 fell, and is good, too: that is one trade of the stronger kind.
    where = account(loose(ALL_ON))
    (fell,) = (c for c in find_candidates(where) if "buy_low" in c.tags)
    assert fell.kind == "opportunity_buys"
    found = whole(where)
    assert any({"averaging_down", "opportunity_first"} <= set(one.origins) for one in found.seeds)


def test_parts_of_real_trades_are_smaller_than_the_whole() -> None:
    where = account()
    found = find_candidates(where)
    parts = partial_candidates(where, found)
    largest = {one.symbol: one.quantity.micro for one in reversed(found)}
    for one in found:
        largest[one.symbol] = max(largest[one.symbol], one.quantity.micro)
    assert parts
    assert all(part.quantity.micro < largest[part.symbol] for part in parts)
    assert partial_candidates(account(DEFAULT_CONFIG), found) == ()


@pytest.mark.parametrize(
    ("rule", "symbol"),
    [
        ("relax_allow_sell", "S04"),
        ("relax_cooldown", "S08"),
        ("relax_min_lot", "S02"),
        ("relax_max_position", "S00"),
    ],
)
def test_a_relaxed_rule_shows_what_it_forbids_on_a_real_account(rule: str, symbol: str) -> None:
    where = account(RELAXED)
    found = find_candidates(where)
    shown = relaxed_candidates(where, found, find=find_candidates)
    assert symbol in {one.symbol for one in shown if rule in one.tags}
    asked = ALL_ON.generators.constraint_relaxation
    off = replace(asked, enabled=True, relax_allow_sell=False, relax_min_lot=False)
    only = replace(RELAXED, generators=replace(
        RELAXED.generators, constraint_relaxation=replace(off, **{rule: True})  # type: ignore[arg-type]
    ))  # fmt: skip
    alone = relaxed_candidates(account(only), found, find=find_candidates)
    assert alone
    assert all(rule in one.tags and not one.executable for one in alone)


def test_relaxed_rules_change_nothing_about_what_can_be_executed() -> None:
    strict, relaxed = whole(account(loose(ALL_ON))), whole(account(loose(RELAXED)))
    assert strict.relaxed == ()
    assert relaxed.relaxed
    assert len(relaxed.seeds) == len(strict.seeds)
    assert [one.origins for one in relaxed.seeds] == [one.origins for one in strict.seeds]
