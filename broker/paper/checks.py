"""What the exchange asks of an order before it takes it. Each refusal says which rule and why."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from broker.paper import tables
from broker.paper.books import Books
from broker.paper.fees import in_currency
from broker.paper.orders import PaperOrder, most_fee, needs, reserved
from broker.paper.world import Terms, World
from ledger.currency import BASE
from ledger.errors import BadData, RejectedByBroker
from ledger.fact import is_pair
from ledger.money import Money, Quantity, Rounding
from ledger.order import OrderDraft
from ledger.rate import RateTable


def check_draft(books: Books, world: World, draft: OrderDraft, now: datetime) -> Terms:
    """What can be said before money is looked at. Raises RejectedByBroker."""
    if tables.tag_is_known(books.db, draft.client_order_id):
        raise RejectedByBroker(
            f"client order id {draft.client_order_id} was used before", broker_code="duplicate_tag"
        )
    terms = world.terms(draft.symbol)
    if terms is None:
        raise RejectedByBroker(f"{draft.symbol} cannot be traded", broker_code="unknown_symbol")
    _check_form(draft, terms)
    if not world.sessions.view(terms.mic, now).is_open:
        raise RejectedByBroker(f"{terms.mic} is closed", broker_code="market_closed")
    if world.board.quote(draft.symbol, now) is None:
        raise RejectedByBroker(f"{draft.symbol} has no quote", broker_code="no_quote")
    return terms


def _check_form(draft: OrderDraft, terms: Terms) -> None:
    if draft.quantity.micro <= 0 or not draft.quantity.is_multiple_of(terms.lot):
        detail = f"quantity {draft.quantity} is not a positive multiple of {terms.lot}"
        raise RejectedByBroker(detail, broker_code="lot")
    if draft.limit.currency != terms.currency:
        detail = f"limit in {draft.limit.currency}, but {draft.symbol} trades in {terms.currency}"
        raise RejectedByBroker(detail, broker_code="currency")
    if draft.limit.micro <= 0 or draft.limit.micro % terms.tick.micro:
        detail = f"limit {draft.limit} is not a positive multiple of {terms.tick}"
        raise RejectedByBroker(detail, broker_code="tick")


def check_cover(books: Books, world: World, order: PaperOrder, now: datetime) -> None:
    """Money for a buy and units for a sale, net of what open orders hold. No margin."""
    try:
        rates = world.rates.at(now)
        if not is_pair(order.symbol) and order.side == "SELL":
            _check_units(books, order)
            _check_sale_fee(books, order, rates)
        else:
            _check_money(books, needs(order, rates), rates)
    except BadData as error:
        raise RejectedByBroker(str(error), broker_code="no_rate") from error


def _check_units(books: Books, order: PaperOrder) -> None:
    selling = sum(
        other.remaining_micro
        for other in books.orders.values()
        if other.symbol == order.symbol and other.side == "SELL"
    )
    free = books.account.held(order.symbol) - selling
    if free < order.quantity_micro:
        detail = f"{Quantity(free)} {order.symbol} free to sell, {Quantity(order.quantity_micro)}"
        raise RejectedByBroker(f"{detail} asked", broker_code="insufficient_position")


def _check_money(books: Books, wanted: Iterable[Money], rates: RateTable) -> None:
    """Every currency covers its part; two parts in one currency are added up."""
    taken = dict(reserved(books.orders.values(), rates))
    for money in wanted:
        taken[money.currency] = taken.get(money.currency, 0) + money.minor
        if books.account.balance(money.currency) < taken[money.currency]:
            free = books.account.balance(money.currency) - taken[money.currency] + money.minor
            detail = f"insufficient funds: {money} needed, {Money(free, money.currency)} free"
            raise RejectedByBroker(detail, broker_code="insufficient_funds")


def _check_sale_fee(books: Books, order: PaperOrder, rates: RateTable) -> None:
    """EUR cover the fee, or the proceeds do."""
    proceeds = order.limit.times(Quantity(order.quantity_micro), Rounding.FLOOR)
    fee = most_fee(proceeds, first=True, rates=rates)
    free = books.account.balance(BASE) - reserved(books.orders.values(), rates).get(BASE, 0)
    if free >= fee.minor or proceeds >= in_currency(fee, order.currency, rates):
        return
    detail = f"insufficient funds: neither EUR nor the proceeds cover the fee of {fee}"
    raise RejectedByBroker(detail, broker_code="insufficient_funds")
