"""An intent between its row and its value."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

from ledger.errors import Missing
from ledger.money import Money, Price, Quantity
from ledger.order import Intent, Mode, OrderState, Proposal, Verdict
from store.codec import (
    from_json,
    from_ms,
    maybe_instant,
    maybe_money,
    maybe_price,
    to_json,
    to_ms,
)
from store.engine import Row, Tx, Value

# Intents kept as values: more than the trader shows, so that one that changed is all that is new.
DECODED = 256

_INSERT = """
INSERT INTO intent (
    order_class, source_id, step, attempt, bucket_id, symbol, security_id, side, quantity_micro,
    currency, decision_micro, decision_currency, value_minor, value_currency, reason, force,
    mode, state, proposed_ms, asked_limit_micro)
VALUES (
    :order_class, :source_id, :step, :attempt, :bucket_id, :symbol, :security_id, :side,
    :quantity_micro, :currency, :decision_micro, :decision_currency, :value_minor,
    :value_currency, :reason, :force, :mode, 'proposed', :proposed_ms,
    :asked_limit_micro)
"""


async def insert_intent(tx: Tx, proposal: Proposal, mode: Mode, at: datetime) -> int:
    value, asked = proposal.value_eur, proposal.asked_limit
    params: dict[str, Value] = {
        "order_class": proposal.order_class,
        "source_id": proposal.source_id,
        "step": proposal.step,
        "attempt": proposal.attempt,
        "bucket_id": proposal.bucket_id,
        "symbol": proposal.symbol,
        "security_id": proposal.security_id,
        "side": proposal.side,
        "quantity_micro": proposal.quantity.micro,
        "currency": proposal.currency,
        "decision_micro": proposal.decision_price.micro,
        "decision_currency": proposal.decision_price.currency,
        "value_minor": None if value is None else value.minor,
        "value_currency": None if value is None else value.currency,
        "reason": proposal.reason,
        "force": to_json(sorted(proposal.force)),
        "mode": mode,
        "proposed_ms": to_ms(at),
        "asked_limit_micro": None if asked is None else asked.micro,
    }
    return await tx.insert(_INSERT, params)


async def load_intent(tx: Tx, intent_id: int) -> Intent:
    """The intent with this number; raises Missing."""
    row = await tx.one("SELECT * FROM intent WHERE intent_id = ?", (intent_id,))
    if row is None:
        raise Missing(f"there is no order {intent_id}")
    return intent_of(row)


@lru_cache(maxsize=DECODED)
def intent_of(row: Row) -> Intent:
    """Rows of equal content are the same intent: most were read a moment ago, too."""
    return Intent(
        intent_id=row["intent_id"],
        proposal=_proposal_of(row),
        state=OrderState(row["state"]),
        mode=row["mode"],
        proposed_at=from_ms(row["proposed_ms"]),
        client_order_id=row["client_order_id"],
        limit=maybe_price(row, "limit_micro", "limit_currency"),
        reserved=maybe_money(row, "reserved_minor", "reserved_currency"),
        reserved_fee=maybe_money(row, "reserved_fee_minor", "reserved_fee_currency"),
        submitted_at=maybe_instant(row["submitted_ms"]),
        submitted_machine_ms=row["submitted_machine_ms"],
        broker_order_id=row["broker_order_id"],
        filled=Quantity(row["filled_micro"]),
        error=row["error"],
        retry_after=maybe_instant(row["retry_after_ms"]),
        blocked_by=from_json(row["blocked_by"], tuple[Verdict, ...]),
    )


def _proposal_of(row: Row) -> Proposal:
    return Proposal(
        order_class=row["order_class"],
        source_id=row["source_id"],
        step=row["step"],
        attempt=row["attempt"],
        bucket_id=row["bucket_id"],
        symbol=row["symbol"],
        security_id=row["security_id"],
        side=row["side"],
        quantity=Quantity(row["quantity_micro"]),
        currency=row["currency"],
        decision_price=Price(row["decision_micro"], row["decision_currency"]),
        value_eur=maybe_money(row, "value_minor", "value_currency"),
        reason=row["reason"],
        force=from_json(row["force"], frozenset[str]),
        asked_limit=maybe_price(row, "asked_limit_micro", "decision_currency"),
    )


def money_columns(prefix: str, money: Money) -> dict[str, Value]:
    """The two columns `<prefix>_minor` and `<prefix>_currency`."""
    return {f"{prefix}_minor": money.minor, f"{prefix}_currency": money.currency}


def price_columns(prefix: str, price: Price) -> dict[str, Value]:
    return {f"{prefix}_micro": price.micro, f"{prefix}_currency": price.currency}
