"""The daily loss breaker sees gains and losses, and neither deposits nor withdrawals nor trades."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.money import Money
from ledger.rate import RateTable
from policy.breaker import equity_change, objection
from policy.limits import DEFAULTS
from tests.support.builders import eur, rates, usd

RATES = rates(USD="1.25")


def test_a_loss_is_the_fall_since_the_last_day() -> None:
    assert equity_change(eur("9500"), eur("10000"), (), RATES) == Decimal("-0.05")
    assert equity_change(eur("10100"), eur("10000"), (), RATES) == Decimal("0.01")


def test_m6_flows_are_valued_in_euros() -> None:
    flows = (usd("1250"), eur("-500"))
    assert equity_change(eur("10500"), eur("10000"), flows, RATES) == 0


@pytest.mark.parametrize(
    ("total", "base", "flows"),
    [
        (None, eur("10000"), ()),
        (eur("10000"), None, ()),
        (eur("10000"), eur("0"), ()),
        (eur("10000"), eur("10000"), (Money(1, "CHF"),)),
    ],
    ids=["total", "base", "empty base", "rate"],
)
def test_m6_a_figure_that_is_not_known_is_none(
    total: Money | None, base: Money | None, flows: tuple[Money, ...]
) -> None:
    assert equity_change(total, base, flows, RATES) is None


def test_nothing_flowed_is_nothing_in_every_currency() -> None:
    assert equity_change(eur("1"), eur("1"), (Money(0, "CHF"),), RateTable({})) == 0


moves = st.lists(
    st.one_of(
        st.tuples(st.just("deposit"), st.integers(1, 5_000_00)),
        st.tuples(st.just("withdrawal"), st.integers(1, 5_000_00)),
        st.tuples(st.just("buy"), st.integers(1, 40)),
        st.tuples(st.just("sell"), st.integers(1, 40)),
    ),
    max_size=30,
)


@given(moves=moves, price=st.integers(1, 500_00), fall=st.integers(0, 300_00))
def test_m6_deposits_withdrawals_and_trades_do_not_move_the_figure(
    moves: list[tuple[str, int]], price: int, fall: int
) -> None:
    """An account of cash and one share, traded at its price; all of it moves by gains only."""
    cash, shares, flows = 20_000_00, 100, 0
    base = Money(cash + shares * price, "EUR")
    for kind, amount in moves:
        match kind:
            case "deposit":
                cash, flows = cash + amount, flows + amount
            case "withdrawal":
                cash, flows = cash - amount, flows - amount
            case "buy":
                cash, shares = cash - amount * price, shares + amount
            case _:
                cash, shares = cash + amount * price, shares - amount
    known = (Money(flows, "EUR"),)
    calm = equity_change(Money(cash + shares * price, "EUR"), base, known, RATES)
    assert calm == 0
    lost = equity_change(Money(cash + shares * (price - fall), "EUR"), base, known, RATES)
    assert lost == Decimal(-shares * fall) / base.minor


def test_the_bounds_are_those_of_the_owner() -> None:
    calm = replace(
        DEFAULTS, daily_loss_full_halt=Decimal("0.5"), daily_loss_sell_halt=Decimal("0.4")
    )
    assert objection("SELL", Decimal("-0.3"), calm) is None
    assert objection("BUY", Decimal("-0.3"), DEFAULTS) is not None


@given(st.decimals(-1, 1, places=4))
def test_m6_whatever_stops_a_purchase_stops_a_sale(change: Decimal) -> None:
    if objection("BUY", change, DEFAULTS) is not None:
        assert objection("SELL", change, DEFAULTS) is not None
