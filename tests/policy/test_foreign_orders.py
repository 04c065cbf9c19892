"""What orders that are not ours keep from being planned, and how much cash they may take."""

from __future__ import annotations

from dataclasses import replace

from ledger.money import Money, Price, Quantity
from ledger.order import OrderView
from ledger.rate import RateTable
from policy.foreign_orders import kept_out, promised
from tests.policy.accounts import FEES, FREE, NOON, eur, security, snapshot

ACCOUNT = snapshot((security("S00"), security("S01")), prices={})
BUYING = OrderView(
    "X1", None, "S00", "BUY", Quantity.of(9), Quantity.of(4), Price.of("40", "EUR"), "active", None,
    NOON,
)  # fmt: skip
SELLING = replace(BUYING, side="SELL")


def test_what_is_ordered_already_is_proposed_on_neither_side() -> None:
    for order in (BUYING, SELLING):
        assert kept_out([order], ACCOUNT) == {("S00", "BUY"), ("S00", "SELL")}
    assert kept_out([replace(BUYING, state="filled")], ACCOUNT) == frozenset()


def test_beside_an_exchange_none_of_its_currencies_is_exchanged() -> None:
    pair = replace(BUYING, symbol="EUR/USD")
    names = {name for name, _ in kept_out([pair], ACCOUNT)}
    assert {"EUR/USD", "EUR/GBP"} <= names
    assert {name for name, _ in kept_out([BUYING], ACCOUNT)} == {"S00"}


def test_beside_a_purchase_without_a_limit_nothing_is_bought() -> None:
    barred = kept_out([replace(BUYING, limit=None)], ACCOUNT)
    assert barred == {("S00", "BUY"), ("S00", "SELL"), ("S01", "BUY")}
    assert kept_out([replace(SELLING, limit=None)], ACCOUNT) == kept_out([SELLING], ACCOUNT)


def test_what_is_left_of_a_purchase_is_promised_with_its_fee() -> None:
    def kept(*orders: OrderView) -> tuple[Money, ...]:
        return promised(orders, fees=FEES, fx_fees=FREE, rates=RateTable({}))

    assert kept() == kept(SELLING) == ()
    (both,) = kept(BUYING, replace(BUYING, symbol="S01"))
    (one,) = kept(BUYING)
    assert one > eur(200)  # five at 40, and a fee
    assert both == one + one
