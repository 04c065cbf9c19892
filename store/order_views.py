"""What the web and the client show of orders: the list, and one order with its whole story."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ledger.errors import Missing
from ledger.money import Money, Price, Quantity, Rounding, divide
from ledger.order import TERMINAL, UNRESOLVED, Intent, OrderClass, OrderState
from store.codec import from_json, from_ms
from store.engine import Engine, Row, Tx, Value
from store.order_queries import OrderEvent, event_of, intents

_LIST = """
WHERE (:state IS NULL OR state = :state)
    AND (:order_class IS NULL OR order_class = :order_class)
    AND (:key IS NULL OR (order_class = 'manual' AND source_id = 'key:' || :key))
    AND (:before_id IS NULL OR intent_id < :before_id)
    AND (:symbol IS NULL OR symbol = :symbol OR security_id IN
        (SELECT security_id FROM security WHERE isin = :symbol)
        OR symbol = (SELECT symbol FROM symbol_name WHERE name = :symbol))
ORDER BY intent_id DESC LIMIT :limit
"""
_EVENTS = "SELECT * FROM order_event WHERE intent_id = ? ORDER BY event_id"
_FILLS = """
SELECT f.*, (SELECT json_group_array(json_array(minor, currency)) FROM fill_fee e
    WHERE e.fact_seq = f.fact_seq) AS fees
FROM fill f WHERE intent_id = ? ORDER BY executed_ms, fact_seq
"""
_OF_STEP = """
WHERE order_class IN ('planner', 'fx') AND source_id = ? AND step = ? AND NOT EXISTS (
    SELECT 1 FROM plan_step s WHERE s.plan_id = source_id AND s.number = step
        AND s.state IN ('proposed', 'approved'))
ORDER BY attempt DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class OrderQuery:
    """Which orders, newest first. `symbol` may be an ISIN; `key` is the one an owner's order was
    sent with; `before_id` continues below that intent.
    """

    limit: int
    state: OrderState | None = None
    symbol: str | None = None
    order_class: OrderClass | None = None
    key: str | None = None
    before_id: int | None = None


@dataclass(frozen=True, slots=True)
class OrderFill:
    """One execution of an order; `trade_id` is its number in the list of trades."""

    trade_id: int
    quantity: Quantity
    price: Price
    gross: Money
    fees: tuple[Money, ...]
    executed_at: datetime


@dataclass(frozen=True, slots=True)
class OrderStory:
    """An order with everything that happened to it, oldest first."""

    intent: Intent
    events: tuple[OrderEvent, ...]
    fills: tuple[OrderFill, ...]

    @property
    def average_price(self) -> Price | None:
        """What a unit cost on average, to a millionth; None before the first execution."""
        return average_price(self.fills)

    @property
    def cancelable(self) -> bool:
        """Whether the broker can be asked to withdraw it."""
        state = self.intent.state
        sent = self.intent.client_order_id is not None
        return sent and state not in TERMINAL | UNRESOLVED


def average_price(fills: Sequence[OrderFill]) -> Price | None:
    units = sum(fill.quantity.micro for fill in fills)
    if units == 0:
        return None
    paid = sum(fill.quantity.micro * fill.price.micro for fill in fills)
    return Price(divide(paid, units, Rounding.HALF_EVEN), fills[0].price.currency)


class OrderViews:
    def __init__(self, ledger: Engine) -> None:
        self._ledger = ledger

    async def orders(self, query: OrderQuery) -> tuple[Intent, ...]:
        """Intents in every state, newest first."""
        params: dict[str, Value] = {
            "limit": query.limit,
            "state": query.state,
            "symbol": query.symbol,
            "order_class": query.order_class,
            "key": query.key,
            "before_id": query.before_id,
        }
        return await self._ledger.read(lambda tx: intents(tx, _LIST, params))

    async def order(self, number: int) -> OrderStory:
        """By client order id; one that was never sent goes by its intent id. Raises Missing."""
        tail = "WHERE client_order_id = ? OR (client_order_id IS NULL AND intent_id = ?)"
        found = await self._ledger.read(lambda tx: _story(tx, tail, number, number))
        if found is None:
            raise Missing(f"there is no order {number}")
        return found

    async def order_of_step(self, plan_id: str, step: int) -> OrderStory | None:
        """The order that a step of a plan became; None while it waits (again)."""
        return await self._ledger.read(lambda tx: _story(tx, _OF_STEP, plan_id, step))


async def _story(tx: Tx, tail: str, *params: Value) -> OrderStory | None:
    found = await intents(tx, tail, params)
    if not found:
        return None
    intent_id = found[0].intent_id
    events = [event_of(row) for row in await tx.all(_EVENTS, (intent_id,))]
    fills = [_fill_of(row) for row in await tx.all(_FILLS, (intent_id,))]
    return OrderStory(found[0], tuple(events), tuple(fills))


def _fill_of(row: Row) -> OrderFill:
    fees: Sequence[tuple[int, str]] = from_json(row["fees"], tuple[tuple[int, str], ...])
    return OrderFill(
        trade_id=row["fact_seq"],
        quantity=Quantity(row["quantity_micro"]),
        price=Price(row["price_micro"], row["price_currency"]),
        gross=Money(row["gross_minor"], row["gross_currency"]),
        fees=tuple(Money(minor, currency) for minor, currency in fees),
        executed_at=from_ms(row["executed_ms"]),
    )
