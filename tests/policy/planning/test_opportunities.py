"""Candidates: who qualifies, how much, and what the reasons say."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from ledger.money import Money, Quantity
from ledger.order import Side
from ledger.portfolio import PortfolioSnapshot
from policy.limits import DEFAULTS
from policy.planning.candidates import Candidate
from policy.planning.opportunities import (
    opportunities,
    opportunity_buys,
    rebalance_sells,
    weight_based,
)
from tests.policy.accounts import dozen, eur, quote, scene, security, snapshot

TEN = tuple(security(f"S{i}", number=i + 1) for i in range(10))


def ten(price: str = "40", **changes: object) -> PortfolioSnapshot:
    """Ten equal targets of a tenth each, 10,000 EUR of cash unless said otherwise."""
    given: dict[str, object] = {"prices": {s.symbol: price for s in TEN}, "cash": {"EUR": "10000"}}
    return snapshot(TEN, **{**given, **changes})  # type: ignore[arg-type]


def symbols(found: tuple[Candidate, ...]) -> list[str]:
    return [candidate.symbol for candidate in found]


def test_a_gap_is_bought_in_whole_lots_with_its_numbers() -> None:
    first = weight_based(scene(ten("33")), more_cash=False)[0]
    # 1,000 EUR of gap, and one order may be 1,000 EUR at the limit price of 33.165 EUR.
    assert (first.symbol, first.side, first.quantity) == ("S0", "BUY", Quantity.of(30))
    assert first.value_eur == eur(990)
    assert first.fee_eur == eur("3.99")
    assert "0.0% of the portfolio, target 10.0%" in first.reason
    assert "990.00 EUR" in first.reason
    assert {"rebalance", "optimizer_target", "underweight_germany"} <= set(first.tags)


def test_a_gap_in_euros_is_divided_by_the_price_in_euros() -> None:
    universe = dozen("USD")
    shot = snapshot(
        universe, prices={s.symbol: "110" for s in universe}, cash={"USD": "22000", "EUR": "100"}
    )
    first = weight_based(scene(shot), more_cash=False)[0]
    assert first.quantity == Quantity.of(16)
    assert first.value_eur == eur(1600)
    assert first.worst.currency == "USD"


def test_a_small_gap_buys_nothing() -> None:
    held = {s.symbol: "25" for s in TEN}
    shot = ten(held={**held, "S3": "24"}, cash={"EUR": "500"})
    assert weight_based(scene(shot), more_cash=False) == ()


def test_a_lot_dearer_than_the_amount_is_no_candidate() -> None:
    universe = (security("BIG", lot="100"), *TEN[1:])
    shot = snapshot(universe, prices={s.symbol: "40" for s in universe}, cash={"EUR": "10000"})
    assert "BIG" not in symbols(weight_based(scene(shot), more_cash=False))


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
def test_what_may_not_be_bought_is_not_proposed(closed: object) -> None:
    assert isinstance(closed, type(TEN[0]))
    universe = (closed, *TEN[1:])
    shot = snapshot(universe, prices={s.symbol: "40" for s in universe}, cash={"EUR": "10000"})
    assert "S0" not in symbols(opportunities(scene(shot)))


def test_barred_and_unpriced_securities_are_left_out() -> None:
    barred: frozenset[tuple[str, Side]] = frozenset({("S0", "BUY"), ("S2", "SELL")})
    shot = ten(prices={s.symbol: "40" for s in TEN if s.symbol != "S1"})
    assert symbols(weight_based(scene(shot, barred=barred), more_cash=False)) == [
        "S2", "S3", "S4", "S5", "S6",
    ]  # fmt: skip


def test_a_purchase_never_lifts_a_position_above_the_largest() -> None:
    limits = replace(DEFAULTS, max_order_share=Decimal(1))
    universe = TEN[:3]
    shot = snapshot(universe, prices={s.symbol: "40" for s in universe}, cash={"EUR": "10000"})
    for found in weight_based(scene(shot, limits=limits), more_cash=False):
        assert found.worst <= eur(1500)
        assert found.quantity == Quantity.of(37)


def test_no_order_is_larger_than_one_order_may_be() -> None:
    shot = ten(cash={"EUR": "10000"}, held={"S9": "100"}, costs={"S9": "30"})
    for found in weight_based(scene(shot), more_cash=False):
        assert found.worst <= eur(1400)


def test_cash_short_of_the_gap_buys_what_it_can() -> None:
    shot = ten(cash={"EUR": "870"}, held={"S9": "230"})
    sizes = [
        c.quantity
        for c in weight_based(
            scene(
                shot,
            ),
            more_cash=False,
        )
    ]
    # 370 EUR above the reserve, at most 40.60 EUR a share in the worst case, and the fee.
    assert sizes == [Quantity.of(9)] * 5
    with_sales = weight_based(scene(shot), more_cash=True)
    assert {c.quantity for c in with_sales} == {Quantity.of(9), Quantity.of(25)}


def test_a_gap_too_small_to_trade_is_closed_by_the_smallest_trade_when_that_ends_nearer() -> None:
    small = weight_based(scene(ten(cash={"EUR": "2000"})), more_cash=False)
    # 200 EUR are missing; 280 EUR are worth their fee and end 80 EUR above the target.
    assert {c.quantity for c in small} == {Quantity.of(7)}
    assert weight_based(scene(ten(cash={"EUR": "1200"})), more_cash=False) == ()


def test_priorities_are_scaled_to_one_within_a_kind() -> None:
    shot = ten(held={"S0": "10", "S1": "5"})
    found = weight_based(scene(shot), more_cash=False)
    assert max(c.priority for c in found) == 1.0
    assert all(0 < c.priority <= 1 for c in found)
    assert len(found) == DEFAULTS.max_candidates_per_kind


def test_a_holding_below_its_cost_and_its_target_is_an_opportunity() -> None:
    shot = ten(held={"S4": "5"}, costs={"S4": "50"})
    (found,) = opportunity_buys(scene(shot), more_cash=False)
    assert found.symbol == "S4"
    assert "20.0% below its average cost" in found.reason
    assert found.tags == ("averaging_down", "buy_low")
    # Half of what is missing to a tenth of 10,200 EUR.
    assert found.quantity == Quantity.of(10)


def test_a_price_below_the_previous_close_is_an_opportunity() -> None:
    quotes = [quote(s.symbol, "40", close="40") for s in TEN[1:]]
    shot = ten(prices={}, quotes=[quote("S0", "40", close="42"), *quotes])
    (found,) = opportunity_buys(scene(shot), more_cash=False)
    assert (found.symbol, found.kind) == ("S0", "opportunity_buys")
    assert "4.8% below its previous close" in found.reason


@pytest.mark.parametrize("close", ["40.5", "39", "80"])
def test_noise_rises_and_collapses_are_no_opportunities(close: str) -> None:
    shot = ten(prices={}, quotes=[quote("S0", "40", close=close)])
    assert opportunity_buys(scene(shot), more_cash=False) == ()


def test_a_holding_above_its_target_is_no_opportunity_however_cheap() -> None:
    shot = ten(held={"S4": "60"}, costs={"S4": "50"})
    assert opportunity_buys(scene(shot), more_cash=False) == ()


def heavy(cost: str | None = "30") -> PortfolioSnapshot:
    costs = {"S0": cost} if cost else {}
    return ten(held={"S0": "100", "S1": "25"}, costs=costs, cash={"EUR": "5000"})


def test_a_position_far_above_target_is_trimmed() -> None:
    (found,) = rebalance_sells(scene(heavy()))
    # 40 % of 10,000 EUR, target 10 %: at most 30 % of the position, and at most one order.
    assert (found.symbol, found.side, found.quantity) == ("S0", "SELL", Quantity.of(25))
    assert "40.0% of the portfolio, target 10.0%" in found.reason
    assert found.worst < found.value_eur


def test_only_a_sale_worth_a_trade_is_proposed_and_one_lot_stays() -> None:
    lots = (security("S0", lot="50"), *TEN[1:])
    shot = snapshot(
        lots,
        prices={s.symbol: "40" for s in lots},
        held={"S0": "50"},
        costs={"S0": "30"},
        cash={"EUR": "3000"},
    )
    assert rebalance_sells(scene(shot)) == ()


@pytest.mark.parametrize("cost", [None, "55"])
def test_a_deep_or_unknown_loss_is_never_sold_by_plan(cost: str | None) -> None:
    assert rebalance_sells(scene(heavy(cost))) == ()


def test_a_sale_needs_permission_and_a_target() -> None:
    barred: frozenset[tuple[str, Side]] = frozenset({("S0", "SELL")})
    assert rebalance_sells(scene(heavy(), barred=barred)) == ()
    for closed in (security("S0", sell=False), security("S0", buy=False)):
        universe = (closed, *TEN[1:])
        shot = snapshot(
            universe,
            prices={s.symbol: "40" for s in universe},
            held={"S0": "100"},
            costs={"S0": "30"},
            cash={"EUR": "5000"},
        )
        assert rebalance_sells(scene(shot)) == ()


def test_equal_trades_of_two_kinds_are_one_candidate() -> None:
    found = opportunities(scene(ten(held={"S4": "5"}, costs={"S4": "50"})))
    assert len({c.key for c in found}) == len(found)


def test_pots_and_reservations_are_not_spent() -> None:
    kept = (Money(9_000_00, "EUR"),)
    assert opportunities(scene(ten(), pots=kept, reserved=(eur(400),))) == ()
