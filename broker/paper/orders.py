"""An order as the exchange keeps it, and what the open ones have set aside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from broker.paper.fees import fee_of
from broker.paper.instants import from_ms
from ledger.currency import BASE
from ledger.fact import is_pair
from ledger.money import Money, Price, Quantity, Rounding
from ledger.order import LIVE_AT_BROKER, BrokerOrderState, OrderView, Side
from ledger.rate import RateTable

# Fees are rounded up once for each of at most this many fills.
MOST_FILLS = 5


@dataclass(frozen=True, slots=True)
class PaperOrder:
    """A day order. `match_ms` is when it is next tried, None when it only waits for its end.

    `day` is the session date it belongs to, `expires_ms` that session's close, `cancel_ms` when
    a requested cancellation takes effect, `tries` how often it was matched.
    """

    number: int
    client_order_id: int
    symbol: str
    currency: str
    side: Side
    quantity_micro: int
    limit_micro: int
    day: date
    created_ms: int
    expires_ms: int
    state: BrokerOrderState = "pending"
    filled_micro: int = 0
    tries: int = 0
    match_ms: int | None = None
    cancel_ms: int | None = None
    reason: str | None = None

    @property
    def live(self) -> bool:
        return self.state in LIVE_AT_BROKER

    @property
    def remaining_micro(self) -> int:
        return self.quantity_micro - self.filled_micro

    @property
    def limit(self) -> Price:
        return Price(self.limit_micro, self.currency)


def order_id(number: int) -> str:
    """The public id of an order: as wide as needed to sort as text for a lifetime."""
    return f"P{number:09d}"


def order_number(broker_order_id: str) -> int | None:
    """The number behind a public id; None when it is not one of this exchange."""
    digits = broker_order_id.removeprefix("P")
    if not (digits.isascii() and digits.isdigit()) or order_id(int(digits)) != broker_order_id:
        return None
    return int(digits)


def view_of(order: PaperOrder) -> OrderView:
    return OrderView(
        broker_order_id=order_id(order.number),
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        side=order.side,
        quantity=Quantity(order.quantity_micro),
        filled=Quantity(order.filled_micro),
        limit=order.limit,
        state=order.state,
        reason=order.reason,
        created_at=from_ms(order.created_ms),
    )


def reserved(orders: Iterable[PaperOrder], rates: RateTable) -> Mapping[str, int]:
    """Minor units of each currency that open orders may still need at their limits."""
    total: dict[str, int] = {}
    for order in orders:
        for money in needs(order, rates):
            total[money.currency] = total.get(money.currency, 0) + money.minor
    return total


def needs(order: PaperOrder, rates: RateTable) -> tuple[Money, ...]:
    """The most that the rest of `order` can cost: its value when it pays, and its fees."""
    rest = Quantity(order.remaining_micro)
    if is_pair(order.symbol):
        if order.side == "BUY":
            return (order.limit.times(rest, Rounding.CEIL),)
        return (Money.of(rest.units, order.symbol.split("/")[0]),)
    value = order.limit.times(rest, Rounding.CEIL)
    fee = most_fee(value, first=order.filled_micro == 0, rates=rates)
    return (value, fee) if order.side == "BUY" else (fee,)


def most_fee(value: Money, *, first: bool, rates: RateTable) -> Money:
    """The fee of `value`, however it is split into fills."""
    return fee_of(value, first=first, rates=rates) + Money(MOST_FILLS, BASE)
