"""Plain values for the client: money as decimal text, instants in RFC 3339."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ledger.decision import Decision
from ledger.halt import Latch
from ledger.money import Money
from ledger.order import Intent, Verdict
from ledger.portfolio import Cash, PortfolioSnapshot, Position
from ledger.run import RunRecord
from store.order_queries import OrderEvent
from store.order_views import OrderFill, OrderStory
from wire.health import Beat
from wire.messages import DisplayState, JobView


def instant_of(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="seconds").replace("+00:00", "Z")


def money_of(money: Money | None) -> str | None:
    return None if money is None else f"{money.amount:f}"


def portfolio_of(portfolio: PortfolioSnapshot | None) -> dict[str, Any]:
    """Totals, cash and positions; without a portfolio only why there is none."""
    if portfolio is None:
        return {"total_eur": None, "cash": [], "positions": [], "stale": "no portfolio yet"}
    return {
        "total_eur": money_of(portfolio.total_eur),
        "cash_eur": money_of(portfolio.cash_eur),
        "cash": [_cash(cash) for cash in portfolio.cash],
        "positions": [_position(position) for position in portfolio.positions],
        "stale": portfolio.stale,
        "differences": [
            f"{item.account} {item.key}: books {item.books}, broker {item.broker}"
            for item in portfolio.differences
        ],
    }


def _cash(cash: Cash) -> dict[str, Any]:
    return {
        "currency": cash.money.currency,
        "amount": money_of(cash.money),
        "value_eur": money_of(cash.value_eur),
    }


def _position(position: Position) -> dict[str, Any]:
    price = position.price
    return {
        "symbol": position.security.symbol,
        "name": position.security.instrument.name,
        "quantity": str(position.quantity),
        "price": f"{price.value.normalize():f}" if price else None,
        "currency": position.security.currency,
        "value_eur": money_of(position.value_eur),
        "profit_eur": money_of(position.profit_eur),
    }


def actor_of(beat: Beat) -> dict[str, Any]:
    return {
        "actor": beat.actor,
        "state": beat.state,
        "rank": beat.rank,
        "restarts": beat.restarts,
        "note": beat.note,
    }


def latch_of(latch: Latch) -> dict[str, Any]:
    return {"name": latch.name, "reason": latch.reason, "set_at": instant_of(latch.set_at)}


def run_of(record: RunRecord) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "job": record.job,
        "status": record.status.value,
        "trigger": record.trigger,
        "reason": record.reason,
        "requested_at": instant_of(record.requested_at),
        "market_at": instant_of(record.market_at),
        "started_at": instant_of(record.started_at),
        "ended_at": instant_of(record.ended_at),
        "duration_ms": record.duration_ms,
        "error": record.error,
        "result": record.result,
    }


def job_of(view: JobView) -> dict[str, Any]:
    return {
        "job": view.job,
        "schedule": view.schedule,
        "next_due": instant_of(view.next_due),
        "progress": view.progress,
        "consecutive_failures": view.consecutive_failures,
        "last": None if view.last is None else run_of(view.last),
    }


def order_of(intent: Intent) -> dict[str, Any]:
    proposal = intent.proposal
    return {
        "status": intent.state.value,
        "intent_id": intent.intent_id,
        "client_order_id": intent.client_order_id,
        "state": intent.state.value,
        "side": proposal.side,
        "symbol": proposal.symbol,
        "quantity": str(proposal.quantity),
        "filled": str(intent.filled),
        "limit": str(intent.limit) if intent.limit else None,
        "order_class": proposal.order_class,
        "mode": intent.mode,
        "reason": proposal.reason,
        "proposed_at": instant_of(intent.proposed_at),
        "submitted_at": instant_of(intent.submitted_at),
        "retry_after": instant_of(intent.retry_after),
        "error": intent.error,
        "blocked_by": [
            {"gate": v.gate, "detail": v.detail, "retry_after": instant_of(v.retry_after)}
            for v in intent.blocked_by
        ],
    }


def story_of(story: OrderStory) -> dict[str, Any]:
    spoken = [event.verdicts for event in story.events if event.verdicts]
    average = story.average_price
    return {
        **order_of(story.intent),
        "cancelable": story.cancelable,
        "average_price": str(average) if average else None,
        "events": [_event(event) for event in story.events],
        "verdicts": [_verdict(verdict) for verdict in (spoken[-1] if spoken else ())],
        "fills": [_fill(fill) for fill in story.fills],
    }


def _event(event: OrderEvent) -> dict[str, Any]:
    before = None if event.before is None else event.before.value
    after = event.after.value
    return {"at": instant_of(event.at), "before": before, "after": after, "note": event.note}


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "gate": verdict.gate,
        "passed": verdict.passed,
        "forced": verdict.forced,
        "detail": verdict.detail,
        "retry_after": instant_of(verdict.retry_after),
    }


def _fill(fill: OrderFill) -> dict[str, Any]:
    return {
        "executed_at": instant_of(fill.executed_at),
        "quantity": str(fill.quantity),
        "price": str(fill.price),
        "value": str(fill.gross),
        "fees": [str(fee) for fee in fill.fees],
    }


def decision_of(decision: Decision) -> dict[str, Any]:
    return {
        "id": decision.decision_id,
        "kind": decision.kind,
        "title": decision.title,
        "detail": decision.detail,
        "choices": [{"choice": one.choice, "effect": one.effect} for one in decision.choices],
        "since": instant_of(decision.since),
    }


def display_of(shown: DisplayState) -> dict[str, Any]:
    return {
        "text": shown.text,
        "mode": shown.mode,
        "pool": shown.pool,
        "rows": shown.rows,
        "columns": shown.columns,
        "pixels": shown.pixels,
        "led3": list(shown.led3),
        "led4": list(shown.led4),
        "driver": shown.driver,
        "connected": shown.connected,
        "last_error": shown.last_error,
    }
