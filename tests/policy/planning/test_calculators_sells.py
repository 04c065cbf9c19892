"""Candidates to sell: windfalls and heavy groups, and what protects a holding from its plan."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from ledger.money import Money, Quantity
from ledger.portfolio import PortfolioSnapshot
from policy.limits import DEFAULTS
from policy.planning.facts import UNKNOWN_FACTS, SecurityFacts
from tests.policy.accounts import dozen, eur, security, snapshot
from tests.policy.planning.calculator_cases import TEN, found, held_for, only, symbols, ten

PROFITS = only("profit_taking")


def gained(cost: str, quantity: str = "100") -> PortfolioSnapshot:
    """100 shares of S0 at 40 EUR beside 40,000 EUR of cash."""
    return ten(held={"S0": quantity}, costs={"S0": cost}, cash={"EUR": "40000"})


@pytest.mark.parametrize(
    ("cost", "facts", "sold"),
    [
        # Doubled, 79 % of it in excess of two years of 10 %: half.
        ("20", held_for(730), 50),
        # Doubled in eight years of 8 %: 15 % in excess, still 30 %.
        ("20", held_for(8 * 365, 0.08), 30),
        # 67 % in one year of 10 %: more than half in excess.
        ("24", held_for(365), 40),
        # 43 % in a year of 10 %: a third in excess.
        ("28", held_for(365), 20),
        # 60 % after seven years of 7 % (60.6 %) is what was to be expected.
        ("25", held_for(7 * 365, 0.07), 0),
        # 43 % in two years of 10 %: 22 %, just short of a quarter in excess.
        ("28", held_for(730), 0),
        # Growth is 10 % a year and the time a year while neither is known.
        ("28", UNKNOWN_FACTS, 20),
        # 29 % on cost: not looked at, however fast it came.
        ("31", held_for(1), 0),
    ],
)
def test_a_windfall_is_sold_in_the_share_that_its_excess_allows(
    cost: str, facts: SecurityFacts, sold: int
) -> None:
    candidates = found(gained(cost), PROFITS, facts={"S0": facts})
    assert [c.quantity.units for c in candidates] == ([sold] if sold else [])
    for one in candidates:
        assert (one.kind, one.side, one.tags) == (
            "profit_taking", "SELL", ("windfall", "profit_taking"),
        )  # fmt: skip
        assert one.value_eur == eur(40 * sold)
        assert one.worst < one.value_eur


def test_the_reason_of_a_windfall_has_its_gain_its_time_and_its_excess() -> None:
    (known,) = found(gained("20"), PROFITS, facts={"S0": held_for(730)})
    assert "gained 100.0% on its cost in 2.0 years" in known.reason
    assert "79.0% more than the 10.0% a year that is usual for it" in known.reason
    (unknown,) = found(gained("20"), PROFITS)
    assert "a time that is not known, taken as a year" in unknown.reason
    assert "10.0% a year that is assumed" in unknown.reason


def test_the_windfall_threshold_is_the_gain_from_which_a_position_is_looked_at() -> None:
    shot, facts = gained("28"), {"S0": held_for(365)}
    assert found(shot, only("profit_taking", windfall_threshold=Decimal("0.42")), facts=facts)
    assert not found(shot, only("profit_taking", windfall_threshold=Decimal("0.43")), facts=facts)


def test_stronger_windfalls_come_first_and_the_owners_priority_holds_back() -> None:
    costs = {"S0": "28", "S1": "20"}
    facts = {name: held_for(365) for name in costs}
    shot = ten(held=dict.fromkeys(costs, "100"), costs=costs, cash={"EUR": "40000"})
    assert [(c.symbol, round(c.priority, 3)) for c in found(shot, PROFITS, facts=facts)] == [
        ("S1", 1.2), ("S0", pytest.approx(1.2 * (0.5 + 0.6571) / 1.5, abs=0.0006)),
    ]  # fmt: skip
    liked = (TEN[0], replace(TEN[1], priority=Decimal(3)), *TEN[2:])
    other = ten(liked, held=dict.fromkeys(costs, "100"), costs=costs, cash={"EUR": "40000"})
    assert symbols(found(other, PROFITS, facts=facts)) == ["S0", "S1"]


GROUPS = only("rebalance_sells")


def heavy(s00: str = "200", s04: str = "60", cash: str = "50000") -> PortfolioSnapshot:
    """Twelve over four countries, a quarter each as a target; S00 and S04 are German, at 100."""
    universe = dozen()
    return snapshot(
        universe,
        prices={s.symbol: "100" for s in universe},
        held={"S00": s00, "S04": s04, "S01": "40"},
        costs={s.symbol: "90" for s in universe},
        cash={"EUR": cash},
    )


def test_a_group_above_its_target_is_sold_out_of_by_its_members() -> None:
    # 26,000 of 80,000 EUR are German: 32.5 %, 7.5 % or 6,000 EUR too many.
    first, second = found(heavy(), GROUPS)
    assert (first.symbol, first.quantity, first.value_eur) == ("S00", Quantity.of(60), eur(6000))
    # 30 % of the smaller position.
    assert (second.symbol, second.quantity) == ("S04", Quantity.of(18))
    for one in (first, second):
        assert (one.kind, one.side, one.group) == ("rebalance_sells", "SELL", "Germany")
        assert one.tags == ("rebalance", "overweight_germany")
        assert "Germany is 32.5% of the portfolio, 7.5% above its target" in one.reason
        assert one.priority == 0.8


def test_no_more_is_sold_than_the_group_is_overweight() -> None:
    # 22,000 of 80,000 EUR: 2.5 % too many are 2,000 EUR, though 30 % of S00 would be 5,100.
    first, *_ = found(heavy("170", "50", "54000"), GROUPS)
    assert (first.symbol, first.value_eur) == ("S00", eur(2000))


def test_a_group_at_its_threshold_is_left_alone() -> None:
    # 21,600 of 80,000 EUR are 27 %: two per cent above is not more than two per cent.
    shot = heavy("160", "56", "54400")
    assert found(shot, GROUPS) == ()
    lower = only("rebalance_sells", overweight_threshold=Decimal("0.019"))
    assert symbols(found(shot, lower)) == ["S00", "S04"]


def test_the_share_of_a_position_that_may_go_is_configured_and_at_most_half() -> None:
    shot = heavy("100", "300", "40000")
    quantities = {
        share: {c.symbol: c.quantity.units for c in found(
            shot, only("rebalance_sells", max_sell_pct=Decimal(share)))}
        for share in ("0.05", "0.20", "0.90")
    }  # fmt: skip
    # S04 is bound by the largest order, 8,400 EUR.
    assert quantities == {
        "0.05": {},
        "0.20": {"S00": 20, "S04": 60},
        "0.90": {"S00": 50, "S04": 84},
    }


def test_a_group_that_nobody_gave_a_target_leaves_its_holdings_to_their_owner() -> None:
    abroad = security("S10", country="Norway", buy=False)
    universe = (*TEN[:9], abroad)
    shot = ten(
        universe,
        held={"S10": "250"},
        costs={"S10": "30"},
        prices={s.symbol: "40" for s in universe},
    )
    assert found(shot, only("rebalance_sells", "weight_based"), facts={}) != ()
    assert symbols(found(shot, only("rebalance_sells", "weight_based")), "SELL") == []


@pytest.mark.parametrize(
    "protected",
    [
        {"costs": {}},
        # 20.1 % below its cost.
        {"costs": {"S00": "125.2"}},
        {"barred": frozenset({("S00", "SELL")})},
        {"closed": {"sell": False}},
        {"closed": {"confirmed": False}},
        {"closed": {"mic": "XXXX"}},
        {"closed": {"lot": None}},
        {"closed": {"lot": "200"}},
    ],
)
def test_what_is_lost_on_unknown_forbidden_or_one_lot_is_never_sold(
    protected: dict[str, Any],
) -> None:
    universe = list(dozen())
    universe[0] = security("S00", **protected.get("closed", {}))
    shot = snapshot(
        universe,
        prices={s.symbol: "100" for s in universe},
        held={"S00": "200"},
        costs=protected.get("costs", {"S00": "90"}),
        cash={"EUR": "20000"},
    )
    barred = protected.get("barred", frozenset())
    every = only("rebalance_sells", "weight_based", "profit_taking")
    assert symbols(found(shot, every, barred=barred), "SELL") == []


@pytest.mark.parametrize(("cost", "sold"), [("125", ["S00"]), ("125.1", [])])
def test_a_loss_is_planned_with_down_to_its_bound(cost: str, sold: list[str]) -> None:
    shot = snapshot(
        dozen(), prices={s.symbol: "100" for s in dozen()}, held={"S00": "200"},
        costs={"S00": cost}, cash={"EUR": "20000"},
    )  # fmt: skip
    assert symbols(found(shot, GROUPS)) == sold


def test_the_owners_bound_on_losses_is_the_one_in_force() -> None:
    shot = snapshot(
        dozen(), prices={s.symbol: "100" for s in dozen()}, held={"S00": "200"},
        costs={"S00": "115"}, cash={"EUR": "20000"},
    )  # fmt: skip
    assert symbols(found(shot, GROUPS)) == ["S00"]
    strict = replace(DEFAULTS, max_sell_loss=Decimal("0.10"))
    assert symbols(found(shot, GROUPS, limits=strict)) == []


def test_nothing_is_sold_where_the_configuration_forbids_it() -> None:
    assert symbols(found(heavy(), replace(GROUPS, allow_sell=False))) == []


def test_a_sale_below_the_smallest_worthwhile_one_is_none() -> None:
    universe = dozen()
    small = snapshot(
        universe, prices={s.symbol: "10" for s in universe}, held={"S00": "40", "S04": "40"},
        costs=dict.fromkeys(("S00", "S04"), "10"), cash={"EUR": "1600"},
    )  # fmt: skip
    # A third of 2,400 EUR is German: 200 EUR too many, and a trade is 250 EUR.
    assert found(small, GROUPS) == ()
    cheap = replace(DEFAULTS, max_fee_share=Decimal("0.02"))
    # Worth it from 111 EUR on; of 40 shares 12 are 30 %.
    assert [c.value_eur for c in found(small, GROUPS, limits=cheap)] == [eur(120)] * 2
    assert symbols(found(heavy(), GROUPS)) == ["S00", "S04"]
    dear = replace(GROUPS, min_trade_eur=Money(1_900_00, "EUR"))
    assert symbols(found(heavy(), dear)) == ["S00"]
    limits = replace(DEFAULTS, min_sell_value=eur(1900))
    assert symbols(found(heavy(), GROUPS, limits=limits)) == ["S00"]
