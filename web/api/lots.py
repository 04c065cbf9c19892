"""/api/portfolio/lots and the lots of a sale: what a holding cost, under four methods."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import Meta
from quart import Blueprint, Response

from ledger.errors import BadData, Missing
from ledger.lot import Lot, LotBook, LotReport, Pick, Sale
from ledger.money import Money, Quantity
from web.asking import body, query
from web.context import here
from web.encode import amount, price
from web.errors import invalid
from web.guard import asked_by
from web.openapi import describe
from web.reply import reply
from wire.ledger_asks import ChooseLots, Lots

ASK_DEADLINE_S = 10.0
MOST_TRADES = 2**53
# Digits before and after the point that a quantity may have.
MOST_DIGITS = 12
bp = Blueprint("lots", __name__, url_prefix="/api")


class LotsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`symbol` may be an ISIN; 409 when several active listings have it."""

    symbol: Annotated[str, Meta(min_length=1, max_length=40)]


class LotRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is left of one purchase. `cost` and `unit_cost` include its fees, in `currency`.

    All three are null when the cost is not known.
    """

    lot: str
    opened_at: datetime
    quantity: Decimal
    cost: Decimal | None
    unit_cost: Decimal | None
    currency: str | None


class TakenRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    lot: str
    quantity: Decimal
    cost: Decimal | None


class SaleRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One sale, net of its fees, in `currency`; `gain` is null when a cost is not known.

    `trade_id` is null for shares that left without a trade.
    """

    trade_id: int | None
    sold_at: datetime
    quantity: Decimal
    proceeds: Decimal | None
    cost: Decimal | None
    gain: Decimal | None
    currency: str | None
    taken: list[TakenRow]


class MethodRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`average_cost` is per share, over the lots that are left."""

    quantity: Decimal
    average_cost: Decimal | None
    lots: list[LotRow]
    sales: list[SaleRow]


class PickBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    lot: Annotated[str, Meta(min_length=1, max_length=200)]
    quantity: Decimal


class ChosenRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the owner chose for one sale."""

    trade_id: int
    picks: list[PickBody]


class LotsAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One symbol: `chosen` takes the lots in `choices` and the oldest for the rest."""

    symbol: str
    fifo: MethodRow
    average: MethodRow
    highest_cost: MethodRow
    chosen: MethodRow
    choices: list[ChosenRow]
    broker: str
    paper: bool


class ChooseBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The lots a sale took; none takes an earlier choice back. `confirm` must be true."""

    picks: Annotated[list[PickBody], Meta(max_length=100)]
    confirm: bool


@bp.get("/portfolio/lots")
@describe(query=LotsQuery, answer=LotsAnswer)
async def lots() -> Response:
    """The lots and the realised gains of one symbol under every method."""
    asked = query(LotsQuery)
    report = await here().asks.sync.ask(Lots(asked.symbol), deadline_s=ASK_DEADLINE_S)
    return reply(_answer(report))


@bp.put("/trades/<int:trade_id>/lots")
@describe(body=ChooseBody, answer=LotsAnswer)
async def choose(trade_id: int) -> Response:
    """Name the lots that a sale took."""
    asked = await body(ChooseBody)
    if not asked.confirm:
        raise invalid([{"field": "confirm", "value": False, "message": "choosing needs true"}])
    if trade_id > MOST_TRADES:
        raise Missing(f"there is no sale {trade_id}")
    picks = tuple(_pick(number, pick) for number, pick in enumerate(asked.picks))
    request = ChooseLots(trade_id, picks, confirm=True, by=asked_by())
    return reply(_answer(await here().asks.sync.ask(request, deadline_s=ASK_DEADLINE_S)))


def _pick(number: int, pick: PickBody) -> Pick:
    field, shown = f"picks[{number}].quantity", str(pick.quantity)[:40]
    exponent = pick.quantity.as_tuple().exponent
    bounded = isinstance(exponent, int) and -MOST_DIGITS <= exponent <= MOST_DIGITS
    if not bounded or pick.quantity.adjusted() >= MOST_DIGITS:
        raise invalid([{"field": field, "value": shown, "message": "must be a quantity"}])
    try:
        return Pick(pick.lot, Quantity.of(pick.quantity))
    except BadData as error:
        raise invalid([{"field": field, "value": shown, "message": str(error)}]) from None


def _answer(report: LotReport) -> LotsAnswer:
    web, books = here(), {name: _method(report, book) for name, book in report.books.items()}
    return LotsAnswer(
        symbol=report.symbol,
        fifo=books["fifo"],
        average=books["average"],
        highest_cost=books["highest_cost"],
        chosen=books["chosen"],
        choices=[
            ChosenRow(
                trade_id=report.trade_ids[fill_id],
                picks=[PickBody(lot=p.lot_key, quantity=p.quantity.units) for p in picks],
            )
            for fill_id, picks in report.choices.items()
        ],
        broker=web.broker,
        paper=web.paper,
    )


def _method(report: LotReport, book: LotBook) -> MethodRow:
    return MethodRow(
        quantity=book.quantity.units,
        average_cost=price(book.average_cost),
        lots=[_lot(lot) for lot in book.lots],
        sales=[_sale(report, sale) for sale in book.sales],
    )


def _lot(lot: Lot) -> LotRow:
    return LotRow(
        lot=lot.key,
        opened_at=lot.opened_at,
        quantity=lot.quantity.units,
        cost=amount(lot.cost),
        unit_cost=price(lot.unit_cost),
        currency=_currency(lot.cost),
    )


def _sale(report: LotReport, sale: Sale) -> SaleRow:
    return SaleRow(
        trade_id=None if sale.fill_id is None else report.trade_ids.get(sale.fill_id),
        sold_at=sale.sold_at,
        quantity=sale.quantity.units,
        proceeds=amount(sale.proceeds),
        cost=amount(sale.cost),
        gain=amount(sale.gain),
        currency=_currency(sale.proceeds or sale.cost),
        taken=[
            TakenRow(lot=part.key, quantity=part.quantity.units, cost=amount(part.cost))
            for part in sale.taken
        ],
    )


def _currency(money: Money | None) -> str | None:
    return None if money is None else money.currency
