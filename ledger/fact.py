"""Facts: what happened at the broker. Only facts move positions, cash and bucket balances.

Every fact has a `source_key` that names the event at its source, so that recording it any number
of times, in any order, changes the books once. What a fact moves is stated by its postings:
signed changes of one cash balance or one holding.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from ledger.currency import is_known
from ledger.errors import BadData
from ledger.money import Money, Price, Quantity
from ledger.order import Side

CORE = "core"
# No figure of an account is larger; nine of them still add up to what a column can hold.
MOST = 10**18

FlowCategory = Literal[
    "deposit", "withdrawal", "dividend", "tax", "fee", "interest", "coupon", "maturity", "fx",
    "other",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution. For a pair such as EUR/USD the quantity is in base, the price in quote."""

    fill_id: str
    broker_order_id: str
    client_order_id: int | None
    symbol: str
    side: Side
    quantity: Quantity
    price: Price
    gross: Money
    fees: tuple[Money, ...]
    executed_at: datetime


@dataclass(frozen=True, slots=True)
class CashFlow:
    """Money in (+) or out (−) that is not a trade. Only completed flows are facts."""

    flow_id: str
    category: FlowCategory
    money: Money
    booked_at: datetime
    symbol: str | None
    reference: str | None
    description: str


@dataclass(frozen=True, slots=True)
class CorporateAction:
    """A split (ratio) or a dividend (gross, tax, net) as the broker reports it for our holding.

    A split moves the holding by `quantity_delta`. A dividend moves nothing itself: its money
    arrives as cash flows that carry `action_id` as their reference.
    """

    action_id: str
    kind: Literal["split", "dividend"]
    symbol: str
    ex_date: date
    pay_date: date | None
    effective_at: datetime
    ratio: Decimal | None = None
    quantity_delta: Quantity | None = None
    per_share: Price | None = None
    held: Quantity | None = None
    gross: Money | None = None
    tax: Money | None = None
    net: Money | None = None


@dataclass(frozen=True, slots=True)
class Opening:
    """What the account held when this ledger began: one per instrument or currency."""

    key: str
    money: Money | None
    symbol: str | None
    quantity: Quantity | None
    cost: Price | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A difference booked to core; carries the id of the difference it settles.

    It moves either `money` or, without money, the holding of `symbol` by `quantity`. `by` is who
    decided it: sync for what is below the bound, the owner for anything else.
    """

    item_id: int
    money: Money | None
    at: datetime
    reason: str
    symbol: str | None = None
    quantity: Quantity | None = None
    by: str = "sync"


Fact = Fill | CashFlow | CorporateAction | Opening | Adjustment


def source_key(fact: Fact) -> str:
    """The name of the event at its source; unique in the journal."""
    match fact:
        case Fill():
            return f"fill:{fact.fill_id}"
        case CashFlow():
            return f"flow:{fact.flow_id}"
        case CorporateAction():
            return f"action:{fact.kind}:{fact.action_id}"
        case Opening():
            return f"opening:{fact.key}"
        case Adjustment():
            return f"adjustment:{fact.item_id}"


def happened_at(fact: Fact) -> datetime:
    """The market instant at which it took effect."""
    match fact:
        case Fill():
            return fact.executed_at
        case CashFlow():
            return fact.booked_at
        case CorporateAction():
            return fact.effective_at
        case Opening() | Adjustment():
            return fact.at


@dataclass(frozen=True, slots=True)
class Posting:
    """A signed change of one balance: cash in minor units, or a holding in millionths."""

    account: Literal["cash", "holding"]
    key: str
    delta: int


def postings(fact: Fact) -> tuple[Posting, ...]:
    """What `fact` moves. Trades pay or receive `gross` and pay every fee in its own currency."""
    match fact:
        case Fill():
            return _fill_postings(fact)
        case CashFlow():
            return (Posting("cash", fact.money.currency, fact.money.minor),)
        case CorporateAction():
            if fact.quantity_delta is None:
                return ()
            return (Posting("holding", fact.symbol, fact.quantity_delta.micro),)
        case Opening() | Adjustment():
            return _stated_postings(fact)


def _fill_postings(fill: Fill) -> tuple[Posting, ...]:
    sign = 1 if fill.side == "BUY" else -1
    fees = tuple(Posting("cash", fee.currency, -fee.minor) for fee in fill.fees if fee.minor)
    paid = Posting("cash", fill.gross.currency, -sign * fill.gross.minor)
    if is_pair(fill.symbol):
        base = fill.symbol.split("/")[0]
        # A broker may execute finer than a cent; its own books round to the nearest one too.
        got = Money.half_even(fill.quantity.units, base)
        return (Posting("cash", base, sign * got.minor), paid, *fees)
    return (Posting("holding", fill.symbol, sign * fill.quantity.micro), paid, *fees)


def _stated_postings(fact: Opening | Adjustment) -> tuple[Posting, ...]:
    """Of a fact that states the change of one balance itself."""
    if fact.money is not None:
        return (Posting("cash", fact.money.currency, fact.money.minor),)
    assert fact.symbol is not None
    assert fact.quantity is not None
    return (Posting("holding", fact.symbol, fact.quantity.micro),)


def unbookable(fact: Fact) -> str | None:
    """Why `fact` cannot be booked, None when it can; asked of what comes from outside."""
    if source_key(fact).endswith(":"):
        return "it has no id"
    if happened_at(fact).tzinfo is None:
        return "its instant has no time zone"
    absurd = _absurd(fact)
    if absurd is not None:
        return absurd
    try:
        moved = postings(fact)
    except BadData as error:
        return str(error)
    unknown = [post.key for post in moved if post.account == "cash" and not is_known(post.key)]
    return f"unknown currency {unknown[0]!r}" if unknown else None


def _absurd(fact: Fact) -> str | None:
    """Which figure of `fact` cannot be true; None when all of them can."""
    if any(abs(figure) > MOST for figure in _figures(fact)):
        return f"one of its figures is above {MOST}"
    if not isinstance(fact, Fill):
        return None
    if fact.quantity.micro <= 0 or fact.price.micro <= 0:
        return f"quantity {fact.quantity} and price {fact.price.value} must be above 0"
    if fact.gross.minor < 0:
        return f"{fact.gross.minor} minor units were paid for it, they must not be below 0"
    return None


def _figures(fact: Fact) -> tuple[int, ...]:
    """Everything in `fact` that is counted, in minor units or millionths."""
    match fact:
        case Fill():
            fees = (fee.minor for fee in fact.fees)
            return (fact.quantity.micro, fact.price.micro, fact.gross.minor, *fees)
        case CashFlow():
            return (fact.money.minor,)
        case CorporateAction():
            money = (fact.gross, fact.tax, fact.net)
            units = (fact.quantity_delta, fact.held, fact.per_share)
            return (*(m.minor for m in money if m), *(u.micro for u in units if u))
        case Opening() | Adjustment():
            return tuple(posting.delta for posting in _stated_postings(fact))


def is_pair(symbol: str) -> bool:
    """True for a currency pair such as EUR/USD."""
    return "/" in symbol
