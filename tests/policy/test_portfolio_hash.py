"""The name of a situation changes with everything a plan depends on, except prices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

import pytest

from ledger.allocation import AllocationBook, Groups
from ledger.correlation import Correlations
from ledger.money import Money, Price, Quantity
from ledger.order import OrderView, Side
from ledger.portfolio import PortfolioSnapshot
from ledger.security import Security
from policy.limits import DEFAULTS
from policy.planning.facts import SecurityFacts
from policy.portfolio_hash import (
    Configuration,
    Market,
    fingerprint,
    market_hash,
    portfolio_hash,
    with_refused,
)
from policy.targets import equal_targets
from tests.policy.accounts import FEES, FREE, NOON, dozen, eur, security, snapshot

UNIVERSE = dozen()
CONFIGURATION = Configuration(limits=DEFAULTS, fees=FEES, fx_fees=FREE)
TARGETS = equal_targets(UNIVERSE, DEFAULTS)
MARKET = Market(targets=TARGETS, regime="bull")


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


def foreign(number: str, filled: str) -> OrderView:
    whole, done = Quantity.of(9), Quantity.of(filled)
    price = Price.of("40", "EUR")
    return OrderView(number, None, "S00", "BUY", whole, done, price, "active", None, NOON)


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
        account(held={"S00": "3.000001", "S01": "5"}),
        account(cash="100.01"),
        account(cash="-100"),
        account(universe=(security("S00", buy=False), *UNIVERSE[1:])),
        account(universe=(security("S00", lot="2"), *UNIVERSE[1:])),
        account(universe=(security("S00", country=None), *UNIVERSE[1:])),
        account(universe=(replace(UNIVERSE[0], priority=Decimal("1.1")), *UNIVERSE[1:])),
        account(universe=(replace(UNIVERSE[0], min_target=Decimal("0.1")), *UNIVERSE[1:])),
        account(universe=(replace(UNIVERSE[0], max_target=Decimal("0.1")), *UNIVERSE[1:])),
        account(universe=(replace(UNIVERSE[0], listed=False), *UNIVERSE[1:])),
        account(universe=(replace(UNIVERSE[0], bucket_id="other"), *UNIVERSE[1:])),
        account(universe=UNIVERSE[:-1]),
    ],
)
def test_holdings_cash_and_flags_change_the_name(shot: PortfolioSnapshot) -> None:
    assert named(shot) != BASE


@pytest.mark.parametrize(
    "changed",
    [
        replace(CONFIGURATION, limits=replace(DEFAULTS, max_trades_per_day=2)),
        replace(CONFIGURATION, limits=replace(DEFAULTS, min_cash_reserve=eur(600))),
        replace(CONFIGURATION, fees=FREE),
        replace(CONFIGURATION, fx_fees=FEES),
        replace(CONFIGURATION, cooldown=frozenset({("S00", "BUY")})),
        replace(CONFIGURATION, config_hash="other"),
        replace(CONFIGURATION, book=AllocationBook(country=Groups({"EU": ("Germany",)}))),
        replace(
            CONFIGURATION,
            book=AllocationBook(industry=Groups({"A": ("Energy",)}, {"A": Decimal(1)})),
        ),
    ],
)
def test_configuration_changes_the_name(changed: Configuration) -> None:
    assert named(account(), changed) != BASE


def test_bucket_orders_and_pots_change_the_name() -> None:
    names = {
        BASE,
        portfolio_hash(account(), CONFIGURATION, bucket_id="other"),
        portfolio_hash(account(), CONFIGURATION, bucket_id="core", open_orders=[foreign("X", "0")]),
        portfolio_hash(account(), CONFIGURATION, bucket_id="core", open_orders=[foreign("Y", "0")]),
        portfolio_hash(
            account(), CONFIGURATION, bucket_id="core", open_orders=[foreign("X", ".4")]
        ),
        portfolio_hash(account(), CONFIGURATION, bucket_id="core", pots=[Money(1, "EUR")]),
    }
    assert len(names) == 6


@pytest.mark.parametrize(
    "changed",
    [
        replace(MARKET, targets=equal_targets(UNIVERSE[:9], DEFAULTS)),
        replace(MARKET, targets=replace(TARGETS, optimized=True)),
        replace(MARKET, regime="bear"),
        replace(MARKET, facts={"S00": SecurityFacts(dividend_yield=0.03)}),
        replace(MARKET, unfit=frozenset({"S00"})),
        replace(MARKET, facts={"S00": SecurityFacts(quality=0.6)}),
        replace(MARKET, correlations=Correlations(NOON.date(), 252, ("S00",), ((),))),
    ],
)
def test_what_is_known_of_the_market_changes_its_name(changed: Market) -> None:
    assert market_hash(changed) != market_hash(MARKET)


def test_since_when_something_is_held_is_no_news_of_the_market() -> None:
    known = replace(MARKET, facts={"S00": SecurityFacts(bought_on=NOON.date())})
    unknown = replace(MARKET, facts={"S00": SecurityFacts()})
    assert market_hash(known) == market_hash(unknown)


def test_what_was_refused_lately_changes_the_name_of_the_market() -> None:
    sides: tuple[Side, Side] = ("BUY", "SELL")
    names = {with_refused("market", frozenset({("S00", side)})) for side in sides}
    assert len({*names, with_refused("market", frozenset()), with_refused("x", frozenset())}) == 4


def test_a_fingerprint_names_bucket_portfolio_and_market() -> None:
    names = {("core", "a", "b"), ("core", "ab", ""), ("other", "a", "b"), ("core", "a", "c")}
    assert len({fingerprint(*parts) for parts in names}) == len(names)
