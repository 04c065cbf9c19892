"""What is new in the journal, told as events. Used by sync after every cycle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from datetime import datetime

from actors.intake import FlowTally
from ledger.fact import CashFlow, CorporateAction, Fact, Fill
from ledger.money import Money
from ledger.rate import RateTable
from wire.events import EventRing, EventType, Scalar

News = tuple[EventType, Mapping[str, Scalar]]


def tell(
    events: EventRing,
    facts: Sequence[Fact],
    *,
    flows: FlowTally,
    foreign: Set[str],
    rates: RateTable | None,
    at: datetime,
) -> None:
    """One event for every fact that somebody waits for, and one for the cash flows together.

    `flows` starts anew afterwards. `foreign` are the executions of no order of ours. Values in EUR
    are those of `rates`, missing without them.
    """
    told = [news for fact in facts if (news := _news_of(fact, foreign, rates)) is not None]
    if flows.changed:
        told.append(("CASH_FLOW_SYNC_COMPLETE", _counts(facts, flows, at)))
        flows.changed = 0
    for type_, data in told:
        events.emit(type_, source="sync", at=at, data=data)


def _news_of(fact: Fact, foreign: Set[str], rates: RateTable | None) -> News | None:
    match fact:
        case Fill():
            return "TRADE_EXECUTED", {
                "symbol": fact.symbol,
                "side": fact.side,
                "quantity": str(fact.quantity),
                "value": str(fact.gross.amount),
                "currency": fact.gross.currency,
                "foreign": fact.fill_id in foreign,
            }
        case CashFlow(category="deposit"):
            return "DEPOSIT_PROCESSED", {
                "transaction_id": fact.flow_id,
                "amount": str(fact.money.amount),
                "currency": fact.money.currency,
                "amount_eur": _in_eur(fact.money, rates),
            }
        case CorporateAction(kind="dividend"):
            return "DIVIDEND_CREATED", {"symbol": fact.symbol, "action_id": fact.action_id}
        case _:
            return None


def _in_eur(money: Money, rates: RateTable | None) -> str | None:
    value = None if rates is None else rates.to_eur(money)
    return None if value is None else str(value.amount)


def _counts(facts: Sequence[Fact], flows: FlowTally, at: datetime) -> Mapping[str, Scalar]:
    deposits = [f for f in facts if isinstance(f, CashFlow) and f.category == "deposit"]
    dividends = [f for f in facts if isinstance(f, CorporateAction) and f.kind == "dividend"]
    return {
        "synced_count": flows.changed,
        "deposits_processed": len(deposits),
        "dividends_created": len(dividends),
        "total_from_api": flows.read,
        "completion_timestamp": at.isoformat().replace("+00:00", "Z"),
    }
