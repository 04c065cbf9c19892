"""A limit stays inside its band, on a tick, on our side of the quote, or there is none."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import get_args

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ledger.money import Price
from ledger.order import OrderClass, Side
from ledger.quote import Quote
from policy.limits import DEFAULTS
from policy.pricing import LimitPrice, drift, limit_price, spread
from tests.support.builders import quote

CLASSES: tuple[OrderClass, ...] = get_args(OrderClass)
SIDES: tuple[Side, ...] = get_args(Side)
CENT = Price.of("0.01", "EUR")


@dataclass(frozen=True)
class Case:
    """A two-sided quote around the last price, a tick that divides nothing in particular."""

    quote: Quote
    tick: Price
    order_class: OrderClass

    @property
    def band(self) -> Fraction:
        width = spread(self.quote)
        assert width is not None
        wide = self.order_class == "emergency" or width > DEFAULTS.wide_spread
        return Fraction(DEFAULTS.wide_band if wide else DEFAULTS.band)

    def limit(self, side: Side) -> Price | None:
        order_class, limits = self.order_class, DEFAULTS
        return limit_price(
            side, self.quote, self.tick, order_class=order_class, limits=limits
        ).price


@st.composite
def cases(draw: st.DrawFn) -> Case:
    last = draw(st.integers(1, 10**10))
    bid = draw(st.integers(last * 95 // 100, last * 105 // 100).filter(lambda micro: micro > 0))
    ask = draw(st.integers(bid, bid + last // 40))
    made = quote(
        last="1",
        bid=Price(bid, "EUR"),
        ask=Price(ask, "EUR"),
    )
    offered = Quote(
        made.symbol, made.bid, made.ask, Price(last, "EUR"), None, made.at, made.market_open
    )
    tick = Price(draw(st.integers(1, max(1, last // 50))), "EUR")
    return Case(offered, tick, draw(st.sampled_from(CLASSES)))


@given(cases())
def test_a_purchase_never_exceeds_the_ask_nor_the_band(case: Case) -> None:
    limit = case.limit("BUY")
    assume(limit is not None)
    assert limit is not None
    assert case.quote.ask is not None
    assert limit <= case.quote.ask
    assert limit.micro <= case.quote.last.micro * (1 + case.band)


@given(cases())
def test_a_sale_never_undercuts_the_bid_nor_the_band(case: Case) -> None:
    limit = case.limit("SELL")
    assume(limit is not None)
    assert limit is not None
    assert case.quote.bid is not None
    assert limit >= case.quote.bid
    assert limit.micro >= case.quote.last.micro * (1 - case.band)


@given(cases(), st.sampled_from(SIDES))
def test_a_limit_is_positive_on_a_tick_and_less_than_one_tick_from_its_bound(
    case: Case, side: Side
) -> None:
    limit = case.limit(side)
    assume(limit is not None)
    assert limit is not None
    assert case.quote.ask is not None
    assert case.quote.bid is not None
    assert limit.micro > 0
    assert limit.micro % case.tick.micro == 0
    last = case.quote.last.micro
    if side == "BUY":
        bound = min(Fraction(case.quote.ask.micro), last * (1 + case.band))
        assert bound - limit.micro < case.tick.micro + 1  # a millionth for the band's own rounding
    else:
        bound = max(Fraction(case.quote.bid.micro), last * (1 - case.band))
        assert limit.micro - bound < case.tick.micro + 1


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(
    "broken",
    [
        quote(bid=None),
        quote(ask=None),
        quote(bid=Price.of("100.2", "EUR"), ask=Price.of("100.1", "EUR")),
    ],
    ids=["no bid", "no ask", "crossed"],
)
def test_without_two_sides_there_is_no_limit(side: Side, broken: Quote) -> None:
    made = limit_price(side, broken, CENT, order_class="emergency", limits=DEFAULTS)
    assert made == LimitPrice(None, "DEMO-A.EU has no two-sided quote")
    assert spread(broken) is None


@pytest.mark.parametrize("order_class", CLASSES)
def test_a_spread_above_the_maximum_gives_no_limit(order_class: OrderClass) -> None:
    torn = quote(bid=Price.of("98.9", "EUR"), ask=Price.of("101.1", "EUR"))
    made = limit_price("BUY", torn, CENT, order_class=order_class, limits=DEFAULTS)
    assert made.price is None
    assert "spread 2.20% is above 2.00%" in made.detail


def test_a_purchase_below_the_first_tick_has_no_limit() -> None:
    penny = quote(last="0.004")
    made = limit_price("BUY", penny, CENT, order_class="planner", limits=DEFAULTS)
    assert made.price is None
    assert "no positive limit" in made.detail


@pytest.mark.parametrize(
    ("side", "bid", "ask", "order_class", "expected"),
    [
        ("BUY", "99.90", "100.10", "planner", "100.10"),  # the ask is inside the band
        ("SELL", "99.90", "100.10", "planner", "99.90"),
        ("BUY", "100.90", "101.00", "planner", "100.50"),  # the market ran away: band of 0.5 %
        ("SELL", "99.00", "99.10", "planner", "99.50"),
        ("BUY", "101.90", "102.00", "emergency", "101.50"),  # band of 1.5 %
        ("SELL", "98.00", "98.10", "emergency", "98.50"),
        ("BUY", "101.40", "102.00", "planner", "101.50"),  # a wide spread widens the band
        ("BUY", "99.905", "100.109", "planner", "100.10"),  # down to our side
        ("SELL", "99.901", "100.10", "planner", "99.91"),  # up to our side
    ],
)
def test_limits_of_a_share_at_100(
    side: Side, bid: str, ask: str, order_class: OrderClass, expected: str
) -> None:
    offered = quote(bid=Price.of(bid, "EUR"), ask=Price.of(ask, "EUR"))
    made = limit_price(side, offered, CENT, order_class=order_class, limits=DEFAULTS)
    assert made.price == Price.of(expected, "EUR")


def test_the_detail_names_limit_last_and_spread() -> None:
    made = limit_price("BUY", quote(), CENT, order_class="planner", limits=DEFAULTS)
    assert made.detail == "limit 100.1 EUR, last 100 EUR, spread 0.20%"


@given(st.integers(1, 10**10), st.integers(1, 10**10))
def test_drift_is_the_distance_as_a_share_of_the_decided_price(decided: int, now: int) -> None:
    moved = drift(Price(decided, "EUR"), Price(now, "EUR"))
    assert moved >= 0
    assert (moved == 0) == (decided == now)
    assert abs(Fraction(moved) - abs(Fraction(now - decided, decided))) < Fraction(1, 10**15)


def test_drift_counts_falls_like_rises() -> None:
    decided = Price.of("100", "EUR")
    assert drift(decided, Price.of("101", "EUR")) == Decimal("0.01")
    assert drift(decided, Price.of("99", "EUR")) == Decimal("0.01")
