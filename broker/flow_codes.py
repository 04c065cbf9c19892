"""What brokers call their cash flows, and what that means here. Every adapter maps with these.

A broker's own word is kept as `type`; decisions look at the category alone. A word that is not
known is `other`: such a flow is booked and shown, and nothing follows from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from hashlib import blake2b

from ledger.cash_flow import STATUS_CODES, FlowStatus
from ledger.errors import MalformedAnswer
from ledger.fact import FlowCategory
from ledger.money import Money

_WORDS: Mapping[FlowCategory, tuple[str, ...]] = {
    "deposit": (
        "deposit", "refill", "transfer_in", "card", "bank", "sepa", "sepa_instant", "swift",
        "sbp", "kassa", "intercompany", "blik",
    ),
    "withdrawal": (
        "withdrawal", "card_payout", "cashout", "sbp_withdrawal", "digital_assets_withdrawal",
    ),
    "dividend": (
        "dividend", "dividend_reverted", "dividend_compensation", "stock_dividend",
    ),
    "tax": ("tax", "tax_reverted"),
    "fee": (
        "withdrawal_fee", "structured_product_fee", "trading_fee", "commission",
        "commission_for_trades", "agent_fee", "card_commission", "block_commission",
        "unblock_commission", "commission_refund", "commission_rebates",
    ),
    "interest": ("percents", "interest"),
    "coupon": ("coupon",),
    "maturity": ("maturity", "partial_maturity"),
    "fx": ("currency_conversion",),
    "other": (
        "structured_product_purchase", "block", "unblock", "refund", "split", "spin_off",
        "merger", "conversion",
    ),
}  # fmt: skip
CATEGORIES: Mapping[str, FlowCategory] = {
    word: category for category, words in _WORDS.items() for word in words
}
# Numbers of the documents in which a client asks for something.
DOCUMENTS: Mapping[int, str] = {337: "withdrawal", 297: "structured_product_purchase"}
# An execution carries these itself and books them; as a flow they would be paid twice.
IN_FILLS = frozenset({"trading_fee", "commission_for_trades"})
_OUTGOING = frozenset[FlowCategory]({"withdrawal", "fee", "tax"})
# What leaves although money of its category comes in, and the other way round.
_SPENT = frozenset({"structured_product_purchase", "block", "dividend_reverted"})
_RETURNED = frozenset({"tax_reverted", "commission_refund", "commission_rebates"})
# Where the amount of a document stands, the first that is there, and its currency by default.
_AMOUNTS = (
    ("totalMoneyOut", "EUR"),
    ("totalMoneyIn", "EUR"),
    ("structured_product_trade_sum", "USD"),
    ("amount", "EUR"),
    ("sum", "EUR"),
)
_CORPORATE = frozenset({"dividend", "coupon", "maturity", "partial_maturity"})


def category_of(type_: str) -> FlowCategory:
    """The category of a broker's word, whatever its capitals; `other` for an unknown one."""
    return CATEGORIES.get(type_.strip().casefold(), "other")


def type_of_document(type_doc_id: int) -> str:
    """The word for a document's number; `type_<number>` for one without a word."""
    return DOCUMENTS.get(type_doc_id, f"type_{type_doc_id}")


def status_of(code: int) -> FlowStatus:
    """The status behind a number; an unknown one is still being processed and counts nowhere."""
    return STATUS_CODES.get(code, "processing")


def signed(type_: str, money: Money) -> Money:
    """An amount that came without its sign: what leaves the account is negative."""
    word = type_.strip().casefold()
    leaves = word in _SPENT or (category_of(word) in _OUTGOING and word not in _RETURNED)
    return Money(-abs(money.minor) if leaves else abs(money.minor), money.currency)


def amount_in(params: Mapping[str, object]) -> Money | None:
    """The amount of a document, as it stands there; None when it names none.

    Raises MalformedAnswer when there is one that is no amount.
    """
    for name, default in _AMOUNTS:
        value = params.get(name)
        if value not in (None, ""):
            currency = str(params.get("currency") or default).upper()
            return _money(str(value), currency)
    return None


def _money(text: str, currency: str) -> Money:
    try:
        return Money.half_even(Decimal(text), currency)
    except InvalidOperation:
        raise MalformedAnswer(f"{text!r} is not an amount") from None


def transaction_id(
    type_: str, *, broker_id: str | None, day: date, money: Money, params: Mapping[str, object]
) -> str:
    """The broker's id, else a name made of what the transaction is and never of its status."""
    if broker_id is not None and broker_id.strip():
        return broker_id.strip()
    content = [type_, day.isoformat(), str(money.minor), money.currency]
    content += [f"{name}={params[name]}" for name in sorted(params) if "status" not in name]
    digest = blake2b("\x1f".join(content).encode(), digest_size=16)
    return f"{type_}_{digest.hexdigest()}"


def fee_id(parent: str) -> str:
    """The id of a fee that is stated on another transaction."""
    return f"{parent}_fee"


def corporate_action_id(type_: str, action_id: str) -> str:
    """The id of a payment that is only known from its corporate action."""
    if type_ not in _CORPORATE:
        raise MalformedAnswer(f"{type_!r} is no payment of a corporate action")
    return f"corp_action_{type_}_{action_id}"


def trade_fee_id(trade_id: str) -> str:
    """The id under which a trade's commission is listed."""
    return f"trade_fee_{trade_id}"
