"""An order as JSON: the row of a list, and the whole story of one."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from ledger.money import Money
from ledger.order import Intent, Verdict
from store.order_queries import OrderEvent
from store.order_views import OrderFill, OrderStory
from web.encode import amount, price


class Fee(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    amount: Decimal
    currency: str


class VerdictRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a gate that stopped the order said; nothing is known about `retry_after` when null."""

    gate: str
    detail: str
    retry_after: datetime | None


class GateRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one gate said; `forced` when it said no and the owner had named it."""

    gate: str
    passed: bool
    forced: bool
    detail: str
    retry_after: datetime | None


class OrderRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An intent and what became of it. Money in `currency`, `value_eur` informational."""

    intent_id: int
    client_order_id: int | None
    broker_order_id: str | None
    order_class: str
    bucket_id: str
    symbol: str
    side: str
    quantity: Decimal
    filled: Decimal
    currency: str
    limit: Decimal | None
    value_eur: Decimal | None
    state: str
    in_flight: bool
    mode: str
    reason: str
    error: str | None
    blocked_by: list[VerdictRow]
    proposed_at: datetime
    submitted_at: datetime | None
    retry_after: datetime | None
    broker: str
    paper: bool


class EventRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One step of an order's life in market time; `before` equals `after` for a note."""

    at: datetime
    before: str | None
    after: str
    note: str
    verdicts: list[GateRow]


class FillRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One execution; `trade_id` is its id in the list of trades."""

    trade_id: int
    quantity: Decimal
    price: Decimal | None
    value: Decimal | None
    currency: str
    fees: list[Fee]
    executed_at: datetime


class OrderDetail(OrderRow, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The order with everything that happened to it, oldest first.

    `verdicts` are those of the last time the gates spoke. `source_id` is the plan, dividend run
    or key it came from. `reserved` and `reserved_fee` were set aside when it was sent.
    """

    source_id: str
    step: int
    force: list[str]
    decision_price: Decimal | None
    asked_limit: Decimal | None
    average_price: Decimal | None
    reserved: Fee | None
    reserved_fee: Fee | None
    cancelable: bool
    verdicts: list[GateRow]
    events: list[EventRow]
    fills: list[FillRow]


def order_row(intent: Intent, *, broker: str) -> OrderRow:
    return OrderRow(**_columns(intent, broker))


def detail(story: OrderStory, *, broker: str) -> OrderDetail:
    intent, proposal = story.intent, story.intent.proposal
    spoken = [event.verdicts for event in story.events if event.verdicts]
    return OrderDetail(
        **_columns(intent, broker),
        source_id=proposal.source_id,
        step=proposal.step,
        force=sorted(proposal.force),
        decision_price=price(proposal.decision_price),
        asked_limit=price(proposal.asked_limit),
        average_price=price(story.average_price),
        reserved=_money(intent.reserved),
        reserved_fee=_money(intent.reserved_fee),
        cancelable=story.cancelable,
        verdicts=[gate_row(verdict) for verdict in (spoken[-1] if spoken else ())],
        events=[_event(event) for event in story.events],
        fills=[_fill(fill) for fill in story.fills],
    )


def _columns(intent: Intent, broker: str) -> dict[str, Any]:
    proposal = intent.proposal
    return {
        "intent_id": intent.intent_id,
        "client_order_id": intent.client_order_id,
        "broker_order_id": intent.broker_order_id,
        "order_class": proposal.order_class,
        "bucket_id": proposal.bucket_id,
        "symbol": proposal.symbol,
        "side": proposal.side,
        "quantity": proposal.quantity.units,
        "filled": intent.filled.units,
        "currency": proposal.currency,
        "limit": price(intent.limit),
        "value_eur": amount(proposal.value_eur),
        "state": intent.state.value,
        "in_flight": intent.in_flight,
        "mode": intent.mode,
        "reason": proposal.reason,
        "error": intent.error,
        "blocked_by": [verdict_row(verdict) for verdict in intent.blocked_by],
        "proposed_at": intent.proposed_at,
        "submitted_at": intent.submitted_at,
        "retry_after": intent.retry_after,
        "broker": broker,
        "paper": broker == "paper",
    }


def verdict_row(verdict: Verdict) -> VerdictRow:
    return VerdictRow(gate=verdict.gate, detail=verdict.detail, retry_after=verdict.retry_after)


def gate_row(verdict: Verdict) -> GateRow:
    return GateRow(
        gate=verdict.gate,
        passed=verdict.passed,
        forced=verdict.forced,
        detail=verdict.detail,
        retry_after=verdict.retry_after,
    )


def _event(event: OrderEvent) -> EventRow:
    return EventRow(
        at=event.at,
        before=None if event.before is None else event.before.value,
        after=event.after.value,
        note=event.note,
        verdicts=[gate_row(verdict) for verdict in event.verdicts],
    )


def _fill(fill: OrderFill) -> FillRow:
    return FillRow(
        trade_id=fill.trade_id,
        quantity=fill.quantity.units,
        price=price(fill.price),
        value=amount(fill.gross),
        currency=fill.gross.currency,
        fees=[Fee(amount=fee.amount, currency=fee.currency) for fee in fill.fees],
        executed_at=fill.executed_at,
    )


def _money(money: Money | None) -> Fee | None:
    return None if money is None else Fee(amount=money.amount, currency=money.currency)
