"""Every security towards its own target weight, and the calculators together."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from ledger.money import Money, Quantity
from ledger.portfolio import PortfolioSnapshot
from policy.limits import DEFAULTS
from policy.planner import finish, start, step
from policy.planning.calculators import find_candidates
from policy.planning.config import DEFAULT_CONFIG
from tests.policy.accounts import dozen, eur, plan_input, scene, snapshot
from tests.policy.planning.calculator_cases import (
    CALCULATORS,
    TEN,
    found,
    good,
    held_for,
    only,
    symbols,
    ten,
)

WEIGHTS = only("weight_based")


def test_a_gap_is_bought_in_whole_lots_with_its_numbers() -> None:
    first = found(ten(price="33"), WEIGHTS)[0]
    # 1,000 EUR of gap, and one order may be 1,000 EUR at the limit price of 33.165 EUR.
    assert (first.symbol, first.side, first.quantity) == ("S0", "BUY", Quantity.of(30))
    assert (first.value_eur, first.fee_eur) == (eur(990), eur("3.99"))
    assert "S0 is 0.0% of the portfolio, target 10.0%: buying €990" in first.reason
    assert (first.kind, first.tags) == ("rebalance_buys", ("rebalance", "equal_target"))


def test_a_gap_in_euros_is_divided_by_the_price_in_euros() -> None:
    universe = dozen("USD")
    shot = snapshot(
        universe, prices={s.symbol: "110" for s in universe}, cash={"USD": "22000", "EUR": "100"}
    )
    first = found(shot, WEIGHTS)[0]
    # A twelfth of 20,100 EUR at 100 EUR a share.
    assert (first.quantity, first.value_eur) == (Quantity.of(16), eur(1600))
    assert first.worst.currency == "USD"


def test_a_target_above_the_weight_by_the_threshold_is_near_enough() -> None:
    shot = ten(cash={"EUR": "5000"}, held={"S0": "125"}, costs={"S0": "40"})
    at, above = {"S0": "0.50", "S1": "0.01"}, {"S0": "0.50", "S1": "0.0101"}
    small = replace(DEFAULTS, max_fee_share=Decimal("0.10"))
    assert found(shot, WEIGHTS, weights=at, limits=small) == ()
    assert symbols(found(shot, WEIGHTS, weights=above, limits=small)) == ["S1"]
    closer = only("weight_based", min_gap_threshold=Decimal("0.009"))
    assert symbols(found(shot, closer, weights=at, limits=small)) == ["S1"]


def test_a_gap_is_worth_twice_what_its_trade_costs() -> None:
    shot = ten(cash={"EUR": "10000"})
    weights = {"S1": "0.03"}
    # 300 EUR, and a trade of them costs 2.60 EUR.
    assert symbols(found(shot, WEIGHTS, weights=weights)) == ["S1"]
    for dear in (
        only("weight_based", transaction_cost_fixed=Money(149_50, "EUR")),
        replace(WEIGHTS, transaction_cost_fixed=Money(149_50, "EUR")),
        only("weight_based", transaction_cost_percent=Decimal("0.50")),
        replace(WEIGHTS, transaction_cost_percent=Decimal("0.50")),
    ):
        assert symbols(found(shot, dear, weights=weights)) == []
    own = replace(
        only("weight_based", transaction_cost_fixed=Money(1_00, "EUR")),
        transaction_cost_fixed=Money(200_00, "EUR"),
    )
    assert symbols(found(shot, own, weights=weights)) == ["S1"]


def test_what_costs_less_than_was_paid_for_it_is_averaged_down() -> None:
    shot = ten(held={"S4": "5", "S5": "5"}, costs={"S4": "41", "S5": "39"})
    weights = {"S4": "0.08", "S5": "0.08", "S6": "0.08"}
    kinds = {c.symbol: (c.kind, c.tags) for c in found(shot, WEIGHTS, weights=weights)}
    rebalance = ("rebalance_buys", ("rebalance", "optimizer_target"))
    assert kinds == {
        "S4": ("averaging_down", ("averaging_down", "optimizer_target")),
        "S5": rebalance,
        "S6": rebalance,
    }


def test_what_is_above_its_target_is_sold_down_to_it() -> None:
    # 4,000 of 10,000 EUR, target 2,500: 1,500 EUR are too many, and an order is 1,000 EUR.
    shot = ten(held={"S0": "100"}, costs={"S0": "30"}, cash={"EUR": "6000"})
    (one,) = found(shot, WEIGHTS, weights={"S0": "0.25"})
    assert (one.kind, one.side, one.quantity) == ("rebalance_sells", "SELL", Quantity.of(25))
    assert (one.tags, one.group) == (("rebalance", "optimizer_target"), None)
    assert "S0 is 40.0% of the portfolio, target 25.0%: selling €1,000" in one.reason
    (less,) = found(shot, WEIGHTS, weights={"S0": "0.32"})
    assert less.quantity == Quantity.of(20)


def test_no_more_than_half_a_position_is_sold_and_no_less_than_a_tenth() -> None:
    wide = replace(DEFAULTS, max_order_share=Decimal(1))
    shot = ten(held={"S0": "100"}, costs={"S0": "30"}, cash={"EUR": "6000"})

    def sold(target: str) -> list[Quantity]:
        return [c.quantity for c in found(shot, WEIGHTS, weights={"S0": target}, limits=wide)]

    assert sold("0") == [Quantity.of(50)]
    assert sold("0.36") == [Quantity.of(10)]
    assert sold("0.361") == []


def test_what_the_optimizer_left_out_is_sold_and_what_merely_has_no_equal_weight_is_not() -> None:
    universe = (replace(TEN[0], allow_buy=False), *TEN[1:])
    shot = ten(universe, held={"S0": "100"}, costs={"S0": "30"}, cash={"EUR": "6000"})
    assert symbols(found(shot, WEIGHTS, weights={"S1": "0.10"}), "SELL") == ["S0"]
    assert symbols(found(shot, WEIGHTS), "SELL") == []
    # One that may be bought and weighs too much for its equal share is sold.
    both = ten(held={"S0": "100"}, costs={"S0": "30"}, cash={"EUR": "6000"})
    assert symbols(found(both, WEIGHTS), "SELL") == ["S0"]


def mixed() -> PortfolioSnapshot:
    """Something for every calculator."""
    universe = dozen()
    return snapshot(
        universe,
        prices={s.symbol: "40" for s in universe},
        held={"S00": "100", "S04": "60", "S01": "10"},
        costs={"S00": "20", "S04": "36", "S01": "51"},
        cash={"EUR": "2000"},
    )


FACTS = {**good("S01", "S02", quality=0.9), "S00": held_for(730)}
TAGS = {
    "profit_taking": "profit_taking",
    "averaging_down": "buy_low",
    "opportunity_buys": "opportunity",
    "rebalance_sells": "overweight_germany",
    "rebalance_buys": "underweight_canada",
    "weight_based": "equal_target",
}


@pytest.mark.parametrize("name", CALCULATORS)
def test_each_calculator_finds_what_no_other_does(name: str) -> None:
    with_all = found(mixed(), DEFAULT_CONFIG, facts=FACTS)
    assert TAGS[name] in {tag for c in with_all for tag in c.tags}
    without = only(*(other for other in CALCULATORS if other != name))
    assert TAGS[name] not in {t for c in found(mixed(), without, facts=FACTS) for t in c.tags}


def test_with_the_optimizers_targets_weights_alone_decide() -> None:
    weights = {"S00": "0.10", "S01": "0.10", "S04": "0.15"}
    alone = found(mixed(), DEFAULT_CONFIG, facts=FACTS, weights=weights)
    assert alone == found(mixed(), WEIGHTS, facts=FACTS, weights=weights)
    assert all("optimizer_target" in c.tags for c in alone)
    heuristic = only(*(name for name in CALCULATORS if name != "weight_based"))
    others = found(mixed(), heuristic, facts=FACTS, weights=weights)
    assert "windfall" in {tag for c in others for tag in c.tags}


@pytest.mark.parametrize("name", [n for n in CALCULATORS if n != "weight_based"])
def test_the_weight_of_a_kind_scales_its_priorities(name: str) -> None:
    plain, heavy = (
        found(mixed(), only(name, priority_weight=weight), facts=FACTS) for weight in (1.0, 1.7)
    )
    assert plain
    assert max(c.priority for c in plain) == 1.0
    assert [c.priority for c in heavy] == pytest.approx([1.7 * c.priority for c in plain])


def test_a_trade_that_several_want_is_one_candidate_with_the_tags_of_all() -> None:
    # The windfall takes 25 of 100 shares, and so does the weight: both want the largest order.
    shot = ten(held={"S0": "100"}, costs={"S0": "20"}, cash={"EUR": "6000"})
    (one,) = (
        c for c in found(shot, DEFAULT_CONFIG, facts={"S0": held_for(730)}) if c.side == "SELL"
    )
    assert (one.kind, one.quantity) == ("profit_taking", Quantity.of(25))
    assert one.tags == ("windfall", "profit_taking", "rebalance", "equal_target")
    everything = found(mixed(), DEFAULT_CONFIG, facts=FACTS)
    assert len({c.key for c in everything}) == len(everything)


def test_a_group_bounds_a_sale_whoever_wants_it_most() -> None:
    shot = snapshot(
        dozen(),
        prices={s.symbol: "40" for s in dozen()},
        held={"S00": "100", "S04": "100"},
        costs={"S00": "39", "S04": "39"},
        cash={"EUR": "2000"},
    )
    sells = [c for c in found(shot, DEFAULT_CONFIG) if c.side == "SELL"]
    assert {c.symbol: c.group for c in sells} == {"S00": "Germany", "S04": "Germany"}
    assert all({"equal_target", "overweight_germany"} <= set(c.tags) for c in sells)


def test_sales_allow_purchases_that_cash_alone_does_not() -> None:
    shot = ten(cash={"EUR": "870"}, held={"S9": "230"})
    # 370 EUR above the reserve, at most 40.20 EUR a share in the worst case, and the fee.
    assert {c.quantity for c in found(shot, WEIGHTS)} == {Quantity.of(9)}
    sellable = ten(cash={"EUR": "870"}, held={"S9": "230"}, costs={"S9": "30"})
    sizes = {c.quantity for c in found(sellable, WEIGHTS) if c.side == "BUY"}
    assert sizes == {Quantity.of(9), Quantity.of(25)}
    poor = ten(cash={"EUR": "400"}, held={"S9": "230"}, costs={"S9": "30"})
    assert {c.quantity for c in found(poor, WEIGHTS) if c.side == "BUY"} == {Quantity.of(24)}


def test_a_gap_too_small_to_trade_is_closed_by_the_smallest_trade_when_that_ends_nearer() -> None:
    # 200 EUR are missing; 280 EUR are worth their fee and end 80 EUR above the target.
    small = found(ten(cash={"EUR": "2000"}), WEIGHTS)
    assert {c.quantity for c in small} == {Quantity.of(7)}
    assert found(ten(cash={"EUR": "1200"}), WEIGHTS) == ()


def test_an_account_that_is_all_cash_and_of_which_nothing_is_known_gets_purchases() -> None:
    universe = dozen()
    shot = snapshot(universe, prices={s.symbol: "40" for s in universe}, cash={"EUR": "10000"})
    candidates = find_candidates(scene(shot))
    assert {c.side for c in candidates} == {"BUY"}
    assert {"equal_target", "underweight_germany", "underweight_japan"} <= {
        tag for c in candidates for tag in c.tags
    }
    assert len({c.security.instrument.country for c in candidates}) == 4
    # A twelfth of the account each, and a small one for those who want to begin small.
    assert {c.value_eur for c in candidates} == {eur(800), eur(280)}
    run = start(plan_input(shot))
    while not run.done:
        run = step(run)
    plan = finish(run)
    assert plan.steps
    assert plan.end_score > plan.current_score


def test_the_same_account_gives_the_same_candidates_in_the_same_order() -> None:
    once = found(mixed(), DEFAULT_CONFIG, facts=FACTS)
    shot = mixed()
    turned = replace(shot, universe=tuple(reversed(shot.universe)))
    assert found(turned, DEFAULT_CONFIG, facts=FACTS) == once
    sides = [c.side for c in once]
    assert sides == sorted(sides, reverse=True)


def test_pots_and_reservations_are_not_spent() -> None:
    kept = (Money(9_000_00, "EUR"),)
    assert find_candidates(scene(ten(), pots=kept, reserved=(eur(400),))) == ()
