"""The volatility of a portfolio is that of its parts and how alike they move."""

from __future__ import annotations

import math
from decimal import Decimal
from itertools import permutations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.correlation import Correlations
from policy.planning.facts import SecurityFacts
from policy.planning.volatility import volatility_change
from tests.policy.accounts import TODAY

SYMBOLS = ("A", "B", "C")
SIGMA = {"A": 0.1, "B": 0.2, "C": 0.4}
RHO = {frozenset("AB"): 0.3, frozenset("AC"): -0.2, frozenset("BC"): 0.6}
FACTS = {symbol: SecurityFacts(volatility=sigma) for symbol, sigma in SIGMA.items()}


def correlations(order: tuple[str, ...], *, without: str = "") -> Correlations:
    """In any order; the pair `without` is not known."""
    rows = tuple(
        tuple(
            None if {one, other} == set(without) else RHO[frozenset((one, other))]
            for other in order[:at]
        )
        for at, one in enumerate(order)
    )
    return Correlations(TODAY, 252, order, rows)


def by_hand(weights: dict[str, Decimal]) -> float:
    total = 0.0
    for (one, held), (other, beside) in product(weights.items(), repeat=2):
        rho = 1.0 if one == other else RHO[frozenset((one, other))]
        total += float(held * beside) * SIGMA[one] * SIGMA[other] * rho
    return math.sqrt(total)


@settings(max_examples=30)
@given(st.permutations(SYMBOLS), st.lists(st.integers(1, 30), min_size=3, max_size=3))
def test_it_is_the_root_of_w_sigma_w_in_whatever_order_they_stand(
    order: list[str], parts: list[int]
) -> None:
    weights = {s: Decimal(part) / 100 for s, part in zip(SYMBOLS, parts, strict=True)}
    found = volatility_change(weights, weights, FACTS, correlations(tuple(order)))
    assert found.before is not None
    assert math.isclose(found.before, by_hand(weights), rel_tol=1e-12)
    assert found.after == found.before
    assert found.covered == 1.0


def test_of_a_pair_that_is_not_known_the_smaller_holding_is_left_out() -> None:
    weights = {"A": Decimal("0.5"), "B": Decimal("0.2"), "C": Decimal("0.3")}
    for order in permutations(SYMBOLS):
        found = volatility_change(weights, weights, FACTS, correlations(order, without="BC"))
        assert found.covered == pytest.approx(0.8)
        scaled = {"A": Decimal("0.625"), "C": Decimal("0.375")}
        assert found.before == pytest.approx(by_hand(scaled))


def test_cash_does_not_move() -> None:
    half = volatility_change({"A": Decimal("0.5")}, {}, FACTS, correlations(SYMBOLS))
    assert half.before == pytest.approx(0.05)
    assert half.after == 0.0


def test_what_is_bought_counts_on_both_sides_as_covered_or_not() -> None:
    before = {"A": Decimal("0.5")}
    after = {"A": Decimal("0.5"), "X": Decimal("0.5")}
    found = volatility_change(before, after, FACTS, correlations(SYMBOLS))
    assert found.covered == 0.5
    assert found.before == pytest.approx(0.05)
    assert found.after == pytest.approx(0.1)


def test_nothing_known_is_no_figure() -> None:
    held = {"X": Decimal("0.5")}
    for known in (correlations(SYMBOLS), None):
        found = volatility_change(held, held, FACTS, known)
        assert (found.before, found.after, found.covered) == (None, None, 0.0)
