"""Whatever the account: no candidate exceeds cash, holding, lots or a bound; values are exact."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ledger.currency import exponent
from ledger.money import Money
from policy.fees import fee
from policy.funding import buy
from policy.limits import DEFAULTS
from policy.planning.calculators import find_candidates
from policy.planning.calculators.trades import Spendable
from policy.planning.candidates import Candidate, Scene
from policy.planning.config import DEFAULT_CONFIG
from policy.planning.facts import SecurityFacts
from tests.policy.accounts import TODAY, security, snapshot
from tests.policy.planning.calculator_cases import placed

CURRENCIES = ("EUR", "USD", "GBP", "HKD")


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    """Accounts in up to four currencies, some far off target, some short of cash."""
    universe = tuple(
        replace(
            security(
                f"S{i}",
                number=i + 1,
                currency=draw(st.sampled_from(CURRENCIES)),
                country=draw(st.sampled_from(["Germany", "Japan", "France", None])),
                lot=draw(st.sampled_from(["1", "10", "0.5", "7"])),
                buy=draw(st.sampled_from([True, True, False])),
                sell=draw(st.sampled_from([True, True, False])),
            ),
            priority=draw(st.sampled_from([Decimal("0.3"), Decimal(1), Decimal(3)])),
            max_target=draw(st.sampled_from([None, None, Decimal("0.05")])),
        )
        for i in range(draw(st.integers(2, 8)))
    )
    prices = {s.symbol: str(draw(st.integers(2, 300))) for s in universe}
    costs = {s: str(max(1, int(p) * draw(st.integers(4, 16)) // 10)) for s, p in prices.items()}
    held = {s.symbol: str(draw(st.sampled_from([0, 0, 10, 43, 200]))) for s in universe}
    cash = {c: str(draw(st.integers(0, 6_000))) for c in CURRENCIES}
    shot = snapshot(universe, prices=prices, held=held, costs=costs, cash=cash)
    assume(shot.total_eur is not None and shot.total_eur.minor > 0)
    facts = {
        s.symbol: SecurityFacts(
            quality=draw(st.sampled_from([None, 0.2, 0.65, 0.9])),
            bought_on=draw(st.sampled_from([None, TODAY - timedelta(days=500)])),
        )
        for s in universe
    }
    weights = draw(st.sampled_from([None, dict.fromkeys((s.symbol for s in universe), "0.12")]))
    config = replace(
        DEFAULT_CONFIG,
        max_opportunities_per_category=draw(st.sampled_from([2, 20])),
        min_trade_eur=draw(st.sampled_from([None, Money(400_00, "EUR")])),
    )
    limits = replace(DEFAULTS, max_order_share=draw(st.sampled_from([Decimal("0.1"), Decimal(1)])))
    return placed(shot, config, facts=facts, weights=weights, limits=limits)


def check_value(scene: Scene, one: Candidate) -> None:
    """Value = rounded quantity × price ÷ rate, to the cent, and never of a fraction of a lot."""
    lot = one.security.instrument.lot
    assert lot is not None
    assert one.quantity.micro > 0
    assert one.quantity.is_multiple_of(lot)
    per_eur = scene.snapshot.rates.per_eur
    rate = Fraction(per_eur[one.security.currency].value) if one.security.currency != "EUR" else 1
    exact = Fraction(one.quantity.micro * one.price.micro, 10**12) / rate
    # Once to the smallest unit of the currency, once to the cent.
    slack = Fraction(1, 2 * 10 ** exponent(one.security.currency)) / rate + Fraction(1, 200)
    assert abs(Fraction(one.value_eur.minor, 100) - exact) <= slack
    assert one.value_eur >= scene.min_trade
    assert one.fee_eur.minor > 0


def check_sale(scene: Scene, one: Candidate) -> None:
    held = scene.holdings[one.symbol]
    lot = one.security.instrument.lot
    assert lot is not None
    assert one.quantity.micro <= held.quantity.micro - lot.micro
    assert 2 * one.quantity.micro <= held.quantity.micro
    assert one.value_eur >= scene.limits.min_sell_value
    assert one.value_eur <= scene.order_cap()
    assert held.average_cost is not None
    assert one.price.micro >= Decimal("0.8") * held.average_cost.micro
    assert one.worst.minor <= one.price.value * one.quantity.units * 100


def check_purchase(scene: Scene, one: Candidate, *, more_cash: bool) -> None:
    cost = scene.rules.fx.rates.to_eur(one.worst)
    assert cost is not None
    # The worst cost in EUR may round up by a cent.
    most = scene.limits.max_position_share
    if one.security.max_target is not None:
        most = min(most, one.security.max_target)
    share = most * scene.total.minor
    assert scene.value(one.security).minor + cost.minor <= share + 1
    assert cost.minor <= scene.order_cap().minor + 1
    if not more_cash:
        assert buy(scene.purse, scene.rules, cost=one.worst, fee=one.fee) is not None


@settings(max_examples=60, deadline=None)
@given(scene=scenes())
def test_no_candidate_exceeds_cash_holding_lots_or_a_bound(scene: Scene) -> None:
    candidates = find_candidates(scene)
    sells = [c for c in candidates if c.side == "SELL"]
    for one in candidates:
        assert scene.may(one.security, one.side)
        assert one.executable
        assert one.priority >= 0
        check_value(scene, one)
        if one.side == "SELL":
            check_sale(scene, one)
        else:
            check_purchase(scene, one, more_cash=bool(sells))
    per_kind = {(c.kind, c.symbol) for c in candidates}
    most = scene.config.max_opportunities_per_category
    for kind in {kind for kind, _ in per_kind}:
        assert sum(found == kind for found, _ in per_kind) <= most
    for one in sells:
        if one.group is not None:
            over = scene.targets.countries.get(one.group, Decimal(0))
            in_group = sum(
                scene.value(p.security).minor
                for p in scene.snapshot.positions
                if scene.targets.country_of.get(p.security.symbol) == one.group
            )
            assert one.value_eur.minor <= in_group - over * scene.total.minor + 1


@settings(max_examples=30, deadline=None)
@given(scene=scenes(), currency=st.sampled_from(CURRENCIES))
def test_cash_pays_for_what_is_spendable_and_for_nothing_dearer(
    scene: Scene, currency: str
) -> None:
    everything = Money(10**9, currency)
    most = Spendable(scene, currency).up_to(everything)

    def payable(minor: int) -> bool:
        cost = Money(minor, currency)
        charged = fee(scene.fees, cost, scene.rules.fx.rates)
        assert charged is not None
        return buy(scene.purse, scene.rules, cost=cost, fee=charged) is not None

    if most.minor:
        assert payable(most.minor)
        assert payable(most.minor // 2)
    assert not payable(most.minor + 1 + most.minor // 100)
    # What was asked before decides nothing.
    again = Spendable(scene, currency)
    for part in (7, 2, 3, 1):
        wanted = Money(most.minor // part, currency)
        assert again.up_to(wanted) == wanted
    assert again.up_to(everything) == most
