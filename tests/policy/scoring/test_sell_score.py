"""What speaks for a sale, what forbids it, and how much is sold."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.money import Money, Quantity
from ledger.opinion import SellOpinion
from policy.scoring.sell_score import SellFacts, sell_score, yearly
from tests.policy.scoring.histories import LAST, LIMITS, figures, nothing


def facts(**changes: Any) -> SellFacts:
    """Ten thousand euros held for two years at a profit, nothing in the way of a sale."""
    given = SellFacts(
        symbol="AAA.EU",
        allow_sell=True,
        quantity=Quantity.of(100),
        lot=Quantity.of(1),
        price_eur=Decimal(100),
        profit=0.20,
        oldest_buy=LAST - timedelta(days=730),
        last_buy=LAST - timedelta(days=400),
        last_sell=None,
        weight=0.10,
        country_weight=0.25,
        industry_weights=(0.15,),
    )
    return replace(given, **changes)


def judged(**changes: Any) -> SellOpinion:
    return sell_score(facts(**changes), figures(), limits=LIMITS, today=LAST)


def component(name: str, **changes: Any) -> float:
    found = judged(**changes).components[name]
    assert found is not None
    return found


def test_the_components_are_mixed_by_their_weights() -> None:
    found = judged()
    weights = (0.35, 0.18, 0.18, 0.14, 0.15)
    values = [value for value in found.components.values() if value is not None]
    expected = sum(w * v for w, v in zip(weights, values, strict=True))
    assert found.total == pytest.approx(expected)
    assert found.coverage == 1.0
    assert found.eligible


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"allow_sell": False}, "owner"),
        ({"bar": "it was taken out"}, "it was taken out"),
        ({"profit": -0.21}, "loss of 21.0% is beyond 20.0%"),
        ({"last_buy": LAST - timedelta(days=89)}, "held for 90 days"),
        ({"last_sell": LAST - timedelta(days=179)}, "rests for 180 days"),
        ({"quantity": Quantity.of(2), "price_eur": Decimal(40)}, "below minimum sell value"),
        ({"quantity": Quantity.of(1)}, "below minimum sell value"),
        ({"profit": None}, "not known"),
        ({"price_eur": None}, "not known"),
        ({"lot": None}, "not known"),
    ],
)
def test_a_block_says_why_and_sells_nothing(changes: dict[str, Any], reason: str) -> None:
    found = judged(**changes)
    assert not found.eligible
    assert found.block_reason is not None
    assert reason in found.block_reason
    assert (found.total, found.sell_share) == (0.0, 0.0)
    assert found.quantity == Quantity(0)
    assert found.value_eur == Money.zero("EUR")


def test_a_purchase_starts_the_hold_and_only_a_sale_the_cool_down() -> None:
    assert judged(last_buy=LAST - timedelta(days=90)).eligible
    assert judged(last_sell=LAST - timedelta(days=180)).eligible


def test_an_added_purchase_does_not_make_the_position_younger() -> None:
    before = judged(last_buy=LAST - timedelta(days=700))
    after = judged(last_buy=LAST - timedelta(days=100))
    assert after.components == before.components
    assert after.days_held == 730


def test_the_first_block_is_the_weightiest() -> None:
    found = judged(allow_sell=False, profit=-0.5)
    assert found.block_reason == "its owner does not let it be sold"


@given(
    st.integers(1, 1000), st.sampled_from(["1", "0.5", "10"]), st.floats(-0.19, 3.0),
    st.floats(0, 0.5), st.integers(91, 4000),
)  # fmt: skip
def test_a_sale_is_whole_lots_leaves_one_and_is_at_most_half(
    count: int, lot: str, profit: float, weight: float, days: int
) -> None:
    held, one = Quantity.of(count), Quantity.of(lot)
    found = judged(
        quantity=held, lot=one, profit=profit, weight=weight,
        oldest_buy=LAST - timedelta(days=days),
    )  # fmt: skip
    assert found.total is not None
    assert 0 <= found.total <= 1
    assert found.quantity.micro % one.micro == 0
    if found.eligible:
        assert found.quantity.micro * 2 <= held.micro
        assert found.quantity.micro <= held.micro - one.micro
        assert 0.10 <= found.sell_share <= 0.50
        assert found.value_eur == Money.half_even(100 * found.quantity.units, "EUR")


def test_losers_of_a_year_speak_for_a_sale_and_steady_earners_against() -> None:
    losing = component("underperformance", profit=-0.10, oldest_buy=LAST - timedelta(days=365))
    steady = component("underperformance", profit=0.115, oldest_buy=LAST - timedelta(days=365))
    assert losing == pytest.approx(0.9)
    assert steady == pytest.approx(0.1)


def test_a_concentration_never_falls_as_a_position_grows() -> None:
    scores = [component("portfolio_balance", weight=share / 1000) for share in range(300)]
    assert all(a <= b for a, b in pairwise(scores))


def test_a_rate_is_not_annualised_within_a_quarter() -> None:
    assert yearly(0.05, 60) == 0.05
    assert yearly(0.21, 730) == pytest.approx(0.1)


def test_a_doubled_position_is_never_quite_stable() -> None:
    calm = figures(VOLATILITY_60D=0.1, VOLATILITY_ANNUAL=0.2, DISTANCE_FROM_EMA_200=0.0)

    def instability(profit: float) -> float:
        position = facts(profit=profit, oldest_buy=LAST - timedelta(days=5000))
        value = sell_score(position, calm, limits=LIMITS, today=LAST).components["instability"]
        assert value is not None
        return value

    assert instability(1.0) == pytest.approx(0.2)
    assert instability(0.1) == pytest.approx(0.1)


def test_a_deep_and_a_long_drawdown_speak_for_a_sale() -> None:
    def fallen(depth: float, bars: float) -> float:
        given = figures(CURRENT_DRAWDOWN=-depth, DAYS_IN_DRAWDOWN=bars)
        value = sell_score(facts(), given, limits=LIMITS, today=LAST).components["drawdown"]
        assert value is not None
        return value

    assert fallen(0.02, 10) == pytest.approx(0.1)
    assert fallen(0.20, 45) == pytest.approx(0.5)
    assert fallen(0.20, 225) == pytest.approx(0.9)
    assert fallen(0.35, 10) == pytest.approx(1.0)


def test_what_is_not_known_lowers_the_coverage() -> None:
    found = sell_score(facts(oldest_buy=None), nothing(), limits=LIMITS, today=LAST)
    assert found.coverage == pytest.approx(0.18)
    assert found.components["time_held"] is None
    assert found.components["portfolio_balance"] is not None


@pytest.mark.parametrize(
    ("field", "value", "changes"),
    [
        ("max_sell_loss", Decimal("0.05"), {"profit": -0.1}),
        ("min_hold", timedelta(days=500), {}),
        ("sell_cooldown", timedelta(days=800), {"last_sell": date(2024, 6, 3)}),
        ("min_sell_value", Money.of(100_000, "EUR"), {}),
    ],
)
def test_every_limit_is_the_one_in_force(field: str, value: Any, changes: dict[str, Any]) -> None:
    position = facts(**changes)
    strict = replace(LIMITS, **{field: value})
    assert sell_score(position, figures(), limits=LIMITS, today=LAST).eligible
    assert not sell_score(position, figures(), limits=strict, today=LAST).eligible
