"""One try of one order against the market, and what it does to the books."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from broker.paper import tables
from broker.paper.books import Books, Moment
from broker.paper.fees import fee_of, in_currency
from broker.paper.instants import from_ms, to_ms
from broker.paper.matching import bar_price, next_try, pair_price, slice_of
from broker.paper.orders import PaperOrder, reserved
from broker.paper.rates import publication
from broker.paper.sessions import FX, next_open_moment
from broker.paper.tables import FillRow
from broker.paper.world import World
from ledger.currency import BASE
from ledger.fact import is_pair
from ledger.money import Money, Price, Quantity, Rounding
from ledger.order import BrokerOrderState
from ledger.rate import RateTable


@dataclass(frozen=True, slots=True)
class _Trade:
    quantity_micro: int
    price_micro: int


def match(books: Books, world: World, order: PaperOrder, moment: Moment) -> None:
    """Fill what the market gives now, and arrange the next try if there may be one."""
    trade = _trade(world, order, from_ms(moment.ms))
    tried = replace(order, tries=order.tries + 1, state=_working(order), match_ms=None)
    with books.event(moment):
        if trade is None:
            books.order(replace(tried, match_ms=_later(world, tried, moment.ms)))
            return
        row = _row(books, world, order, trade, moment.ms)
        if not _affordable(books, row):
            books.order(_again(world, tried, moment.ms))
            return
        filled = order.filled_micro + trade.quantity_micro
        done = filled == order.quantity_micro
        state: BrokerOrderState = "filled" if done else "partially_filled"
        after = replace(tried, filled_micro=filled, state=state)
        books.order(after if done else _again(world, after, moment.ms))
        books.fill(row)


def _working(order: PaperOrder) -> BrokerOrderState:
    return "partially_filled" if order.filled_micro else "active"


def _trade(world: World, order: PaperOrder, now: datetime) -> _Trade | None:
    if is_pair(order.symbol):
        quote = world.board.quote(order.symbol, now)
        price = None if quote is None else pair_price(order, quote)
        return None if price is None else _Trade(order.remaining_micro, price)
    bar = world.market.bar_on(order.symbol, order.day)
    price = None if bar is None else bar_price(order, bar)
    if bar is None or price is None:
        return None
    taken = slice_of(order, bar, world.lot(order.symbol).micro)
    return _Trade(taken, price) if taken else None


def _again(world: World, order: PaperOrder, now_ms: int) -> PaperOrder:
    session = world.sessions.of(world.mic(order.symbol), order.day)
    return replace(order, match_ms=next_try(world.seed, order, now_ms, session))


def _later(world: World, order: PaperOrder, now_ms: int) -> int | None:
    """A bar does not change within its day; a pair moves when the next rate is published."""
    if not is_pair(order.symbol):
        return None
    now = from_ms(now_ms)
    news = publication(now.replace(hour=23, minute=59))
    moment = next_open_moment(world.sessions.of(FX, order.day), news) if news > now else None
    return None if moment is None else to_ms(moment)


def _row(books: Books, world: World, order: PaperOrder, trade: _Trade, now_ms: int) -> FillRow:
    price = Price(trade.price_micro, order.currency)
    rounding = Rounding.CEIL if order.side == "BUY" else Rounding.FLOOR
    gross = price.times(Quantity(trade.quantity_micro), rounding)
    fee = _fee(books, world.rates.at(from_ms(now_ms)), order, gross)
    return FillRow(
        number=tables.next_number(books.db, "fills"),
        order_number=order.number,
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        currency=order.currency,
        side=order.side,
        quantity_micro=trade.quantity_micro,
        price_micro=trade.price_micro,
        gross_minor=gross.minor,
        fee_minor=fee.minor,
        fee_currency=fee.currency,
        executed_ms=now_ms,
        settles_ms=to_ms(world.sessions.settlement(world.mic(order.symbol), order.day)),
    )


def _fee(books: Books, rates: RateTable, order: PaperOrder, gross: Money) -> Money:
    """In EUR; a sale that meets too little free EUR pays out of its proceeds."""
    if is_pair(order.symbol):
        return Money.zero(BASE)
    fee = fee_of(gross, first=order.filled_micro == 0, rates=rates)
    if order.side == "BUY" or order.currency == fee.currency:
        return fee
    others = (other for other in books.orders.values() if other.number != order.number)
    free = books.account.balance(fee.currency) - reserved(others, rates).get(fee.currency, 0)
    return fee if free >= fee.minor else in_currency(fee, order.currency, rates)


def _affordable(books: Books, row: FillRow) -> bool:
    """No fill leaves less than nothing of what it takes."""
    selling = row.side == "SELL" and not is_pair(row.symbol)
    if selling and books.account.held(row.symbol) < row.quantity_micro:
        return False
    moved: dict[str, int] = {}
    for money in row.movements():
        moved[money.currency] = moved.get(money.currency, 0) + money.minor
    return all(
        minor >= 0 or books.account.balance(currency) + minor >= 0
        for currency, minor in moved.items()
    )


def expire(books: Books, order: PaperOrder, moment: Moment) -> None:
    """The close of its session ends every day order."""
    with books.event(moment):
        books.order(replace(order, state="expired", match_ms=None, reason="end of the session"))


def withdraw(books: Books, order: PaperOrder, moment: Moment) -> None:
    """A requested cancellation takes effect on what is still open."""
    with books.event(moment):
        books.order(replace(order, state="cancelled", match_ms=None, reason="cancelled on request"))
