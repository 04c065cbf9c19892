"""/api/portfolio: positions, totals and the history of the value."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Annotated

import msgspec
from msgspec import Meta
from quart import Blueprint, Response

from ledger.allocation import AllocationBook, Groups
from ledger.currency import BASE
from ledger.day_return import day_return
from ledger.money import Money
from ledger.opinion import Opinions
from ledger.placement import grouped
from ledger.portfolio import PortfolioSnapshot, Position
from ledger.rate import RateTable
from ledger.weights import countries_of, values_by, weights
from web.api.opinion_rows import EndStateRow, HealthRow, end_state_row, health_row
from web.asking import query
from web.context import here
from web.encode import amount, fraction, price
from web.errors import not_ready
from web.openapi import describe
from web.ports import DayValue
from web.reply import from_boards, reply

bp = Blueprint("portfolio", __name__, url_prefix="/api/portfolio")
_RETURN_STEP = Decimal("0.00000001")


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
    """Totals in EUR. `allocations` are fractions of the total value, by the owner's groups of
    countries or, without any, by country; empty while a value is not known. `invested` is what the
    positions are worth. `health` and `end_state` are those of the last scoring, null before the
    first one and while the total value is not known.
    """

    total_value: Decimal | None
    cash_balance: Decimal | None
    invested: Decimal | None
    profit_eur: Decimal | None
    reserved_dividends: Decimal
    position_count: int
    allocations: dict[str, Decimal]
    health: HealthRow | None
    end_state: EndStateRow | None
    cash: list[CashRow]
    unvalued: list[str]
    differences: list[Difference]
    stale: str | None
    as_of: datetime
    broker: str
    paper: bool


class HistoryQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """So many days up to today."""

    days: Annotated[int, Meta(ge=1, le=3650)] = 90


class HistoryRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One day at its end, in EUR; what was not known is null.

    `flow` is what came (+) or went (-) since the row before, deposits less withdrawals;
    `daily_return` the fraction that was earned since then: the change of the value without the
    flow, on the value of before. `invested_value` is what the positions have cost and
    `unrealized_pnl` what they gained on that. Shares of regions are not kept: how countries are
    grouped now need not be how they were then.
    """

    date: date
    total_value: Decimal | None
    cash_balance: Decimal | None
    invested_value: Decimal | None
    unrealized_pnl: Decimal | None
    position_count: int
    flow: Decimal | None
    daily_return: Decimal | None
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
    """Total value, cash by currency and allocation by country or group."""
    snapshot = current()
    web = here()
    boards = web.boards
    book = boards.allocation.value or AllocationBook()
    return from_boards(
        "summary",
        (boards.portfolio, boards.trading, boards.allocation, boards.opinions),
        lambda: summarise(snapshot, book, boards.opinions.value, broker=web.broker),
    )


@bp.get("/history")
@describe(query=HistoryQuery, answer=list[HistoryRow])
async def history() -> Response:
    """The value at the end of each day, newest first."""
    asked = query(HistoryQuery)
    web = here()
    first = web.clock.market_now().date() - timedelta(days=asked.days - 1)
    days = await web.views.history(first)
    return reply(history_rows(days, first, paper=web.paper))


def history_rows(days: Sequence[DayValue], first: date, *, paper: bool) -> list[HistoryRow]:
    """Newest first; a day before `first` only tells what the next one is compared with."""
    before = (None, *days)[: len(days)]
    rows = [
        _history_row(day, earlier, paper=paper) for day, earlier in zip(days, before, strict=True)
    ]
    return [row for row in reversed(rows) if row.date >= first]


def _history_row(day: DayValue, before: DayValue | None, *, paper: bool) -> HistoryRow:
    base = None if before is None else before.total
    earned = day_return(base, day.total, day.flow)
    return HistoryRow(
        date=day.day,
        total_value=amount(day.total),
        cash_balance=amount(day.cash),
        invested_value=amount(day.invested),
        unrealized_pnl=amount(day.profit),
        position_count=day.positions,
        flow=amount(day.flow),
        daily_return=None if earned is None else earned.quantize(_RETURN_STEP, ROUND_HALF_EVEN),
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
        symbol=position.security.name_now,
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
        fullExchangeName=position.security.exchange_name or instrument.mic,
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


def summarise(
    snapshot: PortfolioSnapshot, book: AllocationBook, thought: Opinions | None, *, broker: str
) -> Summary:
    return Summary(
        total_value=amount(snapshot.total_eur),
        cash_balance=amount(snapshot.cash_eur),
        invested=amount(_invested(snapshot)),
        profit_eur=amount(snapshot.profit_eur),
        reserved_dividends=snapshot.pots_eur.amount,
        position_count=len(snapshot.positions),
        allocations=_allocations(snapshot, book.country),
        health=health_row(thought),
        end_state=end_state_row(thought),
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


def _allocations(snapshot: PortfolioSnapshot, groups: Groups) -> dict[str, Decimal]:
    """Fractions of the total value; empty when the total is unknown."""
    values = values_by(snapshot.positions, countries_of)
    if groups.members:
        values = grouped(values, groups)
    found = weights(values, snapshot.total_eur, None, groups.members)
    shares = ((one.name, fraction(one.value, snapshot.total_eur)) for one in found)
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
