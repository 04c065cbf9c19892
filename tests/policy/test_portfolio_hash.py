"""The name of a situation changes with everything a plan depends on, except prices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

import pytest

from ledger.money import Money, Price, Quantity
from ledger.order import Intent, OrderState, Proposal
from ledger.portfolio import PortfolioSnapshot
from ledger.security import Security
from policy.limits import DEFAULTS
from policy.portfolio_hash import Configuration, moved, portfolio_hash
from policy.targets import equal_targets
from tests.policy.accounts import FEES, FREE, NOON, dozen, eur, quote, security, snapshot

UNIVERSE = dozen()
CONFIGURATION = Configuration(
    limits=DEFAULTS, targets=equal_targets(UNIVERSE, DEFAULTS), fees=FEES, fx_fees=FREE
)


def account(
    universe: tuple[Security, ...] = UNIVERSE,
    held: Mapping[str, str] | None = None,
    cash: str = "100",
    price: str = "40",
) -> PortfolioSnapshot:
    prices = {s.symbol: price for s in universe}
    return snapshot(
        universe, prices=prices, held=held or {"S01": "5", "S00": "3"}, cash={"EUR": cash}
    )


def named(shot: PortfolioSnapshot, configuration: Configuration = CONFIGURATION) -> str:
    return portfolio_hash(shot, configuration, bucket_id="core")


BASE = named(account())


def intent(filled: str) -> Intent:
    wanted = Proposal(
        "planner", "01PLAN", 1, 1, "core", "S00", 1, "BUY", Quantity.of(9), "EUR",
        Price.of("40", "EUR"), None, "because",
    )  # fmt: skip
    return Intent(
        5, wanted, OrderState.ACTIVE, "live", NOON, None, None, None, None, None, None, None,
        Quantity.of(filled), None, None, (),
    )  # fmt: skip


def test_equal_situations_have_equal_names_of_128_bits() -> None:
    assert named(account(held={"S00": "3", "S01": "5"})) == BASE
    assert len(BASE) == 32
    assert int(BASE, 16) >= 0


def test_the_way_a_number_is_written_does_not_change_the_name() -> None:
    shown = {
        named(account(universe=(replace(UNIVERSE[0], priority=Decimal(text)), *UNIVERSE[1:])))
        for text in ("1.5", "1.50")
    }
    assert len(shown) == 1


def test_prices_do_not_change_the_name() -> None:
    assert named(account(price="41")) == BASE


@pytest.mark.parametrize(
    "shot",
    [
        account(held={"S00": "3", "S01": "6"}),
        account(held={"S00": "3"}),
        account(cash="100.01"),
        account(cash="-100"),
        account(universe=(security("S00", buy=False), *UNIVERSE[1:])),
        account(universe=(security("S00", lot="2"), *UNIVERSE[1:])),
        account(universe=(security("S00", country=None), *UNIVERSE[1:])),
        account(universe=(replace(UNIVERSE[0], priority=Decimal("1.1")), *UNIVERSE[1:])),
        account(universe=(replace(UNIVERSE[0], min_target=Decimal("0.1")), *UNIVERSE[1:])),
        account(universe=(replace(UNIVERSE[0], max_target=Decimal("0.1")), *UNIVERSE[1:])),
        account(universe=(replace(UNIVERSE[0], listed=False), *UNIVERSE[1:])),
        account(universe=UNIVERSE[:-1]),
    ],
)
def test_holdings_cash_and_flags_change_the_name(shot: PortfolioSnapshot) -> None:
    assert named(shot) != BASE


@pytest.mark.parametrize(
    "changed",
    [
        replace(CONFIGURATION, limits=replace(DEFAULTS, max_depth=2)),
        replace(CONFIGURATION, limits=replace(DEFAULTS, min_cash_reserve=eur(600))),
        replace(CONFIGURATION, fees=FREE),
        replace(CONFIGURATION, fx_fees=FEES),
        replace(CONFIGURATION, barred=frozenset({("S00", "BUY")})),
        replace(CONFIGURATION, targets=equal_targets(UNIVERSE[:9], DEFAULTS)),
        replace(CONFIGURATION, targets=replace(CONFIGURATION.targets, country_of={"S00": "EU"})),
        replace(CONFIGURATION, regime="bear"),
    ],
)
def test_configuration_changes_the_name(changed: Configuration) -> None:
    assert named(account(), changed) != BASE


def test_bucket_orders_and_pots_change_the_name() -> None:
    names = {
        BASE,
        portfolio_hash(account(), CONFIGURATION, bucket_id="other"),
        portfolio_hash(account(), CONFIGURATION, bucket_id="core", open_orders=[intent("0")]),
        portfolio_hash(account(), CONFIGURATION, bucket_id="core", open_orders=[intent("4")]),
        portfolio_hash(account(), CONFIGURATION, bucket_id="core", pots=[Money(1, "EUR")]),
    }
    assert len(names) == 5


def test_prices_and_pairs_that_moved_are_named() -> None:
    then = {s: quote(s, "100") for s in ("AAA", "BBB", "CCC")}
    then["EUR/USD"] = quote("EUR/USD", "1.10", "USD")
    now = {"AAA": quote("AAA", "101.00"), "BBB": quote("BBB", "98.99")}
    now["EUR/USD"] = quote("EUR/USD", "1.12", "USD")
    assert moved(then, now, limit=DEFAULTS.replan_move) == ("BBB", "EUR/USD")
    assert moved(then, {}, limit=DEFAULTS.replan_move) == ()
