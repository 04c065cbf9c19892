"""What one decision about an order may look at, and the money arithmetic behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal

from ledger.account import AccountSnapshot
from ledger.bucket import Bucket
from ledger.currency import exponent, is_known
from ledger.fact import Fill, is_pair
from ledger.halt import Latch
from ledger.money import Money, Price, Quantity, Rounding, divide
from ledger.order import Intent, Mode, OrderView, Proposal, Side
from ledger.portfolio import BookDifference, Position
from ledger.quote import Quote
from ledger.rate import RateTable
from ledger.security import FxPair, Security
from ledger.trade_history import TradeHistory
from policy.limits import Limits
from policy.pricing import LimitPrice


@dataclass(frozen=True, slots=True)
class GateContext:
    """Everything one decision may look at. None means: could not be read.

    `in_flight` are our other orders that may be live, by our word or by the broker's.
    `fee` is the worst-case fee of this order in the currency charged. `reserves` is what each
    currency must keep; a currency without an entry has no known rate. `reserved` is cash already
    promised to live orders. `books_cash` is minor units by currency, `books_held` the quantity of
    the symbol by our own facts, `unbooked` the executions that these do not hold yet, `position`
    what is held as it was last valued. `proposed_at` is when
    the decision was made. `closes_at` is the next closing bell of the exchange itself, that of a
    lunch break included. `clock_skew` is how far our market time is from the broker's clock,
    `equity_change` what the account gained since the last day as a fraction, `zone` where the
    owner's calendar days begin. `mean_close` is the mean of the security's last 30 closes in whole
    units, None when that many are not known.
    """

    proposal: Proposal
    proposed_at: datetime
    mode: Mode | None
    latches: tuple[Latch, ...] | None
    now: datetime
    now_s: float
    account: AccountSnapshot | None
    open_orders: tuple[OrderView, ...] | None
    in_flight: tuple[Intent, ...]
    security: Security | None
    pair: FxPair | None
    quote: Quote | None
    limit: LimitPrice
    market_open: bool | None
    next_open: datetime | None
    closes_at: datetime | None
    books_cash: Mapping[str, int]
    books_held: Quantity
    unbooked: tuple[Fill, ...] | None
    reserved: Mapping[str, int]
    reserves: Mapping[str, Money]
    fee: Money | None
    total_eur: Money | None
    rates: RateTable
    differences: tuple[BookDifference, ...]
    bucket: Bucket | None
    clock_skew: timedelta | None
    position: Position | None
    history: TradeHistory
    equity_change: Decimal | None
    zone: tzinfo
    limits: Limits
    mean_close: float | None = None

    @property
    def fx(self) -> bool:
        return is_pair(self.proposal.symbol)

    @property
    def lot(self) -> Quantity | None:
        if self.fx:
            return self.pair.lot if self.pair else None
        return self.security.instrument.lot if self.security else None

    @property
    def value_eur(self) -> Money | None:
        """The order at its limit price; None without a limit or a rate."""
        price = self.limit.price
        if price is None:
            return None
        return self.rates.to_eur(price.times(self.proposal.quantity, Rounding.CEIL))


def clock_skew(before: datetime, broker: datetime, after: datetime) -> timedelta:
    """How far the broker's clock is from ours, which was read before and after asking for it."""
    return max(before - broker, broker - after, timedelta(0))


def no_worse_than(asked: Price, side: Side, found: LimitPrice, tick: Price) -> LimitPrice:
    """The limit by the rules, or the owner's own on its tick where that is the more careful one."""
    if found.price is None:
        return found
    if asked.currency != found.price.currency:
        return LimitPrice(None, f"a limit of {asked} was asked for, not in {tick.currency}")
    if side == "BUY":
        price = min(found.price, asked.floor_to_tick(tick))
    else:
        price = max(found.price, asked.ceil_to_tick(tick))
    if price.micro <= 0:
        return LimitPrice(None, f"the asked limit {asked} is below a tick of {tick}")
    return LimitPrice(price, f"{found.detail}; asked for {asked}, so {price}")


def worst_cost(proposal: Proposal, price: Price) -> Money:
    """What an order takes out of one currency at its limit; a sale of shares takes nothing."""
    if proposal.side == "BUY":
        return price.times(proposal.quantity, Rounding.CEIL)
    if is_pair(proposal.symbol):
        return base_of(proposal.symbol, proposal.quantity)
    return Money.zero(price.currency)


def least_brought(proposal: Proposal, price: Price) -> Money:
    """What a conversion brings at its limit, before its fee."""
    if proposal.side == "SELL":
        return price.times(proposal.quantity, Rounding.FLOOR)
    return base_of(proposal.symbol, proposal.quantity, Rounding.FLOOR)


def base_of(pair: str, quantity: Quantity, rounding: Rounding = Rounding.CEIL) -> Money:
    """`quantity` of a pair as money of its base; what a sale takes is rounded against us."""
    base = pair.split("/", maxsplit=1)[0]
    return Money(divide(quantity.micro, 10 ** (6 - exponent(base)), rounding), base)


def foreign_reservations(
    open_orders: tuple[OrderView, ...],
    ours: tuple[Intent, ...],
    fee_of: Callable[[str, Money], Money],
) -> dict[str, int]:
    """Cash promised to live orders that are not ours, in minor units by currency.

    `fee_of` a symbol and what is paid for it is what the broker takes besides.
    """
    known = {intent.client_order_id for intent in ours}
    promised: dict[str, int] = {}
    for order in open_orders:
        foreign = order.client_order_id is None or order.client_order_id not in known
        cost = _rest_of(order) if order.live and foreign else None
        if cost is None:
            continue
        for money in (cost, fee_of(order.symbol, cost)):
            promised[money.currency] = promised.get(money.currency, 0) + money.minor
    return promised


def _rest_of(order: OrderView) -> Money | None:
    """What is still open of an order can take this; None when it brings money or has no limit.

    None, too, in a currency that is not known: there is none of it that we could spend.
    """
    rest = order.quantity - order.filled
    if order.side == "SELL":
        pays = is_pair(order.symbol) and is_known(order.symbol.split("/", maxsplit=1)[0])
        return base_of(order.symbol, rest) if pays else None
    if order.limit is None or not is_known(order.limit.currency):
        return None
    return order.limit.times(rest, Rounding.CEIL)
