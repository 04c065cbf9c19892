"""Candidates to buy: cheaper holdings, light groups, good securities, and how much of each."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from ledger.money import Money, Quantity
from ledger.order import Side
from ledger.portfolio import PortfolioSnapshot
from policy.planning.config import DEFAULT_CONFIG
from tests.policy.accounts import dozen, eur, security, snapshot
from tests.policy.planning.calculator_cases import TEN, found, good, only, symbols, ten

CHEAPER = only("averaging_down")
BEST = only("opportunity_buys")
LIGHT = only("rebalance_buys")


def fallen(cost: str, **changes: Any) -> PortfolioSnapshot:
    """Ten shares of S4 at 40 EUR, bought at `cost`."""
    return ten(held={"S4": "10"}, costs={"S4": cost}, **changes)


@pytest.mark.parametrize(
    ("cost", "quality", "bought"),
    [
        ("50", 0.60, True),  # exactly 20 % below, exactly good enough
        ("50", 0.59, False),
        ("49.9", 0.90, False),  # 19.8 %: noise
        ("66.6", 0.90, True),  # 39.9 %
        ("66.7", 0.90, False),  # 40.03 %: trouble
        ("30", 0.90, False),
    ],
)
def test_a_good_holding_that_became_cheaper_within_a_band_is_bought(
    cost: str, quality: float, *, bought: bool
) -> None:
    candidates = found(fallen(cost), CHEAPER, facts=good("S4", quality=quality))
    assert symbols(candidates) == (["S4"] if bought else [])


def test_averaging_down_buys_the_base_amount_and_tells_its_loss_and_quality() -> None:
    (one,) = found(fallen("50"), CHEAPER, facts=good("S4"))
    assert (one.kind, one.side, one.tags) == (
        "averaging_down", "BUY", ("averaging_down", "buy_low"),
    )  # fmt: skip
    # 250 EUR are six shares, and seven are the fewest that are worth their fee.
    assert (one.quantity, one.value_eur) == (Quantity.of(7), eur(280))
    assert "S4 is 20.0% below its average cost, its quality 0.80" in one.reason
    assert "€280" in one.reason
    fixed = only("averaging_down", base_trade_amount_eur=Money(900_00, "EUR"))
    assert found(fallen("50"), fixed, facts=good("S4"))[0].quantity == Quantity.of(22)
    # What is not known counts as a quality of a half, and what is not held has no cost.
    assert found(fallen("50"), CHEAPER) == ()
    assert found(fallen("50"), only("averaging_down", min_quality_score=0.5)) != ()
    assert found(ten(), only("averaging_down", min_quality_score=0.0)) == ()


def test_the_band_and_the_quality_of_averaging_down_are_configured() -> None:
    facts = good("S4", quality=0.65)
    deep = only("averaging_down", max_drawdown=Decimal("-0.50"))
    assert found(fallen("70"), CHEAPER, facts=facts) == ()
    assert found(fallen("70"), deep, facts=facts) != ()
    early = only("averaging_down", dip_threshold=Decimal("-0.10"))
    assert found(fallen("45"), CHEAPER, facts=facts) == ()
    assert found(fallen("45"), early, facts=facts) != ()
    choosy = only("averaging_down", min_quality_score=0.7)
    assert found(fallen("50"), choosy, facts=facts) == ()


def test_the_cheaper_and_the_better_come_first() -> None:
    held, costs = dict.fromkeys(("S1", "S2"), "10"), {"S1": "50", "S2": "60"}
    candidates = found(ten(held=held, costs=costs), CHEAPER, facts=good("S1", "S2"))
    assert [(c.symbol, round(c.priority, 4)) for c in candidates] == [
        ("S2", 1.0), ("S1", round((0.8 + 0.2) / (0.8 + 1 / 3), 4)),
    ]  # fmt: skip


def test_an_opportunity_is_what_is_good_enough() -> None:
    facts = {**good("S1", quality=0.70), **good("S2", quality=0.69), **good("S3", quality=0.9)}
    first, second = found(ten(), BEST, facts=facts)
    assert (first.symbol, first.priority) == ("S3", pytest.approx(1.1))
    assert (second.symbol, second.priority) == ("S1", pytest.approx(1.1 * 0.7 / 0.9))
    assert (first.kind, first.tags) == ("opportunity_buys", ("quality", "opportunity"))
    assert "S3 has a quality of 0.90" in first.reason
    assert first.quantity == Quantity.of(7)
    assert symbols(found(ten(), only("opportunity_buys", min_quality_score=0.65), facts=facts)) == [
        "S3", "S1", "S2",
    ]  # fmt: skip


def test_the_owners_priority_lifts_what_is_bought() -> None:
    universe = (TEN[0], replace(TEN[1], priority=Decimal("0.5")), *TEN[2:])
    facts = {**good("S0", quality=0.7), **good("S1", quality=1.0)}
    assert symbols(found(ten(universe), BEST, facts=facts)) == ["S0", "S1"]
    assert symbols(found(ten(), BEST, facts=facts)) == ["S1", "S0"]


def countries(*shares: int, cash: int) -> PortfolioSnapshot:
    """Three securities in each of Germany, France, Japan and Canada, a quarter each as a target.

    `shares` at 40 EUR are held of each country, spread over its three.
    """
    universe = dozen()
    held = {s.symbol: str((shares[n % 4] + n // 4) // 3) for n, s in enumerate(universe)}
    return snapshot(
        universe, prices={s.symbol: "40" for s in universe}, held=held, cash={"EUR": str(cash)}
    )


def test_a_group_below_its_target_is_bought_into() -> None:
    # 16,000 EUR: France has 2,880 of them, 18 %; nobody else is far below a quarter.
    shot = countries(100, 72, 98, 100, cash=1200)
    candidates = found(shot, LIGHT, facts=good("S05", quality=0.9))
    assert symbols(candidates) == ["S05", "S01", "S09"]
    best, other, _ = candidates
    assert (best.kind, best.side, best.priority) == ("rebalance_buys", "BUY", 0.9)
    assert other.priority == pytest.approx(0.9 * (0.14 + 0.25) / (0.14 + 0.45))
    assert best.tags == ("rebalance", "underweight_france")
    assert "France is 18.0% of the portfolio, 7.0% below its target" in best.reason
    assert (best.quantity, best.value_eur) == (Quantity.of(7), eur(280))


def test_a_light_group_is_bought_into_by_the_base_amount() -> None:
    larger = only("rebalance_buys", base_trade_amount_eur=Money(640_00, "EUR"))
    shot = countries(100, 72, 98, 100, cash=1600)
    assert {c.quantity for c in found(shot, larger)} == {Quantity.of(16)}


def test_a_group_at_its_threshold_is_not_bought_into() -> None:
    # 16,000 EUR: Germany 25.5 %, France 23 %, Japan 24.5 %, Canada 14.5 %.
    shot = countries(102, 92, 98, 58, cash=2000)
    assert {c.symbol for c in found(shot, LIGHT)} == {"S03", "S07", "S11"}
    wide = replace(
        only("rebalance_buys", underweight_threshold=Decimal("0.019")),
        max_opportunities_per_category=20,
    )
    assert {c.symbol for c in found(shot, wide)} == {"S01", "S03", "S05", "S07", "S09", "S11"}


def test_a_security_without_a_country_is_in_no_group() -> None:
    universe = (security("S0", country=None), *TEN[1:])
    assert "S0" not in symbols(found(ten(universe), LIGHT))


@pytest.mark.parametrize(
    "closed",
    [
        security("S0", buy=False),
        security("S0", active=False),
        security("S0", confirmed=False),
        security("S0", lot=None),
        security("S0", mic="XXXX"),
        security("S0", product="INDEX"),
    ],
)
def test_what_may_not_be_bought_is_not_proposed(closed: Any) -> None:
    everything = replace(DEFAULT_CONFIG, max_opportunities_per_category=20)
    facts = good(*(s.symbol for s in TEN))
    held, costs = {"S0": "10"}, {"S0": "50"}
    shot = ten((closed, *TEN[1:]), held=held, costs=costs)
    assert "S0" not in symbols(found(shot, everything, facts=facts), "BUY")
    open_ = ten(held=held, costs=costs)
    assert "S0" in symbols(found(open_, everything, facts=facts), "BUY")


def test_barred_and_unpriced_securities_are_left_out() -> None:
    barred: frozenset[tuple[str, Side]] = frozenset({("S0", "BUY"), ("S2", "SELL")})
    shot = ten(prices={s.symbol: "40" for s in TEN if s.symbol != "S1"})
    facts = good(*(s.symbol for s in TEN))
    assert symbols(found(shot, BEST, facts=facts, barred=barred)) == ["S2", "S3", "S4", "S5", "S6"]


def test_a_lot_dearer_than_the_amount_is_no_candidate() -> None:
    universe = (security("S0", lot="10"), *TEN[1:])
    # A lot is 400 EUR, a purchase of 250 EUR is none of it, and one of 900 EUR two.
    assert found(ten(universe), BEST, facts=good("S0")) == ()
    larger = only("opportunity_buys", base_trade_amount_eur=Money(900_00, "EUR"))
    assert [c.quantity for c in found(ten(universe), larger, facts=good("S0"))] == [Quantity.of(20)]


def test_the_smallest_trade_of_the_owner_is_the_base_amount() -> None:
    dear = replace(BEST, min_trade_eur=Money(700_00, "EUR"))
    assert [c.quantity for c in found(ten(), dear, facts=good("S0"))] == [Quantity.of(18)]
    # One that its fee would eat is no smaller than the fee allows.
    tiny = replace(BEST, min_trade_eur=Money(50_00, "EUR"))
    assert [c.quantity for c in found(ten(), tiny, facts=good("S0"))] == [Quantity.of(7)]


def test_without_cash_or_permission_nothing_is_looked_at() -> None:
    facts = good(*(s.symbol for s in TEN))
    assert found(ten(), replace(BEST, allow_buy=False), facts=facts) == ()

    def with_cash(amount: str) -> PortfolioSnapshot:
        return ten(held={"S9": "100"}, cash={"EUR": amount})

    # The reserve stays, and seven shares are 281.40 EUR at their limit and 2.57 EUR of fee.
    assert found(with_cash("500"), BEST, facts=facts) == ()
    assert found(with_cash("783.96"), BEST, facts=facts) == ()
    assert found(with_cash("783.97"), BEST, facts=facts) != ()


def test_an_owners_bound_on_a_position_bounds_its_purchases() -> None:
    larger = only("opportunity_buys", base_trade_amount_eur=Money(1_000_00, "EUR"))
    universe = (replace(TEN[0], max_target=Decimal("0.05")), *TEN[1:])
    facts = good("S0")
    assert [c.quantity for c in found(ten(), larger, facts=facts)] == [Quantity.of(24)]
    # 500 EUR at the limit price of 40.20 EUR.
    assert [c.quantity for c in found(ten(universe), larger, facts=facts)] == [Quantity.of(12)]
