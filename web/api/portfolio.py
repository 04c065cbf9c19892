"""/api/portfolio: positions, totals and the history of the value."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Annotated

import msgspec
from msgspec import Meta
from quart import Blueprint, Response

from ledger.currency import BASE
from ledger.money import Money
from ledger.portfolio import PortfolioSnapshot, Position
from ledger.rate import RateTable
from web.asking import query
from web.context import here
from web.encode import amount, fraction, price
from web.errors import not_ready
from web.openapi import describe
from web.ports import DayValue
from web.reply import from_boards, reply

bp = Blueprint("portfolio", __name__, url_prefix="/api/portfolio")


class PositionRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One holding. `currency_rate` is EUR for one unit of `currency`; a missing figure is null."""

    symbol: str
    isin: str
    stock_name: str
    quantity: Decimal
    currency: str
    currency_rate: Decimal | None
    avg_price: Decimal | None
    current_price: Decimal | None
    market_value: Decimal | None
    market_value_eur: Decimal | None
    profit_eur: Decimal | None
    weight: Decimal | None
    industry: str | None
    country: str | None
    fullExchangeName: str  # noqa: N815
    last_updated: datetime | None
    synthetic: bool
    broker: str
    paper: bool


class CashRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    currency: str
    amount: Decimal
    amount_eur: Decimal | None


class Difference(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Books and broker disagree about one balance; figures in minor units or millionths."""

    account: str
    key: str
    books: int
    broker: int
    blocking: bool
    found_at: datetime


class Summary(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Totals in EUR; `allocations` are fractions of the total value by country."""

    total_value: Decimal | None
    cash_balance: Decimal | None
    invested: Decimal | None
    profit_eur: Decimal | None
    reserved_dividends: Decimal
    position_count: int
    allocations: dict[str, Decimal]
    cash: list[CashRow]
    unvalued: list[str]
    differences: list[Difference]
    stale: str | None
    as_of: datetime
    broker: str
    paper: bool


class HistoryQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    days: Annotated[int, Meta(ge=1, le=10_000)] = 90


class HistoryRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Value at the end of one day, in EUR."""

    date: date
    total_value: Decimal | None
    cash_balance: Decimal | None
    paper: bool


def current() -> PortfolioSnapshot:
    """The newest snapshot; raises Problem 503 before the first one."""
    snapshot = here().boards.portfolio.value
    if snapshot is None:
        raise not_ready("the portfolio")
    return snapshot


@bp.get("")
@describe(answer=list[PositionRow])
async def positions() -> Response:
    """Every holding, the most valuable first."""
    snapshot = current()
    web = here()
    return from_boards(
        "positions",
        (web.boards.portfolio, web.boards.trading),
        lambda: position_rows(snapshot, broker=web.broker),
    )


@bp.get("/summary")
@describe(answer=Summary)
async def summary() -> Response:
    """Total value, cash by currency and allocation by country."""
    snapshot = current()
    web = here()
    return from_boards(
        "summary",
        (web.boards.portfolio, web.boards.trading),
        lambda: summarise(snapshot, broker=web.broker),
    )


@bp.get("/history")
@describe(query=HistoryQuery, answer=list[HistoryRow])
async def history() -> Response:
    """The value at the end of each day, newest first."""
    asked = query(HistoryQuery)
    web = here()
    points = await web.views.history(asked.days)
    newest_first = sorted(points, key=lambda point: point.day, reverse=True)
    return reply([_history_row(point, paper=web.paper) for point in newest_first])


def _history_row(point: DayValue, *, paper: bool) -> HistoryRow:
    return HistoryRow(
        date=point.day,
        total_value=amount(point.total),
        cash_balance=amount(point.cash),
        paper=paper,
    )


def position_rows(snapshot: PortfolioSnapshot, *, broker: str) -> list[PositionRow]:
    def worth(position: Position) -> tuple[int, str]:
        value = position.value_eur
        return (0 if value is None else -value.minor, position.security.symbol)

    held = sorted(snapshot.positions, key=worth)
    return [_position_row(position, snapshot=snapshot, broker=broker) for position in held]


def _position_row(position: Position, *, snapshot: PortfolioSnapshot, broker: str) -> PositionRow:
    instrument = position.security.instrument
    return PositionRow(
        symbol=instrument.symbol,
        isin=instrument.isin,
        stock_name=instrument.name,
        quantity=position.quantity.units,
        currency=instrument.currency,
        currency_rate=_rate_to_eur(snapshot.rates, instrument.currency),
        avg_price=price(position.average_cost),
        current_price=price(position.price),
        market_value=amount(position.value),
        market_value_eur=amount(position.value_eur),
        profit_eur=amount(position.profit_eur),
        weight=fraction(position.value_eur, snapshot.total_eur),
        industry=instrument.industry,
        country=instrument.country,
        fullExchangeName=instrument.mic,
        last_updated=position.price_at,
        synthetic=instrument.synthetic,
        broker=broker,
        paper=broker == "paper",
    )


def _rate_to_eur(rates: RateTable, currency: str) -> Decimal | None:
    """EUR for one unit, six decimals; unknown stays None."""
    if currency == BASE:
        return Decimal(1)
    rate = rates.rate(currency, BASE)
    return None if rate is None else rate.value.quantize(Decimal("0.000001"), ROUND_HALF_EVEN)


def summarise(snapshot: PortfolioSnapshot, *, broker: str) -> Summary:
    return Summary(
        total_value=amount(snapshot.total_eur),
        cash_balance=amount(snapshot.cash_eur),
        invested=amount(_invested(snapshot)),
        profit_eur=amount(_sum(snapshot.positions, lambda position: position.profit_eur)),
        reserved_dividends=snapshot.pots_eur.amount,
        position_count=len(snapshot.positions),
        allocations=_by_country(snapshot),
        cash=cash_rows(snapshot),
        unvalued=list(snapshot.unvalued),
        differences=_differences(snapshot),
        stale=snapshot.stale,
        as_of=snapshot.as_of,
        broker=broker,
        paper=broker == "paper",
    )


def _differences(snapshot: PortfolioSnapshot) -> list[Difference]:
    return [
        Difference(
            account=item.account,
            key=item.key,
            books=item.books,
            broker=item.broker,
            blocking=item.blocking,
            found_at=item.found_at,
        )
        for item in snapshot.differences
    ]


def _invested(snapshot: PortfolioSnapshot) -> Money | None:
    if snapshot.total_eur is None or snapshot.cash_eur is None:
        return None
    return snapshot.total_eur - snapshot.cash_eur


def _sum(
    positions: tuple[Position, ...], figure: Callable[[Position], Money | None]
) -> Money | None:
    """The sum of a figure over all positions; None as soon as one of them is unknown."""
    total = Money.zero(BASE)
    for position in positions:
        value = figure(position)
        if value is None:
            return None
        total += value
    return total


def _by_country(snapshot: PortfolioSnapshot) -> dict[str, Decimal]:
    """Fractions of the total value; empty when the total is unknown."""
    sums: dict[str, Money] = {}
    for position in snapshot.positions:
        if position.value_eur is not None:
            country = position.security.instrument.country or "unknown"
            sums[country] = sums.get(country, Money.zero(BASE)) + position.value_eur
    shares = ((name, fraction(sums[name], snapshot.total_eur)) for name in sorted(sums))
    return {name: share for name, share in shares if share is not None}


def cash_rows(snapshot: PortfolioSnapshot) -> list[CashRow]:
    return [
        CashRow(
            currency=cash.money.currency,
            amount=cash.money.amount,
            amount_eur=amount(cash.value_eur),
        )
        for cash in snapshot.cash
    ]
