"""Buckets add up exactly, whatever the account did; factors too, and to what they were made of."""

from __future__ import annotations

import math
from datetime import date
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.allocation import AllocationBook, Groups
from ledger.analytics import Attribution, Dimension
from ledger.money import Price, Quantity
from ledger.security import Instrument, Security
from policy.attribution import attribute, bucket_shares
from policy.balance_lines import AssetPrices
from policy.factor_attribution import attribute_to_factors, least_squares
from policy.linking import annual, annual_scale, compounded, linked
from policy.reconstruction import Reconstruction, reconstruct
from tests.policy.account_days import (
    FixedRates,
    cash,
    day,
    history,
    random_account,
    series,
    shares,
    weekdays,
)

SEEDS = st.integers(0, 10_000)
DIMENSIONS: tuple[Dimension, ...] = (
    "country", "country_group", "industry", "industry_group", "currency",
)  # fmt: skip
EXACT = 1e-12


def security(symbol: str, country: str | None, industry: str | None, code: str) -> Security:
    instrument = Instrument(
        symbol=symbol,
        isin="",
        name=symbol,
        currency=code,
        mic="XETR",
        country=country,
        industry=industry,
        product_type="EQUITY",
        lot=Quantity.of(1),
        tick=Price.of("0.01", code),
    )
    return Security(1, instrument, True, True, True, True)


UNIVERSE = (
    security("AAA", "Germany", "Banks, Software", "EUR"),
    security("BBB", "United States", "software", "USD"),
    security("CCC", "United Kingdom", None, "GBP"),
    security("DDD", None, "Banks", "USD"),
)
BOOK = AllocationBook(
    country=Groups({"Europe": ("germany", "United Kingdom")}),
    industry=Groups({"Digital": ("Software",)}),
)


def closes_of(seed: int) -> Reconstruction:
    account = random_account(seed)
    return reconstruct(account.history, account.prices, account.rates)


def attributed(closes: Reconstruction, by: Dimension) -> Attribution:
    return attribute(closes, bucket_shares(UNIVERSE, by, BOOK), by=by, days=365)


@settings(max_examples=40)
@given(SEEDS, st.sampled_from(DIMENSIONS))
def test_the_buckets_add_up_to_the_total_return(seed: int, by: Dimension) -> None:
    closes = closes_of(seed)
    found = attributed(closes, by)
    total = math.prod(1 + r for r in closes.returns) - 1
    assert found.total == pytest.approx(total, abs=EXACT)
    assert math.fsum(part.total for part in found.parts) == pytest.approx(total, abs=EXACT)
    yearly = (1 + total) ** (252 / len(closes.returns)) - 1
    assert found.annual == pytest.approx(yearly, rel=1e-10, abs=EXACT)
    added = math.fsum(part.annual or 0.0 for part in found.parts)
    assert added == pytest.approx(yearly, rel=1e-10, abs=EXACT)


@settings(max_examples=40)
@given(SEEDS, st.sampled_from(DIMENSIONS))
def test_the_weights_of_the_buckets_add_up_to_one(seed: int, by: Dimension) -> None:
    weights = [part.weight for part in attributed(closes_of(seed), by).parts]
    assert weights[-1] is None
    assert math.fsum(w for w in weights if w is not None) == pytest.approx(1, abs=EXACT)


def names(by: Dimension) -> list[str]:
    closes = reconstruct(
        history(cash(day(0), 1, "external"), *(shares(day(0), 1, "external", s) for s in "ABCD")),
        {symbol: AssetPrices("EUR", series(dict.fromkeys(weekdays(5), 1.0))) for symbol in "ABCD"},
        FixedRates(),
    )
    universe = [
        security(symbol, *about, "EUR")
        for symbol, about in zip(
            "ABC",
            (("Germany", "Banks, Software"), ("France", None), (None, "software")),
            strict=True,
        )
    ]
    parts = attribute(closes, bucket_shares(universe, by, BOOK), by=by, days=9).parts
    return [part.name for part in parts]


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("country", ["France", "Germany", "unknown"]),
        ("country_group", ["Europe", "OTHER", "unknown"]),
        ("industry", ["Banks", "Software", "software", "unknown"]),
        ("industry_group", ["Digital", "OTHER", "unknown"]),
        ("currency", ["EUR", "unknown"]),
    ],
)
def test_what_belongs_nowhere_has_a_bucket_of_its_own(by: Dimension, expected: list[str]) -> None:
    assert names(by) == [*expected, "cash", "trading"]


def test_a_security_of_two_industries_is_split_equally() -> None:
    assert bucket_shares(UNIVERSE[:1], "industry", BOOK) == {"AAA": {"Banks": 0.5, "Software": 0.5}}
    both = bucket_shares(UNIVERSE[:1], "industry_group", BOOK)
    assert both == {"AAA": {"OTHER": 0.5, "Digital": 0.5}}


def test_a_losing_country_shows_a_loss_while_the_portfolio_gains() -> None:
    levels = {
        "AAA": dict(zip(weekdays(5), (10.0, 11.0, 12.0, 13.0, 14.0), strict=True)),
        "BBB": dict(zip(weekdays(5), (10.0, 9.5, 9.0, 8.5, 8.0), strict=True)),
    }
    closes = reconstruct(
        history(shares(day(0), 10, "external"), shares(day(0), 5, "external", "BBB")),
        {symbol: AssetPrices("EUR", series(closes)) for symbol, closes in levels.items()},
        FixedRates(),
    )
    by_name = {part.name: part.total for part in attributed(closes, "country").parts}
    assert by_name["United States"] < 0 < by_name["Germany"]
    assert by_name["cash"] == by_name["trading"] == 0


def test_without_two_closes_there_is_nothing_to_attribute() -> None:
    found = attributed(reconstruct(history(), {}, FixedRates()), "country")
    assert (found.available, found.total, found.parts) == (False, None, ())
    assert found.reason == "there are no two closes with a known value"


def test_factor_is_no_property_of_a_security() -> None:
    with pytest.raises(ValueError, match="factor"):
        bucket_shares(UNIVERSE, "factor", BOOK)


RETURNS = st.lists(st.floats(-0.4, 0.5), min_size=1, max_size=60)


@settings(max_examples=40)
@given(RETURNS, st.integers(0, 99))
def test_linked_parts_add_up_to_the_compounded_return(returns: list[float], seed: int) -> None:
    parts = np.random.default_rng(seed).normal(0, 0.1, (len(returns), 3))
    whole = np.array(returns)
    rest = whole - parts.sum(axis=1)
    totals = linked(np.column_stack((parts, rest)), whole)
    assert totals is not None
    expected = math.prod(1 + r for r in returns) - 1
    assert math.fsum(totals) == pytest.approx(expected, rel=EXACT, abs=EXACT)
    assert compounded(whole) == pytest.approx(expected, rel=EXACT, abs=EXACT)


def test_a_day_that_lost_everything_cannot_be_linked() -> None:
    returns = np.array([0.1, -1.0])
    assert linked(returns[:, None], returns) is None
    assert compounded(returns) == -1.0


def test_a_return_of_nothing_is_scaled_like_its_smallest_neighbours() -> None:
    assert annual_scale(0.0, 126) == 2.0
    assert annual_scale(1e-9, 126) == pytest.approx(2.0, rel=1e-8)
    assert annual_scale(0.0, 2) == 1.0
    assert annual(0.21, 126) == pytest.approx(1.21**2 - 1)
    assert annual(0.21, 2) == 0.21
    assert annual(1e9, 3) is None or math.isfinite(annual(1e9, 3) or 0)
    assert annual(1e300, 3) is None


LENGTH = 140


def walk(seed: int, deviation: float = 0.01) -> dict[date, float]:
    moves = np.random.default_rng(seed).normal(0.0005, deviation, LENGTH)
    return dict(zip(weekdays(400)[:LENGTH], (1 + moves).cumprod() * 100, strict=True))


def invested(levels: dict[date, float]) -> Reconstruction:
    prices = {"AAA": AssetPrices("EUR", series(levels))}
    moves = (shares(day(0), 10, "external"), cash(day(0), 100, "external"))
    return reconstruct(history(*moves), prices, FixedRates())


@settings(max_examples=40)
@given(st.integers(0, 200), st.floats(0, 0.05))
def test_factors_alpha_and_what_is_left_add_up_to_the_total(seed: int, free: float) -> None:
    factors = {"market": series(walk(seed + 1)), "size": series(walk(seed + 2))}
    found = attribute_to_factors(invested(walk(seed)), factors, risk_free=free, days=365)
    assert found.available
    assert [part.name for part in found.parts] == [
        "market", "size", "risk_free", "alpha", "residual",
    ]  # fmt: skip
    added = math.fsum(part.total for part in found.parts)
    assert added == pytest.approx(found.total, abs=EXACT)
    yearly = math.fsum(part.annual or 0.0 for part in found.parts)
    assert yearly == pytest.approx(found.annual, rel=1e-10, abs=EXACT)


def test_a_portfolio_that_is_its_factor_has_a_loading_of_its_invested_part() -> None:
    levels = walk(3)
    prices = {"AAA": AssetPrices("EUR", series(levels))}
    closes = reconstruct(history(shares(day(0), 10, "external")), prices, FixedRates())
    found = attribute_to_factors(
        closes,
        {"market": series(levels)},
        risk_free=0.0,
        days=365,
    )
    assert found.regression is not None
    (loading,) = found.regression.loadings
    assert loading.loading == pytest.approx(1)
    assert found.regression.r_squared == pytest.approx(1)
    assert found.regression.alpha == pytest.approx(0, abs=EXACT)
    assert loading.t_stat is None
    assert found.parts[0].total == pytest.approx(found.total)


def test_what_money_earns_without_risk_is_neither_skill_nor_factor() -> None:
    levels = walk(3)
    prices = {"AAA": AssetPrices("EUR", series(levels))}
    closes = reconstruct(history(shares(day(0), 10, "external")), prices, FixedRates())
    found = attribute_to_factors(closes, {"market": series(levels)}, risk_free=0.05, days=365)
    by_name = {part.name: part.total for part in found.parts}
    assert by_name["alpha"] == pytest.approx(0, abs=EXACT)
    assert by_name["risk_free"] == pytest.approx(0.05 * (LENGTH - 1) / 252, rel=0.1)


def test_only_days_that_all_factors_know_are_observed() -> None:
    sparse = {one: level for number, (one, level) in enumerate(walk(1).items()) if number % 2}
    found = attribute_to_factors(
        invested(walk(0)),
        {"market": series(sparse)},
        risk_free=0.0,
        days=365,
    )
    assert found.regression is not None
    assert found.regression.observations == LENGTH // 2 - 1
    assert found.first == next(iter(sparse))


def test_fewer_than_sixty_observations_are_not_enough() -> None:
    few = dict(list(walk(1).items())[:60])
    found = attribute_to_factors(
        invested(walk(0)),
        {"market": series(few)},
        risk_free=0.0,
        days=365,
    )
    assert (found.available, found.parts, found.regression) == (False, (), None)
    assert found.reason == "59 returns of portfolio and factors together, 60 needed"


def test_factors_that_are_the_same_cannot_be_told_apart() -> None:
    twins = {name: series(walk(1)) for name in ("market", "other")}
    found = attribute_to_factors(invested(walk(0)), twins, risk_free=0.0, days=365)
    assert found.reason == "market, other cannot be told apart"
    assert attribute_to_factors(invested(walk(0)), {}, risk_free=0.0, days=9).available is False


def test_least_squares_needs_more_rows_than_coefficients() -> None:
    assert least_squares(np.array([1.0, 2.0]), np.array([[1.0], [2.0]])) is None


def test_the_largest_contribution_comes_first() -> None:
    parts = attributed(closes_of(5), "country").parts[:-2]
    assert all(one.total >= two.total for one, two in pairwise(parts))
    assert len(parts) == 4
