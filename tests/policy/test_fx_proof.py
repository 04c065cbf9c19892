"""A pair is proven by a conversion that moved both balances as it was asked to."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ledger.fact import Fill
from ledger.money import Money, Price, Quantity
from ledger.order import Side
from ledger.portfolio import BookDifference
from policy.fx_proof import proves
from tests.policy.accounts import NOON, pair

EURUSD = pair("EUR/USD")


def fill(units: str = "20", *, side: Side = "SELL", tag: int | None = 7, symbol: str = "EUR/USD",
         gross: str = "22", currency: str = "USD") -> Fill:  # fmt: skip
    return Fill(
        "f1", "b1", tag, symbol, side, Quantity.of(units), Price.of("1.1", currency),
        Money.of(gross, currency), (), datetime(2026, 3, 4, 12, tzinfo=UTC),
    )  # fmt: skip


def off(account: str, key: str) -> BookDifference:
    return BookDifference(1, account, key, 100, 300, True, NOON)


def test_c4_a_fill_as_asked_with_books_that_agree_proves_its_pair() -> None:
    assert proves(fill(), "SELL", EURUSD, ())
    assert proves(fill(side="BUY"), "BUY", EURUSD, ())
    assert proves(fill(tag=None), "SELL", EURUSD, ())


@pytest.mark.parametrize("key", ["EUR", "USD"])
def test_c4_a_balance_that_went_elsewhere_proves_nothing(key: str) -> None:
    assert not proves(fill(), "SELL", EURUSD, (off("cash", key),))


def test_what_differs_elsewhere_does_not_matter() -> None:
    assert proves(fill(), "SELL", EURUSD, (off("cash", "HKD"), off("holding", "EUR")))


@pytest.mark.parametrize(
    "one",
    [
        fill(side="BUY"),
        fill(symbol="EUR/GBP"),
        fill(gross="22", currency="EUR"),
        fill(gross="0.99"),
        fill(units="0.99"),
    ],
)
def test_another_side_pair_or_a_tiny_amount_proves_nothing(one: Fill) -> None:
    assert not proves(one, "SELL", EURUSD, ())
