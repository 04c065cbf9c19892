"""The words and numbers of brokers, and the names that transactions get here."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from broker.flow_codes import (
    CATEGORIES,
    IN_FILLS,
    amount_in,
    category_of,
    corporate_action_id,
    fee_id,
    signed,
    status_of,
    trade_fee_id,
    transaction_id,
    type_of_document,
)
from ledger.errors import MalformedAnswer
from ledger.money import Money

DAY = date(2026, 3, 2)
EUR = Money(50_00, "EUR")


@pytest.mark.parametrize("word", ["deposit", "Refill", "TRANSFER_IN", " card ", "sepa"])
def test_deposits_are_known_whatever_their_capitals(word: str) -> None:
    assert category_of(word) == "deposit"


@pytest.mark.parametrize(
    ("word", "category"),
    [
        ("card_payout", "withdrawal"),
        ("dividend", "dividend"),
        ("dividend_reverted", "dividend"),
        ("coupon", "coupon"),
        ("maturity", "maturity"),
        ("partial_maturity", "maturity"),
        ("trading_fee", "fee"),
        ("structured_product_fee", "fee"),
        ("tax", "tax"),
        ("percents", "interest"),
        ("block", "other"),
        ("unblock", "other"),
        ("structured_product_purchase", "other"),
        ("type_999", "other"),
        ("a word nobody knows", "other"),
        ("deposit_fee_of_another_kind", "other"),
    ],
)
def test_every_word_has_a_category_and_an_unknown_one_is_other(word: str, category: str) -> None:
    assert category_of(word) == category


def test_k7_a_withdrawal_fee_is_a_fee_and_never_a_withdrawal() -> None:
    assert category_of("withdrawal_fee") == "fee"
    assert [word for word, found in CATEGORIES.items() if found == "withdrawal" and "fee" in word] \
        == []  # fmt: skip


def test_documents_have_words() -> None:
    assert [type_of_document(number) for number in (337, 297, 214)] == [
        "withdrawal", "structured_product_purchase", "type_214",
    ]  # fmt: skip


def test_an_unknown_status_counts_nowhere() -> None:
    assert [status_of(code) for code in (1, 2, 3, 4, 5, 6, 0)] == [
        "pending", "processing", "completed", "cancelled", "rejected", "processing", "processing",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("word", "minor"),
    [("withdrawal", -50_00), ("withdrawal_fee", -50_00), ("tax", -50_00), ("deposit", 50_00),
     ("dividend", 50_00), ("block", -50_00), ("unblock", 50_00), ("dividend_reverted", -50_00),
     ("Tax_Reverted", 50_00), ("commission_refund", 50_00), ("commission_rebates", 50_00)],
)  # fmt: skip
def test_k7_what_leaves_the_account_is_negative(word: str, minor: int) -> None:
    assert signed(word, EUR) == signed(word, -EUR) == Money(minor, "EUR")


@pytest.mark.parametrize(
    ("params", "money"),
    [
        ({"totalMoneyOut": "10.5", "totalMoneyIn": 3, "sum": 1}, Money(10_50, "EUR")),
        ({"totalMoneyIn": 3, "amount": 9, "currency": "usd"}, Money(3_00, "USD")),
        ({"structured_product_trade_sum": 1000}, Money(1000_00, "USD")),
        ({"amount": "7", "sum": "8"}, Money(7_00, "EUR")),
        ({"totalMoneyOut": "", "sum": "8"}, Money(8_00, "EUR")),
        ({"note": 1}, None),
    ],
)
def test_the_amount_of_a_document_is_the_first_that_is_there(
    params: dict[str, Any], money: Money | None
) -> None:
    assert amount_in(params) == money


def test_an_amount_that_is_none_is_a_malformed_answer() -> None:
    with pytest.raises(MalformedAnswer):
        amount_in({"sum": "a lot"})


def name(type_: str = "withdrawal", broker_id: str | None = None, **changes: Any) -> str:
    values: dict[str, Any] = {"day": DAY, "money": EUR, "params": {}}
    return transaction_id(type_, broker_id=broker_id, **{**values, **changes})


def test_the_brokers_own_id_wins() -> None:
    assert name(broker_id=" 90746442 ") == "90746442"


def test_k2_a_name_made_of_the_content_does_not_change_with_the_status() -> None:
    pending = name(params={"bank": "X", "status": 1, "cps_status": "1"})
    done = name(params={"status": 3, "cps_status": "3", "bank": "X"})
    assert pending == done
    assert pending.startswith("withdrawal_")


def test_a_name_made_of_the_content_tells_transactions_apart() -> None:
    names = {
        name(),
        name("type_1"),
        name(day=date(2026, 3, 3)),
        name(money=Money(50_01, "EUR")),
        name(money=Money(50_00, "USD")),
        name(params={"bank": "X"}),
        name(broker_id="  ", params={"bank": "Y"}),
    }
    assert len(names) == 7


def test_derived_rows_have_names_of_their_own() -> None:
    assert fee_id("90746442") == "90746442_fee"
    assert corporate_action_id("coupon", "17") == "corp_action_coupon_17"
    assert trade_fee_id("5") == "trade_fee_5"
    with pytest.raises(MalformedAnswer):
        corporate_action_id("split", "17")


def test_commissions_of_trades_are_booked_by_their_executions() -> None:
    assert {category_of(word) for word in IN_FILLS} == {"fee"}
