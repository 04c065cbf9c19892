"""/api/cash-flows: money in and out that is no trade, what it adds up to, and reading it anew."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import Meta
from quart import Blueprint, Response

from ledger.cash_flow import STATUS_CODES
from ledger.currency import BASE
from ledger.fact import FlowCategory
from ledger.money import Money
from store.flow_views import CashFlowRow, FlowSummary, Total
from web.asking import query
from web.context import here
from web.encode import amount
from web.errors import Problem, invalid
from web.openapi import describe
from web.reply import reply
from wire.messages import RunJob

ASK_DEADLINE_S = 10.0
_CODES = {status: code for code, status in STATUS_CODES.items()}
_RATE_STEP = Decimal("0.00000001")
bp = Blueprint("cash_flows", __name__, url_prefix="/api/cash-flows")


class FlowsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Every filter narrows the others; both days are included; without `limit` all are shown."""

    limit: Annotated[int, Meta(ge=1, le=10_000)] | None = None
    transaction_type: Annotated[str, Meta(min_length=1, max_length=80)] | None = None
    start_date: date | None = None
    end_date: date | None = None


class CashFlowView(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One transaction in its newest version; `amount` is positive for money that came in.

    `supersedes` is the id of the version it replaced. `amount_eur` uses the rate of the day,
    `rate_used` EUR for one unit of `currency`; both are null when no rate of that day is known.
    """

    id: int
    transaction_id: str
    type_doc_id: int | None
    transaction_type: str | None
    category: str
    date: date
    amount: Decimal
    currency: str
    amount_eur: Decimal | None
    rate_used: Decimal | None
    rate_source: str | None
    status: str
    status_c: int
    symbol: str | None
    reference: str | None
    description: str | None
    created_at: datetime
    updated_at: datetime
    processed_at: datetime | None
    supersedes: int | None


class FlowTypeTotal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`total` is signed, in EUR, and null when a rate is not known."""

    count: int
    total: Decimal | None


class FlowCurrencyTotal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """In the currency itself; `total` is signed, the others like those of the summary."""

    count: int
    total: Decimal
    deposits: Decimal
    withdrawals: Decimal
    net_cash_flow: Decimal
    dividends: Decimal
    fees: Decimal
    taxes: Decimal
    interest: Decimal


class CashFlowSummary(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Completed flows in EUR at the rates of their days; commissions of trades are not among them.

    Withdrawals, fees and taxes are positive when money was paid. A total that needs a rate that is
    not known is null, and `unknown_rates` names the currencies.
    """

    total_transactions: int
    by_type: dict[str, FlowTypeTotal]
    total_deposits: Decimal | None
    total_withdrawals: Decimal | None
    net_cash_flow: Decimal | None
    dividends: Decimal | None
    fees: Decimal | None
    taxes: Decimal | None
    interest: Decimal | None
    by_currency: dict[str, FlowCurrencyTotal]
    unknown_rates: list[str]


class SyncStarted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The run that reads the broker; its record says what came of it."""

    status: str
    message: str
    job: str
    run_id: str


@bp.get("")
@describe(query=FlowsQuery, answer=list[CashFlowView])
async def cash_flows() -> Response:
    """Cash flows in every status, newest day first."""
    asked = query(FlowsQuery)
    if asked.start_date and asked.end_date and asked.start_date > asked.end_date:
        message = "must not be after end_date"
        value = asked.start_date.isoformat()
        raise invalid([{"field": "start_date", "value": value, "message": message}])
    rows = await here().views.flows.recent(
        asked.limit,
        type_=asked.transaction_type,
        first=asked.start_date,
        last=asked.end_date,
    )
    return reply([_row(row) for row in rows])


@bp.get("/summary")
@describe(answer=CashFlowSummary)
async def summary() -> Response:
    """What all completed cash flows add up to."""
    return reply(_summary(await here().views.flows.summary()))


@bp.post("/sync")
@describe(accepted=SyncStarted)
async def sync() -> Response:
    """Read the broker now: cash flows, and with them everything else that sync reads."""
    return await _start()


@bp.get("/sync")
@describe(accepted=SyncStarted)
async def sync_by_get() -> Response:
    """The same as POST, for old clients; it needs the bearer token, a session is not enough."""
    return await _start()


async def _start() -> Response:
    web = here()
    link = web.boards.link.value
    if link is not None and not link.connected:
        raise Problem(503, "broker_unavailable", link.last_error or "the broker does not answer")
    run = await web.asks.schedule.ask(RunJob("sync", "api"), deadline_s=ASK_DEADLINE_S)
    started = SyncStarted("accepted", "the broker is being read", run.job, run.run_id)
    return reply(started, status=202)


def _row(row: CashFlowRow) -> CashFlowView:
    flow = row.flow
    return CashFlowView(
        id=row.id,
        transaction_id=flow.transaction_id,
        type_doc_id=flow.type_doc_id,
        transaction_type=flow.type or None,
        category=flow.category,
        date=row.day,
        amount=flow.money.amount,
        currency=flow.money.currency,
        amount_eur=amount(row.in_eur),
        rate_used=None if row.rate is None else row.rate.value.quantize(_RATE_STEP),
        rate_source=None if row.rate is None else row.rate.source,
        status=flow.status,
        status_c=_CODES[flow.status],
        symbol=flow.symbol,
        reference=flow.reference,
        description=flow.description or None,
        created_at=row.created_at,
        updated_at=row.updated_at,
        processed_at=row.processed_at,
        supersedes=row.supersedes,
    )


def _summary(found: FlowSummary) -> CashFlowSummary:
    deposits, withdrawals = _in_eur(found, "deposit"), _in_eur(found, "withdrawal")
    both = None if deposits is None or withdrawals is None else deposits + withdrawals
    both = None if deposits is None or withdrawals is None else deposits + withdrawals
    return CashFlowSummary(
        total_transactions=found.count,
        by_type=_by_type(found.by_type),
        total_deposits=amount(deposits),
        total_withdrawals=amount(_paid(withdrawals)),
        net_cash_flow=amount(both),
        dividends=amount(_in_eur(found, "dividend")),
        fees=amount(_paid(_in_eur(found, "fee"))),
        taxes=amount(_paid(_in_eur(found, "tax"))),
        interest=amount(_in_eur(found, "interest")),
        by_currency={
            currency: _currency(currency, found.counts[currency], sums)
            for currency, sums in sorted(found.native.items())
        },
        unknown_rates=list(found.unknown),
    )


def _by_type(totals: Mapping[str, Total]) -> dict[str, FlowTypeTotal]:
    return {
        name: FlowTypeTotal(count=total.count, total=amount(total.in_eur))
        for name, total in sorted(totals.items())
    }


def _in_eur(found: FlowSummary, category: FlowCategory) -> Money | None:
    """Nothing of a category is zero; something of unknown value is None."""
    total = found.by_category.get(category)
    return Money.zero(BASE) if total is None else total.in_eur


def _paid(money: Money | None) -> Money | None:
    return None if money is None else -money


def _currency(currency: str, count: int, sums: Mapping[FlowCategory, int]) -> FlowCurrencyTotal:
    def added(categories: Iterable[FlowCategory], sign: int = 1) -> Decimal:
        return Money(sign * sum(sums.get(one, 0) for one in categories), currency).amount

    return FlowCurrencyTotal(
        count=count,
        total=added(sums),
        deposits=added(["deposit"]),
        withdrawals=added(["withdrawal"], -1),
        net_cash_flow=added(["deposit", "withdrawal"]),
        dividends=added(["dividend"]),
        fees=added(["fee"], -1),
        taxes=added(["tax"], -1),
        interest=added(["interest"]),
    )
